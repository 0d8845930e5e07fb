"""What Microsoft's own SDKs read from the server equals what the world holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from azure.ai.projects import AIProjectClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential

from exporter.simulator.clock import to_micros
from exporter.simulator.entra import SCOPE
from exporter.simulator.foundry_records import status_and_phase
from tests.simulator.conftest import Served
from tests.simulator.support import NOON, SECOND

FAR_AHEAD = 4_102_444_800


class Fixed:
    """A credential that has its token already."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """The token, good until the year 2100."""
        return AccessToken(self._token, FAR_AHEAD)


@contextmanager
def project(served: Served, credential: Any = None) -> Iterator[AIProjectClient]:
    """The SDK's client, pointed at the simulator."""
    credential = credential or Fixed(served.simulator.credentials.foundry_token)
    with AIProjectClient(
        served.endpoint("foundry"),
        credential,
        allow_preview=True,
        connection_verify=str(served.ca_file),
        retry_total=0,
    ) as client:
        yield client


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def test_routines(served_with_tls: Served) -> None:
    """All of them over several pages, with switch, triggers and times."""
    with project(served_with_tls) as client:
        found = list(client.beta.routines.list(limit=2))
    held = sorted(served_with_tls.world.workloads("foundry", NOON), key=lambda routine: routine.key)
    assert [routine.name for routine in found] == [routine.name for routine in held]
    for sdk, routine in zip(found, held, strict=True):
        assert sdk.enabled == routine.enabled
        assert _micros(sdk.created_at) == routine.created_at
        triggers: dict[str, Any] = {**(sdk.triggers or {})}
        assert {
            name: (trigger.type, trigger.get("cron_expression"), trigger.get("time_zone"))
            for name, trigger in triggers.items()
        } == {
            name: (trigger.kind, trigger.cron, trigger.zone if trigger.cron else None)
            for name, trigger in routine.triggers.items()
        }


def test_every_run_of_every_routine(served_with_tls: Served) -> None:
    """Over many pages, with every field that the exporter reads."""
    world = served_with_tls.world
    total = 0
    with project(served_with_tls) as client:
        for routine in world.workloads("foundry", NOON):
            found = list(client.beta.routines.list_runs(routine.name, limit=100, order="desc"))
            held = list(world.newest_first("foundry", routine.key, NOON))
            total += len(held)
            assert [run.id for run in found] == [run.id for run in held]
            for sdk, run in zip(found, held, strict=True):
                failed = run.state_at(NOON) == "failed"
                assert (sdk.status, sdk.phase) == status_and_phase(run, NOON)
                assert _micros(sdk.triggered_at) == run.triggered_at
                assert _micros(sdk.scheduled_fire_at) == run.scheduled_fire_at
                assert _micros(sdk.started_at) == run.started_at(NOON)
                assert _micros(sdk.ended_at) == run.ended_at(NOON)
                assert (sdk.trigger_type, sdk.trigger_name) == (run.trigger_type, run.trigger_name)
                assert (sdk.attempt_source, sdk.action_type) == (run.attempt_source, run.action_type)
                assert sdk.agent_id == run.agent
                assert sdk.error_type == (run.error_type if failed else None)
                assert sdk.error_status_code == (run.status_code if failed else None)
    assert total > 1000


def test_a_name_that_needs_escaping(served_with_tls: Served) -> None:
    """Umlauts, blanks and a slash survive path and links."""
    world = served_with_tls.world
    for number in range(5):
        world.add_run("foundry", "Täglich zusammen/fassung v1", triggered=NOON - number * SECOND)
    with project(served_with_tls) as client:
        found = list(client.beta.routines.list_runs("Täglich zusammen/fassung v1", limit=2))
    assert len(found) == 5


def test_errors_are_what_the_sdk_expects(served_with_tls: Served) -> None:
    """A wrong token, a routine that is not there, a preview that is not asked for."""
    with project(served_with_tls, Fixed("example-wrong-token")) as client, pytest.raises(ClientAuthenticationError):
        list(client.beta.routines.list())
    with project(served_with_tls) as client:
        with pytest.raises(ResourceNotFoundError):
            list(client.beta.routines.list_runs("nobody"))
        served_with_tls.simulator.foundry.requires_preview = True
        assert list(client.beta.routines.list())
        with pytest.raises(HttpResponseError):
            list(client.beta.routines.list(headers={"Foundry-Features": "Routines=V1Preview"}))


def test_the_sdk_finds_nothing_in_a_value_envelope(served_with_tls: Served) -> None:
    """The trap that the exporter must not fall into: no error, and no runs."""
    served_with_tls.simulator.faults.on("value_envelope")
    with project(served_with_tls) as client:
        assert list(client.beta.routines.list()) == []


def _client_secret(served: Served, secret: str | None = None) -> ClientSecretCredential:
    credentials = served.simulator.credentials
    return ClientSecretCredential(
        credentials.tenant_id,
        credentials.client_id,
        secret or credentials.client_secret,
        authority=served.server.base_url,
        disable_instance_discovery=True,
        connection_verify=str(served.ca_file),
        retry_total=0,
    )


def test_a_client_secret(served_with_tls: Served) -> None:
    """azure-identity's own exchange gives a token that opens the project."""
    with _client_secret(served_with_tls) as credential, project(served_with_tls, credential) as client:
        assert list(client.beta.routines.list())
    assert served_with_tls.simulator.tokens.issued() == 1


def test_a_wrong_client_secret(served_with_tls: Served) -> None:
    """Refused with Entra's code."""
    credential = _client_secret(served_with_tls, "example-wrong")
    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(SCOPE)


def test_workload_identity(served_with_tls: Served, tmp_path: Path) -> None:
    """The content of a file in exchange for a token."""
    credentials = served_with_tls.simulator.credentials
    file = tmp_path / "assertion"
    file.write_text(credentials.federated_assertion)
    with WorkloadIdentityCredential(
        tenant_id=credentials.tenant_id,
        client_id=credentials.client_id,
        token_file_path=str(file),
        authority=served_with_tls.server.base_url,
        disable_instance_discovery=True,
        connection_verify=str(served_with_tls.ca_file),
    ) as credential:
        token = credential.get_token(SCOPE).token
    assert served_with_tls.simulator.tokens.accepts(token, NOON)


def test_managed_identity_of_a_virtual_machine(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata service, by its override."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", served.server.base_url)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(SCOPE).token
    assert served.simulator.tokens.accepts(token, NOON)


def test_managed_identity_of_an_app_service(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint and a header from the environment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served.server.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", served.simulator.credentials.identity_header)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(SCOPE).token
    assert served.simulator.tokens.accepts(token, NOON)
