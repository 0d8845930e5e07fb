"""Links to single runs; the messages about wrong templates are in tests/config/mistakes/run_url.yaml."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from exporter.platforms.run_links import check, link

VALUES = {"run_id": "r/1 ?", "workload": "Größe", "target": "t", "task_id": ""}


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://x.example/{run_id}", "https://x.example/r%2F1%20%3F"),
        ("http://x.example/{target}/{workload}#{run_id}", "http://x.example/t/Gr%C3%B6%C3%9Fe#r%2F1%20%3F"),
        ("https://x.example/?a={run_id}&b={run_id}", "https://x.example/?a=r%2F1%20%3F&b=r%2F1%20%3F"),
        ("https://x.example/{task_id}", None),  # the run has none
        ("https://x.example/{session_id}", None),
        (None, None),
    ],
)
def test_fields_are_filled_in_and_quoted(template: str | None, url: str | None) -> None:
    """An id can be anything; it never changes where a link leads."""
    assert link(template, VALUES) == url


@pytest.mark.parametrize(
    "template", ["https://x.example/{run_id}", "https://x.example?x={run_id}", "http://[::1]/{run_id}"]
)
def test_right_templates(template: str) -> None:
    """They stay as they are."""
    assert check(template, ("run_id",)) == template


@pytest.mark.parametrize(
    "template", ["{run_id}", "https:///{run_id}", "https://[x/{run_id}", "ftp://x/{run_id}", "https://x/ä{run_id}"]
)
def test_what_is_no_url_is_refused(template: str) -> None:
    """Also what the parser of URLs stumbles over."""
    with pytest.raises(PydanticCustomError, match="is not a"):
        check(template, ("run_id",))
