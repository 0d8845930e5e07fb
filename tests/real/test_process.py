"""What the process does to the machine, as the kernel sees it: it writes its state, and starts no other program."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from exporter.simulated import demo_target
from exporter.simulator import ManualClock, Simulator, demo_world
from exporter.times import SystemClock
from tests.real.binaries import give_up
from tests.real.live import ServiceProcess, write_configuration
from tests.real.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("process")]

CALLS = (
    "execve,execveat,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rename,renameat,renameat2"
)
CALLS += ",link,linkat,symlink,symlinkat,truncate,chmod,fchmodat,chown,fchownat,setxattr,mount,ptrace"
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
DEVICES = ("/dev/null", "/dev/urandom", "/proc/self/")


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A service under strace from its start to its end: the folder of its state, and the calls that succeeded."""
    strace = shutil.which("strace") or give_up("strace")
    folder = tmp_path_factory.mktemp("traced")
    now = SystemClock().now().wall
    simulator = Simulator(demo_world(7, now, workloads=2, history_days=0.02), ManualClock(now))
    state = folder / "state"
    state.mkdir(mode=0o755)
    trace = folder / "trace"
    with simulator.serve() as server:
        targets = [
            demo_target(platform, url, simulator.credentials)
            for platform, url in simulator.endpoints(server.base_url).items()
        ]
        file = write_configuration(folder / "exporter.yml", {"targets": targets, "defaults": {"interval": "1s"}})
        service = ServiceProcess(
            folder / "work",
            file,
            "--web.enable-lifecycle",
            state=state / "state.db",
            env={"PYTHONDONTWRITEBYTECODE": "1"},
        )
        service.command = (strace, "-D", "-f", "-z", "-q", "-e", f"trace={CALLS}", "-o", str(trace), *service.command)
        # -D: the process that is started is the service itself, and gets the signal.
        before = os.umask(0)  # the most careless that a service can be started with
        try:
            service.__enter__()
        finally:
            os.umask(before)
        try:
            wait_for(
                lambda: service.metrics().count("\nautomation_exporter_target_up{") == 4, "all were polled", within=60
            )
            for path in ("/", "/metrics", "/api/v1/targets", "/api/v1/runs", "/nothing"):
                service.get(path)
            assert service.client.post("/-/reload").status_code == 200
            assert service.terminate(within=30) == 0
            wait_for(lambda: "+++ exited with 0 +++" in trace.read_text(), "strace has written all", within=20)
        finally:
            service.close()
    return state, trace.read_text().splitlines()


def test_only_the_folder_of_the_state_is_written(traced: tuple[Path, list[str]]) -> None:
    """Every file that was opened for writing, made, renamed or removed."""
    state, calls = traced
    changed = set()
    for call in calls:
        name = re.search(r"(\w+)\(", call)
        if name is None or name[1] in ("execve", "execveat"):
            continue
        if not name[1].startswith("open") or WRITES.search(call):
            changed |= set(PATH.findall(call))
    outside = {path for path in changed if not path.startswith((f"{state}/", *DEVICES))}
    assert any(path.endswith("state.db") for path in changed)
    assert outside == set()


def test_no_other_program_is_started(traced: tuple[Path, list[str]]) -> None:
    """One program, from the start to the end."""
    _, calls = traced
    assert len([call for call in calls if "execve" in call]) == 1


def test_what_it_wrote_is_its_owners_alone(traced: tuple[Path, list[str]]) -> None:
    """State, journal and lock, although the umask would have let everybody in."""
    state, _ = traced
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert {"state.db", "state.db.lock"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
