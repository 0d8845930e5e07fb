"""Settings of a Moderately AI target: one team, read with an API key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from exporter.counting.limits import Limits
from exporter.platforms.credentials import VendorValue, from_variables, one_secret, the_secret
from exporter.platforms.fields import SecretFile, SecretText, matching
from exporter.platforms.settings import Selection, TargetSettings
from exporter.platforms.wrong import Conflict, also_from
from exporter.secrets import Secret


class ModeratelySettings(TargetSettings, Selection):
    """A Moderately AI team and its agents."""

    DEFAULT_ENDPOINT: ClassVar[str | None] = "https://api.moderately.ai"
    RUN_IDS: ClassVar[tuple[str, ...]] = ("agent_id",)

    platform: Literal["moderately"] = "moderately"
    api_key: SecretText | None = Field(
        default=None, examples=["${MODERATELY_API_KEY}"], json_schema_extra=also_from("MODERATELY_API_KEY")
    )
    """API key; one with the role ``readonly`` is enough. This or ``api_key_file``."""
    api_key_file: SecretFile | None = Field(default=None, examples=["/run/secrets/moderately"])
    """File that holds the API key; read again when it changes."""
    team_id: Annotated[str, matching(r"[^\s,]+", "write the id of one team, without spaces and commas")] = Field(
        examples=["team_example"], json_schema_extra=also_from("MODERATELY_TEAM_ID")
    )
    """Team to read."""
    parameter_style: Literal["documented", "sdk"] = "documented"
    """Spelling of query parameters: as in the vendor's API description, or as its client library sends them."""

    @property
    def secret(self) -> Secret:
        """The API key."""
        return the_secret(self.api_key, self.api_key_file)

    @property
    def scope(self) -> str:
        """The team."""
        return self.team_id

    def limits(self) -> Limits:
        """Return paces and depths; what the list of agents tells outlives one reading that was put off."""
        limits = super().limits()
        if self.stale_after is not None:
            return limits
        return replace(limits, stale_after=max(limits.stale_after, 2 * self.deep_interval))

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together."""
        yield from super().conflicts()
        yield from one_secret("api_key", self.api_key, self.api_key_file, "MODERATELY_API_KEY")

    @classmethod
    def vendor_values(cls, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
        """Yield what the variables of the vendor's own client could fill in."""
        yield from from_variables(raw, environ, "api_key", ("api_key", "api_key_file"), ("MODERATELY_API_KEY",))
        yield from from_variables(raw, environ, "team_id", ("team_id",), ("MODERATELY_TEAM_ID",))
        yield from from_variables(raw, environ, "endpoint", ("endpoint",), ("MODERATELY_BASE_URL",))
