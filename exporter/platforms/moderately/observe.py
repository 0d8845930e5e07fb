"""What Moderately's records mean: agents as workloads, executions as runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from exporter.catalogue.moderately import (
    AGENT_LIFETIME_RUNS,
    AGENT_LIFETIME_SUCCESSFUL_RUNS,
    RUN_STEPS,
    STEP_LIMIT_REACHED,
)
from exporter.catalogue.runs import (
    FAILED,
    LAST_RUN,
    OPEN,
    OUTCOMES,
    PAUSED,
    QUEUED,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_WAIT,
    RUNNING,
    RUNS,
    UNKNOWN,
)
from exporter.observations import NO_EFFECT, Add, Effect, Level, Page, Roster, Run, Workload
from exporter.platforms import labels
from exporter.platforms.base import Birth
from exporter.platforms.lengths import Told, effects, length, told
from exporter.platforms.moderately.records import TERMINAL, Agent, Execution, Owned, Owner, status_of
from exporter.platforms.parsing import believable
from exporter.redaction import blank
from exporter.times import Micros

BIRTHS: Final = (*(Birth(RUNS, (outcome,)) for outcome in OUTCOMES), Birth(STEP_LIMIT_REACHED, ()))
STATES: Final = (QUEUED, RUNNING, PAUSED)

COUNTED: Final = {
    outcome: (Add(RUNS, (outcome,)), *((Add(RUN_FAILURES, (UNKNOWN, "")),) if outcome == FAILED else ()))
    for outcome in OUTCOMES
}
"""The counters that a run raises by one, by its outcome; why one failed is not told."""
LIMIT_REACHED: Final = Add(STEP_LIMIT_REACHED, ())

IN_THE_FEED: Final = (None, FAILED)
"""Outcomes of runs that people may look for by their further ids; None while it is open."""

STATE_OF: Final = {"pending": QUEUED, "running": RUNNING, "paused": PAUSED}
STATUSES: Final = frozenset({*STATE_OF, *TERMINAL})
"""Values that the documentation names."""


Selects = Callable[[str], bool]


def observe_roster(batch: Roster[Agent], selects: Selects) -> Roster[Workload]:
    """Say what the list of agents means."""
    chosen = [agent for agent in batch.items if selects(agent.name or "")]
    return Roster(
        items=tuple(workload(Owner(agent.agentId, agent.name)) for agent in chosen),
        upstream_now=batch.upstream_now,
        skipped=batch.skipped,
        levels=tuple(level for agent in chosen for level in _lifetime(agent)),
        listings=batch.listings,
    )


def workload(owner: Owner) -> Workload:
    """Return the workload that an agent is, or a version whose agent nobody knows."""
    return Workload(
        identity=owner.identity,
        label=labels.workload(owner.name or ""),
        info={"workload_id": labels.value(owner.identity)},
        named=bool(owner.name),
    )


def _lifetime(agent: Agent) -> Iterator[Level]:
    for metric, number in (
        (AGENT_LIFETIME_RUNS, agent.totalRuns),
        (AGENT_LIFETIME_SUCCESSFUL_RUNS, agent.successfulRuns),
    ):
        if number is not None:
            yield Level(metric, agent.agentId, (), number)


def observe_page(batch: Page[Owned], selects: Selects, now: Micros) -> Page[Run]:
    """Say what a page of executions means.

    One whose owner has no name is chosen: ``include`` was pushed down, so the platform says that it is among those
    asked for, and ``exclude`` leaves out by name.
    """
    chosen = [each for each in batch.items if each.owner.name is None or selects(each.owner.name)]
    owners = dict.fromkeys(each.owner for each in chosen)
    statuses = {status_of(each.execution) for each in chosen}
    return Page(
        listing=batch.listing,
        sequence=batch.sequence,
        items=tuple(observe_run(each, now) for each in chosen),
        step=batch.step,
        upstream_now=batch.upstream_now,
        skipped=batch.skipped,
        workloads=tuple(workload(owner) for owner in owners),
        drop_link=batch.drop_link,
        unknown=("status",) if statuses - STATUSES - {""} else (),
    )


def observe_run(owned: Owned, now: Micros) -> Run:
    """Say what one execution means. Times that cannot be believed count as missing (rule 5)."""
    execution = owned.execution
    created, started = believable(execution.createdAt, now), believable(execution.startedAt, now)
    outcome, finished = _end(execution, now)
    effect = NO_EFFECT
    values: tuple[int, ...] = ()
    if outcome is not None:
        steps = execution.currentStep
        lasted, values = told((steps, length(started, finished), length(created, started)))
        at_limit = steps is not None and steps == execution.maxActions
        effect = _effect(outcome, at_limit, lasted, finished is not None)
    return Run(
        id=blank(execution.agentExecutionId),
        workload=owned.owner.identity,
        created=created,
        triggered=None,
        started=started,
        finished=finished,
        ended=outcome is not None,
        state=OPEN if outcome is not None else STATE_OF.get(status_of(execution), OPEN),
        outcome=outcome or UNKNOWN,
        effect=effect,
        values=values,
        events=() if outcome is None or finished is None else (finished,),
        ids=(("agent_id", blank(owned.owner.identity)),) if outcome in IN_THE_FEED else (),
    )


def _end(execution: Execution, now: Micros) -> tuple[str | None, Micros | None]:
    """Return outcome and time of the end, None while it is open: ended is what its status says so of, or what has
    an end (rule 4). Of several ends, the outcome's own counts."""
    ends = [(outcome, at) for outcome, told in execution.ends.items() if (at := believable(told, now)) is not None]
    status = status_of(execution)
    if status in TERMINAL:
        return status, dict(ends).get(status, ends[0][1] if ends else None)
    return ends[0] if ends else (None, None)


@cache
def _effect(outcome: str, at_limit: bool, told: Told, has_end: bool) -> Effect:
    """What an execution does but for its numbers; ``told`` is of its steps, its duration and its wait."""
    limit = (LIMIT_REACHED,) if at_limit else ()
    negative, values = effects(told, (RUN_STEPS, (outcome,)), (RUN_DURATION, (outcome,)), (RUN_WAIT, ()))
    return Effect((*COUNTED[outcome], *limit, *negative), values, ((LAST_RUN, (outcome,)),) if has_end else ())
