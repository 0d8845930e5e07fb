"""Where every field of every record goes: into a metric, into our own reading, or nowhere, and then why.

Each platform has a table ``ACCOUNT`` in its ``fields`` module. ``docs/platforms/`` is generated from them, and tests
compare them with the records, with the sample responses and with the metric table, so that no field can be dropped
without a word. Nothing here is used while the exporter runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from exporter.catalogue import runs
from exporter.catalogue.model import Metric, PlatformName


class To(NamedTuple):
    """A metric that a field feeds. ``label`` is the label it fills, empty for the value."""

    metric: Metric
    label: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a field: ``feeds``, else ``serves`` (what reading needs it for), else left out for ``why``."""

    feeds: tuple[To, ...] = ()
    serves: str = ""
    why: str = ""


def feeds(*targets: Metric | tuple[Metric, str], also: str = "") -> Fate:
    """The field feeds these metrics: as the value, or as a label. ``also`` is what else it is needed for."""
    return Fate(tuple(To(*each) if isinstance(each, tuple) else To(each) for each in targets), serves=also)


def serves(what: str) -> Fate:
    """The field is needed for reading, and is not shown."""
    return Fate(serves=what)


def left(why: str) -> Fate:
    """The field is not read."""
    return Fate(why=why)


@dataclass(frozen=True, slots=True)
class Account:
    """The fields of one kind of record. ``model`` reads it (None: we look at single fields only).

    Fields inside others are named with dots, and ``[]`` behind a list. What stands inside a field that is left out
    is left out with it.
    """

    title: str
    model: Any
    fields: Mapping[str, Fate]

    def names(self) -> set[str]:
        """Return the fields that the model reads."""
        return set() if self.model is None else set(self.model.__pydantic_fields__)


@dataclass(frozen=True, slots=True)
class Unread:
    """A request that the platform documents and that is never made: its records' ``fields``, and ``why``."""

    request: str
    fields: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """All records of one platform, and what is to be known about its numbers."""

    name: PlatformName
    title: str
    intro: str
    accounts: tuple[Account, ...]
    unfed: Mapping[str, str] = field(default_factory=dict)
    """Of the families that all platforms share, those that this one cannot feed: why, by name."""
    notes: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    """What the platform tells elsewhere of its runs, and is not asked for."""

    def fed(self) -> Iterator[Metric]:
        """Yield the metrics that fields feed."""
        seen = {}
        for account in self.accounts:
            for fate in account.fields.values():
                seen.update({target.metric.name: target.metric for target in fate.feeds})
        yield from seen.values()


def no_schedules(why: str) -> dict[str, str]:
    """Return the families that only a platform with schedules can feed, with the reason why this one does not."""
    return {metric.name: why for metric in runs.ROWS if metric.name.startswith("automation_schedule")}


NO_SCHEDULES: Mapping[str, str] = no_schedules("the platform tells no schedules")

MESSAGES = left("free text, and it may hold customers' data")
PAYLOAD = left("customers' data; never read, logged or shown")
RATE = left("a ratio of counters that are published: the query's work, and its unit is not documented everywhere")
