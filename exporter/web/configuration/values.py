"""The values of single keys, read as strictly as Go reads them, and a note of everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from exporter.config.messages import Mistake, sentence, unknown_key
from exporter.config.problems import Path, Problem
from exporter.config.written import Value, Written

_YES: Final = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_NO: Final = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(ns|us|µs|μs|ms|s|m|h)")
_DURATION: Final = re.compile(rf"[-+]?(?:{_PART.pattern})+")


class Values:
    """Reads what stands at a path. What is wrong becomes a problem, and reads as if it were not there."""

    def __init__(self, written: Written) -> None:
        self.problems = list(written.problems)
        self.warnings: list[Problem] = []
        self._written = written
        self._unread = {problem.path for problem in written.problems}

    def sound(self, *paths: Path) -> bool:
        """Whether nothing is wrong at these paths or below them."""
        return not any(problem.path[: len(path)] == path for path in paths for problem in self.problems)

    def wrong(
        self, path: Path, problem: str, right: str = "", *, choices: Collection[str] = (), hidden: bool = False
    ) -> None:
        """Note a mistake; ``hidden`` values are not shown."""
        mistake = Mistake((path,), problem, right, tuple(choices), hidden)
        self.problems.append(Problem(path, sentence(mistake, path, self._at(path), None), self._written.line(path)))

    def warn(self, path: Path, text: str) -> None:
        """Note what is possible and does not do what somebody may think."""
        self.warnings.append(Problem(path, text, self._written.line(path)))

    def has(self, path: Path) -> bool:
        """Whether something stands there."""
        return self._at(path) is not None

    def keys(self, path: Path, known: Collection[str] | None = None) -> list[str]:
        """Return the keys of the mapping at ``path`` that are ``known``; all of them when any is possible."""
        value = self._at(path)
        if value is None:
            return []
        if not isinstance(value, dict):
            self.wrong(path, "is not a mapping", "write keys and values below it", hidden=True)
            return []
        for key in value:
            if known is not None and key not in known:
                self.wrong((*path, key), unknown_key(key, known), hidden=True)
        return [key for key in value if known is None or key in known]

    def text(self, path: Path) -> str:
        """Return the text; "" when there is none."""
        value = self._at(path)
        if value is None or isinstance(value, str):
            return value or ""
        self.wrong(path, "is not text", "write one value")
        return ""

    def choice(self, path: Path, choices: Sequence[str], default: str) -> str:
        """Return one of ``choices``."""
        value = self.text(path) if self.has(path) else default
        if value in choices or not self.sound(path):
            return value if value in choices else default
        self.wrong(path, "is not possible", choices=[choice for choice in choices if choice])
        return default

    def texts(self, path: Path, choices: Sequence[str] | None = None) -> list[str]:
        """Return the items of a list, each one of ``choices`` if there are any."""
        value = self._at(path)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(path, "is not a list", "write [a, b], or items that begin with '- '")
            return []
        items = [(*path, index) for index in range(len(value))]
        for item in items:
            if not self.has(item):
                self.wrong(item, "is empty", "write a value, or leave the item out")
        return [self.choice(item, choices, "") if choices is not None else self.text(item) for item in items]

    def flag(self, path: Path, default: bool) -> bool:
        """Return true or false, in any of YAML's spellings."""
        text = self.text(path)
        if not self.has(path):
            return default
        if path in self._written.quoted or text not in _YES | _NO:
            self.wrong(path, "is neither true nor false", "write true or false, without quotes")
            return default
        return text in _YES

    def whole(self, path: Path, default: int) -> int:
        """Return a whole number."""
        text = self.text(path)
        if not self.has(path) or not self.sound(path):
            return default
        if path in self._written.quoted or not _WHOLE.fullmatch(text):
            self.wrong(path, "is not a whole number", "write a number such as 20, without quotes")
            return default
        return int(text)

    def seconds(self, path: Path) -> float:
        """Return a duration in Go's form, such as ``1.5s`` or ``1m30s``, in seconds; 0 when there is none."""
        text = self.text(path)
        if text == "0" or not self.has(path) or not self.sound(path):
            return 0.0
        if _WHOLE.fullmatch(text):
            self.wrong(path, "has no unit", "write a duration such as 500ms or 1s")
            return 0.0
        if not _DURATION.fullmatch(text):
            self.wrong(path, "is not a duration", "write one such as 500ms, 1s or 1m30s")
            return 0.0
        total = sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text))
        return -total if text.startswith("-") else total

    def _at(self, path: Path) -> Value:
        value = self._written.value
        for index, part in enumerate(path):
            if path[: index + 1] in self._unread:
                return None
            if isinstance(value, dict):
                value = value.get(str(part))
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
            else:
                return None
        return value
