"""One workload in depth."""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, queries
from tools.dashboards.frame import Band, Dashboard, Section
from tools.dashboards.panels import Column, Query, bars, rows, series, tile
from tools.dashboards.queries import OBJECTIVE, PLACE, WHO, fresh, last_run, objective, of_workload, per_hour, runs
from tools.dashboards.variables import JOB, ONE_WORKLOAD, PLATFORM, TARGET

SEEN: Final = f"and on ({PLACE}) {fresh()}"
NOT_TOLD: Final = "This platform does not tell"
TOLD_BY_TWO: Final = "Foundry and Moderately only."

NOW: Final = tile(
    "Now",
    "Failing: its latest run failed, or several in the last hour did, and the hour is not within the objective. "
    "Attention: a schedule is overdue, or it is silent or stuck. Unknown: its target is not read.",
    Query(queries.verdict(of_one=True)),
    "none",
    words=look.VERDICTS,
    filled=True,
)
SUCCESS: Final = tile(
    "Success ratio",
    "Completed runs among those that completed or failed in the time shown; unknown while its target is not read.",
    Query(
        f"sum(({runs('completed', '$__range')}) {SEEN}) / (sum(({runs('completed|failed', '$__range')}) {SEEN}) > 0)"
    ),
    "percentunit",
    steps=look.RATIO,
    decimals=1,
)
OBJECTIVE_TILE: Final = tile(
    "Objective",
    f"Success ratio that is expected: from the configuration, else {OBJECTIVE:.0%}.",
    Query(f"max({objective()})"),
    "percentunit",
    decimals=1,
)
BUDGET: Final = tile(
    "Error budget left",
    "Of the failures that the objective allows for the runs in the time shown, the share that is not yet used up; "
    "below 0 the objective is missed.",
    Query(
        f"1 - sum(({runs('failed', '$__range')}) {SEEN}) / "
        f"(sum(({runs('completed|failed', '$__range')}) * (1 - {objective()}) {SEEN}) > 0)"
    ),
    "percentunit",
    steps=look.BUDGET_LEFT,
    decimals=0,
)
ENDED: Final = tile(
    "Runs ended",
    "Runs that ended in the time shown, with any outcome.",
    Query(f"sum({runs('.+', '$__range')})"),
    "none",
    decimals=0,
)
FAILED: Final = tile(
    "Runs failed",
    "Runs that failed in the time shown.",
    Query(f"sum({runs('failed', '$__range')})"),
    "none",
    steps=look.NONE_IS_BEST,
    decimals=0,
)
LAST_COMPLETED: Final = tile(
    "Last completed",
    "When the latest completed run ended.",
    Query(f"1000 * max({last_run('completed')})"),
    "dateTimeFromNow",
    no_value="Never",
)
LAST_FAILED: Final = tile(
    "Last failed",
    "When the latest failed run ended.",
    Query(f"1000 * max({last_run('failed')})"),
    "dateTimeFromNow",
    no_value="Never",
)

