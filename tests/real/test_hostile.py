"""Upstreams that turned hostile try everything at once, while the other targets of the same process stay exact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter.simulated import demo_target
from exporter.simulator import Credentials, ManualClock, Platform, Simulator, demo_world
from exporter.times import SECOND, SystemClock
from tests.exposition.parsers import parse_openmetrics
from tests.hostile.deck import CANARY, DECK
from tests.hostile.upstream import HostileUpstream
from tests.leaks import leaks
from tests.real.binaries import Binaries
from tests.real.live import AT_ONCE, COUNTED, Key, ServiceProcess, key_of, write_configuration
from tests.real.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.nightly, pytest.mark.xdist_group("hostile")]

PLATFORMS: tuple[Platform, ...] = ("roboto", "foundry", "granite", "moderately")
TARGETS = 5
"""Hostile targets of each platform."""
MEBIBYTE = 1 << 20
MOST_MEMORY = 400 * MEBIBYTE
"""What the process may ever have held: 24 targets, of which 20 read up to 4 MiB at a time, twice when it is joined."""
LONGEST = 200 * SECOND
"""How far the honest world goes on: an upstream whose clock is further off is not believed."""
PACE = {"interval": "3s", "zero_hold": "0s", "requests_per_minute": 6000}
HOSTILE = {
    "interval": "1s",
    "timeout": "700ms",
    "max_response_bytes": "4MiB",
    "max_workloads": 50,
    "max_label_values": 10,
}
UNNAMED = "automation_schedule_missed_total"
"""Judged by the clock, not counted from what is listed."""


@dataclass(frozen=True)
class Siege:
    """What is left when all was tried."""

    service: ServiceProcess
    honest: Simulator
    hostile: HostileUpstream
    text: str
    openmetrics: str


def secret(platform: str, number: int) -> str:
    """The credential of a hostile target, which knows it."""
    return f"example+{platform}/word={number}&canary"


def hostile_targets(upstream: HostileUpstream) -> Iterator[dict[str, Any]]:
    """Yield what is configured of them."""
    for platform, endpoint in upstream.endpoints().items():
        for number in range(TARGETS):
            target = demo_target(platform, endpoint, Credentials())
            for key in ("token", "api_key"):
                if key in target:
                    target[key] = secret(platform, number)
            if platform == "foundry":
                target["auth"] = {"kind": "token", "token": secret(platform, number)}
            yield target | {"name": f"hostile-{platform}-{number}"} | HOSTILE


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """One process with honest and hostile targets, until every attack met every platform."""
    folder = tmp_path_factory.mktemp("siege")
    now = SystemClock().now().wall
    upstream = HostileUpstream(Simulator(demo_world(3, now, workloads=3, history_days=0.02), ManualClock(now)), DECK)
    clock = ManualClock(now)
    honest = Simulator(demo_world(1, now, workloads=3, pace=30.0, history_days=0.02), clock)
    with upstream.serving(), honest.serve() as server:
        targets = [
            {**demo_target(platform, endpoint, honest.credentials), **AT_ONCE.get(platform, {})}
            for platform, endpoint in honest.endpoints(server.base_url).items()
        ]
        targets += hostile_targets(upstream)
        file = write_configuration(folder / "exporter.yml", {"targets": targets, "defaults": PACE})
        with ServiceProcess(folder / "service", file, "--log.level=debug") as service:
            wait_for(
                lambda: text_with_all_up(service), "the honest targets were read", within=30, details=service.log_tail
            )
            began = clock()

            def go_on() -> bool:
                if clock() - began < LONGEST:
                    clock.advance(1)
                return upstream.all_met()

            wait_for(go_on, "every attack met every platform", within=120, details=service.log_tail)
            wait_for(
                lambda: all(counted(service, platform) == truth(honest, platform) for platform in PLATFORMS),
                "the honest targets are exact",
                within=20,
                details=lambda: differences(service, honest),
            )
            openmetrics = service.get("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"}).text
            # beside so much else one poll of an honest target may have run out of time, and the next has not
            text = wait_for(lambda: text_with_all_up(service), "the honest targets are up", within=20)
            yield Siege(service, honest, upstream, text, openmetrics)


def text_with_all_up(service: ServiceProcess) -> str:
    """What the service shows if the last poll of each honest target was good (it has a baseline then), else nothing."""
    text = service.metrics()
    up = all(f'target_up{{platform="{each}",target="demo-{each}"}} 1\n' in text for each in PLATFORMS)
    return text if up else ""


def counted(service: ServiceProcess, platform: Platform) -> dict[Key, float]:
    """What the honest target of a platform counted."""
    mine = ("target", f"demo-{platform}")
    return {
        key_of(name, dict(labels)): value
        for (name, labels), value in service.samples().items()
        if value and name in COUNTED - {UNNAMED} and mine in labels
    }


def truth(honest: Simulator, platform: Platform) -> dict[Key, float]:
    """What happened there, up to now."""
    samples = honest.totals(platform).samples()
    return {key_of(name, dict(labels)): n for (name, labels), n in samples.items() if n and name != UNNAMED}


def differences(service: ServiceProcess, honest: Simulator) -> str:
    """Say which series differ."""
    lines = []
    for platform in PLATFORMS:
        had, happened = counted(service, platform), truth(honest, platform)
        lines += [
            f"{key}: {had.get(key)}, not {happened.get(key)}"
            for key in had | happened
            if had.get(key) != happened.get(key)
        ]
    return "\n".join(lines[:20])


def test_the_other_targets_are_exact(siege: Siege) -> None:
    """To the last run, bucket and sum."""
    for platform in PLATFORMS:
        assert counted(siege.service, platform) == truth(siege.honest, platform)
        assert sum(counted(siege.service, platform).values()) > 10


def test_nothing_went_to_another_origin(siege: Siege) -> None:
    """Somebody listened there."""
    assert siege.hostile.strays == []


def test_the_process_is_well_and_its_memory_bounded(siege: Siege) -> None:
    """It never ended, and never held more than its limits say."""
    assert siege.service.process.poll() is None
    assert siege.service.get("/-/healthy").status_code == 200
    status = Path(f"/proc/{siege.service.process.pid}/status").read_text()
    held = {name: int(value) * 1024 for name, value in re.findall(r"^(VmHWM|VmRSS):\s+(\d+) kB$", status, re.MULTILINE)}
    met = siege.hostile.met
    most, last = held["VmHWM"] // MEBIBYTE, held["VmRSS"] // MEBIBYTE
    print(f"{len(DECK)} attacks, {met.total()} answers; memory at most {most} MiB, at the end {last} MiB")
    assert held["VmHWM"] < MOST_MEMORY


def test_every_attack_has_a_reason_of_our_own(siege: Siege) -> None:
    """None of them met a mistake of the program."""
    reasons = set(re.findall(r'automation_exporter_poll_errors_total\{[^}]*reason="(\w+)"[^}]*\} [1-9]', siege.text))
    assert {"timeout", "invalid_response", "too_large", "connection"} <= reasons
    assert "internal" not in reasons
    assert "traceback" not in siege.service.log()


def test_names_forge_no_series_and_no_line(siege: Siege) -> None:
    """What a hostile upstream calls its workloads stays inside its own label values."""
    assert list(read_text(siege.text))
    samples = [sample for family in parse_openmetrics(siege.openmetrics) for sample in family.samples]
    assert [sample for sample in samples if sample.value == 999999 or "honest" in sample.labels.get("target", "")] == []
    too_long = {(s.name, name, len(s.labels[name])) for s in samples for name in s.labels if len(s.labels[name]) > 200}
    assert too_long == set()
    lines = siege.service.log().splitlines()
    line = re.compile(r"ts=\S+ level=(debug|info|warn|error) logger=[\w.]+ msg=")
    assert [each for each in lines if not line.match(each)] == []


def test_promtool_has_nothing_to_say(siege: Siege, binaries: Binaries) -> None:
    """About names that would end a label or a line."""
    assert binaries.check_metrics(siege.text) == []


def test_no_secret_and_no_payload_is_repeated(siege: Siege) -> None:
    """Not in the log at debug level, in metrics, pages, JSON or the state, although each was told to us."""
    secrets = {secret(platform, number) for platform in PLATFORMS for number in range(TARGETS)}
    assert siege.hostile.secrets == secrets
    service = siege.service
    said = {
        "the log": service.log(),
        "the text": siege.text,
        "OpenMetrics": siege.openmetrics,
        **{path: service.get(path).text for path in ("/", "/api/v1/targets", "/api/v1/runs", "/-/ready", "/nothing")},
    }
    for file in service.state.parent.glob(f"{service.state.name}*"):
        said[file.name] = file.read_bytes().decode("latin-1")
    found = [f"{place}: {leak}" for place, text in said.items() for leak in leaks(text, {*secrets, CANARY})]
    assert found == []
