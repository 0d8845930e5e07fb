"""A table that screen readers know as one also where the style shows its rows as cards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from exporter.web.markup import Markup, element, join

EMPTY: Final = Markup("")


def table(caption: str, head: Markup, rows: Iterable[Markup]) -> Markup:
    """Return a table; ``head`` and ``rows`` are ``tr`` elements."""
    return element(
        "table",
        element("caption", caption, class_="hidden"),
        element("thead", head, role="rowgroup"),
        element("tbody", *rows, role="rowgroup"),
        role="table",
    )


def row(titles: Sequence[str], cells: Sequence[Markup]) -> Markup:
    """Return a row whose first cell names it; each cell bears its column's title, for where there are no columns."""
    return element(
        "tr",
        *(_cell(index, title, cell) for index, (title, cell) in enumerate(zip(titles, cells, strict=True))),
        role="row",
    )


def lines(*parts: Markup | None) -> Markup:
    """Return the parts one below the other; nothing when there is none."""
    shown = [part for part in parts if part is not None and str(part)]
    return element("div", *shown, class_="lines") if shown else EMPTY


def span(*children: Markup | str, kind: str | None = None, title: str | None = None) -> Markup:
    """Return words of one kind: good, bad, warn, faint."""
    return element("span", *children, class_=kind, title=title)


def ids(pairs: Iterable[tuple[str, Markup]]) -> Markup:
    """Return names and what they are for, in two columns."""
    return element("dl", *(join(element("dt", name), element("dd", value)) for name, value in pairs))


def _cell(index: int, title: str, cell: Markup) -> Markup:
    content = cell if str(cell).startswith("<div") or not str(cell) else element("div", cell)
    if index == 0:
        return element("th", content, scope="row", role="rowheader", data_title=title)
    return element("td", content, role="cell", data_title=title)
