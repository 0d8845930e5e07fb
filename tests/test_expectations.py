"""Expectations and owners: from ``workloads:`` to gauges and labels."""

from __future__ import annotations

from exporter import exposed
from exporter.config import Match, Objective, WorkloadRule, expectation
from exporter.expectations import Expectation
from exporter.exposition import Snapshot
from exporter.families import TargetLabels
from exporter.times import HOUR, MINUTE
from tests.counting.kit import Bench

RULES = (
    WorkloadRule.model_validate(
        {
            "match": {"platform": "foundry", "workload": "nightly-*"},
            "labels": {"team": "data", "tier": "1"},
            "objective": {"success_ratio": 0.99, "max_silence": "26h", "max_active": "2h"},
        }
    ),
    WorkloadRule.model_validate({"match": {"workload": "*-monthly"}, "objective": {"max_silence": "32d"}}),
)


def expect(workload: str, platform: str = "foundry") -> Expectation:
    return expectation(RULES, platform, "t", workload)


def exposition(bench: Bench) -> str:
    snapshot = Snapshot()
    target = TargetLabels("foundry", "t", (("team", "platform"), ("region", "eu")))
    snapshot.update(target, exposed.families(bench.ledger, bench.rules, bench.now, expect=expect))
    return snapshot.publish(0).text.decode()


def lines(text: str, name: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(name)]


def test_later_rules_win_key_by_key() -> None:
    found = expect("nightly-monthly")
    assert found.labels == (("team", "data"), ("tier", "1"))
    assert (found.success_ratio, found.max_silence, found.max_active) == (0.99, 32 * 24 * HOUR, 2 * HOUR)
    assert expect("nightly-a", platform="roboto") == Expectation()


def test_objectives_are_gauges_and_owners_are_labels_of_the_info() -> None:
    bench = Bench()
    bench.roster("nightly-a", "other")
    text = exposition(bench)
    assert lines(text, "automation_workload_objective") == [
        'automation_workload_objective_success_ratio{platform="foundry",target="t",team="platform",region="eu",'
        'workload="nightly-a"} 0.99',
        'automation_workload_objective_max_silence_seconds{platform="foundry",target="t",team="platform",region="eu",'
        'workload="nightly-a"} 93600',
        'automation_workload_objective_max_active_seconds{platform="foundry",target="t",team="platform",region="eu",'
        'workload="nightly-a"} 7200',
    ]
    owned, plain = lines(text, "automation_workload_info")
    assert 'team="data",region="eu",tier="1",workload="nightly-a"' in owned
    assert 'team="platform",region="eu",workload="other"' in plain


def test_a_deleted_workload_owes_nothing() -> None:
    """Nobody is paged for the silence of what was taken away on purpose."""
    bench = Bench()
    bench.roster("nightly-a")
    bench.now += MINUTE
    bench.roster()
    assert not lines(exposition(bench), "automation_workload_objective")


def test_silence_of_an_action_that_no_roster_lists_is_still_judged() -> None:
    """Roboto names an action only while it runs: absent there is the very silence that was to be noticed."""
    bench = Bench()
    bench.windows({("nightly-a", "completed"): 1}, anchor=bench.now - HOUR)
    bench.now += MINUTE
    bench.windows({}, anchor=bench.now - HOUR - MINUTE)
    assert lines(exposition(bench), "automation_workload_objective_max_silence")


def test_rules_are_models_of_the_configuration() -> None:
    assert RULES[1] == WorkloadRule(match=Match(workload="*-monthly"), objective=Objective(max_silence="32d"))
