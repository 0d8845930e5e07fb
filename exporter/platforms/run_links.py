"""Links to one run in the vendor's console: the template of the configuration, and what it becomes for a run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from exporter.platforms.wrong import wrong

ALWAYS: Final = ("run_id", "workload", "target")
"""Fields that a run of any platform can fill."""

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_SAMPLE: Final = "0"


def fields_of(template: str) -> tuple[str, ...]:
    """Return the names in braces, each once."""
    return tuple(dict.fromkeys(_FIELD.findall(template)))


def check(template: str, known: Collection[str]) -> str:
    """Return the template, or say what is wrong with it: a field that is not in ``known``, a stray brace, no URL."""
    unknown = [name for name in fields_of(template) if name not in known]
    if unknown:
        listed = ", ".join(f"{{{name}}}" for name in known)
        raise wrong(f'has the field "{{{unknown[0]}}}", which runs of this platform do not have', f"use {listed}")
    plain = _FIELD.sub(_SAMPLE, template)
    if "{" in plain or "}" in plain:
        raise wrong("has a brace without its other half", "write fields as {run_id}")
    try:
        parts = urlsplit(plain)
    except ValueError:
        raise wrong("is not a URL", "write it as https://host/path/{run_id}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain.isascii() or not plain.isprintable():
        raise wrong("is not an http or https URL", "write it as https://host/path/{run_id}")
    if " " in plain or any(character in plain for character in "\"'<>\\`"):
        raise wrong("holds a character that no URL has", "write it percent-encoded")
    if "@" in parts.netloc:
        raise wrong("has credentials in the URL", "write only scheme, host and path")
    if "{" in urlsplit(template).netloc:
        raise wrong("has a field in its host", "use fields in the path, the query or the fragment")
    if not fields_of(template):
        raise wrong("has no field, so that every run would have the same link", "write at least {run_id}")
    return template


def link(template: str | None, values: Mapping[str, str]) -> str | None:
    """Return the URL of one run; None without a template, or when the run lacks one of its fields."""
    if template is None or any(not values.get(name) for name in fields_of(template)):
        return None
    return _FIELD.sub(lambda match: quote(values[match[1]], safe=""), template)
