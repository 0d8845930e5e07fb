"""The variables of the dashboards, and the links that fill them in."""

from __future__ import annotations

from typing import Final

from tools.dashboards.frame import Variable
from tools.dashboards.panels import Link

_TARGETS: Final = 'automation_exporter_target_up{job=~"$job", platform=~"$platform"'

JOB: Final = Variable("job", "Job", "automation_exporter_build_info", "Prometheus jobs that scrape the exporter")
INSTANCE: Final = Variable(
    "instance",
    "Instance",
    'automation_exporter_build_info{job=~"$job"}',
    "Processes of the exporter; each keeps its own counts",
)
PLATFORM: Final = Variable(
    "platform", "Platform", 'automation_exporter_target_up{job=~"$job"}', "Kinds of platforms that are polled"
)
TARGET: Final = Variable("target", "Target", f"{_TARGETS}}}", "Accounts, organizations or projects that are polled")
WORKLOAD: Final = Variable(
    "workload",
    "Workload",
    'automation_workload_first_seen_timestamp_seconds{job=~"$job", platform=~"$platform", target=~"$target"}',
    "Actions, routines, workflows and agents",
)
ONE_WORKLOAD: Final = Variable(WORKLOAD.name, WORKLOAD.title, WORKLOAD.metric, WORKLOAD.description, everything=False)

_TO_WORKLOAD: Final = "/d/automation-workload?${{datasource:queryparam}}&${{job:queryparam}}&${{__url_time_range}}{}"

ROW_TO_WORKLOAD: Final = Link(
    "This workload in depth",
    _TO_WORKLOAD.format(
        "".join(f"&var-{name}=${{__data.fields.{name}:percentencode}}" for name in ("platform", "target", "workload"))
    ),
)
"""From a table's row with these columns."""

SERIES_TO_WORKLOAD: Final = Link(
    "This workload in depth",
    _TO_WORKLOAD.format(
        "".join(f"&var-{name}=${{__field.labels.{name}:percentencode}}" for name in ("platform", "target", "workload"))
    ),
)
"""From a series with these labels."""

TARGET_TO_EXPORTER: Final = Link(
    "How this target is read",
    "/d/automation-exporter?${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
    "&var-target=${__field.labels.target:percentencode}",
)
