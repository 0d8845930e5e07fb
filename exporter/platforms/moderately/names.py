"""Whose an execution is: it names a configuration version only, which names an agent, which has a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from exporter.observations import Roster
from exporter.platforms.moderately.api import Api
from exporter.platforms.moderately.records import Agent, Execution, Owned, Owner
from exporter.redaction import blank
from exporter.times import DAY, Micros

ASK_AGAIN: Final = DAY
"""A version or agent that the platform did not know twice running is asked for again after this time."""
VERSION: Final = "version/"
"""Before the identity of a workload of which only the version is known; agents' ids hold no slash."""


class Names:
    """Agents and versions of one target; ``memory`` keeps what was learned between polls."""

    def __init__(self, api: Api, memory: dict[str, Any], now: Micros) -> None:
        self._api = api
        self._now = now
        self._agents: dict[str, Agent] = memory.setdefault("agents", {})
        self._versions: dict[str, str] = memory.setdefault("versions", {})
        self._unknown: dict[str, Micros] = memory.setdefault("unknown", {})
        """Versions and agents that two answers lacked, with when."""
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

        What an answer lacks is asked for once more: whom a run was counted for can never be put right.
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
            self._note_unknown(VERSION + version for version in asked if version not in found)
        agents = {self._versions[each] for each in wanted if each in self._versions}
        missing = [agent for agent in sorted(agents - self._named.keys()) if self._may_ask(agent)]
        if missing:
            self.learn()
            if not self._named.keys() >= set(missing):
                self.learn()
            self._note_unknown(agent for agent in missing if agent not in self._named)
        return tuple(Owned(each, self._owner(each)) for each in held)

    def _owner(self, execution: Execution) -> Owner:
        version = execution.agentConfigurationVersionId or ""
        agent = self._versions.get(version)
        if agent is None:
            return Owner(VERSION + blank(version), None)
        return Owner(agent, self._named.get(agent))

    def _may_ask(self, key: str) -> bool:
        return self._now - self._unknown.get(key, 0) >= ASK_AGAIN

    def _note_unknown(self, keys: Iterable[str]) -> None:
        self._unknown.update(dict.fromkeys(keys, self._now))
