"""Which runs go to the feed: those that failed, were late, or were given up. What is counted is decided elsewhere."""

from __future__ import annotations

from exporter.catalogue.runs import FAILED, RUN_FAILURES, TRIGGERED_RUNS, UNKNOWN
from exporter.counting.draft import Draft
from exporter.counting.feed import FeedRun, shown, usable
from exporter.counting.states import OpenRun
from exporter.observations import Failed, Run
from exporter.times import Micros

GIVEN_UP = "given_up"
"""Reason of a run that was open for too long, or vanished, and was counted as unknown."""


def note_open(draft: Draft, run: Run) -> None:
    """Keep the ids of a run that has not ended."""
    if run.ids:
        draft.changes.open_ids[run.id] = usable(run.ids)


def note_ended(draft: Draft, run: Run, at: Micros, *, news: bool) -> None:
    """Put a run into the feed if it failed or was late; ``at`` is its latest time."""
    late = _late(draft, run)
    if run.outcome != FAILED and late is None:
        return
    adds = run.effect.counts
    reason, status_code = next((add.labels for add in adds if add.metric is RUN_FAILURES), ("", ""))
    found = FeedRun(
        run_id=shown(run.id),
        workload=run.workload,
        label=_label(draft, run.workload),
        outcome=run.outcome,
        at=at if run.finished is None else run.finished,
        created=run.created,
        triggered=run.triggered,
        due=None if run.delivery is None else run.delivery.fire_at,
        started=run.started,
        finished=run.finished,
        late=late,
        reason=reason,
        status_code=status_code,
        trigger=next((add.labels[0] for add in adds if add.metric is TRIGGERED_RUNS), ""),
        ids=usable(run.ids),
        news=news,
    )
    draft.changes.feed.setdefault(run.id, found)


def note_given_up(draft: Draft, run_id: str, run: OpenRun) -> None:
    """Put an open run that is waited for no longer into the feed."""
    draft.changes.feed[run_id] = FeedRun(
        run_id=shown(run_id),
        workload=run.workload,
        label=_label(draft, run.workload),
        outcome=UNKNOWN,
        at=draft.now,
        created=run.birth,
        reason=GIVEN_UP,
        ids=draft.ledger.open_ids.get(run_id, ()),
        news=True,
    )


def note_named(draft: Draft, failed: tuple[Failed, ...], read_before: Micros | None) -> None:
    """Put the failed runs into the feed that an answer names beside its sums.

    News is what the answer before did not name; for the first answer of a process, what ended since the last whole
    read by any process, ``read_before``; for the first answer ever, nothing.
    """
    before = draft.ledger.named
    for run in failed:
        at = next((time for time in (run.finished, run.started) if time is not None), draft.now)
        news = read_before is not None and (at > read_before if before is None else run.run_id not in before)
        draft.changes.feed[run.run_id] = FeedRun(
            run_id=shown(run.run_id),
            workload=run.workload,
            label=_label(draft, run.workload),
            outcome=FAILED,
            at=at,
            started=run.started,
            finished=run.finished,
            reason=run.reason,
            ids=usable(run.ids),
            news=news,
        )
    draft.changes.named = frozenset(run.run_id for run in failed)


def _late(draft: Draft, run: Run) -> Micros | None:
    """Return by how much a scheduled run started after it was due, if that is more than the grace."""
    start = run.triggered if run.started is None else run.started
    if run.delivery is None or start is None:
        return None
    late = start - run.delivery.fire_at
    return late if late > draft.limits.schedule_grace else None


def _label(draft: Draft, identity: str) -> str:
    state = draft.workload(identity)
    return identity if state is None else state.label
