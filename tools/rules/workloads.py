"""Alerts about workloads: one set of rules for all platforms.

Expressions about silence, schedules and active runs compare with the time up to which the target was read whole, not
with now: while the exporter is blind nothing is known, and nobody is woken for it (there are alerts about that).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from tools.rules.model import Alert, Group, Severity

WHO: Final = '{{ or $labels.workload "The whole target" }} on {{ $labels.target }} ({{ $labels.platform }})'
"""How descriptions begin. Totals of a whole platform, as Granite has them, carry no workload."""

DATA_TIME: Final = "max by ($target) (automation_exporter_target_data_timestamp_seconds)"
"""Up to when everything is known."""


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows: alert when both burn ``factor`` times as fast as the budget allows.

    ``runs`` that must have ended in the long window: runs are rare events, and one failure of one run is a ratio
    of 100 %. ``pause`` is twice the short window, for those that page: so long nobody is paged after a gap.
    """

    severity: Severity
    factor: str
    long: str
    short: str
    runs: int
    pause: str = ""


BURNS: Final = (
    Burn("critical", "14.4", "1h", "5m", 6, "10m"),
    Burn("critical", "6", "6h", "30m", 12, "1h"),
    Burn("warning", "3", "1d", "2h", 20),
    Burn("warning", "1", "3d", "6h", 30),
)


def _burn(burn: Burn) -> Alert:
    limit = f"clamp_max(workload:automation_error_budget:burn_rate_limit, {burn.factor})"
    expr = f"""
        workload:automation_error_budget:burn_rate{burn.long} >= {limit}
        and
        workload:automation_error_budget:burn_rate{burn.short} >= {limit}
        and
        workload:automation_runs_ended:increase{burn.long} > {burn.runs} - 0.5
        and
        workload:automation_runs_failed:increase{burn.long} > 3 - 0.5
    """
    why = (
        f"{burn.factor} times as fast: of a budget for 30 days, {_share(burn)} % in {burn.long}. At least {burn.runs} "
        "runs and 3 failures."
    )
    if burn.pause:
        expr += f"""
        and on ($target)
        target:automation_data:age_intervals <= 3
        unless on ($target)
        target:automation_data_gap:seconds_since_end < ${burn.pause}_seconds
        """
        why += " Data are not older than 3 intervals, and none arrived late after a gap."
    return Alert(
        name="AutomationErrorBudgetBurn",
        severity=burn.severity,
        subject="workload",
        expr=expr,
        summary="A workload fails much more often than its objective allows.",
        description=f'{WHO} has burnt its error budget {{{{ $value | printf "%.0f" }}}} times as fast as the objective '
        f"allows, over the last {burn.long} and still over the last {burn.short}.",
        why=why,
        wait="2m" if burn.pause else "15m",
        # Between two runs the short window may be empty; that is no recovery.
        keep=burn.pause,
        labels={"long_window": burn.long, "short_window": burn.short},
    )


def _share(burn: Burn) -> str:
    hours = {"1h": 1, "6h": 6, "1d": 24, "3d": 72}[burn.long]
    return f"{float(burn.factor) * hours / 720 * 100:.0f}"


def by_tier(alert: Alert) -> Iterator[Alert]:
    """A page for workloads of the first tier, a ticket for the others."""
    yield replace(alert, severity="critical", owner='tier="1"', why=f"{alert.why} A page for the first tier.")
    yield replace(alert, severity="warning", owner='tier!="1"', why="The same as a ticket, for all others.")


FAILURES_ARRIVED_LATE: Final = Alert(
    name="AutomationFailuresArrivedLate",
    severity="warning",
    subject="workload",
    expr="""
        workload:automation_runs_failed:increase1h > 3 - 0.5
        and
        workload:automation_error_budget:burn_rate1h >= 1
        and on ($target)
        target:automation_data_gap:seconds_since_end < $1h_seconds
    """,
    summary="Runs failed while the exporter could not read the platform.",
    description=f'{WHO}: {{{{ $value | printf "%.0f" }}}} failed runs were counted in the last hour, in which a gap in '
    "reading was closed. Most of them may have failed earlier, during the gap.",
    why="What the pages above keep quiet about: failures that were counted late, after a gap was closed.",
)

