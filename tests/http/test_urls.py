"""Addresses: credentials stay at the configured origin, and nothing secret is shown."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import ConfigError, InvalidResponse
from exporter.http import segment
from exporter.http.urls import base, link, origin, query, resolve, shown

ROOT = base("https://api.example.com")
PROJECT = base("https://account.example.com/api/projects/support/")


def as_link(target: str) -> httpx.URL:
    return link(PROJECT, target, PROJECT)


def as_request(target: str) -> httpx.URL:
    return resolve(PROJECT, target)


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        (ROOT, "/v1/actions", "https://api.example.com/v1/actions"),
        (ROOT, "v1/actions", "https://api.example.com/v1/actions"),
        (ROOT, "", "https://api.example.com/"),
        (PROJECT, "/routines", "https://account.example.com/api/projects/support/routines"),
        (PROJECT, "routines", "https://account.example.com/api/projects/support/routines"),
        (PROJECT, "routines/a%2Fb/runs", "https://account.example.com/api/projects/support/routines/a%2Fb/runs"),
        (
            PROJECT,
            "/api/projects/support/routines?after=x",
            "https://account.example.com/api/projects/support/routines?after=x",
        ),
        (PROJECT, "https://account.example.com/elsewhere?a=b", "https://account.example.com/elsewhere?a=b"),
        (PROJECT, "https://ACCOUNT.example.com:443/x", "https://account.example.com/x"),
    ],
)
def test_own_requests(root: httpx.URL, path: str, expected: str) -> None:
    """A path goes below the base URL, with or without a slash in front; an absolute URL stays."""
    assert str(resolve(root, path)) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://account.example.com/api/projects/support/routines?after=2", None),
        ("/api/projects/support/routines?after=2", None),
        ("routines?after=2", None),
        ("?after=2", None),
        ("//account.example.com/api/projects/support/routines?after=2", None),
        ("https://account.example.com/api/projects/support/routines?after=2#part", None),
    ],
)
def test_links_are_resolved_against_the_page(target: str, expected: str | None) -> None:
    """RFC 3986 section 5: each of these is the same second page."""
    page = httpx.URL("https://account.example.com/api/projects/support/routines?after=1")
    found = link(page, target, PROJECT)
    assert str(found) == "https://account.example.com/api/projects/support/routines?after=2"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/api?after=hidden-value",
        "//evil.example/api?after=hidden-value",
        "http://account.example.com/api?after=hidden-value",
        "https://account.example.com:8443/api?after=hidden-value",
        "https://account.example.com.evil.example/?after=hidden-value",
        "https://account.example.com@evil.example/?after=hidden-value",
        "https://user:hidden-value@account.example.com/",
        "https://account.example.com./?after=hidden-value",
        "ftp://account.example.com/hidden-value",
        "javascript:hidden-value",
        "https://evil.example\\@account.example.com/hidden-value",
        "https://[::1/hidden-value",
        "https://account.example.com:99999/hidden-value",
        "/\x00hidden-value",
        "https://evil.example\r\nforged: hidden-value/",
        "/" + "a" * 70_000 + "hidden-value",
    ],
)
def test_links_that_lead_elsewhere_are_refused_without_repeating_them(target: str) -> None:
    """The message names the host found and the host allowed, and nothing that could hold a secret."""
    for follow in (as_link, as_request):
        with pytest.raises(InvalidResponse) as caught:
            follow(target)
        assert "hidden-value" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_message_of_a_foreign_link() -> None:
    """Found and allowed, as people read them."""
    with pytest.raises(InvalidResponse) as caught:
        link(PROJECT, "https://evil.example/x?token=y", PROJECT)
    assert str(caught.value) == (
        "next_link points to another host: found https://evil.example:443, allowed https://account.example.com:443"
    )


@given(st.text(max_size=60))
def test_no_link_leaves_the_origin(target: str) -> None:
    """Whatever an upstream writes, we stay or refuse."""
    for follow in (as_link, as_request):
        try:
            found = follow(target)
        except InvalidResponse:
            continue
        assert origin(found) == origin(PROJECT)
        assert not found.userinfo


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("api.example.com", "endpoint: found 'api.example.com', expected a URL that starts with https:// and a host"),
        ("ftp://x", "endpoint: found 'ftp://x', expected a URL that starts with https:// and a host"),
        ("https://", "endpoint: found 'https://', expected a URL that starts with https:// and a host"),
        ("https://a b", "endpoint: found 'https://a b', expected a URL that starts with https:// and a host"),
        ("https://[::1", "endpoint: found 'https://[::1', expected a URL like https://api.example.com"),
        (
            "https://user:word@api.example.com/",
            "endpoint: found a user after https://api.example.com:443, expected scheme, host and path only",
        ),
        (
            "https://h.example/?key=word",
            "endpoint: found a query or fragment after https://h.example:443, expected scheme, host and path only",
        ),
    ],
)
def test_a_base_url_that_cannot_be_used(url: str, problem: str) -> None:
    """What was found and what would be right."""
    with pytest.raises(ConfigError) as caught:
        base(url)
    assert caught.value.problems == (problem,)


def test_query_is_encoded_as_the_vendors_clients_do() -> None:
    """A space is %20, a plus %2B, a comma %2C; None is left out, booleans are lower case, repeats stay."""
    assert query({"start": "2026-01-01T00:00:00+00:00", "a b": "c,d", "none": None, "flag": True, "n": 3}) == (
        "start=2026-01-01T00%3A00%3A00%2B00%3A00&a%20b=c%2Cd&flag=true&n=3"
    )
    assert query([("x", 1), ("x", "\udc80")]) == "x=1&x=%3F"
    assert str(resolve(ROOT, "/p?a=1", {"b": 2})) == "https://api.example.com/p?a=1&b=2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b", "a%2Fb"),
        ("Tägl ich", "T%C3%A4gl%20ich"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a.b", "a.b"),
        ("?#", "%3F%23"),
    ],
)
def test_a_name_is_one_segment(name: str, expected: str) -> None:
    """No name changes the path it stands in."""
    assert segment(name) == expected
    assert str(resolve(ROOT, f"/r/{segment(name)}/runs")) == f"https://api.example.com/r/{expected}/runs"


def test_a_name_of_ten_thousand_characters_can_be_asked_for_and_followed() -> None:
    """What a platform lets people write must not cost a listing; a link beyond what httpx builds is refused."""
    path = f"/r/{segment('long ' * 2000)}/runs"
    first = resolve(ROOT, path, {"limit": 100})
    assert str(link(first, f"{path}?after=x", ROOT)) == f"https://api.example.com{path}?after=x"
    with pytest.raises(InvalidResponse, match="a link of 100000 characters, expected at most"):
        link(ROOT, "/" + "x" * 99_999, ROOT)
    with pytest.raises(InvalidResponse, match="an address with a query of 1000011 characters, expected at most"):
        resolve(ROOT, "/r", {"page_token": "x" * 1_000_000})


def test_shown_hides_query_and_user_and_is_short() -> None:
    """For messages: no page token, no password, no control character."""
    assert shown(httpx.URL("https://u:p@h.example/a/b?token=x#y")) == "https://h.example:443/a/b"
    assert shown("https://u:p@h.example/a\nb?token=x") == "https://h.example/a?b"
    assert len(shown(httpx.URL("https://h.example/" + "a" * 500))) == 200
