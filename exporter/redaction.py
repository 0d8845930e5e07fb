"""The last line of defence for secrets: text that leaves the program has every known value blanked.

Secrets announce themselves with ``remember`` when they become known; whoever writes text for people (logs,
configuration errors, the status page) passes it through ``redact``. A secret is also found in the forms in which
libraries show it: URL-encoded, base64, or escaped by ``repr``, JSON or HTML. What looks like credentials without being
known (an Authorization header, a password in a URL) is blanked too.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

BLANK = "<redacted>"

SHORTEST = 6
"""Shorter values are not blanked: they would blank innocent words all over a text and so give themselves away."""

SURE = 12
"""A name of a workload, or anything else that an upstream chose, is changed only for a value of this length at least:
it stands there by chance no more."""

KEPT = 256
"""Values that are known at a time. Tokens that are renewed every hour would otherwise add up for ever."""

# What a value looks like: quoted, or a run of characters that tokens are made of, too long for a plain word.
_VALUE = r"(?:(?<=')[^']+|(?<=\")[^\"]+|[A-Za-z0-9._~+/=-]{8,})"
_IS = r"(?:['\"]?\s*[:=]|['\"]\s*,)\s*b?['\"]?"

# Each pattern keeps its first group and blanks the rest.
_PATTERNS = (
    re.compile(rf"(?i)(\b(?:proxy-)?authorization{_IS}(?:(?:bearer|basic|negotiate|digest)\s+)?){_VALUE}"),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/-]{16,}=*"),
    re.compile(
        r"(?i)(\b(?:x-[a-z0-9-]*api-key|[a-z_]*api_key|client_secret|client_assertion|access_token|refresh_token)"
        rf"{_IS}){_VALUE}"
    ),
    re.compile(r"(?i)([?&][a-z_.-]*(?:token|secret|password|key|sig|signature|credential|auth)[a-z_.-]*=)[^&#\s'\"]+"),
    re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@'\"]+@"),
)


def _forms(value: str) -> Iterator[str]:
    """All spellings in which ``value`` may turn up."""
    yield value
    yield quote(value)
    yield quote(value, safe="")
    yield quote_plus(value)
    yield repr(value)[1:-1]
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    yield html.escape(value)
    raw = value.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # The value may stand at any offset of what was encoded ("user:password"): three alignments, without
        # the characters that depend on the neighbours.
        for offset in range(3):
            encoded = encode(b"\0" * offset + raw).decode().rstrip("=")
            core = encoded[(0, 2, 3)[offset] : len(encoded) if (offset + len(raw)) % 3 == 0 else -1]
            if len(core) >= SHORTEST:
                yield core


class Redactor:
    """Knows secret values and blanks them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, tuple[str, ...]] = {}
        self._ordered: tuple[str, ...] = ()
        self._sure: tuple[str, ...] = ()

    def remember(self, value: str) -> None:
        """Blank ``value`` from now on. An old token may still stand in a late message, so the newest are kept."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            if value in self._forms:
                self._forms[value] = self._forms.pop(value)
                return
            self._forms[value] = tuple(_forms(value))
            if len(self._forms) > KEPT:
                del self._forms[next(iter(self._forms))]
            # Longest first: a secret that begins with another one is blanked whole.
            every = {form for forms in self._forms.values() for form in forms}
            self._ordered = tuple(sorted(every, key=len, reverse=True))
            self._sure = tuple(sorted((each for each in self._forms if len(each) >= SURE), key=len, reverse=True))

    def blank(self, text: str) -> str:
        """Return ``text`` without known values as they are: for names that an upstream chose, which may be many."""
        for value in self._sure:
            if value in text:
                text = text.replace(value, BLANK)
        return text

    def redact(self, text: str) -> str:
        """Return ``text`` without anything secret."""
        for form in self._ordered:
            text = text.replace(form, BLANK)
        for pattern in _PATTERNS:
            text = pattern.sub(lambda match: match[1] + BLANK + ("@" if match[0].endswith("@") else ""), text)
        return text


_process = Redactor()
remember = _process.remember
redact = _process.redact
blank = _process.blank
