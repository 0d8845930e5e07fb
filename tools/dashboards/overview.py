"""Is anything wrong now, where, and since when?"""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, queries
from tools.dashboards.frame import Band, Dashboard, Section
from tools.dashboards.panels import Column, Query, bars, rows, series, tile
from tools.dashboards.queries import OBJECTIVE, PLACE, WHO, fresh, last_run, objective, of_workload, per_hour, runs
from tools.dashboards.variables import (
    JOB,
    PLATFORM,
    ROW_TO_WORKLOAD,
    SERIES_TO_WORKLOAD,
    TARGET,
    TARGET_TO_EXPORTER,
    WORKLOAD,
)

NAME: Final = "{{workload}} ({{target}})"

SEEN: Final = f"and on ({PLACE}) {fresh()}"
"""Only targets whose data are fresh: of others the numbers only look still."""

ENDED: Final = f"sum(({runs('completed|failed', '$__range')}) {SEEN}) > 0"

NOW: Final = tile(
    "Now",
    "The worst of what the tiles to the right count. Unknown means that a target is not read, or that the exporter "
    "itself gives no data: then nothing here says that all is well.",
    Query(queries.verdict()),
    "none",
    words=look.VERDICTS,
    filled=True,
)

FAILING: Final = tile(
    "Workloads failing",
    "Workloads whose latest run failed, or with three failures or more in the last hour, unless that hour is within "
    f"their objective ({OBJECTIVE:.0%} where none is configured). Disabled ones are left out.",
    Query(queries.count(queries.failing())),
    "none",
    steps=look.NONE_IS_GOOD,
    filled=True,
)

MISSED: Final = tile(
    "Schedules overdue",
    "Workloads with a due time for which no run has come, judged by what was read.",
    Query(queries.count(queries.overdue())),
    "none",
    steps=look.NONE_IS_BEST,
    filled=True,
)

LATE: Final = tile(
    "Silent or stuck",
    "Workloads without a completed run for longer than max_silence, or with a run active for longer than max_active. "
    "Only workloads for which the configuration says so can be silent or stuck.",
    Query(queries.count(f"{queries.silent()} or {queries.stuck()}")),
    "none",
    steps=look.NONE_IS_BEST,
    filled=True,
)

UNREAD: Final = tile(
    "Targets not read",
    "Targets whose data are older than three intervals (at least five minutes). What happens there is unknown.",
    Query(queries.count(queries.unread())),
    "none",
    steps=((None, look.GOOD), (0.5, look.UNKNOWN)),
    filled=True,
)

SUCCESS: Final = tile(
    "Success ratio",
    "Completed runs among those that completed or failed in the time shown, of targets whose data are fresh. "
    "Cancelled runs do not count.",
    Query(f"sum(({runs('completed', '$__range')}) {SEEN}) / ({ENDED})"),
    "percentunit",
    steps=look.RATIO,
    decimals=1,
)

BUDGET: Final = tile(
    "Error budget left",
    "Of the failures that the workloads' objectives allow for the runs in the time shown, the share that is not yet "
    "used up; below 0 the objectives are missed. Of targets whose data are fresh.",
    Query(
        f"1 - sum(({runs('failed', '$__range')}) {SEEN}) / "
        f"(sum(({runs('completed|failed', '$__range')}) * (1 - {objective()}) {SEEN}) > 0)"
    ),
    "percentunit",
    steps=look.BUDGET_LEFT,
    decimals=0,
)

WRONG: Final = rows(
    "What is wrong",
    "Since: of a failing or silent workload its last completed run, of a missed schedule the due time, of a stuck "
    "run its birth, of a target that is not read the moment up to which it was. Click a workload for more.",
    Query(queries.problems()),
    (
        Column("problem", "Problem", words=look.PROBLEMS, width=150),
        Column("workload", "Workload", link=ROW_TO_WORKLOAD),
        Column("target", "Target", width=190),
        Column("platform", "Platform", width=110),
        Column("Value", "Since", "dateTimeFromNow", width=150),
    ),
    "none",
    sort="Problem",
    descending=False,
    no_value="Nothing is wrong",
)

TARGETS: Final = tile(
    "Targets",
    "Fresh: read whole within three intervals. Degraded: read with reservations, see the dashboard Exporter. "
    "Unknown: its data are old, and what happens there is not known.",
    Query(queries.target_state(), "{{target}}"),
    "none",
    words=look.TARGET_STATES,
    filled=True,
    names=True,
    link=TARGET_TO_EXPORTER,
)

ENDED_RUNS: Final = series(
    "Runs ended",
    "Runs that ended, by outcome, per hour. After a gap in reading a target, what happened in it is counted at once.",
    Query(per_hour("automation_runs_total", "outcome"), "{{outcome}}"),
    "suffix:/h",
    colours=look.OUTCOME_COLOURS,
    stacked=True,
)

SUCCESS_OVER_TIME: Final = series(
    "Success ratio by target",
    "Completed runs among those that completed or failed in the hour before. A line breaks off where a target was "
    "not read or nothing ended.",
    Query(f"({queries.ratio('1h', PLACE)}) {SEEN}", "{{target}}"),
    "percentunit",
    steps=((None, "transparent"), (OBJECTIVE, look.GOOD)),
    most=1,
    usually_from=0.7,
)

