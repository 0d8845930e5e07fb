"""The types of configuration values: sizes, shares, URLs, patterns, files, secrets (``durations`` has a module).

Each is an ``Annotated`` type for pydantic that takes what stands in the YAML file (text) and gives what the program
works with. Python code may pass the finished value instead (microseconds, bytes, a ``Secret``). What is wrong and
what would be right is said by ``wrong``; the value itself is added, or not, by who knows whether it may be shown.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema

from exporter.errors import Unauthorized
from exporter.http.proxy import DIRECT, Proxy
from exporter.platforms.wrong import wrong
from exporter.secrets import Secret, flaw_of

# Sizes and fractions

_SIZE_UNITS: Final = {"B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3}
_SIZE = re.compile(r"([0-9]{1,12}) ?([kKMG]i?B|B)")


def _parse_size(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None or match[2] not in _SIZE_UNITS:
        raise wrong("is not a size", f"write a number with a unit ({', '.join(_SIZE_UNITS)}), such as 64MiB")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def format_size(size: int) -> str:
    """Return ``size`` with the largest unit that leaves a whole number."""
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "B") if size % _SIZE_UNITS[unit] == 0)
    return f"{size // _SIZE_UNITS[unit]}{unit}"


SIZE: Final = BeforeValidator(_parse_size)
Size = Annotated[int, SIZE, WithJsonSchema({"type": "string"})]
"""Bytes."""


def _parse_percent(value: object) -> object:
    if isinstance(value, str) and value.endswith("%"):
        try:
            return float(value[:-1]) / 100
        except ValueError:
            raise wrong("is not a share", "write a share such as 10% or 0.1") from None
    return value


Share = Annotated[float, BeforeValidator(_parse_percent), Field(allow_inf_nan=False)]
"""A part of one: ``0.1`` or ``10%``."""


# Addresses


def loopback(host: str | None) -> bool:
    """Whether ``host`` is this machine by its name or address alone, without asking a name server."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def plain_http(url: str) -> bool:
    """Whether what is sent to ``url`` can be read on the way: http, and not to this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not loopback(parts.hostname)


_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def normalise_endpoint(text: str) -> str:
    """Return a base URL in one spelling: lower-case scheme and host, no default port, no slash at the end."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong("is not a URL", "write it as https://host/path") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not text.isascii() or not text.isprintable():
        raise wrong("is not an http or https URL", "write it as https://host/path")
    if " " in text:
        raise wrong("holds a space", "write it as https://host/path, other characters percent-encoded")
    if "@" in parts.netloc:
        raise wrong("has credentials in the URL", "write credentials under their own keys")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise wrong("has a query or a fragment", "write only scheme, host and path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{suffix}{parts.path.rstrip('/')}"


Endpoint = Annotated[str, AfterValidator(normalise_endpoint)]
"""A base URL without credentials, query and trailing slash."""


def _proxy(value: object) -> object:
    if isinstance(value, Proxy):
        return value
    if value is False or value in (DIRECT, "none", "false"):
        return DIRECT
    if not isinstance(value, str):
        raise wrong("is not text", "write http://host:port, or off")
    try:
        return Proxy(value)
    except ValueError as error:
        raise wrong(str(error), "write http://host:port or https://host:port, with user:password@ if need be") from None


ProxyChoice = Annotated[
    Proxy | Literal["off"],
    BeforeValidator(_proxy),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""The address of a proxy, or ``off``."""


# Files, patterns and secrets


def _resolve(text: str, info: ValidationInfo) -> Path:
    """Relative paths start at the folder of the configuration file, when there is one."""
    folder = (info.context or {}).get("folder")
    return Path(folder, text) if folder is not None else Path(text)


def _existing_file(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise wrong("is not a path", "write the path of a file")
    path = _resolve(value, info)
    if not os.path.isfile(path):  # Path.is_file raises for a name that is too long
        raise wrong("is not a file", "write the path of a file that exists")
    return path


ExistingFile = Annotated[Path, BeforeValidator(_existing_file), WithJsonSchema({"type": "string"})]
"""A file that is there when the configuration is read."""


def _secret_text(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise wrong("is not text", "write the value, or better ${VARIABLE}")
    flaw = flaw_of(value)
    if flaw:
        raise wrong(flaw, "check the value, or the variable it comes from")
    return Secret(value)


def _secret_file(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        raise wrong("is not a path", "write the path of a file that holds the secret")
    path = _resolve(value, info)
    secret = Secret(path=path)
    try:
        secret.read(warn=False)  # who loads a configuration tells that with its other warnings
    except Unauthorized as error:
        # A secret pasted here by mistake must not be shown: only what cannot be one is, or what is there as a file.
        if value.startswith(("/", "./", "../")) or os.path.lexists(path):
            problem = str(error).replace(str(path), value)
            raise wrong(problem, "write the path of a file that holds the secret and nothing else") from None
        raise wrong(
            "is no file that can be read (not shown, it may be the secret itself)",
            "write the path of a file; the secret itself goes under the key without _file",
        ) from None
    return secret


_HIDDEN = PlainSerializer(str, return_type=str)

SecretText = Annotated[Secret, BeforeValidator(_secret_text), _HIDDEN, WithJsonSchema({"type": "string"})]
"""A secret written in place, usually as ``${VARIABLE}``."""

SecretFile = Annotated[Secret, BeforeValidator(_secret_file), _HIDDEN, WithJsonSchema({"type": "string"})]
"""A secret in a file of its own."""


def matching(pattern: str, right: str) -> AfterValidator:
    """Return the metadata of a text that must match ``pattern`` whole; ``right`` says it in words."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise wrong("is not possible" if value else "is empty", right)
        return value

    return AfterValidator(check)


def _pattern(value: str) -> str:
    if not value:
        raise wrong("is empty", 'write a name, or a pattern such as "nightly-*"')
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A name in which ``*``, ``?`` and ``[abc]`` stand for other characters (case matters)."""
