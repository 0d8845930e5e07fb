from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace

import pytest

from exporter.errors import REASONS
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from exporter.web.hints import DEGRADED, FEED_LACKS, HINTS
from exporter.web.markup import Markup, element, join, void
from exporter.web.pages import Wanted, status_page, wanted
from exporter.web.runs_table import SHOWN
from exporter.web.selection import RunFilter
from exporter.web.style import STYLE_POLICY
from exporter.web.views import ErrorView, RunsView, StatusView, TargetView
from tests.web.samples import DOWN, FAILED, NEW, NOW, RUNNING, RUNS, STATUS, UP

NO_RUNS = RunsView(NOW)


def page(*targets: TargetView, reload_error: str | None = None, runs: RunsView = NO_RUNS) -> str:
    view = StatusView("1.2.3", now=NOW, started=NOW - HOUR, targets=targets, reload_error=reload_error)
    return status_page(view, runs, Wanted())


def cells(text: str, section: str) -> list[list[str]]:
    """The texts of a section's cells, row by row; breaks between elements as ``|``."""
    part = re.search(rf'<section id="{section}".*?</section>', text, re.DOTALL)
    assert part is not None
    return [
        [
            re.sub(r"\|+", "|", html.unescape(re.sub(r"<(?!/?time)[^>]+>", "|", re.sub(r"</?time[^>]*>", "", cell))))
            .strip("|")
            .strip()
            for cell in re.findall(r"<t[hd] [^>]*data-title[^>]*>(.*?)</t[hd]>", row)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", part[0].partition("<tbody")[2])
    ]


def test_a_target_is_one_row_with_all_that_is_known_of_it() -> None:
    assert cells(page(DOWN), "targets") == [
        [
            "support|foundry",
            "down|workload_error|unsorted",
            "last 5 s ago|next in 55 s|every 1 min",
            "2 h ago|gaps of 1 h in all|last closed 3 d ago",
            "12\u00a0345|quota 40 of 100 left, renewed in 12 min|budget 117 now|pausing 3 s|probing gently",
            "61|4 workloads",
            "2",
            f"unauthorized|, 3 min ago|401 from the token service|{HINTS['unauthorized']}"
            f"|workload_error|: {DEGRADED['workload_error']}|unsorted|: {DEGRADED['unsorted']}",
        ]
    ]
    assert 'datetime="2023-11-14T22:13:15Z"' in page(DOWN)


def test_an_error_that_is_over_needs_nobody() -> None:
    error = ErrorView("unauthorized", "401 from the token service", at=NOW - MINUTE)
    well = replace(UP, error=error, last_success=NOW)
    assert cells(page(well), "targets")[0][-1] == (
        "unauthorized|, 1 min ago; polls are good again|401 from the token service"
    )
    for not_over in (
        replace(well, degraded=("workload_error",)),
        replace(well, state="down"),
        replace(well, last_success=NOW - HOUR),
    ):
        assert HINTS["unauthorized"] in html.unescape(page(not_over))


def test_a_target_that_was_not_polled_yet_has_empty_cells() -> None:
    ((name, state, polls, data, *_, error),) = cells(page(NEW), "targets")
    assert (name, state, polls, data, error) == ("fleet|roboto", "starting", "", "", "")


def test_what_the_configuration_gives_away_stands_beside_the_state() -> None:
    exposed = page(replace(UP, warnings=("certificate not verified", "not encrypted")))
    assert cells(exposed, "targets")[0][1] == "up|certificate not verified|not encrypted"
    assert "insecure_skip_verify is on" in exposed


def test_a_poll_that_is_due_comes_now() -> None:
    assert cells(page(UP), "targets")[0][2] == "last 0 s ago|next now|every 1 min"


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["support", "fleet", "agents"]),  # trouble first
        ("name", ["agents", "fleet", "support"]),
        ("-name", ["support", "fleet", "agents"]),
        ("-series", ["support", "agents", "fleet"]),
        ("poll", ["support", "agents", "fleet"]),  # what was never polled is last, either way
        ("-poll", ["agents", "support", "fleet"]),
        ("nonsense", ["support", "fleet", "agents"]),
    ],
)
def test_targets_are_sorted_as_asked(sort: str, names: list[str]) -> None:
    text = status_page(STATUS, RUNS, wanted(sort, "", "", RunFilter()))
    assert [row[0].partition("|")[0] for row in cells(text, "targets")] == names


def test_a_heading_sorts_by_its_column_and_then_the_other_way() -> None:
    text = status_page(STATUS, RUNS, wanted("series", "-at", "", RunFilter(targets=("a b",))))
    ascending = '<th scope="col" role="columnheader" aria-sort="ascending">'
    assert f'{ascending}<a href="/?runs=-at&amp;target=a+b&amp;sort=-series#targets">Series' in text
    assert 'href="/?runs=-at&amp;target=a+b&amp;sort=name#targets">Target' in text
    assert 'href="/?sort=series&amp;target=a+b&amp;runs=at#runs">Ended' in text


