"""The access log: who asked what when, and whether the credentials were good. Never the credentials."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

ENTRIES_KEPT = 20_000
HEADERS_KEPT = (
    "accept-encoding",
    "foundry-features",
    "user-agent",
    "x-roboto-api-version",
    "x-roboto-org-id",
)
"""Headers that are logged, by name in lower case; none of them is a secret."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``path`` is relative to the platform's mount.

    ``status`` is 0 when the client got no whole answer.
    ``authorized`` says whether the credentials were good, ``carried_token`` whether there were any at all.
    """

    time: int
    platform: str
    method: str
    path: str
    query: str
    status: int
    authorized: bool = False
    carried_token: bool = False
    faults: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class AccessLog:
    """The newest entries, oldest first, and a count of all."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_KEPT)
        self._counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self._entries.append(entry)
        self._counts[entry.platform] += 1

    def count(self, platform: str) -> int:
        """How many requests a platform has had."""
        return self._counts[platform]

    def of(self, platform: str) -> list[Entry]:
        """The entries of one platform."""
        return [entry for entry in self if entry.platform == platform]

    def clear(self) -> None:
        """Forget the entries, not the counts."""
        self._entries.clear()
