"""Generated files are compared whole, and written where they differ."""

from __future__ import annotations

from pathlib import Path

from tools import generate


def test_what_differs_is_named_and_written(tmp_path: Path) -> None:
    """A missing file and a changed one are written; a third stays untouched."""
    generated = {"docs/new.md": lambda: "new\n", "changed.md": lambda: "after\n", "same.md": lambda: "same\n"}
    (tmp_path / "changed.md").write_text("before\n")
    (tmp_path / "same.md").write_text("same\n")
    assert generate.outdated(tmp_path, generated) == ["docs/new.md", "changed.md"]
    assert generate.write(tmp_path, generated) == ["docs/new.md", "changed.md"]
    assert generate.outdated(tmp_path, generated) == []
    assert (tmp_path / "changed.md").read_text() == "after\n"


def test_the_repository_is_up_to_date() -> None:
    """What is committed is what ./run docs would write."""
    assert generate.outdated(generate.ROOT, generate.GENERATED) == []