NO_RECENT_SUCCESS: Final = Alert(
    name="AutomationNoRecentSuccess",
    severity="warning",
    subject="workload",
    expr="""
        workload:automation_silence:seconds >= $1d_seconds
        and
        max by ($workload) (automation_last_run_timestamp_seconds{outcome="failed"})
          > workload:automation_last_success:timestamp_seconds
        and
        workload:automation_runs_failed:increase3d > 3 - 0.5
        unless
        max by ($workload) (automation_workload_objective_max_silence_seconds)
    """,
    summary="A workload has failed again and again, and not once succeeded.",
    description=f"{WHO} has had no completed run for {{{{ $value | humanizeDuration }}}}, and at least three failed "
    "ones.",
    why="For workloads that run too seldom to burn a budget. Silence alone says nothing where no objective tells how "
    "long it may be: a monthly job is silent for a month.",
    wait="15m",
)

SILENCE_EXCEEDED: Final = Alert(
    name="AutomationSilenceExceeded",
    severity="critical",
    subject="workload",
    expr="""
        workload:automation_silence:seconds
          > max by ($workload) (automation_workload_objective_max_silence_seconds)
        unless
        max by ($workload) (automation_workload_enabled) == 0
    """,
    summary="A workload has not completed a run for longer than its objective allows.",
    description=f"{WHO} has had no completed run for {{{{ $value | humanizeDuration }}}}, longer than its max_silence.",
    why="Measured up to the time to which the target was read. A workload that is switched off may be silent.",
    wait="2m",
)

SCHEDULE_MISSED: Final = Alert(
    name="AutomationScheduleMissed",
    severity="critical",
    subject="workload",
    expr=f"""
        (
          {DATA_TIME}
          - on ($target) group_right ()
          min by ($workload, trigger_name) (automation_schedule_overdue_since_timestamp_seconds)
        ) >= $15m_seconds
    """,
    summary="A schedule was due, and no run came.",
    description=f"{WHO}: trigger {{{{ $labels.trigger_name }}}} was due {{{{ $value | humanizeDuration }}}} before the "
    "newest data, and no run has been delivered for it.",
    why="A schedule is overdue only after schedule_grace (10m), in the time of the data: an outage of the platform's "
    "API, or of the exporter, misses nothing.",
)

QUEUE_GROWING: Final = Alert(
    name="AutomationQueueGrowing",
    severity="warning",
    subject="workload",
    expr="""
        workload:automation_runs_waiting:sum >= 10
        and
        min_over_time(workload:automation_runs_waiting:sum[$50m])
          > max_over_time(workload:automation_runs_waiting:sum[$1h] offset $1h)
        and
        deriv(workload:automation_runs_waiting:sum[$30m]) > 0
    """,
    summary="Ever more runs wait in a queue.",
    description=f"{WHO}: {{{{ $value }}}} runs wait. For 50 minutes it has been more than ever in the hour before, "
    "and it still grows.",
    why="The least of the last 50 minutes is above the most of the hour before, and it still rises: a batch that came "
    "at once and is being worked off does not do that.",
    wait="5m",
)

QUEUE_STUCK: Final = Alert(
    name="AutomationQueueStuck",
    severity="warning",
    subject="workload",
    expr="""
        min_over_time(workload:automation_runs_waiting:sum[$6h]) > 0
        and
        workload:automation_runs_ended:increase6h < 0.5
        and
        workload:automation_runs_ended:increase3d > 24 - 0.5
    """,
    summary="Runs wait, and none has ended for six hours.",
    description=f"{WHO}: {{{{ $value }}}} runs or more have been waiting for six hours in which no run ended; usually "
    "several do.",
    why="Only where runs usually end more often than that (24 in three days): a run that works all night is no queue.",
    wait="15m",
)

RUN_STUCK: Final = Alert(
    name="AutomationRunStuck",
    severity="warning",
    subject="workload",
    expr=f"""
        (
          {DATA_TIME}
          - on ($target) group_right ()
          min by ($workload) (automation_oldest_active_run_timestamp_seconds{{state!="paused"}})
        )
        > max by ($workload) (automation_workload_objective_max_active_seconds)
    """,
    summary="A run has been active for longer than its objective allows.",
    description=f"{WHO}: the oldest run has been active for {{{{ $value | humanizeDuration }}}}, longer than the "
    "workload's max_active.",
    why="A run that somebody paused may take its time.",
    wait="2m",
)

