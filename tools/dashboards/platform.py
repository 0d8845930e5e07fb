"""What the dashboards of single platforms share: the first row, the table of workloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tools.dashboards import look, queries
from tools.dashboards.frame import Band, Constant, Variable
from tools.dashboards.panels import Column, Query, rows, series, tile
from tools.dashboards.queries import PLACE, WHO, fresh, last_run, of_workload, per_hour, runs
from tools.dashboards.variables import JOB, ROW_TO_WORKLOAD, TARGET, TARGET_TO_EXPORTER, WORKLOAD

SEEN: Final = f"and on ({PLACE}) {fresh()}"


def variables(platform: str) -> Sequence[Variable | Constant]:
    """Return the variables of one platform's dashboard."""
    return (JOB, Constant("platform", platform), TARGET, WORKLOAD)


def first_band(noun: str) -> Band:
    """Return the answer to "is anything wrong here"; ``noun`` is what the platform calls its workloads."""
    now = tile(
        "Now",
        f"The worst that is the case: failing {noun}, targets that are not read, {noun} that need attention.",
        Query(queries.verdict()),
        "none",
        words=look.VERDICTS,
        filled=True,
    )
    failing = tile(
        f"{noun.capitalize()} failing",
        f"{noun.capitalize()} whose latest run failed, or with three failures or more in the last hour, unless that "
        "hour is within their objective.",
        Query(queries.count(queries.failing())),
        "none",
        steps=look.NONE_IS_GOOD,
        filled=True,
    )
    known = tile(
        noun.capitalize(),
        f"{noun.capitalize()} that are known.",
        Query(f"count(max by ({WHO}) ({of_workload('automation_workload_info')}))"),
        "none",
        no_value="0",
    )
    ended = tile(
        "Runs ended",
        "Runs that ended in the time shown, with any outcome.",
        Query(f"sum({runs('.+', '$__range')})"),
        "none",
        decimals=0,
    )
    success = tile(
        "Success ratio",
        "Completed runs among those that completed or failed in the time shown, of targets whose data are fresh.",
        Query(
            f"sum(({runs('completed', '$__range')}) {SEEN}) / "
            f"(sum(({runs('completed|failed', '$__range')}) {SEEN}) > 0)"
        ),
        "percentunit",
        steps=look.RATIO,
        decimals=1,
    )
    read = tile(
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
    return Band(4, ((5, now), (4, failing), (3, known), (4, ended), (4, success), (4, read)))


def ended_runs() -> Band:
    """Return runs by outcome and success by workload, over time."""
    ended = series(
        "Runs ended",
        "Runs that ended, by outcome, per hour.",
        Query(per_hour("automation_runs_total", "outcome"), "{{outcome}}"),
        "suffix:/h",
        colours=look.OUTCOME_COLOURS,
        stacked=True,
    )
    success = series(
        "Lowest success ratios",
        "Completed runs among those that completed or failed in the hour before, of the five lowest at each moment. "
        "A line breaks off where nothing ended or the target was not read.",
        Query(f"bottomk(5, ({queries.ratio('1h')}) {SEEN})", "{{workload}}"),
        "percentunit",
        steps=((None, "transparent"), (queries.OBJECTIVE, look.GOOD)),
        most=1,
        usually_from=0.7,
    )
    return Band(8, ((12, ended), (12, success)))


def workloads(noun: str, state: str | None) -> Band:
    """Return the table of all workloads with their numbers.

    ``state`` says how active runs are called; None on a platform that does not tell them by workload.
    """
    active = f"sum by ({WHO}) (max by ({WHO}, state) ({of_workload('automation_active_runs')}))"
    table = rows(
        noun.capitalize(),
        f"All {noun} with the runs that ended in the time shown. Click one to see it in depth.",
        (
            Query(runs(".+", "$__range")),
            Query(runs("failed", "$__range")),
            Query(queries.ratio("$__range")),
            Query(f"1000 * {last_run('completed')}"),
            Query(f"1000 * {last_run('failed')}"),
            *([Query(active)] if state else []),
        ),
        (
            Column("workload", "Workload", link=ROW_TO_WORKLOAD),
            Column("target", "Target", width=190),
            Column("Value #A", "Ended", decimals=0, width=90),
            Column("Value #B", "Failed", decimals=0, width=90),
            Column("Value #C", "Success", "percentunit", decimals=1, steps=look.RATIO, width=110),
            Column("Value #D", "Last completed", "dateTimeFromNow", width=150, no_value="never"),
            Column("Value #E", "Last failed", "dateTimeFromNow", width=150, no_value="never"),
            *([Column("Value #F", state, decimals=0, width=90)] if state else []),
            Column("platform", "Platform", width=110),
        ),
        "none",
        sort="Failed",
    )
    return Band(8, ((24, table),))
