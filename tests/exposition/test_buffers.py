"""A buffer is used again when nobody can tell, and never before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.buffers import Buffers

PARTS = st.lists(st.binary(max_size=40), max_size=6)


def test_a_body_that_nobody_has_makes_room_for_the_next() -> None:
    """The same memory, not new one from the system."""
    buffers = Buffers()
    place = id(buffers.join([b"one ", b"body" * 1000]).obj)
    assert id(buffers.join([b"a longer ", b"body" * 1000]).obj) == place


def test_what_a_reader_has_stays() -> None:
    """A part of it is enough: a transport keeps what it has not sent yet."""
    buffers = Buffers()
    first = buffers.join([b"first ", b"body"])
    unsent = first[6:]
    del first
    others = [buffers.join([b"other body"]) for _ in range(3)]
    assert bytes(unsent) == b"body"
    assert len({id(each.obj) for each in (unsent, *others)}) == 4


def test_bodies_are_read_only() -> None:
    """Who reads one cannot change what others read."""
    assert Buffers().join([b"body"]).readonly


def test_no_more_is_kept_than_readers_have_and_two() -> None:
    """Whatever lengths bodies had: memory does not add up."""
    buffers = Buffers()
    for size in (10, 1_000, 100_000, 100, 0, 100_000):
        buffers.join([b"x" * size])
        assert len(buffers._kept) == 1
    readers = [buffers.join([b"body"]) for _ in range(5)]
    assert len({id(each.obj) for each in readers}) == 5
    del readers
    buffers.join([b"next"])
    assert len(buffers._kept) == 2
    reader = buffers.join([b"body"])
    buffers.forget()
    assert [each is reader.obj for each in buffers._kept] == [True]


def test_a_reader_that_is_slow_again_and_again_costs_no_new_memory() -> None:
    """Two bodies take turns; while a reader has the one before, a third is taken, and kept for the next time."""
    buffers = Buffers()
    places = set()
    current = slow = buffers.join([b"body"])
    for _ in range(6):
        slow, current = current, buffers.join([b"body"])
        places.add(id(current.obj))
        current = buffers.join([b"body"])
        places.add(id(current.obj))
    assert slow
    assert len(places) <= 3


@given(st.lists(st.tuples(PARTS, st.booleans()), max_size=20))
def test_bodies_are_what_they_were_joined_from(steps: list[tuple[list[bytes], bool]]) -> None:
    """Whichever readers go and stay in between."""
    buffers = Buffers()
    readers: list[tuple[memoryview, bytes]] = []
    for parts, stays in steps:
        body = buffers.join(parts)
        assert body == b"".join(parts)
        if stays:
            readers.append((body, b"".join(parts)))
        else:
            readers = readers[1:]
        assert all(view == expected for view, expected in readers)
