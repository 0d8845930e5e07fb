"""Short ways to build worlds and to ask their faces, for the tests of the simulator."""

from __future__ import annotations

from typing import Any

import httpx

from exporter.simulator import ManualClock, Simulator, World
from exporter.simulator.clock import HOUR, MINUTE, SECOND, iso, micros

NOON = micros("2026-03-02T12:00:00")
"""When most tests take place; a Monday."""

__all__ = ["HOUR", "MINUTE", "NOON", "SECOND", "Asker", "iso", "micros"]


class Asker:
    """A simulator on a manual clock, with one call per thing that tests ask it for."""

    def __init__(self, world: World | None = None, now: int = NOON) -> None:
        self.world = world or World()
        self.clock = ManualClock(now)
        self.simulator = Simulator(self.world, clock=self.clock)
        self.client = httpx.Client(transport=self.simulator.transport())
        self.endpoints = self.simulator.endpoints()

    def roboto(self, path: str, *, headers: Any = None, **parameters: str) -> httpx.Response:
        """GET from Roboto with the good token."""
        good = {"Authorization": f"Bearer {self.simulator.credentials.roboto_token}"}
        return self.client.get(self.endpoints["roboto"] + path, params=parameters, headers={**good, **(headers or {})})

    def roboto_post(self, path: str, body: Any) -> httpx.Response:
        """POST JSON to Roboto with the good token."""
        good = {"Authorization": f"Bearer {self.simulator.credentials.roboto_token}"}
        return self.client.post(self.endpoints["roboto"] + path, json=body, headers=good)

    def stats(self, since: int, until: int) -> dict[str, tuple[int, int, int]]:
        """Statistics over a window: (completed, failed, queued) by owner/name."""
        response = self.roboto("/v1/actions/invocations/org-stats", start_time=iso(since), end_time=iso(until))
        response.raise_for_status()
        return {
            f"{item['action_org_id']}/{item['action_name']}": (
                item["completed_count"],
                item["fail_count"],
                item["queued_count"],
            )
            for item in response.json()["data"]["items"]
        }

    def foundry(self, path: str, *, headers: Any = None, **parameters: str) -> httpx.Response:
        """GET from Foundry with the good token and the API version."""
        good = {"Authorization": f"Bearer {self.simulator.credentials.foundry_token}"}
        return self.client.get(
            self.endpoints["foundry"] + path,
            params={"api-version": "v1", **parameters},
            headers={**good, **(headers or {})},
        )

    def granite(self, **question: str) -> httpx.Response:
        """Ask Granite its one question, with the good key."""
        good = {"X-Granite-API-Key": self.simulator.credentials.granite_api_key}
        return self.client.post(self.endpoints["granite"] + "/api/analytics/batch", json=question, headers=good)

    def moderately(self, path: str, **parameters: str) -> httpx.Response:
        """GET from Moderately with the good key, for the one team."""
        good = {"Authorization": f"Bearer {self.simulator.credentials.moderately_api_key}"}
        team = {"teamIds": self.simulator.credentials.moderately_team_id}
        return self.client.get(self.endpoints["moderately"] + path, params={**team, **parameters}, headers=good)

    def runs(self, routine: str, limit: int = 100) -> list[dict[str, Any]]:
        """All runs of a routine, newest first, page by page."""
        response = self.foundry(f"/routines/{routine}/runs", limit=str(limit), order="desc")
        found: list[dict[str, Any]] = []
        while True:
            response.raise_for_status()
            page = response.json()
            found += page["data"]
            if not page["next_link"]:
                return found
            good = {"Authorization": f"Bearer {self.simulator.credentials.foundry_token}"}
            response = self.client.get(page["next_link"], headers=good)
