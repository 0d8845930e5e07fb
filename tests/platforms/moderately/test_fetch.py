"""Reading Moderately: agents, the listing from its new end, open executions by id, whose they are."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest

from exporter.counting.states import ListingState, OpenRun, WorkloadState
from exporter.errors import InvalidResponse, ServerFailed, Unauthorized
from exporter.observations import ListingFailed, Page, Roster
from exporter.platforms.base import View
from exporter.platforms.moderately import ModeratelyPlatform
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.platforms.moderately.upstream import Team, execution, page
from tests.platforms.support import MODERATELY_URL, NOW, StillClock, client_of, moderately, open_run, view

Batch = Roster[Any] | Page[Any] | ListingFailed


def poll(
    team: Team,
    known: View | None = None,
    platform: ModeratelyPlatform | None = None,
    clock: StillClock | None = None,
    into: list[Batch] | None = None,
) -> list[Batch]:
    """Read once; gives what is observed, also into ``into`` when an error ends it."""
    platform = platform or moderately()
    client = client_of(platform, team, MODERATELY_URL)
    found: list[Batch] = [] if into is None else into
    for batch in platform.fetch(client, known or view(), clock or StillClock()):
        observed = platform.observe(batch, NOW)
        assert isinstance(observed, Roster | Page | ListingFailed)
        found.append(observed)
    return found


def runs(batches: list[Batch]) -> list[str]:
    """The ids of all runs, in order."""
    return [run.id for batch in batches if isinstance(batch, Page) for run in batch.items]


def walked(horizon: int, **more: Any) -> ListingState:
    """A listing whose last walk was complete, down to ``horizon``."""
    return ListingState(
        horizon=horizon, newest=horizon + HOUR, last_sweep=NOW - MINUTE, last_whole=NOW - MINUTE, **more
    )


def ordinary(**more: Any) -> View:
    """A target in its ordinary course: a walk goes down to half an hour ago."""
    listings = {"executions": walked(NOW - 30 * MINUTE - 30 * SECOND)}
    return view(floor=NOW - 8 * DAY, listings=listings, **more)


# Parameters


def test_only_documented_parameters_are_sent() -> None:
    """teamIds on every request, no order, pages of the largest size."""
    team = Team([execution(1)])
    poll(team)
    assert team.asked("/agents") == [
        {"teamIds": "team_A", "page": "1", "pageSize": "1000", "orderBy": "createdAt", "orderDirection": "asc"}
    ]
    assert team.asked("/agent-executions")[-1] == {"teamIds": "team_A", "page": "1", "pageSize": "100"}
    assert team.asked("/agent-configuration-versions") == [{"teamIds": "team_A", "agentConfigurationVersionIds": "v-1"}]
    assert team.requests[0].headers["Authorization"] == "Bearer example-key"


def test_the_client_librarys_spelling() -> None:
    """As moderatelyai-sdk 0.2.7 sends them."""
    team = Team([execution(1)])
    poll(team, platform=moderately(parameter_style="sdk", include=["First"]))
    order = {"order_by": "created_at", "order_direction": "desc"}
    assert team.asked("/agent-executions")[0] == {
        "teamIds": "team_A",
        "page": "1",
        "page_size": "1",
        "status": "completed",
        "agent_id": "a-1",
        **order,
    }
    assert team.asked("/agent-executions")[-1] == {
        "teamIds": "team_A",
        "page": "1",
        "page_size": "100",
        "agent_id": "a-1",
        **order,
    }


# Order


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("count", [0, 1, 5, 9, 10])
def test_everything_is_read_newest_first_whichever_end_is_new(ascending: bool, count: int) -> None:
    """In pages of three; the end of an ascending listing is read again."""
    team = Team([execution(number) for number in range(1, count + 1)], size=3, ascending=ascending)
    found = runs(poll(team))
    assert list(dict.fromkeys(found)) == [f"e{number}" for number in range(1, count + 1)]


def test_an_ordinary_walk_reads_down_to_the_horizon() -> None:
    """From the first page on."""
    team = Team([execution(number) for number in range(1, 100)], size=10)
    batches = poll(team, ordinary())
    assert team.pages == ["1", "2", "3", "4"]
    assert isinstance(batches[-1], Page)
    assert batches[-1].step.complete


def test_an_ascending_listing_is_read_from_its_last_page_which_is_read_again() -> None:
    """What was added meanwhile is met, too; the first page only finds the order out."""
    team = Team([execution(number) for number in range(1, 96)], size=10, ascending=True)
    known = ordinary()
    batches = poll(team, known)
    assert team.pages == ["1", "10", "9", "8", "7", "6", "10"]
    steps = [batch.step for batch in batches if isinstance(batch, Page)]
    assert [step.complete for step in steps] == [step.whole for step in steps] == [False] * 5 + [True]
    team.requests.clear()
    poll(team, known)
    assert team.pages == ["10", "9", "8", "7", "6", "10"]


def test_an_ascending_listing_that_grew_is_read_from_its_new_last_page() -> None:
    """The number of pages tells."""
    team = Team([execution(number) for number in range(1, 96)], size=10, ascending=True)
    known = ordinary()
    poll(team, known)
    team.executions[:0] = [execution(-number) for number in range(9, -1, -1)]
    team.requests.clear()
    poll(team, known)
    assert team.pages[:2] == ["10", "11"]


def test_a_first_page_whose_times_are_all_the_same_is_compared_with_the_last() -> None:
    """Ten at once, then older ones: the order is seen from the ends."""
    team = Team(
        [execution(number, born=NOW - HOUR) for number in range(1, 11)]
        + [execution(number) for number in range(70, 80)],
        size=10,
    )
    known = view(memory={})
    assert runs(poll(team, known))[0] == "e1"
    team.ascending = True
    assert runs(poll(team, view(memory={})))[0] == "e1"


def test_rows_that_vanish_make_the_walk_incomplete() -> None:
    """A row has moved to a page that was read already: the next walk begins anew."""
    team = Team([execution(number) for number in range(1, 8)], size=3)
    team.vanish_at = 2
    batches = poll(team, view(floor=NOW - DAY))
    failed = batches[-1]
    assert isinstance(failed, ListingFailed)
    assert failed.drop_link
    assert not any(batch.step.complete or batch.step.whole for batch in batches if isinstance(batch, Page))


def test_rows_that_vanish_while_an_ascending_listing_is_read_make_the_walk_incomplete() -> None:
    """Its new end has moved, perhaps to a page that nobody reads."""
    team = Team([execution(number) for number in range(1, 60)], size=10, ascending=True)
    team.vanish_at = 3
    batches = poll(team, view(floor=NOW - DAY))
    assert isinstance(batches[-1], ListingFailed)
    assert batches[-1].drop_link
    assert not any(batch.step.complete or batch.step.whole for batch in batches if isinstance(batch, Page))


def test_a_walk_that_goes_on_meets_what_has_moved_up_meanwhile() -> None:
    """Ten rows vanished between two polls: the page at which the walk goes on is one earlier."""
    team = Team([execution(number, born=NOW - number * HOUR) for number in range(1, 100)], size=10)
    memory: dict[str, Any] = {}
    team.broken = "6"
    with pytest.raises(InvalidResponse):
        poll(team, view(memory=memory))
    team.broken = None
    del team.executions[20:30]
    team.requests.clear()
    broken_off = ListingState(link="page=6", top=NOW - HOUR, kind="sweep", walk_started=NOW, depth=NOW - 8 * DAY)
    batches = poll(team, view(floor=NOW - 8 * DAY, memory=memory, listings={"executions": broken_off}))
    assert team.pages == ["1", "1", "2", "5", "6", "7", "8", "9"]  # the first one asks for the number of rows
    assert runs(batches)[20:] == [f"e{number}" for number in range(51, 100)]


def test_the_same_page_under_every_number_is_a_circle() -> None:
    """An ignored ``page`` is no endless listing."""
    team = Team([execution(number) for number in range(1, 200)], size=10)
    original = team.listing
    team.listing = lambda params: original(params.set("page", "1"))  # type: ignore[method-assign]
    with pytest.raises(InvalidResponse, match="nothing new"):
        poll(team)


# Open executions


def test_a_walk_that_goes_on_does_not_turn_round() -> None:
    """Its link says which way it went: what the first page says of an order may be chance, after a restart too."""
    team = Team([execution(number) for number in range(1, 60)], size=10)
    back = ListingState(
        link="back=4", top=NOW - HOUR, kind="sweep", walk_started=NOW, depth=NOW - 8 * DAY, unsorted=True
    )
    poll(team, view(floor=NOW - DAY, memory={}, listings={"executions": back}))
    assert team.pages == ["1", "2", "3", "4", "3", "2", "1", "1", "6"]  # and the newest end once more


def opened(*numbers: int, listing: str = "executions") -> dict[str, OpenRun]:
    """Executions known to be open."""
    return {f"e{number}": open_run(listing, NOW - number * MINUTE) for number in numbers}


def test_open_executions_that_the_walk_did_not_meet_are_looked_up() -> None:
    """In chunks of fifty; what is on the pages is not asked for again, and no cursor moves."""
    old = [*range(200, 260)]
    team = Team([execution(number) for number in range(1, 80)] + [execution(each, "failed") for each in old], size=40)
    batches = poll(team, ordinary(open_runs=opened(5, *old)))
    lookups = [asked for asked in team.asked("/agent-executions") if "agentExecutionIds" in asked]
    asked_for = [(len(asked["agentExecutionIds"].split(",")), asked["page"]) for asked in lookups]
    assert asked_for == [(50, "1"), (50, "2"), (9, "1")]  # e5 and e200 were met; this server gives 40 at once
    assert {f"e{number}" for number in old} <= set(runs(batches))
    steps = [batch.step for batch in batches if isinstance(batch, Page)][-3:]
    assert all(step.keep_link and not (step.complete or step.whole) for step in steps)


def test_an_execution_that_no_answer_knows_stays_open() -> None:
    """Only sweeps give it up."""
    team = Team([execution(number) for number in range(1, 60)], size=20)
    batches = poll(team, ordinary(open_runs=opened(400)))
    assert "e400" not in runs(batches)
    assert not any(isinstance(batch, ListingFailed) for batch in batches)


def test_an_answer_with_another_id_means_that_filters_are_ignored() -> None:
    """What was read before stands; the poll fails and says why."""
    team = Team([execution(number) for number in range(1, 60)], size=20, ignored=frozenset({"agentExecutionIds"}))
    batches: list[Batch] = []
    with pytest.raises(InvalidResponse, match="the filter agentExecutionIds is ignored"):
        poll(team, ordinary(open_runs=opened(400)), into=batches)
    assert any(isinstance(batch, Page) and batch.step.complete for batch in batches)


# Agents


def test_include_is_pushed_down() -> None:
    """As agentIds; the others are not even read."""
    team = Team([execution(1, version="v-1"), execution(2, version="v-2")])
    batches = poll(team, platform=moderately(include=["Sec*"]))
    assert runs(batches) == ["e2"]
    assert all(asked["agentIds"] == "a-2" for asked in team.asked("/agent-executions"))


def test_an_execution_of_an_included_agent_counts_also_when_nobody_knows_its_version() -> None:
    """The platform says that it is one of those asked for; its name is missing, not its agent."""
    team = Team([execution(1, version="lost"), execution(2, version="v-1")], agents_of_lost="a-1")
    batches = poll(team, platform=moderately(include=["First"]))
    assert runs(batches) == ["e1", "e2"]
    labels = [workload.label for batch in batches if isinstance(batch, Page) for workload in batch.workloads]
    assert labels == ["_unnamed", "First"]


def test_many_included_agents_make_several_listings() -> None:
    """Of fifty agents each, in the order of their creation."""
    agents = {f"a-{number:03}": f"in {number}" for number in range(120)}
    team = Team([execution(1, version="v")], agents=agents, versions={"v": "a-119"})
    batches = poll(team, platform=moderately(include=["in *"]))
    pages = [batch for batch in batches if isinstance(batch, Page)]
    assert [page.listing for page in pages] == ["executions", "executions/1", "executions/2"]
    assert [len(asked["agentIds"].split(",")) for asked in team.asked("/agent-executions")] == [50, 50, 20]
    assert runs(batches) == ["e1"]
    assert isinstance(batches[0], Roster)
    assert batches[0].listings == ("executions", "executions/1", "executions/2")


def several(refused: int) -> tuple[Team, ModeratelyPlatform]:
    """A team of two listings, the first of which is refused."""
    agents = {f"a-{number:03}": f"in {number}" for number in range(60)}
    team = Team([execution(1, version="v")], agents=agents, versions={"v": "a-059"}, refuses=("a-000", refused))
    return team, moderately(include=["in *"])


def test_one_listing_of_several_fails_alone() -> None:
    """The others go on, and the target says so."""
    team, platform = several(404)
    batches = poll(team, platform=platform)
    (failed,) = (batch for batch in batches if isinstance(batch, ListingFailed))
    assert (failed.listing, failed.reason) == ("executions", "not_found")
    assert runs(batches) == ["e1"]


def test_what_concerns_the_whole_target_ends_the_poll() -> None:
    """A refused key is not tried on every listing."""
    team, platform = several(401)
    with pytest.raises(Unauthorized):
        poll(team, platform=platform)
    assert {asked["agentIds"].partition(",")[0] for asked in team.asked("/agent-executions")} == {"a-000"}


def test_a_new_agent_moves_no_other_to_another_request() -> None:
    """Whatever its id: the oldest come first."""
    agents = {f"a-{number:03}": f"in {number}" for number in range(51)}
    created = {each: f"2026-01-{1 + number // 2:02}T00:00:00Z" for number, each in enumerate(agents)}
    team = Team(agents=agents, created={**created, "a-000": "2026-06-01T00:00:00Z"})
    poll(team, platform=moderately(include=["in *"]))
    assert [asked["agentIds"] for asked in team.asked("/agent-executions")][-1] == "a-000"


def test_include_that_names_nobody_is_an_error() -> None:
    """And never the whole team."""
    batches: list[Batch] = []
    with pytest.raises(InvalidResponse, match="include selects none of the team's 2 agents"):
        poll(Team(), platform=moderately(include=["nobody"]), into=batches)
    assert [batch.items for batch in batches if isinstance(batch, Roster)] == [()]


def test_a_filter_for_agents_that_is_ignored_is_an_error() -> None:
    """Else agents that are not wanted would be counted."""
    team = Team([execution(1, version="v-1")], ignored=frozenset({"agentIds"}))
    with pytest.raises(InvalidResponse, match="the filter agentIds is ignored"):
        poll(team, platform=moderately(include=["Second"]))


def test_exclude_leaves_out_by_name() -> None:
    """On our side: the interface has no such filter."""
    team = Team([execution(1, version="v-1"), execution(2, version="v-2")])
    batches = poll(team, platform=moderately(exclude=["First"]))
    assert runs(batches) == ["e2"]
    assert isinstance(batches[0], Roster)
    assert [workload.label for workload in batches[0].items] == ["Second"]
    assert all("agentIds" not in asked and "statuses" not in asked for asked in team.asked("/agent-executions"))


def test_agents_are_listed_every_deep_interval_and_versions_asked_for_once() -> None:
    """A version never changes its agent."""
    team = Team([execution(1)])
    known = view(floor=NOW - DAY, memory={})
    for minute in range(0, 21, 5):
        poll(team, known, clock=StillClock(NOW + minute * MINUTE))
    assert len(team.asked("/agents")) == 1  # Date stands still here, and with it the upstream's now
    assert len(team.asked("/agent-configuration-versions")) == 1


def test_agents_on_several_pages_are_all_known() -> None:
    """One that moved to the next page meanwhile is the same agent."""
    names = {f"a-{number}": f"Agent {number}" for number in range(1, 6)}
    team = Team([execution(1, version="v-1"), execution(2, version="v-2")], versions={"v-1": "a-1", "v-2": "a-5"})
    team.agents, team.agents_size = names, 2
    batches = poll(team)
    assert isinstance(batches[0], Roster)
    assert [workload.label for workload in batches[0].items] == list(names.values())
    assert [asked["page"] for asked in team.asked("/agents")] == ["1", "2", "3"]
    assert labels_of(batches) == {"a-1": "Agent 1", "a-5": "Agent 5"}


def test_an_agent_without_an_id_is_left_out_and_told_of() -> None:
    """The others are read."""
    team = Team()
    team.answers["/agents"] = page([{"name": "Nobody"}, None, {"agentId": "a-1", "name": "First"}], 1, 1000)
    (roster, *_) = poll(team)
    assert isinstance(roster, Roster)
    assert [workload.label for workload in roster.items] == ["First"]
    assert [skipped.reason for skipped in roster.skipped] == ["no_id", "bad_record"]
    assert roster.upstream_now == NOW


def test_the_same_page_of_agents_under_every_number_is_a_circle() -> None:
    """And no list."""
    team = Team(agents_size=1, ignored=frozenset({"page"}))
    batches: list[Batch] = []
    with pytest.raises(InvalidResponse, match=r"^/agents: .*nothing new"):
        poll(team, into=batches)
    assert batches == []
    assert len(team.asked("/agents")) == 3


def test_an_agent_that_no_list_named_yet_has_them_listed_at_once() -> None:
    """Its first execution carries its name."""
    team = Team([execution(1)])
    known = view(floor=NOW - DAY, memory={})
    poll(team, known)
    team.agents = {**team.agents, "a-3": "Third"}
    team.versions = {**team.versions, "v-3": "a-3"}
    team.executions.insert(0, execution(0, version="v-3"))
    pages = [batch for batch in poll(team, known) if isinstance(batch, Page)]
    assert {workload.label for workload in pages[0].workloads} == {"First", "Third"}
    assert len(team.asked("/agents")) == 2


def labels_of(batches: list[Batch]) -> dict[str, str]:
    """Return the label of each identity."""
    return {each.identity: each.label for page in batches if isinstance(page, Page) for each in page.workloads}


def test_a_version_that_nobody_knows_is_unnamed_after_some_polls() -> None:
    """Under an identity of its own, so that two of them stay apart. It is asked for again after a day."""
    team = Team([execution(1, version="lost"), execution(2, version="gone")])
    memory: dict[str, Any] = {}
    known = view(floor=NOW - DAY, memory=memory)
    for _ in range(3):
        with pytest.raises(InvalidResponse, match=r"found 2 of .* in no list, such as version/gone; expected each"):
            poll(team, known)
    assert labels_of(poll(team, known)) == {"version/lost": "_unnamed", "version/gone": "_unnamed"}
    asked = len(team.asked("/agent-configuration-versions"))
    poll(team, known)
    assert len(team.asked("/agent-configuration-versions")) == asked == 8  # twice in each poll, and no more that day
    memory["unknown"] = {key: at - DAY for key, at in memory["unknown"].items()}
    team.versions = {**team.versions, "lost": "a-1"}
    assert set(labels_of(poll(team, known)).values()) == {"_unnamed", "First"}


def test_a_version_or_agent_that_is_told_late_is_not_unnamed() -> None:
    """Its executions wait for it: what two answers lacked may come with the next poll."""
    team = Team([execution(1, version="new")])
    known = view(floor=NOW - DAY, memory={})
    with pytest.raises(InvalidResponse):
        poll(team, known)
    team.versions = {**team.versions, "new": "a-9"}
    with pytest.raises(InvalidResponse, match="such as a-9"):
        poll(team, known)
    team.agents = {**team.agents, "a-9": "Ninth"}
    assert labels_of(poll(team, known)) == {"a-9": "Ninth"}


def test_an_agent_that_is_listed_without_a_name_is_not_waited_for() -> None:
    """It has none."""
    team = Team([execution(1, version="new")])
    team.versions = {**team.versions, "new": "a-9"}
    team.agents = {**team.agents, "a-9": ""}
    assert labels_of(poll(team, view(floor=NOW - DAY, memory={}))) == {"a-9": "_unnamed"}


def test_an_unknown_version_does_not_hold_up_what_is_history_or_known() -> None:
    """Before the baseline nothing is counted; later, a workload that the ledger has is what it is."""
    team = Team([execution(1, version="lost")])
    assert labels_of(poll(team, view(memory={}))) == {"version/lost": "_unnamed"}
    state = WorkloadState(label="_unnamed", slot="_unnamed", first_seen=NOW)
    restarted = view(floor=NOW - DAY, memory={}, workloads={"version/lost": state})
    assert labels_of(poll(team, restarted)) == {"version/lost": "_unnamed"}


@pytest.mark.parametrize("path", ["/agents", "/agent-configuration-versions"])
def test_a_look_up_of_names_that_fails_fails_the_batch(path: str) -> None:
    """Nothing is counted under a name that is only missing for the moment."""
    team = Team([execution(1)])
    known = view(floor=NOW - DAY, memory={})
    poll(team, known)
    team.agents = {**team.agents, "a-3": "Third"}
    team.versions = {**team.versions, "v-3": "a-3"}
    team.executions.insert(0, execution(0, version="v-3"))
    team.down = path
    batches: list[Batch] = []
    with pytest.raises(ServerFailed):
        poll(team, known, into=batches)
    assert runs(batches) == []
    team.down = None
    pages = [batch for batch in poll(team, known) if isinstance(batch, Page)]
    assert {workload.label for workload in pages[0].workloads} == {"First", "Third"}


@pytest.mark.parametrize("body", [{"items": []}, None, "v-1", 7])
def test_an_answer_about_versions_is_a_list(body: object) -> None:
    """Else their executions would be nobody's."""
    team = Team([execution(1)])
    team.answers["/agent-configuration-versions"] = body
    with pytest.raises(InvalidResponse, match=r"^/agent-configuration-versions: found .*, expected a list$"):
        poll(team, view(floor=NOW - DAY, memory={}))


