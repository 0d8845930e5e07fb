"""No field of any record is dropped without a word: accounts, records, sample responses and catalogue agree."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic.dataclasses import is_pydantic_dataclass

from exporter.catalogue import ALL, runs
from exporter.platforms.accounting import Account, PlatformAccount
from exporter.platforms.parsing import Record
from tests.platforms.support import SAMPLES, document
from tools.platform_pages import ACCOUNTS, pages

ROOTS: dict[str, dict[str, str]] = {
    "roboto/org_stats": {"Answer (`data`)": "data", "Statistics of an action (`data.items[]`)": "data.items[]"},
    "roboto/sdk_rejects": {"Answer (`data`)": "data", "Statistics of an action (`data.items[]`)": "data.items[]"},
    "foundry/routines": {
        "Answer": "",
        "Routine (`GET /routines`, `data[]`)": "data[]",
        "Trigger of a routine (`triggers`)": "data[].triggers{}",
        "Action of a routine (`action`)": "data[].action",
    },
    "foundry/runs": {"Answer": "", "Run (`GET /routines/{name}/runs`, `data[]`)": "data[]"},
    "foundry/legacy": {"Answer": "", "Run (`GET /routines/{name}/runs`, `data[]`)": "value[]"},
    "granite/batch": {
        "`summary`": "summary",
        "`executions_over_time.data[]`": "executions_over_time.data[]",
        "`success_rate.data[]`": "success_rate.data[]",
        "`failure_breakdown.data[]`": "failure_breakdown.data[]",
        "`trigger_distribution.data[]`": "trigger_distribution.data[]",
        "`top_automations.data[]`": "top_automations.data[]",
        "`duration_distribution.stats`": "duration_distribution.stats",
        "`duration_distribution.histogram[]`": "duration_distribution.histogram[]",
        "`recent_failures.data[]`": "recent_failures.data[]",
        "`actions_per_workflow.data[]`": "actions_per_workflow.data[]",
        "`workflow_complexity.data[]`": "workflow_complexity.data[]",
        "`endpoint_usage.data[]`": "endpoint_usage.data[]",
    },
    "moderately/agent_executions": {
        "Answer": "",
        "Execution (`GET /agent-executions`, `items[]`)": "items[]",
    },
    "moderately/agents": {"Answer": "", "Agent (`GET /agents`, `items[]`)": "items[]"},
    "moderately/agent_configuration_versions": {
        "Configuration version (`GET /agent-configuration-versions`, `[]`)": "[]"
    },
}
"""Where in which samples the records of an account stand."""

UNREAD = {
    "roboto/invocations_query_page1": ("POST /v1/actions/invocations/query", "data.items[]"),
    "roboto/triggers_list": ("GET /v1/triggers", "data.items[]"),
    "roboto/trigger_dispatches": ("GET /v1/triggers/id/{id}/dispatches", "data.items[]"),
    "granite/agent_run": ("GET /api/agent-runs/{run_id}", ""),
    "moderately/pipeline_executions": ("GET /pipeline-executions", "items[]"),
}
"""Samples of answers that are never asked for: the request, and where its records stand."""

INVENTED = {
    "brand_new_field",  # the samples of awkward answers hold fields that no documentation knows
    "intensity",
    "newField",
    "agentId of an execution",
    "new_section",
}

PAIRS = [(platform, account) for platform in ACCOUNTS for account in platform.accounts]


def at(value: Any, path: str) -> Iterator[dict[str, Any]]:
    """The objects at a path: ``[]`` enters a list, ``{}`` a map by its values."""
    if not path:
        if isinstance(value, dict):
            yield value
        return
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]").removesuffix("{}")
    inner = value.get(name) if name and isinstance(value, dict) else value
    entered = [inner]
    if head.endswith("[]"):
        entered = inner or []
    elif head.endswith("{}"):
        entered = list((inner or {}).values())
    for each in entered:
        yield from at(each, rest)


@pytest.mark.parametrize(("platform", "account"), PAIRS, ids=lambda each: getattr(each, "title", ""))
def test_every_field_that_is_read_is_accounted_for(platform: PlatformAccount, account: Account) -> None:
    """And what is read is not said to be left out."""
    assert account.names() <= account.fields.keys()
    for name in account.names():
        assert not account.fields[name].why, name


@pytest.mark.parametrize(("platform", "account"), PAIRS, ids=lambda each: getattr(each, "title", ""))
def test_what_is_not_read_says_why(platform: PlatformAccount, account: Account) -> None:
    """A field has one fate, and a reason that is more than a word."""
    for name, fate in account.fields.items():
        assert bool(fate.why) != bool(fate.feeds or fate.serves), name
        assert len(fate.why or fate.serves or "a metric says it all") > 3
        if account.model is not None and name not in account.names():
            assert fate.why, name


@pytest.mark.parametrize("platform", ACCOUNTS, ids=lambda each: str(each.name))
def test_every_record_has_an_account(platform: PlatformAccount) -> None:
    """Each model in the platform's module of records."""
    module = importlib.import_module(f"exporter.platforms.{platform.name}.records")
    models = {
        model
        for name, model in inspect.getmembers(module, inspect.isclass)
        if (is_pydantic_dataclass(model) or (issubclass(model, Record) and model is not Record))
        and not name.startswith("_")
    }
    assert {account.model for account in platform.accounts if account.model is not None} == models


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_field_of_the_samples_is_accounted_for(path: Path) -> None:
    """What responses hold, whether we read it or not."""
    sample = f"{path.parent.name}/{path.stem}"
    roots = next((found for prefix, found in ROOTS.items() if sample.startswith(prefix)), None)
    if roots is None and sample in UNREAD:
        return
    if roots is None:
        others = ("error", "entra", "imds", "request")  # errors, tokens, and what we send
        assert path.stem.startswith(others), f"say in ROOTS where the records in {sample} stand"
        return
    (platform,) = (each for each in ACCOUNTS if each.name == path.parent.name)
    by_title = {account.title: account for account in platform.accounts}
    for title, where in roots.items():
        known = {name.partition(".")[0] for name in by_title[title].fields} | INVENTED
        if "Execution (" in title:
            known |= {"agentId"}  # a future of which one sample dreams
        for found in at(document(sample), where):
            assert found.keys() <= known, title


