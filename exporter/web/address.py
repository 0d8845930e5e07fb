"""Where to listen: the text of ``--web.listen-address``, and the socket it becomes."""

from __future__ import annotations

import errno
import os
import re
import socket
from typing import Final, NamedTuple

from exporter.errors import ConfigError, ExporterError, ListenError

LISTEN_FLAG: Final = "--web.listen-address"
HEALTH_FLAG: Final = "--web.health-listen-address"

BACKLOG: Final = 1024
_FORM: Final = re.compile(r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<plain>[^:\[\]]*)):(?P<port>[0-9]{1,5})")
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


class Address(NamedTuple):
    """A host, empty for every interface, and a TCP port, 0 for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return the form that ``parse_address`` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address that ``text`` names: ``:10077``, ``127.0.0.1:0``, ``localhost:80``, ``[::1]:9``.

    Raises ``ConfigError``.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ConfigError([f"{text!r} is not host:port; write for example :10077 or [::1]:10077"])
    port = int(match["port"])
    if port > 65535:
        raise ConfigError([f"{text!r}: port {port} is above 65535"])
    return Address(match["bracketed"] or match["plain"] or "", port)


def bind(address: Address, flag: str = LISTEN_FLAG) -> socket.socket:
    """Return a listening socket; without a host it takes IPv6 and IPv4 where the machine has both.

    ``flag`` is where the address was given. Raises ``ListenError`` with the system's reason, ``ConfigError`` for a
    host that no name can be.
    """
    try:
        return _every_interface(address.port) if not address.host else _one_interface(address)
    except (OSError, UnicodeError) as error:
        raise not_listening(error, address, flag) from error


def not_listening(error: OSError | UnicodeError, address: Address, flag: str = LISTEN_FLAG) -> ExporterError:
    """Return what to tell of an address that cannot be listened on: flag, reason, address."""
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    if isinstance(error, socket.gaierror):
        reason = error.strerror or reason
    sentence = f"{flag}: {reason[:1].lower()}{reason[1:]}: {address}"
    return ListenError(sentence) if isinstance(error, OSError) else ConfigError([sentence])


def _every_interface(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
    return socket.create_server(("", port), backlog=BACKLOG)


def _one_interface(address: Address) -> socket.socket:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # A name with both kinds of address, such as localhost, is served on IPv4: what most scrape first.
    family, *_, resolved = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return socket.create_server((str(resolved[0]), int(resolved[1])), family=family, backlog=BACKLOG)