def test_versions_are_looked_up_fifty_at_a_time() -> None:
    """Of a page whose executions have one each."""
    team = Team([execution(number, version=f"v-{number:02}") for number in range(1, 100)])
    team.versions = {f"v-{number:02}": "a-1" for number in range(1, 100)}
    poll(team)
    asked = [each["agentConfigurationVersionIds"] for each in team.asked("/agent-configuration-versions")]
    assert [len(ids.split(",")) for ids in asked] == [50, 49]


def test_what_one_answer_lacks_is_asked_for_once_more() -> None:
    """Whom a run is counted for can never be put right."""
    team = Team([execution(1)], blips={"/agents": 1, "/agent-configuration-versions": 1})
    pages = [batch for batch in poll(team, view(floor=NOW - DAY, memory={})) if isinstance(batch, Page)]
    assert {workload.label for workload in pages[0].workloads} == {"First"}


def test_an_agent_that_a_list_lacks_has_not_lost_its_name() -> None:
    """Its executions go on in the same series."""
    team = Team([execution(1)])
    memory: dict[str, Any] = {}
    poll(team, view(floor=NOW - DAY, memory=memory))
    team.agents = {"a-2": "Second"}
    later = poll(team, view(floor=NOW - DAY, memory=memory), clock=StillClock(NOW + DAY))
    pages = [batch for batch in later if isinstance(batch, Page)]
    assert {workload.label for workload in pages[0].workloads} == {"First"}


