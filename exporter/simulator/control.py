"""The control endpoint of the server: what tests, chaos runs and people switch and ask for, as JSON.

    GET    /_simulator/time                            the world's time in microseconds
    GET    /_simulator/faults                          what there is, what is on, how often each was used
    POST   /_simulator/faults    {"name": ..., ...}    switch on: platform, path, times, after, probability, options
    DELETE /_simulator/faults[?name=|?number=]         switch off, without parameters all
    GET    /_simulator/incidents                       what there is and what is on
    POST   /_simulator/incidents {"name": ..., ...}    switch on: seconds, platform, workload
    DELETE /_simulator/incidents[?name=]               stop
    GET    /_simulator/truth?platform=[&since=&until=&baseline=]   totals by series, active runs
    DELETE /_simulator/baselines                       the next good answers start new baselines: a reader begins anew
    GET    /_simulator/log[?platform=]                 the access log
    POST   /_simulator/rest                            no new generated runs from now on; DELETE: go on
    POST   /_simulator/runs {"platform": ..., "workload": ..., "outcome": "failed", "seconds": 1}
                                                       a run that starts now; a new name is a new workload

It needs no credentials: it listens on loopback and there is nothing to protect.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from exporter.simulator.clock import SECOND
from exporter.simulator.faults import catalogue
from exporter.simulator.incidents import INCIDENTS
from exporter.simulator.messages import Json, Request, Response, parse_json
from exporter.simulator.model import whole_seconds
from exporter.simulator.truth import active_runs, truth

if TYPE_CHECKING:
    from exporter.simulator.simulator import Simulator


class Control:
    """Answers below ``/_simulator/``; a bad request is a 400 with a sentence."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def answer(self, request: Request, now: int) -> Response:  # noqa: PLR0911, PLR0912  one return a route
        """Do what was asked at world time ``now``."""
        body = parse_json(request.body) if request.body else {}
        if not isinstance(body, dict):
            return Response(400, {"error": "the body must be a JSON object"})
        try:
            match request.method, request.segments[1:]:
                case "GET", ["time"]:
                    return Response(payload={"now": now})
                case "GET", ["faults"]:
                    return Response(payload=self._faults())
                case "POST", ["faults"]:
                    return Response(payload=self._simulator.faults.on(**_flat(body)).as_json())
                case "DELETE", ["faults"]:
                    return self._faults_off(request.parameters)
                case "GET", ["incidents"]:
                    return Response(payload=self._incidents(now))
                case "POST", ["incidents"]:
                    return self._start_incident(body, now)
                case "DELETE", ["incidents"]:
                    self._simulator.world.incidents.stop(now, request.parameters.get("name"))  # type: ignore[arg-type]
                    return Response(payload=self._incidents(now))
                case "GET", ["truth"]:
                    return self._truth(request.parameters, now)
                case "POST" | "DELETE", ["rest"]:
                    end = now if request.method == "POST" else None
                    self._simulator.world.end_at(end)
                    return Response(payload={"end": end})
                case "DELETE", ["baselines"]:
                    self._simulator.forget_baselines()
                    return Response(payload={})
                case "POST", ["runs"]:
                    return self._add_run(body, now)
                case "GET", ["log"]:
                    return Response(payload=self._log(request.parameters.get("platform")))
        except (ValueError, TypeError, KeyError) as error:
            return Response(400, {"error": str(error)})
        return Response(404, {"error": "there are time, faults, incidents, truth, baselines, log, rest and runs"})

    def _faults(self) -> Json:
        board = self._simulator.faults
        return {
            "catalogue": {
                name: {"description": fault.description, "options": fault.options}
                for name, fault in catalogue().items()
            },
            "on": [switch.as_json() for switch in board.switches],
            "used": dict(board.used),
        }

    def _faults_off(self, parameters: dict[str, str]) -> Response:
        board = self._simulator.faults
        if "name" in parameters or "number" in parameters:
            number = parameters.get("number")
            board.off(parameters.get("name"), None if number is None else int(number))
        else:
            board.clear()
        return Response(payload={"on": [switch.as_json() for switch in board.switches]})

    def _incidents(self, now: int) -> Json:
        active = self._simulator.world.incidents.active(now)
        return {"catalogue": list(INCIDENTS), "on": [asdict(incident) for incident in active]}

    def _start_incident(self, body: Json, now: int) -> Response:
        seconds = body.get("seconds")
        incident = self._simulator.world.incidents.start(
            body["name"],
            now,
            None if seconds is None else round(seconds * SECOND),
            body.get("platform"),
            body.get("workload"),
        )
        return Response(payload=asdict(incident))

    def _truth(self, parameters: dict[str, str], now: int) -> Response:
        platform = next((p for p in self._simulator.endpoints() if p == parameters.get("platform")), None)
        if platform is None:
            return Response(400, {"error": f"platform must be one of {', '.join(self._simulator.endpoints())}"})
        until = int(parameters.get("until", now))
        baseline = int(parameters["baseline"]) if "baseline" in parameters else self._simulator.baseline(platform)
        if "since" in parameters:
            found = truth(self._simulator.world, platform, int(parameters["since"]), until, baseline)
        else:
            found = self._simulator.totals(platform, until)
        active = active_runs(self._simulator.world, platform, until)
        return Response(
            payload={
                "platform": platform,
                "baseline": baseline,
                "until": until,
                "samples": found.as_json(),
                "active": [{"labels": dict(labels), "value": number} for labels, number in active.items()],
            }
        )

    def _add_run(self, body: Json, now: int) -> Response:
        """Write a run that starts at the next whole second, so that every wire format tells its times exactly."""
        platform = body["platform"]
        if platform not in self._simulator.endpoints():
            return Response(400, {"error": f"platform must be one of {', '.join(self._simulator.endpoints())}"})
        start = whole_seconds(now) + SECOND
        run = self._simulator.world.add_run(
            platform,
            body["workload"],
            created=start,
            triggered=start,
            started=start,
            ended=start + round(body.get("seconds", 1)) * SECOND,
            outcome=body.get("outcome", "completed"),
        )
        return Response(payload={"id": run.id, "start": start, "end": run.settled_at})

    def _log(self, platform: str | None) -> Json:
        entries = self._simulator.log if platform is None else self._simulator.log.of(platform)
        return [asdict(entry) for entry in entries]


def _flat(body: dict[str, Json]) -> dict[str, Json]:
    """The arguments of ``FaultBoard.on``: the fault's options may stand in ``options`` or beside the rest."""
    options = body.pop("options", {})
    return {**body, **options}
