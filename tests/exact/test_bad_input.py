"""Bad input: each kind gives its message and its reason, moves no cursor, counts nothing wrong and stays alone.

A row is a fault of the simulator, or several; what is read goes wrong from the second poll on, while the other
targets go on. Afterwards the fault is gone, and the totals equal the truth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.counting.states import ListingState, SourceState, TargetState
from exporter.errors import REASONS, Reason
from exporter.poll import Report
from exporter.simulator import CANARY, ManualClock, Platform
from exporter.target import Target
from tests.exact.world import PLATFORMS, START, Numbers, Program, assert_exact, numbers, program, simulator_of

STEP = 61.0
"""Seconds between two polls."""

WORLD: Mapping[str, Any] = {"pace": 30.0, "workloads": 3, "history_days": 0.02}
SETTINGS: Mapping[str, Any] = {"max_response_bytes": "1MiB"}
LARGE = 2 << 20


@dataclass(frozen=True)
class Bad:
    """One kind of bad input: the fault, and what is said of it.

    ``message`` is looked for in what a poll reports. ``recovery`` is after how many seconds the upstream, which is
    well again, is asked.
    """

    fault: str
    reason: Reason
    message: str
    options: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[Platform, ...] = PLATFORMS
    recovery: float = STEP

    @property
    def id(self) -> str:
        """The name of the test."""
        return "-".join((self.fault, *map(str, self.options.values())))


LED_ASTRAY = "followed before|with nothing new on them|the same action on two pages"

BY_LINK: tuple[Platform, ...] = ("roboto", "foundry")
"""Platforms whose answers lead to the next page; one counts pages by number, one has none."""

TABLE = (
    Bad("wrong_token", "unauthorized", r"HTTP 40[13].* check the token or key"),
    Bad("unauthorized", "unauthorized", r"HTTP 401.* check the token or key"),
    Bad("gateway_deny", "unauthorized", r"HTTP 403, .* check the token or key", only=("roboto",)),
    Bad("forbidden", "forbidden", r"HTTP 403.* check roles and organisation"),
    Bad("not_found", "not_found", r"HTTP 404.* check the endpoint and the ids"),
    Bad("html_body", "invalid_response", r"found HTML \(first tag <\w+>\), expected JSON"),
    Bad("truncated_json", "invalid_response", r"found truncated JSON \(it stops at byte \d+\)"),
    Bad("invalid_json", "invalid_response", r"found text that is no JSON \(at character \d+\)"),
    Bad("empty_body", "invalid_response", "found an empty body, expected JSON"),
    Bad("not_utf8", "invalid_response", r"found bytes that are not UTF-8"),
    Bad("deep_json", "invalid_response", "found JSON nested too deeply"),
    Bad("missing_list", "invalid_response", "found (none|null), expected (an object with )?a list '"),
    Bad("null_list", "invalid_response", "found null, expected a list '"),
    Bad("wrong_kind_of_list", "invalid_response", "found an object, expected a list '"),
    Bad("null_counts", "invalid_response", r"found no count in \w+, expected a whole number", only=("roboto",)),
    Bad("negative_counts", "invalid_response", r"found no count in \w+, expected a whole number", only=("roboto",)),
    Bad("rate_limited", "rate_limited", "HTTP 429.* raise the interval", {"form": "none"}),
    Bad("rate_limited", "rate_limited", "HTTP 429.* raise the interval", {"form": "seconds", "wait": 5}),
    Bad("rate_limited", "rate_limited", "HTTP 429.* raise the interval", {"form": "date", "wait": 600}, recovery=601),
    Bad("rate_limited", "rate_limited", "HTTP 429", {"form": "x-ms-retry-after-ms", "wait": 40}),
    Bad("server_error", "server_error", "HTTP 500"),
    Bad("bad_gateway", "server_error", "HTTP 502"),
    Bad("unavailable", "server_error", "HTTP 503", {"wait": 3}),
    Bad("gateway_timeout", "server_error", "HTTP 504"),
    Bad("connect_timeout", "timeout", "no connection in time"),
    Bad("read_timeout", "timeout", "no complete answer in time"),
    Bad("dripped_headers", "timeout", "no complete answer in time", {"seconds": 3600}),
    Bad("connection_refused", "connection", "the connection broke"),
    Bad("connection_reset", "connection", "the connection broke"),
    Bad("oversized_body", "too_large", "found .* max_response_bytes = 1048576", {"size": LARGE}),
    Bad("gzip_bomb", "too_large", "unpacked, allowed are max_response_bytes = 1048576", {"size": LARGE}),
    Bad("redirect", "invalid_response", r"HTTP 302, a redirect to other\.invalid; redirects are not followed"),
    Bad(
        "foreign_next_link",
        "invalid_response",
        r"next_link points to another host: found https://other\.invalid:443, allowed http://127",
        only=("foundry",),
    ),
    Bad("looping_next_link", "invalid_response", LED_ASTRAY, only=BY_LINK),
    Bad("repeated_page", "invalid_response", LED_ASTRAY, only=BY_LINK),
    Bad("endless_empty_pages", "invalid_response", "10 empty pages running", only=(*BY_LINK, "moderately")),
)

ROWS = [(bad, platform) for bad in TABLE for platform in bad.only]
rows = pytest.mark.parametrize(("bad", "platform"), ROWS, ids=[f"{bad.id}-{platform}" for bad, platform in ROWS])


@rows
def test_bad_answers_fail_the_poll_and_nothing_else(bad: Bad, platform: Platform) -> None:
    """Every answer of one platform is bad; another target counts on."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    bystander = PLATFORMS[PLATFORMS.index(platform) - 1]
    with program(simulator, clock, platforms=[platform, bystander], **SETTINGS) as made:
        assert all(report.good for report in made.poll_all().values())
        clock.advance(STEP)
        assert all(report.good for report in made.poll_all().values())
        before, counted = cursor(made.targets[platform]), made.counted(platform)
        clock.advance(STEP)
        with simulator.faults.active(bad.fault, platform=platform, **bad.options):
            report = made.poll(platform)
        assert_failed(made, platform, bad, report)
        assert cursor(made.targets[platform]) == before
        assert made.counted(platform) == counted
        assert made.poll(bystander).good
        assert_exact(made, bystander)
        assert_recovers(made, platform, bad, clock)


