"""What is said of a wrong command line: the flag that is unknown and the one that was meant, and a short usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

_CLOSE: Final = 0.6
"""How alike two flags are, of 1, for one to be suggested in place of the other."""


def shown(action: argparse.Action) -> str:
    """Return a flag with its value, or an argument, as a usage has them."""
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if action.option_strings:
        return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]}={value}"
    return f"{value}..." if action.nargs == "+" else str(value)


class Parser(argparse.ArgumentParser):
    """argparse's, which names what it does not know before it asks for what is missing.

    argparse itself tells of unknown flags last, from the top, and shows every flag whatever is wrong.
    """

    def parse_known_args(  # type: ignore[override]  # the base's overloads say the same in more words
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parse, and end the program for a flag or an argument that the command does not have."""
        args = sys.argv[1:] if args is None else args
        for word in self._own(args):
            name = word.partition("=")[0]
            if name not in self._option_string_actions:
                self.error(f"unknown flag {name}{self._meant(name)}")
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unexpected argument {' '.join(rest)}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """End with exit code 2: what must be given, what is wrong, and where more is told."""
        self.exit(2, f"{self.format_usage()}{self.prog}: error: {message}\nTry: {self.prog} --help\n")

    def format_usage(self) -> str:
        """Return a line with what must be given."""
        required = [shown(action) for action in self._actions if action.required]
        return f"usage: {' '.join((self.prog, *required, '[FLAGS]'))}\n"

    def _own(self, words: Sequence[str]) -> list[str]:
        """Return the flags that are this command's to know: not those behind the name of one below it."""
        flags: list[str] = []
        for word in words:
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):
                break
            if word.startswith("-") and word != "-" and not self._negative_number_matcher.match(word):
                flags.append(word)
        return flags

    def _meant(self, name: str) -> str:
        from difflib import get_close_matches  # noqa: PLC0415 - only for mistakes

        if name.endswith(".file") and next((shown(each) for each in self._get_positional_actions()), "") == "FILE":
            return f"; the file is given without a flag: {self.prog} FILE"
        close = get_close_matches(name, self._option_string_actions, n=1, cutoff=_CLOSE)
        if close:
            return f"; did you mean {close[0]}?"
        return "" if self._subparsers is None else "; flags follow the command they are for"
