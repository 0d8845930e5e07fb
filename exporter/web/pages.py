"""The status page: one plain HTML table, readable without scripts."""

from __future__ import annotations

from typing import Final

from exporter.times import SECOND, Micros, to_datetime
from exporter.web.headers import style_policy
from exporter.web.hints import HINTS
from exporter.web.markup import Markup, element, join, void
from exporter.web.views import ErrorView, StatusView, TargetState, TargetView

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 80rem; margin: 0 auto; padding: 1rem }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8888 }
td p { margin: 0; overflow-wrap: anywhere }
nav a { margin-right: 1rem }
"""
STYLE_POLICY: Final = style_policy(_STYLE)

_TITLE: Final = "automation-exporter"
_COLUMNS: Final = ("Target", "Platform", "State", "Last poll", "Next poll", "Data whole up to", "Last error")
_STATES: Final[dict[TargetState, str]] = {"starting": "starting", "up": "up", "down": "down"}
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def status_page(view: StatusView) -> str:
    """Return the page as a whole HTML document."""
    head = element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", _TITLE),
        element("style", Markup(_STYLE)),
    )
    body = element("body", element("header", element("h1", _TITLE), _links()), element("main", *_main(view)))
    return f"<!doctype html>{element('html', head, body, lang='en')}\n"


def _links() -> Markup:
    links = (("/metrics", "Metrics"), ("/-/healthy", "Health"), ("/-/ready", "Readiness"))
    return element("nav", *(element("a", text, href=path) for path, text in links))


def _main(view: StatusView) -> list[Markup]:
    up = sum(target.state == "up" for target in view.targets)
    summary = f"Version {view.version}, started {_ago(view.started, view.now)}."
    parts = [element("p", summary)]
    if view.reload_error is not None:
        parts.append(
            element(
                "p",
                element("strong", "The newest configuration was not taken; the one before it is in use. "),
                view.reload_error,
                role="alert",
            )
        )
    parts.append(
        element(
            "table",
            element("caption", f"{up} of {len(view.targets)} targets are up."),
            element("thead", element("tr", *(element("th", title, scope="col") for title in _COLUMNS))),
            element("tbody", *(_row(target, view.now) for target in view.targets)),
        )
    )
    return parts


def _row(target: TargetView, now: Micros) -> Markup:
    state = "; ".join((_STATES[target.state], *target.degraded))
    return element(
        "tr",
        element("th", target.name, scope="row"),
        element("td", target.platform),
        element("td", state),
        element("td", _moment(target.last_poll, now)),
        element("td", _moment(target.next_poll, now)),
        element("td", _moment(target.data, now)),
        element("td", _error(target.error, now)),
    )


def _error(error: ErrorView | None, now: Micros) -> Markup:
    if error is None:
        return Markup("")
    return join(
        element("p", _moment(error.at, now), f": {error.reason}"),
        element("p", error.message),
        element("p", HINTS[error.reason]),
    )


def _moment(moment: Micros | None, now: Micros) -> Markup:
    if moment is None:
        return Markup("")
    exact = to_datetime(moment).isoformat(timespec="seconds").replace("+00:00", "Z")
    return element("time", _ago(moment, now), datetime=exact, title=exact)


def _ago(moment: Micros, now: Micros) -> str:
    """Return the distance in the largest unit that keeps it above one, rounded down."""
    length = abs(now - moment) // SECOND
    text = f"{length} s"
    for unit, name in _UNITS:
        if length >= unit:
            text = f"{length // unit} {name}"
            break
    return f"in {text}" if moment > now else f"{text} ago"
