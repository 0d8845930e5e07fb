"""The exporter: can what the other dashboards show be trusted?"""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, queries
from tools.dashboards.frame import Band, Dashboard, Section
from tools.dashboards.panels import Column, Query, bars, rows, series, tile
from tools.dashboards.queries import PLACE, count, data_age, limit_of_age, target_state, unread
from tools.dashboards.variables import INSTANCE, JOB, PLATFORM, TARGET

NAME: Final = "{{target}}"


def _process(name: str, *matchers: str) -> str:
    return queries.of_job(name, 'instance=~"$instance"', *matchers)


def _target(name: str, *matchers: str) -> str:
    return queries.of_target(f"automation_exporter_{name}", *matchers)


def _worst(name: str, by: str = PLACE) -> str:
    return f"max by ({by}) ({_target(name)})"


def _per_minute(name: str, by: str, *matchers: str) -> str:
    return f"60 * sum by ({by}) (rate({_target(name, *matchers)}[$__rate_interval]))"


def _sum(name: str, by: str, window: str = "$__range") -> str:
    return f"sum by ({by}) (increase({_target(name)}[{window}]))"


def _quantile(q: float, name: str) -> str:
    buckets = f"sum by (le, target) (rate({_target(f'{name}_bucket')}[$__rate_interval]))"
    return f"histogram_quantile({q}, {buckets}) >= 0"


