"""Checks all run, and one failure fails the whole."""

from __future__ import annotations

import sys

import pytest

from tools import check


def test_every_check_runs_and_only_failures_show_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The good one is quiet, the bad one prints its words and its exit code."""
    monkeypatch.setattr(
        check,
        "CHECKS",
        {
            "bad": (sys.executable, "-c", "import sys; print('a mistake'); sys.exit(3)"),
            "good": (sys.executable, "-c", "print('many words')"),
        },
    )
    assert check.main([]) == 1
    output = capsys.readouterr().out
    assert "check bad: FAILED (exit code 3)" in output
    assert "a mistake" in output
    assert "check good: ok" in output
    assert "many words" not in output
    assert "1 checks passed, 1 failed" in output
    assert check.main(["good"]) == 0


def test_an_unknown_check_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A typo is no success."""
    assert check.main(["typos"]) == 2
    assert "no such check: typos; there are types, lint" in capsys.readouterr().out
