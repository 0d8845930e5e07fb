"""Shares of the targets."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path

import pytest

from exporter.config import EVERYTHING, Shard, load_text, parse_shard
from exporter.errors import ConfigError

NAMES = [f"target-{number}" for number in range(1000)]


@pytest.mark.parametrize(
    ("text", "environ", "shard"),
    [
        ("1/1", {}, Shard(1, 1)),
        ("3/3", {}, Shard(3, 3)),
        ("auto/3", {"POD_NAME": "exporter-0"}, Shard(1, 3)),
        ("auto/20", {"POD_NAME": "automation-exporter-12"}, Shard(13, 20)),
    ],
)
def test_a_shard_is_read(text: str, environ: dict[str, str], shard: Shard) -> None:
    """Numbers count from 1, pods from 0."""
    assert parse_shard(text, environ) == shard


def test_without_a_pod_name_the_host_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod the host has the pod's name."""
    monkeypatch.setattr(socket, "gethostname", lambda: "exporter-2")
    assert parse_shard("auto/3", {}) == Shard(3, 3)


@pytest.mark.parametrize(
    ("text", "pod", "problem"),
    [
        ("1", "x-0", "--shard '1': not NUMBER/TOTAL; write for example 1/3 or auto/3"),
        ("0/3", "x-0", "--shard '0/3': not NUMBER/TOTAL; write for example 1/3 or auto/3"),
        ("4/3", "x-0", "--shard '4/3': this is number 4, and there are only 3; raise the total"),
        ("auto/3", "x-3", "--shard 'auto/3': this is number 4, and there are only 3; raise the total"),
        (
            "auto/3",
            "exporter-5d9f",
            "--shard 'auto/3': 'exporter-5d9f' does not end with a number; set POD_NAME to the name of a "
            "StatefulSet's pod, or write the number instead of auto",
        ),
    ],
)
def test_a_wrong_shard_is_refused(text: str, pod: str, problem: str) -> None:
    """With what would be right."""
    with pytest.raises(ConfigError) as error:
        parse_shard(text, {"POD_NAME": pod})
    assert error.value.problems == (problem,)


def owner(name: str, total: int) -> int:
    """The one shard that has a target."""
    (number,) = (number for number in range(1, total + 1) if Shard(number, total).has(name))
    return number


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_each_target_is_in_exactly_one_share_and_shares_are_about_even(total: int) -> None:
    """None is polled twice, none is forgotten."""
    shares = Counter(owner(name, total) for name in NAMES)
    assert len(shares) == total
    assert max(shares.values()) < 1.25 * len(NAMES) / total


def test_a_further_shard_takes_over_its_share_and_moves_nothing_else() -> None:
    """What moves begins anew in another state, so as little as possible moves."""
    before, after = ({name: owner(name, total) for name in NAMES} for total in (3, 4))
    moved = [name for name in NAMES if before[name] != after[name]]
    assert {after[name] for name in moved} == {4}
    assert len(moved) < 1.25 * len(NAMES) / 4


def test_the_hash_is_the_same_in_every_version() -> None:
    """Another one would move targets with an update."""
    assert [owner(name, 5) for name in ("fleet", "support-routines", "back-office", "agents")] == [4, 4, 5, 2]


def test_settings_are_shared_out() -> None:
    """A share may be empty; all else stays."""
    text = "targets:\n" + "".join(
        f"  - {{name: {name}, platform: roboto, token: example-token, org_id: {name}}}\n" for name in NAMES[:3]
    )
    settings = load_text(text + "state: s.db\n", {}, name="c.yaml", folder=Path())
    assert EVERYTHING.share(settings) == settings
    shares = [Shard(number, 40).share(settings) for number in range(1, 41)]
    assert sorted(target.name for share in shares for target in share.targets) == NAMES[:3]
    assert any(not share.targets for share in shares)
    assert {share.state for share in shares} == {settings.state}
