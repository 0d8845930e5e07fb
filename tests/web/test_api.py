"""The JSON, and its documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from exporter.web import api
from exporter.web.hints import HINTS
from exporter.web.selection import RUN_PARAMETERS
from tests.web.samples import FAILED, NEW, NOW, RUNNING, RUNS, STATUS
from tests.web.serving import Service, request, serving

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_a_failed_run() -> None:
    """Every time, every id, and the way to the console."""
    assert api.runs(RUNS)["ended"][0] == {
        "target": "support",
        "platform": "foundry",
        "workload": "nightly <report>",
        "workload_label": "_other",
        "run_id": "run-1",
        "outcome": "failed",
        "state": None,
        "reason": "tool_error",
        "status_code": "502",
        "trigger": "schedule",
        "created": None,
        "triggered": "2023-11-14T21:33:20.000Z",
        "due": "2023-11-14T21:13:20.000Z",
        "started": "2023-11-14T21:34:20.000Z",
        "ended": "2023-11-14T21:43:20.000Z",
        "last_seen": "2023-11-14T21:43:20.000Z",
        "late_seconds": 1260.0,
        "ids": {"dispatch_id": "d-1", "correlation_id": "c-1"},
        "url": "https://portal.example.net/run-1",
    }


def test_an_open_run() -> None:
    """What is not known is null."""
    (run,) = api.runs(RUNS)["open"]
    assert (run["outcome"], run["state"], run["ended"], run["reason"], run["url"]) == (
        "open",
        "running",
        None,
        None,
        None,
    )


def test_a_target() -> None:
    """The page's data."""
    *_, target = api.targets(STATUS)["targets"]
    assert target["error"] == {
        "reason": "unauthorized",
        "message": "401 from the token service",
        "hint": HINTS["unauthorized"],
        "at": "2023-11-14T22:10:20.000Z",
    }
    assert (target["quota_limit"], target["quota_remaining"], target["backoff_seconds"]) == (100, 40, 3.4)
    assert (target["gap_seconds_total"], target["series"], target["open_runs"]) == (5400.0, 61, 2)
    assert api.targets(STATUS)["targets"][1]["last_poll"] is None
    assert STATUS.targets[1] is NEW


def test_every_key_is_documented_and_every_documented_key_is_there() -> None:
    """In the order of the sections: targets, one target; runs, one run."""
    text = PAGE.read_text()
    told, listed = api.targets(STATUS), api.runs(RUNS)
    bodies = (told, told["targets"][2], listed, listed["ended"][0])
    tables = [
        re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", table, flags=re.MULTILINE)))
        for table in re.findall(r"\| key \| value \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text)
    ]
    assert [sorted(table) for table in tables] == [sorted(body) for body in bodies]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "/api/v1/runs?foo=1",
            "There is no parameter 'foo'; there are target, workload, outcome, late, run_id, limit.",
        ),
        ("/api/v1/runs?target=support&outcom=failed", "There is no parameter 'outcom'; there are target, workload, "),
        ("/api/v1/targets?target=support", "There is no parameter 'target'; there are none."),
    ],
)
def test_a_mistyped_parameter_is_refused(path: str, message: str) -> None:
    """It would read as: these are all of them. The page takes any: programs that pass links on add some."""
    with serving(Service(view=STATUS, runs=lambda _: RUNS).application()) as server:
        answer = request(server, "GET", path)
        page = request(server, "GET", f"/?{path.partition('?')[2]}")
    assert answer.status == 400
    assert answer.text.startswith(message)
    assert page.status == 200


def test_every_parameter_is_documented_and_taken() -> None:
    """In the table of the page."""
    table = re.search(r"\| parameter \| chooses \|\n\| --- \| --- \|\n((?:\|.*\n)+)", PAGE.read_text("utf-8"))
    assert table is not None
    names = re.findall(r"^\| `(\w+)`", table[1], flags=re.MULTILINE)
    assert tuple(names) == RUN_PARAMETERS
    with serving(Service(view=STATUS, runs=lambda _: RUNS).application()) as server:
        assert request(server, "GET", f"/api/v1/runs?{'&'.join(f'{name}=' for name in names)}").status == 200


def test_both_are_served_as_json() -> None:
    """The filter reaches whoever finds the runs."""
    service = Service(view=STATUS, runs=lambda wanted: RUNS if wanted.targets == ("support",) else RUNS.__class__(NOW))
    with serving(service.application()) as server:
        targets = request(server, "GET", "/api/v1/targets")
        some = request(server, "GET", "/api/v1/runs?target=support")
        none = request(server, "GET", "/api/v1/runs?target=other")
        wrong = request(server, "GET", "/api/v1/runs?outcome=nope")
        page = request(server, "GET", "/?outcome=nope")
    assert targets.headers["content-type"] == "application/json"
    assert [each["name"] for each in json.loads(targets.body)["targets"]] == ["agents", "fleet", "support"]
    found = json.loads(some.body)
    assert [found["ended"][0]["run_id"], found["open"][0]["run_id"]] == [FAILED.run_id, RUNNING.run_id]
    assert json.loads(none.body)["ended"] == []
    assert (wrong.status, page.status) == (400, 400)
    assert wrong.text.startswith("There is no such outcome; ")
