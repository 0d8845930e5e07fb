"""The dashboards' questions put to a Prometheus that holds ``history``, as Grafana would put them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.times import SECOND
from tests.real import history
from tests.real.binaries import Binaries
from tests.real.prometheus import Prometheus
from tools.dashboards.reading import Asked, Json, chosen, filled, label_values, variables

AT: Final = history.END / SECOND
RANGE: Final = 86400
"""Seconds that the dashboards show when they are opened."""
RESOLUTION: Final = history.STEP // SECOND
BUILT_IN: Final[Mapping[str, str]] = {
    "__range": f"{RANGE}s",
    "__interval": f"{RESOLUTION}s",
    "__rate_interval": f"{4 * RESOLUTION}s",  # what Grafana takes: four scrape intervals at least
}

Row = tuple[Mapping[str, str], Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Series of an answer: labels and points (unix seconds, value); one point each for an instant query."""

    rows: Sequence[Row]

    @property
    def numbers(self) -> list[float]:
        """Every value."""
        return [value for _, points in self.rows for _, value in points]

    @property
    def has_nan(self) -> bool:
        """Whether there is something that is no number."""
        return any(not math.isfinite(value) for value in self.numbers)


@contextmanager
def prometheus_with_history(binaries: Binaries, folder: Path, files: Sequence[Path]) -> Iterator[Prometheus]:
    """Start a Prometheus that holds the history and scrapes nothing."""
    history.load(files, binaries, folder / "data")
    flags = (
        "--storage.tsdb.retention.time=100y",
        # Scrapes are exactly as far apart as Prometheus looks back by default.
        f"--query.lookback-delta={RESOLUTION + 60}s",
    )
    with Prometheus(binaries, folder, {}, flags=flags) as prometheus:
        yield prometheus


def values_of(prometheus: Prometheus, variable: Json, given: Mapping[str, str]) -> list[str]:
    """Return what a variable offers, when those before it have these values."""
    asked = label_values(variable)
    assert asked is not None, f"{variable['name']} asks for no label values"
    selector, label = asked
    response = prometheus.client.get(
        f"/api/v1/label/{label}/values",
        params={"match[]": filled(selector, given), "start": repr(AT - RANGE), "end": repr(AT)},
    )
    body = response.json()
    assert response.status_code == 200, f"{selector}: {body.get('error')}"
    return [str(value) for value in body["data"]]


def selection(prometheus: Prometheus, dashboard: Json, picked: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return a value for each variable: those picked, else All, else the first that is offered."""
    given: dict[str, str] = dict(BUILT_IN)
    for name, variable in variables(dashboard).items():
        if variable["type"] == "datasource":
            given[name] = "prometheus"
        elif variable["type"] == "constant":
            given[name] = variable["query"]
        elif name in picked:
            given[name] = chosen(picked[name])
        elif variable.get("includeAll"):
            given[name] = variable["allValue"]
        else:
            given[name] = chosen(values_of(prometheus, variable, given)[:1])
    return given


def answer(prometheus: Prometheus, asked: Asked, given: Mapping[str, str]) -> Answer:
    """Put a question; an AssertionError with Prometheus' own words when it is refused."""
    expr = filled(asked.expr, {**given, "1": "$1"})
    if asked.instant:
        return Answer([(sample.labels, [(sample.at, sample.value)]) for sample in prometheus.query(expr, AT)])
    found = prometheus.query_range(expr, AT - RANGE, AT, RESOLUTION)
    return Answer([(series.labels, series.points) for series in found])
