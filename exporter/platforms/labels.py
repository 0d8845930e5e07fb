"""Label values from names that upstreams chose (counting rule 21): made safe once, when a record is read. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Final

MAX_LENGTH: Final = 200
"""Characters of a label value."""

UNNAMED: Final = "_unnamed"
"""What a workload with an empty name is called."""

RESERVED: Final = frozenset({"_other", UNNAMED})
"""Values that we give; a workload that really bears one gets a trailing ``_``."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGEST_BYTES: Final = 8


def clean(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot, by U+FFFD."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def value(text: str) -> str:
    """Return ``text`` as a label value: encodable, and cut with a hash at the end when it is too long."""
    text = clean(text)
    if len(text) <= MAX_LENGTH:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: MAX_LENGTH - len(digest) - 1]}~{digest}"


def workload(name: str) -> str:
    """Return the label value of a workload's name, never empty and never one of ours."""
    text = value(name) or UNNAMED
    return f"{text}_" if name in RESERVED else text
