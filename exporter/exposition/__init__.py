"""From families of samples to bytes that are ready when a scrape comes.

    Family -> Chunk (one family of one target) -> Piece (some lines) -> Snapshot.publish() -> Rendered

    Content, a Choice of targets -> Slices, for scrapes of a part

What changed is rendered and compressed anew, everything else is joined from what is there: compressed lines, and the
plain body before. A scrape takes ``snapshot.current`` and copies. Of the four forms of a body those are made that
somebody scrapes.
"""

from __future__ import annotations

from exporter.exposition.negotiation import Format, Negotiated, negotiate
from exporter.exposition.pieces import Piece, header
from exporter.exposition.rendered import Body, Rendered
from exporter.exposition.slices import Choice, Slices
from exporter.exposition.snapshot import Content, OwnFamily, Snapshot

__all__ = [
    "Body",
    "Choice",
    "Content",
    "Format",
    "Negotiated",
    "OwnFamily",
    "Piece",
    "Rendered",
    "Slices",
    "Snapshot",
    "header",
    "negotiate",
]
