"""Each fault by name: switched on, it bends an answer in its own way; switched off, the answer is good again."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exporter.simulator import FaultBoard, Platform, World
from exporter.simulator.clock import http_date, micros
from exporter.simulator.faults import catalogue
from exporter.simulator.faults.times import _in_some_form, to_seconds
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker, iso

Check = Callable[["Asked"], bool]


class Asked:
    """What a client got under a fault, and what it gets without: routines, runs (two pages), statistics."""

    def __init__(self, name: str, options: dict[str, Any] | None = None) -> None:
        self.asker = _asker()
        self.good = self.read()
        self.asker.simulator.faults.on(name, **(options or {}))
        self.bad = self.read()

    def read(self) -> dict[str, httpx.Response | httpx.HTTPError]:
        """Ask for all of it; an answer or what went wrong."""
        first = _get(self.asker, "/routines/daily/runs", limit="3", order="desc")
        window = {"start_time": iso(NOON - HOUR), "end_time": iso(NOON)}
        second: httpx.Response | httpx.HTTPError = httpx.ReadError("no first page")
        if isinstance(first, httpx.Response):
            after = _after(first)
            second = _get(self.asker, "/routines/daily/runs", limit="3", order="desc", after=after or "x")
        return {
            "runs": first,
            "more": second,
            "routines": _get(self.asker, "/routines"),
            "stats": _get(self.asker, "/v1/actions/invocations/org-stats", platform="roboto", **window),
        }

    @property
    def error(self) -> httpx.HTTPError:
        """What went wrong with the connection."""
        found = self.bad["runs"]
        assert isinstance(found, httpx.HTTPError)
        return found

    @property
    def response(self) -> httpx.Response:
        """The first page of runs."""
        found = self.bad["runs"]
        assert isinstance(found, httpx.Response)
        return found

    def json(self, what: str = "runs") -> Any:
        """A payload under the fault."""
        found = self.bad[what]
        assert isinstance(found, httpx.Response)
        return found.json()

    def rows(self, what: str = "runs", *, good: bool = False) -> Any:
        """The records of a payload, under the fault or without."""
        found = (self.good if good else self.bad)[what]
        assert isinstance(found, httpx.Response)
        payload = found.json()
        return payload["data"]["items"] if what == "stats" else payload["data"]

    def ids(self, what: str = "runs", *, good: bool = False) -> list[str]:
        """The ids of runs."""
        return [row["id"] for row in self.rows(what, good=good)]

    def column(self, name: str, what: str = "runs", *, good: bool = False) -> list[Any]:
        """One field of all records."""
        return [row[name] for row in self.rows(what, good=good)]

    def is_json(self) -> bool:
        """Whether the first page can be decoded."""
        try:
            self.response.json()
        except ValueError:
            return False
        return True


def _asker() -> Asker:
    world = World()
    world.add_workload("foundry", "daily", at=NOON - HOUR)
    for number in range(7):
        birth = NOON - (10 - number) * MINUTE
        world.add_run(
            "foundry",
            "daily",
            id=f"run-{number}",
            triggered=birth,
            started=birth + SECOND,
            ended=birth + 20 * SECOND if number < 6 else None,
            agent="helper",
        )
    world.add_run("roboto", "grab", created=NOON - MINUTE, ended=NOON - SECOND)
    world.add_run("roboto", "grab", created=NOON - 3 * HOUR, ended=NOON - 2 * HOUR)
    return Asker(world)


def _get(asker: Asker, path: str, platform: str = "foundry", **parameters: str) -> httpx.Response | httpx.HTTPError:
    ask = asker.roboto if platform == "roboto" else asker.foundry
    try:
        return ask(path, **parameters)
    except httpx.HTTPError as error:
        return error


def _after(response: httpx.Response) -> str | None:
    try:
        link = response.json()["next_link"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return httpx.URL(link).params.get("after") if isinstance(link, str) else None


def _small(name: str) -> dict[str, Any]:
    """Options that keep a fault of size small."""
    return {option: 1000 for option in catalogue()[name].options if option in ("size", "depth", "length")}


def status(code: int) -> Check:
    """The first page is answered with this status, and so is the other platform."""
    return lambda asked: asked.response.status_code == code


def form(time: str) -> str:
    """A time with its digits left out."""
    return re.sub(r"\d", "0", time)


START = (NOON - 4 * MINUTE) // SECOND + 1
"""When the newest run of the first page started, in unix seconds."""

FAULTS: dict[str, Check | tuple[dict[str, Any], Check]] = {
    # connections
    "connection_refused": lambda asked: isinstance(asked.error, httpx.ConnectError),
    "connect_timeout": lambda asked: isinstance(asked.error, httpx.ConnectTimeout),
    "read_timeout": lambda asked: isinstance(asked.error, httpx.ReadTimeout),
    "dripped_headers": ({"seconds": 9}, lambda asked: isinstance(asked.error, httpx.ReadTimeout)),
    "slow_body": ({"seconds": 9}, lambda asked: isinstance(asked.error, httpx.ReadTimeout)),
    "connection_reset": lambda asked: isinstance(asked.error, httpx.ReadError),
    # statuses
    "wrong_token": status(401),
    "unauthorized": status(401),
    "forbidden": status(403),
    "gateway_deny": lambda asked: asked.response.status_code == 403 and list(asked.json()) == ["Message"],
    "not_found": status(404),
    "rate_limited": lambda asked: asked.response.status_code == 429 and asked.response.headers["Retry-After"] == "1",
    "server_error": status(500),
    "bad_gateway": lambda asked: asked.response.status_code == 502 and b"<html" in asked.response.content,
    "unavailable": ({"wait": 5}, lambda asked: asked.response.headers["Retry-After"] == "5"),
    "gateway_timeout": status(504),
    "response_too_large": status(507),
    "redirect": lambda asked: asked.response.has_redirect_location,
    # bodies
    "html_body": lambda asked: asked.response.status_code == 200 and not asked.is_json(),
    "truncated_json": lambda asked: asked.response.content.startswith(b'{"data"') and not asked.is_json(),
    "invalid_json": lambda asked: asked.response.content.endswith(b",}") and not asked.is_json(),
    "empty_body": lambda asked: asked.response.status_code == 200 and asked.response.content == b"",
    "not_utf8": lambda asked: b"\xe9" in asked.response.content and not asked.is_json(),
    "missing_list": lambda asked: "data" not in asked.json() and "data" not in asked.json("stats"),
    "null_list": lambda asked: asked.json()["data"] is None and asked.json("stats")["data"]["items"] is None,
    "wrong_kind_of_list": lambda asked: isinstance(asked.json()["data"], dict),
    "bare_array": lambda asked: isinstance(asked.json(), list),
    "value_envelope": lambda asked: asked.json()["value"] == asked.rows(good=True),
    "empty_list": lambda asked: asked.json() == {"data": [], "next_link": None} and asked.rows("stats") == [],
    "oversized_body": (
        {"size": 5_000_000},
        lambda asked: len(asked.response.content) == 5_000_000 and asked.is_json(),
    ),
    "gzip_bomb": ({"size": 5_000_000}, lambda asked: len(asked.response.content) == 5_000_000),
    "deep_json": ({"depth": 5000}, lambda asked: asked.response.content == b"[" * 5000 + b"]" * 5000),
    "huge_number": lambda asked: b"9" * 5000 in asked.response.content,
    # paging
    "foreign_next_link": lambda asked: asked.json()["next_link"].startswith("https://other.invalid/"),
    "looping_next_link": lambda asked: (
        asked.ids("more") == asked.ids() and asked.json()["next_link"] == asked.json("more")["next_link"]
    ),
    "repeated_page": lambda asked: (
        asked.ids("more") == asked.ids() and asked.json()["next_link"] != asked.json("more")["next_link"]
    ),
    "expired_page_tokens": lambda asked: asked.bad["more"].status_code == 400,  # type: ignore[union-attr]
    "duplicated_rows": lambda asked: (
        asked.ids() == asked.ids(good=True) and asked.ids("more") == asked.ids()[-2:] + asked.ids("more", good=True)
    ),
    "lost_rows": lambda asked: asked.ids("more") == asked.ids("more", good=True)[2:],
    "row_twice": lambda asked: asked.ids() == [*asked.ids(good=True), asked.ids(good=True)[0]],
    "dropped_rows": ({"share": 1.0}, lambda asked: asked.ids() == []),
    "ascending": lambda asked: asked.ids() == ["run-0", "run-1", "run-2"],
    "unsorted": lambda asked: sorted(asked.ids()) == sorted(asked.ids(good=True)),
    "endless_empty_pages": lambda asked: asked.ids() == [] and asked.json()["next_link"] is not None,
    # times
    "times_in_2099": lambda asked: all(time > 4e9 for time in asked.column("started_at")),
    "times_in_1970": lambda asked: all(0 < time < 1e5 for time in asked.column("started_at")),
    "times_as_milliseconds": lambda asked: asked.column("started_at")[0] == START * 1000,
    "times_as_floats": lambda asked: repr(asked.column("started_at")[0]) == f"{START}.0",
    "times_as_iso": lambda asked: asked.column("started_at")[0] == "2026-03-02T11:56:01Z",
    "times_as_text": lambda asked: asked.column("started_at")[0] == str(START),
    "times_in_zone": lambda asked: asked.column("started_at")[0] == "2026-03-02T17:26:01+05:30",
    "times_in_many_forms": lambda asked: (
        len({form(time) for time in asked.column("started_at")}) > 1
        and [micros(time.upper()) for time in asked.column("started_at")]
        == [time * SECOND for time in asked.column("started_at", good=True)]
    ),
    "zero_times": lambda asked: asked.column("started_at") == [0, 0, 0],
    "no_times": lambda asked: asked.column("triggered_at") == asked.column("started_at") == [None] * 3,
    "invisible_key": (
        {"share": 1.0, "seconds": 3600},
        lambda asked: (
            asked.ids() == asked.ids(good=True)
            and asked.column("triggered_at") == [at - 3600 for at in asked.column("triggered_at", good=True)]
            and asked.column("started_at") == asked.column("started_at", good=True)
        ),
    ),
    "negative_durations": lambda asked: asked.column("started_at")[1] - asked.column("ended_at")[1] == 19,
    "late_rows": ({"seconds": 270}, lambda asked: asked.ids() == asked.ids(good=True)[1:]),
    "clock_skew": lambda asked: asked.response.headers["Date"] == http_date(NOON + 10 * MINUTE),
    "skewed_clock": lambda asked: (
        asked.response.headers["Date"] == http_date(NOON + 10 * MINUTE)
        and asked.column("started_at")[0] == START + 600
        and asked.rows("stats") == []
    ),
    "no_date": lambda asked: "Date" not in asked.response.headers,
    "bad_date": lambda asked: asked.response.headers["Date"] == "yesterday, or so",
    # values
    "null_counts": lambda asked: asked.column("fail_count", "stats") == [None],
    "counts_as_floats": lambda asked: repr(asked.column("completed_count", "stats")) == "[1.0]",
    "counts_as_fractions": lambda asked: asked.column("completed_count", "stats") == [1.5],
    "negative_counts": lambda asked: asked.column("completed_count", "stats") == [-2],
    "boolean_counts": lambda asked: repr(asked.column("completed_count", "stats")) == "[True]",
    "enormous_counts": lambda asked: asked.column("completed_count", "stats") == [2**53 + 3],
    "fallen_counts": lambda asked: asked.column("completed_count", "stats") == [0],
    "record_without_id": lambda asked: "id" not in asked.rows()[0] and "id" in asked.rows()[1],
    "numeric_ids": lambda asked: all(isinstance(found, int) for found in asked.column("id")),
    "record_not_an_object": lambda asked: asked.rows()[-3:] == ["not an object", 7, None],
    "null_fields": lambda asked: asked.column("agent_id") == [None] * 3 and asked.ids() == asked.ids(good=True),
    "unknown_fields": lambda asked: "brand_new_field" in asked.rows()[0],
    "unknown_statuses": lambda asked: asked.column("status") == ["WARMING_UP", "FINISHED", "FINISHED"],
    "uppercase_statuses": lambda asked: asked.column("phase") == ["DISPATCHING", "COMPLETED", "COMPLETED"],
    "lowercase_statuses": lambda asked: asked.column("status") == ["running", "finished", "finished"],
    "null_statuses": lambda asked: asked.column("status") == asked.column("phase") == [None] * 3,
    "flipping_statuses": (
        {"share": 1.0},
        lambda asked: asked.column("status") == ["RUNNING", "FAILED", "FAILED"],
    ),
    "reopening_runs": (
        {"share": 1.0},
        lambda asked: asked.column("ended_at") == [None] * 3 and set(asked.column("phase")) != {"completed"},
    ),
    "surrogate_names": lambda asked: asked.column("name", "routines") == ["daily\ud83d"],
    "awkward_names": lambda asked: "\n" in asked.column("action_name", "stats")[0],
    "long_names": lambda asked: [len(name) for name in asked.column("name", "routines")] == [10_000],
    "empty_names": lambda asked: asked.column("name", "routines") == [""],
    "missing_names": lambda asked: "name" not in asked.rows("routines")[0],
    # windows
    "rounded_windows": lambda asked: asked.column("completed_count", "stats") == [2],
    "inclusive_windows": lambda asked: asked.rows("stats") == asked.rows("stats", good=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name: str) -> None:
    """It does what its name says."""
    entry = FAULTS[name]
    options, check = entry if isinstance(entry, tuple) else ({}, entry)
    assert check(Asked(name, options))


def test_every_fault_is_tested_and_described() -> None:
    """The table above is complete, and each docstring says something."""
    assert set(FAULTS) == set(catalogue())
    assert all(fault.description.endswith((".", ".)")) for fault in catalogue().values())


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_is_over_leaves_nothing_behind(name: str) -> None:
    """Afterwards the answers are those from before: a fault bends a copy, never the world."""
    asked = Asked(name, _small(name))
    asked.asker.simulator.faults.clear()
    again = asked.read()
    for what, good in asked.good.items():
        assert isinstance(good, httpx.Response)
        found = again[what]
        assert isinstance(found, httpx.Response)
        assert found.content == good.content


@pytest.mark.parametrize(
    ("form", "header", "value"),
    [
        ("seconds", "Retry-After", "7"),
        ("date", "Retry-After", "Mon, 02 Mar 2026 12:00:07 GMT"),
        ("retry-after-ms", "retry-after-ms", "7000"),
        ("x-ms-retry-after-ms", "x-ms-retry-after-ms", "7000"),
        ("none", None, None),
    ],
)
def test_forms_of_retry_after(form: str, header: str | None, value: str | None) -> None:
    """How 429 says when to come back."""
    response = Asked("rate_limited", {"form": form, "wait": 7}).response
    hints = {name: found for name, found in response.headers.items() if "retry" in name}
    assert hints == ({} if header is None else {header.lower(): value})


@pytest.mark.parametrize("platform", ["roboto", "granite"])
@pytest.mark.parametrize(
    ("fault", "options", "found"),
    [("rounded_windows", {}, 2), ("inclusive_windows", {}, 0), ("inclusive_windows", {"seconds": 1}, 1)],
)
def test_bounds_are_bent_wherever_they_are_named(
    platform: Platform, fault: str, options: dict[str, Any], found: int
) -> None:
    """A window that ends in the middle of a second, a run in the second half of it and one in the evening."""
    world = World()
    for at in (NOON + 700_000, NOON + 8 * HOUR):
        world.add_run(platform, "grab", created=at, started=at, ended=at)
    asker = Asker(world, now=NOON + 9 * HOUR)
    asker.simulator.faults.on(fault, **options)
    start, end = iso(NOON - HOUR), iso(NOON + 500_000)
    if platform == "roboto":
        window = {"start_time": start, "end_time": end}
        rows = asker.roboto("/v1/actions/invocations/org-stats", **window).json()["data"]["items"]
        assert sum(row["completed_count"] for row in rows) == found
    else:
        told = asker.granite(start_date=start, end_date=end).json()
        assert told["summary"]["completed"] == found


def moderately_row(fault: str, **options: Any) -> Any:
    """An ended and an open execution under a fault, by id."""
    world = World()
    world.add_workload("moderately", "helper")
    for name, ended in (("ended", NOON - MINUTE), ("open", None)):
        world.add_run("moderately", "helper", id=name, created=NOON - HOUR, started=NOON - HOUR, ended=ended)
    asker = Asker(world)
    asker.simulator.faults.on(fault, **options)
    return {row["agentExecutionId"]: row for row in asker.moderately("/agent-executions").json()["items"]}


def test_runs_of_moderately_flip_and_open_again_too() -> None:
    """There each outcome has its own field for the end."""
    ended = moderately_row("flipping_statuses", share=1.0, seconds=1)["ended"]
    assert (ended["status"], ended["completedAt"], ended["failedAt"] is None) == ("failed", None, False)
    ended = moderately_row("reopening_runs", share=1.0, seconds=1)["ended"]
    assert (ended["status"], ended["completedAt"], ended["failedAt"]) == ("running", None, None)
    ended = moderately_row("negative_durations")["ended"]
    assert ended["completedAt"] < ended["startedAt"]
    found = moderately_row("unknown_statuses")
    assert (found["ended"]["status"], found["open"]["status"]) == ("completed", "WARMING_UP")


def test_a_platform_of_known_order_turns_round_and_back() -> None:
    """``ascending`` where no order can be asked for."""
    world = World()
    for number in range(3):
        world.add_run("moderately", "helper", id=f"{number}", created=NOON - (5 - number) * MINUTE)
    asker = Asker(world)

    def ids() -> list[str]:
        return [row["agentExecutionId"] for row in asker.moderately("/agent-executions").json()["items"]]

    with asker.simulator.faults.active("ascending"):
        assert ids() == ["0", "1", "2"]
    assert ids() == ["2", "1", "0"]


def test_an_end_that_belongs_to_the_window_is_counted_twice() -> None:
    """``inclusive_windows``: two windows side by side share the instant between them."""
    asker = _asker()
    edge = NOON - MINUTE
    asker.simulator.faults.on("inclusive_windows")
    assert [asker.stats(edge - SECOND, edge), asker.stats(edge, NOON)] == [{"og_example/grab": (1, 0, 0)}] * 2


@pytest.mark.parametrize("name", ["looping_next_link", "repeated_page", "endless_empty_pages"])
@pytest.mark.parametrize("platform", ["foundry", "roboto"])
def test_traps_of_paging_can_be_walked_into(name: str, platform: str) -> None:
    """A client that follows what it is told is answered with the same page for ever."""
    asker = _asker()
    asker.simulator.faults.on(name)
    window = {"start_time": iso(NOON - HOUR), "end_time": iso(NOON)}
    seen = set()
    token = ""
    for _ in range(5):
        if platform == "foundry":
            payload = asker.foundry("/routines/daily/runs", limit="3", after=token).json()
            rows, token = payload["data"], httpx.URL(payload["next_link"]).params["after"]
        else:
            data = asker.roboto("/v1/actions/invocations/org-stats", **window, page_token=token).json()["data"]
            rows, token = data["items"], data["next_token"]
        seen.add((json.dumps(rows), token))
    assert len(seen) == (1 if name == "looping_next_link" else 5)
    assert len({rows for rows, _ in seen}) == 1
    assert all((rows == "[]") == (name == "endless_empty_pages") for rows, _ in seen)


def test_a_gzip_bomb_is_small_on_the_wire() -> None:
    """A thousandth of what it becomes."""
    asker = _asker()
    asker.simulator.faults.on("gzip_bomb", size=10_000_000)
    good = {"Authorization": f"Bearer {asker.simulator.credentials.foundry_token}"}
    url = asker.endpoints["foundry"] + "/routines?api-version=v1"
    with asker.client.stream("GET", url, headers=good) as response:
        raw = b"".join(response.iter_raw())
    assert len(raw) < 20_000
    assert json.loads(gzip.decompress(raw))["data"]


def test_a_request_to_another_host_reaches_nobody() -> None:
    """And is kept, so that a test can see whether it carried the token."""
    asker = _asker()
    transport = asker.simulator.transport()
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
        client.get("https://other.invalid/steal", headers={"Authorization": "Bearer x"})
    assert [stray.url.host for stray in transport.strays] == ["other.invalid"]


def test_faults_meet_a_platform_a_path_and_a_number_of_requests() -> None:
    """Others are left alone, and a fault that is used up is gone."""
    asker = _asker()
    faults = asker.simulator.faults
    faults.on("server_error", platform="foundry", path="/daily/runs", times=2)
    assert asker.roboto("/v1/orgs/caller").status_code == 200
    assert asker.foundry("/routines").status_code == 200
    assert [asker.foundry("/routines/daily/runs").status_code for _ in range(3)] == [500, 500, 200]
    assert (faults.switches, faults.used["server_error"]) == ((), 2)


def test_faults_of_values_meet_one_workload() -> None:
    """The others have their counts."""
    asker = _asker()
    asker.world.add_run("roboto", "lift", created=NOON - MINUTE)
    asker.simulator.faults.on("null_counts", workload="grab")
    window = {"start_time": iso(NOON - HOUR), "end_time": iso(NOON)}
    items = asker.roboto("/v1/actions/invocations/org-stats", **window).json()["data"]["items"]
    assert {item["action_name"]: item["queued_count"] for item in items} == {"grab": None, "lift": 1}


def test_probability_is_reproducible() -> None:
    """One seed, one sequence."""

    def drawn(seed: int) -> list[bool]:
        board = FaultBoard(seed)
        board.on("server_error", probability=0.5)
        return [bool(board.chosen("roboto", "/")) for _ in range(64)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 16 < sum(drawn(1)) < 48


def test_a_fault_can_be_on_inside_a_block() -> None:
    """And is off behind it, also when several of that name are on."""
    board = FaultBoard()
    board.on("no_date")
    with board.active("no_date", platform="roboto"):
        assert len(board.chosen("roboto", "/")) == 2
    assert len(board.chosen("roboto", "/")) == 1
    board.off("no_date")
    assert board.chosen("roboto", "/") == []


def test_unknown_faults_and_options_are_refused() -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match="truncated_json"):
        FaultBoard().on("gremlins")
    with pytest.raises(ValueError, match="form"):
        FaultBoard().on("rate_limited", colour="red")


def test_faults_do_not_pile_up_on_errors() -> None:
    """A fault of contents leaves an error as it is."""
    asker = _asker()
    asker.simulator.faults.on("server_error")
    asker.simulator.faults.on("missing_list")
    assert "error" in asker.foundry("/routines").json()


def test_all_faults_at_once_crash_nothing() -> None:
    """Whatever they make of an answer together, there is one."""
    asker = _asker()
    for name in catalogue():
        asker.simulator.faults.on(name, probability=0.2, **_small(name))
    answered = [_get(asker, path) for path in ("/routines", "/routines/daily/runs") for _ in range(150)]
    assert {type(answer) for answer in answered} >= {httpx.Response, httpx.ConnectError}


@pytest.mark.parametrize("seconds", [START, START - START % 60, START + 0.25])
def test_a_fault_reads_every_form_of_a_time_that_another_wrote(seconds: float) -> None:
    """Or a clock that is skewed as a whole would move some times of a run, and not the others."""
    forms = {_in_some_form(seconds, dice) for dice in range(640)} | {f"{seconds:.2f}", str(seconds)}
    assert {to_seconds(form) for form in forms} == {seconds}
