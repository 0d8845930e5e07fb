"""Faults at home, met by the program as a process: the disk, the state file, and the end in every phase."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

from exporter.killpoints import Point
from exporter.store.connection import SCHEMA_VERSION
from tests.disks import fill, remount, small_disk
from tests.real.live import PLATFORMS, Key, ServiceProcess, SimulatorProcess, run_command, write_configuration
from tests.real.waiting import wait_for

pytestmark = pytest.mark.xdist_group("home")

PACE = {"interval": "1s", "zero_hold": "1s", "overlap": "2m", "open_run_max_age": "10m", "memory": "15m"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """A simulated world of the test's own, which may come to rest."""
    with SimulatorProcess(tmp_path / "world", pace=4.0, workloads=1) as simulator:
        yield simulator


@pytest.fixture
def configuration(world: SimulatorProcess, tmp_path: Path) -> Path:
    """A configuration of the whole world."""
    return write_configuration(tmp_path / "exporter.yml", world.configuration(**PACE))


def errors_of_the_state(service: ServiceProcess) -> set[str]:
    """Platforms of which a poll failed because of the state."""
    return {
        dict(labels)["platform"]
        for (name, labels), value in service.samples().items()
        if value and name == "automation_exporter_poll_errors_total" and ("reason", "state") in labels
    }


def ups(service: ServiceProcess) -> set[float]:
    """What the targets say of themselves."""
    return {value for (name, _), value in service.samples().items() if name == "automation_exporter_target_up"}


def assert_exact(
    world: SimulatorProcess, service: ServiceProcess, before: Mapping[str, Mapping[Key, float]] | None = None
) -> None:
    """Let the world come to rest; everything is counted once and shown, on top of what was counted ``before``."""
    wait_for(lambda: all(map(world.truth, PLATFORMS)), "something ended on every platform", within=60)
    world.come_to_rest(within=240)
    for platform in PLATFORMS:
        earlier = {} if before is None else before[platform]

        def agrees(platform: str = platform, earlier: Mapping[Key, float] = earlier) -> bool:
            truth = world.truth(platform)  # asked anew: a fire may bear its run a little after the rest
            return service.counted(platform) == together(earlier, truth)

        wait_for(agrees, f"all of {platform} is counted and shown", within=120)


def together(one: Mapping[Key, float], other: Mapping[Key, float]) -> dict[Key, float]:
    """The sums of two sets of numbers."""
    return {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}


