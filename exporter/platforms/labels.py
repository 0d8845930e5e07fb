"""Texts that upstreams chose, label values above all (counting rule 21): made safe once, when a record is read.

An upstream knows the credentials that it is asked with. If it repeats them in a name, an id or a link, they must not
become a label, stand on a page or in the state: they are blanked here.
"""

from __future__ import annotations

import re
from typing import Final

from exporter.redaction import blank
from exporter.texts import MAX_LABEL, cut

MAX_TEXT: Final = 16_384
"""Characters of any text that is kept: names and ids are remembered for months. No real one is nearly as long."""

UNNAMED: Final = "_unnamed"
"""What a workload with an empty name is called."""

RESERVED: Final = frozenset({"_other", UNNAMED})
"""Values that we give; a workload that really bears one gets a trailing ``_``."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot, by U+FFFD, and blank known secrets."""
    text = blank(text)
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def value(text: str) -> str:
    """Return ``text`` as a label value: encodable, and cut with a hash at the end when it is too long."""
    return cut(clean(text), MAX_LABEL)


def kept(text: str) -> str:
    """Return ``text`` as it may be remembered: encodable, and cut with a hash at the end when it is far too long."""
    return cut(clean(text), MAX_TEXT)


def workload(name: str) -> str:
    """Return the label value of a workload's name, never empty and never one of ours."""
    text = value(name) or UNNAMED
    return f"{text}_" if name in RESERVED else text
