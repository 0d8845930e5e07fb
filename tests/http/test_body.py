"""Bodies: limits before and after decompression, and JSON that says what is wrong without showing it."""

from __future__ import annotations

import contextlib
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import InvalidResponse, TooLarge
from exporter.http.body import parse_json, read


def decoded(chunks: Iterable[bytes], encoding: str = "", limit: int = 1000, length: str = "") -> bytes:
    return read(chunks, {"content-encoding": encoding, "content-length": length}, limit, lambda: None)


def gzipped(data: bytes) -> bytes:
    """Without the time of day, which would change the names of tests."""
    return gzip.compress(data, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", b"hello"),
        ("identity", b"hello"),
        ("gzip", gzipped(b"hello")),
        ("X-GZIP", gzipped(b"hello")),
        ("gzip", gzipped(b"hel") + gzipped(b"lo")),
        ("gzip", gzipped(b"hello") + b"\0\0\0\0"),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", raw_deflate(b"hello")),
    ],
)
def test_encodings(encoding: str, body: bytes) -> None:
    """Whole or byte by byte, each kind gives the same."""
    assert decoded([body], encoding) == b"hello"
    assert decoded([body[i : i + 1] for i in range(len(body))], encoding) == b"hello"


@given(st.binary(max_size=5000), st.integers(1, 700), st.sampled_from(["gzip", "deflate"]))
def test_any_body_comes_back_whole(data: bytes, size: int, encoding: str) -> None:
    """Cut anywhere, unpacked in small steps."""
    packed = gzipped(data) if encoding == "gzip" else zlib.compress(data)
    chunks = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert decoded(chunks, encoding, limit=5000) == data


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_encodings_that_were_not_asked_for(encoding: str) -> None:
    """Two layers of gzip are a bomb's shape: refused."""
    with pytest.raises(InvalidResponse, match="not asked for, expected gzip, deflate or none"):
        decoded([b"x"], encoding)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no gzip at all", "broken compressed body"),
        (gzipped(b"hello" * 100)[:-9], "ends early"),
        (gzipped(b"hello" * 100)[:15], "ends early"),
    ],
)
def test_broken_gzip(body: bytes, message: str) -> None:
    """Cut or wrong, it is never taken for whole."""
    with pytest.raises(InvalidResponse, match=message):
        decoded([body], "gzip")


def test_an_empty_body_is_empty_in_any_encoding() -> None:
    """A 204 with a Content-Encoding is no error."""
    assert decoded([], "gzip") == b""


def test_limit_before_decompression() -> None:
    """At the limit is fine, one more is not, and an announced length is believed at once."""
    assert decoded([b"x" * 500, b"x" * 500]) == b"x" * 1000
    with pytest.raises(TooLarge, match="more than 1000 bytes, allowed are max_response_bytes = 1000"):
        decoded([b"x" * 500, b"x" * 501])
    unread = iter([b"x"])
    with pytest.raises(TooLarge, match="found 1001 bytes announced"):
        decoded(unread, length="1001")
    assert list(unread) == [b"x"]


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    """200 MB of zeros in 200 kB: stopped at the limit, with little memory."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([packer.compress(bytes(1_000_000)) for _ in range(200)]) + packer.flush()
    assert len(bomb) < 250_000
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="unpacked"):
            decoded([bomb], "gzip", limit=2_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_body_of_nothing_but_empty_members_is_bounded() -> None:
    """It unpacks to nothing, so the limit on what arrives has to hold."""
    with pytest.raises(TooLarge):
        decoded([gzipped(b"")] * 100, "gzip", limit=500)


def test_time_is_checked_between_chunks_and_steps() -> None:
    """One chunk that unpacks to many steps is looked at many times."""
    calls: list[None] = []
    packed = zlib.compress(bytes(10 << 20))
    read([packed], {"content-encoding": "deflate"}, 11 << 20, lambda: calls.append(None))
    assert len(calls) > 10


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "found an empty body, expected JSON"),
        (b" \r\n", "found an empty body, expected JSON"),
        (b"<!DOCTYPE html><html><body>hidden-value", "found HTML (first tag <doctype>), expected JSON"),
        (b"\n <html>hidden-value</html>", "found HTML (first tag <html>), expected JSON"),
        (b"<?xml version='1.0'?><hidden-value/>", "found markup (first tag <xml>), expected JSON"),
        (b'{"data": [{"id": "hidden-va', "found truncated JSON (it stops at byte 27), expected JSON"),
        (b'{"data": [1, 2', "found truncated JSON (it stops at byte 14), expected JSON"),
        (b'{"data": [{"id": 1}', "found truncated JSON (it stops at byte 19), expected JSON"),
        (b'[{"id": tru', "found truncated JSON (it stops at byte 11), expected JSON"),
        (b'{"a": 1} hidden-value', "found more text after the JSON (at character 9), expected JSON"),
        (b"hidden-value", "found text that is no JSON (at character 0), expected JSON"),
        (b'{"a": hidden}', "found text that is no JSON (at character 6), expected JSON"),
        (b'{"a": "\xff"}', "found bytes that are not UTF-8 (at byte 7), expected JSON"),
        (b'{"a": NaN}', "found the number NaN, expected JSON"),
        (b'{"a": -Infinity}', "found the number -Infinity, expected JSON"),
        (b'{"a": 1e999}', "found a number beyond the range of a double, expected JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "found a number with too many digits, expected JSON"),
        (b"[" * 100_000, "found JSON nested too deeply"),
        (b'{"a":' * 100_000, "found JSON nested too deeply"),
    ],
)
def test_what_is_no_json(body: bytes, message: str) -> None:
    """The message says what it was, and shows none of it."""
    with pytest.raises(InvalidResponse) as caught:
        parse_json(body)
    assert str(caught.value) == message
    assert caught.value.__suppress_context__


def test_json_that_is_tolerated() -> None:
    """A byte order mark, lone surrogates, duplicate keys."""
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert parse_json(b'{"name": "x\\ud83d"}') == {"name": "x\ud83d"}
    assert parse_json(b'{"a": 1, "a": 2}') == {"a": 2}
    assert parse_json(b"3.0") == 3.0


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_our_error(body: bytes) -> None:
    """No other exception gets out."""
    with contextlib.suppress(InvalidResponse):
        parse_json(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_comes_back(value: object) -> None:
    """What json writes, parse_json reads; and cut short it is never read as whole."""
    body = json.dumps({"data": value}).encode()
    assert parse_json(body) == {"data": value}
    for cut in range(1, len(body), 7):
        with pytest.raises(InvalidResponse, match=r"truncated|UTF-8"):
            parse_json(body[:cut])
