"""Looks for secrets and payloads in what the program says, in every spelling that a library could give them.

Written without a look at ``exporter.redaction``: what it forgets must be found here.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus


def spellings(value: str) -> Iterator[str]:
    """All ways in which a text may show ``value``."""
    raw = value.encode()
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield quote(quote(value, safe=""), safe="")
    yield html.escape(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(value)[1:-1])[1:-1]
    yield repr(value)[1:-1]
    yield raw.hex()
    yield value.upper()
    yield value.lower()
    yield value[::-1]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # it may stand at any place of what was encoded, such as user:password
            coded = encode(b"\0" * before + raw)
            skipped = -(-before * 8 // 6)
            sure = (before + len(raw)) * 8 // 6
            yield coded[skipped:sure].decode()


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the secrets that ``text`` shows, each with what surrounds it."""
    found = []
    for secret in secrets:
        assert len(secret) >= 12, "too short to be told from other words"
        for spelling in set(spellings(secret)):
            at = text.find(spelling)
            if at >= 0:
                found.append(f"{secret} as {spelling}: ...{text[max(0, at - 80) : at + len(spelling) + 40]}...")
    return found
