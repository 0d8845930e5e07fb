"""Workloads, when they are due, and the whole list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from exporter.observations.facts import Level, Skipped
from exporter.times import Micros

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a workload is due: a five-field cron expression in a zone, or one point in time."""

    name: str
    cron: str | None = None
    zone: str | None = None
    at: Micros | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload on its platform.

    ``identity`` is the id or full name on the platform and never shown; ``label`` is the safe label value. ``named``
    False means that its name was not told: a label that is known stays, and ``label`` is that of one seen first.
    ``info`` are further labels of ``automation_workload_info`` by name. ``enabled`` None means not told.
    ``edited_at`` suppresses schedules judged missed because of an edit.
    """

    identity: str
    label: str
    info: Mapping[str, str] = field(default_factory=dict)
    enabled: bool | None = None
    edited_at: Micros | None = None
    schedules: tuple[Schedule, ...] = ()
    named: bool = True


@dataclass(frozen=True, slots=True)
class Roster(Generic[T]):
    """The whole list of workloads. ``platform_births`` come with the platform, not with the batch."""

    items: tuple[T, ...]
    upstream_now: Micros | None
    skipped: tuple[Skipped, ...] = ()
    levels: tuple[Level, ...] = ()
    unknown: tuple[str, ...] = ()
    """Fields that held a value which no list knows."""
    listings: tuple[str, ...] | None = None
    """The listings that are read from now on, where they follow from the roster and others may have been before.
    Open runs of those go with the first."""
