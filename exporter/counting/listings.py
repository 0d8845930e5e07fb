"""Where the reading of each listing stands: horizon, broken and sliced walks, floor (rules 6, 7, 9, 25, 27)."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.counting.draft import CLOCK_TOLERANCE, Draft
from exporter.counting.states import ListingState
from exporter.observations import ListingFailed, Page, Run
from exporter.times import DAY, Micros


def advance(draft: Draft, page: Page[Run], known: ListingState, births: Iterable[tuple[str, Micros | None]]) -> None:
    """Move the listing's cursor as far as the page allows. Nothing here ever moves back.

    ``births`` are those of the page's runs, in its order, None where a run told no time.
    """
    step = page.step
    state = known._replace(
        unsorted=step.unsorted or (known.unsorted and step.kind != "sweep"),
        newest_id=known.newest_id if page.sequence else _newest_id(known, list(births)),
    )
    if page.drop_link:
        state = _without_walk(state)
    if step.complete:
        newest = _latest(known.newest, step.top)
        bound = draft.now if newest is None else min(newest, draft.now)
        state = _without_walk(state)._replace(
            horizon=_latest(known.horizon, bound - draft.limits.overlap),
            newest=newest,
            last_sweep=later(draft, known.last_sweep, step.started) if step.kind == "sweep" else known.last_sweep,
            last_deep=later(draft, known.last_deep, step.started) if step.kind != "ordinary" else known.last_deep,
        )
    elif not step.keep_link:
        state = state._replace(
            link=step.link, top=step.top, kind=step.kind, walk_started=step.started, depth=step.depth
        )
    if step.whole:
        state = state._replace(
            last_whole=later(draft, known.last_whole, step.read_started), failed=None, failed_at=None, gone=False
        )
    draft.changes.listings[page.listing] = state
    if step.complete:
        _move_floor(draft, state)


def failed(draft: Draft, batch: ListingFailed) -> None:
    """Note that a listing could not be read; its cursor stays."""
    known = draft.listing(batch.listing) or ListingState()
    if batch.drop_link:
        known = _without_walk(known)
    draft.changes.listings[batch.listing] = known._replace(failed=batch.reason, failed_at=draft.now, gone=batch.gone)


def retire(draft: Draft, read: tuple[str, ...]) -> None:
    """Drop the listings that are no longer read, which would look old for ever; their open runs go with the first."""
    gone = {key for key, _ in draft.listings()} - {*read}
    for key in gone:
        draft.changes.listings[key] = None
    for run_id, run in list(draft.open_runs()):
        if run.listing in gone:
            draft.changes.open_runs[run_id] = run._replace(listing=read[0])


def _newest_id(known: ListingState, births: list[tuple[str, Micros | None]]) -> str | None:
    """Return which run is at the top as a first page tells it. One without times has nothing but its order."""
    timed = [(birth, run_id) for run_id, birth in births if birth is not None]
    if timed:
        birth, run_id = max(timed)
        return run_id if known.newest is None or birth >= known.newest else known.newest_id
    return births[0][0] if births else known.newest_id


def _without_walk(state: ListingState) -> ListingState:
    return state._replace(link=None, top=None, kind=None, walk_started=None, depth=None)


def _latest(left: Micros | None, right: Micros | None) -> Micros | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


def later(draft: Draft, known: Micros | None, told: Micros) -> Micros:
    """Return the later of two times of reading.

    One that lies after now was told by a clock that was wrong; it must not put anything off until it has come.
    """
    return told if known is None or known > draft.now + CLOCK_TOLERANCE else max(known, told)


def fresh_from(draft: Draft) -> Micros | None:
    """Return the start of the last whole read of the listing that was read longest ago.

    Listings of disabled and of vanished workloads do not count; one that was never read counts from when its
    workload was first seen, or where it belongs to none, from the target's first poll.
    """
    oldest: Micros | None = None
    per_workload = draft.rules.listings_per_workload
    states = dict(draft.listings())
    if per_workload:
        for identity, workload in draft.workloads():
            if workload.enabled is False or workload.absent_at is not None:
                continue
            state = states.get(identity)
            read = None if state is None else state.last_whole
            read = workload.first_seen if read is None else read
            oldest = read if oldest is None else min(oldest, read)
    elif any(state.last_whole is not None for state in states.values()):
        first = draft.baseline().baseline_at
        oldest = min(first if state.last_whole is None else state.last_whole for state in states.values())
    return oldest


def _move_floor(draft: Draft, state: ListingState) -> None:
    """Move the floor after a complete walk, never past what some other listing still owes (rule 6)."""
    target = draft.baseline()
    # A lower floor only remembers more: a Date that is far ahead must not make it forget.
    bounds = [draft.now, draft.moment.world, target.baseline_at if target.data_at is None else target.data_at]
    if state.newest is not None:
        bounds.append(state.newest)
    floor = max(target.floor, min(bounds) - draft.limits.memory)
    if floor != target.floor:
        draft.changes.target = target._replace(floor=floor)


def prune(draft: Draft) -> None:
    """Drop ids of days that lie wholly below the floor, and runs without times unseen for ``forget_after``."""
    target = draft.target
    if target is None or not draft.trusted:
        return
    day = target.floor // DAY - 1  # times may differ by a day between two sightings, lookups allow for it
    if day > target.pruned_to:
        draft.changes.prune_before_day = day
        draft.changes.target = target._replace(pruned_to=day)
        for run_id, seen in draft.ledger.timeless.items():
            if draft.now - seen > draft.limits.forget_after:
                draft.changes.timeless[run_id] = None
