"""The drawing of a soak: one panel a measurement, days to the right. Plain SVG, no library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from tools.soak.running import Day

WIDTH: Final = 760
PANEL: Final = 120
GAP: Final = 52
LEFT: Final = 76
RIGHT: Final = 20
TOP: Final = 56


class Panel(NamedTuple):
    """A measurement, what one unit of it is, and how it is called."""

    field: str
    unit: int
    title: str


PANELS: Final = (
    Panel("memory", 1 << 20, "process in memory, MiB (with the simulator)"),
    Panel("state", 1 << 20, "state on disk, MiB"),
    Panel("series", 1, "durable series"),
    Panel("workloads", 1, "workloads that are remembered"),
)


def draw(days: Sequence[Day], forget_after: int) -> str:
    """Return the SVG document."""
    height = TOP + len(PANELS) * (PANEL + GAP)
    last = max(day.day for day in days)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="Memory, state and series over {last} simulated days">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 24, f"{last} simulated days, workloads coming and going on four platforms", size=15),
        _text(LEFT, 42, f"the dashed line: the first of them are forgotten ({forget_after} days after they left)"),
    ]
    for number, panel in enumerate(PANELS):
        parts += _panel(days, panel, TOP + number * (PANEL + GAP) + 24, last, forget_after)
    return "\n".join([*parts, "</svg>", ""])


def _panel(days: Sequence[Day], panel: Panel, top: int, last: int, forget_after: int) -> list[str]:
    values = [getattr(day, panel.field) / panel.unit for day in days]
    most = max(values) * 1.15
    inner = WIDTH - LEFT - RIGHT

    def across(day: float) -> float:
        return LEFT + inner * day / last

    points = " ".join(
        f"{across(day.day):.1f},{top + PANEL * (1 - value / most):.1f}" for day, value in zip(days, values, strict=True)
    )
    bottom = top + PANEL
    parts = [_text(LEFT, top - 6, panel.title)]
    for share in (0.0, 0.5, 1.0):
        height = bottom - PANEL * share
        parts.append(f'<path d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 8, height + 4, _number(most * share), anchor="end"))
    marks = range(0, last + 1, 20 if last >= 80 else 5)
    parts += [_text(across(day), bottom + 16, str(day), anchor="middle") for day in marks]
    gone = across(min(last, 14 + forget_after))
    parts.append(f'<path d="M{gone:.1f} {top}V{bottom}" stroke="#b35900" stroke-dasharray="4 4"/>')
    parts.append(f'<polyline fill="none" stroke="#1f5fa8" stroke-width="2" points="{points}"/>')
    return parts


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#333333">{escape(text)}</text>'
    )
