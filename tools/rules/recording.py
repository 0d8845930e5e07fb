"""Recorded series: whose a workload is, what is expected of it, how it does, and how far its target can be trusted.

Names are ``level:metric:operation``. All series of the level ``workload`` have exactly the labels ``$workload``, those
of ``target`` ``$target``, so that they match each other without ``on``; the two ``:info`` series have ``$owner`` too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tools.rules.model import Group, Recording

SHORT_WINDOWS: Final = ("5m", "30m", "1h", "2h")
LONG_WINDOWS: Final = ("6h", "1d", "3d")

OWNERS: Final = Group(
    "automation-owners",
    (
        Recording(
            "workload:automation_owner:info",
            """
            topk by ($workload) (1,
              group by ($workload, $owner) (automation_workload_info)
              or on ($workload)
              group by ($workload, $owner) (automation_runs_total)
              or on ($workload)
              group by ($workload, $owner) (automation_run_failures_total)
              or on ($workload)
              group by ($workload, $owner) (automation_active_runs)
              or on ($workload)
              group by ($workload, $owner) (automation_schedule_overdue_since_timestamp_seconds)
            )
            """,
            "Labels from the configuration's workloads: stand on automation_workload_info. What has no such series "
            "(_other, totals of a whole platform) has the labels of its target. One owner each, or no join would work.",
        ),
        Recording(
            "target:automation_owner:info",
            """
            topk by ($target) (1,
              group by ($target, $owner) (automation_exporter_correction_debt)
              or on ($target)
              group by ($target) (automation_exporter_polls_total)
            )
            """,
            "The labels of a target stand on its durable series, not on those that start anew with each process.",
        ),
        Recording(
            "target:automation_tier1:info",
            """
            group by ($target) (
              automation_workload_info{tier="1"}
              or automation_exporter_correction_debt{tier="1"}
            )
            """,
            "A target is of the first tier when it is said to be, or when one of its workloads is.",
        ),
        Recording(
            "workload:automation_objective:success_ratio",
            """
            clamp_max(
              max by ($workload) (automation_workload_objective_success_ratio)
              or
              $objective * group by ($workload) (automation_runs_total),
              0.9999
            )
            """,
            "The one place of the objective: what the configuration says of the workload, else the default. An "
            "objective of 1 would leave no budget to divide by.",
        ),
        Recording(
            "workload:automation_error_budget:burn_rate_limit",
            "0.9 / (1 - workload:automation_objective:success_ratio)",
            "The burn rate at which nine of ten runs fail. A factor above it could never be reached (14.4 times the "
            "budget of an objective of 90 % is 144 %), so the alerts take the smaller of the two.",
        ),
    ),
    "Whose a workload is, and what is expected of it.",
)


def _window(window: str) -> Iterator[Recording]:
    ended, failed = (
        f"workload:automation_runs_ended:increase{window}",
        f"workload:automation_runs_failed:increase{window}",
    )
    success = f"workload:automation_runs:success_ratio{window}"
    yield Recording(
        ended, f'sum by ($workload) (increase(automation_runs_total{{outcome=~"completed|failed"}}[${window}]))'
    )
    yield Recording(failed, f'sum by ($workload) (increase(automation_runs_total{{outcome="failed"}}[${window}]))')
    yield Recording(success, f"1 - {failed} / ({ended} > 0)")
    yield Recording(
        f"workload:automation_error_budget:burn_rate{window}",
        f"(1 - {success}) / (1 - workload:automation_objective:success_ratio)",
    )


SUCCESS: Final = Group(
    "automation-success",
    tuple(rule for window in SHORT_WINDOWS for rule in _window(window)),
    "Success and burnt error budget. Cancelled runs are no attempt at success and count nowhere. Without an ended "
    "run there is no ratio: it is absent, not 0 and not NaN. A burn rate of 1 uses the budget up exactly.",
)

SUCCESS_LONG: Final = Group(
    "automation-success-long",
    tuple(rule for window in LONG_WINDOWS for rule in _window(window)),
    "The same over long windows, which change slowly and cost more to compute.",
    interval="2m",
)

USE: Final = Group(
    "automation-use",
    (
        Recording(
            "workload:automation_runs_waiting:sum",
            'sum by ($workload) (max by ($workload, state) (automation_active_runs{state=~"queued|open"}))',
            "Open are runs of which the platform does not tell whether they wait or work (Roboto).",
        ),
        Recording(
            "workload_reason:automation_run_failures:increase1h",
            "sum by ($workload, reason) (increase(automation_run_failures_total[$1h]))",
        ),
        Recording("target:granite_tokens:increase1h", "sum by ($target) (increase(granite_tokens_total[$1h]))"),
        Recording(
            "workload:automation_run_durations:increase6h",
            'sum by ($workload) (increase(automation_run_duration_seconds_count{outcome="completed"}[$6h]))',
        ),
        Recording(
            "workload:automation_run_duration_seconds:mean6h",
            """
            sum by ($workload) (increase(automation_run_duration_seconds_sum{outcome="completed"}[$6h]))
            /
            (workload:automation_run_durations:increase6h > 0)
            """,
        ),
        Recording(
            "workload:automation_run_duration_seconds:median6h",
            """
            histogram_quantile(0.5,
              sum by ($workload, le) (increase(automation_run_duration_seconds_bucket{outcome="completed"}[$6h]))
            )
            and
            workload:automation_run_durations:increase6h > 0
            """,
        ),
    ),
    "Queues, reasons, tokens and durations, for alerts that compare them with their own past.",
    interval="2m",
)

TRUST: Final = Group(
    "automation-trust",
    (
        Recording(
            "target:automation_data_gap:seconds_since_end",
            "time() - max by ($target) (automation_exporter_target_data_gap_end_timestamp_seconds)",
            "Recorded before the age: the end of a gap must be known as soon as data are fresh again.",
        ),
        Recording(
            "target:automation_data:age_seconds",
            "time() - max by ($target) (automation_exporter_target_data_timestamp_seconds)",
        ),
        Recording(
            "target:automation_data:age_intervals",
            """
            target:automation_data:age_seconds
            /
            max by ($target) (automation_exporter_target_interval_seconds)
            """,
        ),
    ),
    "How far what is known of a target can be trusted now: nobody is paged for the past.",
)

SILENCE: Final = Group(
    "automation-silence-recorded",
    (
        Recording(
            "workload:automation_last_success:timestamp_seconds",
            """
            max by ($workload) (automation_last_run_timestamp_seconds{outcome="completed"})
            or
            max by ($workload) (automation_workload_first_seen_timestamp_seconds)
            """,
            "A workload that never completed a run is silent since it was first seen.",
        ),
        Recording(
            "workload:automation_silence:seconds",
            """
            max by ($target) (automation_exporter_target_data_timestamp_seconds)
            - on ($target) group_right ()
            workload:automation_last_success:timestamp_seconds
            """,
            "Up to the time to which the target was read: while the exporter is blind, silence does not grow.",
        ),
    ),
    "How long no run was completed.",
)

GROUPS: Final = (OWNERS, TRUST, SILENCE, SUCCESS, SUCCESS_LONG, USE)
