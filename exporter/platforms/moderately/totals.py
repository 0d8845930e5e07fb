"""A check on what was counted: the platform's own numbers of ended executions (pure).

Right after a walk to the floor nothing can be missing, so what the platform counts beyond us then (its history) is
the base. Later a number above base and ours says that a walk has missed something; twice running, another walk to
the floor is due. Numbers are read before the walk; what ended after them is known from the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.times import SECOND, Micros

RUNNING: Final = 2
"""So many polls running with a deficit lead to a walk to the floor."""


@dataclass(slots=True)
class Check:
    """What is known between polls. ``told`` is the platform's number at ``told_at``, None before it was read."""

    base: int | None = None
    told: int | None = None
    told_at: Micros = 0
    surely_later: int = 0
    """Of what we counted, runs that ended when the number had surely been read, since ``Date`` has whole seconds."""
    maybe_later: int = 0
    """The same, with those that ended in the very second."""
    swept: bool = False
    """The poll of that number made a walk to the floor complete."""
    deficits: int = 0

    def asked(self, told: int, at: Micros) -> None:
        """The platform told its number; a walk follows."""
        self.told, self.told_at = told, at
        self.surely_later = self.maybe_later = 0
        self.swept = False

    def walked(self, ends: dict[str, Micros], *, swept: bool) -> None:
        """The walk is over; ``ends`` of the executions that it met."""
        self.surely_later = sum(end >= self.told_at + SECOND for end in ends.values())
        self.maybe_later = sum(end >= self.told_at for end in ends.values())
        self.swept = swept

    def failed(self) -> None:
        """The walk was not complete: nothing can be compared with that number."""
        self.told = None

    def missing(self, counted: int) -> bool:
        """Judge the poll before, now that ``counted`` holds it. True when a walk to the floor is due."""
        if self.told is None:
            return False
        if self.swept:
            self.base = self.told - counted + self.maybe_later
            self.deficits = 0
        elif self.base is not None:
            deficit = self.told - counted + self.surely_later > self.base
            self.deficits = self.deficits + 1 if deficit else 0
        self.told = None
        if self.deficits >= RUNNING:
            self.deficits = 0
            return True
        return False