UP: Final = tile(
    "Exporter",
    "Whether Prometheus could scrape the exporter just now. Its targets are another matter.",
    Query(f"min({_process('up')})"),
    "none",
    words={0: ("Down", look.BAD), 1: ("Up", look.GOOD)},
    filled=True,
)
UNREAD: Final = tile(
    "Targets not read",
    "Targets whose data are older than three intervals (at least five minutes).",
    Query(count(unread())),
    "none",
    steps=((None, look.GOOD), (0.5, look.UNKNOWN)),
    filled=True,
)
RELOAD: Final = tile(
    "Configuration",
    "Whether the latest reading of the configuration succeeded. When it did not, the earlier one is in force.",
    Query(f"min({_process('automation_exporter_config_last_reload_successful')})"),
    "none",
    words={0: ("Reload failed", look.BAD), 1: ("In force", look.GOOD)},
    filled=True,
)
STATE_AGE: Final = tile(
    "Counting since",
    "When the state was created. If that is later than you think, the state was lost and counting began anew.",
    Query(f"1000 * max({_process('automation_exporter_state_created_timestamp_seconds')})"),
    "dateTimeFromNow",
)
STARTED: Final = tile(
    "Started",
    "When the process was started.",
    Query(f"1000 * max({_process('process_start_time_seconds')})"),
    "dateTimeFromNow",
)
VERSION: Final = tile(
    "Version",
    "Version of the exporter, one tile each while several run.",
    Query(f"max by (version) ({_process('automation_exporter_build_info')})", "{{version}}"),
    "string",
    names=True,
)
TARGETS: Final = rows(
    "Targets",
    "State: fresh, degraded (read with reservations), or unknown since its data are too old. Gaps and errors are "
    "those of the time shown.",
    (
        Query(target_state()),
        Query(data_age()),
        Query(_worst("target_interval_seconds")),
        Query(_sum("poll_errors_total", PLACE)),
        Query(_sum("target_data_gap_seconds_total", PLACE)),
        Query(f"1000 * {_worst('target_data_gap_end_timestamp_seconds')}"),
        Query(_worst("target_series")),
        Query(_worst("target_circuit_open")),
        Query(_worst("target_tls_insecure")),
        Query(_worst("workloads_folded")),
    ),
    (
        Column("target", "Target"),
        Column("platform", "Platform", width=110),
        Column("Value #A", "State", words=look.TARGET_STATES, width=100),
        Column("Value #B", "Age of data", "s", decimals=0, width=110),
        Column("Value #C", "Interval", "s", width=90),
        Column("Value #D", "Errors", decimals=0, steps=look.NONE_IS_BEST, width=80),
        Column("Value #E", "Gaps", "s", decimals=0, width=100),
        Column("Value #F", "Last gap closed", "dateTimeFromNow", width=140),
        Column("Value #G", "Series", decimals=0, width=80),
        Column("Value #H", "Circuit open", words=look.YES_OR_NO, width=110),
        Column("Value #I", "TLS unverified", words=look.YES_OR_NO, width=120),
        Column("Value #J", "Folded workloads", decimals=0, steps=look.NONE_IS_BEST, width=140),
    ),
    "none",
    sort="Age of data",
)
AGE: Final = series(
    "Age of data",
    "How old what we know of each target is. The dashed limit is where it counts as unknown.",
    (
        Query(data_age(), NAME),
        Query(f"min({limit_of_age()})", "limit"),
    ),
    "s",
    colours={"limit": look.UNKNOWN},
)
ERRORS: Final = series(
    "Errors in polls by reason",
    "Per hour. A poll may be good and still have errors, of single workloads.",
    Query(
        f"3600 * sum by (target, reason) (rate({_target('poll_errors_total')}[$__rate_interval])) > 0",
        "{{target}} {{reason}}",
    ),
    "suffix:/h",
    stacked=True,
    bars=True,
    no_value="No errors",
)
POLLS: Final = series(
    "Polls",
    "Polls that finished per minute, good or not.",
    Query(_per_minute("polls_total", "target"), NAME),
    "suffix:/min",
)
POLL_TIME: Final = series(
    "Duration of polls",
    "95th percentile, estimated from buckets. It should stay below the interval.",
    Query(_quantile(0.95, "poll_duration_seconds"), NAME),
    "s",
)
DEGRADED: Final = series(
    "Read with reservations",
    "1 while a target is read with reservations, by reason.",
    Query(f"{_worst('target_degraded', 'target, reason')} > 0", "{{target}} {{reason}}"),
    "none",
    bars=True,
    stacked=True,
    decimals=0,
    no_value="All are read without",
)
REQUESTS: Final = series(
    "Requests by answer",
    "Requests to the platforms per minute, retries included, by HTTP status or, without an answer, the reason.",
    Query(_per_minute("upstream_requests_total", "code"), "{{code}}"),
    "suffix:/min",
    stacked=True,
)
LATENCY: Final = series(
    "Latency of platforms",
    "95th percentile of the time until an answer was read, estimated from buckets.",
    Query(_quantile(0.95, "upstream_request_duration_seconds"), NAME),
    "s",
)
QUOTA: Final = series(
    "Quota left",
    "Share of the requests that the platform allows in its period and that are left, as it announced last. The "
    "exporter uses at most half of a quota.",
    Query(
        f"{_worst('upstream_quota_remaining')} / ({_worst('upstream_quota_limit')} > 0)",
        NAME,
    ),
    "percentunit",
    steps=((None, look.BAD), (0.1, "transparent")),
    most=1,
    no_value="No platform announces a quota",
)
BUDGET: Final = series(
    "Requests allowed by our own budget",
    "What the exporter still allows itself at the moment (requests_per_minute).",
    Query(f"min by (target) ({_target('upstream_budget_remaining')})", NAME),
    "none",
    decimals=0,
)
BACKOFF: Final = series(
    "Pauses that platforms asked for",
    "How long no request is sent from then on.",
    Query(_worst("upstream_backoff_seconds", "target"), NAME),
    "s",
)
SKEW: Final = series(
    "Clock against the platform's",
    "Our clock less the platform's. Beyond five minutes nothing is forgotten or written off.",
    Query(_worst("target_clock_skew_seconds", "target"), NAME),
    "s",
    least=None,
)
GAPS: Final = series(
    "Gaps closed",
    "Length of the gaps in reading that were closed in the hour before; what happened in them was counted then.",
    Query(f"{_sum('target_data_gap_seconds_total', 'target', '1h')} > 0", NAME),
    "s",
    bars=True,
    no_value="No gap",
)
CORRECTIONS: Final = series(
    "Corrections of counters",
    "Debt: falls of a platform's figures that later counts will absorb. Written off in the hour before: falls that "
    "nothing absorbed in time. truth = counter - debt - written off.",
    (
        Query(_worst("correction_debt", "target"), "{{target}} debt"),
        Query(f"{_sum('corrections_total', 'target, family', '1h')} > 0", "{{target}} {{family}} written off"),
    ),
    "none",
    decimals=0,
)
LEFT_OUT: Final = bars(
    "Runs and records left out",
    "In the time shown: open runs given up as too old or gone, runs first seen too late to be counted, invalid "
    "records, and values outside a platform's documented list.",
    Query(
        f'(label_replace({_sum("runs_expired_total", "target")}, "what", "expired", "", "") or '
        f'label_replace({_sum("late_runs_skipped_total", "target")}, "what", "too late", "", "") or '
        f'label_replace({_sum("records_skipped_total", "target, reason")}, "what", "$1", "reason", "(.*)") or '
        f'label_replace({_sum("unknown_values_total", "target, field")}, "what", "unknown $1", "field", "(.*)")) '
        "> 0.5",
        "{{target}}: {{what}}",
    ),
    "none",
    steps=((None, look.WARNING),),
    decimals=0,
    no_value="Nothing was left out",
)
WALKS: Final = bars(
    "Full walks",
    "Listings read down to the floor in the time shown, by reason.",
    Query(f"{_sum('full_walks_total', 'target, reason')} > 0.5", "{{target}}: {{reason}}"),
    "none",
    decimals=0,
    no_value="None was needed",
)
SERIES: Final = series(
    "Series",
    "Series exposed for each target.",
    Query(_worst("target_series", "target"), NAME),
    "none",
    decimals=0,
)
COMMIT: Final = series(
    "Commit and rendering",
    "How long the latest commit to the state and the latest rendering took. Scrapes wait for neither.",
    (
        Query(f"max({_process('automation_exporter_state_commit_duration_seconds')})", "commit"),
        Query(f"max({_process('automation_exporter_snapshot_refresh_duration_seconds')})", "rendering"),
    ),
    "s",
)
STATE_SIZE: Final = series(
    "Size of the state",
    "On disk. It grows with runs per day times the days that are remembered, then stays.",
    Query(f"max by (instance) ({_process('automation_exporter_state_size_bytes')})", "{{instance}}"),
    "bytes",
)
CPU: Final = series(
    "Processor",
    "Cores in use.",
    Query(f"sum by (instance) (rate({_process('process_cpu_seconds_total')}[$__rate_interval]))", "{{instance}}"),
    "short",
)
MEMORY: Final = series(
    "Memory",
    "Resident memory.",
    Query(f"max by (instance) ({_process('process_resident_memory_bytes')})", "{{instance}}"),
    "bytes",
)
FILES: Final = series(
    "Open files",
    "Share of the file descriptors that may be open. At 100 % nothing can be read or written.",
    Query(
        f"max by (instance) ({_process('process_open_fds')}) / max by (instance) ({_process('process_max_fds')})",
        "{{instance}}",
    ),
    "percentunit",
    steps=((None, "transparent"), (0.9, look.BAD)),
)

