"""Parts of the exposition: some targets, or some platforms, joined from the pieces that are ready.

A slice is joined and compressed when it is first asked for after a publication, and kept until the next one. The
whole exposition takes no part in this.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Final, NamedTuple

from exporter.exposition.compression import Compressor
from exporter.exposition.lines import Lines
from exporter.exposition.negotiation import Format
from exporter.exposition.pieces import END, Piece
from exporter.exposition.snapshot import Content, OwnFamily

MOST_SLICES: Final = 64
"""Slices that are kept; asking for more only costs time."""

MOST_BYTES: Final = 64 << 20
"""Bytes of bodies that are kept, or one slice of more: each may be nearly everything."""


class Choice(NamedTuple):
    """What a slice holds: of targets those that are named and of a platform that is named, any where none is.

    ``process`` adds the series that belong to no target; without names it is these alone.
    """

    targets: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    process: bool = False

    def has(self, platform: str, target: str) -> bool:
        """Whether the slice holds a target's series."""
        if not self.targets and not self.platforms:
            return False
        return (not self.targets or target in self.targets) and (not self.platforms or platform in self.platforms)


class Slices:
    """Ready parts. Safe to use from many threads, which wait for one another: never on an event loop."""

    def __init__(self, content: Callable[[], Content | None]) -> None:
        self._content = content
        self._kept: OrderedDict[Choice, _Slice] = OrderedDict()
        self._latest: Content | None = None
        self._lock = Lock()

    def body(self, choice: Choice, form: Format, *, gzip: bool) -> bytes | None:
        """Return a slice's bytes; None as long as nothing was published. A slice of nothing is a valid exposition."""
        content = self._content()
        if content is None:
            return None
        with self._lock:
            if content is not self._latest:
                self._latest = content
                for each in self._kept.values():
                    each.forget()
            kept = self._kept.setdefault(choice, _Slice())
            self._kept.move_to_end(choice)
            body = kept.body(content, choice, form, gzip=gzip)
            while len(self._kept) > MOST_SLICES or (len(self._kept) > 1 and self._size > MOST_BYTES):
                self._kept.popitem(last=False)
            return body

    @property
    def _size(self) -> int:
        return sum(each.size for each in self._kept.values())


class _Slice:
    """The bodies of one slice of the last publication it was asked for."""

    def __init__(self) -> None:
        self._content: Content | None = None
        self._pieces: list[Piece] = []
        self._bodies: dict[tuple[Format, bool], bytes] = {}
        self._compressors: dict[Format, Compressor] = {"text": Compressor(), "openmetrics": Compressor()}

    @property
    def size(self) -> int:
        """Bytes of its bodies."""
        return sum(map(len, self._bodies.values()))

    def forget(self) -> None:
        """Keep nothing of the publication, but what may be in the next one too."""
        self._content, self._pieces, self._bodies = None, [], {}

    def body(self, content: Content, choice: Choice, form: Format, *, gzip: bool) -> bytes:
        if content is not self._content:
            self._content = content
            self._pieces = [piece for piece in _pieces(content, choice) if piece.lines]
        found = self._bodies.get((form, gzip))
        if found is None:
            found = self._bodies[form, gzip] = self._compressed(form) if gzip else self._joined(form)
        return found

    def _lines(self, form: Format) -> list[Lines]:
        return [piece.openmetrics if form == "openmetrics" else piece.text for piece in self._pieces]

    def _joined(self, form: Format) -> bytes:
        return b"".join([lines.plain for lines in self._lines(form)])

    def _compressed(self, form: Format) -> bytes:
        compressor = self._compressors[form]
        compressed = compressor.compress(self._lines(form))
        compressor.forget_unused()
        return compressed


def _pieces(content: Content, choice: Choice) -> Iterator[Piece]:
    for head, chunks in content.families:
        named = sorted(choice.targets & chunks.keys()) if choice.targets else chunks
        found = [chunks[name] for name in named]
        chosen = [piece for labels, pieces in found if choice.has(labels.platform, labels.target) for piece in pieces]
        if chosen:
            yield head
            yield from chosen
    for own in content.own:
        yield from _own(own, choice)
    yield END


def _own(own: OwnFamily, choice: Choice) -> Iterator[Piece]:
    if own.head is None:
        if choice.process:
            yield from own.pieces
        return
    named = (choice.targets & own.targets.keys()) if choice.targets else own.targets
    found = sorted((own.targets[name].platform, name) for name in named)
    chosen = [own.targets[name].piece for platform, name in found if choice.has(platform, name)]
    if chosen:
        yield own.head
        yield from chosen
