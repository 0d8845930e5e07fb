"""Lengths of time as people write them, ``1h30m``, and as the program counts them, in microseconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from exporter.platforms.wrong import wrong
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros

UNITS: Final = {
    "w": 7 * DAY,
    "d": DAY,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": SECOND // 1000,
}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in UNITS))
_DURATION_RIGHT: Final = "write numbers with units, such as 30s, 5m, 24h, 8d or 1h30m"


def parse_duration(text: str) -> Micros:
    """Return ``1h30m`` as microseconds. Units from w to ms, each at most once, the larger first."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise wrong("is not a duration", _DURATION_RIGHT)
    return sum(int(count) * UNITS[unit] for unit, count in match.groupdict().items() if count)


def format_duration(micros: Micros) -> str:
    """Return the shortest way to write ``micros`` in the configuration, from days down."""
    parts = []
    rest = micros
    for unit, length in UNITS.items():
        # 24h and 8d are how people say it: a unit is used when at least two of it, or nothing smaller, remain.
        if unit != "w" and rest >= length and (rest >= 2 * length or unit != "d"):
            count, rest = divmod(rest, length)
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


@dataclass(frozen=True, slots=True)
class Duration:
    """Metadata of a duration: ``Annotated[Micros, Duration("1s", "1d")]``, both ends allowed."""

    least: str
    most: str

    def check(self, value: object) -> Micros:
        """Return ``value`` in microseconds; text is parsed, a number is microseconds already."""
        if isinstance(value, str):
            micros = parse_duration(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            micros = value
        else:
            raise wrong("is not a duration", _DURATION_RIGHT)
        if not parse_duration(self.least) <= micros <= parse_duration(self.most):
            raise wrong("is out of range", f"write a duration from {self.least} to {self.most}")
        return micros

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^([0-9]+(w|d|h|m|s|ms))+$"}
