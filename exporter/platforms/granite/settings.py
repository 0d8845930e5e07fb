"""Settings of a Granite target: one organisation, read with an API key, perhaps through filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from exporter.counting.limits import Limits
from exporter.platforms.credentials import VendorValue, from_variables, one_secret, the_secret
from exporter.platforms.durations import Duration
from exporter.platforms.fields import SecretFile, SecretText, matching
from exporter.platforms.pace import SettingsModel
from exporter.platforms.settings import TargetSettings
from exporter.platforms.wrong import Conflict, also_from
from exporter.secrets import Secret
from exporter.times import DAY, MINUTE, Micros

HeaderName = Annotated[
    str, matching(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "write the name of an HTTP header, such as X-Granite-API-Key")
]


class GraniteFilters(SettingsModel):
    """What Granite itself leaves out before it adds up. All of it passes through as it is."""

    workflow_name: str | None = Field(default=None, min_length=1, examples=["invoices"])
    """Only this workflow."""
    triggered_by: Literal["manual", "endpoint", "scheduled"] | None = Field(default=None, examples=["scheduled"])
    """Only runs started this way."""
    status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = Field(
        default=None, examples=["failed"]
    )
    """Only runs with this status."""

    def given(self) -> dict[str, str]:
        """Return the filters that are set, by the API's own names."""
        return self.model_dump(exclude_none=True)


class GraniteSettings(TargetSettings):
    """A Granite organisation and its workflows."""

    DEFAULT_ENDPOINT: ClassVar[str | None] = "https://api.getgranite.ai"
    RUN_IDS: ClassVar[tuple[str, ...]] = ("execution_id",)

    platform: Literal["granite"] = "granite"
    interval: Annotated[Micros, Duration("1s", "1d")] = 3 * MINUTE
    """Time from one poll to the next. The vendor's free plan allows 100 requests an hour."""
    api_key: SecretText | None = Field(
        default=None, examples=["${GRANITE_API_KEY}"], json_schema_extra=also_from("GRANITE_API_KEY")
    )
    """API key, sent as the whole value of the header. This or ``api_key_file``."""
    api_key_file: SecretFile | None = Field(default=None, examples=["/run/secrets/granite"])
    """File that holds the API key; read again when it changes."""
    header_name: HeaderName = "X-Granite-API-Key"
    """Header that carries the key, should your account need another one."""
    filters: GraniteFilters = Field(default=GraniteFilters(), examples=[{"triggered_by": "scheduled"}])
    """Filters that Granite applies before it adds up."""
    window: Annotated[Micros, Duration("1h", "31d")] = DAY
    """Length of the rolling window that the ``granite_window_*`` gauges describe."""
    workflow_tokens: bool = False
    """Publish tokens by workflow (``granite_workflow_tokens_total``), which takes a request for each workflow."""

    @property
    def secret(self) -> Secret:
        """The API key."""
        return the_secret(self.api_key, self.api_key_file)

    @property
    def scope(self) -> str:
        """The filters: sums under other filters are other sums."""
        return " ".join(f"{key}={value}" for key, value in sorted(self.filters.given().items()))

    def limits(self) -> Limits:
        """Return paces and depths; the gauges of the rolling window outlive one reading that was put off."""
        limits = super().limits()
        return (
            limits if self.stale_after else replace(limits, stale_after=max(limits.stale_after, 2 * self.deep_interval))
        )

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together."""
        yield from super().conflicts()
        yield from one_secret("api_key", self.api_key, self.api_key_file, "GRANITE_API_KEY")

    @classmethod
    def vendor_values(cls, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
        """Yield what the vendor's environment variable could fill in."""
        yield from from_variables(raw, environ, "api_key", ("api_key", "api_key_file"), ("GRANITE_API_KEY",))
