"""The page's table of targets: is each read, how fresh is it, what is wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from exporter.times import SECOND, Micros
from exporter.web.hints import DEGRADED, EXPOSURES, HINTS, UNREAD
from exporter.web.markup import Markup, element, join
from exporter.web.selection import address
from exporter.web.sorting import Column, Order, headings, in_order
from exporter.web.tables import EMPTY, lines, row, span, table
from exporter.web.times import length, moment
from exporter.web.views import ErrorView, PaceView, TargetState, TargetView

PLACE: Final = "targets"
SORT: Final = "sort"

_KINDS: Final[dict[TargetState, str]] = {"down": "bad", "starting": "warn", "up": "good"}


def _trouble(target: TargetView) -> tuple[int, str]:
    """What is wrong first: down, not polled yet, read with reservations, well."""
    rank = {"down": 0, "starting": 1, "up": 2 if target.degraded else 3}[target.state]
    return rank, target.name


COLUMNS: Final[tuple[Column[TargetView], ...]] = (
    Column("Target", "name", lambda target: target.name),
    Column("State", "state", _trouble),
    Column("Polls", "poll", lambda target: target.last_poll),
    Column("Data whole up to", "data", lambda target: target.data),
    Column("Requests", "requests", lambda target: target.pace.requests),
    Column("Series", "series", lambda target: target.series),
    Column("Open runs", "open", lambda target: target.open_runs),
    Column("Last error", "error", lambda target: None if target.error is None else target.error.at),
)
_TITLES: Final = tuple(column.title for column in COLUMNS)


def targets_table(targets: Iterable[TargetView], now: Micros, order: Order, others: list[tuple[str, str]]) -> Markup:
    """Return the table; in its own order trouble comes first. ``others`` are query parameters that links keep."""
    rows = in_order(sorted(targets, key=_trouble), COLUMNS, order)
    head = headings(COLUMNS, order, SORT, others, PLACE)
    return table("Targets", head, (row(_TITLES, _cells(target, now)) for target in rows))


def _cells(target: TargetView, now: Micros) -> list[Markup]:
    return [
        lines(
            element("a", target.name, href=f"{address('/', [('target', target.name)])}#runs"),
            span(target.platform, kind="faint"),
        ),
        _state(target),
        _polls(target, now),
        _freshness(target, now),
        _pace(target.pace, now),
        lines(_number(target.series), span(f"{target.workloads} workloads", kind="faint")),
        _number(target.open_runs),
        _said(target, now),
    ]


def _state(target: TargetView) -> Markup:
    reasons = (span(reason, kind="warn") for reason in target.degraded)
    exposed = (span(warning, kind="bad", title=EXPOSURES[warning]) for warning in target.warnings)
    return lines(span(target.state, kind=_KINDS[target.state]), *reasons, *exposed)


def _polls(target: TargetView, now: Micros) -> Markup:
    return lines(
        None if target.last_poll is None else span("last ", moment(target.last_poll, now)),
        None if target.next_poll is None else span("next ", _due(target.next_poll, now)),
        span(f"every {length(target.interval)}", kind="faint") if target.interval else None,
    )


def _due(at: Micros, now: Micros) -> Markup:
    return moment(at, now) if at > now else Markup("now")


def _freshness(target: TargetView, now: Micros) -> Markup:
    gaps = closed = None
    if target.gap:
        gaps = span(f"gaps of {length(target.gap)} in all", kind="faint")
        closed = None if target.gap_end is None else span("last closed ", moment(target.gap_end, now), kind="faint")
    return lines(None if target.data is None else span(moment(target.data, now)), gaps, closed)


def _pace(pace: PaceView, now: Micros) -> Markup:
    quota = None
    if pace.quota_limit is not None or pace.quota_remaining is not None:
        left = "?" if pace.quota_remaining is None else str(pace.quota_remaining)
        limit = "" if pace.quota_limit is None else f" of {pace.quota_limit}"
        known = pace.quota_reset is not None and pace.quota_reset > now
        reset = (", renewed ", moment(pace.quota_reset, now)) if known else ()
        quota = span(f"quota {left}{limit} left", *reset)
    pause = None
    if pace.backoff_seconds >= 1:
        pause = span(f"pausing {length(round(pace.backoff_seconds * SECOND))}", kind="warn")
    return lines(
        _number(pace.requests),
        quota,
        span(f"budget {pace.budget_remaining} now", kind="faint"),
        pause,
        span("probing gently", kind="warn") if pace.probing else None,
    )


def _said(target: TargetView, now: Micros) -> Markup:
    """The last error with what to do about it, and what each reservation means: a hover is not there on a phone."""
    error = target.error
    parts = []
    if error is not None:
        over = _is_over(target, error)
        named = (element("strong", error.reason), ", ", moment(error.at, now), "; polls are good again" if over else "")
        parts = [element("p", *named), element("p", error.message)]
        if not over:
            parts.append(element("p", HINTS[error.reason], class_="hint"))
    meant = [(reason, DEGRADED[reason]) for reason in target.degraded if reason in DEGRADED]
    parts += [element("p", element("strong", reason), ": ", meaning) for reason, meaning in meant]
    return element("div", *parts, class_="wide") if parts else EMPTY


def _is_over(target: TargetView, error: ErrorView) -> bool:
    """Whether the last poll was good as a whole: what went wrong before needs nobody any more."""
    partly = UNREAD.intersection(target.degraded)
    return target.state == "up" and not partly and target.last_success is not None and target.last_success > error.at


def _number(number: int) -> Markup:
    return join(f"{number:,}".replace(",", "\N{NO-BREAK SPACE}"))