# The platform's own numbers


def test_a_deficit_in_two_polls_running_leads_to_a_walk_to_the_floor() -> None:
    """The number of ended executions is above base and ours."""
    team = Team([execution(number) for number in range(1, 100)], size=10, totals={"completed": 99})
    memory: dict[str, Any] = {}
    floor: dict[str, Any] = {
        "listings": {"executions": walked(NOW - 30 * MINUTE)},
        "floor": NOW - 8 * DAY,
        "memory": memory,
    }
    poll(team, view(floor=NOW - 8 * DAY, memory=memory))  # the first walk goes to the floor
    kinds = []
    for total, counted in ((99, 0), (101, 0), (101, 0), (101, 0), (101, 0)):
        team.totals = {"completed": total}
        pages = [batch for batch in poll(team, view(counted=counted, **floor)) if isinstance(batch, Page)]
        kinds.append(pages[0].step.kind)
    assert kinds == ["ordinary", "ordinary", "ordinary", "sweep", "ordinary"]


def test_the_numbers_are_asked_for_before_the_walk() -> None:
    """One small request a status."""
    team = Team([execution(1)])
    poll(team)
    asked = [(params.get("statuses"), params["pageSize"]) for params in team.asked("/agent-executions")]
    assert asked == [("completed", "1"), ("failed", "1"), ("cancelled", "1"), (None, "100")]