FAILURES: Final = rows(
    "Most failures",
    "Workloads with most failed runs in the time shown.",
    (
        Query(f"topk(10, {runs('failed', '$__range')} > 0.5)"),
        Query(f"({queries.ratio('$__range')}) and topk(10, {runs('failed', '$__range')} > 0.5)"),
        Query(f"1000 * {last_run('failed')} and topk(10, {runs('failed', '$__range')} > 0.5)"),
        Query(f"1000 * {last_run('completed')} and topk(10, {runs('failed', '$__range')} > 0.5)"),
    ),
    (
        Column("workload", "Workload", link=ROW_TO_WORKLOAD),
        Column("target", "Target", width=190),
        Column("Value #A", "Failed", decimals=0, width=80),
        Column("Value #B", "Success", "percentunit", decimals=1, steps=look.RATIO, width=90),
        Column("Value #C", "Last failed", "dateTimeFromNow", width=130),
        Column("Value #D", "Last completed", "dateTimeFromNow", width=140, no_value="never"),
        Column("platform", "Platform", width=110),
    ),
    "none",
    sort="Failed",
    no_value="No run failed",
)

REASONS: Final = bars(
    "Failures by reason",
    "Failed runs in the time shown by the reason that the platform names; where it names none, unknown.",
    Query(
        f"topk(8, sum by (reason) (increase({of_workload('automation_run_failures_total')}[$__range])) > 0.5)",
        "{{reason}}",
    ),
    "none",
    steps=((None, look.BAD),),
    decimals=0,
    no_value="No run failed",
)

ACTIVE: Final = series(
    "Active runs",
    "Runs that have not ended, by state. Open: the platform does not tell queued from running.",
    Query(f"sum by (state) (max by ({WHO}, state) ({of_workload('automation_active_runs')}))", "{{state}}"),
    "none",
    colours=look.STATE_COLOURS,
    stacked=True,
    decimals=0,
)

OLDEST: Final = bars(
    "Oldest active runs",
    "Time since the birth of the oldest run that has not ended, by workload. Foundry and Moderately only.",
    Query(
        f"topk(6, time() - min by ({WHO}) ({of_workload('automation_oldest_active_run_timestamp_seconds')}))",
        NAME,
    ),
    "s",
    steps=((None, look.PLAIN), (3600, look.WARNING), (21600, look.BAD)),
    no_value="No run is active",
    link=SERIES_TO_WORKLOAD,
)

DURATIONS: Final = series(
    "Run durations",
    "Median and 95th percentile of the time from start to end, over the last hour, estimated from buckets. "
    "Foundry and Moderately only; for Granite see its dashboard.",
    (
        Query(queries.quantile(0.5, "automation_run_duration_seconds", "1h", "platform"), "{{platform}} p50"),
        Query(queries.quantile(0.95, "automation_run_duration_seconds", "1h", "platform"), "{{platform}} p95"),
    ),
    "s",
)

WAITS: Final = series(
    "Time in the queue",
    "95th percentile of the time from trigger or creation to start, over the last hour, estimated from buckets. "
    "Foundry and Moderately only.",
    Query(queries.quantile(0.95, "automation_run_wait_seconds", "1h", "target"), "{{target}}"),
    "s",
)

MISSED_OVER_TIME: Final = series(
    "Schedules missed",
    "Due times for which no run came in the hour before, by workload. Foundry only.",
    Query(
        f"round(sum by (workload) (increase({of_workload('automation_schedule_missed_total')}[1h]))) > 0",
        "{{workload}}",
    ),
    "none",
    bars=True,
    stacked=True,
    no_value="No schedule was missed",
)

SILENCE: Final = bars(
    "Longest without a completed run",
    "Time since the latest completed run, of the workloads that wait longest.",
    Query(f"topk(6, time() - {last_run('completed')} > 0)", NAME),
    "s",
    steps=((None, look.PLAIN), (86400, look.WARNING), (7 * 86400, look.BAD)),
    no_value="No run was completed yet",
    link=SERIES_TO_WORKLOAD,
)

DASHBOARD: Final = Dashboard(
    uid="automation-overview",
    title="Automation / Overview",
    description="Is anything wrong with our automations now, where, and since when?",
    variables=(JOB, PLATFORM, TARGET, WORKLOAD),
    sections=(
        Section(
            "",
            (
                Band(4, ((6, NOW), (3, FAILING), (3, MISSED), (3, LATE), (3, UNREAD), (3, SUCCESS), (3, BUDGET))),
                Band(8, ((16, WRONG), (8, TARGETS))),
                Band(8, ((12, ENDED_RUNS), (12, SUCCESS_OVER_TIME))),
            ),
        ),
        Section("Failures", (Band(8, ((16, FAILURES), (8, REASONS))),)),
        Section("Active runs and durations", (Band(8, ((8, ACTIVE), (8, OLDEST), (8, DURATIONS))),)),
        Section("Waiting", (Band(8, ((8, WAITS), (8, MISSED_OVER_TIME), (8, SILENCE))),)),
    ),
)
