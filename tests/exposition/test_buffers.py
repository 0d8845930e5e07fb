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


def test_no_more_is_kept_than_readers_have_and_one() -> None:
    """Whatever lengths bodies had: memory does not add up."""
    buffers = Buffers()
    for size in (10, 1_000, 100_000, 100, 0, 100_000):
        buffers.join([b"x" * size])
        assert len(buffers._kept) == 1
    reader = buffers.join([b"body"])
    buffers.join([b"next"])
    buffers.forget()
    assert [each for each in buffers._kept if each is not reader.obj] == []


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
