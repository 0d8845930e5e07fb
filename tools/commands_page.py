"""``docs/commands.md``, written from the parser: every command with its arguments and flags."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Final

from exporter.arguments import PROGRAM, parser
from exporter.usage import shown

_HEAD: Final = f"""\
# Commands and flags

Written by `./run docs` from `exporter/arguments.py`; do not edit.

`{PROGRAM} COMMAND --help` tells the same. Flags are spelt in full, `--flag=value` or `--flag value`.

Exit codes: 0 all went well, 1 something failed, 2 the arguments or the configuration are wrong.

Every command below, those of `state` too, also has `--log.level` (`debug`, `info`, `warn`, `error`; default: info) and
`--log.format` (`logfmt`, `json`; default: logfmt); they are written after its name.
"""
_OF_ALL: Final = frozenset({"--help", "--log.level", "--log.format"})


def page() -> str:
    """Return the whole page."""
    return "\n".join((_HEAD, *(_section(name, command) for name, command in commands().items())))


def commands() -> Mapping[str, argparse.ArgumentParser]:
    """Return the parser of every command by its name, such as ``run`` or ``state info``."""
    return dict(_below(parser(), ""))


def _below(command: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    # argparse has no public way to ask for what was added.
    below = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, command
    for action in below:
        for word, child in action.choices.items():
            yield from _below(child, f"{name} {word}".strip())


def _section(name: str, command: argparse.ArgumentParser) -> str:
    actions = [action for action in command._actions if not _OF_ALL & set(action.option_strings)]
    positional = "".join(f" {shown(action)}" for action in actions if not action.option_strings)
    lines = [f"## `{name}{positional}`", "", f"{_sentence(command.description or '')}", ""]
    flags = [action for action in actions if action.option_strings]
    if flags:
        lines += ["| flag | |", "| --- | --- |"]
        lines += [f"| `{shown(action)}` | {_help(action)} |" for action in flags]
        lines.append("")
    return "\n".join(lines)


def _help(action: argparse.Action) -> str:
    text = _sentence((action.help or "").replace("|", "\\|"))
    return f"{text} Required." if action.required else text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""
