"""Bodies: read within a limit, also after decompression, and JSON that says what it is when it is none."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from exporter.errors import InvalidResponse, TooLarge

_GZIP = 16 + zlib.MAX_WBITS
_FIRST_TAG = re.compile(rb"<[!?/]?([A-Za-z][A-Za-z0-9]{0,20})")
_BLANK = b"\xef\xbb\xbf \t\r\n"
_LENGTH = re.compile(r"\d{1,20}", re.ASCII)
_STEP = 1 << 20
"""Bytes decompressed at once: the check of deadline and limit comes between steps."""


def read(chunks: Iterable[bytes], headers: Mapping[str, str], limit: int, check: Callable[[], None]) -> bytes:
    """The decoded body. ``headers`` have lower-case names (or ignore case), ``check`` raises when time is up.

    Neither what arrives nor what it unpacks to may exceed ``limit`` bytes; reading stops there.
    Raises TooLarge, and InvalidResponse for an encoding that was not asked for or is broken.
    """
    unpack = _unpacker(headers.get("content-encoding", ""), limit)
    announced = _LENGTH.fullmatch(headers.get("content-length", ""))
    if announced and int(announced[0]) > limit:
        raise TooLarge(f"found {announced[0]} bytes announced, allowed are max_response_bytes = {limit}")
    received = 0
    size = 0
    parts: list[bytes] = []
    for chunk in chunks:
        check()
        received += len(chunk)
        if received > limit:
            raise TooLarge(f"found more than {limit} bytes, allowed are max_response_bytes = {limit}")
        for part in unpack.feed(chunk):
            check()
            size += len(part)
            parts.append(part)
            if size > limit:
                raise TooLarge(f"found more than {limit} bytes unpacked, allowed are max_response_bytes = {limit}")
    unpack.finish()
    return b"".join(parts)


class _Plain:
    def feed(self, chunk: bytes) -> Iterable[bytes]:
        yield chunk

    def finish(self) -> None:
        pass


class _Zlib:
    """gzip (several members too, RFC 1952) or deflate, with the zlib header (RFC 1950) or, as some send it, without."""

    def __init__(self, wbits: int, step: int) -> None:
        self._wbits = wbits
        self._step = step
        self._decoder = zlib.decompressobj(wbits)
        self._start = b""
        self._started = False
        self._ended = False

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        data, more = self._begin(chunk), False
        while (data or more) and not self._ended:
            if self._decoder.eof:
                if self._wbits != _GZIP or not b"\x1f\x8b".startswith(data[:2]):
                    self._ended = True  # what follows the end is padding
                    return
                self._decoder = zlib.decompressobj(self._wbits)
            try:
                part = self._decoder.decompress(data, self._step)
            except zlib.error:
                raise InvalidResponse("found a broken compressed body, expected gzip or deflate") from None
            yield part
            # A full step may leave output inside the decoder although all of the input was taken.
            more = len(part) >= self._step
            data = self._decoder.unconsumed_tail or self._decoder.unused_data

    def finish(self) -> None:
        if self._start and not self._decoder.eof:
            raise InvalidResponse("found a compressed body that ends early")

    def _begin(self, chunk: bytes) -> bytes:
        """Hold the first bytes back until they tell whether there is a zlib header."""
        if self._started:
            return chunk
        self._start += chunk
        if len(self._start) < 2:
            return b""
        self._started = True
        first, second = self._start[0], self._start[1]
        if self._wbits == zlib.MAX_WBITS and (first & 15 != 8 or (first * 256 + second) % 31):
            self._wbits = -zlib.MAX_WBITS
            self._decoder = zlib.decompressobj(self._wbits)
        return self._start


def _unpacker(encoding: str, limit: int) -> _Plain | _Zlib:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip"):
        return _Zlib(_GZIP, min(_STEP, limit + 1))
    if name == "deflate":
        return _Zlib(zlib.MAX_WBITS, min(_STEP, limit + 1))
    raise InvalidResponse("found a Content-Encoding that was not asked for, expected gzip, deflate or none")


def parse_json(body: bytes) -> Any:
    """The JSON value of ``body``. Lone surrogates are kept, of duplicate keys the last wins.

    Raises InvalidResponse that says what was found, without showing content: nothing, HTML, JSON cut off,
    numbers that are none (NaN, Infinity, beyond a double), nesting deeper than the interpreter's stack.
    """
    try:
        return json.loads(body, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise InvalidResponse("found JSON nested too deeply") from None
    except ValueError as error:
        raise InvalidResponse(f"found {_what(body, error)}, expected JSON") from None


class _BadNumber(ValueError):
    """Its text names the mistake, never the number's digits."""


def _no_number(text: str) -> NoReturn:
    raise _BadNumber(f"the number {text}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _BadNumber("a number beyond the range of a double")
    return number


def _what(body: bytes, error: ValueError) -> str:
    start = body[:4096].lstrip(_BLANK)
    if not body.strip():
        return "an empty body"
    tag = _FIRST_TAG.match(start)
    if tag:
        name = tag[1].decode("ascii").lower()
        return f"{'HTML' if name in ('html', 'doctype', 'head', 'body') else 'markup'} (first tag <{name}>)"
    if isinstance(error, UnicodeDecodeError):
        return f"bytes that are not UTF-8 (at byte {error.start})"
    if isinstance(error, json.JSONDecodeError):
        return _what_json(body, error)
    return str(error) if isinstance(error, _BadNumber) else "a number with too many digits"


def _what_json(body: bytes, error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Extra data"):
        return f"more text after the JSON (at character {error.pos})"
    cut = (
        body.rstrip()[-1:] not in (b"}", b"]")
        or error.pos >= len(error.doc.rstrip())
        or error.msg.startswith("Unterminated string")
    )
    if body.lstrip(_BLANK)[:1] in (b"{", b"[") and cut:
        return f"truncated JSON (it stops at byte {len(body)})"
    return f"text that is no JSON (at character {error.pos})"
