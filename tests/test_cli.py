"""The command line: what it reads, what it calls, how it ends."""

from __future__ import annotations

import logging
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import httpx
import pytest

from exporter import app, cli, logs
from exporter.app import Once, Options
from exporter.config import Settings, load_text
from exporter.errors import StateLocked
from exporter.signals import Signals
from exporter.store.sqlite import SqliteStore
from exporter.times import SECOND
from exporter.web.address import Address

CONFIG = "targets: [{name: fleet, platform: roboto, token: example-token}]\nstate: from-file.db\n"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], root.level, logging.raiseExceptions, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(False)
    for name in logs.TAMED:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """The path of a right configuration."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    return str(file)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, Options]]:
    """What ``app.serve`` was called with."""
    calls: list[tuple[Settings, Options]] = []

    def serve(settings: Settings, options: Options, signals: Signals) -> int:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):  # they may come long before it serves
            assert signal.getsignal(number) == signals._note
        calls.append((settings, options))
        return 0

    monkeypatch.setattr(app, "serve", serve)
    return calls


def test_run(config: str, served: list[tuple[Settings, Options]]) -> None:
    """The file's settings and the flags reach the service."""
    assert cli.main(["run", f"--config.file={config}"]) == 0
    ((settings, options),) = served
    assert settings.targets[0].name == "fleet"
    assert options.listen == Address("", 10077)
    assert options.state == settings.state == Path("from-file.db")
    assert (options.state_reset, options.openmetrics_created, options.lifecycle) == (False, False, False)
    assert (options.config_changed, options.shard) == (None, (1, 1))
    assert options.read_settings is not None
    assert options.read_settings() == settings


def test_run_with_flags(config: str, served: list[tuple[Settings, Options]]) -> None:
    """Each flag has its effect, also on what a reload reads."""
    flags = ["--state=sqlite:////tmp/other.db", "--state.reset", "--web.listen-address=127.0.0.1:0"]
    flags += ["--config.auto-reload", "--shard=2/3"]
    flags += ["--web.enable-lifecycle", "--web.openmetrics-created", "--log.level=error", "--log.format=json"]
    assert cli.main(["run", f"--config.file={config}", *flags]) == 0
    ((settings, options),) = served
    assert options.state == settings.state == Path("/tmp/other.db")
    assert options.listen == Address("127.0.0.1", 0)
    assert options.state_reset
    assert options.openmetrics_created
    assert options.lifecycle
    assert options.shard == (2, 3)
    assert options.config_changed is not None
    assert not options.config_changed()
    Path(config).write_text(CONFIG + "# changed\n")
    assert options.config_changed()
    assert options.read_settings is not None
    assert options.read_settings().state == Path("/tmp/other.db")


def test_demo_needs_nothing(served: list[tuple[Settings, Options]]) -> None:
    """Simulated platforms over an in-process transport, a quick pace, a state that is gone afterwards."""
    assert cli.main(["demo", "--web.listen-address=127.0.0.1:0"]) == 0
    ((settings, options),) = served
    assert {target.platform for target in settings.targets} >= {"roboto", "foundry"}
    for target in settings.targets:
        assert (target.interval, target.zero_hold) == (5 * SECOND, 10 * SECOND)
        transport = options.transports(target)
        assert transport is not None
        with httpx.Client(transport=transport) as client:
            assert client.get(target.base_url).status_code in range(400, 500)
    assert options.state == settings.state
    assert not options.state.parent.exists()


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> list[Once]:
    """What ``app.once`` was called with; it fails."""
    calls: list[Once] = []

    def once(settings: Settings, options: Once, out: TextIO, err: TextIO) -> int:
        del settings
        assert (out, err) == (sys.stdout, sys.stderr)
        calls.append(options)
        return 1

    monkeypatch.setattr(app, "once", once)
    return calls


def test_once(config: str, polled: list[Once]) -> None:
    """Without ``--state`` nothing is kept, whatever the file says; the exit code is that of the poll."""
    assert cli.main(["once", f"--config.file={config}"]) == 1
    assert cli.main(["once", f"--config.file={config}", "--state=x.db", "--target=fleet"]) == 1
    assert [(call.state, call.only) for call in polled] == [(None, ()), (Path("x.db"), ("fleet",))]


