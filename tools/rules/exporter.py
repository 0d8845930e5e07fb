"""Alerts about the exporter itself and about its targets: what could make the other alerts silent or wrong."""

from __future__ import annotations

from typing import Final

from tools.rules.model import Alert, Group

TARGET: Final = "{{ $labels.target }} ({{ $labels.platform }})"

DOWN: Final = Alert(
    name="AutomationExporterDown",
    severity="warning",
    subject="exporter",
    expr="""
        up == 0
        and on (job, instance)
        last_over_time(automation_exporter_build_info[$1d])
    """,
    summary="An instance of the exporter cannot be scraped.",
    description="Prometheus cannot scrape {{ $labels.instance }} of job {{ $labels.job }}, which was an "
    "automation-exporter within the last day.",
    why="Whatever the job is called: an instance that has shown itself as an exporter, and no stranger.",
    wait="5m",
)

ABSENT: Final = Alert(
    name="AutomationExporterAbsent",
    severity="critical",
    subject="exporter",
    expr="""
        (
          group by ($exporter) (last_over_time(automation_exporter_build_info[$1d]))
          unless on ($exporter)
          automation_exporter_build_info
        )
        or
        (
          absent(automation_exporter_build_info)
          unless on ()
          group(last_over_time(automation_exporter_build_info[$1d]))
        )
    """,
    summary="No exporter runs: nobody watches the automations.",
    description="{{ with $labels.job }}Job {{ . }} has{{ else }}Prometheus has{{ end }} had no automation-exporter for "
    "15 minutes; while that lasts, no other alert about automations can fire.",
    why="Another instance of the same job takes over in silence. After a day without any, the job is forgotten and "
    "only the lack of all exporters is told.",
    wait="15m",
)

STATE_WRITE_FAILING: Final = Alert(
    name="AutomationExporterStateWriteFailing",
    severity="warning",
    subject="target",
    expr='sum by ($target) (increase(automation_exporter_poll_errors_total{reason="state"}[$10m])) > 0',
    summary="The exporter cannot write its state; nothing is counted.",
    description=f"Polls of {TARGET} fail because the state cannot be written. Counters stand still until it can.",
    why="What was read is not lost: it is read again once the state can be written.",
    wait="5m",
)

CONFIG_RELOAD_FAILED: Final = Alert(
    name="AutomationExporterConfigReloadFailed",
    severity="warning",
    subject="exporter",
    expr="max by ($exporter, instance) (automation_exporter_config_last_reload_successful) == 0",
    summary="The exporter runs with an old configuration, since the new one has mistakes.",
    description="{{ $labels.instance }} of job {{ $labels.job }} could not read its configuration anew; it goes on "
    "with the old one and will not start with the new one.",
    why="Somebody may be mending it right now.",
    wait="5m",
)

TARGET_DOWN: Final = Alert(
    name="AutomationExporterTargetDown",
    severity="warning",
    subject="target",
    expr="max by ($target) (automation_exporter_target_up) == 0",
    summary="A target cannot be read.",
    description=f"Polls of {TARGET} have been failing for ten minutes.",
    why="A poll that fails now and then is normal.",
    wait="10m",
)

TARGET_STALE: Final = Alert(
    name="AutomationExporterTargetStale",
    severity="warning",
    subject="target",
    expr="""
        target:automation_data:age_seconds > $15m_seconds
        and
        target:automation_data:age_intervals > 5
    """,
    summary="Part of a target has not been read for long.",
    description=f"The oldest data of {TARGET} are {{{{ $value | humanizeDuration }}}} old. Its levels (active runs, "
    "schedules) are no longer shown, and its pages are held back.",
    why="The defaults of stale_after: a slow target may be as old as five of its own intervals.",
    wait="5m",
)

