"""What Roboto's statistics say (wire contract: ``GET /v1/actions/invocations/org-stats``, roboto 0.62.0)."""

from __future__ import annotations

from typing import NamedTuple

from exporter.platforms.parsing import Count, Record, RequiredText, SafeIdentifier


class ActionStats(Record):
    """One item of the list: an action's invocations over the window that was asked for."""

    action_name: RequiredText
    action_org_id: SafeIdentifier
    completed_count: Count
    fail_count: Count
    queued_count: Count


COUNTS = frozenset({"completed_count", "fail_count", "queued_count"})
"""Fields without which the whole answer cannot be used: a null number is no number (rule 10)."""


class Caller(Record):
    """One organisation that the token's user belongs to (``GET /v1/orgs/caller``)."""

    org_id: SafeIdentifier


class Figures(NamedTuple):
    """An action over one window. ``own`` says that the target's own organisation owns the action."""

    org_id: str
    name: str
    own: bool
    completed: int
    failed: int
    queued: int

    @property
    def identity(self) -> str:
        """What tells the action from others: names are unique within an organisation only."""
        return f"{self.org_id}/{self.name}"

    def plus(self, other: Figures) -> Figures:
        """Add the same action over another window."""
        return self._with(self.completed + other.completed, self.failed + other.failed, self.queued + other.queued)

    def larger(self, other: Figures) -> Figures:
        """Return the larger of two numbers told for the same window."""
        return self._with(
            max(self.completed, other.completed), max(self.failed, other.failed), max(self.queued, other.queued)
        )

    def _with(self, completed: int, failed: int, queued: int) -> Figures:
        return self._replace(completed=completed, failed=failed, queued=queued)
