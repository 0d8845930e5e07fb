"""Variables: in values, of the vendors' tools, and the state's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from exporter.config import default_state, parse_state
from exporter.config.problems import Problem
from exporter.config.variables import VariableError, expand
from exporter.errors import ConfigError
from exporter.platforms.foundry.settings import ClientSecretAuth, FoundrySettings
from exporter.platforms.moderately.settings import ModeratelySettings
from exporter.platforms.roboto.settings import RobotoSettings
from tests.config.conftest import Load

ENVIRON = {"NAME": "value", "EMPTY": "", "NESTED": "${NAME} $$"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a${NAME}b${NAME}", "avaluebvalue"),
        ("${EMPTY}", ""),
        ("${EMPTY:-default}", "default"),
        ("${UNSET:-default}", "default"),
        ("${UNSET:-}", ""),
        ("${NAME:-default}", "value"),
        ("$$", "$"),
        ("$${NAME}", "${NAME}"),
        ("$$$NAME", "$$NAME"),
        ("$NAME costs $5", "$NAME costs $5"),
        ("${NESTED}", "${NAME} $$"),
        ("${UNSET:-a:b-c d}", "a:b-c d"),
    ],
)
def test_variables_in_values(text: str, expected: str) -> None:
    """What a variable holds is taken as it is."""
    assert expand(text, ENVIRON) == expected


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${NAME", "${NAME:default}", "${NAME?}", "a ${ b"])
def test_half_variables(text: str) -> None:
    """A ``${`` that opens no variable is a mistake, not text."""
    with pytest.raises(VariableError, match="that is no variable"):
        expand(text, ENVIRON)


@pytest.mark.parametrize(
    "name",
    [
        *("ROBOTO_API_KEY", "GRANITE_API_KEY", "MODERATELY_API_KEY", "AZURE_CLIENT_SECRET", "AUTHORIZATION"),
        *("A_CLIENT_ASSERTION", "ACCESS_TOKEN", "refresh_token", "X_PASSWORD", "AZURE_TENANT_ID", "ORG"),
        "CREDENTIALS_DIRECTORY",
    ],
)
def test_what_is_said_of_a_variable_that_is_not_set_is_shown_whole(name: str) -> None:
    """Nothing in the sentence looks like a secret, so nothing is blanked; a default of a secret is not suggested."""
    with pytest.raises(VariableError) as error:
        expand(f"${{{name}}}", {})
    shown = Problem((), str(error.value)).render("config.yaml")
    assert shown == f"config.yaml: {error.value}"
    assert (":-default" in shown) == (name in ("AZURE_TENANT_ID", "ORG"))


@given(st.text())
def test_doubled_dollars_stand_for_themselves(text: str) -> None:
    """Any text can be written by doubling its dollar signs."""
    assert expand(text.replace("$", "$$"), {}) == text


def test_vendor_variables_fill_in_what_one_target_lacks(read: Load) -> None:
    """Credential, endpoint and organisation come from the vendor's variables; the API key wins."""
    (target,) = read(
        "targets: [{name: a, platform: roboto}]",
        ROBOTO_API_KEY="example-key",
        ROBOTO_BEARER_TOKEN="other-token",
        ROBOTO_SERVICE_ENDPOINT="https://roboto.example.net/",
        ROBOTO_ORG_ID="og_a",
    ).targets
    assert isinstance(target, RobotoSettings)
    assert (target.secret.read(), target.base_url, target.org_id) == (
        "example-key",
        "https://roboto.example.net",
        "og_a",
    )


def test_vendor_variables_do_not_override(read: Load) -> None:
    """What is written counts, also when only one of two targets lacks the key."""
    first, second = read(
        "targets:\n"
        "  - {name: a, platform: moderately, team_id: team_a, api_key: example-key}\n"
        "  - {name: b, platform: moderately, api_key: example-key}\n",
        MODERATELY_TEAM_ID="team_b",
        MODERATELY_API_KEY="unused-key",
    ).targets
    assert isinstance(first, ModeratelySettings)
    assert isinstance(second, ModeratelySettings)
    assert (first.team_id, second.team_id) == ("team_a", "team_b")
    assert first.secret.read() == second.secret.read() == "example-key"


def test_empty_vendor_variable_counts_as_unset(read: Load) -> None:
    """An empty variable fills nothing in."""
    with pytest.raises(ConfigError, match=r"targets\[0\].token: is missing"):
        read("targets: [{name: a, platform: roboto}]", ROBOTO_API_KEY="")


@pytest.mark.parametrize("variable", ["FOUNDRY_PROJECT_ENDPOINT", "PROJECT_ENDPOINT", "AZURE_AI_PROJECT_ENDPOINT"])
def test_azure_variables_make_an_identity(read: Load, variable: str) -> None:
    """A Foundry target of two keys: the rest comes from Azure's variables."""
    (target,) = read(
        "targets: [{name: a, platform: foundry}]",
        AZURE_TENANT_ID="tenant",
        AZURE_CLIENT_ID="client",
        AZURE_CLIENT_SECRET="example-secret",
        AZURE_AUTHORITY_HOST="https://login.example.net/",
        **{variable: "https://account.example.net/api/projects/a"},
    ).targets
    assert isinstance(target, FoundrySettings)
    assert isinstance(target.auth, ClientSecretAuth)
    assert target.auth.authority_host == "https://login.example.net"
    assert target.base_url == "https://account.example.net/api/projects/a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state.db", "state.db"),
        ("state.db~", "state.db~"),
        ("./~/state.db", "~/state.db"),
        ("/var/lib/x/state.db", "/var/lib/x/state.db"),
        ("sqlite:////var/lib/x/state.db", "/var/lib/x/state.db"),
        ("sqlite:////var/lib/a%20b/state.db", "/var/lib/a b/state.db"),
    ],
)
def test_state_is_a_path(text: str, expected: str) -> None:
    """A path as it is, or in the form of an SQLite address."""
    assert parse_state(text) == Path(expected)


@pytest.mark.parametrize("text", ["", "sqlite:///x.db", "sqlite://", "sqlite:////x?mode=ro", "postgres://h/x", "a/"])
def test_state_is_nothing_else(text: str) -> None:
    """Anything that names no file is refused."""
    with pytest.raises(PydanticCustomError):
        parse_state(text)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "automation-exporter.db"),
        ({"STATE_DIRECTORY": "/var/lib/a"}, "/var/lib/a/state.db"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/state.db"),
        ({"STATE_DIRECTORY": ""}, "automation-exporter.db"),
    ],
)
def test_state_when_nobody_says(environ: dict[str, str], expected: str) -> None:
    """systemd's state directory, else the current one."""
    assert default_state(environ) == Path(expected)