DURATION_REGRESSION: Final = Alert(
    name="AutomationDurationRegression",
    severity="warning",
    subject="workload",
    expr="""
        (
          workload:automation_run_duration_seconds:mean6h
          / avg_over_time(workload:automation_run_duration_seconds:mean6h[$7d:$1h] offset $6h)
        ) > 1.5
        and
        workload:automation_run_duration_seconds:median6h
          > 1.5 * quantile_over_time(0.5, workload:automation_run_duration_seconds:median6h[$7d:$1h] offset $6h)
        and
        workload:automation_run_durations:increase6h > 10 - 0.5
        and
        count_over_time(workload:automation_run_duration_seconds:mean6h[$7d:$1h] offset $6h) >= 24
    """,
    summary="Runs take much longer than they did in the week before.",
    description=f'{WHO}: completed runs of the last six hours took {{{{ $value | printf "%.1f" }}}} times as long as '
    "those of the week before.",
    why="Mean and median must both have grown: one endless run moves the mean only, one bound of the histogram the "
    "median only. At least ten runs now, and a day of runs to compare with.",
    wait="30m",
)

REASON_SPIKE: Final = Alert(
    name="AutomationFailureReasonSpike",
    severity="warning",
    subject="workload",
    expr="""
        workload_reason:automation_run_failures:increase1h > 10 - 0.5
        and
        workload_reason:automation_run_failures:increase1h
          > 5 * avg_over_time(workload_reason:automation_run_failures:increase1h[$1d:$1h] offset $1h)
        unless on ($target)
        target:automation_data_gap:seconds_since_end < $1h_seconds
    """,
    summary="One reason makes runs fail far more often than the day before.",
    description=f'{WHO}: {{{{ $value | printf "%.0f" }}}} runs failed with reason {{{{ $labels.reason }}}} in the last '
    "hour, more than five times as many as in an hour of the day before.",
    why="Not within an hour of a gap: what was counted then may have failed over many hours.",
    wait="5m",
)

REASON_NEW: Final = Alert(
    name="AutomationFailureReasonNew",
    severity="info",
    subject="workload",
    expr="""
        workload_reason:automation_run_failures:increase1h{reason!~"unknown|_other"} > 0.5
        unless
        max_over_time(workload_reason:automation_run_failures:increase1h[$7d:$1h] offset $1h) > 0
        and on ($workload)
        (workload:automation_owner:info offset $1d)
    """,
    summary="Runs fail for a reason that was not seen in the week before.",
    description=f"{WHO}: runs failed with reason {{{{ $labels.reason }}}} in the last hour; in the seven days before "
    "there was none.",
    why="Of a workload that has been known for a day: in the beginning everything is new.",
)

TOKEN_ANOMALY: Final = Alert(
    name="AutomationTokenUseAnomaly",
    severity="warning",
    subject="target",
    expr="""
        target:granite_tokens:increase1h > 10000
        and
        target:granite_tokens:increase1h
          > 2 * max_over_time(target:granite_tokens:increase1h[$7d:$1h] offset $1h)
        and
        target:granite_tokens:increase1h offset $1d
        unless on ($target)
        target:automation_data_gap:seconds_since_end < $1h_seconds
    """,
    summary="Workflows use twice as many tokens as in any hour of the week before.",
    description="Workflows on {{ $labels.target }} used more than twice as many tokens in the last hour as in any hour "
    "of the seven days before.",
    why="Compared with the highest hour of a week, so that a nightly or weekly batch is no anomaly.",
    wait="5m",
)

GROUPS: Final = (
    Group(
        "automation-error-budgets",
        (*map(_burn, BURNS), FAILURES_ARRIVED_LATE),
        "Too many failures, by the error budget of each workload.",
    ),
    Group(
        "automation-silence",
        (NO_RECENT_SUCCESS, *by_tier(SILENCE_EXCEEDED), *by_tier(SCHEDULE_MISSED)),
        "What should have happened and did not.",
    ),
    Group(
        "automation-activity",
        (QUEUE_GROWING, QUEUE_STUCK, RUN_STUCK, DURATION_REGRESSION),
        "Runs that wait, hang or take long.",
    ),
    Group(
        "automation-changes",
        (REASON_SPIKE, REASON_NEW, TOKEN_ANOMALY),
        "What is different from before.",
    ),
)
