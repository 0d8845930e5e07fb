"""What a new configuration changes: pure."""

from __future__ import annotations

from typing import NamedTuple

from exporter.config import Settings
from exporter.errors import ConfigError
from exporter.platforms.settings import TargetSettings


class Difference(NamedTuple):
    """Names of targets to take out, settings of targets to put in. A changed target is in both."""

    removed: tuple[str, ...]
    added: tuple[TargetSettings, ...]

    def counts(self) -> dict[str, int]:
        """Return how many targets are removed, renamed (by ``previous_name``), changed and added: no target twice."""
        added = {target.name for target in self.added}
        gone = set(self.removed) - added
        renamed = {target.previous_name for target in self.added if target.name not in self.removed} & gone
        changed = added.intersection(self.removed)
        return {
            "removed": len(gone) - len(renamed),
            "renamed": len(renamed),
            "changed": len(changed),
            "added": len(added) - len(changed) - len(renamed),
        }


def difference(old: Settings, new: Settings) -> Difference:
    """Compare two configurations. Raises ConfigError for what only a restart can change."""
    if old.state != new.state:
        raise ConfigError([f"state: changed from {old.state} to {new.state}; that takes a restart"])
    before = {target.name: target for target in old.targets}
    after = {target.name: target for target in new.targets}
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    removed = (before.keys() - after.keys()) | changed
    added = (after.keys() - before.keys()) | changed
    return Difference(tuple(sorted(removed)), tuple(after[name] for name in sorted(added)))
