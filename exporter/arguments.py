"""The flags of the command line, in the style of Prometheus: ``--config.file=...``."""

from __future__ import annotations

import argparse
import platform
import sqlite3
from typing import Any, Final

from exporter import __version__, flagtypes, logs
from exporter.completion import SHELLS
from exporter.usage import Parser

PROGRAM: Final = "automation-exporter"

DEFAULT_PORT: Final = 10077
SIMULATOR_PORT: Final = 10078

MOST_CONNECTIONS: Final = 512

STATE_COMMANDS: Final = ("state info", "state verify", "state backup", "state rename-target", "state forget")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = Parser(
        prog=PROGRAM,
        description="Publish what hosted automation platforms did as Prometheus metrics, each run counted once.",
        epilog="Exit codes: 0 all went well, 1 something failed, 2 the arguments or the configuration are wrong.",
        allow_abbrev=False,
    )
    versions = f"python {platform.python_version()}, sqlite {sqlite3.sqlite_version}"
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__} ({versions})")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    run = _command(commands, "run", "the service: polls on a schedule and serves /metrics")
    _config_flag(run)
    _state_flag(run, "where the state is kept, instead of the file's state: (a path, or sqlite:////absolute/path)")
    run.add_argument(
        "--state.reset",
        dest="state_reset",
        action="store_true",
        help="start with an empty state; counters start anew, the old file is moved aside",
    )
    _web_flags(run, f":{DEFAULT_PORT}")
    run.add_argument(
        "--web.enable-lifecycle", dest="web_enable_lifecycle", action="store_true", help="allow POST /-/reload"
    )
    run.add_argument(
        "--config.auto-reload",
        dest="config_auto_reload",
        action="store_true",
        help="read the configuration anew when the file has changed, as a mounted ConfigMap does; looks every 5 s, and "
        "tells when there is none any more",
    )
    run.add_argument(
        "--shard",
        metavar="NUMBER/TOTAL",
        type=flagtypes.shard,
        default="1/1",
        help="poll only this share of the targets, such as 1/3; auto/3 takes the number from the end of $POD_NAME, "
        "else of the host name",
    )
    demo = _command(commands, "demo", "the service on simulated platforms: no account, no file, no network")
    _web_flags(demo, f":{DEFAULT_PORT}")
    _world_flags(demo)

    once = _command(commands, "once", "one poll of every target; metrics on standard output, a table on standard error")
    _config_flag(once)
    _state_flag(once, "count the difference in this state; without it nothing is kept")
    once.add_argument("--target", metavar="NAME", action="append", default=[], help="only this target; may be repeated")

    check = _command(commands, "check-config", "tell every problem of a configuration file")
    check.add_argument("file", metavar="FILE", type=flagtypes.file)
    check.add_argument(
        "--probe", action="store_true", help="also ask each target's platform once, and print what it saw"
    )

    check_web = _command(commands, "check-web-config", "tell every problem of a web configuration file")
    check_web.add_argument("file", metavar="FILE", type=flagtypes.file)

    healthcheck = _command(commands, "healthcheck", "ask the service on this machine whether it is healthy")
    _address_flag(healthcheck, f":{DEFAULT_PORT}")
    _web_config_flag(healthcheck, "ask over HTTPS if this web configuration has TLS; asks without a user's name")

    _state_commands(commands)

    completion = _command(commands, "completion", "print what completes the command line in a shell")
    completion.add_argument("shell", choices=SHELLS, help="read its output in the shell's start file")

    simulate = _command(
        commands,
        "simulate",
        "only the simulated platforms, to develop against; prints the configuration that reads them, and how to start "
        "an incident such as a burst of failures",
    )
    _address_flag(simulate, f"127.0.0.1:{SIMULATOR_PORT}")
    _world_flags(simulate)
    return top


def _state_commands(commands: Any) -> None:
    text = "look at a state file, check it, copy it, rename or forget a target in it"
    state = commands.add_parser("state", help=text, description=text, allow_abbrev=False)
    actions = state.add_subparsers(metavar="ACTION", required=True)
    info = _command(actions, "info", "say what a state holds; may be used while the service runs on it")
    verify = _command(actions, "verify", "check every row of a state; may be used while the service runs on it")
    backup = _command(actions, "backup", "copy a state; may be used while the service runs on it")
    rename = _command(actions, "rename-target", "give what was counted for a target another name")
    forget = _command(actions, "forget", "drop all that was counted for targets")
    for name, action in zip(STATE_COMMANDS, (info, verify, backup, rename, forget), strict=True):
        action.add_argument(
            "file",
            metavar="STATE",
            type=flagtypes.state,
            help="the state file, as state: of the configuration names it",
        )
        action.set_defaults(command=name)
    backup.add_argument("to", metavar="FILE", type=flagtypes.file, help="a file that does not exist yet")
    rename.add_argument("old", metavar="OLD", help="name of the target until now")
    rename.add_argument("new", metavar="NEW", type=flagtypes.target_name, help="its name from now on")
    forget.add_argument("names", metavar="TARGET", nargs="+", help="name of a target")


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    command.set_defaults(command=name)
    command.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="info", help="default: info")
    command.add_argument(
        "--log.format", dest="log_format", choices=logs.FORMATS, default="logfmt", help="default: logfmt"
    )
    return command


def _config_flag(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config.file",
        dest="config_file",
        metavar="FILE",
        type=flagtypes.file,
        required=True,
        help="the configuration",
    )


def _state_flag(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--state", metavar="PATH", type=flagtypes.state, help=text)


def _web_config_flag(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--web.config.file", dest="web_config_file", metavar="FILE", type=flagtypes.file, help=text)


def _web_flags(command: argparse.ArgumentParser, address: str) -> None:
    _address_flag(command, address, ", on every interface")
    _web_config_flag(
        command, "TLS, client certificates, users, headers and a rate limit, in the format of Prometheus' exporters"
    )
    command.add_argument(
        "--web.health-listen-address",
        dest="web_health_listen_address",
        metavar="HOST:PORT",
        type=flagtypes.address,
        help="answer /-/healthy and /-/ready here too, to everybody: without TLS, authentication and rate limit",
    )
    command.add_argument(
        "--web.max-connections",
        dest="web_max_connections",
        metavar="N",
        type=flagtypes.whole(1, 1_000_000),
        default=MOST_CONNECTIONS,
        help=f"open at a time; when there are more, those that do nothing make room; default: {MOST_CONNECTIONS}",
    )
    command.add_argument(
        "--web.openmetrics-created",
        dest="web_openmetrics_created",
        action="store_true",
        help="tell in OpenMetrics when each series was born; most Prometheus servers store that as a further series",
    )


def _address_flag(command: argparse.ArgumentParser, address: str, more: str = "") -> None:
    command.add_argument(
        "--web.listen-address",
        dest="web_listen_address",
        metavar="HOST:PORT",
        type=flagtypes.address,
        default=address,
        help=f"default: {address}" + more,
    )


def _world_flags(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seed",
        type=flagtypes.whole(0, 4_294_967_295),
        default=1,
        metavar="N",
        help="which simulated world; default: 1",
    )
    command.add_argument(
        "--pace",
        type=flagtypes.pace,
        default=20.0,
        metavar="SECONDS",
        help="mean time between runs of a workload, from 0.1 to 86400; default: 20",
    )
    command.add_argument(
        "--workloads",
        type=flagtypes.whole(1, 1000),
        default=6,
        metavar="N",
        help="workloads of each platform, from 1 to 1000; default: 6",
    )
