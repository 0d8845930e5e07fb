"""Faults of paging: links that lead away or around, pages that repeat, shift or lose rows, lists out of order."""

from __future__ import annotations

import copy
from dataclasses import replace
from urllib.parse import urlencode

from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.messages import Response
from exporter.simulator.moderately import ModeratelyFace


@fault("after")
def foreign_next_link(exchange: Exchange, link: str = "https://other.invalid/steal?after=1") -> None:
    """The next page is said to be on another host, which must never see the token."""
    if exchange.is_listing:
        exchange.face.set_link(exchange.response.payload, link)


@fault("after")
def looping_next_link(exchange: Exchange) -> None:
    """The first page leads to itself, for ever."""
    _replay(exchange, "again", new_links=False)


@fault("after")
def repeated_page(exchange: Exchange) -> None:
    """Every page shows the rows of the first one, under links that are always new."""
    _replay(exchange, "again", new_links=True)


@fault("before")
def expired_page_tokens(exchange: Exchange) -> None:
    """Page tokens are refused with 400, as if they had expired; first pages are answered."""
    if not exchange.is_first_page:
        exchange.short(exchange.face.error(400, "The page token is not valid"))


@fault("after")
def duplicated_rows(exchange: Exchange, rows: int = 2) -> None:
    """Rows were inserted while pages were read: each page begins with the last rows of the one before."""
    if exchange.is_listing:
        path = exchange.request.path
        earlier = exchange.memory.get(path, []) if not exchange.is_first_page else []
        exchange.memory[path] = copy.deepcopy(exchange.rows[-rows:])
        exchange.rows[:0] = earlier


@fault("after")
def lost_rows(exchange: Exchange, rows: int = 2) -> None:
    """Rows were deleted while pages were read: each page after the first lacks its first rows."""
    if exchange.is_listing and not exchange.is_first_page:
        del exchange.rows[:rows]


@fault("after")
def row_twice(exchange: Exchange) -> None:
    """The first row stands on the page twice."""
    if exchange.rows:
        exchange.rows.append(copy.deepcopy(exchange.rows[0]))


@fault("after")
def dropped_rows(exchange: Exchange, share: float = 0.3) -> None:
    """Rows come and go: a share of them is left out at random."""
    if exchange.is_listing:
        exchange.rows[:] = [row for row in exchange.rows if exchange.random.random() >= share]


@fault("before")
def ascending(exchange: Exchange) -> None:
    """The order asked for, or that a platform is known for, is not kept: oldest first."""
    parameters, face = exchange.request.parameters, exchange.face
    if "order" in parameters:
        parameters["order"] = "asc"
        exchange.request = replace(exchange.request, query=urlencode(parameters))
    elif isinstance(face, ModeratelyFace):
        usual, face.order = face.order, "ascending"
        exchange.afterwards.append(lambda: setattr(face, "order", usual))


@fault("after")
def unsorted(exchange: Exchange) -> None:
    """The rows of a page are in no order."""
    exchange.random.shuffle(exchange.rows)


@fault("after")
def endless_empty_pages(exchange: Exchange) -> None:
    """Every page is empty and leads to another one."""
    _replay(exchange, "empty", new_links=True)
    exchange.rows.clear()


def _replay(exchange: Exchange, word: str, *, new_links: bool) -> None:
    """Answer every page of a listing with its first one, and lead on under a made-up token."""
    path = exchange.request.path
    if exchange.is_first_page and exchange.is_listing:
        exchange.memory[path] = copy.deepcopy(exchange.response.payload)
    if path not in exchange.memory:
        return
    exchange.memory["pages"] = exchange.memory.get("pages", 0) + 1
    token = f"{word}-{exchange.memory['pages']}" if new_links else word
    headers = exchange.response.headers
    exchange.response = Response(payload=copy.deepcopy(exchange.memory[path]), headers=headers)
    link = token
    if "next_link" in exchange.response.payload:
        parameters = {**exchange.request.parameters, "after": token}
        link = f"{exchange.request.base}{path}?{urlencode(parameters)}"
    exchange.face.set_link(exchange.response.payload, link)