@rows
def test_bad_first_answers_leave_no_baseline_behind(bad: Bad, platform: Platform) -> None:
    """A target whose very first answers are bad begins where the first good one comes."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=[platform], **SETTINGS) as made:
        with simulator.faults.active(bad.fault, platform=platform, **bad.options):
            report = made.poll(platform)
        assert_failed(made, platform, bad, report)
        assert made.counted(platform) == {}
        if made.targets[platform].ledger.target is None:
            simulator.forget_baselines()  # an answer that cannot be used begins nothing
        assert_recovers(made, platform, bad, clock)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_credentials_that_are_refused_now_and_then(platform: Platform) -> None:
    """Some requests of a poll are answered with 401 (also when asked again) or 403: what was read of it counts once."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=[platform], **SETTINGS) as made:
        assert made.poll(platform).good
        failed = set()
        for number in range(12):
            clock.advance(STEP)
            if (fault := ("unauthorized", "forbidden", None)[number % 3]) is not None:
                simulator.faults.on(fault, platform=platform, after=number // 6, times=2)
            report = made.poll(platform)
            simulator.faults.clear()
            failed |= {report.error} | {each.reason for each in report.listings_failed}
        assert failed >= {"unauthorized", "forbidden"}
        assert reasons(made, platform) == failed - {None}
        clock.advance(STEP)
        assert made.poll(platform).good
        assert_exact(made, platform)


BY_LISTING: tuple[Platform, ...] = ("foundry",)
"""Platforms with a listing of runs for each workload."""

LISTING_ROWS = [(bad, platform) for bad in TABLE for platform in BY_LISTING if platform in bad.only]


@pytest.mark.parametrize(
    ("bad", "platform"), LISTING_ROWS, ids=[f"{bad.id}-{platform}" for bad, platform in LISTING_ROWS]
)
def test_one_workload_whose_runs_cannot_be_read(bad: Bad, platform: Platform) -> None:
    """Its cursor stays, the other workloads are counted, the target is up and says that something is wrong."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=[platform], **SETTINGS) as made:
        target = made.targets[platform]
        assert made.poll(platform).good
        chosen = sorted(target.ledger.workloads)[0]
        before = target.ledger.listings[chosen]
        clock.advance(STEP)
        with simulator.faults.active(bad.fault, platform=platform, path=f"/{chosen}/runs", **bad.options):
            report = made.poll(platform)
        assert report.good
        [failed] = report.listings_failed
        assert (failed.listing, failed.reason) == (chosen, bad.reason)
        assert re.search(bad.message, failed.message), failed.message
        assert target.degraded == {"workload_error"}
        assert reasons(made, platform) == {bad.reason}
        assert at_rest(target.ledger.listings[chosen]) == at_rest(before)
        if bad.reason not in ENDS_THE_POLL:
            assert without(made.counted(platform), chosen) == without(numbers(simulator.totals(platform)), chosen)
        assert_recovers(made, platform, bad, clock)
        assert target.degraded == frozenset()


ENDS_THE_POLL = frozenset({"unauthorized", "rate_limited"})
"""Reasons that concern the whole target, whichever listing met them: nothing further is asked in that poll."""


def cursor(target: Target) -> tuple[TargetState | None, Mapping[str, ListingState], Mapping[str, SourceState]]:
    """Where reading stands: baseline and floor, listings, anchors."""
    ledger = target.ledger
    return ledger.target, {key: at_rest(state) for key, state in ledger.listings.items()}, dict(ledger.sources)


def at_rest(state: ListingState) -> ListingState:
    """A listing's state without what says how its last walk went."""
    return state._replace(
        failed=None, failed_at=None, gone=False, link=None, top=None, kind=None, walk_started=None, depth=None
    )


def without(counted: Numbers, workload: str) -> Numbers:
    """What was counted of all other workloads."""
    return {key: number for key, number in counted.items() if workload not in key[1] and "schedule" not in key[0]}


def reasons(made: Program, platform: Platform) -> set[str]:
    """The reasons that ``poll_errors_total`` has counted for a platform's target."""
    labels = {"platform": platform, "target": f"demo-{platform}"}
    value = made.metrics.registry.get_sample_value
    return {
        reason for reason in REASONS if value("automation_exporter_poll_errors_total", {**labels, "reason": reason})
    }


def assert_failed(made: Program, platform: Platform, bad: Bad, report: Report) -> None:
    """The poll failed with the row's reason, message and metrics, and leaks nothing."""
    assert not report.good
    assert report.error == bad.reason, report.message
    assert re.search(bad.message, report.message), report.message
    assert reasons(made, platform) == {bad.reason}
    target = made.targets[platform]
    assert target.last_error is not None
    assert (target.last_error.reason, target.last_error.message) == (bad.reason, report.message)
    text = made.text()
    assert f'automation_exporter_target_up{{platform="{platform}",target="demo-{platform}"}} 0\n' in text
    for leak in (CANARY, made.simulator.credentials.roboto_token, made.simulator.credentials.foundry_token):
        assert leak not in report.message
        assert leak not in text
    strays = made.transport.strays if made.transport is not None else []
    assert strays == [], "a request went to another host"
    assert made.simulator.faults.used[bad.fault], "the fault met no request"


def assert_recovers(made: Program, platform: Platform, bad: Bad, clock: ManualClock) -> None:
    """With the upstream well again the next poll is good, and the totals equal the truth."""
    clock.advance(bad.recovery)
    report = made.poll(platform)
    assert report.good, report.message
    assert report.listings_failed == []
    assert_exact(made, platform)
    clock.advance(STEP)
    assert made.poll(platform).good
    assert_exact(made, platform)
