"""The exporter about itself: what is not counted in the ledger and starts at 0 with each process.

Gauges and histograms here are ordinary prometheus_client objects, in seconds and plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.catalogue.model import Metric

TARGET_UP = Metric(
    "automation_exporter_target_up",
    "gauge",
    "1 when the latest poll read the target's roster, window or listing whole, else 0; absent before the first poll.",
)
TARGET_INTERVAL = Metric(
    "automation_exporter_target_interval_seconds",
    "gauge",
    "Effective time between polls: the configured interval, or the time that a full round takes if that is longer.",
)
TARGET_LAST_SUCCESS = Metric(
    "automation_exporter_target_last_success_timestamp_seconds",
    "gauge",
    "When the latest good poll ended.",
)
TARGET_DATA = Metric(
    "automation_exporter_target_data_timestamp_seconds",
    "gauge",
    "How fresh the target's data are: start of the last whole read of its listing that was read longest ago.",
)
TARGET_DEGRADED = Metric(
    "automation_exporter_target_degraded",
    "gauge",
    "1 while the target is read with reservations, by reason, such as unsorted or workload_error.",
    ("reason",),
)
TARGET_SERIES = Metric(
    "automation_exporter_target_series",
    "gauge",
    "Series exposed for the target, without those of the exporter about itself.",
)
TARGET_TLS_INSECURE = Metric(
    "automation_exporter_target_tls_insecure",
    "gauge",
    "1 when certificates of the upstream are not verified, by configuration.",
)
TARGET_CIRCUIT_OPEN = Metric(
    "automation_exporter_target_circuit_open",
    "gauge",
    "1 while the target is only probed gently after repeated failures.",
)
TARGET_CLOCK_SKEW = Metric(
    "automation_exporter_target_clock_skew_seconds",
    "gauge",
    "Our clock less the upstream's, from its Date header.",
)
POLLS = Metric(
    "automation_exporter_polls_total",
    "counter",
    "Polls that finished, good or not.",
)
POLL_ERRORS = Metric(
    "automation_exporter_poll_errors_total",
    "counter",
    "Errors in polls, by reason. A poll may be good and still have errors, of single workloads.",
    ("reason",),
)
POLL_DURATION = Metric(
    "automation_exporter_poll_duration_seconds",
    "histogram",
    "How long polls took.",
)
UPSTREAM_REQUESTS = Metric(
    "automation_exporter_upstream_requests_total",
    "counter",
    "Requests sent to the upstream, retries included, by HTTP status; without an answer, by the error's reason.",
    ("code",),
)
UPSTREAM_REQUEST_DURATION = Metric(
    "automation_exporter_upstream_request_duration_seconds",
    "histogram",
    "How long requests to the upstream took, until the body was read or the error came.",
)
QUOTA_LIMIT = Metric(
    "automation_exporter_upstream_quota_limit",
    "gauge",
    "Requests that the upstream allows in its period, as it announced last.",
)
QUOTA_REMAINING = Metric(
    "automation_exporter_upstream_quota_remaining",
    "gauge",
    "Requests left in the upstream's period, as it announced last.",
)
QUOTA_RESET = Metric(
    "automation_exporter_upstream_quota_reset_timestamp_seconds",
    "gauge",
    "When the upstream's period ends, as it announced last.",
)
BUDGET_REMAINING = Metric(
    "automation_exporter_upstream_budget_remaining",
    "gauge",
    "Requests that our own budget for this upstream and credential still allows now.",
)
BACKOFF = Metric(
    "automation_exporter_upstream_backoff_seconds",
    "gauge",
    "How long no request is sent from now on because the upstream asked for a pause; 0 without one.",
)
FULL_WALKS = Metric(
    "automation_exporter_full_walks_total",
    "counter",
    "Walks of a listing down to the floor that were completed, by reason.",
    ("reason",),
)
WORKLOADS_FOLDED = Metric(
    "automation_exporter_workloads_folded",
    "gauge",
    "Workloads that share the series with workload _other because of max_workloads or max_series.",
)
UNKNOWN_VALUES = Metric(
    "automation_exporter_unknown_values_total",
    "counter",
    "Values read that are outside the platform's documented list, by field.",
    ("field",),
)
STATE_COMMIT_DURATION = Metric(
    "automation_exporter_state_commit_duration_seconds",
    "gauge",
    "How long the latest commit to the state took.",
    per_target=False,
)
STATE_SIZE = Metric(
    "automation_exporter_state_size_bytes",
    "gauge",
    "Size of the state on disk.",
    per_target=False,
)
STATE_CREATED = Metric(
    "automation_exporter_state_created_timestamp_seconds",
    "gauge",
    "When the state was created; a change means that counting began anew.",
    per_target=False,
)
SNAPSHOT_REFRESH_DURATION = Metric(
    "automation_exporter_snapshot_refresh_duration_seconds",
    "gauge",
    "How long the latest rendering of the exposition took; scrapes copy it and never wait for it.",
    per_target=False,
)
CONFIG_RELOAD_SUCCESSFUL = Metric(
    "automation_exporter_config_last_reload_successful",
    "gauge",
    "1 when the latest reading of the configuration, and of the web configuration, succeeded, else 0.",
    per_target=False,
)
CONFIG_RELOAD_SUCCESS = Metric(
    "automation_exporter_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the configuration was last read successfully.",
    per_target=False,
)
BUILD_INFO = Metric(
    "automation_exporter_build_info",
    "gauge",
    "Always 1; the exporter's version and the Python it runs on as labels.",
    ("version", "python_version"),
    per_target=False,
)

SHARD_INFO = Metric(
    "automation_exporter_shard_info",
    "gauge",
    "Always 1; which share of the targets this process polls, from 1, of how many (--shard).",
    ("shard", "shards"),
    per_target=False,
)

BOUNDS: Final[Mapping[str, tuple[float, ...]]] = {
    POLL_DURATION.name: (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
    UPSTREAM_REQUEST_DURATION.name: (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
}
"""Bounds of the histograms in seconds: unlike those of ledger rows they may be fractions."""

ROWS: Final = (
    TARGET_UP,
    TARGET_INTERVAL,
    TARGET_LAST_SUCCESS,
    TARGET_DATA,
    TARGET_DEGRADED,
    TARGET_SERIES,
    TARGET_TLS_INSECURE,
    TARGET_CIRCUIT_OPEN,
    TARGET_CLOCK_SKEW,
    POLLS,
    POLL_ERRORS,
    POLL_DURATION,
    UPSTREAM_REQUESTS,
    UPSTREAM_REQUEST_DURATION,
    QUOTA_LIMIT,
    QUOTA_REMAINING,
    QUOTA_RESET,
    BUDGET_REMAINING,
    BACKOFF,
    FULL_WALKS,
    WORKLOADS_FOLDED,
    UNKNOWN_VALUES,
    STATE_COMMIT_DURATION,
    STATE_SIZE,
    STATE_CREATED,
    SNAPSHOT_REFRESH_DURATION,
    CONFIG_RELOAD_SUCCESSFUL,
    CONFIG_RELOAD_SUCCESS,
    BUILD_INFO,
    SHARD_INFO,
)
