"""Tokens for Foundry: with an injected credential, and azure-identity's own exchange with a local server."""

from __future__ import annotations

import base64
import socket
import ssl
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from exporter.errors import ConnectFailed, Unauthorized, UpstreamError
from exporter.http import Client
from exporter.http import Settings as HttpSettings
from exporter.observations import Roster
from exporter.platforms.foundry import FoundryPlatform, FoundrySettings
from exporter.platforms.foundry.auth import AzureAuth, auth_for
from exporter.redaction import BLANK, redact
from exporter.times import SystemClock
from tests.http.support import Script, read_request, server
from tests.platforms.support import FOUNDRY_URL, foundry, sample, view
from tests.simulator.conftest import Served, served, served_with_tls

__all__ = ["served", "served_with_tls"]

URL = f"{FOUNDRY_URL}/routines"


@dataclass
class Token:
    """What azure-identity gives."""

    token: str
    expires_on: int


@dataclass
class Issuer:
    """A credential that gives numbered tokens, each good for an hour, and is told to fail."""

    now: float = 1000.0
    scopes: list[str] = field(default_factory=list)
    made: int = 0
    closed: int = 0
    error: Exception | None = None

    def make(self) -> Issuer:
        """Make the credential."""
        self.made += 1
        return self

    def get_token(self, *scopes: str) -> Token:
        """Get a token."""
        self.scopes.extend(scopes)
        if self.error is not None:
            raise self.error
        return Token(f"example-token-{len(self.scopes)}", int(self.now) + 3600)

    def close(self) -> None:
        """Close its connections."""
        self.closed += 1


def header(auth: AzureAuth) -> str:
    """What a request carries."""
    return auth.headers(URL)["Authorization"]


def test_a_token_is_kept_until_five_minutes_before_its_end() -> None:
    """One exchange an hour, for the scope that Foundry's tokens have."""
    issuer = Issuer()
    auth = AzureAuth(issuer.make, wall=lambda: issuer.now)
    assert header(auth) == header(auth) == "Bearer example-token-1"
    issuer.now += 3300
    assert header(auth) == "Bearer example-token-1"
    issuer.now += 1
    assert header(auth) == "Bearer example-token-2"
    assert issuer.scopes == ["https://ai.azure.com/.default"] * 2
    assert issuer.made == 1


def test_a_refused_token_is_replaced_with_the_credential_that_gave_it() -> None:
    """Its cache would give the same again."""
    issuer = Issuer()
    auth = AzureAuth(issuer.make, wall=lambda: issuer.now)
    header(auth)
    auth.invalidate()
    assert header(auth) == "Bearer example-token-2"
    assert (issuer.made, issuer.closed) == (2, 1)


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (ClientAuthenticationError("AADSTS7000215: private words"), Unauthorized, "code AADSTS7000215"),
        (ClientAuthenticationError("private words"), Unauthorized, "check the auth settings"),
        (CredentialUnavailableError("private words"), Unauthorized, "check the auth settings"),
        (ServiceRequestError("private words"), ConnectFailed, "cannot be reached"),
        (HttpResponseError("private words"), ConnectFailed, "cannot be reached"),
        (ValueError("private words"), Unauthorized, "refuses the auth settings"),
    ],
)
def test_errors_of_the_exchange(error: Exception, expected: type[UpstreamError], words: str) -> None:
    """Ours, with the code of Microsoft Entra and nothing else of what it said."""
    issuer = Issuer(error=error)
    with pytest.raises(expected) as raised:
        header(AzureAuth(issuer.make))
    assert words in str(raised.value)
    assert "private" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_sample_of_an_error_tells_its_code() -> None:
    """As Microsoft Entra words it."""
    issuer = Issuer(error=ClientAuthenticationError(sample("foundry/entra_token_error").decode()))
    with pytest.raises(Unauthorized, match="AADSTS7000215"):
        header(AzureAuth(issuer.make))


