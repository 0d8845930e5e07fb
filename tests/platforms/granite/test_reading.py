"""What an answer of Granite is read as: all twelve members or none, and item by item what is not null."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.catalogue import ALL
from exporter.catalogue.granite import ENDPOINT_INVOCATIONS, ENDPOINT_SUCCESSFUL_INVOCATIONS, WORKFLOW_STEPS
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import COMPLETED, RUNS
from exporter.errors import InvalidResponse
from exporter.platforms.granite.figures import adds_up, reasons_add_up, totals
from exporter.platforms.granite.names import asked, identity
from exporter.platforms.granite.reading import read
from exporter.platforms.granite.records import Answer
from tests.platforms.support import document

USED = [name for name in document("granite/batch_ok") if name != "success_rate"]


def batch(**changes: Any) -> Any:
    """The sample with some members replaced."""
    return {**document("granite/batch_ok"), **changes}


@pytest.mark.parametrize("member", USED)
@pytest.mark.parametrize("held", [None, [], "text", 7, {}])
def test_an_answer_without_one_of_its_members_is_none(member: str, held: object) -> None:
    """Never an empty list, and never a zero."""
    if (member, held) == ("workflows", []) or (member, held) == ("summary", {}):
        return  # these are whole as they are
    with pytest.raises(InvalidResponse, match=member):
        read(batch(**{member: held}))


@pytest.mark.parametrize("payload", [None, [], "text", 3])
def test_an_answer_is_an_object(payload: object) -> None:
    """Whatever else it is, it is no answer."""
    with pytest.raises(InvalidResponse, match="expected a JSON object"):
        read(payload)


@pytest.mark.parametrize("value", [-1, 1.5, True, 2**53 + 1, float("nan"), float("inf"), "many", [], {}])
def test_a_number_that_is_none_leaves_only_its_own_figure_out(value: object) -> None:
    """The others of the record stay, and it is told of."""
    told = read(batch(top_automations={"data": [{"workflow_name": "a", "completed": value, "failures": 2}]}))
    (item,) = told.automations
    assert (item.completed, item.failures) == (None, 2)
    assert [skip.reason for skip in told.skipped] == ["bad_value"]


@pytest.mark.parametrize("value", [-0.5, True, "5", float("nan"), float("inf"), [], {}])
def test_a_length_that_is_none_leaves_only_its_own_figure_out(value: object) -> None:
    """Means and quantiles need not be whole, but they are numbers from 0."""
    item = {"workflow_name": "a", "completed": 2, "avg_duration_ms": value}
    told = read(batch(top_automations={"data": [item]}))
    assert (told.automations[0].completed, told.automations[0].avg_duration_ms) == (2, None)
    assert [skip.reason for skip in told.skipped] == ["bad_value"]


@pytest.mark.parametrize(("value", "read_as"), [(None, None), (3.0, 3), ("3", 3), (0, 0), (2**53, 2**53)])
def test_null_is_not_told_and_whole_numbers_come_in_shapes(value: object, read_as: int | None) -> None:
    """Nothing of this is wrong."""
    told = read(batch(top_automations={"data": [{"workflow_name": "a", "completed": value}]}))
    assert told.automations[0].completed == read_as
    assert told.skipped == ()


@pytest.mark.parametrize(
    ("item", "reason"),
    [({"completed": 1}, "no_id"), ({"workflow_name": None}, "no_id"), ("text", "bad_record"), (None, "bad_record")],
)
def test_an_item_that_is_no_record_is_left_out(item: object, reason: str) -> None:
    """The ones beside it are read."""
    told = read(batch(top_automations={"data": [item, {"workflow_name": "b"}]}))
    assert [each.workflow_name for each in told.automations] == ["b"]
    assert [skip.reason for skip in told.skipped] == [reason]


@pytest.mark.parametrize(
    ("summary", "items", "whole"),
    [
        ((5, 1), [(3, 1), (2, 0)], True),
        ((5, 1), [(3, 1)], False),
        ((3, 2), [(3, 1)], False),
        ((3, 1), [(3, 1), (None, 0)], False),
        ((None, 1), [(3, 1)], False),
        ((0, 0), [], True),
        ((2, 0), [(3, 0)], True),
    ],
)
def test_a_list_is_whole_when_it_adds_up(
    summary: tuple[int | None, int], items: list[tuple[int | None, int]], whole: bool
) -> None:
    """To the completed and the failed of the summary; what was not told proves nothing."""
    data = [
        {"workflow_name": f"w{number}", "completed": completed, "failures": failed}
        for number, (completed, failed) in enumerate(items)
    ]
    told = read(
        batch(
            summary={"completed": summary[0], "total_failures": summary[1]},
            top_automations={"data": data},
        )
    )
    assert adds_up(told) is whole


@pytest.mark.parametrize("numbers", [(3, 5), (5, 3)])
def test_of_two_items_of_one_name_the_larger_counts(numbers: tuple[int, int]) -> None:
    """Rule 23: one answer names a workflow twice; neither their sum nor the last one is taken."""
    data = [{"workflow_name": "a", "completed": number, "failures": 0} for number in numbers]
    found = totals(Answer(read(batch(top_automations={"data": data})), "list"))
    assert [each.value for each in found if (each.metric, each.item, each.labels) == (RUNS, "a", (COMPLETED,))] == [5]


@pytest.mark.parametrize(
    ("baseline", "told"),
    [
        (True, {(RUNS, "whole"): {3, 1}, (WORKFLOW_STEPS, "whole"): {7}}),
        (
            False,
            {
                (RUNS, "whole"): {3, 1},
                (RUNS, "part"): {2},
                (WORKFLOW_STEPS, "whole"): {7},
                (WORKFLOW_STEPS, "part"): {8},
            },
        ),
    ],
)
def test_a_workflow_that_the_first_list_tells_in_part_has_no_baseline_there(
    baseline: bool, told: dict[tuple[Metric, str], set[int]]
) -> None:
    """It is read by name from the first poll on; later, what is not told is kept."""
    data = [
        {"workflow_name": "whole", "completed": 3, "failures": 1},
        {"workflow_name": "part", "completed": None, "failures": 2},
    ]
    steps = [{"workflow_name": "whole", "total_steps": 7}, {"workflow_name": "part", "total_steps": 8}]
    answer = read(
        batch(top_automations={"data": data}, actions_per_workflow={"data": steps}, workflows=["whole", "part"])
    )
    found: dict[tuple[Metric, str], set[int]] = {}
    for each in totals(Answer(answer, "list", baseline=baseline)):
        if each.item:
            found.setdefault((each.metric, each.item), set()).add(each.value)
    assert found == told


@pytest.mark.parametrize(("method", "label"), [("POST", "POST"), ("", ""), (None, "")])
def test_an_endpoint_without_a_method_is_counted(method: str | None, label: str) -> None:
    """What the platform leaves out is an empty label value."""
    usage = {"endpoint_slug": "report", "http_method": method, "invocations": 3, "success_count": 2}
    found = totals(Answer(read(batch(endpoint_usage={"data": [usage]})), "list"))
    told = {each.metric: each.value for each in found if each.labels == ("report", label)}
    assert told == {ENDPOINT_INVOCATIONS: 3, ENDPOINT_SUCCESSFUL_INVOCATIONS: 2}


@pytest.mark.parametrize(
    ("total", "counts", "whole"),
    [(3, [2, 1], True), (3, [2], False), (3, [3, None], False), (0, [], True), (1, [], False), (None, [2], True)],
)
def test_failure_categories_are_whole_when_they_add_up(
    total: int | None, counts: list[int | None], *, whole: bool
) -> None:
    """To the sum beside them; without one nothing can be said against them."""
    data = [{"category": f"c{number}", "count": count} for number, count in enumerate(counts)]
    told = read(batch(failure_breakdown={"data": data, "total_failures": total}))
    assert reasons_add_up(told) is whole


NO_SUM = ("actions_per_workflow", "endpoint_usage", "trigger_distribution", "failure_breakdown")
"""Lists that may be cut short, whose lack no further reading makes good."""


@pytest.mark.parametrize("member", NO_SUM)
def test_help_says_that_a_list_covers_what_was_told(member: str) -> None:
    """Of every family that such a list feeds."""
    fed = [row for row in ALL if member in row.sources.get("granite", "")]
    assert fed
    assert [row.name for row in fed if "as far as the list" not in row.help] == []


def test_half_surrogates_are_replaced() -> None:
    """JSON can carry them, label values cannot."""
    assert read(batch(workflows=["a\ud83d"])).workflows == ("a\ufffd",)


@pytest.mark.parametrize("name", ["invoices", "_other", "_unnamed", "with_"])
def test_a_workflow_is_asked_for_by_its_own_name(name: str) -> None:
    """Reserved names are told apart inside only."""
    assert asked(identity(name)) == name


def test_the_nameless_workflow_cannot_be_asked_for() -> None:
    """An empty filter means all."""
    assert identity("") == "_unnamed"
    assert asked(identity("")) is None
