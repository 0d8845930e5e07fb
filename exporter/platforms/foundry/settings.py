"""Settings of a Microsoft Foundry target: one project, and how to get a token for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import BeforeValidator, Field

from exporter.platforms.credentials import VendorValue, from_variables, one_secret, the_secret
from exporter.platforms.fields import Endpoint, SecretFile, SecretText, matching, plain_http
from exporter.platforms.pace import SettingsModel
from exporter.platforms.settings import Selection, TargetSettings
from exporter.platforms.wrong import Conflict, also_from
from exporter.secrets import Secret

TENANT: Final = "AZURE_TENANT_ID"
CLIENT: Final = "AZURE_CLIENT_ID"
CLIENT_SECRET: Final = "AZURE_CLIENT_SECRET"  # noqa: S105 - the name of a variable
FEDERATED_TOKEN: Final = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - the name of a variable
AUTHORITY: Final = "AZURE_AUTHORITY_HOST"

_Id = Annotated[str, matching(r"[A-Za-z0-9.-]+", "write the id or domain; it has letters, digits, '-' and '.'")]

# Examples for the documentation.
_AUTHORITY: Final = "https://login.microsoftonline.us"
_TENANT: Final = "contoso.onmicrosoft.com"
_CLIENT: Final = "00000000-0000-0000-0000-000000000000"


class TokenAuth(SettingsModel):
    """A token that somebody else keeps fresh."""

    kind: Literal["token"] = "token"
    token: SecretText | None = Field(default=None, examples=["${FOUNDRY_TOKEN}"])
    """The token itself; it expires within hours, so a file is better. This or ``token_file``."""
    token_file: SecretFile | None = Field(default=None, examples=["/run/secrets/foundry-token"])
    """File that holds the token; read again when it changes."""

    @property
    def secret(self) -> Secret:
        """The token."""
        return the_secret(self.token, self.token_file)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together."""
        yield from one_secret("token", self.token, self.token_file)


class ClientSecretAuth(SettingsModel):
    """An application of Microsoft Entra that signs in with a secret."""

    kind: Literal["client_secret"] = "client_secret"
    tenant_id: _Id = Field(examples=[_TENANT], json_schema_extra=also_from(TENANT))
    """Directory (tenant) id of the application."""
    client_id: _Id = Field(examples=[_CLIENT], json_schema_extra=also_from(CLIENT))
    """Application (client) id."""
    client_secret: SecretText | None = Field(
        default=None, examples=["${AZURE_CLIENT_SECRET}"], json_schema_extra=also_from(CLIENT_SECRET)
    )
    """Secret of the application. This or ``client_secret_file``."""
    client_secret_file: SecretFile | None = Field(default=None, examples=["/run/secrets/foundry"])
    """File that holds the secret; read again when it changes."""
    authority_host: Endpoint | None = Field(default=None, examples=[_AUTHORITY], json_schema_extra=also_from(AUTHORITY))
    """Where tokens are issued, for national clouds. Without it the public cloud."""

    @property
    def secret(self) -> Secret:
        """The application's secret."""
        return the_secret(self.client_secret, self.client_secret_file)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together."""
        yield from one_secret("client_secret", self.client_secret, self.client_secret_file, CLIENT_SECRET)


class WorkloadIdentityAuth(SettingsModel):
    """The identity of a Kubernetes service account. The cluster tells most in ``AZURE_*`` variables."""

    kind: Literal["workload_identity"] = "workload_identity"
    tenant_id: _Id = Field(examples=[_TENANT], json_schema_extra=also_from(TENANT))
    """Directory (tenant) id."""
    client_id: _Id = Field(examples=[_CLIENT], json_schema_extra=also_from(CLIENT))
    """Client id of the identity."""
    federated_token_file: SecretFile = Field(
        examples=["/var/run/secrets/azure/tokens/azure-identity-token"], json_schema_extra=also_from(FEDERATED_TOKEN)
    )
    """File with the service account's token; read again when it changes."""
    authority_host: Endpoint | None = Field(default=None, examples=[_AUTHORITY], json_schema_extra=also_from(AUTHORITY))
    """Where tokens are issued, for national clouds. Without it the public cloud."""

    def conflicts(self) -> Iterator[Conflict]:
        """Nothing can clash here."""
        return iter(())


class ManagedIdentityAuth(SettingsModel):
    """The identity that Azure gives to the machine or the app."""

    kind: Literal["managed_identity"] = "managed_identity"
    client_id: _Id | None = Field(default=None, examples=[_CLIENT])
    """Client id of a user-assigned identity. Without it the system-assigned one."""

    def conflicts(self) -> Iterator[Conflict]:
        """Nothing can clash here."""
        return iter(())


class DefaultAuth(SettingsModel):
    """Whatever azure-identity finds: environment, workload identity, managed identity, a developer's sign-in."""

    kind: Literal["default"] = "default"

    def conflicts(self) -> Iterator[Conflict]:
        """Nothing can clash here."""
        return iter(())


