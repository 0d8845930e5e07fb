"""PromQL that several panels share.

Selectors carry the dashboard's variables. "All" is ``.*`` everywhere, since some totals carry no workload.
Levels are taken as ``max by`` over exporters, so that a moment with two of them (a rollout) counts nothing twice.
"""

from __future__ import annotations

from typing import Final

OBJECTIVE: Final = 0.95
"""Success ratio that is expected of a workload for which the configuration says nothing."""
LEAST_FAILURES: Final = 3
"""Failures in an hour below which a ratio of that hour says little."""
FORGOTTEN: Final = "35 * 86400"
"""A failure that nothing followed for so long (a monthly job's turn) belongs to a workload that is gone."""

FAILED: Final = 'outcome="failed"'
PLACE: Final = "platform, target"
WHO: Final = "platform, target, workload"


def of_job(name: str, *matchers: str) -> str:
    """Select a family of the exporter itself."""
    return _selector(name, 'job=~"$job"', *matchers)


def of_target(name: str, *matchers: str) -> str:
    """Select a family of targets, as far as the variables allow."""
    return _selector(name, 'job=~"$job"', 'platform=~"$platform"', 'target=~"$target"', *matchers)


def of_workload(name: str, *matchers: str) -> str:
    """Select a family of workloads, as far as the variables allow."""
    return of_target(name, 'workload=~"$workload"', *matchers)


def _selector(name: str, *matchers: str) -> str:
    return f"{name}{{{', '.join(matchers)}}}"


def runs(outcomes: str, window: str, by: str = WHO) -> str:
    """Count ended runs of these outcomes (a regular expression) in a window."""
    selected = of_workload("automation_runs_total", f'outcome=~"{outcomes}"')
    return f"sum by ({by}) (increase({selected}[{window}]))"


def ratio(window: str, by: str = WHO) -> str:
    """Share of completed runs among those that completed or failed; nothing where there were none."""
    return f"{runs('completed', window, by)} / ({runs('completed|failed', window, by)} > 0)"


def last_run(outcome: str) -> str:
    """When the latest run with an outcome ended, by workload."""
    selected = of_workload("automation_last_run_timestamp_seconds", f'outcome="{outcome}"')
    return f"max by ({WHO}) ({selected})"


def objective() -> str:
    """The expected success ratio of each workload that ever ended a run: its own, else the default."""
    own = f"max by ({WHO}) ({of_workload('automation_workload_objective_success_ratio')})"
    known = f"max by ({WHO}) ({of_workload('automation_workload_first_seen_timestamp_seconds')})"
    return f"({own} or {known} * 0 + {OBJECTIVE})"


def data_age() -> str:
    """Seconds since the state of the world that we know of a target."""
    return f"(time() - max by ({PLACE}) ({of_target('automation_exporter_target_data_timestamp_seconds')}))"


def limit_of_age() -> str:
    """Age from which data are stale: three intervals, and what Prometheus itself may lag behind."""
    return f"clamp_min(3 * max by ({PLACE}) ({of_target('automation_exporter_target_interval_seconds')}), 300)"


def fresh() -> str:
    """Targets whose data are fresh, with their age."""
    return f"({data_age()} < {limit_of_age()})"


def targets() -> str:
    """All targets that were polled, with 0."""
    return f"max by ({PLACE}) ({of_target('automation_exporter_target_up')}) * 0"


def unread() -> str:
    """Targets whose data are not fresh, with 0."""
    return f"({targets()} unless {fresh()})"


def failing() -> str:
    """Workloads that fail, with the time of their last completed run (of their last run if none ever was).

    A workload fails when its latest run failed, or several in the last hour did, and the hour is not within the
    objective all the same.
    """
    failed, completed = last_run("failed"), last_run("completed")
    latest = f"({failed} > {completed} or {failed} unless {completed})"
    several = f"({runs('failed', '1h')} > {LEAST_FAILURES - 0.5})"
    within = f"({ratio('1h')} >= {objective()})"
    disabled = f"(max by ({WHO}) ({of_workload('automation_workload_enabled')}) == 0)"
    alive = f"({failed} > time() - {FORGOTTEN})"
    return f"(({completed} or {failed}) and (({latest} or {several}) and {alive} unless {within} unless {disabled}))"


