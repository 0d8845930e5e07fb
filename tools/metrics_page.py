"""``docs/metrics.md``, whole, from the metric table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from exporter.catalogue import TARGET_LABELS, foundry, granite, ledger, moderately, own, runs
from exporter.catalogue.model import Metric
from exporter.errors import REASONS

INTRO: Final = """\
# Metrics

Written by `./run docs` from the table in `exporter/catalogue/`; do not edit.

## How to read the numbers

**Labels.** Every series of a target carries `platform` and `target`, and the target's own `labels:` from the
configuration, if it has any; the exporter's process-local families carry only the former two. They are not
repeated below.

**Durable families** are kept in the state file, in the same transaction as what was already counted. A restart,
a repeated page or a late result changes nothing in them. All others start anew with each process.

**Counters count from the first poll of a target on.** What had ended before is history: it moves
`automation_last_run_timestamp_seconds`, never a counter. A run is counted once, when it is first seen ended.

**A counter never goes down**, although a platform may take back what it told (a failed run that is queued again).
Such a fall is remembered as debt and taken from the next increments; what they do not absorb in time is written
off. So at any moment

    truth = counter - debt - written off

over all counters of a target, with `automation_exporter_correction_debt` as debt and
`automation_exporter_corrections_total` as what was written off, per family. Both are 0 on platforms that list runs.

**New series are held at 0, and all series at their last value after a start, for `zero_hold` (2 minutes).** What is
counted meanwhile is shown when the hold ends. Prometheus sees only differences between scrapes: without the
hold, the first failure of a new workload, and every failure while the exporter was down, would be part of
the first value that it ever scraped, and `increase()` would say 0. Gauges are not held.

**Levels leave when they go stale.** A gauge that says what is true now disappears when what it hangs on was not
read for `stale_after`; `automation_exporter_target_data_timestamp_seconds` says how fresh a target's data are.
Counters, histograms and times of past events stay.

**Open labels**, filled by the platform without a closed list, have at most `max_label_values` values per target
and family, and a target at most `max_workloads` workloads; what comes later is added up under `_other`.
`_unnamed` stands for an empty name.

**OpenMetrics** has, besides the same samples, exemplars with the `run_id` of a run on duration buckets and
failures, and gauge histograms, which the text format cannot say. With `--web.openmetrics-created` it also has the
time of birth of each counter and histogram (`_created`): off unless asked for, since most Prometheus servers
would store it as one more series each.

**Preview** families hang on a vendor's preview API and may change with it. All others are stable: one that is
renamed is published under both names for one release.
"""

LABEL_VALUES: Final[Sequence[tuple[str, str, Sequence[str]]]] = (
    ("outcome", "of a run that ended", runs.OUTCOMES),
    ("state", "of a run that has not", runs.STATES),
    ("kind", "of `granite_workflow_interactions_total`", granite.INTERACTIONS),
    ("reason", "of `automation_exporter_poll_errors_total`", REASONS),
)

SECTIONS: Final[Sequence[tuple[str, Sequence[Metric]]]] = (
    ("Runs, on all platforms", runs.ROWS),
    ("Microsoft Foundry routines only", foundry.ROWS),
    ("Granite only", granite.ROWS),
    ("Moderately AI only", moderately.ROWS),
    ("The exporter about its counting", ledger.ROWS),
    ("The exporter about its targets", tuple(row for row in own.ROWS if row.per_target)),
    ("The exporter about itself", tuple(row for row in own.ROWS if not row.per_target)),
)

OUTRO: Final = """\
Besides these there are the usual `process_*` and `python_*` families of prometheus_client.
"""


def page() -> str:
    """Return the whole text."""
    return "\n".join([INTRO, _label_values(), *(_section(title, rows) for title, rows in SECTIONS), OUTRO])


def _label_values() -> str:
    rows = "".join(f"| `{name}` | {what} | {_code(values)} |\n" for name, what, values in LABEL_VALUES)
    return f"## Label values that are closed lists\n\n| label | | values |\n| --- | --- | --- |\n{rows}"


def _section(title: str, rows: Iterable[Metric]) -> str:
    return "\n".join([f"## {title}\n", *(_family(row) for row in rows)])


def _family(row: Metric) -> str:
    text = f"### `{row.name}`\n\n{_facts(row)}\n\n{row.help}\n"
    sources = "".join(f"| {platform} | {source} |\n" for platform, source in row.sources.items())
    return f"{text}\n| platform | fed from |\n| --- | --- |\n{sources}" if sources else text


def _facts(row: Metric) -> str:
    kind = {"gaugehistogram": "gauge histogram"}.get(row.type, row.type)
    facts = [kind.capitalize()]
    if row.labels:
        labels = [f"`{name}` (open)" if name in row.open_labels else f"`{name}`" for name in row.labels]
        facts.append(f"labels {', '.join(labels)}")
    bounds = row.bounds or own.BOUNDS.get(row.name, ())
    if bounds:
        facts.append(f"bounds {' '.join(map(str, bounds))}")
    if row.openmetrics_only:
        facts.append("OpenMetrics only")
    if not row.per_target:
        facts.append(f"without {_code(TARGET_LABELS, ' and ')}")
    facts.append("durable" if row.durable else "not durable")
    facts.append(row.stability)
    return "; ".join(facts) + "."


def _code(words: Iterable[str], joint: str = ", ") -> str:
    return joint.join(f"`{word}`" for word in words)