AnyAuth = TokenAuth | ClientSecretAuth | WorkloadIdentityAuth | ManagedIdentityAuth | DefaultAuth
AUTH_KINDS: Final = tuple(auth.model_fields["kind"].default for auth in get_args(AnyAuth))


Features = Annotated[str, matching(r"[\x21-\x7e]+", "write it without spaces, or off")]


def _none_when_off(value: object) -> object:
    return None if value in ("off", "none", "false", False) else value


class FoundrySettings(TargetSettings, Selection):
    """A Microsoft Foundry project and its routines."""

    RUN_IDS: ClassVar[tuple[str, ...]] = (
        "dispatch_id",
        "response_id",
        "conversation_id",
        "session_id",
        "correlation_id",
        "task_id",
    )

    platform: Literal["foundry"] = "foundry"
    endpoint: Endpoint = Field(
        examples=["https://account.services.ai.azure.com/api/projects/support"],
        json_schema_extra=also_from("FOUNDRY_PROJECT_ENDPOINT"),
    )
    """Endpoint of the project, as its overview page shows it."""
    auth: AnyAuth = Field(
        discriminator="kind",
        examples=[{"kind": "managed_identity"}],
    )
    """How to get tokens: kind ``token``, ``client_secret``, ``workload_identity``, ``managed_identity`` or
    ``default``; all but ``token`` need the extra ``azure``. ``proxy`` holds for the sign-ins of ``client_secret`` and
    ``workload_identity`` too."""
    features: Annotated[Features | None, BeforeValidator(_none_when_off)] = "Routines=V2Preview"
    """Preview features asked for in the header ``Foundry-Features``; ``off`` sends none."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together."""
        yield from super().conflicts()
        for conflict in self.auth.conflicts():
            yield conflict._replace(keys=tuple(f"auth.{key}" for key in conflict.keys))
        host = getattr(self.auth, "authority_host", None)
        if host is not None and plain_http(host) and not self.allow_http:
            yield Conflict(("auth.authority_host", "allow_http"), "plain http would show the credentials", "use https")
        if self.auth.kind != "token" and not azure_identity_installed():
            yield Conflict(("auth.kind",), "needs azure-identity", "install automation-exporter[azure]")

    @classmethod
    def vendor_values(cls, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
        """Yield what the variables of Azure's own tools could fill in."""
        variables = ("FOUNDRY_PROJECT_ENDPOINT", "PROJECT_ENDPOINT", "AZURE_AI_PROJECT_ENDPOINT")
        yield from from_variables(raw, environ, "endpoint", ("endpoint",), variables)
        auth = raw.get("auth")
        if auth is None:
            yield from _whole_auth(environ)
        elif isinstance(auth, Mapping):
            yield from _rest_of_auth(auth, environ)


def azure_identity_installed() -> bool:
    """Whether the optional library that gets tokens from Azure is there. Does not import it."""
    return find_spec("azure") is not None and find_spec("azure.identity") is not None


def _whole_auth(environ: Mapping[str, str]) -> Iterator[VendorValue]:
    """Yield an ``auth`` for a target without one, when the environment holds a complete identity."""
    if not (environ.get(TENANT) and environ.get(CLIENT)):
        return
    if environ.get(CLIENT_SECRET):
        kind, variable = "client_secret", CLIENT_SECRET
    elif environ.get(FEDERATED_TOKEN):
        kind, variable = "workload_identity", FEDERATED_TOKEN
    else:
        return
    auth = {"kind": kind}
    auth |= {value.path[1]: str(value.value) for value in _rest_of_auth(auth, environ)}
    yield VendorValue(("auth",), auth, variable)


_FROM_ENVIRONMENT: Final[Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]] = {
    "client_secret": {
        "tenant_id": (TENANT, ("tenant_id",)),
        "client_id": (CLIENT, ("client_id",)),
        "client_secret": (CLIENT_SECRET, ("client_secret", "client_secret_file")),
        "authority_host": (AUTHORITY, ("authority_host",)),
    },
    "workload_identity": {
        "tenant_id": (TENANT, ("tenant_id",)),
        "client_id": (CLIENT, ("client_id",)),
        "federated_token_file": (FEDERATED_TOKEN, ("federated_token_file",)),
        "authority_host": (AUTHORITY, ("authority_host",)),
    },
}
"""By kind: the key, the variable that fills it in, and the keys that make that unnecessary."""


def _rest_of_auth(auth: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
    """Yield what is absent from ``auth``. The kinds that name the identity of the machine may share it."""
    kind = str(auth.get("kind"))
    for key, (variable, unless) in _FROM_ENVIRONMENT.get(kind, {}).items():
        ambient = kind == "workload_identity" or key == "authority_host"
        for value in from_variables(auth, environ, key, unless, (variable,)):
            yield value._replace(path=("auth", key), ambient=ambient)
