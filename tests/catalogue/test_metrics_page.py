"""``docs/metrics.md`` is the table, no more and no less."""

from __future__ import annotations

from exporter import catalogue
from tools import generate, metrics_page


def test_the_committed_page_is_what_the_table_says() -> None:
    """Every character: texts drift as easily as names."""
    assert (generate.ROOT / "docs/metrics.md").read_text() == metrics_page.page()


def test_every_family_has_one_entry_in_the_order_of_the_exposition() -> None:
    """Whoever sees a metric finds it."""
    headings = [line[5:-1] for line in metrics_page.page().splitlines() if line.startswith("### `")]
    assert headings == [row.name for row in catalogue.ALL if row.per_target] + [
        row.name for row in catalogue.ALL if not row.per_target
    ]
