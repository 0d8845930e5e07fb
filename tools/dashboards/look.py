"""How things look: colours that mean the same everywhere, thresholds, and words in place of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tools.dashboards.sdk import dashboard as sdk

GOOD: Final = "green"
WARNING: Final = "orange"
BAD: Final = "red"
UNKNOWN: Final = "purple"
"""Neither good nor bad: we cannot see. A colour of its own, since grey reads as switched off."""
PLAIN: Final = "blue"
QUIET: Final = "#8e8e8e"

OUTCOME_COLOURS: Final[Mapping[str, str]] = {
    "completed": GOOD,
    "failed": BAD,
    "cancelled": QUIET,
    "unknown": UNKNOWN,
}
STATE_COLOURS: Final[Mapping[str, str]] = {"running": PLAIN, "queued": "yellow", "paused": QUIET, "open": "light-blue"}

Step = tuple[float | None, str]
"""From this value on (None: from the lowest) this colour."""

Word = tuple[str, str]
"""Text and colour in place of a number."""

ALWAYS_PLAIN: Final[Sequence[Step]] = ((None, PLAIN),)
NONE_IS_GOOD: Final[Sequence[Step]] = ((None, GOOD), (0.5, BAD))
NONE_IS_BEST: Final[Sequence[Step]] = ((None, GOOD), (0.5, WARNING))
RATIO: Final[Sequence[Step]] = ((None, BAD), (0.9, WARNING), (0.95, GOOD))
"""Around the default objective of 95 %."""
BUDGET_LEFT: Final[Sequence[Step]] = ((None, BAD), (0.0, WARNING), (0.25, GOOD))

VERDICTS: Final[Mapping[int, Word]] = {
    0: ("All good", GOOD),
    1: ("Attention", WARNING),
    2: ("Unknown", UNKNOWN),
    3: ("Failing", BAD),
}
TARGET_STATES: Final[Mapping[int, Word]] = {
    0: ("Fresh", GOOD),
    1: ("Degraded", WARNING),
    2: ("Unknown", UNKNOWN),
}
YES_OR_NO: Final[Mapping[int, Word]] = {0: ("no", GOOD), 1: ("yes", WARNING)}
PROBLEMS: Final[Mapping[str, str]] = {
    "Failing": BAD,
    "Missed schedule": BAD,
    "No data at all": UNKNOWN,
    "Not read": UNKNOWN,
    "Silent": WARNING,
    "Stuck": WARNING,
}
"""What can be wrong; in the order of the alphabet, which is the order in the table."""


def thresholds(steps: Sequence[Step]) -> sdk.ThresholdsConfig:
    """Return absolute thresholds."""
    return sdk.ThresholdsConfig(
        mode=sdk.ThresholdsMode.ABSOLUTE, steps=[sdk.Threshold(value=value, color=colour) for value, colour in steps]
    )


def nothing(text: str) -> sdk.ValueMapping:
    """Return what stands in place of a value that is not there; if that is unknown, in the colour of the unknown."""
    colour = UNKNOWN if text == "Unknown" else QUIET
    result = sdk.ValueMappingResult(text=text, color=colour, index=0)
    return sdk.SpecialValueMap(
        options=sdk.DashboardSpecialValueMapOptions(match=sdk.SpecialValueMatch.NULL, result=result)
    )


def words(mapping: Mapping[int, Word] | Mapping[str, str]) -> list[sdk.ValueMapping]:
    """Return a mapping from numbers to words, or only colours for texts."""
    results: dict[str, sdk.ValueMappingResult] = {}
    for index, (value, word) in enumerate(mapping.items()):
        text, colour = (None, word) if isinstance(word, str) else word
        results[str(value)] = sdk.ValueMappingResult(text=text, color=colour, index=index)
    return [sdk.ValueMap(options=results)]
