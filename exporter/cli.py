"""The command line: reads arguments, calls ``app``.

Exit codes: 0 all went well, 1 something failed, 2 the arguments or the configuration are wrong.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter import logs
from exporter.arguments import PROGRAM, STATE_COMMANDS, parser
from exporter.completion import script
from exporter.errors import ConfigError, ExporterError
from exporter.garbage import collect_less
from exporter.redaction import redact
from exporter.signals import STOPPING, Signals, of_a_service
from exporter.times import SystemClock
from exporter.web.address import Address, not_listening

if TYPE_CHECKING:
    from exporter.app import Options
    from exporter.config import Settings

log = logging.getLogger(__name__)

OK: Final = 0
FAILED: Final = 1
MISCONFIGURED: Final = 2

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. What a command needs is loaded when it is chosen: some need little."""
    collect_less()
    chosen = parser().parse_args(arguments)
    logs.configure(chosen.log_level, chosen.log_format)
    try:
        return COMMANDS[chosen.command](chosen)
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    except ExporterError as error:
        _complain(str(error))
        return FAILED
    except OSError as error:
        _complain(": ".join(filter(None, (error.filename, error.strerror or str(error)))))
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _complain(sentence: str) -> None:
    print(f"{PROGRAM}: {redact(sentence)}", file=sys.stderr)


# Commands


def _run(chosen: argparse.Namespace) -> int:
    """The service."""
    with of_a_service() as signals:
        from exporter import app  # noqa: PLC0415 - check-config does without
        from exporter.app.watch import FileWatch  # noqa: PLC0415

        watch = FileWatch(chosen.config_file)
        settings = _load(chosen)
        options = _web_options(
            chosen,
            state=settings.state,
            state_reset=chosen.state_reset,
            read_settings=lambda: _read(chosen),
            config_changed=watch.changed if chosen.config_auto_reload else None,
            lifecycle=chosen.web_enable_lifecycle,
            shard=chosen.shard,
        )
        return app.serve(settings, options, signals)


def _once(chosen: argparse.Namespace) -> int:
    """One poll of every target, or of those named."""
    from exporter import app  # noqa: PLC0415 - check-config does without

    settings = _load(chosen)
    names = [target.name for target in settings.targets]
    unknown = [name for name in chosen.target if name not in names]
    if unknown:
        raise ConfigError([f"--target {name}: there is no such target, only {', '.join(names)}" for name in unknown])
    return app.once(settings, app.Once(state=chosen.state, only=tuple(chosen.target)), sys.stdout, sys.stderr)


def _demo(chosen: argparse.Namespace) -> int:
    """The service on simulated platforms, with a state that is thrown away."""
    from exporter import app  # noqa: PLC0415 - check-config does without
    from exporter.simulated import demo_settings, made  # noqa: PLC0415 - the service does without

    with of_a_service() as signals, tempfile.TemporaryDirectory(prefix=f"{PROGRAM}-demo-") as folder:
        simulator = made(chosen.seed, chosen.workloads, chosen.pace, opening=True)
        transport = simulator.transport()
        state = Path(folder, "state.db")
        options = _web_options(chosen, state=state, transports=lambda _settings: transport)
        return app.serve(demo_settings(simulator.endpoints(), simulator.credentials, state), options, signals)


def _web_options(chosen: argparse.Namespace, **others: Any) -> Options:
    """Return the options of a service, those that the web flags say put in."""
    from exporter.app import Options  # noqa: PLC0415 - check-config does without

    configuration = None
    if chosen.web_config_file:
        from exporter.web.configuration import WebConfiguration  # noqa: PLC0415 - most have none

        configuration = WebConfiguration(chosen.web_config_file)
    return Options(
        listen=chosen.web_listen_address,
        web_configuration=configuration,
        health_listen=chosen.web_health_listen_address,
        connections=chosen.web_max_connections,
        openmetrics_created=chosen.web_openmetrics_created,
        **others,
    )


