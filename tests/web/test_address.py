from __future__ import annotations

import socket

import pytest

from exporter.errors import ConfigError, ListenError
from exporter.web.address import Address, bind, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":10077", "", 10077),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:9", "::1", 9),
        ("[::]:10077", "::", 10077),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert address == Address(host, port)
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "10077", "localhost", "::1:9", "[::1]", "host:", "host:http", ":-1", ":65536x"])
def test_what_is_no_address_is_named_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="not host:port; write for example :10077") as caught:
        parse_address(text)
    assert repr(text) in str(caught.value)


def test_a_port_has_sixteen_bits() -> None:
    with pytest.raises(ConfigError, match="port 65536 is above 65535"):
        parse_address(":65536")


def test_an_address_in_use_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=rf"^--web\.listen-address: address already in use: 127\.0\.0\.1:{port}"):
            bind(Address("127.0.0.1", port))


def test_without_a_host_ipv4_is_served_too() -> None:
    with bind(Address("", 0)) as listener, socket.create_connection(("127.0.0.1", listener.getsockname()[1]), 5):
        pass


def test_a_name_with_both_kinds_of_address_is_served_on_ipv4() -> None:
    with bind(Address("localhost", 0)) as listener:
        assert listener.family is socket.AF_INET


@pytest.mark.parametrize(("host", "kind"), [("192.0.2.1", ListenError), ("a..b", ConfigError)])
def test_a_host_that_is_not_ours_is_named(host: str, kind: type[Exception]) -> None:
    """Its interface may be up later; what can be no name stays a mistake."""
    with pytest.raises(kind, match=rf"--web\.listen-address: .+: {host}:0"):
        bind(Address(host, 0))


def test_a_name_that_is_not_resolved_may_be_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def unresolved(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    with pytest.raises(ListenError, match=r"^--x: temporary failure in name resolution: vpn\.example:80$"):
        bind(Address("vpn.example", 80), "--x")
