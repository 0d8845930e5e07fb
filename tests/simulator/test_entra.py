"""The token endpoints give tokens that Foundry takes, until they expire."""

from __future__ import annotations

import httpx
import pytest

from exporter.simulator.entra import ASSERTION_TYPE, RESOURCE, SCOPE
from tests.simulator.support import Asker

ROOT = "http://127.0.0.1"


def _form(asker: Asker, **changes: str) -> dict[str, str]:
    credentials = asker.simulator.credentials
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "scope": SCOPE,
    }
    return {**form, **changes}


def _token(asker: Asker, form: dict[str, str], tenant: str | None = None) -> httpx.Response:
    tenant = tenant or asker.simulator.credentials.tenant_id
    return asker.client.post(f"{ROOT}/{tenant}/oauth2/v2.0/token", data=form)


def _status(asker: Asker, token: str) -> int:
    return asker.foundry("/routines", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_client_secret_gives_a_token_that_expires() -> None:
    """Good for its lifetime in world time, and not a moment longer."""
    asker = Asker()
    answer = _token(asker, _form(asker)).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    asker.clock.advance(3598)
    assert _status(asker, answer["access_token"]) == 200
    asker.clock.advance(1)
    assert _status(asker, answer["access_token"]) == 401


def test_a_federated_assertion_gives_a_token() -> None:
    """As workload identity sends it."""
    asker = Asker()
    assertion = asker.simulator.credentials.federated_assertion
    form = _form(asker, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)
    del form["client_secret"]
    assert _status(asker, _token(asker, form).json()["access_token"]) == 200


def test_revoked_tokens_are_refused() -> None:
    """As after a change of credentials."""
    asker = Asker()
    token = _token(asker, _form(asker)).json()["access_token"]
    asker.simulator.tokens.revoke()
    assert _status(asker, token) == 401


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 400, "unauthorized_client"),
        ({"scope": "https://other.invalid/.default"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_refusals(changes: dict[str, str], status: int, error: str) -> None:
    """In Entra's envelope, with a code."""
    asker = Asker()
    response = _token(asker, _form(asker, **changes))
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"].startswith(f"AADSTS{response.json()['error_codes'][0]}: ")


def test_an_unknown_tenant_is_refused() -> None:
    """Before anything else is looked at."""
    asker = Asker()
    assert _token(asker, _form(asker), tenant="nobody").status_code == 400


@pytest.mark.parametrize(
    ("path", "header"),
    [("/metadata/identity/oauth2/token", "Metadata"), ("/msi/token", "X-IDENTITY-HEADER")],
)
def test_managed_identity(path: str, header: str) -> None:
    """Numbers are strings, the resource has no scope suffix, and the header is needed."""
    asker = Asker()
    value = "true" if header == "Metadata" else asker.simulator.credentials.identity_header
    good = asker.client.get(ROOT + path, params={"resource": RESOURCE}, headers={header: value}).json()
    assert good["expires_in"] == "3599"
    assert _status(asker, good["access_token"]) == 200
    assert asker.client.get(ROOT + path, params={"resource": RESOURCE}).status_code in (400, 401)
    wrong = asker.client.get(ROOT + path, params={"resource": SCOPE}, headers={header: value})
    assert wrong.status_code == 400


def test_token_requests_are_in_the_log_without_their_secrets() -> None:
    """Path and status only."""
    asker = Asker()
    _token(asker, _form(asker))
    (entry,) = asker.simulator.log.of("entra")
    assert (entry.method, entry.status) == ("POST", 200)
    assert asker.simulator.credentials.client_secret not in repr(entry)


def test_unknown_paths_are_404() -> None:
    """At the root of the server."""
    asker = Asker()
    assert asker.client.get(f"{ROOT}/nothing").status_code == 404
    assert asker.client.put(f"{ROOT}/msi/token").status_code == 405
