"""Which faults of the simulator a chaos run deals, with what options, and what each bends in the comparison.

Most faults bend nothing: whatever they do, the counters must be exact in the end. A few change what the upstream says
about a run, so that nobody could count it in another way; then a part of the comparison is made coarser (``Bend``), and
the number of runs is still exact. What is not dealt is in ``NOT_DEALT``, with the reason and where it is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, Final

from tools.chaos.worlds import LISTED, WINDOWED

Options = Callable[[Random], dict[str, Any]]


class Bend(Enum):
    """What a fault may change for good, and how the comparison allows for it."""

    OUTCOME = "a run may be counted under another outcome: outcomes are summed, failures by reason are not compared"
    TIMES = "durations may be missing or wrong: histograms may hold fewer, and are not compared by bucket"
    DETAILS = "reasons, trigger types and the like may be empty: only their sum is compared"


def _none(random: Random) -> dict[str, Any]:
    del random
    return {}


@dataclass(frozen=True, slots=True)
class Card:
    """A fault in the deck. ``early`` faults may also meet the very first poll, before anything is counted.

    It is dealt to ``platforms`` only, where they are named: those on which it bends anything (a test looks), and on
    which somebody could tell it from the truth. ``once``: it meets one request, however long the cycle.
    """

    bends: frozenset[Bend] = frozenset()
    options: Options = _none
    early: bool = False
    platforms: Sequence[str] = ()
    once: bool = False


def _plain(options: Options = _none, *, early: bool = False, on: Sequence[str] = ()) -> Card:
    return Card(options=options, early=early, platforms=on)


def _bending(*bends: Bend, options: Options = _none, on: Sequence[str] = ()) -> Card:
    return Card(frozenset(bends), options, platforms=on)


def _share(random: Random) -> dict[str, Any]:
    return {"share": round(random.uniform(0.1, 0.6), 2)}


def _skew(random: Random) -> dict[str, Any]:
    return {"seconds": random.choice((-600, 600, -30, 30))}


def _rate_limit(random: Random) -> dict[str, Any]:
    form = random.choice(("seconds", "date", "retry-after-ms", "x-ms-retry-after-ms", "none"))
    return {"form": form, "wait": round(random.uniform(0.1, 1.5), 1)}


def _after_end(random: Random) -> dict[str, Any]:
    return {"seconds": random.choice((1, 60)), "share": round(random.uniform(0.2, 0.8), 2)}


def _old_times(random: Random) -> dict[str, Any]:
    return {"seconds": random.choice((300, 900)), "share": round(random.uniform(0.1, 0.6), 2)}


def _fallen(random: Random) -> dict[str, Any]:
    return {"by": random.choice((1, 1, 5, 1000)), "share": random.choice((0.3, 1.0))}


def _big(random: Random) -> dict[str, Any]:
    del random
    return {"size": 2 << 20}


PAGED: Final = ("roboto", "foundry", "moderately")
"""Platforms whose lists have pages. Where there are none, a page that is shown again is the answer to another question:
sums that nobody could tell from the truth."""
TIMED: Final = (*LISTED, "granite")
"""Platforms whose records have times."""
SUMMED: Final = (*WINDOWED, "moderately")
"""Platforms whose records have counts; Moderately's are of a lifetime, and levels."""

