"""What can be proved wrong about the rules without data, each finding with its place.

Beside what ``tools.promql`` knows (metrics and labels that do not exist, joins that cannot match, ``rate()`` of what
is no counter): ranges that hold too few scrapes, and words of an alert about labels that it cannot have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

import promql_parser as promql

from exporter.catalogue import own
from tools.promql import SAMPLES, Samples, read
from tools.rules.model import Alert, Group, Recording
from tools.rules.text import SHIPPED, Options, expression, words

LONGEST_SCRAPE_INTERVAL: Final = timedelta(seconds=75)
"""The rules work up to here."""

SCRAPES_IN_A_RANGE: Final = 4
"""With fewer, one lost scrape leaves ``rate()`` with nothing to compare."""

_LABEL: Final = re.compile(r"\$labels\.(\w+)")


def scraped(options: Options = SHIPPED) -> Samples:
    """What is scraped, with the labels that rules may use beside the catalogue's.

    Series of a target carry its owner's labels, those that start anew with each process do not.
    """
    bare = {row.name for row in own.ROWS}
    bare |= {name for name, (_, labels) in SAMPLES.items() if "target" not in labels}
    found = {}
    for name, (kind, labels) in SAMPLES.items():
        row = re.sub(r"_(bucket|sum|count)$", "", name)
        owner = () if name in bare or row in bare else options.owner_labels
        found[name] = (kind, labels.union(options.exporter_labels, owner))
    return found


def findings(files: Mapping[str, Iterable[Group]], options: Options = SHIPPED) -> list[str]:
    """What is wrong with the rules of these files, which are read in order: what is recorded comes first."""
    known = dict(scraped(options))
    return [
        f"{path}: {group.name} / {rule.name}: {finding}"
        for path, groups in files.items()
        for group in groups
        for rule in group.rules
        for finding in _rule(rule, known, options)
    ]


def known_to(files: Mapping[str, Iterable[Group]], options: Options = SHIPPED) -> Samples:
    """What can be asked for where these rules are loaded: what is scraped and what is recorded."""
    known = dict(scraped(options))
    for groups in files.values():
        for rule in (rule for group in groups for rule in group.rules if isinstance(rule, Recording)):
            known[rule.name] = ("", read(expression(rule, options), known)[0])
    return known


def _rule(rule: Recording | Alert, known: dict[str, tuple[str, frozenset[str]]], options: Options) -> Iterator[str]:
    try:
        text = expression(rule, options)
        labels, reader = read(text, known)
    except (ValueError, KeyError) as error:
        yield f"this is not PromQL: {error}"
        return
    yield from reader.found
    yield from short_ranges(text)
    if isinstance(rule, Recording):
        known[rule.name] = ("", labels)
        return
    there = labels | rule.labels.keys() | {"severity"}
    for name, sentence in words(rule, options).items():
        for label in _LABEL.findall(sentence):
            if label not in there:
                yield f"{name} uses the label {label}, which is not there"
    if "{{" in rule.summary:
        yield "the summary is to be the same for all instances"


def short_ranges(text: str) -> list[str]:
    """Ranges of an expression that hold too few scrapes."""
    found = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.MatrixSelector) and node.range < SCRAPES_IN_A_RANGE * LONGEST_SCRAPE_INTERVAL:
            found.append(f"a range of {node.range.total_seconds():g} s holds fewer than {SCRAPES_IN_A_RANGE} scrapes")
        return True

    promql.walk(promql.parse(text), pre_visit=visit)
    return found
