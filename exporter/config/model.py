"""The whole configuration, as the program uses it."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args

from pydantic import Field, model_validator

from exporter.catalogue.model import PlatformName
from exporter.expectations import Expectation
from exporter.platforms.durations import Duration
from exporter.platforms.fields import Pattern
from exporter.platforms.foundry.settings import FoundrySettings
from exporter.platforms.granite.settings import GraniteSettings
from exporter.platforms.moderately.settings import ModeratelySettings
from exporter.platforms.own_labels import OwnLabels
from exporter.platforms.pace import Pace, SettingsModel
from exporter.platforms.roboto.settings import RobotoSettings
from exporter.platforms.settings import TargetSettings
from exporter.platforms.wrong import wrong
from exporter.times import Micros

AnyTarget = Annotated[
    RobotoSettings | FoundrySettings | GraniteSettings | ModeratelySettings, Field(discriminator="platform")
]

PLATFORMS: Final[Mapping[PlatformName, type[TargetSettings]]] = {
    "roboto": RobotoSettings,
    "foundry": FoundrySettings,
    "granite": GraniteSettings,
    "moderately": ModeratelySettings,
}


class Match(SettingsModel):
    """Which workloads an expectation is about. All that is given must fit."""

    platform: PlatformName | None = Field(default=None, examples=["foundry"])
    """Only workloads of this platform."""
    target: Pattern | None = Field(default=None, examples=["support-*"])
    """Name of the target, or a pattern."""
    workload: Pattern | None = Field(default=None, examples=["nightly-*"])
    """Name of the workload as its label shows it, or a pattern."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.platform is None and self.target is None and self.workload is None:
            raise wrong("matches nothing in particular", 'write platform, target or workload, or workload: "*" for all')
        return self

    def fits(self, platform: str, target: str, workload: str) -> bool:
        """Whether a workload is meant."""
        return (
            self.platform in (None, platform)
            and (self.target is None or fnmatchcase(target, self.target))
            and (self.workload is None or fnmatchcase(workload, self.workload))
        )


class Objective(SettingsModel):
    """What is expected of a workload. Published as gauges, which alerts compare with what happened."""

    success_ratio: float | None = Field(default=None, gt=0, lt=1, examples=[0.99])
    """Share of ended runs, cancelled ones left out, that should be completed; more than 0 and less than 1."""
    max_silence: Annotated[Micros, Duration("1m", "3660d")] | None = Field(default=None, examples=["26h"])
    """Longest time without a completed run."""
    max_active: Annotated[Micros, Duration("1s", "3660d")] | None = Field(default=None, examples=["2h"])
    """Longest time that one run may take."""


class WorkloadRule(SettingsModel):
    """An expectation of some workloads. Where several fit, each key is taken from the last that has it."""

    match: Match = Field(examples=[{"platform": "foundry", "workload": "nightly-*"}])
    """Which workloads are meant."""
    labels: OwnLabels = Field(default={}, examples=[{"team": "data"}])
    """Labels on ``automation_workload_info``, for alerts to join on, at most 5."""
    objective: Objective = Field(default=Objective(), examples=[{"success_ratio": 0.99, "max_silence": "26h"}])
    """What is expected."""

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if not self.labels and self.objective == Objective():
            raise wrong("expects nothing", "write labels, objective, or both")
        return self


class Settings(SettingsModel):
    """The configuration file."""

    targets: tuple[AnyTarget, ...] = Field(min_length=1)
    """What is polled, at least one."""
    defaults: Pace = Field(default=Pace(), examples=[{"interval": "60s"}])
    """Keys that hold for every target that does not have them itself."""
    workloads: tuple[WorkloadRule, ...] = ()
    """Expectations and owners of workloads; where several match, the later one wins."""
    state: Path = Field(examples=["/var/lib/automation-exporter/state.db"])
    """File that keeps what was counted: a path, or ``sqlite:////absolute/path``. Without it
    ``$STATE_DIRECTORY/state.db``, else ``./automation-exporter.db``."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [target.name for target in self.targets]
        for name in names:
            if names.count(name) > 1:
                raise wrong(f'two targets are called "{name}"', "give each a name of its own")
        return self


def expectation(rules: tuple[WorkloadRule, ...], platform: str, target: str, workload: str) -> Expectation:
    """Return what is expected of a workload: of several rules that fit, each key is taken from the last that has it."""
    labels: dict[str, str] = {}
    told: dict[str, Any] = {}
    for rule in rules:
        if rule.match.fits(platform, target, workload):
            labels |= rule.labels
            told |= rule.objective.model_dump(exclude_none=True)
    return Expectation(tuple(labels.items()), **told)


if tuple(PLATFORMS) != get_args(PlatformName):
    raise TypeError("every platform of the catalogue needs its settings class here")
