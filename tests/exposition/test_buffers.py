"""A buffer is used again when nobody can tell, and never before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.buffers import Buffers
from exporter.exposition.lines import ALONE, Lines

LINES = st.builds(Lines, st.binary(max_size=40), st.sampled_from([1, ALONE]))


def lines(*parts: bytes) -> list[Lines]:
    return [Lines(part, 1) for part in parts]


def test_two_bodies_take_turns() -> None:
    """The same memory, not new one from the system: the one before is there to be copied from."""
    buffers = Buffers()
    places = [id(buffers.join(lines(b"body" * 1000, b"%d" % number)).obj) for number in range(6)]
    assert places == places[:2] * 3


def test_lines_are_taken_from_the_body_before() -> None:
    """They are kept deflated, and need not be unpacked."""
    buffers = Buffers()
    pieces = [Lines(b"line %d\n" % number * 1000, ALONE) for number in range(3)]
    body = bytes(buffers.join(pieces))
    for each in pieces:
        each._kept = b"never looked at"
    assert buffers.join([Lines(b"first\n", 1), *pieces, Lines(b"last\n", 1)]) == b"first\n" + body + b"last\n"


def test_what_a_reader_has_stays() -> None:
    """A part of it is enough: a transport keeps what it has not sent yet."""
    buffers = Buffers()
    first = buffers.join(lines(b"first ", b"body"))
    unsent = first[6:]
    del first
    others = [buffers.join(lines(b"other body")) for _ in range(3)]
    assert bytes(unsent) == b"body"
    assert len({id(each.obj) for each in (unsent, *others)}) == 4


def test_bodies_are_read_only() -> None:
    """Who reads one cannot change what others read."""
    assert Buffers().join(lines(b"body")).readonly


def test_no_more_is_kept_than_readers_have_the_last_and_two() -> None:
    """Whatever lengths bodies had: memory does not add up."""
    buffers = Buffers()
    for size in (10, 1_000, 100_000, 100, 0, 100_000):
        buffers.join(lines(b"x" * size))
        assert len(buffers._kept) <= 2
    readers = [buffers.join(lines(b"body")) for _ in range(5)]
    assert len({id(each.obj) for each in readers}) == 5
    del readers
    buffers.join(lines(b"next"))
    assert len(buffers._kept) == 3
    reader = buffers.join(lines(b"body"))
    buffers.forget()
    assert [each is reader.obj for each in buffers._kept] == [True]
    del reader
    buffers.forget()
    assert not buffers._kept


def test_a_reader_that_is_slow_again_and_again_costs_no_new_memory() -> None:
    """Two bodies take turns; while a reader has the one before, a third is taken, and kept for the next time."""
    buffers = Buffers()
    places = set()
    current = slow = buffers.join(lines(b"body"))
    for _ in range(6):
        slow, current = current, buffers.join(lines(b"body"))
        places.add(id(current.obj))
        current = buffers.join(lines(b"body"))
        places.add(id(current.obj))
    assert slow
    assert len(places) <= 3


CHOSEN = st.lists(st.integers(0, 9), max_size=9, unique=True)


@given(st.lists(LINES, min_size=1), st.lists(st.tuples(CHOSEN, st.booleans(), st.booleans()), max_size=20))
def test_bodies_are_what_they_were_joined_from(every: list[Lines], steps: list[tuple[list[int], bool, bool]]) -> None:
    """Whichever lines come again, deflated or not, and whichever readers go and stay in between."""
    buffers = Buffers()
    readers: list[tuple[memoryview, bytes]] = []
    for chosen, stays, deflate in steps:
        pieces = [every[index] for index in chosen if index < len(every)]
        expected = b"".join(each.plain for each in pieces)
        body = buffers.join(pieces)
        assert body == expected
        for each in pieces:
            if deflate and each.alone:
                each.deflate()
        readers = [*readers, (body, expected)] if stays else readers[1:]
        assert all(view == known for view, known in readers)
