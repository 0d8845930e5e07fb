"""What a new configuration changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter.app.reload import difference
from exporter.config import PLATFORMS, Settings
from exporter.errors import ConfigError

FLEET: Mapping[str, Any] = {"name": "fleet", "platform": "roboto", "org_id": "og_example", "token": "example-token"}
OTHER: Mapping[str, Any] = {**FLEET, "name": "other"}


def settings(*targets: Mapping[str, Any], state: str = "state.db") -> Settings:
    """A configuration of these targets."""
    models = [PLATFORMS[target["platform"]].model_validate(target) for target in targets]
    return Settings.model_validate({"targets": models, "state": Path(state)})


@pytest.mark.parametrize(
    ("new", "removed", "added"),
    [
        ([FLEET, OTHER], (), ()),
        ([OTHER, FLEET], (), ()),
        ([FLEET], ("other",), ()),
        ([FLEET, OTHER, {**FLEET, "name": "third"}], (), ("third",)),
        ([FLEET, {**OTHER, "interval": "5m"}], ("other",), ("other",)),
        ([FLEET, {**OTHER, "labels": {"team": "example"}}], ("other",), ("other",)),
        ([FLEET, {**OTHER, "token": "another-example-token"}], ("other",), ("other",)),
        ([{**OTHER, "name": "fourth"}], ("fleet", "other"), ("fourth",)),
    ],
)
def test_what_changed_is_taken_out_and_put_in(
    new: Sequence[Mapping[str, Any]], removed: tuple[str, ...], added: tuple[str, ...]
) -> None:
    """A changed target is both; the order in the file does not matter."""
    change = difference(settings(FLEET, OTHER), settings(*new))
    assert (change.removed, tuple(target.name for target in change.added)) == (removed, added)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ([FLEET, OTHER], {}),
        ([FLEET], {"removed": 1}),
        ([FLEET, OTHER, {**FLEET, "name": "third"}], {"added": 1}),
        ([FLEET, {**OTHER, "interval": "5m"}], {"changed": 1}),
        ([FLEET, {**OTHER, "previous_name": "fleet"}], {"changed": 1}),
        ([FLEET, {**OTHER, "name": "third", "previous_name": "other"}], {"renamed": 1}),
        ([{**OTHER, "name": "third", "previous_name": "elsewhere"}], {"removed": 2, "added": 1}),
        (
            [
                {**FLEET, "interval": "5m"},
                {**OTHER, "name": "third", "previous_name": "other"},
                {**OTHER, "name": "fourth"},
            ],
            {"renamed": 1, "changed": 1, "added": 1},
        ),
    ],
)
def test_what_the_log_says_of_it(new: Sequence[Mapping[str, Any]], told: Mapping[str, int]) -> None:
    """A changed target is neither removed nor added, and a renamed one keeps its totals."""
    none = {"removed": 0, "renamed": 0, "changed": 0, "added": 0}
    assert difference(settings(FLEET, OTHER), settings(*new)).counts() == {**none, **told}


def test_another_state_takes_a_restart() -> None:
    """Totals cannot move from file to file while they are counted."""
    with pytest.raises(ConfigError, match=r"state: changed from state\.db to other\.db; that takes a restart"):
        difference(settings(FLEET), settings(FLEET, state="other.db"))