TARGET_BLIND: Final = Alert(
    name="AutomationExporterTargetBlind",
    severity="critical",
    subject="target",
    expr="""
        (
          (target:automation_data:age_seconds > $1h_seconds and target:automation_data:age_intervals > 3)
          or
          (
            max by ($target) (max_over_time(automation_exporter_target_up[$1h])) == 0
            and
            max by ($target) (automation_exporter_target_up offset $1h) == 0
            unless
            target:automation_data:age_seconds
          )
        )
        and
        target:automation_tier1:info
    """,
    summary="A target of the first tier has not been read for an hour.",
    description=f"Nothing newer than an hour is known of {TARGET}. Failures and missed schedules there go unnoticed.",
    why="Blind is a target whose data are old, and one that could never be read.",
    wait="2m",
)

UNAUTHORIZED: Final = Alert(
    name="AutomationExporterUnauthorized",
    severity="warning",
    subject="target",
    expr="""
        sum by ($target) (increase(automation_exporter_poll_errors_total{reason=~"unauthorized|forbidden"}[$1h])) > 0
        and
        max by ($target) (automation_exporter_target_up) == 0
    """,
    summary="The platform refuses the exporter's credentials.",
    description=f"{TARGET} refuses the credentials it is read with. They are expired, withdrawn or lack a role.",
    why="A secret that is being exchanged is refused once or twice.",
    wait="10m",
)

RATE_LIMITED: Final = Alert(
    name="AutomationExporterRateLimited",
    severity="warning",
    subject="target",
    expr="""
        sum by ($target) (increase(automation_exporter_poll_errors_total{reason="rate_limited"}[$30m])) > 3 - 0.5
    """,
    summary="Polls fail because the platform limits the rate of requests.",
    description=f'{{{{ $value | printf "%.0f" }}}} polls of {TARGET} failed in the last 30 minutes because '
    "the platform wants fewer requests.",
    why="A refusal now and then is waited out within the poll and is no error.",
    wait="5m",
)

QUOTA_NEARLY_USED: Final = Alert(
    name="AutomationExporterQuotaNearlyUsed",
    severity="warning",
    subject="target",
    expr="""
        max by ($target) (automation_exporter_upstream_quota_remaining)
          / (max by ($target) (automation_exporter_upstream_quota_limit) > 0) < 0.1
        unless
        max by ($target) (automation_exporter_upstream_quota_reset_timestamp_seconds) < time()
    """,
    summary="The quota of requests to a platform is nearly used up.",
    description=f"{{{{ $value | humanizePercentage }}}} of the quota of {TARGET} have been left for 15 minutes; "
    "others who use the same credentials may be refused.",
    why="A figure from a period that is over says nothing about the present one.",
    wait="15m",
)

WORKLOADS_FOLDED: Final = Alert(
    name="AutomationExporterWorkloadsFolded",
    severity="warning",
    subject="target",
    expr="max by ($target) (automation_exporter_workloads_folded) > 0",
    summary="Some workloads have no series of their own.",
    description=f"{{{{ $value }}}} workloads of {TARGET} are added up as _other, since there are more than "
    "max_workloads or max_series allow. Alerts about single workloads do not see them.",
    why="Workloads that were created for a moment are no reason to configure anything.",
    wait="1h",
)

COUNTER_CORRECTED: Final = Alert(
    name="AutomationExporterCounterCorrected",
    severity="info",
    subject="target",
    expr="sum by ($target, family) (increase(automation_exporter_corrections_total[$1d])) > 0.5",
    summary="A platform took back what it had told, and a counter is too high.",
    description=f'{TARGET} took back {{{{ $value | printf "%.0f" }}}} of what it had reported, and nothing came that '
    "it could be set off against: {{ $labels.family }} is higher than the truth by that much.",
    why="A fall that later increments absorb is no correction.",
)

GROUPS: Final = (
    Group(
        "automation-exporter",
        (DOWN, ABSENT, STATE_WRITE_FAILING, CONFIG_RELOAD_FAILED),
        "The exporter itself.",
    ),
    Group(
        "automation-exporter-targets",
        (
            TARGET_DOWN,
            TARGET_STALE,
            TARGET_BLIND,
            UNAUTHORIZED,
            RATE_LIMITED,
            QUOTA_NEARLY_USED,
            WORKLOADS_FOLDED,
            COUNTER_CORRECTED,
        ),
        "What the exporter reads.",
    ),
)