def test_a_full_disk_is_told_of_and_nothing_is_lost(
    world: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """Polls fail and say so, the service stays healthy and shows what was committed; with room it goes on by itself."""
    with (
        small_disk(tmp_path / "disk", megabytes=16) as disk,  # four of them are the log that a commit writes first
        ServiceProcess(tmp_path / "service", configuration, state=disk / "state.db") as service,
    ):
        wait_for(lambda: all(map(service.counted, PLATFORMS)), "every platform has counted something", within=60)
        ballast = fill(disk)
        wait_for(lambda: errors_of_the_state(service) == set(PLATFORMS), "the metrics tell", within=60)
        assert f"{disk / 'state.db'}: " in service.log()
        assert "full" in service.log()
        assert service.get("/-/healthy").status_code == 200
        assert service.get("/-/ready").status_code == 200
        assert all(map(service.counted, PLATFORMS))
        ballast.unlink()
        wait_for(lambda: ups(service) == {1.0}, "all targets are up again", within=30)
        assert_exact(world, service)
        assert "Traceback" not in service.log()
        assert service.terminate(within=10) == 0


def test_a_state_that_is_moved_away_is_told_of_and_gone_on_with_when_it_is_back(
    world: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """Somebody tidies up: what would be counted into a file that nobody finds again is not counted until it is back."""
    with ServiceProcess(tmp_path / "service", configuration) as service:
        wait_for(lambda: all(map(service.counted, PLATFORMS)), "every platform has counted something", within=60)
        away = service.state.rename(tmp_path / "away.db")
        wait_for(lambda: errors_of_the_state(service) == set(PLATFORMS), "the metrics tell", within=60)
        assert f"{service.state}: was removed while in use; put it back, or start again" in service.log()
        assert service.get("/-/ready").status_code == 200
        assert all(map(service.counted, PLATFORMS))
        assert not service.state.exists()
        away.rename(service.state)
        wait_for(lambda: ups(service) == {1.0}, "all targets are up again", within=30)
        assert_exact(world, service)
        assert "Traceback" not in service.log()
        assert service.terminate(within=10) == 0


def test_a_read_only_file_system_is_named(configuration: Path, tmp_path: Path) -> None:
    """Nothing is served from a state that could not be written."""
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        state = disk / "state.db"
        flags = (f"--config.file={configuration}", f"--state={state}")
        assert run_command("once", *flags, folder=tmp_path).returncode == 0
        before = state.read_bytes()
        remount(disk, "ro")
        for command in (("run", *flags, "--web.listen-address=127.0.0.1:0"), ("once", *flags)):
            refused = run_command(*command, folder=tmp_path)
            assert refused.returncode == 1
            assert refused.stderr.splitlines()[-1] == (
                f"automation-exporter: {state}.lock: cannot be opened for writing (Read-only file system); "
                "the directory of the state must be writable by this user"
            )
        assert state.read_bytes() == before


def test_a_newer_state_is_refused_and_can_be_reset(configuration: Path, tmp_path: Path) -> None:
    """What a newer version wrote is left as it is, and kept when it is set aside."""
    state = tmp_path / "state.db"
    flags = (f"--config.file={configuration}", f"--state={state}")
    assert run_command("once", *flags, folder=tmp_path).returncode == 0
    with sqlite3.connect(state) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(SCHEMA_VERSION + 1),))
    connection.close()
    newer = state.read_bytes()
    refused = run_command("run", *flags, "--web.listen-address=127.0.0.1:0", folder=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        f"automation-exporter: {state}: was written by a newer version (schema {SCHEMA_VERSION + 1}, this version "
        f"knows {SCHEMA_VERSION}); install the newer version again, or start empty with --state.reset"
    )
    assert state.read_bytes() == newer
    with ServiceProcess(tmp_path / "service", configuration, "--state.reset", state=state) as service:
        [aside] = tmp_path.glob("state.db.reset-*")
        assert aside.read_bytes() == newer
        assert str(aside) in service.log()


def test_another_upstream_under_the_same_name_is_a_baseline(
    world: SimulatorProcess, configuration: Path, tmp_path: Path
) -> None:
    """Totals stay as they were, and the history of the other upstream is not in them."""
    with ServiceProcess(tmp_path / "service", configuration) as service:
        wait_for(lambda: all(map(service.counted, PLATFORMS)), "every platform has counted something", within=60)
        assert_exact(world, service)
        before = {platform: service.counted(platform) for platform in PLATFORMS}
        assert service.terminate(within=10) == 0
        with SimulatorProcess(tmp_path / "other", seed=2, pace=4.0, workloads=1) as other:
            write_configuration(configuration, other.configuration(**PACE))
            service.start()
            wait_for(lambda: ups(service) == {1.0}, "all targets are up", within=30)
            assert_exact(other, service, before)


def test_sigterm_in_every_phase(world: SimulatorProcess, configuration: Path, tmp_path: Path) -> None:
    """It ends at once and in order, and the totals are exact in the end."""
    state = tmp_path / "state.db"
    files = (f"--config.file={configuration}", f"--state={state}")
    assert run_command("once", *files, folder=tmp_path).returncode == 0  # the baseline
    flags = (*files, "--web.listen-address=127.0.0.1:0")
    for point in get_args(Point):
        aim = (point, "1" if point in ("start", "release") else "3")
        done = subprocess.run(
            (sys.executable, "-m", "tests.real.terminated", *aim, "run", *flags),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{point}: {done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr
        assert "msg=stopping" in done.stderr
    with ServiceProcess(tmp_path / "service", configuration, state=state) as service:
        assert_exact(world, service)
