"""Names that upstreams chose as label values (rule 21)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms import labels
from exporter.platforms.foundry.records import Routine
from exporter.platforms.moderately.records import Agent, Version
from exporter.platforms.parsing import Record
from exporter.platforms.roboto.records import ActionStats
from exporter.redaction import remember

LONG = "x" * 201


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("nightly", "nightly"),
        ("日次レポート №4", "日次レポート №4"),
        ("", "_unnamed"),
        ("_other", "_other_"),
        ("_unnamed", "_unnamed_"),
        ("_others", "_others"),
        ("a\ud800b", "a\ufffdb"),
        ("two\nlines", "two\nlines"),
        ("x" * 200, "x" * 200),
    ],
)
def test_workload(name: str, label: str) -> None:
    """Never empty, never one of ours, always UTF-8."""
    assert labels.workload(name) == label


def test_long_names_stay_apart() -> None:
    """Cut to 200 characters with a hash of the whole at the end."""
    cut = labels.workload(LONG)
    assert len(cut) == 200
    assert cut.startswith("x" * 183 + "~")
    assert cut != labels.workload(LONG + "x")
    assert cut == labels.workload(LONG)


def test_other_values_may_be_empty() -> None:
    """A field that the platform leaves empty is an empty label value."""
    assert labels.value("") == ""
    assert labels.value("_other") == "_other"


@given(st.text(max_size=300).map(lambda text: text + "\udfff"))
def test_every_value_can_be_exposed(name: str) -> None:
    """In UTF-8 and within 200 characters, whatever it was."""
    label = labels.workload(name)
    assert 0 < len(label.encode().decode()) <= 201


def test_a_text_that_is_remembered_has_an_end() -> None:
    """Names and ids of any length that anybody uses stay as they are; two that are longer stay two."""
    real = "long " * 2000
    assert labels.kept(real) == real
    first, second = labels.kept("n" * 1_000_000), labels.kept("n" * 1_000_001)
    assert len(first) == len(second) == labels.MAX_TEXT
    assert first != second


def test_a_name_that_repeats_a_secret_is_blanked() -> None:
    """The upstream knows the credential that it is asked with; its names become labels."""
    remember("example-token-that-an-upstream-repeats")
    remember("short-word")
    for made in (labels.value, labels.kept, labels.workload):
        assert made("a example-token-that-an-upstream-repeats b") == "a <redacted> b"
        assert (
            made("short-word stays, it may stand there by chance") == "short-word stays, it may stand there by chance"
        )


@pytest.mark.parametrize(
    ("model", "record"),
    [
        (
            ActionStats,
            {"action_name": "{}", "action_org_id": "{}", "completed_count": 0, "fail_count": 0, "queued_count": 0},
        ),
        (Routine, {"name": "{}"}),
        (Agent, {"agentId": "{}"}),
        (Version, {"agentConfigurationVersionId": "{}", "agentId": "{}"}),
    ],
)
def test_what_a_workload_is_remembered_by_repeats_no_secret(model: type[Record], record: dict[str, object]) -> None:
    """Identities stand in the state for months."""
    secret = "example-token-that-an-upstream-repeats"
    remember(secret)
    body = json.dumps(record).replace("{}", secret)
    assert secret not in repr(model.model_validate_json(body))
