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

from tools.chaos.worlds import LISTED

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

    It is dealt to ``platforms`` only, where they are named.
    """

    bends: frozenset[Bend] = frozenset()
    options: Options = _none
    early: bool = False
    platforms: Sequence[str] = ()


def _plain(options: Options = _none, *, early: bool = False) -> Card:
    return Card(options=options, early=early)


def _bending(*bends: Bend, options: Options = _none) -> Card:
    return Card(frozenset(bends), options)


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


def _big(random: Random) -> dict[str, Any]:
    del random
    return {"size": 2 << 20}


PAGED: Final = ("roboto", "foundry", "moderately")
"""Platforms whose lists have pages. Where there are none, a page that is shown again is the answer to another question:
sums that nobody could tell from the truth."""

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
    "missing_list": _plain(early=True),
    "not_utf8": _plain(early=True),
    "null_list": _plain(early=True),
    "oversized_body": _plain(_big, early=True),
    "truncated_json": _plain(early=True),
    "value_envelope": _plain(early=True),
    "wrong_kind_of_list": _plain(early=True),
    # paging
    "duplicated_rows": _plain(lambda random: {"rows": random.randint(1, 60)}),
    "endless_empty_pages": Card(platforms=PAGED),
    "expired_page_tokens": _plain(early=True),
    "foreign_next_link": _plain(),
    "looping_next_link": Card(platforms=PAGED),
    "repeated_page": Card(platforms=PAGED),
    "row_twice": _plain(),
    "unsorted": _plain(),
    # times that say the same in another form, and clocks
    "bad_date": _plain(),
    "clock_skew": _plain(_skew),
    "no_date": _plain(),
    "skewed_clock": Card(options=_skew, platforms=LISTED),  # the windowed ones: see plan.Life.skew
    "times_as_floats": _plain(),
    "times_as_iso": _plain(),
    "times_as_milliseconds": _plain(),
    "times_as_text": _plain(),
    "times_in_zone": _plain(),
    # values
    "boolean_counts": _plain(),
    "counts_as_floats": _plain(),
    "counts_as_fractions": _plain(),
    "enormous_counts": _plain(),
    "inclusive_windows": _plain(),
    "lowercase_statuses": _plain(),
    "missing_names": _plain(),
    "negative_counts": _plain(),
    "null_counts": _plain(),
    "record_not_an_object": _plain(),
    "record_without_id": _plain(),
    "unknown_fields": _plain(),
    "unknown_statuses": _plain(),
    "uppercase_statuses": _plain(),
    # what the upstream says of a run is not what happened: counted once all the same
    "ascending": _bending(Bend.OUTCOME, Bend.TIMES),
    "dropped_rows": _bending(Bend.OUTCOME, Bend.TIMES, options=_share),
    "empty_list": _bending(Bend.OUTCOME, Bend.TIMES),
    "flipping_statuses": _bending(Bend.OUTCOME, options=_after_end),
    "invisible_key": Card(frozenset({Bend.TIMES}), options=_old_times, platforms=LISTED),
    "late_rows": _bending(Bend.OUTCOME, Bend.TIMES),
    "lost_rows": _bending(Bend.OUTCOME, Bend.TIMES, options=lambda random: {"rows": random.randint(1, 60)}),
    "negative_durations": _bending(Bend.TIMES),
    "no_times": _bending(Bend.TIMES, options=_share),
    "null_fields": Card(frozenset({Bend.DETAILS}), platforms=("foundry", "granite")),  # elsewhere the agent is null too
    "null_statuses": _bending(Bend.OUTCOME),
    "reopening_runs": _bending(Bend.OUTCOME, Bend.TIMES, options=_after_end),
    "times_in_1970": _bending(Bend.TIMES, options=_share),
    "times_in_2099": _bending(Bend.TIMES, options=_share),
    "zero_times": _bending(Bend.TIMES),
}

NOT_DEALT: Final[Mapping[str, str]] = {
    "awkward_names": "another name is another workload; the world has workloads with such names from the start",
    "empty_names": "another name is another workload; see the awkward names of the world",
    "long_names": "another name is another workload; the world has a workload with a name of 10,000 characters",
    "surrogate_names": "another name is another workload; the world has a workload with such a name",
    "numeric_ids": "another id is another run, and nobody could know that it is the same",
    "rounded_windows": "a server rounds always or never: some lives have one that does (plan.Life.rounded_windows)",
}