DECK: Final[Mapping[str, Card]] = {
    # statuses
    "bad_gateway": _plain(early=True),
    "forbidden": _plain(early=True),
    "gateway_deny": _plain(early=True),
    "gateway_timeout": _plain(early=True),
    "not_found": _plain(early=True),
    "rate_limited": _plain(_rate_limit, early=True),
    "redirect": _plain(early=True),
    "response_too_large": _plain(early=True),
    "server_error": _plain(early=True),
    "unauthorized": _plain(early=True),
    "unavailable": _plain(early=True),
    "wrong_token": _plain(early=True),
    # connections
    "connect_timeout": _plain(early=True),
    "connection_refused": _plain(early=True),
    "connection_reset": _plain(early=True),
    "dripped_headers": _plain(early=True),
    "read_timeout": _plain(early=True),
    "slow_body": _plain(lambda random: {"seconds": random.choice((0.01, 0.5))}, early=True),
    # bodies
    "bare_array": _plain(early=True),
    "deep_json": _plain(early=True),
    "empty_body": _plain(early=True),
    "gzip_bomb": _plain(_big, early=True),
    "html_body": _plain(early=True),
    "huge_number": _plain(early=True),
    "invalid_json": _plain(early=True),
    "missing_list": _plain(early=True),
    "not_utf8": _plain(early=True),
    "null_list": _plain(early=True),
    "oversized_body": _plain(_big, early=True),
    "truncated_json": _plain(early=True),
    "value_envelope": _plain(early=True),
    "wrong_kind_of_list": _plain(early=True),
    # paging
    "duplicated_rows": _plain(lambda random: {"rows": random.randint(1, 60)}, on=PAGED),
    "endless_empty_pages": _plain(on=PAGED),
    "expired_page_tokens": _plain(early=True, on=PAGED),
    "foreign_next_link": _plain(on=PAGED),
    "looping_next_link": _plain(on=PAGED),
    "repeated_page": _plain(on=PAGED),
    "row_twice": _plain(),
    "unsorted": _plain(),
    # times that say the same in another form, and clocks
    "bad_date": _plain(),
    "clock_skew": _plain(_skew),
    "no_date": _plain(),
    "skewed_clock": _plain(_skew, on=LISTED),  # the windowed ones: see plan.Life.skew
    "times_as_floats": _plain(on=TIMED),
    "times_as_iso": _plain(on=("foundry",)),
    "times_as_milliseconds": _plain(on=TIMED),
    "times_as_text": _plain(on=TIMED),
    "times_in_many_forms": _plain(on=TIMED),
    "times_in_zone": _plain(on=TIMED),
    # values
    "boolean_counts": _plain(on=SUMMED),
    "counts_as_floats": _plain(on=SUMMED),
    "counts_as_fractions": _plain(on=SUMMED),
    "enormous_counts": _plain(on=SUMMED),
    "fallen_counts": Card(options=_fallen, platforms=WINDOWED, once=True),
    "lowercase_statuses": _plain(on=("foundry",)),
    "missing_names": _plain(),
    "negative_counts": _plain(on=SUMMED),
    "null_counts": _plain(on=SUMMED),
    "record_not_an_object": _plain(),
    "record_without_id": _plain(),
    "unknown_fields": _plain(),
    "unknown_statuses": _plain(on=LISTED),
    "uppercase_statuses": _plain(on=LISTED),
    # what the upstream says of a run is not what happened: counted once all the same
    "ascending": _bending(Bend.OUTCOME, Bend.TIMES, on=LISTED),
    "dropped_rows": _bending(Bend.OUTCOME, Bend.TIMES, options=_share),
    "empty_list": _bending(Bend.OUTCOME, Bend.TIMES),
    "flipping_statuses": _bending(Bend.OUTCOME, options=_after_end, on=LISTED),
    "invisible_key": _bending(Bend.TIMES, options=_old_times, on=LISTED),
    "late_rows": _bending(Bend.OUTCOME, Bend.TIMES, on=TIMED),
    "lost_rows": _bending(Bend.OUTCOME, Bend.TIMES, options=lambda random: {"rows": random.randint(1, 60)}, on=PAGED),
    "negative_durations": _bending(Bend.TIMES, on=LISTED),
    "no_times": _bending(Bend.TIMES, options=_share, on=TIMED),
    "null_fields": _bending(Bend.DETAILS, on=("foundry", "granite")),  # elsewhere the agent is null too
    "null_statuses": _bending(Bend.OUTCOME, on=LISTED),
    "reopening_runs": _bending(Bend.OUTCOME, Bend.TIMES, options=_after_end, on=LISTED),
    "times_in_1970": _bending(Bend.TIMES, options=_share, on=TIMED),
    "times_in_2099": _bending(Bend.TIMES, options=_share, on=TIMED),
    "zero_times": _bending(Bend.TIMES, on=TIMED),
}

UNDATED: Final = frozenset({"no_times", "times_in_1970", "times_in_2099", "zero_times"})
"""Faults by which a run may tell no time when it is first read. In a listing that is in no order nobody could say then
whether it is new: where the order is "none", they are not dealt."""

NOT_DEALT: Final[Mapping[str, str]] = {
    "awkward_names": "another name is another workload; the world has workloads with such names from the start",
    "empty_names": "another name is another workload; see the awkward names of the world",
    "long_names": "another name is another workload; the world has a workload with a name of 10,000 characters",
    "surrogate_names": "another name is another workload; the world has a workload with such a name",
    "numeric_ids": "another id is another run, and nobody could know that it is the same",
    "inclusive_windows": "a server includes ends always or never: some lives have one that does (plan.Life.bounds)",
    "rounded_windows": "a server rounds always or never: some lives have one that does (plan.Life.bounds)",
}
