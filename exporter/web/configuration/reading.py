"""From a file to ``WebSettings``, with every mistake found on the way, and what is not done as it is written.

``promtool check web-config`` takes and refuses the same files. Where it takes what could not work, this refuses:
the tests have the list (tests/web/configuration/test_oracle.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from pydantic_core import PydanticCustomError

from exporter.config.files import read_text
from exporter.config.problems import Problem
from exporter.config.written import parse
from exporter.errors import ConfigError
from exporter.web.configuration.hashes import Hash
from exporter.web.configuration.model import RateLimit, WebSettings
from exporter.web.configuration.tls import context_of, readable_by_others
from exporter.web.configuration.tls_server import TLS, tls_settings
from exporter.web.configuration.values import Values

_SECTIONS: Final = (TLS, "http_server_config", "basic_auth_users", "rate_limit")

_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that can be set, with their possible values where they are few: a closed list, as in the toolkit."""

_SLOW: Final = 12
"""A hash of a higher cost takes longer than a quarter of a second."""


class Reading(NamedTuple):
    """A file that can be used: what it says, its TLS context if it has one, and warnings, one sentence each."""

    settings: WebSettings
    context: ssl.SSLContext | None
    warnings: tuple[str, ...]


def read(path: Path) -> Reading:
    """Read a web configuration and what it names. Raises ConfigError with every problem, in order of lines."""
    values = Values(parse(read_text(path), None))
    values.keys((), _SECTIONS)
    tls = tls_settings(values, path.parent)
    settings = WebSettings(tls, _headers(values), _users(values), _rate_limit(values))
    context = None
    if tls is not None:
        context, wrong = context_of(tls)
        for found in wrong:
            values.wrong((TLS, found.key), found.problem, found.right, hidden=not found.key.endswith("_file"))
    if values.problems:
        raise ConfigError(_sentences(values.problems, path))
    _advise(values, settings)
    return Reading(settings, context, tuple(_sentences(values.warnings, path)))


def _sentences(problems: list[Problem], path: Path) -> list[str]:
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, str(problem.path)))
    return [problem.render(str(path)) for problem in ordered]


def _headers(values: Values) -> tuple[tuple[bytes, bytes], ...]:
    section = "http_server_config"
    values.keys((section,), ("http2", "headers"))
    if values.flag((section, "http2"), default=False):
        values.warn((section, "http2"), "HTTP/2 is not spoken; clients get HTTP/1.1")
    headers = []
    for name in values.keys((section, "headers"), _HEADERS):
        path = (section, "headers", name)
        text = values.text(path)
        if not values.sound(path):
            continue
        if _HEADERS[name] and text not in _HEADERS[name]:
            values.wrong(path, "is not possible", choices=_HEADERS[name])
        value = " ".join(text.split())  # a line break would begin another header
        if not value.isascii() or not value.isprintable():
            values.wrong(path, "holds characters that cannot be sent in a header", "write plain text")
        if value:
            headers.append((name.lower().encode("ascii"), value.encode()))
    return tuple(headers)


def _users(values: Values) -> dict[bytes, Hash]:
    section = "basic_auth_users"
    users = {}
    for name in values.keys((section,)):
        text = values.text((section, name))
        if not values.sound((section, name)):
            continue
        try:
            users[name.encode()] = Hash(text)
        except PydanticCustomError as error:
            context = error.context or {}
            values.wrong((section, name), str(context["problem"]), str(context["right"]), hidden=True)
        else:
            if ":" in name:
                values.warn((section, name), "can never log in: basic authentication ends a name at its first colon")
    return users


def _rate_limit(values: Values) -> RateLimit | None:
    section = "rate_limit"
    values.keys((section,), ("interval", "burst"))
    interval = values.seconds((section, "interval"))
    burst = values.whole((section, "burst"), default=0)
    if interval < 0:
        values.wrong((section, "interval"), "is below zero", "write a duration such as 1s, or 0 for no limit")
    elif interval and burst < 1 and values.sound((section,)):
        missing = not values.has((section, "burst"))
        path = (section,) if missing else (section, "burst")
        values.wrong(path, "lets no request through", "write burst: 20, or another number above 0", hidden=missing)
    return RateLimit(interval, burst) if interval else None


def _advise(values: Values, settings: WebSettings) -> None:
    tls = settings.tls
    if settings.users and tls is None:
        values.warn(
            ("basic_auth_users",), "passwords travel unencrypted without tls_server_config; whoever listens has them"
        )
    for name, user in settings.users.items():
        if user.cost > _SLOW:
            values.warn(
                ("basic_auth_users", name.decode()),
                f"has a hash of cost {user.cost}: checking a password once takes {2 ** (user.cost - 10) / 15:.0f} s"
                " or so, and others wait for it; 10 is usual",
            )
    if tls is not None and readable_by_others(tls.private_key):
        values.warn(
            (TLS, tls.private_key.key), "every user of this machine can read the key; take that right away (chmod o-r)"
        )
