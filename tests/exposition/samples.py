"""Families for tests: hand-made ones, and strategies that make any."""

from __future__ import annotations

from hypothesis import strategies as st

from exporter import catalogue
from exporter.catalogue import own
from exporter.catalogue.model import Metric
from exporter.counting.states import Exemplar, Value
from exporter.families import Family, TargetLabels
from exporter.observations import Labels

FLEET = TargetLabels("roboto", "fleet", (("team", "perception"),))
SUPPORT = TargetLabels("foundry", "support")

TARGET_METRICS = tuple(metric for metric in catalogue.ALL if metric not in own.ROWS)

AWKWARD = st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        "\\n",
        '\\"',
        "}",
        "{",
        ",",
        "=",
        "#",
        ' # {a="b"} 1',
        "%",
        "%s",
        "%%d",
        "🤖",
        "é",
        "\r",
        "\t",
        " ",
    ]
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
LABEL = st.lists(AWKWARD | TEXT, max_size=4).map("".join) | st.sampled_from(["", "x" * 200, "日本" * 100])
COUNT = st.integers(min_value=0, max_value=2**53)
MOMENT = st.integers(min_value=0, max_value=4_000_000_000_000_000)
# The library's parser takes an escaped quote in an exemplar for the end of the value.
RUN_ID = LABEL.map(lambda label: label.replace('"', "'"))
EXEMPLAR = st.builds(Exemplar, RUN_ID, COUNT, MOMENT)


def value_width(metric: Metric) -> int:
    return len(metric.bounds) + 2 if metric.type == "histogram" else 1


def sample_strategy(metric: Metric) -> st.SearchStrategy[Value | float]:
    if metric.type == "gauge":
        return st.integers(min_value=-(2**53), max_value=2**53) | st.floats(allow_nan=False, width=32)
    # Sums of buckets must stay exact as floats too, which is what the parsers make of them.
    count = st.integers(min_value=0, max_value=2**53 // 20)
    return st.tuples(*[count] * value_width(metric))


@st.composite
def families(draw: st.DrawFn, metric: Metric) -> Family:
    labels = draw(st.lists(st.tuples(*[LABEL] * len(metric.labels)), unique=True, max_size=4))
    samples: dict[Labels, Value | float] = {}
    if metric.type == "gaugehistogram":
        for each in labels:
            for upper in draw(st.sets(st.sampled_from(["0.5", "1", "10.0", "60", "300", "+Inf"]), min_size=1)):
                samples[(*each, upper)] = draw(st.integers(min_value=0, max_value=1000))
        return Family(metric, samples)
    samples = {each: draw(sample_strategy(metric)) for each in labels}
    if metric.type == "gauge":
        return Family(metric, samples)
    buckets = st.integers(min_value=0, max_value=value_width(metric) - 2 if metric.type == "histogram" else 0)
    return Family(
        metric,
        samples,
        draw(st.dictionaries(st.sampled_from(labels), MOMENT)) if labels else {},
        draw(st.dictionaries(st.sampled_from(labels), st.dictionaries(buckets, EXEMPLAR, max_size=3)))
        if labels
        else {},
    )


@st.composite
def expositions(draw: st.DrawFn) -> list[tuple[TargetLabels, list[Family]]]:
    """Up to three targets with up to five families each, of any in the catalogue that a target may have."""
    names = draw(st.lists(LABEL, unique=True, max_size=3))
    made = []
    for name in names:
        own_labels = draw(st.dictionaries(st.sampled_from(["team", "tier"]), LABEL))
        metrics = draw(st.lists(st.sampled_from(TARGET_METRICS), unique_by=lambda each: each.name, max_size=5))
        made.append(
            (TargetLabels("roboto", name, tuple(own_labels.items())), [draw(families(each)) for each in metrics])
        )
    return made
