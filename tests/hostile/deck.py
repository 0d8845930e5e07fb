"""Everything that a hostile upstream tries: one function, or one line, an attack."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from tests.hostile.upstream import Attack, Headers, Visit

MEGABYTE: Final = 1 << 20
OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CANARY: Final = "canary-of-a-hostile-upstream"
"""Stands in whatever must not come through: bodies of errors, headers, values of fields that are not names."""

INJECTIONS: Final = (
    'a",workload="b',
    'a"} 1\nautomation_runs_total{platform="roboto",target="honest-roboto",outcome="failed"} 999999\n#',
    "a\\",
    '\\"',
    "a\nlevel=error msg=forged",
    "a\r\nHTTP/1.1 200 OK",
    "# HELP automation_runs_total forged",
    "# EOF",
    "{{ $value }}",
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;forged\x07",
    "\x00\x01\x7f\x85\u2028\u2029\u202e\ufeff",
    "\ud800lone\udfff",
    "_other",
    "_unnamed",
    "",
    "../../etc/passwd",
    "%s%n%(name)s",
    "${SECRET}",
)


def raw(*pieces: bytes) -> Attack:
    """Send these bytes and close."""
    return lambda visit: visit.raw(*pieces)


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Attack:
    """Begin an answer and never end it."""

    def attack(visit: Visit) -> None:
        visit.raw(head)
        visit.endless(piece, pause)

    return attack


def silence(visit: Visit) -> None:
    """Say nothing."""
    visit.ended.wait(30)


def answer(body: bytes, *headers: tuple[str, str], status: int = 200) -> Attack:
    """Send a whole answer."""
    return lambda visit: visit.send(body, headers, status)


def redirect(status: int, location: Callable[[Visit], str]) -> Attack:
    """Send the client elsewhere."""
    return lambda visit: visit.send(b"", [("Location", location(visit))], status)


def bent(change: Callable[[Visit, Any], object], *headers: tuple[str, str]) -> Attack:
    """Change a good answer, or the rows in it."""

    def attack(visit: Visit) -> None:
        payload = visit.payload()
        change(visit, payload)
        visit.json(payload, headers)

    return attack


def rows(visit: Visit, payload: Any) -> Iterator[dict[str, Any]]:
    """Yield the records of an answer."""
    return (row for row in visit.face.rows(payload) or [] if isinstance(row, dict))


def named(*names: str) -> Attack:
    """Give the workloads these names."""

    def change(visit: Visit, payload: Any) -> None:
        for number, row in enumerate(rows(visit, payload)):
            for field in visit.face.name_fields:
                if isinstance(row.get(field), str):
                    row[field] = names[number % len(names)]

    return bent(change)


def valued(fields: str, value: object) -> Attack:
    """Put a value into all fields of one kind: ids, times, statuses, counts."""

    def change(visit: Visit, payload: Any) -> None:
        for row in rows(visit, payload):
            row.update({field: value for field in getattr(visit.face, fields) if field in row})

    return bent(change)


def linked(link: Callable[[Visit], str]) -> Attack:
    """Lead to a next page."""
    return bent(lambda visit, payload: visit.face.set_link(payload, link(visit)))


def many(visit: Visit, payload: Any) -> None:
    """Invent a thousand workloads."""
    found = visit.face.rows(payload)
    first = next(rows(visit, payload), None)
    if found is not None and first is not None:
        fields = {*visit.face.name_fields, *visit.face.id_fields} & first.keys()
        found.extend(first | dict.fromkeys(fields, f"invented-{number}") for number in range(1_000))


def echo(status: int, headers: Callable[[Visit], Headers] = lambda visit: ()) -> Attack:
    """Repeat the credential in an error, in every spelling."""

    def attack(visit: Visit) -> None:
        secret = visit.credential
        coded = base64.b64encode(secret.encode()).decode()
        said = {name: f"{secret} {quote(secret)} {coded} {CANARY}" for name in ("message", "detail", "title")}
        code = {"code": secret, "error_code": secret, "error": secret, **said}
        visit.json(
            {"error": code, **said, "code": secret, "detail": [{"msg": secret, "loc": [secret]}]},
            headers(visit),
            status,
        )

    return attack


def token_as_name(visit: Visit, payload: Any) -> None:
    """Call workloads, runs and pages by the credential."""
    for row in rows(visit, payload):
        row.update(
            {field: visit.credential for field in (*visit.face.name_fields, *visit.face.id_fields) if field in row}
        )
    visit.face.set_link(payload, f"{visit.base}{visit.path}?after={visit.credential}")


def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size)) + packer.flush()


BOMB: Final = _bomb(512)
FLOOD: Final = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 100) for number in range(20_000))

DECK: Final[Mapping[str, Attack]] = {
    # Too much
    "gzip bomb": answer(BOMB, ("Content-Encoding", "gzip")),
    "bomb of many members": answer(gzip.compress(bytes(MEGABYTE)) * 64, ("Content-Encoding", "gzip")),
    "members of nothing": answer(gzip.compress(b"") * 100_000, ("Content-Encoding", "gzip")),
    "deflate bomb": answer(zlib.compress(bytes(64 * MEGABYTE), 9), ("Content-Encoding", "deflate")),
    "bomb in an error": answer(BOMB, ("Content-Encoding", "gzip"), status=500),
    "endless body": endless(OK + b"\r\n", b" " * 65536),
    "endless chunks": endless(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "endless trailers": endless(CHUNKED + b"0\r\n", b"X-Trailer: " + b"y" * 1000 + b"\r\n"),
    "a body announced as huge": raw(OK + b"Content-Length: 99999999999999\r\n\r\n", b" " * 65536),
    "header flood": raw(OK, FLOOD, b"\r\n{}"),
    "endless headers": endless(OK, FLOOD),
    "one header of 8 MB": raw(OK + b"X: ", b"y" * (8 * MEGABYTE), b"\r\n\r\n{}"),
    "early hints without end": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    # Too slow
    "silence": silence,
    "dripped body": endless(OK + b"Content-Length: 100000\r\n\r\n", b" ", 0.02),
    "dripped headers": endless(OK, b"X: y\r\n", 0.02),
    "dripped status": endless(b"HTTP/1.1 ", b"2", 0.02),
    # Elsewhere
    "redirect to another origin": redirect(302, lambda visit: f"{visit.stranger}/steal"),
    "redirect that keeps the method": redirect(307, lambda visit: f"{visit.stranger}/steal"),
    "redirect by a relative scheme": redirect(301, lambda visit: visit.stranger.removeprefix("http:")),
    "redirect to a file": redirect(302, lambda visit: "file:///etc/passwd"),
    "redirect to itself": redirect(308, lambda visit: visit.base + visit.path),
    "foreign link": linked(lambda visit: f"{visit.stranger}/next?after=1"),
    "foreign link without scheme": linked(lambda visit: visit.stranger.removeprefix("http:")),
    "foreign link behind our name": linked(lambda visit: visit.base.replace("://", "://user@") + visit.stranger),
    "link with a user": linked(lambda visit: f"http://{visit.base.removeprefix('http://')}@{visit.stranger[7:]}/"),
    "link with a backslash": linked(lambda visit: f"\\\\{visit.stranger[7:]}\\x"),
    "link to a file": linked(lambda visit: "file:///etc/passwd"),
    "link of a megabyte": linked(lambda visit: "a" * MEGABYTE),
    "link with a line break": linked(lambda visit: f"{visit.base}/x\r\nHost: evil"),
    "link to itself": linked(lambda visit: f"{visit.base}{visit.path}?{visit.query}"),
    "no protocol we know": raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", b"PRI * HTTP/2.0"
    ),
    # Names
    "injections": named(*INJECTIONS),
    "names of 1 MB": named("n" * MEGABYTE, "ä" * MEGABYTE),
    "names of 10 MB": named("n" * (10 * MEGABYTE)),
    "a thousand workloads": bent(many),
    "the token as a name": bent(token_as_name),
    # Values
    "ids that are lines": valued("id_fields", "a\nlevel=error msg=forged"),
    "ids of a megabyte": valued("id_fields", "i" * MEGABYTE),
    "times beyond time": valued("time_fields", "9999-12-31T23:59:59.999999999Z"),
    "times that are huge": valued("time_fields", 10**300),
    "times that are nothing": valued("time_fields", {"$date": -1}),
    "statuses of a megabyte": valued("status_fields", CANARY * 40_000),
    "statuses that are lists": valued("status_fields", [[[[]]]]),
    "counts that are huge": valued("count_fields", 10**4000),
    "counts that are none": valued("count_fields", float("nan")),
    "counts below zero": valued("count_fields", -1),
    # No JSON, no HTTP
    "deep nesting": answer(b"[" * (2 * MEGABYTE)),
    "deep nesting in an object": answer(b'{"data":' * 200_000 + b"1" + b"}" * 200_000),
    "a number of a million digits": answer(b'{"data":[' + b"9" * MEGABYTE + b"]}"),
    "a number beyond doubles": answer(b'{"data":[1e999]}'),
    "nulls": answer(b"\x00" * MEGABYTE),
    "HTML": answer(f"<html><script>{CANARY}</script>".encode()),
    "a bad gzip": answer(b"\x1f\x8b" + b"x" * 1000, ("Content-Encoding", "gzip")),
    "an encoding not asked for": answer(b"x", ("Content-Encoding", "br")),
    "two encodings": answer(gzip.compress(gzip.compress(b"{}")), ("Content-Encoding", "gzip, gzip")),
    "two lengths": raw(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}"),
    "length and chunks": raw(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "a length below zero": raw(OK + b"Content-Length: -1\r\n\r\n{}"),
    "chunks of a negative size": raw(CHUNKED + b"-1\r\n{}\r\n"),
    "a header without a name": raw(OK + b": x\r\n\r\n{}"),
    "not even HTTP": raw(b"\x16\x03\x01" + bytes(range(256)) * 16),
    "cut at once": raw(),
    # Repeating what it was told
    "token in a 400": echo(400),
    "token in a 401": echo(401),
    "token in a 403": echo(403),
    "token in a 500": echo(500),
    "token in headers": echo(
        422,
        lambda visit: [
            ("Date", visit.credential),
            ("Content-Type", visit.credential),
            ("Retry-After", visit.credential),
            ("X-RateLimit-Remaining", visit.credential),
            ("Location", f"https://{visit.credential}.example.net/?{visit.credential}"),
            ("Set-Cookie", f"token={visit.credential}"),
        ],
    ),
    "token in a redirect": redirect(302, lambda visit: f"{visit.stranger}/{visit.credential}"),
    # Time
    "a date in the year 9999": bent(lambda visit, payload: None, ("Date", "Fri, 31 Dec 9999 23:59:59 GMT")),
    "a date that is none": bent(lambda visit, payload: None, ("Date", f"{CANARY} \x01")),
    "quotas that are none": bent(
        lambda visit, payload: None, ("X-RateLimit-Limit", "9" * 400), ("X-RateLimit-Remaining", "-1")
    ),
    "a wait for ever": answer(b"", ("Retry-After", "9" * 30), status=429),
}
