"""The whole chain on loopback: simulator, exporter, both versions of Prometheus and Alertmanager, a webhook receiver.

The rules are the shipped ones on a time scale of 60 (an hour is a minute), the routes and inhibitions those of
``prometheus/examples/alertmanager.yml`` with the receiver's URL and without its waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.simulated import demo_target
from exporter.simulator import RealClock, Run, Simulator, Trigger, World
from exporter.simulator.clock import SECOND
from exporter.simulator.generate import Profile
from exporter.simulator.model import whole_seconds
from exporter.simulator.schedules import Every, Once
from tests.real.alertmanager import Alertmanager, Notified, Receiver, alertmanager_binaries
from tests.real.binaries import PROMETHEUS_MAJORS, ROOT, prometheus_binaries
from tests.real.exporter import ExporterProcess
from tests.real.prometheus import Prometheus
from tests.real.waiting import wait_for
from tools import rules
from tools.rules.text import SHIPPED

TIME_SCALE: Final = 60
DUE_SECONDS: Final = 20
"""When the one schedule is due, after the start of the world: the exporter must have seen it before."""

EXAMPLE: Final = ROOT / "prometheus" / "examples" / "alertmanager.yml"


def routes_to(url: str) -> dict[str, Any]:
    """The example's configuration with webhooks below ``url``, and notifications at once."""
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    _hurry(config["route"])
    used = [receiver for receiver in config["receivers"] if "webhook_configs" in receiver]
    for receiver in used:
        receiver["webhook_configs"][0]["url"] = f"{url}/{receiver['name']}"
    return {"route": config["route"], "inhibit_rules": config["inhibit_rules"], "receivers": used}


def _hurry(route: dict[str, Any]) -> None:
    route |= {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"}
    for child in route.get("routes", ()):
        _hurry(child)


def small_world(start: int) -> World:
    """A busy routine, one with a single schedule, an action and an agent; times in microseconds."""
    world = World(seed=1, history_start=start)
    steady = Profile(schedule=Every(SECOND), wait=0, duration=1, failures=0, cancellations=0)
    routine = replace(
        steady,
        trigger_type="custom",
        trigger_name="main",
        attempt_source="event_fire",
        action_type="invoke_agent_responses_api",
    )
    details = {"provider": "contoso", "event_name": "received", "parameters": {}}
    triggers = {"main": Trigger("custom", details=details)}
    world.add_workload("foundry", "ticket-triage", triggers=triggers, agent="agent-0", at=start, profile=routine)
    due = start + DUE_SECONDS * SECOND
    world.add_workload(
        "foundry",
        "nightly-report",
        triggers={"nightly": Trigger("timer", at=due)},
        agent="agent-0",
        at=start,
        profile=replace(routine, schedule=Once(due), trigger_type="schedule", trigger_name="nightly"),
    )
    world.add_workload("roboto", "ingest", at=start, profile=steady)
    world.add_workload("moderately", "assistant", at=start, profile=steady)
    return world


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything that runs, and short ways to use it."""

    simulator: Simulator
    exporter: ExporterProcess
    prometheus: Mapping[str, Prometheus]
    receiver: Receiver
    start: int

    def begin(self, name: str, platform: str, workload: str | None = None) -> None:
        """Start an incident of the simulator, until it is ended."""
        self.simulator.world.incidents.start(name, self.simulator.clock(), None, platform, workload)  # type: ignore[arg-type]

    def end(self, name: str) -> None:
        """End an incident."""
        self.simulator.world.incidents.stop(self.simulator.clock(), name)  # type: ignore[arg-type]

    def deliver_late(self) -> Run:
        """The run of the schedule that was missed comes after all."""
        now = whole_seconds(self.simulator.clock())
        return self.simulator.world.add_run(
            "foundry",
            "nightly-report",
            triggered=now,
            scheduled=self.start + DUE_SECONDS * SECOND,
            started=now,
            ended=now + SECOND,
            trigger_type="schedule",
            trigger_name="nightly",
            attempt_source="schedule_delivery",
        )

    def expect(self, status: str, receiver: str, alert: str, *, within: float, **labels: str) -> list[Notified]:
        """Wait until both Alertmanagers have sent such a notification."""

        def come() -> list[Notified] | None:
            found = [
                self.receiver.notified(f"/{major}/{receiver}", status, alert, **labels) for major in self.prometheus
            ]
            return [each for each in found if each is not None] if None not in found else None

        what = f"{receiver} is told by both that {alert} {labels} is {status}"
        return wait_for(come, what, within=within, details=self._details)

    def _details(self) -> str:
        states = []
        for major, each in self.prometheus.items():
            alerts = sorted((s.labels["alertname"], s.labels["alertstate"]) for s in each.query("ALERTS"))
            states.append(f"Prometheus {major}: {alerts}")
        return "\n".join((*states, self.receiver.told(), self.exporter.log_tail()))


def configuration(simulator: Simulator, base_url: str, folder: Path) -> dict[str, Any]:
    """The exporter's configuration: three targets, two owners, a tier."""
    endpoints = simulator.endpoints(base_url)
    targets = [
        demo_target("foundry", endpoints["foundry"], simulator.credentials)
        | {"name": "support", "labels": {"team": "support"}},
        demo_target("roboto", endpoints["roboto"], simulator.credentials)
        | {"name": "fleet", "labels": {"team": "perception", "tier": "2"}},
        demo_target("moderately", endpoints["moderately"], simulator.credentials)
        | {"name": "agents", "labels": {"team": "support"}},
    ]
    return {
        "targets": targets,
        "defaults": {
            "interval": "2s",
            "jitter": 0,
            "timeout": "2s",
            "zero_hold": "2s",
            "schedule_grace": "1m",
            "requests_per_minute": 6000,
        },
        "workloads": [
            {"match": {"workload": "nightly-*"}, "labels": {"team": "data", "tier": "1"}},
            # nine of ten runs fail in a burst: well above 14.4 times a budget of 4 %
            {"match": {"workload": "ticket-triage"}, "objective": {"success_ratio": 0.96}},
        ],
        "state": str(folder / "state.db"),
    }


@contextlib.contextmanager
def running_chain(folder: Path) -> Iterator[Chain]:
    """Start everything; it ends with the context."""
    clock = RealClock()
    start = whole_seconds(clock())
    simulator = Simulator(small_world(start), clock=clock)
    rule_files = []
    for path in rules.FILES:
        copy = folder / Path(path).name
        copy.write_text(rules.page(path, replace(SHIPPED, time_scale=TIME_SCALE)))
        rule_files.append(str(copy))
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        server = stack.enter_context(simulator.serve())
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(configuration(simulator, server.base_url, folder)))
        exporter = stack.enter_context(ExporterProcess(("run", f"--config.file={config}"), folder / "exporter"))
        servers = {}
        for major in PROMETHEUS_MAJORS:
            alertmanager = stack.enter_context(
                Alertmanager(
                    alertmanager_binaries(major), folder / f"alertmanager-{major}", routes_to(f"{receiver.url}/{major}")
                )
            )
            alerting = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address]}]}]}
            servers[major] = stack.enter_context(
                Prometheus(
                    prometheus_binaries(major),
                    folder / f"prometheus-{major}",
                    {"automation": [exporter.address]},
                    config={"rule_files": rule_files, "alerting": alerting},
                )
            )
        yield Chain(simulator, exporter, servers, receiver, start)
