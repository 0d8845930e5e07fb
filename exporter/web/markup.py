"""HTML as nested calls: text is always escaped, and only ``element`` makes what is not."""

from __future__ import annotations

import html


class Markup:
    """Finished HTML; never made from text that came from outside."""

    __slots__ = ("_html",)

    def __init__(self, trusted: str) -> None:
        self._html = trusted

    def __str__(self) -> str:
        """Return the HTML."""
        return self._html


def element(tag: str, /, *children: Markup | str, **attributes: str | None) -> Markup:
    """Return ``<tag attributes>children</tag>``, with text and attribute values escaped.

    A trailing ``_`` of an attribute's name is dropped (``class_``), other ``_`` become ``-``; an attribute that is
    None is left out.
    """
    shown = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{shown}>{join(*children)}</{tag}>")


def void(tag: str, /, **attributes: str) -> Markup:
    """Return an element that has no content, such as ``meta``."""
    return Markup(str(element(tag, **attributes)).removesuffix(f"</{tag}>"))


def join(*children: Markup | str) -> Markup:
    """Return the children one after another, text escaped."""
    return Markup("".join(str(child) if isinstance(child, Markup) else html.escape(child) for child in children))
