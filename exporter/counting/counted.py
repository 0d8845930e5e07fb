"""What one run leaves behind: what it adds, when its events were, and its id."""

from __future__ import annotations

from exporter.catalogue.ledger import LATE_RUNS_SKIPPED
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import LAST_RUN, SCHEDULE_FIRED
from exporter.counting import notable, workloads
from exporter.counting.crowd import OTHER
from exporter.counting.draft import Draft, Events
from exporter.counting.series import add, key_of
from exporter.counting.sightings import Sighting
from exporter.counting.states import SeriesKey
from exporter.counting.sums import apply_run
from exporter.observations import Labels, Run


def count_run(draft: Draft, row: Sighting) -> None:
    """Count a run that ended, once and for all (rule 3)."""
    run = row.run
    slot = workloads.slot_of(draft, run.workload)
    apply_run(draft, slot, run)
    mark(draft, slot, run)
    keep(draft, row)
    notable.note_ended(draft, run, row.latest, news=True)


def skip(draft: Draft, row: Sighting) -> None:
    """Say that a run came too late to be counted, and never count it (rule 6)."""
    add(draft, SeriesKey(LATE_RUNS_SKIPPED.name, ()), 1)
    keep(draft, row)
    if not row.run.ended:
        keep_undated(draft, row.run.id)


def keep(draft: Draft, row: Sighting) -> None:
    """Keep the id under the days of its times, and where it has none, or they are borrowed, for itself."""
    if row.timeless:
        keep_undated(draft, row.run.id)
    for day in row.days:
        draft.changes.remember.append((day, row.run.id))


def keep_undated(draft: Draft, run_id: str) -> None:
    """Keep an id until it was unseen for long: also of a run that was given up, whose end is to come on any day."""
    draft.changes.timeless[run_id] = draft.now


def mark(draft: Draft, slot: str, run: Run) -> None:
    """Note when the run's events were; ``settle`` applies the latest of each."""
    asked = (slot, run.effect)
    events = draft.events.get(asked)
    if events is None:
        keys = [_key_told(draft, metric, slot, labels) for metric, labels in run.effect.events]
        events = draft.events[asked] = Events(keys)
    events.told.append(run.events)


def _key_told(draft: Draft, metric: Metric, slot: str, labels: Labels) -> SeriesKey | None:
    """Return the gauge that an event is spoken of by, if it is."""
    asked = (metric, slot, labels)
    if asked not in draft.unspoken:
        draft.unspoken[asked] = not _is_told(draft, metric, slot, labels)
    return None if draft.unspoken[asked] else key_of(draft, metric, slot, labels)


def _is_told(draft: Draft, metric: Metric, slot: str, labels: Labels) -> bool:
    """Whether an event is spoken of: of all those in ``_other`` only the latest run, and of triggers there may be too
    many, since any run can name one."""
    if metric is LAST_RUN:
        return True
    if slot == OTHER:
        return False
    if metric is not SCHEDULE_FIRED:
        return True
    key = key_of(draft, metric, slot, labels)
    if draft.mark(key) is not None:
        return True
    if draft.fired[slot] >= draft.limits.max_label_values or not draft.room.take(key):
        return False
    draft.fired[slot] += 1
    return True
