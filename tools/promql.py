"""What PromQL can be proved wrong about without any data: unknown metrics, and labels that cannot be there.

``findings`` walks an expression and works out which labels its result can have, from the rows of the metric
table. A misspelt label in ``by (...)`` or a join of series that have no labels in common gives no error in
Prometheus, only silence; here it is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import promql_parser as promql

from exporter.catalogue import ALL, TARGET_LABELS

SCRAPE: Final = frozenset({"job", "instance"})
"""Labels that Prometheus gives every series that it scrapes."""

SUFFIXES: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "histogram": {"_bucket": frozenset({"le"}), "_count": frozenset(), "_sum": frozenset()},
    "gaugehistogram": {"_bucket": frozenset({"le"}), "_gcount": frozenset(), "_gsum": frozenset()},
}

FOREIGN: Final[Mapping[str, frozenset[str]]] = {
    "up": SCRAPE,
    "ALERTS": SCRAPE | set(TARGET_LABELS) | {"alertname", "alertstate", "severity", "workload"},
    "process_cpu_seconds_total": SCRAPE,
    "process_max_fds": SCRAPE,
    "process_open_fds": SCRAPE,
    "process_resident_memory_bytes": SCRAPE,
    "process_start_time_seconds": SCRAPE,
}
"""Metrics of Prometheus itself and of its client library."""

COUNTING: Final = frozenset({"rate", "irate", "increase", "resets"})
"""The functions that know what a counter is. Others see a number that falls at every restart."""

EXISTING: Final = frozenset({"group", "count", "last_over_time", "absent"})
"""What asks only whether there is something, whatever its value."""

SCALARS: Final = frozenset({"time", "vector", "scalar", "absent", "pi"})
"""Functions whose result has no labels (``absent`` with regular expressions only)."""

SETS: Final = frozenset({"and", "or", "unless"})


Samples = Mapping[str, tuple[str, frozenset[str]]]
"""Type (empty where there is none) and labels of samples, by name."""


def _samples() -> dict[str, tuple[str, frozenset[str]]]:
    """Type and labels of every sample's name."""
    found: dict[str, tuple[str, frozenset[str]]] = {name: ("", labels) for name, labels in FOREIGN.items()}
    for row in ALL:
        labels = SCRAPE | set(row.labels) | (set(TARGET_LABELS) if row.per_target else set())
        for suffix, further in SUFFIXES.get(row.type, {"": frozenset()}).items():
            found[row.name + suffix] = (row.type, labels | further)
    return found


SAMPLES: Final = _samples()


