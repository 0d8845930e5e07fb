from __future__ import annotations

import base64
import hashlib
import html
import re

import pytest

from exporter.errors import REASONS
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from exporter.web.hints import HINTS
from exporter.web.markup import Markup, element, join, void
from exporter.web.pages import STYLE_POLICY, status_page
from exporter.web.views import ErrorView, StatusView, TargetView

NOW = 1_700_000_000 * SECOND


def page(*targets: TargetView, reload_error: str | None = None) -> str:
    return status_page(StatusView("1.2.3", now=NOW, started=NOW - HOUR, targets=targets, reload_error=reload_error))


def test_a_target_is_one_row_with_all_that_is_known_of_it() -> None:
    error = ErrorView("unauthorized", "401 from the token service", at=NOW - 3 * MINUTE)
    target = TargetView(
        "support",
        "foundry",
        "down",
        last_poll=NOW - 5 * SECOND,
        next_poll=NOW + 55 * SECOND,
        data=NOW - 2 * HOUR,
        degraded=("workload_error", "unsorted"),
        error=error,
    )
    row = re.search(r"<tbody><tr>(.*)</tr></tbody>", page(target))
    assert row is not None
    cells = [
        html.unescape(re.sub(r"<[^>]+>", "|", cell).strip("|"))
        for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row[1])
    ]
    assert cells == [
        "support",
        "foundry",
        "down; workload_error; unsorted",
        "5 s ago",
        "in 55 s",
        "2 h ago",
        f"3 min ago|: unauthorized||401 from the token service||{HINTS['unauthorized']}",
    ]
    assert 'datetime="2023-11-14T22:13:15Z"' in row[1]


def test_a_target_that_was_not_polled_yet_has_empty_cells() -> None:
    assert "<td>starting</td><td></td><td></td><td></td><td></td>" in page(TargetView("a", "roboto", "starting"))


def test_the_page_counts_what_is_up() -> None:
    text = page(TargetView("a", "roboto", "up"), TargetView("b", "roboto", "down"))
    assert "1 of 2 targets are up." in text
    assert "Version 1.2.3, started 1 h ago." in text


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
    assert f">{shown}</time>" in page(TargetView("a", "roboto", "up", last_poll=moment))


def test_the_policy_permits_the_page_its_own_style() -> None:
    style = re.search(r"<style>(.*?)</style>", page(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in STYLE_POLICY


def test_every_reason_has_a_hint() -> None:
    assert set(HINTS) == set(REASONS)


def test_text_and_attributes_are_escaped() -> None:
    made = element("a", '<b> & "c"', element("i", "'"), href='"><script>', class_="x", data_id="1", title=None)
    assert str(made) == (
        '<a href="&quot;&gt;&lt;script&gt;" class="x" data-id="1">&lt;b&gt; &amp; &quot;c&quot;<i>&#x27;</i></a>'
    )
    assert str(void("meta", charset="utf-8")) == '<meta charset="utf-8">'
    assert str(join("<", Markup("<br>"))) == "&lt;<br>"
