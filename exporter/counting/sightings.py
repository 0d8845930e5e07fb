"""Rows of a page with their times judged: what is believed, what is borrowed, what stays unknown (rule 5)."""

from __future__ import annotations

from typing import Final, NamedTuple

from exporter.catalogue.runs import RUN_LATENESS
from exporter.counting.draft import Draft
from exporter.counting.states import ListingState, TargetState, days_of
from exporter.observations import Effect, Page, Run
from exporter.times import DAY, HOUR, Micros

EARLIEST: Final = 946_684_800_000_000
"""2000-01-01: an earlier time is no time (rule 5)."""

AHEAD: Final = HOUR
"""How far after the upstream's now a time may lie (rule 5)."""


class Sighting(NamedTuple):
    """One row with its times judged: the birth that counts, the latest time, the days of all of them."""

    run: Run
    birth: Micros
    latest: Micros
    days: tuple[int, ...]
    timeless: bool


def sightings(draft: Draft, page: Page[Run], target: TargetState, listing: ListingState) -> list[Sighting]:
    """Judge the times of a page's rows; a row without any borrows its neighbour's (rule 5)."""
    judged = [_believable(run, draft.now + AHEAD) for run in page.items]
    births = [times[0] if times else None for _, times in judged]
    rows = []
    for index, (run, times) in enumerate(judged):
        if times:
            latest = max(times)
            days = (latest // DAY,) if min(times) // DAY == latest // DAY else days_of(times)
            rows.append(Sighting(run, times[0], latest, days, False))
        else:
            near = _above(births, index, draft.limits.overlap)
            if near is not None and _is_among_remembered(births, index, target, listing):
                near = max(near, target.baseline_at)
            if near is None:
                near = _below(births, index, target, listing)
            if near is None:
                near = _now_or_history(draft, page.listing, target, listing)
            rows.append(Sighting(run, near, near, days_of((near,)), timeless=True))
    return _agreed(rows)


def _above(births: list[Micros | None], index: int, overlap: Micros) -> Micros | None:
    """Return the time of the nearest timed row before this one.

    One that is older than rows below, by more than ``overlap``, is out of order and says nothing of its neighbours:
    a stray old row must not make history of a run that is new.
    """
    newest_below = max((at for at in births[index + 1 :] if at is not None), default=None)
    for at in reversed(births[:index]):
        if at is not None and (newest_below is None or at + overlap >= newest_below):
            return at
    return None


def _is_among_remembered(births: list[Micros | None], index: int, target: TargetState, listing: ListingState) -> bool:
    """Whether nothing is forgotten around a row, as far as all rows with times can tell: in a listing that was read
    whole before, a run there whose id is not known is no history."""
    below = [at for at in births[index + 1 :] if at is not None]
    return listing.horizon is not None and bool(below) and min(below) >= target.floor


def _below(births: list[Micros | None], index: int, target: TargetState, listing: ListingState) -> Micros | None:
    """Return the time of the nearest timed row after this one.

    Above a row that is remembered nothing is forgotten: in a listing that was read whole before, a run there whose
    id is not known is no history, although the row below it is.
    """
    near = next((at for at in births[index + 1 :] if at is not None), None)
    if near is not None and near >= target.floor and listing.horizon is not None:
        return max(near, target.baseline_at)
    return near


def _agreed(rows: list[Sighting]) -> list[Sighting]:
    """Let a run without times that stands on the page twice have one time: its own from the copy that tells it, else
    what the first copy borrowed. A copy among old rows must not make history of a run that is new."""
    if not any(row.timeless for row in rows):
        return rows
    known: dict[str, Sighting] = {}
    for row in rows:
        held = known.setdefault(row.run.id, row)
        if held.timeless and not row.timeless:
            known[row.run.id] = row
    return [
        row._replace(birth=known[row.run.id].birth, latest=known[row.run.id].latest, days=known[row.run.id].days)
        if row.timeless
        else row
        for row in rows
    ]


def _believable(run: Run, latest: Micros) -> tuple[Run, list[Micros]]:
    """Return the run without the times that are none, and without what was computed from them; and its own times in
    the order of birth."""
    times = [at for at in (run.created, run.triggered, run.started, run.finished) if at is not None]
    every = [*times, *run.events]
    if run.delivery is not None:
        every.append(run.delivery.fire_at)
    if every and not (min(every) >= EARLIEST and max(every) <= latest):
        run = _without(run, latest)
        times = [at for at in run.times if at is not None]
    return run, times


def _without(run: Run, latest: Micros) -> Run:
    """Return the run without times that are none, and without lengths of time, which were computed from them."""

    def judged(at: Micros | None) -> Micros | None:
        return at if at is not None and EARLIEST <= at <= latest else None

    created, triggered, started, finished = times = tuple(map(judged, run.times))
    late = run.delivery is not None and judged(run.delivery.fire_at) is None
    gone = {RUN_LATENESS} if late else set()
    if times != run.times:
        gone |= {metric for metric, _ in run.effect.values if metric.unit != 1}
    values = [each for each in zip(run.effect.values, run.values, strict=True) if each[0][0] not in gone]
    events = [each for each in zip(run.effect.events, run.events, strict=True) if judged(each[1]) is not None]
    return run._replace(
        created=created,
        triggered=triggered,
        started=started,
        finished=finished,
        effect=Effect(run.effect.counts, tuple(named for named, _ in values), tuple(named for named, _ in events)),
        values=tuple(value for _, value in values),
        events=tuple(at for _, at in events),
        delivery=None if late else run.delivery,
    )


def _now_or_history(draft: Draft, key: str, target: TargetState, listing: ListingState) -> Micros:
    """Return the time of a run without times and without neighbours: now; in the first walk of a listing that
    was there at baseline, just before it, so that an old history without times is no burst."""
    if listing.horizon is None:
        owner = draft.workload(key) if draft.rules.listings_per_workload else None
        if owner is None or owner.first_seen == target.born_at:
            return target.baseline_at - 1
    return draft.now
