"""Tokens for Foundry: a given one, or those that azure-identity gets for an application or a machine.

azure-identity is the optional extra ``azure``; it is imported when the first token is asked for.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from exporter.errors import ConnectFailed, Unauthorized, UpstreamError
from exporter.http import Auth, Choice, HeaderAuth, Proxy
from exporter.platforms.foundry.settings import (
    ClientSecretAuth,
    DefaultAuth,
    FoundrySettings,
    ManagedIdentityAuth,
    TokenAuth,
    WorkloadIdentityAuth,
)
from exporter.redaction import remember

SCOPE: Final = "https://ai.azure.com/.default"
"""What tokens are asked for (azure-ai-projects 2.10.0)."""
REFRESH_BEFORE: Final = 300.0
"""Seconds before its end at which a token is replaced."""
CONNECT_TIMEOUT: Final = 4
READ_TIMEOUT: Final = 8
"""Seconds. A poll waits for its token, so the vendor's defaults (minutes) are too long."""

_CODE = re.compile(r"AADSTS\d{4,8}")


class AccessToken(Protocol):
    """What azure-identity gives: the token, and when it ends in unix seconds."""

    @property
    def token(self) -> str:
        """The token itself."""

    @property
    def expires_on(self) -> int:
        """When it ends."""


class Credential(Protocol):
    """What we use of azure-identity's credentials."""

    def get_token(self, *scopes: str) -> AccessToken:
        """Get a token, from a cache or over the network."""

    def close(self) -> None:
        """Close its connections."""


class AzureAuth:
    """Tokens of a credential, kept until shortly before they end. ``wall`` is unix seconds. Thread-safe."""

    def __init__(self, make: Callable[[], Credential], wall: Callable[[], float] = time.time) -> None:
        self._make = make
        self._wall = wall
        self._lock = threading.Lock()
        self._credential: Credential | None = None
        self._token: AccessToken | None = None

    def headers(self, url: str) -> Mapping[str, str]:
        """Return the token as a header. Raises Unauthorized or ConnectFailed when there is none to be had."""
        del url
        with self._lock:
            if self._token is None or self._token.expires_on - self._wall() < REFRESH_BEFORE:
                self._token = self._fetch()
            return {"Authorization": f"Bearer {self._token.token}"}

    def renew(self) -> None:
        """Keep the token while it holds: another one costs a request to somebody else."""

    def invalidate(self) -> None:
        """Forget the token and the credential, which has a cache of its own."""
        with self._lock:
            if self._credential is not None:
                self._credential.close()
            self._token = None
            self._credential = None

    def _fetch(self) -> AccessToken:
        from azure.core.exceptions import AzureError  # noqa: PLC0415  optional extra

        try:
            if self._credential is None:
                self._credential = self._make()
            token = self._credential.get_token(SCOPE)
        except AzureError as error:
            raise _told(error) from None
        except ValueError:
            # azure-identity judges ids and addresses itself, in words that may repeat them
            raise Unauthorized("no token from Microsoft Entra: azure-identity refuses the auth settings") from None
        remember(token.token)
        return token

    def __repr__(self) -> str:
        return "AzureAuth()"


def auth_for(settings: FoundrySettings) -> Auth:
    """Return what gives tokens for a target."""
    if isinstance(settings.auth, TokenAuth):
        return HeaderAuth(settings.auth.secret.read)
    return AzureAuth(lambda: credential(settings))


def credential(settings: FoundrySettings) -> Credential:
    """Make the azure-identity credential that the settings describe. Raises ValueError for ids it refuses."""
    from azure import identity  # noqa: PLC0415  optional extra

    options = _options(settings)
    made: Credential
    match settings.auth:
        case ClientSecretAuth() as auth:
            options |= _authority(auth.authority_host) | _way(settings.proxy)
            made = identity.ClientSecretCredential(auth.tenant_id, auth.client_id, auth.secret.read(), **options)
        case WorkloadIdentityAuth() as auth:
            options |= _authority(auth.authority_host) | _way(settings.proxy)
            # Not WorkloadIdentityCredential, which reads the file itself: a line break at its end would be sent along.
            made = identity.ClientAssertionCredential(
                auth.tenant_id, auth.client_id, auth.federated_token_file.read, **options
            )
        case ManagedIdentityAuth() as auth:
            made = identity.ManagedIdentityCredential(client_id=auth.client_id, **options)
        case DefaultAuth():
            made = identity.DefaultAzureCredential(**options)
        case TokenAuth():
            raise TypeError("a given token needs no credential")
    return made


def _options(settings: FoundrySettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "connection_timeout": CONNECT_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "retry_total": 1,
    }
    if settings.ca_file is not None:
        options["connection_verify"] = str(settings.ca_file)
    return options


def _authority(host: str | None) -> dict[str, Any]:
    """An authority that somebody named is taken as it is; the public cloud is not asked whether it exists."""
    return {} if host is None else {"authority": host, "disable_instance_discovery": True}


def _way(proxy: Choice) -> dict[str, Any]:
    """The target's proxy, for tokens too. What the machine itself is asked for (managed identity) takes no proxy."""
    if isinstance(proxy, Proxy):
        return {"proxies": {"http": proxy.url, "https": proxy.url}}
    return {} if proxy is None else {"use_env_settings": False}


def _told(error: Exception) -> UpstreamError:
    """Say it in our words. azure-identity calls a lost connection a failed authentication; its cause tells."""
    from azure.core.exceptions import (  # noqa: PLC0415  optional extra
        ClientAuthenticationError,
        ServiceRequestError,
        ServiceResponseError,
    )

    lost = isinstance(error, ServiceRequestError | ServiceResponseError)
    lost = lost or isinstance(error.__cause__ or error.__context__, ServiceRequestError | ServiceResponseError)
    if lost or not isinstance(error, ClientAuthenticationError):
        return ConnectFailed("no token from Microsoft Entra: its endpoint cannot be reached")
    return Unauthorized(f"no token from Microsoft Entra{_code_of(error)}; check the auth settings")


def _code_of(error: Exception) -> str:
    """The error code of Microsoft Entra; the rest of its message may repeat what was sent."""
    found = _CODE.search(str(error))
    return f" (code {found[0]})" if found else ""
