"""Every question of every dashboard, put to real Prometheus servers that hold two days of the exporter's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.real import history
from tests.real.asked import AT, Answer, answer, prometheus_with_history, selection, values_of
from tests.real.binaries import PROMETHEUS_MAJORS, prometheus_binaries
from tests.real.prometheus import Prometheus
from tools import dashboards
from tools.dashboards.reading import Asked, Json, filled, load, questions, variables

# One history serves all tests of this file: they stay with one worker.
pytestmark = pytest.mark.xdist_group("dashboards")

COMMITTED: Final = {
    dashboard["uid"]: dashboard for dashboard in load(Path(__file__).resolve().parent.parent.parent / dashboards.FOLDER)
}

EMPTY: Final[Mapping[str, str]] = {
    "automation-exporter / Read with reservations / A": "no incident makes a target degraded",
    "automation-exporter / Runs and records left out / A": "the simulated platforms tell nothing wrong here",
    "automation-exporter / Corrections of counters / B": "nothing is written off before debts are a day old",
    "automation-roboto / Falls of Roboto's counts / B": "nothing is written off before debts are a day old",
}
"""Questions that have no answer in this history, and why."""

ONE_PLATFORMS: Final[Mapping[str, Sequence[str]]] = {
    "automation-workload / Failures by reason / A": ("foundry", "moderately"),
    "automation-workload / Durations / A": ("foundry", "moderately"),
    "automation-workload / Durations / B": ("foundry", "moderately"),
    "automation-workload / Durations / C": ("foundry", "moderately"),
    "automation-workload / Active runs / A": ("roboto", "foundry", "moderately"),
    "automation-workload / Age of the oldest active run / A": ("foundry", "moderately"),
    "automation-workload / Time in the queue / A": ("foundry", "moderately"),
    "automation-workload / Time in the queue / B": ("foundry", "moderately"),
    "automation-workload / Schedule / A": ("foundry",),
    "automation-workload / Schedule / B": ("foundry",),
    "automation-workload / Schedule / C": ("foundry",),
    "automation-workload / Schedule / D": ("foundry",),
    "automation-workload / Triggers / A": ("foundry",),
}
"""Questions about one workload that only these platforms can answer (docs/metrics.md)."""

WRONG: Final = {
    ("Failing", "agents", "契約審査 agent"),
    ("Missed schedule", "support-routines", "hourly-digest"),
    ("Not read", "fleet-eu", ""),
    ("Silent", "support-routines", "hourly-digest"),
    ("Stuck", "support-routines", "日次レポート"),
}
"""What the incidents of the history are at its end. Single failures of others may add to it."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The history, written once."""
    return history.write(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module", params=PROMETHEUS_MAJORS, ids=lambda major: f"prometheus{major}")
def prometheus(
    request: pytest.FixtureRequest, files: Sequence[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Each supported Prometheus with the history."""
    binaries = prometheus_binaries(request.param)
    with prometheus_with_history(binaries, tmp_path_factory.mktemp("prometheus"), files) as started:
        yield started


@pytest.fixture(params=sorted(COMMITTED))
def dashboard(request: pytest.FixtureRequest) -> Json:
    """Each dashboard as it is committed."""
    return COMMITTED[request.param]


OF_ALL: Final = sorted(set(COMMITTED) - {"automation-workload"})
"""Dashboards that open with everything chosen; the other one is of one workload."""


def verdict(asked: Asked, found: Answer, empty: Mapping[str, str]) -> str | None:
    """What is wrong with an answer, if anything."""
    if found.has_nan:
        return f"{asked.place}: NaN or infinity"
    if asked.place in empty:
        return f"{asked.place}: listed as empty, and is not" if found.rows else None
    return None if found.rows else f"{asked.place}: no answer"


@pytest.mark.parametrize("uid", OF_ALL)
def test_every_question_has_an_answer(prometheus: Prometheus, uid: str) -> None:
    """With All chosen wherever there is All: no error, nothing that is no number, nothing empty without a reason."""
    dashboard = COMMITTED[uid]
    given = selection(prometheus, dashboard, {})
    found = [verdict(asked, answer(prometheus, asked, given), EMPTY) for asked in questions(dashboard)]
    assert [finding for finding in found if finding] == []


@pytest.mark.parametrize("platform", ["roboto", "foundry", "granite", "moderately"])
def test_every_question_about_workloads_of_a_platform_has_an_answer(prometheus: Prometheus, platform: str) -> None:
    """All workloads of one platform chosen one by one, so that their names are escaped; some have odd ones."""
    dashboard = COMMITTED["automation-workload"]
    known = values_of(prometheus, variables(dashboard)["workload"], {"job": ".*", "platform": platform, "target": ".*"})
    assert len(known) >= 6
    given = selection(prometheus, dashboard, {"platform": [platform], "workload": known})
    empty = {place: platform for place, platforms in ONE_PLATFORMS.items() if platform not in platforms}
    found = [verdict(asked, answer(prometheus, asked, given), empty) for asked in questions(dashboard)]
    assert [finding for finding in found if finding] == []


def test_every_variable_offers_something(prometheus: Prometheus, dashboard: Json) -> None:
    """And what is offered is what is there."""
    given = selection(prometheus, dashboard, {})
    offered = {
        name: values_of(prometheus, variable, given)
        for name, variable in variables(dashboard).items()
        if variable["type"] == "query"
    }
    assert all(offered.values()), offered
    assert offered["job"] == [history.JOB]
    assert set(offered["target"]) <= {"fleet", "fleet-eu", "support-routines", "back-office", "agents"}


def test_annotations_find_the_gaps(prometheus: Prometheus) -> None:
    """Three targets could not be read for a while."""
    dashboard = COMMITTED["automation-overview"]
    given = selection(prometheus, dashboard, {})
    [alerts, gaps] = [filled(one["expr"], given) for one in dashboard["annotations"]["list"]]
    assert prometheus.query(alerts, AT) == []
    assert {sample.labels["target"] for sample in prometheus.query(gaps, AT)} == {
        "fleet",
        "support-routines",
        "back-office",
    }


def question(uid: str, title: str) -> Asked:
    """The first question of a panel."""
    return next(asked for asked in questions(COMMITTED[uid]) if asked.panel["title"] == title)


def test_the_overview_tells_what_is_wrong(prometheus: Prometheus) -> None:
    """Each incident that is on at the end, where, and since when: never in the future, never before the history."""
    given = selection(prometheus, COMMITTED["automation-overview"], {})
    found = answer(prometheus, question("automation-overview", "What is wrong"), given)
    places = {(row["problem"], row["target"], row.get("workload", "")) for row, _ in found.rows}
    assert places >= WRONG
    assert {place for place in places - WRONG if place[0] != "Failing"} == set()
    assert all(AT - 172800 < milliseconds / 1000 < AT for milliseconds in found.numbers)
    [verdict_now] = answer(prometheus, question("automation-overview", "Now"), given).numbers
    assert verdict_now == 3


@pytest.mark.parametrize(
    ("uid", "picked", "expected"),
    [
        ("automation-overview", {"target": ["agents"]}, 3),
        ("automation-overview", {"target": ["fleet-eu"]}, 2),
        ("automation-overview", {"target": ["support-routines"], "workload": ["hourly-digest"]}, 1),
        ("automation-overview", {"target": ["support-routines"], "workload": ["ticket-triage"]}, 0),
        ("automation-workload", {"target": ["fleet-eu"], "workload": ["csv_processor"]}, 2),
        ("automation-workload", {"target": ["fleet"], "workload": ["csv_processor"]}, 0),
    ],
)
def test_the_verdict(prometheus: Prometheus, uid: str, picked: Mapping[str, Sequence[str]], expected: int) -> None:
    """Failing, unknown, attention or all good, as far as the variables let one see."""
    given = selection(prometheus, COMMITTED[uid], picked)
    assert answer(prometheus, question(uid, "Now"), given).numbers == [expected]


def test_without_an_exporter_nothing_is_green(prometheus: Prometheus) -> None:
    """The tiles have no value, which they show as unknown, and the table says why."""
    dashboard = COMMITTED["automation-overview"]
    given = selection(prometheus, dashboard, {}) | {"job": "another"}
    tiles = [asked for asked in questions(dashboard) if asked.panel["type"] == "stat"]
    assert len(tiles) >= 7
    assert [asked.place for asked in tiles if answer(prometheus, asked, given).rows] == []
    for asked in tiles:  # no value has the lowest threshold's colour, unless it is mapped to another one
        [*_, nothing] = asked.panel["fieldConfig"]["defaults"]["mappings"]
        assert nothing["options"]["match"] == "null", asked.place
        assert nothing["options"]["result"] == {"text": "Unknown", "color": "purple", "index": 0}, asked.place
    [(labels, _)] = answer(prometheus, question("automation-overview", "What is wrong"), given).rows
    assert labels["problem"] == "No data at all"