def test_once_of_an_unknown_target(config: str, polled: list[Once], capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not configured is told before anything is polled."""
    assert cli.main(["once", f"--config.file={config}", "--target=flet"]) == 2
    assert "--target flet: there is no such target, only fleet\n" in capsys.readouterr().err
    assert polled == []


def test_check_config_of_a_right_file(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that sums up, without secrets."""
    assert cli.main(["check-config", config]) == 0
    output = capsys.readouterr()
    assert output.out == "ok: 1 target: fleet (roboto); state from-file.db\n"
    assert output.err == ""


def test_check_config_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is unwise goes to standard error; the file is right all the same."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace("example-token", "example-token, insecure_skip_verify: true"))
    assert cli.main(["check-config", str(file)]) == 0
    output = capsys.readouterr()
    assert output.err.startswith(f"warning: {file}: targets[0] (fleet): insecure_skip_verify is on")


def test_check_config_misses_the_folder_of_the_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is right, but the service would not start here."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace("from-file.db", f"{tmp_path}/no/state.db"))
    assert cli.main(["check-config", str(file)]) == 0
    expected = f"warning: {file}: state: there is no folder {tmp_path}/no here; `run` needs it\n"
    assert capsys.readouterr().err == expected


def test_check_config_finds_a_directory_where_the_state_is_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service would not start here."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace("from-file.db", str(tmp_path)))
    assert cli.main(["check-config", str(file)]) == 0
    expected = f"warning: {file}: state: {tmp_path} is a directory here; `run` needs a file in it\n"
    assert capsys.readouterr().err == expected


def test_check_config_of_a_wrong_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every problem a line, which begins with file and line; exit code 2."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace("name: fleet", "name: '', intervall: 5m"))
    assert cli.main(["check-config", str(file)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{file}:1: targets[0].") for line in lines)


@pytest.mark.parametrize("command", ["run", "once"])
def test_wrong_configuration_starts_nothing(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The problems, not a traceback."""
    assert cli.main([command, f"--config.file={tmp_path / 'absent.yaml'}"]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'absent.yaml'}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StateLocked("another process holds the state"), "another process holds the state"),
        (PermissionError(13, "Permission denied", "/var/lib/x"), "/var/lib/x: Permission denied"),
        (OSError("Authorization: Bearer unknown-token-value"), "Authorization: Bearer <redacted>"),
    ],
)
def test_failures_are_sentences(
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    message: str,
) -> None:
    """What is expected to go wrong is told without a traceback; exit code 1."""

    def serve(*_: object) -> int:
        raise error

    monkeypatch.setattr(app, "serve", serve)
    assert cli.main(["run", f"--config.file={config}", "--log.level=error"]) == 1
    assert capsys.readouterr().err == f"automation-exporter: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["run"], "--config.file"),
        (["run", "--config.fil=x"], "run: error: unknown flag --config.fil; did you mean --config.file?"),
        (["run", "--config", "config.yaml"], "run: error: unknown flag --config; did you mean --config.file?"),
        (["run", "--config.file=c", "--web.listen-adress=:0"], "--web.listen-adress; did you mean --web.listen-addr"),
        (["run", "--config.file=c", "--blue"], "unknown flag --blue\nTry: automation-exporter run --help\n"),
        (["state", "info", "s.db", "--log.levle=info"], "unknown flag --log.levle; did you mean --log.level?"),
        (["--config.file=c", "run"], "unknown flag --config.file; flags follow the command they are for"),
        (["--verzion"], "unknown flag --verzion; did you mean --version?"),
        (["run", "--config.file=c", "-v"], "unknown flag -v"),
        (["run", "--config.file=c", "d.yaml"], "run: error: unexpected argument d.yaml"),
        (["run", "--config.file="], "argument --config.file: is empty; write the path of a file"),
        (["check-config", ""], "argument FILE: is empty"),
        (["check-config", "--config.file=c"], "file is given without a flag: automation-exporter check-config FILE"),
        (["check-web-config", "--web.config.file=c"], "without a flag: automation-exporter check-web-config FILE"),
        (["run", "--config.file=x", "--web.listen-address=nowhere"], "address: 'nowhere' is not host:port; write"),
        (["run", "--config.file=x", "--state=postgres://x/y"], "kind of storage that is not known"),
        (["run", "--config.file=x", "--state=~/x.db"], "begins with ~, which stands for no folder here"),
        (["run", "--config.file=x", "--log.level=loud"], "invalid choice: 'loud'"),
        (["check-config"], "FILE"),
        (["demo", "--pace=fast"], "argument --pace: 'fast' is not a number from 0.1 to 86400"),
        (["demo", "--pace=nan"], "argument --pace: 'nan' is not a number from 0.1 to 86400"),
        (["demo", "--pace=0"], "argument --pace: '0' is not a number"),
        (["demo", "--pace=-1"], "argument --pace: '-1' is not a number"),
        (["simulate", "--pace=inf"], "argument --pace: 'inf' is not a number"),
        (["demo", "--workloads=0"], "argument --workloads: '0' is not a whole number from 1 to 1000"),
        (["simulate", "--workloads=-3"], "argument --workloads: '-3' is not a whole number"),
        (["demo", "--workloads=1001"], "argument --workloads: '1001' is not a whole number"),
        (["demo", "--seed=1.5"], "argument --seed: '1.5' is not a whole number from 0 to 4294967295"),
        (["run", "--config.file=x", f"--web.max-connections={'9' * 5000}"], "is not a whole number from 1 to 1000000"),
    ],
)
def test_wrong_arguments(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A usage of one line, what is wrong, and exit code 2."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 3


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Program, Python and SQLite, which a bug report needs."""
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("automation-exporter 0.")


@pytest.fixture
def simulate() -> Iterator[subprocess.Popen[str]]:
    """The program itself, as it simulates on a free port; ended whatever happens."""
    with subprocess.Popen(
        [sys.executable, "-m", "exporter.cli", "simulate", "--web.listen-address=127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.mark.real
def test_simulate_prints_the_configuration_that_reads_it(simulate: subprocess.Popen[str]) -> None:
    """What stands on standard output loads; the platforms answer; SIGTERM ends it well."""
    assert simulate.stdout is not None
    text = ""
    for line in simulate.stdout:
        text += line
        if "Ctrl-C" in line:
            break
    settings = load_text(text, {}, name="printed", folder=Path())
    for target in settings.targets:
        answer = httpx.get(f"{target.base_url}/", headers={"Authorization": "Bearer wrong"}, trust_env=False)
        assert answer.status_code in range(400, 500)
        assert answer.headers["Date"]
    address, body = re.findall(r"curl (\S+) --data '(.*)'", text)[0]
    assert httpx.post(address, content=body, trust_env=False).json()["name"] == "failure_burst"
    simulate.send_signal(signal.SIGTERM)
    assert simulate.wait(10) == 0


def test_simulate_on_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """Flag and address are named; exit code 1, since it may be free later."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert cli.main(["simulate", f"--web.listen-address={address}"]) == 1
    told = f"automation-exporter: --web.listen-address: address already in use: {address}\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("flag", ["--web.listen-address", "--web.health-listen-address"])
def test_an_address_that_cannot_be_listened_on_yet(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1: another start may find the network up."""
    flags = ["--log.level=error", "--web.listen-address=127.0.0.1:0"]
    assert cli.main(["demo", *flags, f"{flag}=192.0.2.1:0"]) == 1
    told = f"automation-exporter: {flag}: cannot assign requested address: 192.0.2.1:0\n"
    assert capsys.readouterr().err == told


def loaded_by(arguments: list[str], names: tuple[str, ...]) -> list[str]:
    """Which of these modules a command has loaded when it ends, in a process of its own."""
    code = (
        "import sys; from exporter import cli; code = cli.main(sys.argv[2:]); "
        "print(*(name for name in sys.argv[1].split() if name in sys.modules)); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, " ".join(names), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()[-1].split()


@pytest.mark.real
def test_nothing_heavy_is_loaded_to_check_a_configuration(config: str) -> None:
    """``check-config`` runs in editors and hooks: no web server, scheduler, database or simulator."""
    names = ("pydantic", "uvicorn", "apscheduler", "starlette", "exporter.app", "exporter.simulator")
    assert loaded_by(["check-config", config], names) == ["pydantic"]


@pytest.mark.real
@pytest.mark.parametrize(
    "arguments", [["healthcheck", "--web.listen-address=127.0.0.1:9"], ["completion", "bash"]], ids=" ".join
)
def test_next_to_nothing_is_loaded_for(arguments: list[str]) -> None:
    """A container runtime asks every few seconds, a shell whenever one is opened."""
    names = ("json", "pydantic", "yaml", "httpx", "exporter.config", "exporter.platforms", "exporter.app")
    assert loaded_by(arguments, names) == ["json"]


@pytest.mark.real
def test_nothing_heavy_is_loaded_to_serve(tmp_path: Path) -> None:
    """Azure's library waits for the first token that is asked for, bcrypt for the first password, the simulator and
    what a web configuration needs for those who ask for them; nothing needs what draws on terminals."""
    config = tmp_path / "config.yaml"
    config.write_text(
        "targets: [{name: a, platform: foundry, endpoint: 'http://127.0.0.1:9/api/projects/a', auth: {kind: default}},"
        " {name: b, platform: granite, endpoint: 'http://127.0.0.1:9', api_key: none}]\n"
        f"state: {tmp_path / 'state.db'}\n"
    )
    code = (
        "import sys; sys.modules.update(rich=None, pygments=None); "  # httpx has a command line, and loads them for it
        "from exporter import app, cli; from exporter.app.service import Service; "
        "from exporter.config import load; from exporter.web.address import Address; "
        "settings = load(sys.argv[1], {}); "
        "service = Service(settings, app.Options(listen=Address('127.0.0.1', 0), state=settings.state)); "
        "[service.fleet.add(each, ()) for each in settings.targets]; service.stop(); "
        "print([name for name in ('azure.core', 'azure.identity', 'msal', 'cryptography', 'requests', 'bcrypt', 'rich',"
        " 'pygments', 'jinja2', 'exporter.simulator', 'exporter.web.configuration', 'exporter.web.guard', 'uvicorn')"
        " if sys.modules.get(name)])"
    )
    command = [sys.executable, "-c", code, str(config)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "['uvicorn']\n"


def test_state_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Look, check, copy, rename, forget; what is wrong is a sentence and exit code 1."""
    state, copy = str(tmp_path / "state.db"), str(tmp_path / "copy.db")
    store = SqliteStore(Path(state), SECOND)
    store.open_target("fleet", "roboto https://example.test", SECOND, holds=False)
    assert cli.main(["state", "info", f"sqlite:///{state}"]) == 0
    assert cli.main(["state", "verify", state]) == 0
    assert cli.main(["state", "backup", state, copy]) == 0
    assert cli.main(["state", "rename-target", copy, "fleet", "robots"]) == 0
    assert cli.main(["state", "info", copy]) == 0
    assert cli.main(["state", "forget", copy, "robots"]) == 0
    told = capsys.readouterr()
    first, _, rest = told.out.partition(f"ok: {state}\n")
    assert first.splitlines()[0] == f"state    {state}"
    assert re.fullmatch(r"size     \d+KiB and \d+KiB in its journal \(-wal\)", first.splitlines()[1])
    assert "fleet   1970-01-01T00:00:01Z  -         -         0     0" in first
    assert rest.startswith(f"ok: {state} was copied to {copy}\nok: fleet is robots now; ")
    assert rest.endswith("ok: robots forgotten; configured again, counting begins anew with the first poll\n")
    assert told.err == ""
    assert cli.main(["state", "forget", state, "fleet"]) == 1
    assert "has this state open; stop the service that runs on it first" in capsys.readouterr().err
    store.close()
    with sqlite3.connect(state) as database:
        database.execute("INSERT INTO mark VALUES (99, 'x', '[]', 1)")
    assert cli.main(["state", "verify", state]) == 1
    assert capsys.readouterr().out == "mark: 1 rows belong to no target\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["state", "rename-target", "s.db", "a", "not a name"], "argument NEW: is not a target name; "),
        (["run", "--config.file=c.yaml", "--shard=4/3"], "argument --shard: --shard '4/3': this is number 4"),
        (["state"], "the following arguments are required: ACTION"),
    ],
)
def test_arguments_that_are_wrong(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Said with the usage, exit code 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("well", "code"), [(True, 0), (False, 1)])
def test_check_config_asks_the_platforms_when_told_to(
    well: bool, code: int, config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only then, and only when the file is right; its exit code says whether all answered."""
    asked: list[Settings] = []

    def probe(settings: Settings, out: TextIO) -> bool:
        asked.append(settings)
        out.write("told\n")
        return well

    monkeypatch.setattr("exporter.app.probe.probe", probe)
    assert cli.main(["check-config", config]) == 0
    assert asked == []
    assert cli.main(["check-config", "--probe", config]) == code
    assert [settings.targets[0].name for settings in asked] == ["fleet"]
    assert capsys.readouterr().out.endswith("\ntold\n")
