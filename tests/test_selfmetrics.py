"""The exporter about itself: what is shown when, and that it is gone when a target is."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from exporter import __version__
from exporter.catalogue import own, runs
from exporter.catalogue.model import Metric
from exporter.errors import REASONS
from exporter.selfmetrics import SelfMetrics

FLEET = ("roboto", "fleet")
SUPPORT = ("foundry", "support")


def lines(about: SelfMetrics, prefix: str = "automation_exporter_") -> list[str]:
    """Sample lines of the families whose names begin with ``prefix``, without it."""
    return [
        line.removeprefix(prefix)
        for family in about.render()
        for piece in family.pieces
        for line in piece.text.plain.decode().splitlines()
        if line.startswith(prefix)
    ]


def test_before_any_target_only_the_build_and_the_share_are_told() -> None:
    """No family says 0 for what is not known."""
    about = SelfMetrics()
    assert [line.partition("{")[0] for line in lines(about)] == ["build_info", "shard_info"]
    assert f'version="{__version__}"' in lines(about)[0]
    assert lines(about)[1] == 'shard_info{shard="1",shards="1"} 1'
    about.shard(2, 3)
    assert lines(about)[1:] == ['shard_info{shard="2",shards="3"} 1']


def test_a_target_starts_with_zeros_and_without_up() -> None:
    """All reasons of errors are there from the start, so that the first error is an increase."""
    about = SelfMetrics()
    about.add_target(*FLEET)
    shown = lines(about)
    assert 'polls_total{platform="roboto",target="fleet"} 0' in shown
    assert 'poll_duration_seconds_count{platform="roboto",target="fleet"} 0' in shown
    for reason in REASONS:
        assert f'poll_errors_total{{platform="roboto",target="fleet",reason="{reason}"}} 0' in shown
    assert not [line for line in shown if line.startswith("target_up")]


def test_a_poll_is_counted_timed_and_judged() -> None:
    """A good one, then one that failed."""
    about = SelfMetrics()
    about.add_target(*FLEET)
    about.poll_finished(*FLEET, 0.3, None)
    assert 'target_up{platform="roboto",target="fleet"} 1' in lines(about)
    about.poll_finished(*FLEET, 2, "timeout")
    shown = lines(about)
    assert 'target_up{platform="roboto",target="fleet"} 0' in shown
    assert 'polls_total{platform="roboto",target="fleet"} 2' in shown
    assert 'poll_errors_total{platform="roboto",target="fleet",reason="timeout"} 1' in shown
    assert 'poll_duration_seconds_bucket{platform="roboto",target="fleet",le="0.25"} 0' in shown
    assert 'poll_duration_seconds_bucket{platform="roboto",target="fleet",le="0.5"} 1' in shown
    assert 'poll_duration_seconds_sum{platform="roboto",target="fleet"} 2.3' in shown


def test_an_error_of_one_workload_leaves_the_target_up() -> None:
    """It is counted, and that is all."""
    about = SelfMetrics()
    about.poll_finished(*FLEET, 1, None)
    about.poll_error(*FLEET, "not_found")
    assert 'target_up{platform="roboto",target="fleet"} 1' in lines(about)
    assert 'poll_errors_total{platform="roboto",target="fleet",reason="not_found"} 1' in lines(about)


def test_requests_walks_and_unknown_values_are_counted() -> None:
    """With the label that says what."""
    about = SelfMetrics()
    about.request(*FLEET, "200", 0.04)
    about.request(*FLEET, "timeout", 15)
    about.full_walk(*FLEET, "sweep")
    about.unknown_value(*FLEET, "status", 3)
    shown = lines(about)
    assert 'upstream_requests_total{platform="roboto",target="fleet",code="200"} 1' in shown
    assert 'upstream_requests_total{platform="roboto",target="fleet",code="timeout"} 1' in shown
    assert 'upstream_request_duration_seconds_bucket{platform="roboto",target="fleet",le="0.05"} 1' in shown
    assert 'full_walks_total{platform="roboto",target="fleet",reason="sweep"} 1' in shown
    assert 'unknown_values_total{platform="roboto",target="fleet",field="status"} 3' in shown


def test_a_reason_of_degradation_goes_to_zero_when_it_ends() -> None:
    """Once shown it stays, so that an alert resolves."""
    about = SelfMetrics()
    about.degraded(*FLEET, ["unsorted", "workload_error"])
    about.degraded(*SUPPORT, ["unsorted"])
    about.degraded(*FLEET, ["workload_error"])
    assert lines(about)[:3] == [
        'target_degraded{platform="foundry",target="support",reason="unsorted"} 1',
        'target_degraded{platform="roboto",target="fleet",reason="unsorted"} 0',
        'target_degraded{platform="roboto",target="fleet",reason="workload_error"} 1',
    ]


def test_a_gauge_can_be_taken_back() -> None:
    """Also one that was never set."""
    about = SelfMetrics()
    about.set_target(own.QUOTA_REMAINING, *FLEET, 7)
    assert 'upstream_quota_remaining{platform="roboto",target="fleet"} 7' in lines(about)
    about.clear_target(own.QUOTA_REMAINING, *FLEET)
    about.clear_target(own.QUOTA_REMAINING, *SUPPORT)
    assert len(lines(about)) == 2


def test_the_process_tells_its_own() -> None:
    """Each as soon as it is known; a failed reload keeps the time of the last good one."""
    about = SelfMetrics()
    about.state_commit(0.004)
    about.snapshot_refresh(0.25)
    about.set_process(own.STATE_SIZE, 4096)
    about.config_reload(True, 1_772_442_300)
    about.config_reload(False, 1_772_442_400)
    assert lines(about)[:-2] == [
        "state_commit_duration_seconds 0.004",
        "state_size_bytes 4096",
        "snapshot_refresh_duration_seconds 0.25",
        "config_last_reload_successful 0",
        "config_last_reload_success_timestamp_seconds 1772442300",
    ]


def test_a_forgotten_target_leaves_nothing() -> None:
    """And others keep theirs."""
    about = SelfMetrics()
    for target in (FLEET, SUPPORT):
        about.add_target(*target)
        about.poll_finished(*target, 1, "tls")
        about.request(*target, "500", 1)
        about.degraded(*target, ["unsorted"])
    about.forget_target(*FLEET)
    shown = "\n".join(lines(about))
    assert "fleet" not in shown
    alone = SelfMetrics()
    alone.add_target(*SUPPORT)
    alone.poll_finished(*SUPPORT, 1, "tls")
    alone.request(*SUPPORT, "500", 1)
    alone.degraded(*SUPPORT, ["unsorted"])
    assert shown == "\n".join(lines(alone))


def test_what_is_kept_between_renderings_is_what_a_first_one_shows() -> None:
    """Only targets that changed are rendered anew; many of them stand in blocks."""
    about, fresh = SelfMetrics(), SelfMetrics()
    targets = [("roboto", f"fleet-{number:02d}") for number in range(30)]
    for target in targets:
        about.add_target(*target)
    about.render()
    about.poll_finished(*targets[7], 1, "tls")
    about.clear_target(own.TARGET_UP, *targets[7])
    about.set_target(own.QUOTA_REMAINING, *targets[9], 4)
    about.render()
    about.poll_error(*targets[8], "timeout")
    about.forget_target(*targets[3])
    for target in targets:
        fresh.add_target(*target)
    fresh.poll_finished(*targets[7], 1, "tls")
    fresh.clear_target(own.TARGET_UP, *targets[7])
    fresh.poll_error(*targets[8], "timeout")
    fresh.set_target(own.QUOTA_REMAINING, *targets[9], 4)
    fresh.forget_target(*targets[3])
    assert lines(about) == lines(fresh)
    errors = next(family for family in about.render() if family.name == own.POLL_ERRORS.name)
    assert len(errors.pieces) > 3


@pytest.mark.parametrize("row", [own.POLLS, runs.ENABLED], ids=lambda row: row.name)
def test_only_gauges_of_its_own_can_be_set(row: Metric) -> None:
    """Anything else is a bug of the caller."""
    about = SelfMetrics()
    with pytest.raises(KeyError):
        about.set_target(row, *FLEET, 1)
    with pytest.raises(KeyError):
        about.set_process(row, 1)


def test_families_come_in_the_order_of_the_table_each_once() -> None:
    """Then those of the process and of Python."""
    about = SelfMetrics(CollectorRegistry())
    about.config_reload(True, 1)
    about.add_target(*FLEET)
    names = [family.name for family in about.render()]
    ours = [name for name in names if name.startswith("automation_exporter_")]
    assert names[: len(ours)] == ours
    assert ours == [row.name for row in own.ROWS if row.name in ours]
    assert len(set(names)) == len(names)
    assert {"process_cpu_seconds_total", "process_open_fds", "python_info"} <= set(names)


def test_created_times_are_in_neither_format() -> None:
    """In text they would be families of their own."""
    about = SelfMetrics()
    about.add_target(*FLEET)
    for piece in [piece for family in about.render() for piece in family.pieces]:
        assert b"_created" not in piece.text.plain.replace(b"state_created", b"")
        assert b"_created" not in piece.openmetrics.plain.replace(b"state_created", b"")
