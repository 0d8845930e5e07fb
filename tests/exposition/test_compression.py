"""A gzip body that is joined from parts is a valid gzip file of one member."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import compression
from exporter.exposition.compression import PART_LINES, Compressor

Pieces = list[tuple[bytes, int]]

PIECES = st.lists(st.tuples(st.binary(max_size=200), st.integers(min_value=1, max_value=2 * PART_LINES)))


def body_of(pieces: Pieces) -> bytes:
    return b"".join(piece for piece, _ in pieces)


@given(st.lists(PIECES, max_size=4))
def test_what_is_decompressed_is_what_was_compressed(publications: list[Pieces]) -> None:
    """Also when parts are remembered from publications before."""
    compressor = Compressor()
    for pieces in publications:
        body = body_of(pieces)
        compressed = compressor.compress(pieces)
        assert gzip.decompress(compressed) == body
        one_member = zlib.decompressobj(wbits=31)
        assert one_member.decompress(compressed) == body
        assert one_member.eof
        assert not one_member.unused_data
        compressor.forget_unused()


@pytest.mark.parametrize("changed", [0, 20, 39])
def test_only_changed_parts_are_compressed_anew(changed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One large piece of forty changed: one is compressed."""
    compressor = Compressor()
    pieces: Pieces = [(b"piece %d\n" % index, PART_LINES) for index in range(40)]
    compressor.compress(pieces)
    compressor.forget_unused()
    pieces[changed] = (b"other\n", PART_LINES)
    made = []
    library = vars(compression)["zlib"]
    real = library.compressobj

    def counted(level: int, method: int, wbits: int) -> object:
        made.append(level)
        return real(level, method, wbits)

    monkeypatch.setattr(library, "compressobj", counted)
    compressor.compress(pieces)
    assert len(made) == 1


def test_small_neighbours_are_compressed_together() -> None:
    """Many targets with few series each do not cost a part each."""
    pieces: Pieces = [(b'automation_runs_total{workload="nightly-%04d"} 1\n' % index, 1) for index in range(1000)]
    body = body_of(pieces)
    assert len(Compressor().compress(pieces)) < 2 * len(gzip.compress(body, 1))


@pytest.mark.parametrize("name", ["zlib", "isal.isal_zlib"])
def test_both_libraries_make_what_every_reader_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ISA-L is there only with the extra ``fast``."""
    monkeypatch.setattr(compression, "zlib", pytest.importorskip(name))
    pieces: Pieces = [(b'automation_runs_total{workload="nightly-%04d"} 1\n' % index, 1) for index in range(1000)]
    compressed = Compressor().compress(pieces)
    assert gzip.decompress(compressed) == body_of(pieces)
    assert len(compressed) < len(body_of(pieces)) / 5
