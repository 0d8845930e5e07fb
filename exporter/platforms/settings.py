"""What the settings of every target have in common: pace, limits and connection, and what may not be combined.

The settings of one platform derive from ``TargetSettings`` in the platform's own ``settings.py``. All models are
frozen, refuse unknown keys and never show what was put into them. Lengths of time are integer microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from exporter.catalogue.model import PlatformName
from exporter.counting.limits import Limits
from exporter.http.settings import Settings as ClientSettings
from exporter.platforms.credentials import VendorValue, secrets_of
from exporter.platforms.fields import Pattern, plain_http
from exporter.platforms.own_labels import OwnLabels
from exporter.platforms.pace import Pace, SettingsModel, conflicts_of_pace
from exporter.platforms.run_links import ALWAYS, check
from exporter.platforms.wrong import CONFLICTS, Conflict, wrong
from exporter.secrets import Secret
from exporter.times import MINUTE, SECOND

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def check_name(name: str) -> str:
    """Return the name of a target, or say what is wrong with it."""
    if not _NAME.fullmatch(name):
        raise wrong("is not a target name", "use 1 to 100 letters, digits, '-', '_' or '.', a letter or digit first")
    return name


class TargetSettings(Pace):
    """One target, whatever its platform."""

    DEFAULT_ENDPOINT: ClassVar[str | None] = None
    """The vendor's public address; None where every customer has another one."""
    RUN_IDS: ClassVar[tuple[str, ...]] = ()
    """Kinds of ids that the platform's runs may have beside their own."""

    name: Annotated[str, AfterValidator(check_name)] = Field(examples=["fleet"])
    """Name of the target, unique in the file; the value of the label ``target``."""
    previous_name: Annotated[str, AfterValidator(check_name)] | None = Field(default=None, examples=["robots"])
    """Name that the target had before. What was counted under it goes on under ``name``, once; leave it there or remove
    it later, both are fine."""
    platform: PlatformName = Field(examples=["roboto"])
    """Which upstream product this is."""
    labels: OwnLabels = Field(default={}, examples=[{"team": "perception", "tier": "1"}])
    """Labels of your own on every series of the target, at most 5."""
    run_url: str | None = Field(default=None, examples=["https://portal.example.net/runs/{run_id}"])
    """Link to one run in the vendor's console, shown wherever the run is. Fields in braces are filled in from the run:
    ``run_id``, ``workload``, ``target``, and the further ids that runs of the platform have (docs/api.md). A run that
    lacks one of them has no link."""

    @property
    def base_url(self) -> str:
        """The base URL, configured or the vendor's, without a slash at the end."""
        url = self.endpoint or self.DEFAULT_ENDPOINT
        if url is None:
            raise TypeError(f"{type(self).__name__} has no endpoint of its own and must require one")
        return url

    @property
    def scope(self) -> str:
        """What of the upstream account is read: org, team, filters; empty when the credential decides."""
        return ""

    @property
    def identity(self) -> str:
        """What the state of this target belongs to (rule 28). Another identity is another upstream."""
        return " ".join(filter(None, (self.platform, self.base_url, self.scope)))

    def limits(self) -> Limits:
        """Return paces and depths of reading and counting."""
        stale_after = self.stale_after
        if stale_after is None:
            stale_after = max(5 * self.interval, 15 * MINUTE)
        return Limits(
            interval=self.interval,
            overlap=self.overlap,
            deep_interval=self.deep_interval,
            sweep_interval=self.sweep_interval,
            memory=self.memory,
            open_run_max_age=self.open_run_max_age,
            settle=self.settle,
            max_window=self.max_window,
            schedule_grace=self.schedule_grace,
            forget_after=self.forget_after,
            stale_after=stale_after,
            max_workloads=self.max_workloads,
            max_label_values=self.max_label_values,
            max_series=self.max_series,
            drop_labels=frozenset(self.drop_labels),
        )

    def client_settings(self) -> ClientSettings:
        """Return what the HTTP client may be told; its pace is ``requests_per_minute``."""
        return ClientSettings(
            timeout=self.timeout / SECOND,
            max_response_bytes=self.max_response_bytes,
            verify=not self.insecure_skip_verify,
            ca_file=str(self.ca_file) if self.ca_file is not None else None,
            proxy=self.proxy,
        )

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret of the target, nested ones too."""
        return secrets_of(self)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together, each with the keys that it is about."""
        yield from conflicts_of_pace(self)
        if self.endpoint is not None and plain_http(self.endpoint) and not self.allow_http:
            yield Conflict(
                ("endpoint", "allow_http"),
                "plain http would show the credentials to everybody on the way",
                "use https, or set allow_http: true",
            )

    @field_validator("run_url")
    @classmethod
    def _run_url(cls, template: str | None) -> str | None:
        return None if template is None else check(template, (*ALWAYS, *cls.RUN_IDS))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        found = list(self.conflicts())
        if found:
            # One error for all of them: a validator can raise only once.
            summary = "; ".join(f"{conflict.keys[0]}: {conflict.problem}; {conflict.right}" for conflict in found)
            raise PydanticCustomError(CONFLICTS, "{summary}", {"summary": summary, "conflicts": found})
        return self

    @classmethod
    def vendor_values(cls, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
        """Yield what the vendor's environment variables could fill in for a target written as ``raw``."""
        del raw, environ
        return iter(())


class Selection(SettingsModel):
    """Which workloads of a target are read; mixed into the settings of platforms that can leave some out."""

    include: tuple[Pattern, ...] = Field(default=(), examples=[["support-*"]])
    """Names or patterns of the workloads to read. Without it all of them."""
    exclude: tuple[Pattern, ...] = Field(default=(), examples=[["*-test"]])
    """Names or patterns of workloads to leave out, also when ``include`` names them."""

    def selects(self, name: str) -> bool:
        """Whether the workload called ``name`` on its platform is read."""
        if any(fnmatchcase(name, pattern) for pattern in self.exclude):
            return False
        return not self.include or any(fnmatchcase(name, pattern) for pattern in self.include)
