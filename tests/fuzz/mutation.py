"""Sample responses bent at random: values, keys, rows, headers, bytes. The same seed bends in the same way."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

Place = tuple[Any, Any]
"""A container (object or array) and a key or index in it."""

MOST_PLACES = 3000

ODD_NUMBERS = (0, -1, 1, -0.0, 0.5, 3.0, 1e308, -1e308, 2**53, 2**53 + 1, 2**63, -(2**63), 10**40, 1e-300)
ODD_TIMES = (0, 1, -1, 946684799, 4083955200, 4083955200000, 1e18, "1970-01-01T00:00:00Z", "2099-12-31T23:59:60Z",
             "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "2026-02-30T12:00:00Z", "soon")  # fmt: skip
ODD_TEXTS = ("", " ", "\x00", "\ud83d", "\n", "_other", "_unnamed", '"', "\\", "\N{ROCKET}" * 300, "x" * 20_000, "null",
             "NaN", "%00", "../..", "https://other.invalid/", "RUNNING", "FINISHED", "failed", "\u202e")  # fmt: skip
ODD_SHAPES: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"": None}, [None], {"data": []}, [0] * 50)


def mutated(document: Any, random: Random) -> bytes:
    """A document with a few things changed, as bytes; sometimes bytes that are no JSON any more."""
    try:
        content = json.dumps(bend(document, random, random.choice((1, 1, 1, 2, 3, 8)))).encode()
    except RecursionError:  # nested too deeply for Python to write; this is what that looks like
        content = b"[" * 100_000
    if random.random() < 0.1:
        content = mutated_bytes(content, random)
    return content


def bend(document: Any, random: Random, steps: int) -> Any:
    """A document with so many things changed, or fewer once it is nested too deeply for Python to copy."""
    bent = copy.deepcopy(document)
    with contextlib.suppress(RecursionError):
        for _ in range(steps):
            bent = random.choice(STEPS)(bent, random)
    return bent


def odd_value(random: Random) -> Any:
    """Something that is rarely where a value should be."""
    kind = random.choice((ODD_NUMBERS, ODD_TIMES, ODD_TEXTS, ODD_SHAPES, (float("nan"), float("inf"))))
    return copy.deepcopy(random.choice(kind))


def _places(value: Any) -> list[Place]:
    """Where something stands, breadth first, up to a number: documents grow by what was done to them before."""
    found: list[Place] = []
    containers = [value] if isinstance(value, dict | list) else []
    for container in containers:
        keys: Iterable[Any] = container if isinstance(container, dict) else range(len(container))
        for key in list(keys):
            found.append((container, key))
            if isinstance(container[key], dict | list):
                containers.append(container[key])
            if len(found) == MOST_PLACES:
                return found
    return found


def _one_place(document: Any, random: Random) -> Place | None:
    found = _places(document)
    return random.choice(found) if found else None


def _replace(document: Any, random: Random) -> Any:
    place = _one_place(document, random)
    if place is None:
        return odd_value(random)
    place[0][place[1]] = odd_value(random)
    return document


def _remove(document: Any, random: Random) -> Any:
    place = _one_place(document, random)
    if place is not None:
        del place[0][place[1]]
    return document


def _repeat(document: Any, random: Random) -> Any:
    lists = [
        container[key] for container, key in _places(document) if isinstance(container[key], list) and container[key]
    ]
    if lists:
        chosen = random.choice(lists)
        chosen.extend(copy.deepcopy(random.choices(chosen, k=random.choice((1, 2, 200)))))
        random.shuffle(chosen)
    return document


def _swap(document: Any, random: Random) -> Any:
    one, other = _one_place(document, random), _one_place(document, random)
    if one is not None and other is not None:
        first, second = copy.deepcopy(one[0][one[1]]), copy.deepcopy(other[0][other[1]])
        one[0][one[1]], other[0][other[1]] = second, first
    return document


def _nest(document: Any, random: Random) -> Any:
    place = _one_place(document, random)
    depth = random.choice((1, 2, 60, 400))
    value: Any = odd_value(random)
    for _ in range(depth):
        value = [value] if random.random() < 0.5 else {"data": value}
    if place is None:
        return value
    place[0][place[1]] = value
    return document


def _nudge(document: Any, random: Random) -> Any:
    """Change numbers a little: counts that fall and rise, times that move."""
    for container, key in _places(document):
        value = container[key]
        if isinstance(value, int | float) and not isinstance(value, bool) and random.random() < 0.3:
            container[key] = value + random.choice((-1, 1, -60, 60, -86_400, 86_400))
    return document


def _other_kind(document: Any, random: Random) -> Any:
    """Write a value as another type: numbers as text, text as numbers, a value as a list of it."""
    place = _one_place(document, random)
    if place is not None:
        value = place[0][place[1]]
        place[0][place[1]] = random.choice((str(value), [value], {"value": value}, len(str(value))))
    return document


STEPS: tuple[Callable[[Any, Random], Any], ...] = (
    _replace, _replace, _replace, _remove, _repeat, _swap, _nest, _nudge, _nudge, _other_kind,
)  # fmt: skip


def mutated_bytes(content: bytes, random: Random) -> bytes:
    """Bytes cut short, changed, inserted or doubled."""
    at = random.randrange(len(content) + 1)
    match random.randrange(5):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + bytes([random.randrange(256)]) + content[at + 1 :]
        case 2:
            return content[:at] + random.randbytes(random.randrange(1, 20)) + content[at:]
        case 3:
            return content + content
        case _:
            return b"\xef\xbb\xbf" + content


HEADER_VALUES = (
    "", " ", "0", "-1", "1", "30", "1e9", "99999999999999999999", "0.5", "NaN", "inf", "\t", ",", "1, 2", "100;w=60",
    '"default";r=50;t=30', '"a";q=100;w=60', "Tue, 02 Jun 2026 09:00:00 GMT", "Tue, 02 Jun 2026 09:00:00",
    "Mon, 31 Feb 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "yesterday",
    "6m0s", "1h", "500ms", "1790000000", "1790000000000", "x" * 5000, "\u00e9", "gzip", "identity", "text/html",
    "deflate", "br", "gzip, gzip", "x-gzip", '<https://other.invalid/?page=2>; rel="next"', "https://other.invalid/",
    "18446744073709551616", "1" * 300,
)  # fmt: skip
HEADER_NAMES = (
    "Date", "Retry-After", "Retry-After-Ms", "X-Ms-Retry-After-Ms", "X-RateLimit-Limit", "X-RateLimit-Remaining",
    "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy", "X-RateLimit-Reset-Requests", "Content-Type", "X-Next-Token",
    "X-RateLimit-Limit-Requests", "X-RateLimit-Remaining-Requests", "RateLimit-Limit", "RateLimit-Remaining",
    "Content-Encoding", "Content-Length", "Link", "Location", "X-Rate-Limit-Limit", "X-Rate-Limit-Reset", "Age",
)  # fmt: skip


def mutated_headers(headers: dict[str, str], random: Random) -> dict[str, str]:
    """Headers with a few of those changed, added or taken away that anybody looks at."""
    bent = dict(headers)
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        name = random.choice(HEADER_NAMES)
        if random.random() < 0.2:
            bent.pop(name, None)
        else:
            value = random.choice(HEADER_VALUES)
            if random.random() < 0.2 and value:
                at = random.randrange(len(value))
                value = value[:at] + chr(random.randrange(32, 127)) + value[at + 1 :]
            bent[name] = value
    return bent
