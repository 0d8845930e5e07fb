"""Shell completion, written from the parser itself: ``automation-exporter completion bash``.

zsh reads what is written for bash. Values are completed where there is a closed list; everything else as a file.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

SHELLS: Final = ("bash", "zsh", "fish")

Path = tuple[str, ...]
"""The words of a command, such as ``("state", "info")``; empty for the program itself."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What may follow a command: further commands and flags with their meaning, and the values of some flags."""

    commands: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    taking: tuple[str, ...] = ()
    """Flags that want a value of no closed list."""
    arguments: tuple[str, ...] = ()
    """Values of the first argument, when there is a closed list."""


def offers(parser: argparse.ArgumentParser, path: Path = ()) -> Iterator[tuple[Path, Offer]]:
    """Yield every command with what may follow it."""
    offer = Offer()
    arguments: tuple[str, ...] = ()
    taking: list[str] = []
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:  # there is no public way to ask a parser what it knows
        if isinstance(action, argparse._SubParsersAction):
            below = list(action.choices.items())
            offer.commands.update({choice.dest: choice.help or "" for choice in action._choices_actions})
        for flag in action.option_strings:
            if flag.startswith("--"):
                offer.flags[flag] = action.help or ""
                if action.choices:
                    offer.values[flag] = tuple(map(str, action.choices))
                elif action.nargs != 0:
                    taking.append(flag)
        if not action.option_strings and not below and action.choices:
            arguments = tuple(map(str, action.choices))
    yield path, Offer(offer.commands, offer.flags, offer.values, tuple(taking), arguments)
    for name, child in below:
        yield from offers(child, (*path, name))


def script(shell: str, program: str, parser: argparse.ArgumentParser) -> str:
    """Return the script for a shell; KeyError for one that is not in ``SHELLS``."""
    every = dict(offers(parser))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](program, every)


def _bash(program: str, every: Mapping[Path, Offer]) -> str:
    name = f"_{program.replace('-', '_')}"
    cases = []
    for path, offer in every.items():
        words = shlex.quote(" ".join((*offer.commands, *offer.arguments, *offer.flags)))
        cases.append(f"    {shlex.quote(' '.join(path))}) words={words} ;;")
        for flag, values in offer.values.items():
            cases.append(f"    {shlex.quote(' '.join((*path, flag)))}) values={shlex.quote(' '.join(values))} ;;")
        cases.extend(f"    {shlex.quote(' '.join((*path, flag)))}) taking=1 ;;" for flag in offer.taking)
    commands = shlex.quote(f" {' '.join(sorted({word for path in every for word in path}))} ")
    return _BASH.format(name=name, program=program, cases="\n".join(cases), commands=commands)


_BASH: Final = """\
{name}_words() {{
    words='' values='' taking=''
    case $1 in
{cases}
    esac
}}
{name}() {{
    local word words values taking path='' flag='' current=${{COMP_WORDS[COMP_CWORD]}}
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case {commands} in *" $word "*) path="${{path:+$path }}$word" ;; esac
        case $word in --*) flag=$word ;; =) ;; *) flag='' ;; esac
    done
    [ "$current" != = ] || current=''
    if [ -n "$flag" ]; then
        {name}_words "$path $flag"
        [ -z "$values" ] || {{ COMPREPLY=($(compgen -W "$values" -- "$current")); return; }}
        [ -z "$taking" ] || return
    fi
    {name}_words "$path"
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F {name} {program}
"""


def _zsh(program: str, every: Mapping[Path, Offer]) -> str:
    return f"autoload -U +X bashcompinit && bashcompinit\n{_bash(program, every)}"


def _fish(program: str, every: Mapping[Path, Offer]) -> str:
    lines = []
    for path, offer in every.items():
        others = " ".join(offer.commands)
        seen = " ".join(f"; and __fish_seen_subcommand_from {word}" for word in path)
        here = f"__fish_use_subcommand{seen}" if not path else seen.removeprefix("; and ")
        if path and others:
            here += f"; and not __fish_seen_subcommand_from {others}"
        start = f"complete -c {program} -n {shlex.quote(here)}"
        for word, text in offer.commands.items():
            lines.append(f"{start} -f -a {word} -d {shlex.quote(text)}")
        if offer.arguments:
            lines.append(f"{start} -f -a {shlex.quote(' '.join(offer.arguments))}")
        for flag, text in offer.flags.items():
            values = offer.values.get(flag)
            more = f" -x -a {shlex.quote(' '.join(values))}" if values else " -r" * (flag in offer.taking)
            lines.append(f"{start} -l {flag.removeprefix('--')} -d {shlex.quote(text)}{more}")
    return "\n".join(lines) + "\n"
