"""What the ledger says about its own counting: durable, one series or a few per target."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import MICRO, Metric

GAP_SECONDS = Metric(
    "automation_exporter_target_data_gap_seconds_total",
    "counter",
    "Length of the gaps in reading this target that were closed since; what happened in them is counted late.",
    unit=MICRO,
    durable=True,
)
GAP_END = Metric(
    "automation_exporter_target_data_gap_end_timestamp_seconds",
    "gauge",
    "When the latest gap in reading this target was closed.",
    unit=MICRO,
    durable=True,
)
CORRECTIONS = Metric(
    "automation_exporter_corrections_total",
    "counter",
    "Amounts written off: falls of an upstream figure that later increments did not absorb in time.",
    ("family",),
    durable=True,
)
CORRECTION_DEBT = Metric(
    "automation_exporter_correction_debt",
    "gauge",
    "Falls of upstream figures that counters may not show and later increments will absorb.",
    durable=True,
)
RUNS_EXPIRED = Metric(
    "automation_exporter_runs_expired_total",
    "counter",
    "Open runs given up: too old, or gone from the platform; counted with outcome unknown.",
    durable=True,
)
LATE_RUNS_SKIPPED = Metric(
    "automation_exporter_late_runs_skipped_total",
    "counter",
    "Runs never counted because they were first seen when the exporter no longer remembers their time.",
    durable=True,
)
RECORDS_SKIPPED = Metric(
    "automation_exporter_records_skipped_total",
    "counter",
    "Records, or fields of records, left out because they were invalid.",
    ("reason",),
    durable=True,
)

ROWS: Final = (
    GAP_SECONDS,
    GAP_END,
    CORRECTIONS,
    CORRECTION_DEBT,
    RUNS_EXPIRED,
    LATE_RUNS_SKIPPED,
    RECORDS_SKIPPED,
)
