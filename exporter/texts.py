"""How long a text may be: label values, and whatever else is kept of what an upstream wrote (rule 21). Pure."""

from __future__ import annotations

import hashlib
from typing import Final

MAX_LABEL: Final = 200
"""Characters of a label value."""

_DIGEST_BYTES: Final = 8


def cut(text: str, longest: int) -> str:
    """Return ``text``, cut to ``longest`` characters with a hash of the whole at the end when it is longer."""
    if len(text) <= longest:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: longest - len(digest) - 1]}~{digest}"
