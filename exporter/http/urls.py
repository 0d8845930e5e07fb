"""Addresses: what belongs to the configured origin, and how an address is shown to people.

Query strings hold page tokens and filters, and are never shown. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

import httpx

from exporter.errors import ConfigError, InvalidResponse

Scalar = str | int | float | bool | None
Params = Mapping[str, Scalar] | Sequence[tuple[str, Scalar]]

LONGEST_URL = 65_000
"""Characters of a link. A name in the path may have thousands; httpx itself builds no URL above 65,536."""
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//|[A-Za-z][A-Za-z0-9+.-]*:")
_ABSOLUTE = re.compile(r"https?://[A-Za-z0-9]")
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
_PORTS = {"http": 80, "https": 443}


def base(url: str) -> httpx.URL:
    """The configured base URL, its path ending in a slash. Raises ConfigError when it is none."""
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise ConfigError([f"endpoint: found {shown(url)!r}, expected a URL like https://api.example.com"]) from None
    if parsed.scheme not in _PORTS or not is_host(parsed):
        raise ConfigError([f"endpoint: found {shown(url)!r}, expected a URL that starts with https:// and a host"])
    if parsed.userinfo or parsed.query or parsed.fragment:
        found = "a user" if parsed.userinfo else "a query or fragment"
        raise ConfigError([f"endpoint: found {found} after {origin(parsed)}, expected scheme, host and path only"])
    return parsed.copy_with(path=parsed.path.rstrip("/") + "/")


@lru_cache(maxsize=16)
def parse(url: str) -> httpx.URL:
    """The parts of an absolute address. The few that were met last are known: a link of an answer is asked for next,
    and is then the page against which the following one is resolved. Raises what httpx raises."""
    return httpx.URL(url)


def origin(url: httpx.URL) -> str:
    """``scheme://host:port``, the port always written, so that equal origins are equal strings."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{url.port or _PORTS.get(url.scheme, 0)}"


def is_host(url: httpx.URL) -> bool:
    """Does it name a host that could exist? httpx lets spaces and brackets pass."""
    return _HOST.fullmatch(url.raw_host.decode("ascii")) is not None


def segment(name: str) -> str:
    """``name`` as one segment of a path: slashes and dots that would mean another path are encoded."""
    encoded = quote(name, safe="", errors="replace")
    return encoded.replace(".", "%2E") if set(name) <= {"."} else encoded


def query(params: Params | None) -> str:
    """Percent-encoded (a space is %20, as the vendors' SDKs send it); None is left out, booleans are lower case."""
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs if value is not None)


def resolve(base_url: httpx.URL, target: str, params: Params | None = None) -> httpx.URL:
    """The address of our own request: a path below the base URL, or an absolute URL of the same origin.

    A path that already begins with the base URL's path is taken as it is. Raises InvalidResponse for a URL of
    another origin, for one that is no URL, and for one that is too long.
    """
    if _SCHEME.match(target):
        return _with(link(base_url, target, base_url), params)
    path = target.lstrip("/")
    prefix = base_url.path.lstrip("/")
    if prefix and path.startswith(prefix):
        path = path[len(prefix) :]
    return _with(_join(base_url, "./" + path), params)


def link(page: httpx.URL, target: str, allowed: httpx.URL) -> httpx.URL:
    """A link found in an answer, resolved against the page's address (RFC 3986 section 5).

    Raises InvalidResponse when it leads to another origin than ``allowed``: the credentials must not go there.
    """
    found = _join(page, target)
    if found.scheme not in _PORTS or origin(found) != origin(allowed):
        raise InvalidResponse(
            f"next_link points to another host: found {_safe_origin(found)}, allowed {origin(allowed)}"
        )
    if found.userinfo:
        raise InvalidResponse(f"next_link carries a user name, expected a plain URL of {origin(allowed)}")
    return found.copy_with(fragment=None) if found.fragment else found


def shown(url: httpx.URL | str) -> str:
    """The address without user, query and fragment, cut to 200 characters, for messages."""
    text = f"{_safe_origin(url)}{url.raw_path.decode('ascii').split('?', 1)[0]}" if isinstance(url, httpx.URL) else url
    text = re.split(r"[?#]", text, maxsplit=1)[0]
    text = re.sub(r"//[^/]*@", "//", text)
    text = re.sub(r"[^\x20-\x7e]", "?", text)
    return text if len(text) <= 200 else text[:197] + "..."


def _safe_origin(url: httpx.URL) -> str:
    """Like ``origin`` with nothing in it that a hostile link could smuggle into a log line."""
    return re.sub(r"[^A-Za-z0-9.:/\[\]-]", "?", origin(url))[:120]


def _join(page: httpx.URL, target: str) -> httpx.URL:
    if len(target) > LONGEST_URL:
        raise InvalidResponse(f"a link of {len(target)} characters, expected at most {LONGEST_URL}")
    try:
        return parse(target) if _ABSOLUTE.match(target) else page.join(target)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise InvalidResponse(f"a link is no URL; expected one of {origin(page)}") from None


def _with(url: httpx.URL, params: Params | None) -> httpx.URL:
    added = query(params)
    if not added:
        return url
    held = url.query.decode("ascii")
    length = len(held) + len(added)
    if length > LONGEST_URL:  # a page token or an id that the upstream gave us
        raise InvalidResponse(f"an address with a query of {length} characters, expected at most {LONGEST_URL}")
    return url.copy_with(query=f"{held}&{added}".lstrip("&").encode("ascii"))


def _encoded(value: Scalar) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return quote(text, safe="", errors="replace")
