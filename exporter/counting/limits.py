"""The paces, depths and caps that counting and reading go by, and what a platform promises to counting."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.catalogue.model import Metric
from exporter.observations import Labels
from exporter.times import Micros


@dataclass(frozen=True, slots=True)
class Limits:
    """From the configuration; all lengths of time in microseconds. Defaults stand in the settings."""

    interval: Micros
    overlap: Micros
    deep_interval: Micros
    sweep_interval: Micros
    memory: Micros
    open_run_max_age: Micros
    settle: Micros
    max_window: Micros
    schedule_grace: Micros
    forget_after: Micros
    stale_after: Micros
    max_workloads: int
    max_label_values: int
    max_series: int
    drop_labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Birth:
    """A series that is born at 0 with each workload (rule 15); ``labels`` are those after ``workload``."""

    metric: Metric
    labels: Labels


@dataclass(frozen=True, slots=True)
class Rules:
    """What ``count`` goes by for one target: its limits, and what its platform can report.

    ``births`` come with each workload. ``states`` are those that runs of a listing can be in while active,
    exposed at 0 from the start; empty for a platform whose active runs are figures it tells.
    ``listings_per_workload`` says that a listing's key is a workload's identity.
    """

    limits: Limits
    platform: str
    births: tuple[Birth, ...]
    states: tuple[str, ...]
    listings_per_workload: bool
