"""The service as a process: it starts with a clear sentence or not at all, reloads, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.catalogue import ALL
from exporter.exposition.series import openmetrics_name
from exporter.simulator import CANARY, Credentials
from tests.real.exporter import CONSOLE_SCRIPT, ExporterProcess
from tests.real.live import PLATFORMS, ServiceProcess, SimulatorProcess, run_command, write_configuration
from tests.real.process import ServerProcess
from tests.real.waiting import wait_for

pytestmark = pytest.mark.xdist_group("service")

PACE = {
    "interval": "1s",
    "zero_hold": "1s",
    "timeout": "10s",
    "overlap": "2m",
    "open_run_max_age": "10m",
    "memory": "15m",
}

Start = Callable[..., ServiceProcess]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulated world for all tests."""
    with SimulatorProcess(tmp_path_factory.mktemp("world"), pace=5.0) as simulator:
        yield simulator


@pytest.fixture
def simulator(world: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The world, without the faults of the test before."""
    yield world
    world.control("DELETE", "faults")


@pytest.fixture
def configuration(simulator: SimulatorProcess, tmp_path: Path) -> Path:
    """A configuration of the whole world."""
    return write_configuration(tmp_path / "exporter.yml", simulator.configuration(**PACE))


@pytest.fixture
def service(configuration: Path, tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service of the test's own, which has read everything once."""
    with ServiceProcess(tmp_path / "service", configuration) as running:
        wait_for(lambda: known(running) == set(PLATFORMS), "every target was read", within=30)
        yield running


@pytest.fixture(scope="module")
def lasting_configuration(world: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the service that tests share."""
    return write_configuration(tmp_path_factory.mktemp("lasting") / "exporter.yml", world.configuration(**PACE))


@pytest.fixture(scope="module")
def lasting(lasting_configuration: Path) -> Iterator[ServiceProcess]:
    """A service that tests share; whoever changes its configuration changes it back."""
    folder = lasting_configuration.parent
    with ServiceProcess(folder, lasting_configuration, "--log.level=debug") as running:
        wait_for(lambda: ups(running) == dict.fromkeys(names(), 1.0), "all targets are up", within=30)
        yield running


def known(service: ServiceProcess) -> set[str]:
    """Platforms whose workloads are exposed."""
    return {dict(labels)["platform"] for name, labels in service.samples() if name == "automation_runs_total"}


def names() -> list[str]:
    """The targets of the whole world."""
    return [f"demo-{platform}" for platform in PLATFORMS]


def by_target(service: ServiceProcess, metric: str) -> dict[str, float]:
    """A metric that has one series a target."""
    return {dict(labels)["target"]: value for (name, labels), value in service.samples().items() if name == metric}


def ups(service: ServiceProcess) -> dict[str, float]:
    """Which targets are up."""
    return by_target(service, "automation_exporter_target_up")


def reload_succeeded(service: ServiceProcess) -> float:
    """What the metric says about the last reload."""
    return service.samples()["automation_exporter_config_last_reload_successful", frozenset()]


# How it ends


def test_sigterm_ends_it(service: ServiceProcess) -> None:
    """Within seconds, with exit code 0 and no complaint; the next start goes on from there."""
    before = {platform: service.counted(platform) for platform in PLATFORMS}
    assert service.terminate(within=5) == 0
    assert "Traceback" not in service.log()
    assert "msg=stopping" in service.log()
    service.start()
    for platform, counted in before.items():
        after = service.counted(platform)
        assert all(after.get(key, 0) >= value for key, value in counted.items())


@pytest.mark.parametrize(
    ("fault", "options"),
    [("read_timeout", {}), ("dripped_headers", {"seconds": 0.2})],
)
def test_a_blocked_read_does_not_hold_the_exit(
    simulator: SimulatorProcess, service: ServiceProcess, fault: str, options: dict[str, Any]
) -> None:
    """All targets wait for an answer that does not come."""
    simulator.control("POST", "faults", name=fault, **options)

    def met() -> bool:
        log = simulator.control("GET", "log")[-20:]
        return {entry["platform"] for entry in log if fault in entry["faults"]} == set(PLATFORMS)

    wait_for(met, "every platform was asked", within=20)
    assert service.terminate(within=5) == 0
    assert "Traceback" not in service.log()


def test_a_dead_upstream_does_not_hold_the_exit_or_the_health(
    simulator: SimulatorProcess, service: ServiceProcess
) -> None:
    """Targets are down, the service is healthy, ready and ends when told to."""
    simulator.control("POST", "faults", name="connection_refused")
    wait_for(lambda: set(ups(service).values()) == {0.0}, "all targets are down", within=20)
    assert service.get("/-/healthy").status_code == 200
    assert service.get("/-/ready").status_code == 200
    assert service.terminate(within=5) == 0


def test_a_state_that_another_program_holds_does_not_hold_the_exit(
    simulator: SimulatorProcess, service: ServiceProcess
) -> None:
    """Every poll waits ten seconds for it, one after the other."""
    with closing(sqlite3.connect(service.state, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        now = simulator.control("GET", "time")["now"]

        def polled() -> bool:
            return {each["platform"] for each in simulator.control("GET", "log") if each["time"] > now} == set(
                PLATFORMS
            )

        wait_for(polled, "every target has something to write", within=60)
        assert service.terminate(within=8) == 0
        other.execute("ROLLBACK")


def test_a_signal_that_comes_before_it_serves(configuration: Path, tmp_path: Path) -> None:
    """While the configuration is still being read, SIGHUP ends nothing, and what it asks for is done."""
    file, log = tmp_path / "first.yml", tmp_path / "log"
    os.mkfifo(file)
    command = (CONSOLE_SCRIPT, "run", f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with log.open("wb") as said, subprocess.Popen(command, cwd=tmp_path, stderr=said) as process:
        try:
            with file.open("w"):  # returns when it is being read
                process.send_signal(signal.SIGHUP)
                configuration.replace(file)
            wait_for(lambda: "msg=serving" in log.read_text(), "it serves", within=30)
            wait_for(lambda: "configuration reloaded" in log.read_text(), "what SIGHUP asks for is done", within=30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


# How it reloads


def test_an_upstream_that_does_not_answer_does_not_hold_up_a_reload(
    simulator: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """Its poll may take half an hour, by its settings; the new ones are in use before that."""
    simulator.control("POST", "faults", name="read_timeout")
    slow = {**PACE, "interval": "1h", "timeout": "5m"}
    write_configuration(configuration, simulator.configuration(**slow))
    with ServiceProcess(tmp_path / "slow", configuration) as service:

        def asked() -> int:
            return sum(simulator.control("GET", "faults")["used"].values())

        wait_for(lambda: asked() >= len(PLATFORMS), "every target waits for an answer", within=60)
        simulator.control("DELETE", "faults")
        write_configuration(configuration, simulator.configuration(**slow, jitter=0.2))
        service.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "configuration reloaded" in service.log(), "the new settings are in use", within=60)
        wait_for(lambda: set(ups(service).values()) == {1.0}, "all targets are up", within=60)
        assert service.terminate(within=5) == 0


def test_a_reload_touches_what_changed_and_nothing_else(
    simulator: SimulatorProcess, lasting: ServiceProcess, lasting_configuration: Path
) -> None:
    """One target goes, one comes, one gets a label, the others stay as they are."""
    whole = simulator.configuration(**PACE)
    kept, gone, *others = whole["targets"]
    added = {**gone, "name": "added"}
    write_configuration(lasting_configuration, {**whole, "targets": [kept, added, *others]})
    lasting.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "added" in ups(lasting), "the new target was polled", within=20)
    assert reload_succeeded(lasting) == 1
    assert gone["name"] not in lasting.metrics()

    labelled = {**added, "labels": {"team": "example"}}
    write_configuration(lasting_configuration, {**whole, "targets": [kept, labelled, *others]})
    lasting.process.send_signal(signal.SIGHUP)
    wait_for(lambda: labelled_targets(lasting) == {"added"}, "the label is there, and only there", within=20)

    write_configuration(lasting_configuration, whole)
    lasting.process.send_signal(signal.SIGHUP)
    wait_for(lambda: ups(lasting) == dict.fromkeys(names(), 1.0), "all is as it was", within=20)
    came_up = {name: lasting.log().count(f'msg="target is up" target={name} ') for name in names()}
    assert came_up == {**dict.fromkeys(names(), 1), gone["name"]: 2}


def labelled_targets(service: ServiceProcess) -> set[str]:
    """Targets whose runs have the label that the reload gives."""
    return {
        dict(labels)["target"]
        for name, labels in service.samples()
        if name == "automation_runs_total" and ("team", "example") in labels
    }


def test_a_bad_file_leaves_everything_as_it_was(
    simulator: SimulatorProcess, lasting: ServiceProcess, lasting_configuration: Path
) -> None:
    """The log says what is wrong, the metric that something is; a good file mends it."""
    good = lasting_configuration.read_text()
    lasting_configuration.write_text(good.replace("platform: foundry", "platform: fondue"))
    polls = by_target(lasting, "automation_exporter_polls_total")
    lasting.process.send_signal(signal.SIGHUP)
    wait_for(lambda: reload_succeeded(lasting) == 0, "the metric tells", within=4)
    assert "configuration not reloaded" in lasting.log()
    assert "fondue" in lasting.log()
    assert "fondue" in lasting.get("/").text

    def polled_on() -> bool:
        now = by_target(lasting, "automation_exporter_polls_total")
        return all(now[name] > polls[name] for name in names())

    wait_for(polled_on, "all targets are polled on", within=20)
    lasting_configuration.write_text(good)
    lasting.process.send_signal(signal.SIGHUP)
    wait_for(lambda: reload_succeeded(lasting) == 1, "the good file is taken", within=4)
    assert "fondue" not in lasting.get("/").text


def test_reloading_over_http_is_off(lasting: ServiceProcess) -> None:
    """Unless it is enabled."""
    assert lasting.client.post("/-/reload").status_code == 403


def test_reloading_over_http(simulator: SimulatorProcess, configuration: Path, tmp_path: Path) -> None:
    """POST only; 500 with the reason for a bad file."""
    with ServiceProcess(tmp_path / "service", configuration, "--web.enable-lifecycle") as service:
        assert service.get("/-/reload").status_code == 405
        assert service.client.post("/-/reload").status_code == 200
        good = configuration.read_text()
        configuration.write_text(f"{good}\nunheard_of: 1\n")
        answer = service.client.post("/-/reload")
        assert answer.status_code == 500
        assert "unheard_of" in answer.text
        assert reload_succeeded(service) == 0
        configuration.write_text(good)
        assert service.client.post("/-/reload").status_code == 200
        assert reload_succeeded(service) == 1


# How it does not start


def test_two_services_do_not_share_a_state(lasting: ServiceProcess, configuration: Path, tmp_path: Path) -> None:
    """The second one says who has it; the first one does not notice."""
    flags = (f"--config.file={configuration}", f"--state={lasting.state}")
    second = run_command("run", *flags, "--web.listen-address=127.0.0.1:0", folder=tmp_path)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1] == (
        f"automation-exporter: {lasting.state}: process {lasting.process.pid} has this state open; two exporters "
        "must not share one, give each its own state (or stop the other)"
    )
    once = run_command("once", *flags, folder=tmp_path)
    assert (once.returncode, once.stdout) == (1, "")
    assert "has this state open" in once.stderr
    assert set(ups(lasting).values()) == {1.0}


def test_a_port_that_is_taken(lasting: ServiceProcess, configuration: Path, tmp_path: Path) -> None:
    """The message names the address, and the state is free for the next start."""
    state = tmp_path / "other.db"
    flags = (f"--config.file={configuration}", f"--state={state}")
    taken = run_command("run", *flags, f"--web.listen-address={lasting.address}", folder=tmp_path)
    assert taken.returncode == 1  # systemd starts it again, and it serves when the address is free
    told = f"automation-exporter: --web.listen-address: address already in use: {lasting.address}"
    assert taken.stderr.splitlines()[-1] == told
    assert "Traceback" not in taken.stderr
    with ServiceProcess(tmp_path / "again", configuration, state=state) as again:
        assert again.get("/-/ready").status_code == 200


def test_a_damaged_state_is_refused_and_can_be_reset(
    simulator: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """It is never begun anew in silence; with --state.reset it is moved aside and kept."""
    state = tmp_path / "state.db"
    damaged = b"this is no database " * 500
    state.write_bytes(damaged)
    flags = (f"--config.file={configuration}", f"--state={state}", "--web.listen-address=127.0.0.1:0")
    refused = run_command("run", *flags, folder=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(f"automation-exporter: {state}: is damaged or is no state file")
    assert "--state.reset" in refused.stderr
    assert state.read_bytes() == damaged
    with ServiceProcess(tmp_path / "service", configuration, "--state.reset", state=state) as service:
        wait_for(lambda: set(ups(service).values()) == {1.0}, "all targets are up", within=30)
        [aside] = tmp_path.glob("state.db.reset-*")
        assert aside.read_bytes() == damaged
        assert str(aside) in service.log()


def test_a_state_whose_folder_is_not_there(configuration: Path, tmp_path: Path) -> None:
    """The message names the folder."""
    missing = tmp_path / "not-there" / "state.db"
    refused = run_command("run", f"--config.file={configuration}", f"--state={missing}", folder=tmp_path)
    assert refused.returncode == 1
    assert f"{missing.parent}: no such directory; create it, or set another `state`" in refused.stderr


# once


def test_once_without_a_state_prints_levels_and_zeros(
    simulator: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """The table has a line a target, nothing is left behind, and nothing is counted but what ended meanwhile."""
    # a baseline is a Date, in whole seconds, and that instant is included
    begun = simulator.control("GET", "time")["now"] // 1_000_000 * 1_000_000 - 1
    done = run_command("once", f"--config.file={configuration}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stderr.splitlines() if line.startswith(("target ", "demo-"))]
    assert rows[0][:4] == ["target", "platform", "poll", "seconds"]
    assert [row[:3] for row in rows[1:]] == [[f"demo-{platform}", platform, "good"] for platform in PLATFORMS]
    for platform in PLATFORMS:
        counters = [
            line
            for line in done.stdout.splitlines()
            if line.startswith(f'automation_runs_total{{platform="{platform}"')
        ]
        assert counters
        ended = simulator.truth(platform, f"&since={begun}&baseline={begun}")
        most = sum(value for (name, _), value in ended.items() if name == "automation_runs_total")
        assert sum(float(line.rpartition(" ")[2]) for line in counters) <= most
    assert "automation_active_runs{" in done.stdout
    assert list(tmp_path.glob("*.db*")) == []


def test_once_with_a_state_counts_the_difference(
    simulator: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """What ended between two calls is shown at once, without holds. A workflow of Granite that is new is read by name
    with the next call."""
    flags = (f"--config.file={configuration}", f"--state={tmp_path / 'once.db'}")
    assert run_command("once", *flags, folder=tmp_path).returncode == 0
    for platform in PLATFORMS:
        simulator.control("POST", "runs", platform=platform, workload="once-more", outcome="failed", seconds=1)

    def ended() -> bool:
        active = [
            level["labels"]
            for platform in PLATFORMS
            for level in simulator.control("GET", f"truth?platform={platform}")["active"]
        ]
        return not any(labels["workload"] == "once-more" for labels in active)

    now = simulator.control("GET", "time")["now"]
    wait_for(lambda: simulator.control("GET", "time")["now"] > now + 3_000_000 and ended(), "it ended", within=10)
    second, third = (run_command("once", *flags, folder=tmp_path) for _ in range(2))
    assert (second.returncode, third.returncode) == (0, 0), second.stderr + third.stderr
    for platform in PLATFORMS:
        labels = f'platform="{platform}",target="demo-{platform}",workload="once-more",outcome="failed"'
        shown = third.stdout if platform == "granite" else second.stdout
        assert f"automation_runs_total{{{labels}}} 1\n" in shown


def test_once_fails_when_a_target_fails(simulator: SimulatorProcess, configuration: Path, tmp_path: Path) -> None:
    """Exit code 1; the table says why, and the other targets are read."""
    simulator.control("POST", "faults", name="wrong_token", platform=PLATFORMS[0])
    done = run_command("once", f"--config.file={configuration}", folder=tmp_path)
    assert done.returncode == 1
    table = {line.split()[0]: line for line in done.stderr.splitlines() if line.startswith("demo-")}
    assert " failed " in table[f"demo-{PLATFORMS[0]}"]
    assert "unauthorized: " in table[f"demo-{PLATFORMS[0]}"]
    assert all(" good " in table[f"demo-{platform}"] for platform in PLATFORMS[1:])
    only = run_command("once", f"--config.file={configuration}", f"--target=demo-{PLATFORMS[1]}", folder=tmp_path)
    assert only.returncode == 0
    assert f"demo-{PLATFORMS[0]}" not in only.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["once", "--config.file=nowhere.yml"], "nowhere.yml"),
        (["once", "--config.file=bad.yml"], "targets"),
        (["once", "--config.file=exporter.yml", "--target=nobody"], "--target nobody: there is no such target"),
        (["run", "--config.file=exporter.yml", "--web.listen-address=nonsense"], "not host:port"),
        (["check-config", "bad.yml"], "targets"),
        (["dance"], "invalid choice"),
    ],
)
def test_misconfigured(arguments: list[str], message: str, configuration: Path, tmp_path: Path) -> None:
    """Exit code 2, the mistake on standard error, nothing on standard output."""
    (tmp_path / "bad.yml").write_text("targets: 7\n")
    done = run_command(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# demo


def test_the_demo_shows_every_family_within_a_minute(tmp_path: Path) -> None:
    """All that the catalogue says of each platform, counters and histograms moving; and nothing is left behind."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with ExporterProcess(("demo",), tmp_path / "demo", env={"TMPDIR": str(temporary)}) as demo:
        wait_for(
            lambda: not lacking(demo),
            "every family of every platform is shown, and all that counts has moved",
            within=60,
            details=lambda: f"it lacks {sorted(lacking(demo))}",
        )
        assert list(temporary.iterdir())
        assert demo.terminate(within=5) == 0
    assert list(temporary.iterdir()) == []


def lacking(service: ServerProcess) -> set[tuple[str, str]]:
    """The platforms and families that the metric table names and that are not there, or count nothing yet."""
    response = service.get("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"})
    numbers: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(response.text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            counts = {"counter": "_total", "histogram": "_count"}.get(family.type)
            if "platform" in sample.labels and (counts is None or sample.name == family.name + counts):
                key = sample.labels["platform"], family.name
                numbers[key] = numbers.get(key, 0.0) + (1.0 if counts is None else sample.value)
    told = {(platform, openmetrics_name(row)) for row in ALL for platform in row.sources}
    return {key for key in told if not numbers.get(key)}


# What it never says


def test_no_payload_and_no_secret_is_shown(simulator: SimulatorProcess, lasting: ServiceProcess) -> None:
    """Not in any log line at debug level, on any page, in any format, in any error."""
    for fault in ("wrong_token", "forbidden", "server_error", "html_body", "missing_list", "foreign_next_link"):
        with_fault = simulator.control("POST", "faults", name=fault)
        wait_for(
            lambda name=fault: name in simulator.control("GET", "faults")["used"],  # type: ignore[misc]
            f"{fault} was met",
            within=20,
        )
        simulator.control("DELETE", f"faults?number={with_fault['number']}")
    wait_for(lambda: "poll failed" in lasting.log(), "an error was logged", within=10)
    said = [
        lasting.log(),
        lasting.get("/").text,
        lasting.get("/-/ready").text,
        lasting.get("/metrics").text,
        lasting.get("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"}).text,
        lasting.get("/no-such-page").text,
    ]
    secrets = [Credentials().roboto_token, Credentials().foundry_token]
    secrets += [Credentials().granite_api_key, Credentials().moderately_api_key]
    for text in said:
        for secret in (CANARY, *secrets):
            assert secret not in text