def test_runs_come_with_every_id_and_their_link() -> None:
    failed, late, given_up = cells(page(runs=RUNS), "runs")
    assert failed == [
        "30 min ago",
        "support",
        "nightly <report>",
        "failed|tool_error, 502|21 min late|after 9 min",
        "run|run-1|dispatch|d-1|correlation|c-1",
    ]
    assert late[3] == "completed|11 min late"
    assert given_up[3] == "given up"
    assert '<a href="https://portal.example.net/run-1" rel="noreferrer noopener"><code>run-1</code></a>' in page(
        runs=RUNS
    )


def test_open_runs_are_below() -> None:
    assert cells(page(runs=RUNS), "open") == [["1 d ago", "support", "c", "running", "run|run-4"]]
    assert "No run is known to be open." in page()


def test_a_choice_of_runs_is_said_and_can_be_taken_back() -> None:
    chosen = RunFilter(workloads=("a&b",), late=True)
    text = status_page(STATUS, RUNS, wanted("", "", "", chosen))
    assert 'Only workload a&amp;b, late true. <a href="/#runs">Show all runs</a>' in text


@pytest.mark.parametrize(
    ("targets", "lacking"), [(("fleet",), True), (("agents",), False), ((), True), (("of-no-shard",), False)]
)
def test_runs_that_a_platform_does_not_tell_are_said_to_be_elsewhere(targets: tuple[str, ...], lacking: bool) -> None:
    asked = wanted("", "", "", RunFilter(targets=targets))
    assert (FEED_LACKS["roboto"] in status_page(STATUS, RunsView(NOW), asked)) == lacking
    assert FEED_LACKS["roboto"] not in status_page(STATUS, RUNS, asked)


def test_more_runs_than_a_page_holds_are_in_the_json() -> None:
    many = RunsView(NOW, (FAILED,) * (SHOWN + 1), (RUNNING,) * SHOWN, ended_total=SHOWN + 1, open_total=1000)
    text = status_page(STATUS, many, wanted("", "", "", RunFilter(targets=("support",))))
    assert len(cells(text, "runs")) == len(cells(text, "open")) == SHOWN
    assert f'{SHOWN} of {SHOWN + 1} are shown; <a href="/api/v1/runs?target=support">' in text
    assert f"{SHOWN} of 1000 are shown" in text


def test_the_page_counts_what_is_up() -> None:
    text = page(UP, DOWN)
    assert "1 of 2 targets are up." in text
    assert "<title>1 of 2 up - automation-exporter</title>" in text
    assert re.search(r"Version 1.2.3, started <time[^>]*>1 h ago</time>\.", text)


def test_a_configuration_that_was_not_taken_is_announced() -> None:
    assert 'role="alert"' not in page()
    assert re.search(r'role="alert">.*config.yaml:3: no such key', page(reload_error="config.yaml:3: no such key"))


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (NOW, "0 s ago"),
        (NOW - 59 * SECOND, "59 s ago"),
        (NOW - 60 * SECOND, "1 min ago"),
        (NOW - 25 * HOUR, "1 d ago"),
        (NOW + 90 * MINUTE, "in 1 h"),
        (NOW - 400 * DAY, "400 d ago"),
    ],
)
def test_times_are_told_as_people_say_them(moment: Micros, shown: str) -> None:
    assert f">{shown}</time>" in page(replace(UP, data=moment))


def test_the_policy_permits_the_page_its_own_style() -> None:
    style = re.search(r"<style>(.*?)</style>", page(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in STYLE_POLICY


def test_the_page_has_no_scripts_no_handlers_and_nothing_from_elsewhere() -> None:
    text = status_page(STATUS, RUNS, Wanted())
    assert not re.search(r"<(script|img|link|iframe|object|form)|\son\w+=|\sstyle=|url\(|@import", text)
    assert "nightly &lt;report&gt;" in text


def test_every_reason_has_a_hint() -> None:
    assert set(HINTS) == set(REASONS)


def test_text_and_attributes_are_escaped() -> None:
    made = element("a", '<b> & "c"', element("i", "'"), href='"><script>', class_="x", data_id="1", title=None)
    assert str(made) == (
        '<a href="&quot;&gt;&lt;script&gt;" class="x" data-id="1">&lt;b&gt; &amp; &quot;c&quot;<i>&#x27;</i></a>'
    )
    assert str(void("meta", charset="utf-8")) == '<meta charset="utf-8">'
    assert str(join("<", Markup("<br>"))) == "&lt;<br>"