@dataclass(slots=True)
class Reader:
    """Walks one expression; ``found`` is what is wrong, ``selectors`` are all that it met.

    ``samples`` are the names that exist, with type and labels.
    """

    samples: Samples = field(default_factory=lambda: SAMPLES)
    found: list[str] = field(default_factory=list)
    selectors: list[promql.VectorSelector] = field(default_factory=list)

    def labels(self, expr: promql.Expr, function: str = "") -> frozenset[str]:
        """Return the labels that the result can have; ``function`` is what the expression is an argument of."""
        match expr:
            case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
                found = self.labels(expr.expr, function)
            case promql.MatrixSelector():
                found = self._selector(expr.vector_selector, function)
            case promql.VectorSelector():
                found = self._selector(expr, function)
            case promql.Call():
                found = self._call(expr)
            case promql.AggregateExpr():
                found = self._aggregate(expr)
            case promql.BinaryExpr():
                found = self._binary(expr)
            case _:
                found = frozenset()
        return found

    def _selector(self, selector: promql.VectorSelector, function: str) -> frozenset[str]:
        self.selectors.append(selector)
        name = selector.name
        if name is None or name not in self.samples:
            self.found.append(f"{name or 'a selector without a name'} is not in the metric table")
            return frozenset()
        kind, labels = self.samples[name]
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                self.found.append(f"{name} has no label {matcher.name}")
        counts = kind == "counter" or name.endswith("_total") or kind == "histogram"
        if counts and function not in COUNTING | EXISTING:
            self.found.append(f"{name} is a counter: it needs rate() or increase()")
        if not counts and function in COUNTING:
            self.found.append(f"{name} is a gauge: {function}() takes its falls for restarts")
        return labels

    def _call(self, call: promql.Call) -> frozenset[str]:
        name = call.func.name
        inner = [self.labels(argument, name) for argument in call.args]
        if name in SCALARS:
            return frozenset()
        labels = next((found for found in inner if found), frozenset[str]())
        if name == "label_replace":
            target, source = (_text(call.args[index]) for index in (1, 3))
            if source and source not in labels:
                self.found.append(f"label_replace() reads the label {source}, which is not there")
            return labels | {target}
        if name == "histogram_quantile":
            if "le" not in labels:
                self.found.append("histogram_quantile() needs the label le")
            return labels - {"le"}
        return labels

    def _aggregate(self, expr: promql.AggregateExpr) -> frozenset[str]:
        inner = self.labels(expr.expr, str(expr.op))
        if str(expr.op) in {"topk", "bottomk"}:
            return inner
        if expr.modifier is None:
            return frozenset()
        named = frozenset(expr.modifier.labels)
        if expr.modifier.type == promql.AggModifierType.Without:
            return inner - named
        for label in sorted(named - inner):
            self.found.append(f"{expr.op} by ({label}): that label is not there")
        return named

    def _binary(self, expr: promql.BinaryExpr) -> frozenset[str]:
        left, right = self.labels(expr.lhs), self.labels(expr.rhs)
        if _is_scalar(expr.lhs) or _is_scalar(expr.rhs):
            return right if _is_scalar(expr.lhs) else left
        modifier = expr.modifier
        if str(expr.op) == "or":
            return left | right
        if modifier is None or modifier.matching is None:
            if left != right:
                self.found.append(
                    f"{expr.op} joins series with ({', '.join(sorted(left))}) to series with "
                    f"({', '.join(sorted(right))}): none will match"
                )
            return left
        named = frozenset(modifier.matching.labels)
        if modifier.matching.type == promql.LabelModifierType.Exclude:
            return left if str(expr.op) in SETS else left - named
        for label in sorted(named - (left & right)):
            self.found.append(f"{expr.op} on ({label}): that label is not on both sides")
        if str(expr.op) in SETS:
            return left
        return self._matched(modifier, left, right, named)

    def _matched(
        self, modifier: promql.BinModifier, left: frozenset[str], right: frozenset[str], named: frozenset[str]
    ) -> frozenset[str]:
        """Return the labels of a match on ``named`` that is no set operation: of the many side, if there is one."""
        brought = frozenset(modifier.group_labels or ())
        many, one = right, left
        match modifier.card:
            case promql.VectorMatchCardinality.ManyToOne:
                many, one = left, right
            case promql.VectorMatchCardinality.OneToOne:
                many = named
        for label in sorted(brought - one):
            self.found.append(f"a match brings ({label}) along: that label is not there")
        return many | brought


def _text(expr: promql.Expr) -> str:
    return expr.val if isinstance(expr, promql.StringLiteral) else ""


def _is_scalar(expr: promql.Expr) -> bool:
    match expr:
        case promql.NumberLiteral():
            return True
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_scalar(expr.expr)
        case promql.Call():
            return expr.func.name in {"time", "scalar", "pi"}
        case promql.BinaryExpr():
            return _is_scalar(expr.lhs) and _is_scalar(expr.rhs)
    return False


def read(expression: str, samples: Samples | None = None) -> tuple[frozenset[str], Reader]:
    """Return the labels of the result, and what was found on the way; ValueError when it is no PromQL."""
    reader = Reader() if samples is None else Reader(samples)
    return reader.labels(promql.parse(expression)), reader
