"""Nothing secret leaves in a text."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.redaction import BLANK, KEPT, SHORTEST, Redactor, redact

VALUE = "example+secret/with=signs&more"


@pytest.fixture
def redactor() -> Redactor:
    """A redactor that knows one value."""
    redactor = Redactor()
    redactor.remember(VALUE)
    return redactor


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE),
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
        repr(VALUE),
        json.dumps(VALUE),
        json.dumps(f'"{VALUE}\\'),
        html.escape(VALUE),
    ],
)
def test_known_value_in_every_form(redactor: Redactor, form: str) -> None:
    """As it is, URL-encoded, base64, quoted."""
    assert redactor.redact(f"before {form} after").startswith("before ")
    for hidden in (VALUE, form):
        assert hidden not in redactor.redact(f"before {form} after")


@given(user=st.text("abcdefghij", max_size=9), value=st.text("abcXYZ019+/=-_", min_size=12, max_size=40))
def test_known_value_inside_basic_credentials(user: str, value: str) -> None:
    """At whatever offset it stands in what was encoded, enough of it goes that the rest is no use."""
    redactor = Redactor()
    redactor.remember(value)
    encoded = base64.b64encode(f"{user}:{value}".encode()).decode()
    assert BLANK in redactor.redact(f"x {encoded} x")
    assert encoded not in redactor.redact(f"x {encoded} x")


# Without the character that stands for blanks below.
TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


@given(st.text(TEXT, min_size=SHORTEST, max_size=60), st.text(TEXT, max_size=20), st.text(TEXT, max_size=20))
def test_known_value_never_survives(value: str, before: str, after: str) -> None:
    """Whatever the secret and its surroundings are."""
    redactor = Redactor()
    redactor.remember(value)
    assert value in BLANK or value not in redactor.redact(before + value + after).replace(BLANK, "\0")


def test_secret_that_begins_with_another() -> None:
    """The longer one is blanked whole."""
    redactor = Redactor()
    redactor.remember("example-token")
    redactor.remember("example-token-longer")
    assert redactor.redact("a example-token-longer b example-token c") == f"a {BLANK} b {BLANK} c"


def test_the_newest_values_are_kept() -> None:
    """Renewed tokens do not add up; one that is used again counts as new."""
    redactor = Redactor()
    redactor.remember("example-token-in-use")
    for number in range(KEPT):
        redactor.remember(f"example-token-{number:04}")
        redactor.remember("example-token-in-use")
    assert redactor.redact("example-token-0000") == "example-token-0000"
    assert redactor.redact(f"example-token-0001 example-token-in-use example-token-{KEPT - 1:04}") == " ".join(
        [BLANK] * 3
    )


@pytest.mark.parametrize("value", ['quote"and\\backslash', "tab\tin-between", "ünïcode-word-☃", "<tag>&'quoted'"])
def test_known_value_as_libraries_write_it(value: str) -> None:
    """JSON with and without ASCII, HTML, ``repr``: each has escapes of its own."""
    redactor = Redactor()
    redactor.remember(value)
    written = (json.dumps(value), json.dumps(value, ensure_ascii=False), html.escape(value), repr(value), quote(value))
    for form in written:
        assert redactor.redact(f"a {form} b").strip("ab \"'") == BLANK


def test_names_are_changed_for_sure_values_only() -> None:
    """What an upstream chose is read by people and counted by: a short word may stand there by chance."""
    redactor = Redactor()
    redactor.remember("example")
    redactor.remember("example-token-of-some-length")
    assert redactor.blank("example example-token-of-some-length") == f"example {BLANK}"


def test_short_values_are_left() -> None:
    """Blanking every "on" of a text would hide nothing and spoil all."""
    redactor = Redactor()
    redactor.remember("on")
    assert redactor.redact("on and on") == "on and on"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer unknown-token-value",
        "authorization=unknown-token-value",
        "{'Authorization': 'Bearer unknown-token-value'}",
        "[(b'authorization', b'Bearer unknown-token-value')]",
        '{"Proxy-Authorization": "Basic unknown-token-value"}',
        "sent bearer unknown-token-value to the host",
        "X-Granite-API-Key: unknown-token-value",
        "{'api_key': 'unknown-token-value'}",
        "client_secret=unknown-token-value&scope=x",
        '{"access_token":"unknown-token-value","expires_in":3599}',
        "https://user:unknown-token-value@host.example.net/path",
        "https://unknown-token-value@host.example.net/path",
        "https://host.example.net/?a=b&access_token=unknown-token-value&c=d",
        "https://host.example.net/?X-Amz-Signature=unknown-token-value",
        "/path?api-key=unknown-token-value",
    ],
)
def test_what_looks_like_credentials(text: str) -> None:
    """Values that nobody announced are blanked where a name says what they are."""
    assert "unknown-token-value" not in redact(text)
    assert BLANK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "token is missing; write api_key: ${VARIABLE} or api_key_file: /path",
        "write one of token, client_secret, workload_identity, managed_identity",
        "the bearer of bad news",
        "https://host.example.net/path?user=a@b",
        "https://host.example.net/path?order=desc&after=abc",
        "authorization: none",
        "",
    ],
)
def test_innocent_words_stay(text: str) -> None:
    """Messages that speak about credentials stay readable."""
    assert redact(text) == text
