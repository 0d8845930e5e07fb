"""``healthcheck``: asks the service on this machine whether it is healthy, with the standard library only.

A container runtime starts it every few seconds, so it loads neither the web server nor the HTTP client.
"""

from __future__ import annotations

import http.client
from typing import Final

from exporter.errors import ConfigError
from exporter.web.address import Address

TIMEOUT: Final = 5.0
"""Seconds to connect and, again, for each part of the answer."""

_LOOPBACK: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to ask instead
_ASK_ELSEWHERE: Final = "start with --web.health-listen-address, and ask there"
_LONGEST: Final = 1024  # bytes of the reason that are shown


def ask(address: Address, *, tls: bool = False) -> tuple[bool, str]:
    """Return whether the service that listens on ``address`` says it is healthy, and its sentence or the error.

    An address without a host, or that of every interface, is asked on loopback. With ``tls`` the certificate is not
    verified: it names the service as others see it, and nothing secret is sent. Raises ``ConfigError`` for port 0,
    where nothing can be asked.
    """
    if not address.port:
        raise ConfigError(["--web.listen-address: port 0 stands for any free port; name the one that is listened on"])
    connection = _connection(_LOOPBACK.get(address.host, address.host), address.port, tls)
    try:
        try:
            connection.request("GET", "/-/healthy")
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
        answer = connection.getresponse()  # tells why, when the server did not wait for the request
        reason = answer.read(_LONGEST).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        if "certificate required" in str(error):
            return False, f"{address} wants a client certificate; {_ASK_ELSEWHERE}"
        return False, f"{address} does not answer: {str(error).strip() or type(error).__name__}"
    finally:
        connection.close()
    if answer.status == 401:
        return False, f"{address} wants a password; {_ASK_ELSEWHERE}"
    return answer.status == 200, reason if answer.status in (200, 503) else f"{address} answers {answer.status}"


def _connection(host: str, port: int, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    import ssl  # noqa: PLC0415 - slow to load, and seldom needed

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