DASHBOARD: Final = Dashboard(
    uid="automation-exporter",
    title="Automation / Exporter",
    description="The exporter itself: how fresh its data are, gaps, errors, quotas, corrections, state, resources.",
    variables=(JOB, INSTANCE, PLATFORM, TARGET),
    sections=(
        Section(
            "",
            (
                Band(4, ((4, UP), (4, UNREAD), (4, RELOAD), (4, STATE_AGE), (4, STARTED), (4, VERSION))),
                Band(8, ((24, TARGETS),)),
                Band(8, ((12, AGE), (12, ERRORS))),
            ),
        ),
        Section("Polls", (Band(8, ((8, POLLS), (8, POLL_TIME), (8, DEGRADED))),)),
        Section(
            "Platforms",
            (Band(8, ((12, REQUESTS), (12, LATENCY))), Band(8, ((6, QUOTA), (6, BUDGET), (6, BACKOFF), (6, SKEW)))),
        ),
        Section(
            "Counting", (Band(8, ((8, GAPS), (8, CORRECTIONS), (8, LEFT_OUT))), Band(8, ((12, WALKS), (12, SERIES))))
        ),
        Section("Process", (Band(8, ((12, COMMIT), (12, STATE_SIZE))), Band(8, ((8, CPU), (8, MEMORY), (8, FILES))))),
    ),
)