@pytest.mark.parametrize("name", UNREAD)
def test_every_field_of_what_is_not_asked_for_is_named(name: str) -> None:
    """On the platform's page, with the reason why nobody asks."""
    request, where = UNREAD[name]
    (platform,) = (each for each in ACCOUNTS if each.name == name.partition("/")[0])
    (unread,) = (each for each in platform.unread if each.request == request)
    for found in at(document(name), where):
        assert found.keys() <= {*unread.fields}
    text = pages()[f"docs/platforms/{platform.name}.md"]()
    (line,) = (line for line in text.splitlines() if line.startswith(f"| `{request}` |"))
    assert all(f"`{field}`" in line for field in unread.fields)
    assert line.endswith(f"| {unread.why} |")


def test_the_members_beside_granites_lists_are_accounted_for() -> None:
    """What stands beside ``data``."""
    (platform,) = (each for each in ACCOUNTS if each.name == "granite")
    (beside,) = (account for account in platform.accounts if account.title == "Beside the lists")
    for name, member in document("granite/batch_ok").items():
        extra = {f"{name}.{key}" for key in member} if isinstance(member, dict) else {name}
        lists = {f"{name}.data", f"{name}.stats", f"{name}.histogram"}
        if name != "summary":
            assert extra - lists <= beside.fields.keys()


@pytest.mark.parametrize("platform", ACCOUNTS, ids=lambda each: str(each.name))
def test_accounts_and_catalogue_name_the_same_metrics(platform: PlatformAccount) -> None:
    """A row says that a platform feeds it exactly if one of the platform's fields does."""
    fed = {metric.name for metric in platform.fed()}
    sourced = {metric.name for metric in ALL if platform.name in metric.sources}
    assert fed == sourced, f"only in fields.py: {fed - sourced}; only in sources of exporter/catalogue: {sourced - fed}"


@pytest.mark.parametrize("platform", ACCOUNTS, ids=lambda each: str(each.name))
def test_what_a_platform_cannot_feed_is_said(platform: PlatformAccount) -> None:
    """Of the families that all platforms share."""
    shared = {metric.name for metric in runs.ROWS if metric not in runs.OBJECTIVES}
    fed = {metric.name for metric in platform.fed()}
    assert platform.unfed.keys() == shared - fed


@pytest.mark.parametrize(("platform", "account"), PAIRS, ids=lambda each: getattr(each, "title", ""))
def test_labels_that_fields_fill_exist(platform: PlatformAccount, account: Account) -> None:
    """``le`` is a histogram's own."""
    for fate in account.fields.values():
        for target in fate.feeds:
            assert target.label in ("", "le", *target.metric.labels)


def test_each_platform_has_its_page() -> None:
    """With every field in it."""
    for account, (path, page) in zip(ACCOUNTS, pages().items(), strict=True):
        text = page()
        assert path == f"docs/platforms/{account.name}.md"
        for each in account.accounts:
            for name in each.fields:
                assert f"| `{name}` |" in text
