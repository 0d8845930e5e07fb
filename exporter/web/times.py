"""Times as people say them."""

from __future__ import annotations

from typing import Final

from exporter.times import SECOND, Micros, to_datetime
from exporter.web.markup import Markup, element

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def moment(at: Micros | None, now: Micros) -> Markup:
    """Return how long ago, or in how long; the exact time is in the element. Nothing for None."""
    if at is None:
        return Markup("")
    exact = to_datetime(at).isoformat(timespec="seconds").replace("+00:00", "Z")
    return element(
        "time", f"in {length(at - now)}" if at > now else f"{length(now - at)} ago", datetime=exact, title=exact
    )


def length(micros: Micros) -> str:
    """Return a length of time in the largest unit that keeps it above one, rounded down."""
    seconds = micros // SECOND
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
