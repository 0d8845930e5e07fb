"""The status page: plain HTML without scripts. Query parameters sort its tables and choose runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from exporter.web.hints import FEED_LACKS
from exporter.web.markup import Markup, element, join, void
from exporter.web.runs_table import COLUMNS, OPEN_COLUMNS, OPEN_RUNS, RUNS, SHOWN, ended_table, open_table
from exporter.web.selection import RunFilter, address
from exporter.web.sorting import Order, order_of
from exporter.web.style import STYLE
from exporter.web.targets_table import COLUMNS as TARGET_COLUMNS
from exporter.web.targets_table import PLACE as TARGETS
from exporter.web.targets_table import SORT, targets_table
from exporter.web.times import moment
from exporter.web.views import RunsView, StatusView

_TITLE: Final = "automation-exporter"
_LINKS: Final = (
    ("/", "Refresh"),
    ("/metrics", "Metrics"),
    ("/api/v1/targets", "Targets as JSON"),
    ("/api/v1/runs", "Runs as JSON"),
    ("/-/healthy", "Health"),
    ("/-/ready", "Readiness"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the request asks for: the order of each table, and which runs."""

    targets: Order = field(default_factory=Order)
    ended: Order = field(default_factory=Order)
    open: Order = field(default_factory=Order)
    runs: RunFilter = field(default_factory=RunFilter)

    def query(self, *, without: str) -> list[tuple[str, str]]:
        """Return the parameters that ask for this again, but for one."""
        orders = ((SORT, self.targets), (RUNS, self.ended), (OPEN_RUNS, self.open))
        return [
            *((name, str(order)) for name, order in orders if order.name is not None and name != without),
            *self.runs.query,
        ]


def wanted(sort: str, ended: str, opened: str, runs: RunFilter) -> Wanted:
    """Read what the request asks for."""
    return Wanted(
        targets=order_of(sort, TARGET_COLUMNS),
        ended=order_of(ended, COLUMNS),
        open=order_of(opened, OPEN_COLUMNS),
        runs=runs,
    )


def status_page(view: StatusView, runs: RunsView, asked: Wanted) -> str:
    """Return the page as a whole HTML document."""
    up = sum(target.state == "up" for target in view.targets)
    head = element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{up} of {len(view.targets)} up - {_TITLE}"),
        element("style", Markup(STYLE)),
    )
    links = element("nav", *(element("a", text, href=path) for path, text in _LINKS), aria_label="Pages")
    body = element(
        "body",
        element("header", element("h1", _TITLE), links),
        element("main", _summary(view, up), _targets(view, asked), _ended(view, runs, asked), _open(runs, asked)),
    )
    return f"<!doctype html>{element('html', head, body, lang='en')}\n"


def _summary(view: StatusView, up: int) -> Markup:
    kind = "good" if up == len(view.targets) else "bad"
    parts = [
        element(
            "p",
            element("span", f"{up} of {len(view.targets)} targets are up.", class_=kind),
            f" Version {view.version}, started ",
            moment(view.started, view.now),
            ".",
        )
    ]
    if view.reload_error is not None:
        announced = element(
            "strong", "The newest configuration was not taken, or not all of it; what was in use goes on."
        )
        parts.append(element("div", announced, element("pre", view.reload_error), role="alert"))
    return join(*parts)


def _targets(view: StatusView, asked: Wanted) -> Markup:
    shown = targets_table(view.targets, view.now, asked.targets, asked.query(without=SORT))
    return _section(TARGETS, "Targets", shown)


def _ended(view: StatusView, runs: RunsView, asked: Wanted) -> Markup:
    if not runs.ended:
        found = "No run in memory failed, was late or was given up"
        text = f"{found}, of those that are asked for; completed ones are not kept." if asked.runs else f"{found}."
        empty = element("p", text, class_="faint")
        return _section(RUNS, "Failed and late runs", _chosen(asked.runs), empty, *_lacking(view, asked.runs))
    return _section(
        RUNS,
        "Failed and late runs",
        _chosen(asked.runs),
        _more(runs.ended_total, asked.runs),
        ended_table(runs, asked.ended, asked.query(without=RUNS)),
    )


def _lacking(view: StatusView, chosen: RunFilter) -> Iterator[Markup]:
    """Say where the runs are that a platform does not tell: an alert may have led here."""
    platforms = {target.platform for target in view.targets if chosen.may_be_of(target.name)}
    return (element("p", text) for platform, text in FEED_LACKS.items() if platform in platforms)


def _open(runs: RunsView, asked: Wanted) -> Markup:
    if not runs.open:
        return _section(OPEN_RUNS, "Longest-open runs", element("p", "No run is known to be open.", class_="faint"))
    return _section(
        OPEN_RUNS,
        "Longest-open runs",
        _more(runs.open_total, asked.runs),
        open_table(runs, asked.open, asked.query(without=OPEN_RUNS)),
    )


def _section(place: str, title: str, *content: Markup) -> Markup:
    name = f"{place}-title"
    return element("section", element("h2", title, id=name), *content, id=place, aria_labelledby=name)


def _chosen(chosen: RunFilter) -> Markup:
    """Say which runs are shown, and the way to all of them."""
    if not chosen:
        return Markup("")
    said = ", ".join(f"{name} {value}" for name, value in chosen.query)
    return element("p", f"Only {said}. ", element("a", "Show all runs", href=f"/#{RUNS}"))


def _more(total: int, chosen: RunFilter) -> Markup:
    if total <= SHOWN:
        return Markup("")
    every = element("a", "more as JSON", href=address("/api/v1/runs", chosen.query))
    return element("p", f"{SHOWN} of {total} are shown; ", every, ".", class_="faint")