def _simulate(chosen: argparse.Namespace) -> int:
    """The simulated platforms alone, until a signal comes."""
    from exporter.simulated import configuration, made  # noqa: PLC0415 - the service does without

    simulator = made(chosen.seed, chosen.workloads, chosen.pace)
    address: Address = chosen.web_listen_address
    host = address.host or "0.0.0.0"  # noqa: S104 - asked for by ":port"
    with Signals(*STOPPING) as signals, ExitStack() as stack:
        try:
            server = stack.enter_context(simulator.serve(port=address.port, host=host))
        except (OSError, UnicodeError) as error:
            raise not_listening(error, address) from error
        print(f"{configuration(simulator, server.base_url)}# Ctrl-C stops them.", flush=True)
        signals.wait()
    return OK


def _check_config(chosen: argparse.Namespace) -> int:
    """Tell every problem of a configuration file, or sum it up."""
    from exporter.config import advice, load  # noqa: PLC0415 - healthcheck and --version do without

    settings = load(chosen.file, os.environ)
    for warning in advice(settings):
        print(f"warning: {chosen.file}: {warning}", file=sys.stderr)
    if amiss := _amiss_here(settings.state):
        print(f"warning: {chosen.file}: state: {amiss}", file=sys.stderr)
    targets = ", ".join(f"{target.name} ({target.platform})" for target in settings.targets)
    count = len(settings.targets)
    print(f"ok: {count} target{'s'[: count > 1]}: {targets}; state {settings.state}")
    if chosen.probe:
        from exporter.app.probe import probe  # noqa: PLC0415 - only this asks anybody

        return OK if probe(settings, sys.stdout) else FAILED
    return OK


def _amiss_here(state: Path) -> str | None:
    """Say why `run` would not start here: only a warning, files are checked on other machines than theirs."""
    if state.is_dir():
        return f"{state} is a directory here; `run` needs a file in it"
    if not state.parent.is_dir():
        return f"there is no folder {state.parent} here; `run` needs it"
    return None


def _check_web_config(chosen: argparse.Namespace) -> int:
    """Tell every problem of a web configuration file, or sum it up."""
    from exporter.web.configuration import read  # noqa: PLC0415 - the other commands do without

    found = read(chosen.file)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"ok: {found.settings.summary()}")
    return OK


def _healthcheck(chosen: argparse.Namespace) -> int:
    """Ask the running service, for container runtimes; exit code 1 unless it says yes."""
    from exporter.web import healthcheck  # noqa: PLC0415 - the other commands do without

    tls = False
    if chosen.web_config_file is not None:
        from exporter.web.configuration import read  # noqa: PLC0415 - slow to load

        tls = read(chosen.web_config_file).context is not None
    healthy, sentence = healthcheck.ask(chosen.web_listen_address, tls=tls)
    print(sentence, file=sys.stdout if healthy else sys.stderr)
    return OK if healthy else FAILED


def _read(chosen: argparse.Namespace) -> Settings:
    """Return the settings, the state from the command line put in."""
    from exporter.config import load  # noqa: PLC0415 - healthcheck and --version do without

    settings = load(chosen.config_file, os.environ)
    return settings if chosen.state is None else settings.model_copy(update={"state": chosen.state})


def _load(chosen: argparse.Namespace) -> Settings:
    """Return the same; log what they are, and what is unwise in them."""
    from exporter.config import advice  # noqa: PLC0415 - the same

    settings = _read(chosen)
    for warning in advice(settings):
        log.warning("configuration: %s", warning)
    log.info(
        "configuration loaded",
        extra={"file": str(chosen.config_file), "targets": len(settings.targets), "state": str(settings.state)},
    )
    return settings


def _completion(chosen: argparse.Namespace) -> int:
    """Print a script for a shell."""
    print(script(chosen.shell, PROGRAM, parser()), end="")
    return OK


def _state(chosen: argparse.Namespace) -> int:
    """Look at a state file, or change it while nobody runs on it."""
    from exporter.app import upkeep  # noqa: PLC0415 - check-config does without

    problems = upkeep.run(chosen, SystemClock().now().wall, sys.stdout)
    return FAILED if problems else OK


COMMANDS: Final[Mapping[str, Command]] = {
    "run": _run,
    "demo": _demo,
    "once": _once,
    "check-config": _check_config,
    "check-web-config": _check_web_config,
    "healthcheck": _healthcheck,
    "completion": _completion,
    "simulate": _simulate,
    **dict.fromkeys(STATE_COMMANDS, _state),
}


if __name__ == "__main__":
    sys.exit(main())
