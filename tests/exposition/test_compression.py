"""A gzip body that is joined from parts is a valid gzip file of one member."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import checksum, lines
from exporter.exposition.compression import PART_LINES, Compressor
from exporter.exposition.lines import Lines

LINES = st.builds(Lines, st.binary(max_size=200), st.integers(min_value=1, max_value=2 * PART_LINES))


def body_of(pieces: list[Lines]) -> bytes:
    return b"".join(piece.plain for piece in pieces)


@given(st.lists(st.lists(LINES), max_size=4))
def test_what_is_decompressed_is_what_was_compressed(publications: list[list[Lines]]) -> None:
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
    pieces = [Lines(b"piece %d\n" % index, PART_LINES) for index in range(40)]
    compressor.compress(pieces)
    compressor.forget_unused()
    pieces[changed] = Lines(b"other\n", PART_LINES)
    made = []
    library = vars(lines)["zlib"]
    real = library.compressobj

    def counted(level: int, method: int, wbits: int) -> object:
        made.append(level)
        return real(level, method, wbits)

    monkeypatch.setattr(library, "compressobj", counted)
    compressor.compress(pieces)
    assert len(made) == 1


def test_small_neighbours_are_compressed_together() -> None:
    """Many targets with few series each do not cost a part each."""
    pieces = [Lines(b'automation_runs_total{workload="nightly-%04d"} 1\n' % index, 1) for index in range(1000)]
    body = body_of(pieces)
    assert len(Compressor().compress(pieces)) < 2 * len(gzip.compress(body, 1))


@pytest.mark.parametrize("name", ["zlib", "isal.isal_zlib"])
def test_both_libraries_make_what_every_reader_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ISA-L is there only with the extra ``fast``."""
    library = pytest.importorskip(name)
    monkeypatch.setattr(lines, "zlib", library)
    monkeypatch.setattr(
        "exporter.exposition.compression.combine", getattr(library, "crc32_combine", checksum.in_python)
    )
    pieces = [Lines(b'automation_runs_total{workload="nightly-%04d"} 1\n' % index, 1) for index in range(1000)]
    compressed = Compressor().compress(pieces)
    assert gzip.decompress(compressed) == body_of(pieces)
    assert len(compressed) < len(body_of(pieces)) / 5