def overdue() -> str:
    """Workloads whose schedule was due and was not delivered, with the oldest such time."""
    return f"min by ({WHO}) ({of_workload('automation_schedule_overdue_since_timestamp_seconds')})"


def silent() -> str:
    """Workloads without a completed run for longer than expected, with the time of the last one."""
    allowed = f"max by ({WHO}) ({of_workload('automation_workload_objective_max_silence_seconds')})"
    return f"({last_run('completed')} < time() - {allowed})"


def stuck() -> str:
    """Workloads with a run that is active for longer than expected, with its birth."""
    oldest = f"min by ({WHO}) ({of_workload('automation_oldest_active_run_timestamp_seconds')})"
    allowed = f"max by ({WHO}) ({of_workload('automation_workload_objective_max_active_seconds')})"
    return f"({oldest} < time() - {allowed})"


def count(expression: str) -> str:
    """How many there are; 0 only if the exporter is seen at all, else nothing."""
    return f"count({expression}) or count({targets()}) * 0"


def verdict(*, of_one: bool = False) -> str:
    """The worst that is the case: 0 all good, 1 attention, 2 unknown, 3 failing; nothing without an exporter.

    With ``of_one`` only targets count that have the workload chosen.
    """
    unseen, there = unread(), targets()
    if of_one:
        chosen = f"and on ({PLACE}) {of_workload('automation_workload_first_seen_timestamp_seconds')}"
        unseen, there = f"({unseen} {chosen})", f"({there} {chosen})"
    attention = f"{overdue()} or {silent()} or {stuck()}"
    cases = ((3, failing()), (2, unseen), (1, attention), (0, there))
    # A label of its own keeps each case apart from the others, which `or` would otherwise drop.
    tagged = (f'label_replace(count({found}) * 0 + {value}, "case", "{value}", "", "")' for value, found in cases)
    return f"max({' or '.join(tagged)})"


def problems() -> str:
    """Whatever is wrong, with the label ``problem`` and the time since when, in milliseconds."""
    never_read = f"max by ({PLACE}) ({of_target('automation_exporter_target_data_timestamp_seconds')})"
    unread_since = f"(({never_read} or {targets()} + time()) and {unread()})"
    up = of_target("automation_exporter_target_up")
    last_seen = f"max(max_over_time(timestamp({up})[1d:5m]))"
    absent = f"(({last_seen} or absent({up}) * time()) and absent({up}))"
    found = {
        "Failing": failing(),
        "Missed schedule": overdue(),
        "No data at all": absent,
        "Not read": unread_since,
        "Silent": silent(),
        "Stuck": stuck(),
    }
    tagged = (f'label_replace({expression}, "problem", "{name}", "", "")' for name, expression in found.items())
    return f"1000 * ({' or '.join(tagged)})"


def target_state() -> str:
    """The state of each target: 0 fresh, 1 degraded, 2 unknown."""
    degraded = f"(max by ({PLACE}) ({of_target('automation_exporter_target_degraded')}) == 1)"
    return f"({unread()} + 2) or {degraded} or {targets()}"


def per_hour(name: str, by: str, *matchers: str) -> str:
    """How fast a counter of workloads grows, per hour: events are rare, so per second would be hard to read."""
    return f"3600 * sum by ({by}) (rate({of_workload(name, *matchers)}[$__rate_interval]))"


def quantile(q: float, name: str, window: str, by: str = "", *matchers: str) -> str:
    """Estimate a quantile of a histogram of workloads; nothing where nothing was observed."""
    labels = f"le, {by}" if by else "le"
    buckets = f"sum by ({labels}) (increase({of_workload(f'{name}_bucket', *matchers)}[{window}]))"
    return f"histogram_quantile({q}, {buckets}) >= 0"
