"""Which format a client gets, by its ``Accept`` and ``Accept-Encoding`` (RFC 9110, sections 12.5.1 and 12.5.3).

Prometheus 2.x asks for OpenMetrics 1.0.0, 0.0.1 and text 0.0.4; 3.x also for text 1.0.0, each with the escaping
it wants for names that are not ASCII. Ours are, so any escaping is right and the one asked for is confirmed.
A client that accepts nothing of ours gets text 0.0.4 nevertheless: people look at ``/metrics`` with anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

Format = Literal["text", "openmetrics"]


class Negotiated(NamedTuple):
    """The format, the value of ``Content-Type``, and whether the body may be sent as gzip."""

    format: Format
    content_type: str
    gzip: bool


class _Offer(NamedTuple):
    format: Format
    media_type: str
    version: str


class _Range(NamedTuple):
    """One element of ``Accept``; parameters without ``q``, names and ``escaping`` in lower case."""

    media_type: str
    parameters: Mapping[str, str]
    quality: float


_OFFERS: Final = (
    _Offer("text", "text/plain", "0.0.4"),
    _Offer("openmetrics", "application/openmetrics-text", "1.0.0"),
    _Offer("openmetrics", "application/openmetrics-text", "0.0.1"),
    _Offer("text", "text/plain", "1.0.0"),
)
"""In the order of our own preference, used where the client has none."""

_ESCAPINGS: Final = frozenset(("allow-utf-8", "underscores", "dots", "values"))
_QUALITY: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
# A quoted string without its end takes the rest: with any other rule a hostile header costs its length squared.
_QUOTED_OR_OTHER: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[^",;]+|[,;]', re.DOTALL)


def negotiate(accept: str | None, accept_encoding: str | None) -> Negotiated:
    """Choose for one request; header values as received (several lines joined by commas), None when absent."""
    chosen, wanted = _chosen(list(_ranges(accept or "*/*")))
    return Negotiated(chosen.format, _content_type(chosen, wanted), _gzip(accept_encoding or ""))


def _chosen(ranges: list[_Range]) -> tuple[_Offer, _Range | None]:
    best: tuple[tuple[float, int, int], _Offer, _Range] | None = None
    for offer in _OFFERS:
        # The most specific range that matches an offer decides its quality, the first one if there are several.
        matches = [(_specificity(each, offer), -place, each) for place, each in enumerate(ranges)]
        specificity, place, match = max(matches, key=lambda found: found[:2], default=(0, 0, None))
        if match is None or not specificity or not match.quality:
            continue
        rank = (match.quality, specificity, place)
        if best is None or rank > best[0]:
            best = (rank, offer, match)
    return (best[1], best[2]) if best else (_OFFERS[0], None)


def _specificity(wanted: _Range, offer: _Offer) -> int:
    """Return 0 for no match, more for a narrower one."""
    version = wanted.parameters.get("version")
    if version is not None and version != offer.version:
        return 0
    if wanted.media_type == offer.media_type:
        return 3 if version is None else 4
    if wanted.media_type == f"{offer.media_type.partition('/')[0]}/*":
        return 2
    return 1 if wanted.media_type == "*/*" else 0


def _content_type(offer: _Offer, wanted: _Range | None) -> str:
    plain = f"{offer.media_type}; version={offer.version}; charset=utf-8"
    escaping = wanted.parameters.get("escaping", "") if wanted else ""
    return f"{plain}; escaping={escaping}" if escaping in _ESCAPINGS else plain


def _gzip(accept_encoding: str) -> bool:
    """Whether gzip is acceptable, and not less so than no compression where the client says how it likes that."""
    qualities = {each.media_type: each.quality for each in _ranges(accept_encoding)}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _ranges(header: str) -> Iterator[_Range]:
    """Yield the elements of a list; those that make no sense are left out."""
    for element in _split(header, ","):
        name, *rest = _split(element, ";")
        parameters = dict(_parameter(each) for each in rest)
        weight = parameters.pop("q", "1")
        if name and _QUALITY.fullmatch(weight):
            yield _Range(name.lower(), parameters, float(weight))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
    return name.strip().lower(), value.lower()


def _split(text: str, separator: str) -> list[str]:
    """Split outside quoted strings; parts come stripped."""
    parts = [""]
    for token in _QUOTED_OR_OTHER.findall(text):
        if token == separator:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]
