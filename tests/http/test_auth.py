"""Credentials: read when needed, read again when refused, never shown."""

from __future__ import annotations

import pytest

from exporter.errors import Unauthorized
from exporter.http import HeaderAuth, NoAuth


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
