"""The exposition of all targets: chunks that are kept, and the ready bodies that readers take.

Writers are polls, timers and reloads, from any thread; readers are scrapes. A reader only looks at
``snapshot.current``, which is replaced whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter import catalogue
from exporter.catalogue.model import Metric
from exporter.exposition.buffers import Buffers
from exporter.exposition.chunk import Chunk
from exporter.exposition.compression import Compressor
from exporter.exposition.lines import Lines
from exporter.exposition.negotiation import Format
from exporter.exposition.pieces import END, Piece, header
from exporter.exposition.rendered import USUAL, Body, Form, Rendered
from exporter.families import Family, TargetLabels
from exporter.times import MINUTE, Micros

log = logging.getLogger(__name__)

WANTED_FOR: Final = 10 * MINUTE
"""So long after a client asked for a form it is made with each publication; longer than any scrape interval."""


class OwnLines(NamedTuple):
    """One target's lines of a family of the process."""

    platform: str
    piece: Piece


class OwnFamily(NamedTuple):
    """A family of the process itself, rendered with its header by whoever keeps it.

    One that has series of targets tells its header and what each target has, by name.
    """

    name: str
    pieces: tuple[Piece, ...]
    head: Piece | None = None
    targets: Mapping[str, OwnLines] = MappingProxyType({})


class Content(NamedTuple):
    """What a publication was made from: families with their targets' pieces, ordered by name, then the process's.

    Pieces are looked up by target, so that a slice of one costs the same whether there are ten targets or a thousand.
    """

    families: tuple[tuple[Piece, Mapping[str, tuple[TargetLabels, tuple[Piece, ...]]]], ...]
    own: tuple[OwnFamily, ...]


class Snapshot:
    """Everything that is exposed. Families come in the order of ``metrics``, each with all its targets, by name.

    ``current``, and ``content``, which it was made from, are None until the first ``publish``. ``created`` says whether
    OpenMetrics has ``_created`` lines.
    """

    def __init__(self, *, created: bool = False, metrics: Sequence[Metric] = catalogue.ALL) -> None:
        self.current: Rendered | None = None
        self.content: Content | None = None
        self._created = created
        self._headers = {metric.name: header(metric) for metric in metrics}
        self._chunks: dict[str, dict[str, Chunk]] = {metric.name: {} for metric in metrics}
        self._own: tuple[OwnFamily, ...] = ()
        self._wanted: dict[Form, Micros] = {}
        """When each form was last known to be asked for."""
        self._compressor = Compressor()
        self._buffers: dict[Format, Buffers] = {"text": Buffers(), "openmetrics": Buffers()}
        self._making = Lock()
        self._lock = Lock()

    def update(self, target: TargetLabels, families: Iterable[Family]) -> None:
        """Replace the given families of a target; one without samples leaves. Others stay as they are.

        A family that comes twice is a bug of the caller: the first is kept, since a scrape with two series of
        equal labels would be refused whole. KeyError for a family that is not in the catalogue.
        """
        with self._lock:
            seen: set[str] = set()
            for family in families:
                name = family.metric.name
                if name in seen:
                    log.error("family %s came twice for target %s; the second is left out", name, target.target)
                    continue
                seen.add(name)
                self._replace(target, family)

    def _replace(self, target: TargetLabels, family: Family) -> None:
        chunks = self._chunks[family.metric.name]
        if not family.samples:
            chunks.pop(target.target, None)
            return
        chunk = chunks.get(target.target)
        if chunk is None or chunk.target != target:
            chunk = chunks[target.target] = Chunk(family.metric, target, created=self._created)
        chunk.update(family)

    def remove(self, target: str) -> None:
        """Take everything of the target of this name out of the next publication."""
        with self._lock:
            for chunks in self._chunks.values():
                chunks.pop(target, None)

    def series(self, target: str) -> int:
        """Return how many series the target of this name has, as text shows them."""
        with self._lock:
            chunks = [chunks[target] for chunks in self._chunks.values() if target in chunks]
            return sum(piece.lines for chunk in chunks for piece in chunk.pieces if piece.text.size)

    def update_own(self, families: Iterable[OwnFamily]) -> None:
        """Replace all families of the process itself."""
        with self._lock:
            self._own = tuple(families)

    def publish(self, at: Micros) -> Rendered:
        """Make the bodies that are asked for, put them where readers look, and return them.

        A form is made beforehand as long as a client asked for it within ``WANTED_FOR``; a plain one not while slow
        readers keep the room for it, since it would be one body more, perhaps for nobody.
        """
        with self._lock:
            content = self._chosen()
            pieces = [piece for piece in _pieces(content) if piece.lines]
            if self.current is None:
                self._wanted[USUAL] = at
            else:
                self._wanted.update(dict.fromkeys(self.current.asked, at))
            wanted = [form for form, asked in self._wanted.items() if at - asked <= WANTED_FOR]
            wanted.sort(key=lambda form: form.gzip)  # what is deflated is not plain any more
            made = [form for form in wanted if form.gzip or self._has_room(pieces, form.format)]
            rendered = Rendered(partial(self._body, pieces), at, made)
            with self._making:
                self._compressor.forget_unused()
                for form, buffers in self._buffers.items():
                    if Form(form, False) not in wanted:
                        buffers.forget()
            self.current, self.content = rendered, content
            return rendered

    def _has_room(self, pieces: Sequence[Piece], form: Format) -> bool:
        with self._making:
            return self._buffers[form].has_room(_lines(pieces, form))

    def _body(self, pieces: Sequence[Piece], form: Form) -> Body:
        lines = _lines(pieces, form.format)
        with self._making:
            return self._compressor.compress(lines) if form.gzip else self._buffers[form.format].join(lines)

    def _chosen(self) -> Content:
        families = []
        for name, chunks in self._chunks.items():
            if chunks:
                ordered = {target: (chunks[target].target, chunks[target].pieces) for target in sorted(chunks)}
                families.append((self._headers[name], ordered))
        exposed = {name for name, chunks in self._chunks.items() if chunks}
        own = []
        for family in self._own:
            if family.name in exposed:
                log.error("family %s is counted in the ledger and by the process; the latter is left out", family.name)
                continue
            exposed.add(family.name)
            own.append(family)
        return Content(tuple(families), tuple(own))


def _lines(pieces: Sequence[Piece], form: Format) -> list[Lines]:
    return [piece.openmetrics if form == "openmetrics" else piece.text for piece in pieces]


def _pieces(content: Content) -> Iterator[Piece]:
    for head, chunks in content.families:
        yield head
        for _, pieces in chunks.values():
            yield from pieces
    for own in content.own:
        yield from own.pieces
    yield END
