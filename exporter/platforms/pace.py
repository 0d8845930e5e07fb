"""Pace, limits and connection: the keys that a target and ``defaults:`` have in common, and how they must fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from exporter.platforms.dropped_labels import DroppedLabel
from exporter.platforms.durations import Duration, format_duration
from exporter.platforms.fields import Endpoint, ExistingFile, ProxyChoice, Share, Size
from exporter.platforms.wrong import Conflict
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros

SHORTEST_GRACE: Final = "10s"
"""The least that ``schedule_grace`` can be."""


class SettingsModel(BaseModel):
    """Base of all settings: strict about keys, immutable, silent about values.

    The text below a field says what it means, for people and for the reference (``tools/field_docs.py``).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )


class Pace(SettingsModel):
    """The keys that a target and ``defaults:`` have in common."""

    interval: Annotated[Micros, Duration("1s", "1d")] = MINUTE
    """Time from one poll of the target to the next."""
    jitter: Share = Field(default=0.1, ge=0, le=0.5)
    """Share of the interval by which each poll is moved at random, so that targets do not poll in step."""
    timeout: Annotated[Micros, Duration("100ms", "5m")] = 15 * SECOND
    """Longest time for one request, from connecting to the last byte."""
    requests_per_minute: int = Field(default=120, ge=1, le=100_000)
    """Requests allowed in a minute to one upstream with one credential, over all targets that share both."""
    overlap: Annotated[Micros, Duration("0s", "30d")] = HOUR
    """How far below the newest known run a listing is read again, to meet runs that appear late."""
    deep_interval: Annotated[Micros, Duration("1s", "7d")] = 10 * MINUTE
    """Time between the more expensive reads: open runs that were not met, workloads read by name."""
    sweep_interval: Annotated[Micros, Duration("1s", "30d")] = HOUR
    """Shortest time between two readings of a listing down to all that is remembered."""
    memory: Annotated[Micros, Duration("1m", "366d")] = 8 * DAY
    """How far back run ids are remembered; a run that turns up older than that is never counted."""
    open_run_max_age: Annotated[Micros, Duration("1m", "365d")] = 7 * DAY
    """Age at which a run that still has not ended is given up and counted as ``unknown``."""
    settle: Annotated[Micros, Duration("1m", "30d")] = DAY
    """How long the figures of a window may still change after its end."""
    max_window: Annotated[Micros, Duration("1m", "366d")] = 7 * DAY
    """Longest window that is asked for; past it and ``settle`` its start is moved by force."""
    zero_hold: Annotated[Micros, Duration("0s", "1h")] = 2 * MINUTE
    """How long a series shows its old value before an increase, so that ``increase()`` can see the step. At least
    two scrape intervals."""
    stale_after: Annotated[Micros, Duration("1s", "30d")] | None = None
    """Age at which what is only true now (active runs, window figures) leaves the exposition. Without it 5
    intervals, at least 15m."""
    schedule_grace: Annotated[Micros, Duration(SHORTEST_GRACE, "7d")] = 10 * MINUTE
    """How late a scheduled run may be before it counts as missed."""
    forget_after: Annotated[Micros, Duration("1m", "3660d")] = 100 * DAY
    """How long a workload that the platform no longer lists keeps its series. Longer than the rarest schedule."""
    max_workloads: int = Field(default=1000, ge=1, le=1_000_000)
    """Workloads with series of their own; further ones are added up as ``_other``."""
    max_label_values: int = Field(default=50, ge=1, le=100_000)
    """Different values of a label whose values the platform chooses (failure reasons, trigger types), by family."""
    max_series: int = Field(default=200_000, ge=2_000, le=10_000_000)
    """Series that the target may show, those of the exporter about itself left out. What is new beyond that is added up
    as ``_other``; what is shown already stays."""
    drop_labels: tuple[DroppedLabel, ...] = Field(default=(), examples=[["reason", "status_code"]])
    """Labels to leave out. Counters and histograms that then are the same are added up; of gauges the largest is shown,
    of what is due next or overdue the earliest."""
    max_response_bytes: Size = Field(default=64 * 1024**2, ge=1024, le=2 * 1024**3)
    """Largest answer that is read, after decompression."""
    endpoint: Endpoint | None = Field(default=None, examples=["https://gateway.example.net/upstream"])
    """Base URL of the API."""
    allow_http: bool = False
    """Permit an endpoint with plain ``http`` on another machine. Credentials then travel in the clear."""
    ca_file: ExistingFile | None = Field(default=None, examples=["/etc/ssl/company-ca.pem"])
    """Certificates (PEM) to trust instead of the system's. A file that changed is read again at the next poll."""
    insecure_skip_verify: bool = False
    """Do not verify the upstream's certificate. Anybody on the way can then take the credentials."""
    proxy: ProxyChoice | None = Field(default=None, examples=["http://user:${PROXY_PASSWORD}@proxy.example.net:3128"])
    """Proxy on the way to the upstream, ``off`` for none. Without it what ``HTTPS_PROXY``, ``HTTP_PROXY``,
    ``ALL_PROXY`` and ``NO_PROXY`` say."""


def conflicts_of_pace(pace: Pace) -> Iterator[Conflict]:
    """Yield the rules of counting that a combination of lengths would break."""
    needed = pace.open_run_max_age + pace.overlap
    if pace.memory <= needed:
        yield Conflict(
            ("memory", "open_run_max_age", "overlap"),
            "memory must be longer than open_run_max_age and overlap together, or runs could be counted twice",
            f"write more than {format_duration(needed)}",
        )
    if pace.forget_after < pace.memory:
        yield Conflict(
            ("forget_after", "memory"),
            "forget_after must not be shorter than memory",
            f"write at least {format_duration(pace.memory)}",
        )
    needed = pace.max_window + pace.settle
    if pace.forget_after <= needed:
        yield Conflict(
            ("forget_after", "max_window", "settle"),
            "forget_after must be longer than max_window and settle together",
            f"write more than {format_duration(needed)}",
        )
    if pace.max_window < pace.settle:
        yield Conflict(
            ("max_window", "settle"),
            "max_window must not be shorter than settle",
            f"write at least {format_duration(pace.settle)}",
        )
    if pace.stale_after is not None and pace.stale_after < pace.interval:
        yield Conflict(
            ("stale_after", "interval"),
            "stale_after must not be shorter than interval, or nothing would ever be fresh",
            f"write at least {format_duration(pace.interval)}",
        )
