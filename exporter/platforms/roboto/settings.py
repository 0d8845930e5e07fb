"""Settings of a Roboto target: one organisation, read with a personal access token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from exporter.platforms.credentials import VendorValue, from_variables, one_secret, the_secret
from exporter.platforms.fields import SecretFile, SecretText, matching
from exporter.platforms.settings import Selection, TargetSettings
from exporter.platforms.wrong import Conflict, also_from
from exporter.secrets import Secret


class RobotoSettings(TargetSettings, Selection):
    """A Roboto organisation and its actions."""

    DEFAULT_ENDPOINT: ClassVar[str | None] = "https://api.roboto.ai"

    platform: Literal["roboto"] = "roboto"
    token: SecretText | None = Field(
        default=None, examples=["${ROBOTO_API_KEY}"], json_schema_extra=also_from("ROBOTO_API_KEY")
    )
    """Personal access token. This or ``token_file``."""
    token_file: SecretFile | None = Field(default=None, examples=["/run/secrets/roboto"])
    """File that holds the token; read again when it changes."""
    org_id: Annotated[str, matching(r"\S+", "write the id without spaces, such as og_example")] | None = Field(
        default=None,
        examples=["og_example"],
        json_schema_extra=also_from("ROBOTO_ORG_ID"),
    )
    """Organisation to read. Without it the organisation of the token is asked for once, and must be the only one."""
    api_version: Annotated[str, matching(r"\d{4}-\d{2}-\d{2}", "write a date such as 2026-10-06")] = "2026-10-06"
    """Version of the API that is asked for, so that a newer default of the vendor changes nothing here."""

    @property
    def secret(self) -> Secret:
        """The token."""
        return the_secret(self.token, self.token_file)

    @property
    def scope(self) -> str:
        """The organisation, when it is configured."""
        return self.org_id or ""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together."""
        yield from super().conflicts()
        yield from one_secret("token", self.token, self.token_file, "ROBOTO_API_KEY")

    @classmethod
    def vendor_values(cls, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
        """Yield what the variables of the vendor's own tools could fill in; the API key wins over the token."""
        variables = ("ROBOTO_API_KEY", "ROBOTO_BEARER_TOKEN")
        yield from from_variables(raw, environ, "token", ("token", "token_file"), variables)
        yield from from_variables(raw, environ, "endpoint", ("endpoint",), ("ROBOTO_SERVICE_ENDPOINT",))
        yield from from_variables(raw, environ, "org_id", ("org_id",), ("ROBOTO_ORG_ID",))
