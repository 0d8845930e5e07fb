"""Faults of the body: not JSON, half of it, no list in it, far too much of it."""

from __future__ import annotations

import gzip
import json

from exporter.simulator.faults.registry import Exchange, fault

HTML_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
CHUNK = 1 << 20


@fault("after")
def html_body(exchange: Exchange) -> None:
    """200 with a page of HTML, as a captive proxy answers."""
    exchange.response.body = HTML_PAGE
    exchange.response.headers["Content-Type"] = "text/html; charset=utf-8"


@fault("after")
def truncated_json(exchange: Exchange) -> None:
    """The first half of the JSON, complete as far as HTTP can tell."""
    content = exchange.response.content()
    exchange.response.body = content[: len(content) // 2]


@fault("after")
def invalid_json(exchange: Exchange) -> None:
    """JSON as people write it by hand: with a comma too many at its end."""
    content = exchange.response.content()
    exchange.response.body = content[:-1] + b"," + content[-1:]


@fault("after")
def empty_body(exchange: Exchange) -> None:
    """200 with no body."""
    exchange.response.body = b""


@fault("after")
def not_utf8(exchange: Exchange) -> None:
    """JSON in Latin-1, with a byte that is not UTF-8."""
    content = exchange.response.content()
    exchange.response.body = content[:1] + b'"caf\xe9":1,' + content[1:]


@fault("after")
def missing_list(exchange: Exchange) -> None:
    """JSON without the list that it should hold."""
    if exchange.is_listing:
        exchange.face.drop_rows(exchange.response.payload)


@fault("after")
def null_list(exchange: Exchange) -> None:
    """JSON with null where the list should be."""
    _replace_rows(exchange, None)


@fault("after")
def wrong_kind_of_list(exchange: Exchange) -> None:
    """JSON with an object where the list should be."""
    _replace_rows(exchange, {"0": "not a list"})


@fault("after")
def bare_array(exchange: Exchange) -> None:
    """The list alone, without its envelope."""
    if exchange.is_listing:
        exchange.response.payload = exchange.rows


@fault("after")
def value_envelope(exchange: Exchange) -> None:
    """The list under ``value``, as old previews of Foundry had it."""
    if exchange.is_listing:
        rows = exchange.rows
        exchange.face.drop_rows(exchange.response.payload)
        exchange.response.payload["value"] = rows


@fault("after")
def empty_list(exchange: Exchange) -> None:
    """A good answer whose list is empty, as if nothing were there."""
    if exchange.is_listing:
        exchange.rows.clear()
        exchange.face.set_link(exchange.response.payload, None)


@fault("after")
def oversized_body(exchange: Exchange, size: int = 70 * CHUNK) -> None:
    """A body of that many bytes: the JSON, and then spaces."""
    exchange.response.body = exchange.response.content().ljust(size)


@fault("after")
def gzip_bomb(exchange: Exchange, size: int = 70 * CHUNK) -> None:
    """A body that is small on the wire and ``size`` bytes when it is decompressed."""
    exchange.response.body = gzip.compress(exchange.response.content().ljust(size), compresslevel=6)
    exchange.response.headers["Content-Encoding"] = "gzip"


@fault("after")
def deep_json(exchange: Exchange, depth: int = 100_000) -> None:
    """JSON nested so deeply that a recursive parser gives up."""
    exchange.response.body = b"[" * depth + b"]" * depth


@fault("after")
def huge_number(exchange: Exchange) -> None:
    """An integer with five thousand digits beside the data."""
    content = json.dumps(exchange.response.payload)
    exchange.response.body = f'{{"checksum":{"9" * 5000},{content[1:]}'.encode()


def _replace_rows(exchange: Exchange, value: object) -> None:
    """Put something else in the place of the list, wherever in the payload that is."""
    if not exchange.is_listing:
        return
    rows = exchange.rows
    places = [exchange.response.payload]
    while places:
        place = places.pop()
        for name, found in list(place.items()):
            if found is rows:
                place[name] = value
            elif isinstance(found, dict):
                places.append(found)
