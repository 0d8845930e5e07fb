"""A secret shows itself only to ``read``."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
from pathlib import Path

import pytest
from pydantic_core import to_json

from exporter.errors import Unauthorized
from exporter.redaction import redact
from exporter.secrets import Secret

VALUE = "example-secret-value"


def test_literal_is_read() -> None:
    """A literal is what was written."""
    assert Secret(VALUE).read() == VALUE


@pytest.mark.parametrize("secret", [Secret(VALUE), Secret(path=Path("some/file"))], ids=["literal", "file"])
def test_nothing_shows_it(secret: Secret) -> None:
    """Neither str, repr, format, a container nor %-formatting."""
    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>10}", str([secret]), "%s" % secret):  # noqa: UP031
        assert VALUE not in text
        assert text.strip("[]") == repr(secret)


def test_it_cannot_be_serialised() -> None:
    """pickle, json and pydantic refuse it."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))
    with pytest.raises(ValueError, match="Unable to serialize"):
        to_json(Secret(VALUE))


def test_copies_are_the_secret_itself() -> None:
    """A copy of settings shares its secrets, files and warnings included."""
    secret = Secret(VALUE)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


def test_equality() -> None:
    """Equal values are equal, so that a reload sees what changed; a file equals a file of the same path."""
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("another-secret")
    assert Secret(VALUE) != Secret(path=Path("a"))
    assert Secret(path=Path("a")) == Secret(path=Path("a"))
    assert Secret(path=Path("a")) != Secret(path=Path("b"))
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE), Secret(path=Path("a"))}) == 2


@pytest.mark.parametrize("arguments", [{}, {"literal": VALUE, "path": Path("a")}])
def test_it_is_one_of_both(arguments: dict[str, object]) -> None:
    """A secret is a literal or a file."""
    with pytest.raises(ValueError, match="either a literal or a file"):
        Secret(**arguments)  # type: ignore[arg-type]


def test_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    """A new content and a replaced file (as Kubernetes does it) are both seen; line breaks at the end are cut."""
    file = tmp_path / "token"
    file.write_text("first-example\n")
    file.chmod(0o600)
    secret = Secret(path=file)
    assert secret.read() == secret.read() == "first-example"
    file.write_text("second-example\r\n")
    assert secret.read() == "second-example"
    other = tmp_path / "other"
    other.write_text("third-example")
    os.replace(other, file)
    assert secret.read() == "third-example"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b" example-secret ", "spaces around"),
        (b"example\nsecret", "line breaks"),
        (b"\xff\xfe\xfd", "not text"),
        ("gehe\u00efm-example".encode(), "cannot be sent in a header"),
    ],
)
def test_bad_file(tmp_path: Path, content: bytes | None, words: str) -> None:
    """What cannot travel in a header is refused with the file's name and without its content."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Unauthorized, match=words) as error:
        Secret(path=file).read()
    assert str(file) in str(error.value)
    assert "example" not in str(error.value).replace(str(file), "")


def test_file_of_everybody_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line, with path and mode, however often it is read or changed."""
    file = tmp_path / "token"
    file.write_text(VALUE)
    file.chmod(0o604)
    secret = Secret(path=file)
    with caplog.at_level(logging.WARNING):
        secret.read()
        file.write_text(VALUE + "-2")
        secret.read()
    assert [record.getMessage() for record in caplog.records] == ["secret file is readable by every user"]
    assert vars(caplog.records[0])["mode"] == "0o604"


def test_values_are_known_to_the_redactor_before_anybody_has_them(tmp_path: Path) -> None:
    """A literal when it is made, a file's value when it is read."""
    Secret("example-literal-for-redaction")
    assert "example-literal" not in redact("it was example-literal-for-redaction")
    file = tmp_path / "token"
    file.write_text("example-file-for-redaction\n")
    file.chmod(0o600)
    Secret(path=file).read()
    assert "example-file" not in redact("it was example-file-for-redaction")