def test_numbers_of_a_server_that_ignores_the_filter_are_no_check() -> None:
    """Three times the whole list rises faster than what ended: that would be one walk to the floor after another."""
    team = Team([execution(number) for number in range(1, 60)], size=10, ignored=frozenset({"statuses"}))
    memory: dict[str, Any] = {}
    poll(team, view(floor=NOW - 8 * DAY, memory=memory))
    kinds = []
    for counted in range(1, 6):
        team.executions.insert(0, execution(-counted, born=NOW - counted * SECOND))
        known = {"executions": walked(NOW - 30 * MINUTE)}
        batches = poll(team, view(floor=NOW - 8 * DAY, memory=memory, listings=known, counted=counted))
        kinds.append(next(batch.step.kind for batch in batches if isinstance(batch, Page)))
    assert kinds == ["ordinary"] * 5


class Undated(Team):
    """It tells no time."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answered = super().__call__(request)
        del answered.headers["Date"]
        return answered


def test_without_a_date_the_numbers_are_as_old_as_our_clock_says() -> None:
    """What ended since then is no deficit, and no reason for a walk to the floor."""
    team = Undated([execution(number) for number in range(1, 60)], size=10, totals={"completed": 59})
    memory: dict[str, Any] = {}
    known: dict[str, Any] = {"listings": {"executions": walked(NOW - 30 * MINUTE)}, "floor": NOW - 8 * DAY}
    poll(team, view(floor=NOW - 8 * DAY, memory=memory))
    kinds = []
    for counted in range(6):  # one more ends after each number was told, and before its page is read
        now = NOW + (counted + 1) * MINUTE
        team.executions.insert(0, execution(-counted, born=now + SECOND))
        team.totals = {"completed": 59 + counted}
        batches = poll(team, view(memory=memory, counted=counted, **known), clock=StillClock(now))
        kinds.append(next(batch.step.kind for batch in batches if isinstance(batch, Page)))
    assert kinds == ["ordinary"] * 6


def test_a_walk_that_breaks_off_proves_no_deficit() -> None:
    """What ended is not counted yet, since it was not read."""
    team = Team([execution(number) for number in range(1, 60)], size=10, totals={"completed": 59})
    memory: dict[str, Any] = {}
    poll(team, view(floor=NOW - 8 * DAY, memory=memory))
    known: dict[str, Any] = {"listings": {"executions": walked(NOW - 30 * MINUTE)}, "floor": NOW - 8 * DAY}
    poll(team, view(memory=memory, **known))
    team.totals = {"completed": 61}
    for broken in ("2", "2", "2", None):
        team.broken = broken
        batches: list[Batch] = []
        with contextlib.suppress(InvalidResponse):
            poll(team, view(memory=memory, **known), into=batches)
        assert [batch.step.kind for batch in batches if isinstance(batch, Page)][:1] == ["ordinary"]
