"""Credentials: read when needed, read again when refused, never shown."""

from __future__ import annotations

import pytest

from exporter.errors import Forbidden, Unauthorized
from exporter.http import HeaderAuth, NoAuth
from tests.http.support import TOKEN, Upstream, answer, client_of


def test_a_secret_is_read_once_until_it_is_refused() -> None:
    """A file that was replaced is seen after invalidate."""
    secrets = iter(["  example-one\n", "example-two"])
    auth = HeaderAuth(lambda: next(secrets), header="X-Key", prefix="")
    assert auth.headers("u") == {"X-Key": "example-one"}
    assert auth.headers("u") == {"X-Key": "example-one"}
    auth.invalidate()
    assert auth.headers("u") == {"X-Key": "example-two"}


def test_its_repr_holds_no_secret() -> None:
    """Not even after it was read."""
    auth = HeaderAuth(lambda: "example-token")
    auth.headers("u")
    assert repr(auth) == "HeaderAuth(header='Authorization')"


def test_an_empty_or_unreadable_secret() -> None:
    """Both are a matter of credentials, told in words."""

    def missing() -> str:
        raise FileNotFoundError(2, "No such file or directory", "/secret/path")

    with pytest.raises(Unauthorized, match="the credentials are empty"):
        HeaderAuth(lambda: " \n").headers("u")
    with pytest.raises(Unauthorized, match=r"the credentials cannot be read \(No such file or directory\)"):
        HeaderAuth(missing).headers("u")


def test_no_auth() -> None:
    """Nothing is sent, nothing can be refused."""
    auth = NoAuth()
    auth.invalidate()
    assert auth.headers("u") == {}


class Reads:
    """A source of the token that counts."""

    count = 0

    def __call__(self) -> str:
        self.count += 1
        return TOKEN


def test_a_new_credential_is_tried_once() -> None:
    """401, read again, done."""
    upstream = Upstream([answer(401), answer(200)])
    secrets = iter(["example-old", "example-new"])
    client_of(upstream, auth=HeaderAuth(lambda: next(secrets))).get("/x")
    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == ["Bearer example-old", "Bearer example-new"]


def test_a_credential_that_changed_is_used_from_the_next_poll_on() -> None:
    """Also while the old one is still taken: a wrong new one is told now, not when the old one ends. A poll has one."""
    upstream = Upstream([answer(200)])
    secrets = iter(["example-old", "example-new", "example-newer"])
    client = client_of(upstream, auth=HeaderAuth(lambda: next(secrets)))
    for _ in range(2):
        client.begin(30)
        client.get("/x")
        client.get("/x")
    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == ["Bearer example-old"] * 2 + ["Bearer example-new"] * 2


def test_wrong_credentials_are_read_again_once_a_poll() -> None:
    """Two requests for the first call, one for each further; the next poll reads again."""
    upstream = Upstream([answer(401)])
    reads = Reads()
    client = client_of(upstream, auth=HeaderAuth(reads))
    for _ in range(3):
        with pytest.raises(Unauthorized, match="check the token or key"):
            client.get("/x")
    assert (len(upstream.requests), reads.count) == (4, 2)
    client.begin(30)
    with pytest.raises(Unauthorized):
        client.get("/x")
    assert (len(upstream.requests), reads.count) == (6, 4)


def test_403_reads_the_credentials_again_for_the_next_request() -> None:
    """But does not try at once: the role is missing, not the token."""
    upstream = Upstream([answer(403), answer(200)])
    reads = Reads()
    client = client_of(upstream, auth=HeaderAuth(reads))
    with pytest.raises(Forbidden):
        client.get("/x")
    assert len(upstream.requests) == 1
    client.get("/x")
    assert reads.count == 2


@pytest.mark.parametrize("secret", ["example\ntoken", "example-tökén", "example\x00token"])
def test_a_credential_that_no_header_can_carry(secret: str) -> None:
    """Refused before it is sent, and not shown."""
    upstream = Upstream([answer(200)])
    with pytest.raises(Unauthorized, match="no HTTP header can carry") as caught:
        client_of(upstream, auth=HeaderAuth(lambda: secret)).get("/x")
    assert secret not in str(caught.value)
    assert upstream.requests == []
