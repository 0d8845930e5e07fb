"""Runs made from a seed: what a workload does at each of its fire times.

Everything about a run comes from a hash of (seed, platform, workload, fire time), so the same fire gives the
same runs whenever and in whatever order it is asked for. Times are whole seconds: every wire format then
carries them exactly, and sums of durations can be compared to the microsecond.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from exporter.simulator.clock import MINUTE, SECOND
from exporter.simulator.incidents import Script
from exporter.simulator.model import Change, Outcome, Run, Workload, timeline, whole_seconds
from exporter.simulator.schedules import Schedule

ERRORS: tuple[tuple[str | None, int | None], ...] = (
    ("Azure.RequestFailedException", 500),
    ("model_timeout", 504),
    ("rate_limit_exceeded", 429),
    ("tool_call_failed", None),
    (None, 502),
    (None, None),
)
"""Reasons of ordinary failures: with both fields, with one, and with neither."""
BURST_ERROR = ("upstream_unavailable", 503)
STUCK_ERROR = ("watchdog_timeout", 504)
LONGEST = 4
"""No drawn length exceeds this many times its median."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How the generated runs of a workload look; times in seconds.

    ``jitter`` spreads runs of outside events after their nominal fire time. ``retries`` is the share of failed
    runs that are followed by another attempt (a run of its own), ``requeues`` the share of failed runs that
    return to the queue under the same id (Roboto). No run works longer than ``longest``.
    """

    schedule: Schedule
    trigger_type: str | None = None
    trigger_name: str | None = None
    attempt_source: str | None = None
    action_type: str | None = None
    jitter: int = 0
    wait: float = 3.0
    duration: float = 60.0
    failures: float = 0.05
    cancellations: float = 0.02
    retries: float = 0.0
    requeues: float = 0.0
    errors: tuple[tuple[str | None, int | None], ...] = ERRORS

    @property
    def longest(self) -> int:
        """The bound on one piece of work, in microseconds."""
        return math.ceil(self.duration * LONGEST) * SECOND

    @property
    def spill(self) -> int:
        """How long after its fire time a fire can still give birth to a run or change one, in microseconds."""
        return self.jitter * SECOND + 2 * (self.longest + math.ceil(self.wait * LONGEST) * SECOND) + 10 * MINUTE


def run_id(seed: int, workload: Workload, fire: int, attempt: int) -> str:
    """A stable id in the style of the platform."""
    text = f"{seed}|{workload.platform}|{workload.key}|{fire}|{attempt}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    prefix = {"roboto": "iv_", "foundry": "run-", "granite": "run_", "moderately": ""}[workload.platform]
    return prefix + digest


def runs_of_fire(seed: int, workload: Workload, profile: Profile, script: Script, fire: int) -> Iterator[Run]:
    """The runs that one fire brings about: none when it was missed, two when it failed and was retried."""
    platform, key = workload.platform, workload.key
    if profile.trigger_type == "schedule" and script.met("missed_schedule", platform, fire, key):
        return
    random = Random(f"{seed}|{platform}|{key}|{fire}")  # noqa: S311  reproducible on purpose
    created = whole_seconds(fire) + random.randint(0, profile.jitter) * SECOND
    started = created + _spread(random, profile.wait, least=0)
    ended = started + _spread(random, profile.duration, least=1)
    outcome, error = _fate(random, profile)
    if outcome != "failed" and script.met("failure_burst", platform, created, key) and random.random() < 0.9:
        outcome, error = "failed", BURST_ERROR
    spike = 20 if script.met("token_spike", platform, created, key) else 1
    run = Run(
        platform=platform,
        workload=key,
        id=run_id(seed, workload, fire, 0),
        created_at=created,
        visible_at=created,
        changes=timeline(created, started, ended, outcome),
        triggered_at=created,
        scheduled_fire_at=fire if profile.trigger_type in ("schedule", "timer") else None,
        trigger_type=profile.trigger_type,
        trigger_name=profile.trigger_name,
        attempt_source=profile.attempt_source,
        action_type=profile.action_type,
        agent=workload.agent,
        error_type=error[0],
        status_code=error[1],
        status_lag=random.choice((0, 0, 0, 1)) * SECOND if outcome == "completed" else 0,
        tokens=random.randint(200, 4000) * spike,
        steps=min(random.randint(1, 12) * (5 if spike > 1 else 1), 20),
        step_limit=20,
    )
    stuck = script.met("stuck_run", platform, created, key)
    if stuck and next(profile.schedule.fires(stuck.start + 1, fire + 1), fire) == fire:
        yield _hung(run, created, started, ended, stuck.end)
        return
    if outcome == "failed" and random.random() < profile.requeues:
        yield _requeued(run, random, profile)
        return
    yield run
    if outcome == "failed" and random.random() < profile.retries:
        yield _retried(run, random, profile, run_id(seed, workload, fire, 1))


def _fate(random: Random, profile: Profile) -> tuple[Outcome, tuple[str | None, int | None]]:
    dice = random.random()
    error = random.choice(profile.errors)
    if dice < profile.failures:
        return "failed", error
    if dice < profile.failures + profile.cancellations:
        return "cancelled", (None, None)
    return "completed", (None, None)


def _hung(run: Run, created: int, started: int, ended: int, released: int | None) -> Run:
    """The run hangs until the incident is over, and for ever when it never is."""
    end = None if released is None else whole_seconds(max(ended, released)) + SECOND
    changes = timeline(created, started, end, "failed")
    return replace(run, changes=changes, error_type=STUCK_ERROR[0], status_code=STUCK_ERROR[1])


def _requeued(run: Run, random: Random, profile: Profile) -> Run:
    """The failed run returns to the queue, works once more and ends well."""
    again = run.changes[-1].at + random.randint(1, 20) * SECOND
    started = again + _spread(random, profile.wait, least=0)
    ended = started + _spread(random, profile.duration, least=1)
    more = (Change(again, "queued"), Change(started, "running"), Change(ended, "completed"))
    return replace(run, changes=run.changes + more, error_type=None, status_code=None)


def _retried(run: Run, random: Random, profile: Profile, identifier: str) -> Run:
    """Another attempt: a run of its own that keeps the old logical times among fresh rows."""
    created = run.changes[-1].at + random.randint(1, 10) * SECOND
    started = created + _spread(random, profile.wait, least=0)
    ended = started + _spread(random, profile.duration, least=1)
    failed = random.random() < 0.3
    return replace(
        run,
        id=identifier,
        created_at=created,
        visible_at=created,
        changes=timeline(created, started, ended, "failed" if failed else "completed"),
        attempt_source="queued_dispatch" if run.attempt_source else None,
        error_type=run.error_type if failed else None,
        status_code=run.status_code if failed else None,
    )


def _spread(random: Random, median: float, least: int) -> int:
    """A length around ``median`` seconds with a long tail, in whole seconds as microseconds."""
    if median <= 0:
        return least * SECOND
    drawn = random.lognormvariate(math.log(median), 0.6)
    return max(least, min(round(drawn), math.floor(median * LONGEST))) * SECOND


WorkloadAt = Callable[[int], Workload | None]


def runs_between(
    seed: int, workload_at: WorkloadAt, profile: Profile, script: Script, *, since: int, until: int
) -> Iterator[Run]:
    """The runs of all fires in ``[since, until)``; a workload that is absent or disabled does not fire."""
    for fire in profile.schedule.fires(since, until):
        workload = workload_at(fire)
        if workload is not None and workload.enabled:
            yield from runs_of_fire(seed, workload, profile, script, fire)
