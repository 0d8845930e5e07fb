"""Whose an execution is: it names a configuration version only, which names an agent, which has a name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any, Final

from exporter.errors import InvalidResponse
from exporter.observations import Roster
from exporter.platforms.moderately.api import Api
from exporter.platforms.moderately.records import Agent, Execution, Owned, Owner
from exporter.redaction import blank
from exporter.times import DAY, Micros

ASK_AGAIN: Final = DAY
"""A version or agent that the platform does not know is asked for again after this time."""
PATIENCE: Final = 3
"""So many polls fail rather than count for nobody what an answer has just not told yet."""
VERSION: Final = "version/"
"""Before the identity of a workload of which only the version is known; agents' ids hold no slash."""


class Names:
    """Agents and versions of one target; ``memory`` keeps what was learned between polls.

    ``workloads`` are the identities that the ledger knows, None before anything is counted.
    """

    def __init__(self, api: Api, memory: dict[str, Any], now: Micros, workloads: Container[str] | None) -> None:
        self._api = api
        self._now = now
        self._workloads = workloads
        self._agents: dict[str, Agent] = memory.setdefault("agents", {})
        self._versions: dict[str, str] = memory.setdefault("versions", {})
        self._unknown: dict[str, Micros] = memory.setdefault("unknown", {})
        """Versions and agents that the answers lacked, with when."""
        self._lacked: dict[str, int] = memory.setdefault("lacked", {})
        """In how many polls they did."""
        self._named: dict[str, str] = memory.setdefault("named", {})
        """Names of agents, kept when a list lacks them: an agent that is not told has not lost its name."""

    @property
    def agents(self) -> dict[str, Agent]:
        """The agents by id, as last listed."""
        return self._agents

    def learn(self) -> Roster[Agent]:
        """Read the list of agents. Raises UpstreamError."""
        roster = self._api.agents()
        self._agents.clear()
        self._agents.update({agent.agentId: agent for agent in roster.items})
        self._named.update({agent.agentId: agent.name for agent in roster.items if agent.name})
        return roster

    def own(self, executions: Iterable[Execution]) -> tuple[Owned, ...]:
        """Find the owner of each, asking for what is not known. Raises UpstreamError.

        What an answer lacks is asked for once more, and in the next polls, which fail until then: whom a run was
        counted for can never be put right.
        """
        held = tuple(executions)
        wanted = {each.agentConfigurationVersionId for each in held} - {None}
        versions = sorted(version for version in wanted if version and version not in self._versions)
        asked = [version for version in versions if self._may_ask(VERSION + version)]
        if asked:
            found = self._api.owners(asked)
            if lacking := [version for version in asked if version not in found]:
                found |= self._api.owners(lacking)
            self._versions.update(found)
            self._note_unknown([VERSION + version for version in asked if version not in found])
        agents = {self._versions[each] for each in wanted if each in self._versions}
        missing = [agent for agent in sorted(agents - self._named.keys()) if self._may_ask(agent)]
        if missing:
            self.learn()
            if not self._named.keys() >= set(missing):
                self.learn()
            self._note_unknown([agent for agent in missing if agent not in self._named])
        return tuple(Owned(each, self._owner(each)) for each in held)

    def _owner(self, execution: Execution) -> Owner:
        version = execution.agentConfigurationVersionId or ""
        agent = self._versions.get(version)
        if agent is None:
            return Owner(VERSION + blank(version), None)
        return Owner(agent, self._named.get(agent))

    def _may_ask(self, key: str) -> bool:
        return self._now - self._unknown.get(key, 0) >= ASK_AGAIN

    def _note_unknown(self, keys: Sequence[str]) -> None:
        """Note what the answers lacked. Raises InvalidResponse while it may yet be told."""
        if self._workloads is None:
            return  # history is not counted, and the next poll asks again
        for key in keys:
            self._lacked[key] = self._lacked.get(key, 0) + 1
        waiting = [key for key in keys if self._may_wait(key)]
        self._unknown.update(dict.fromkeys(set(keys).difference(waiting), self._now))
        if waiting:
            raise InvalidResponse(
                f"found {len(waiting)} of the executions' versions or agents in no list, such as {blank(waiting[0])}; "
                f"expected each: they count as unnamed when {PATIENCE} polls lacked them"
            )

    def _may_wait(self, key: str) -> bool:
        """Whether its name may yet come: it is new, and no agent that is listed without one."""
        return key not in (self._workloads or ()) and key not in self._agents and self._lacked[key] <= PATIENCE
