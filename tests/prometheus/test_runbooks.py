"""Every alert has a section in the runbooks that says all it has to, with queries that can work."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.prometheus.table import ALERT_RULES, PROMETHEUS
from tools import rules
from tools.promql import read
from tools.rules.lint import known_to

TEXT = (PROMETHEUS / "runbooks.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
PARTS = ("Meaning", "First look", "Causes", "Remedies", "Silence", "Platforms")

SEVERITIES: dict[str, set[str]] = defaultdict(set)
for each in ALERT_RULES:
    SEVERITIES[each["alert"]].add(each["labels"]["severity"])

QUERIES = [
    (name, query)
    for name, body in SECTIONS.items()
    for block in re.findall(r"```promql\n(.*?)```", body, re.DOTALL)
    for query in block.splitlines()
]


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    """By its name, which is where the link of a notification leads."""
    assert set(SECTIONS) == set(SEVERITIES)


@pytest.mark.parametrize("name", sorted(SEVERITIES))
def test_a_section_has_all_parts_in_order(name: str) -> None:
    """Meaning, first look, causes, remedies, how to silence it, which platforms feed it; each says something."""
    found = re.findall(r"^\*\*([\w ]+)\.\*\* *\S", SECTIONS[name], re.MULTILINE)
    headed = re.findall(r"^\*\*([\w ]+)\.\*\*", SECTIONS[name], re.MULTILINE)
    assert headed == list(PARTS)
    assert set(headed) - set(found) <= {"First look"}  # which may be its queries alone
    assert "```promql" in SECTIONS[name]


def test_the_table_in_front_names_every_alert_with_its_severities() -> None:
    """And links to its section."""
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| ([a-z, ]+) \|", TEXT, re.MULTILINE)
    assert {name: set(severities.split(", ")) for name, _, severities in rows} == SEVERITIES
    assert [name.lower() for name, _, _ in rows] == [anchor for _, anchor, _ in rows]


def test_links_lead_to_sections() -> None:
    """Within the file, by GitHub's anchors."""
    anchors = {name.lower() for name in SECTIONS} | {"in-general"}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= anchors


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_queries_name_what_exists(name: str, query: str) -> None:
    """Metrics and labels of the catalogue, or recorded by the rules."""
    _, reader = read(query, known_to(rules.FILES))
    assert reader.found == [], name