def test_a_given_token_needs_no_azure_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is imported when it is used."""
    for name in [each for each in sys.modules if each.split(".")[0] == "azure"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert foundry().auth().headers(URL) == {"Authorization": "Bearer example-token"}


def test_a_token_file_is_read_again_after_a_refusal(tmp_path: Path) -> None:
    """Somebody else keeps it fresh."""
    file = tmp_path / "token"
    file.write_text("example-token-1\n")
    auth = foundry(auth={"kind": "token", "token_file": str(file)}).auth()
    assert auth.headers(URL) == {"Authorization": "Bearer example-token-1"}
    file.write_text("example-token-two\n")
    auth.invalidate()
    assert auth.headers(URL) == {"Authorization": "Bearer example-token-two"}


# azure-identity itself, against the simulator


def settings_for(served: Served, auth: dict[str, Any], **keys: Any) -> FoundrySettings:
    """Settings of a target whose project and authority are the simulator."""
    given = {"name": "ops", "platform": "foundry", "endpoint": served.endpoint("foundry"), "auth": auth, **keys}
    return FoundrySettings.model_validate(given)


def roster_of(settings: FoundrySettings) -> Roster[Any]:
    """Read the list of routines with a token that was got on the way."""
    platform = FoundryPlatform(settings)
    ca_file = None if settings.ca_file is None else str(settings.ca_file)
    client = Client(settings.base_url, platform.auth(), settings=HttpSettings(ca_file=ca_file))
    client.begin(20.0, retries=0)
    batches = platform.fetch(client, view(), SystemClock())
    try:
        batch = next(batches)
    finally:
        batches.close()
        client.close()
    assert isinstance(batch, Roster)
    return batch


def client_secret(served: Served, secret: str) -> dict[str, Any]:
    """The settings of an application."""
    return {
        "kind": "client_secret",
        "tenant_id": served.simulator.credentials.tenant_id,
        "client_id": served.simulator.credentials.client_id,
        "client_secret": secret,
        "authority_host": served.server.base_url,
    }


def test_client_secret(served_with_tls: Served) -> None:
    """The exchange, and a request with its token; the authority is trusted by the same ``ca_file``."""
    credentials = served_with_tls.simulator.credentials
    auth = client_secret(served_with_tls, credentials.client_secret)
    roster = roster_of(settings_for(served_with_tls, auth, ca_file=str(served_with_tls.ca_file)))
    assert roster.items
    assert served_with_tls.simulator.tokens.issued() == 1


def test_client_secret_refused(served_with_tls: Served) -> None:
    """With the code, without the secret."""
    auth = client_secret(served_with_tls, "example-wrong-secret")
    settings = settings_for(served_with_tls, auth, ca_file=str(served_with_tls.ca_file))
    with pytest.raises(Unauthorized, match="AADSTS7000215") as raised:
        auth_for(settings).headers(URL)
    assert "example-wrong-secret" not in str(raised.value)


def test_workload_identity(served_with_tls: Served, tmp_path: Path) -> None:
    """With the service account's token from its file."""
    credentials = served_with_tls.simulator.credentials
    file = tmp_path / "assertion"
    file.write_text(f"{credentials.federated_assertion}\n")  # what an editor or a shell leaves at the end
    auth = {
        "kind": "workload_identity",
        "tenant_id": credentials.tenant_id,
        "client_id": credentials.client_id,
        "federated_token_file": str(file),
        "authority_host": served_with_tls.server.base_url,
    }
    assert roster_of(settings_for(served_with_tls, auth, ca_file=str(served_with_tls.ca_file))).items


@pytest.mark.parametrize("kind", ["managed_identity", "default"])
def test_managed_identity(served: Served, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """As App Service and Container Apps offer it; ``default`` finds it too."""
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served.server.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", served.simulator.credentials.identity_header)
    assert roster_of(settings_for(served, {"kind": kind})).items
    assert served.simulator.tokens.issued() == 1


def test_nobody_at_the_authority(served: Served) -> None:
    """Within seconds, not minutes."""
    auth = client_secret(served, "example-client-secret") | {"authority_host": "https://127.0.0.1:1"}
    with pytest.raises(ConnectFailed):
        auth_for(settings_for(served, auth)).headers(URL)


def listening(seen: list[bytes]) -> Script:
    """A proxy that hears what it is asked for, and refuses."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    return script


def test_tokens_are_asked_for_through_the_targets_proxy(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says; its credentials go to the proxy, the application's secret does not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    seen: list[bytes] = []
    auth = client_secret(served, "example-client-secret") | {"authority_host": "https://authority.example.net"}
    with server(listening(seen)) as proxy:
        settings = settings_for(served, auth, proxy=proxy.replace("://", "://user:example-word@"))
        with pytest.raises(ConnectFailed):
            auth_for(settings).headers(URL)
    assert seen
    for asked in seen:
        assert asked.startswith(b"CONNECT authority.example.net:443 ")
        assert b"Proxy-Authorization: Basic " + base64.b64encode(b"user:example-word") in asked
        assert b"example-client-secret" not in asked


@pytest.mark.parametrize(("proxy", "heard"), [(None, True), ("off", False)])
def test_the_environments_proxy_is_used_unless_it_is_off(
    served_with_tls: Served, monkeypatch: pytest.MonkeyPatch, proxy: str | None, heard: bool
) -> None:
    """``off`` is none, for tokens too."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    seen: list[bytes] = []
    auth = client_secret(served_with_tls, served_with_tls.simulator.credentials.client_secret)
    settings = settings_for(served_with_tls, auth, ca_file=str(served_with_tls.ca_file), proxy=proxy)
    with server(listening(seen)) as environment:
        monkeypatch.setenv("HTTPS_PROXY", environment)
        try:
            auth_for(settings).headers(URL)
        except ConnectFailed:
            assert heard
    assert bool(seen) is heard


def test_a_token_is_known_to_the_redactor_before_anybody_has_it() -> None:
    """It is renewed every hour, and was never in a configuration."""
    issuer = Issuer()
    auth = AzureAuth(issuer.make, wall=lambda: issuer.now)
    token = header(auth).removeprefix("Bearer ")
    assert redact(f"sent {token}") == f"sent {BLANK}"


def test_no_redirect_of_the_token_endpoint_is_followed(served_with_tls: Served) -> None:
    """The application's secret is in the body: it goes to the authority and nowhere else."""
    seen: list[bytes] = []
    with server(listening(seen)) as stranger:

        def script(connection: socket.socket, ended: threading.Event) -> None:
            read_request(connection)
            connection.sendall(f"HTTP/1.1 307 x\r\nLocation: {stranger}/\r\nContent-Length: 0\r\n\r\n".encode())

        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        with server(script, context=context) as authority_host, authority.cert_pem.tempfile() as ca_file:
            auth = client_secret(served_with_tls, "example-client-secret") | {"authority_host": authority_host}
            with pytest.raises(UpstreamError):
                auth_for(settings_for(served_with_tls, auth, ca_file=ca_file)).headers(URL)
    assert seen == []
