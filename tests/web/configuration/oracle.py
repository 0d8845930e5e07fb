"""Files for promtool and us: a table of good ones, and mutations of them.

``STRICTER`` is the whole list of what promtool takes and we refuse, as patterns of our messages: each could not do
what it says.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.web.configuration.files import hashed

HASH: Final = hashed()
_TLS: Final = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
_VERIFIED: Final = _TLS + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"

GOOD: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "nothing": ("", ()),
    "comment": ("# nothing yet\n", ()),
    "empty sections": ("tls_server_config:\nhttp_server_config: {}\nbasic_auth_users:\nrate_limit: {}\n", ()),
    "tls": (_TLS, ()),
    "version alone": ("tls_server_config: {min_version: TLS13}\n", ("names no certificate, so TLS is off",)),
    "names alone": ("tls_server_config: {client_allowed_sans: [a]}\n", ("names no certificate, so TLS is off",)),
    "tls 1.3": (_TLS + "  min_version: TLS13\n", ()),
    "tls 1.2": (_TLS + "  max_version: TLS12\n", ()),
    "no value": (_TLS + "  min_version:\n  client_auth_type:\n  client_ca_file: ~\n", ()),
    "old versions": (_TLS + "  min_version: TLS10\n  max_version: TLS11\n", ("TLS10 is not spoken", "TLS11 is not")),
    "ciphers": (
        _TLS + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"
        "  prefer_server_cipher_suites: off\n",
        (),
    ),
    "curves": (_TLS + "  curve_preferences:\n  - CurveP256\n  - X25519\n", ("is not followed",)),
    "client certificates": (_VERIFIED, ()),
    "if given": (_VERIFIED.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"), ()),
    "requested": (_TLS + "  client_auth_type: RequestClientCert\n", ("are not asked for",)),
    "any, verified": (
        _VERIFIED.replace("RequireAndVerifyClientCert", "RequireAnyClientCert"),
        ("certificates are also verified, by client_ca_file",),
    ),
    "any authority": (_TLS + "  client_auth_type: VerifyClientCertIfGiven\n", ("any authority that this machine",)),
    "names": (_VERIFIED + "  client_allowed_sans: [scraper.test, 10.0.0.1]\n", ()),
    "both": (_TLS + "  cert: |\n    not looked at\n", ("is not looked at: cert_file counts",)),
    "http2": ("http_server_config: {http2: yes}\n", ("HTTP/2 is not spoken",)),
    "no http2": ("http_server_config: {http2: N}\n", ()),
    "headers": (
        "http_server_config:\n  headers:\n    Content-Security-Policy: default-src 'self'\n"
        "    X-Frame-Options: sameorigin\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 0\n"
        "    Strict-Transport-Security: max-age=31536000\n",
        (),
    ),
    "blank headers": ("http_server_config: {headers: {Content-Security-Policy: , X-XSS-Protection: ''}}\n", ()),
    "users": (f"basic_auth_users:\n  alice: {HASH}\n  1: '{HASH}'\n", ("passwords travel unencrypted",)),
    "users over tls": (_TLS + f"basic_auth_users: {{alice: {HASH}}}\n", ()),
    "colon": (_TLS + f'basic_auth_users: {{"a:b": {HASH}}}\n', ("can never log in",)),
    "costly": (
        _TLS + f"basic_auth_users: {{alice: {HASH.replace('$04$', '$16$')}}}\n",
        ("has a hash of cost 16: checking a password once takes 4 s",),
    ),
    "variants": (
        _TLS
        + "basic_auth_users:\n"
        + "".join(f"  {kind}: {HASH.replace('$2y$', kind)}\n" for kind in ("$2a$", "$2b$")),
        (),
    ),
    "dollars": ("http_server_config: {headers: {Content-Security-Policy: '${HOME} $$'}}\n", ()),
    "rate": ("rate_limit: {interval: 1m30.5s, burst: 20}\n", ()),
    "no rate": ("rate_limit:\n  interval: 0\n", ()),
    "anchors": (
        f"basic_auth_users: &users {{<<: {{alice: {HASH}}}, bob: {HASH}}}\n" + _TLS,
        (),
    ),
}
"""By name: a file, and the beginnings or parts of its warnings."""

STRICTER: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"is not a bcrypt hash",  # Go looks at the beginning and the length only
        r"client_ca(_file)?: holds no certificates",  # Go would trust nobody and say nothing
        r"client_auth_type: would take certificates that nobody signed",
        r"client_allowed_sans: (is empty|needs a client certificate)",  # the toolkit's newest refuses the second too
        r"max_version: leaves no version of TLS to speak",
        r"(cipher_suites|curve_preferences|client_allowed_sans)\[\d+\]: is empty",
        r"rate_limit(\.burst)?: lets no request through",
        r"rate_limit\.interval: (is below zero|has no unit|is not a duration)",  # Go takes 5 for nanoseconds
        r"rate_limit\.burst: is not a whole number",  # Go takes 1.5 for 1
        r"headers\.[A-Za-z-]+: holds characters that cannot be sent",
        r"is not YAML: only one document is read",
        r"has a YAML tag",
    )
)

OLD: Final = re.compile(r"rate_limit|client_allowed_sans|\b(cert|key|client_ca):")
"""What the toolkit of Prometheus 2.42 did not know yet."""


def promtool_takes(promtool: Path, files: Sequence[Path]) -> list[bool]:
    """Return which of the files ``promtool check web-config`` takes."""
    command = (str(promtool), "check", "web-config", *map(str, files))
    result = subprocess.run(command, text=True, capture_output=True, check=False, timeout=120)
    said = result.stdout + result.stderr
    verdicts = {
        match[1]: match[2] == "SUCCESS" for match in re.finditer(r"^(\S+) (SUCCESS|FAILED)", said, re.MULTILINE)
    }
    return [verdicts[str(file)] for file in files]


_WORDS: Final = (
    "", "~", "true", "'true'", "no", "0", "1", "1s", "20", "'20'", "-1", "1.5", "[]", "{}", "[a, b]", "a", "''",
    "server.pem", "server.key", "ca.pem", "absent.pem", "TLS12", "TLS13", "TLS10", "tls12", "X25519", "[X25519]",
    "[CurveP256, X25519]", "[TLS_AES_128_GCM_SHA256]", "[TLS_NONSENSE]", "NoClientCert", "RequireAnyClientCert",
    "RequireAndVerifyClientCert", "VerifyClientCertIfGiven", "RequestClientCert", "RequireClientCert", "deny",
    "nosniff", "sameorigin", HASH, HASH[:-3], HASH + "x", HASH.replace("$04$", "$40$"), "'a: b'", "&a a", "*a",
)  # fmt: skip
_LINES: Final = (
    "tls_server_config:", "http_server_config:", "basic_auth_users:", "rate_limit:", "  headers:",
    "  cert_file: server.pem",
    "  key_file: server.key", "  client_ca_file: ca.pem", "  client_auth_type: RequireAndVerifyClientCert",
    "  client_allowed_sans: [a]", "  min_version: TLS12", "  max_version: TLS13", "  prefer_server_cipher_suites: true",
    "  http2: false", "    X-Frame-Options: deny", "    X-XSS-Protection: 1", "    Server: none", "  interval: 1s",
    "  burst: 20", f"  alice: {HASH}", "  cipher_suites: []", "  curve_preferences:", "  unknown: 1", "surplus:", "---",
)  # fmt: skip


_CHANGES: Final = ("value", "value", "value", "line", "remove", "twice", "indent", "character")


def mutated(seed: int) -> str:
    """Return a good file, or two in one, with up to three things about it changed."""
    dice = random.Random(seed)
    lines = "".join(text for text, _ in dice.sample(list(GOOD.values()), dice.choice((1, 1, 2)))).splitlines()
    for _ in range(dice.randint(0, 3)):
        where = dice.randrange(len(lines) + 1)
        change = dice.choice(_CHANGES)
        if change == "line" or where == len(lines):
            lines.insert(where, dice.choice(_LINES))
        elif change == "value" and ":" in lines[where]:
            lines[where] = f"{lines[where].partition(':')[0]}: {dice.choice(_WORDS)}"
        elif change == "remove":
            del lines[where]
        elif change == "twice":
            lines.insert(where, lines[where])
        elif change == "indent":
            lines[where] = dice.choice((" ", "  ", "")) + lines[where].strip()
        elif lines[where]:
            place = dice.randrange(len(lines[where]))
            lines[where] = lines[where][:place] + dice.choice("x:'\"#{}[],&*-$ ") + lines[where][place + 1 :]
    return "\n".join(lines) + "\n"
