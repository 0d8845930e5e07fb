"""What Moderately AI's lists say (wire contract: the vendor's OpenAPI document of 2025-08-27; camelCase throughout).

Inputs, outputs, summaries, thoughts and instructions are not read at all.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator

from exporter.catalogue.runs import CANCELLED, COMPLETED, FAILED
from exporter.platforms.parsing import Identifier, Record, SafeIdentifier, Text, Time, bulk_record, whole
from exporter.times import Micros


def _number(value: object) -> int | None:
    """A number that the platform may leave out; one that cannot be counted is missing too."""
    try:
        return None if value is None else whole(value)
    except ValueError:
        return None


Number = Annotated[int | None, BeforeValidator(_number)]


@bulk_record
class Execution:
    """One item of ``GET /agent-executions``. All but the id may be missing."""

    agentExecutionId: Identifier  # noqa: N815  the vendor's spelling, as in the records of the other platforms
    agentConfigurationVersionId: Text = None  # noqa: N815
    status: Text = None
    createdAt: Time = None  # noqa: N815
    startedAt: Time = None  # noqa: N815
    completedAt: Time = None  # noqa: N815
    failedAt: Time = None  # noqa: N815
    cancelledAt: Time = None  # noqa: N815
    maxActions: Number = None  # noqa: N815
    currentStep: Number = None  # noqa: N815

    @property
    def ends(self) -> dict[str, Micros | None]:
        """When it ended, by outcome; the platform has a field for each."""
        return {COMPLETED: self.completedAt, FAILED: self.failedAt, CANCELLED: self.cancelledAt}

    @property
    def times(self) -> tuple[Micros | None, ...]:
        """Its times in the order of birth."""
        return (self.createdAt, self.startedAt, self.completedAt, self.failedAt, self.cancelledAt)


class Agent(Record):
    """One item of ``GET /agents``."""

    agentId: SafeIdentifier  # noqa: N815
    name: Text = None
    createdAt: Time = None  # noqa: N815
    totalRuns: Number = None  # noqa: N815
    successfulRuns: Number = None  # noqa: N815


class Version(Record):
    """One item of ``GET /agent-configuration-versions``, which tells whose an execution is."""

    agentConfigurationVersionId: SafeIdentifier  # noqa: N815
    agentId: SafeIdentifier  # noqa: N815


class Owner(NamedTuple):
    """Whose an execution is: the agent, or the version that no answer knew an agent for. ``name`` None: unnamed."""

    identity: str
    name: str | None


class Owned(NamedTuple):
    """An execution with its owner."""

    execution: Execution
    owner: Owner


def status_of(execution: Execution) -> str:
    """Return the status in lower case, empty when it is not told."""
    return (execution.status or "").strip().lower()


TERMINAL: Final = (COMPLETED, FAILED, CANCELLED)
"""Statuses of ended executions, which are outcomes by the same names."""