ENDED_RUNS: Final = series(
    "Runs ended",
    "Runs that ended, by outcome, per hour.",
    Query(per_hour("automation_runs_total", "outcome"), "{{outcome}}"),
    "suffix:/h",
    colours=look.OUTCOME_COLOURS,
    stacked=True,
)
SUCCESS_OVER_TIME: Final = series(
    "Success ratio against its objective",
    "Completed runs among those that completed or failed in the hour before, and over a day. Lines break off where "
    "nothing ended or the target was not read.",
    (
        Query(f"({queries.ratio('1h')}) {SEEN}", "{{workload}}, 1 h"),
        Query(f"({queries.ratio('1d')}) {SEEN}", "{{workload}}, 1 d"),
        Query(f"max({objective()})", "objective"),
    ),
    "percentunit",
    colours={"objective": look.QUIET},
    most=1,
    usually_from=0.7,
)
FAILURES: Final = series(
    "Failures by reason",
    "Failed runs by the platform's reason and status code, per hour. Dots are runs: their id is in the tooltip "
    "(exemplars, which Prometheus must be told to store).",
    Query(
        per_hour("automation_run_failures_total", "reason, status_code"), "{{reason}} {{status_code}}", exemplar=True
    ),
    "suffix:/h",
    stacked=True,
    no_value="No run failed",
)
DURATIONS: Final = series(
    "Durations",
    "Time from start to end of the runs of the last hour, estimated from buckets. Dots are runs, their id is in the "
    f"tooltip. {TOLD_BY_TWO}",
    tuple(
        Query(queries.quantile(q, "automation_run_duration_seconds", "1h"), f"p{q * 100:.0f}", exemplar=q == 0.95)
        for q in (0.5, 0.95, 0.99)
    ),
    "s",
    no_value=NOT_TOLD,
)
WAITS: Final = series(
    "Time in the queue",
    f"Time from trigger or creation to start of the runs of the last hour, estimated from buckets. {TOLD_BY_TWO}",
    tuple(Query(queries.quantile(q, "automation_run_wait_seconds", "1h"), f"p{q * 100:.0f}") for q in (0.5, 0.95)),
    "s",
    no_value=NOT_TOLD,
)
ACTIVE: Final = series(
    "Active runs",
    "Runs that have not ended, by state. Open: the platform does not tell queued from running.",
    Query(f"sum by (state) (max by ({WHO}, state) ({of_workload('automation_active_runs')}))", "{{state}}"),
    "none",
    colours=look.STATE_COLOURS,
    stacked=True,
    decimals=0,
    no_value=NOT_TOLD,
)
OLDEST: Final = series(
    "Age of the oldest active run",
    f"Time since its birth, and the longest that is expected (max_active). {TOLD_BY_TWO}",
    (
        Query(
            f"max by (state) (time() - {of_workload('automation_oldest_active_run_timestamp_seconds')})", "{{state}}"
        ),
        Query(f"max({of_workload('automation_workload_objective_max_active_seconds')})", "max_active"),
    ),
    "s",
    colours={**look.STATE_COLOURS, "max_active": look.QUIET},
    no_value="No run is active",
)
TRIGGERS: Final = bars(
    "Triggers",
    "What triggered the runs that ended in the time shown. Foundry only.",
    Query(
        f"sum by (trigger_type) (increase({of_workload('automation_triggered_runs_total')}[$__range])) > 0.5",
        "{{trigger_type}}",
    ),
    "none",
    decimals=0,
    no_value=NOT_TOLD,
)
SILENCE: Final = series(
    "Time since the last completed run",
    "And the longest that is expected (max_silence), where the configuration says so.",
    (
        Query(f"time() - {last_run('completed')}", "{{workload}}"),
        Query(f"max({of_workload('automation_workload_objective_max_silence_seconds')})", "max_silence"),
    ),
    "s",
    colours={"max_silence": look.QUIET},
    no_value="No run was completed yet",
)

TRIGGER: Final = "platform, target, workload, trigger_name"
SCHEDULE: Final = rows(
    "Schedule",
    "Latest due time, next one, newest delivery, and since when one is overdue. Foundry only.",
    tuple(
        Query(f"1000 * max by ({TRIGGER}) ({of_workload(f'automation_schedule_{kind}_timestamp_seconds')})")
        for kind in ("due", "next", "fired", "overdue_since")
    ),
    (
        Column("trigger_name", "Trigger"),
        Column("Value #A", "Due", "dateTimeFromNow", width=135),
        Column("Value #B", "Next", "dateTimeFromNow", width=135),
        Column("Value #C", "Delivered", "dateTimeFromNow", width=135, no_value="never"),
        Column("Value #D", "Overdue since", "dateTimeFromNow", width=135),
    ),
    "none",
    no_value="No schedule is known",
)
FACTS: Final = rows(
    "Facts",
    "What the platform says about it; labels of its owner, if the configuration gives any, are on "
    "automation_workload_info.",
    Query(
        "max by (platform, target, workload, workload_id, agent_id, org_id, trigger_type, schedule, time_zone) "
        f"({of_workload('automation_workload_info')})"
    ),
    (
        Column("workload", "Workload"),
        Column("target", "Target"),
        Column("platform", "Platform"),
        Column("trigger_type", "Trigger"),
        Column("schedule", "Schedule"),
        Column("time_zone", "Time zone"),
        Column("agent_id", "Agent"),
        Column("workload_id", "Id"),
        Column("org_id", "Organization"),
    ),
    "none",
)

DASHBOARD: Final = Dashboard(
    uid="automation-workload",
    title="Automation / Workload",
    description="One workload in depth: success against its objective, failures, durations, activity, schedule.",
    variables=(JOB, PLATFORM, TARGET, ONE_WORKLOAD),
    sections=(
        Section(
            "",
            (
                Band(
                    4,
                    (
                        (4, NOW),
                        (3, SUCCESS),
                        (3, OBJECTIVE_TILE),
                        (3, BUDGET),
                        (3, ENDED),
                        (2, FAILED),
                        (3, LAST_COMPLETED),
                        (3, LAST_FAILED),
                    ),
                ),
                Band(8, ((12, ENDED_RUNS), (12, SUCCESS_OVER_TIME))),
                Band(8, ((12, FAILURES), (12, DURATIONS))),
            ),
        ),
        Section("Activity", (Band(8, ((8, ACTIVE), (8, OLDEST), (8, WAITS))),)),
        Section("When it runs", (Band(7, ((12, SCHEDULE), (7, SILENCE), (5, TRIGGERS))),)),
        Section("What it is", (Band(4, ((24, FACTS),)),)),
    ),
)
