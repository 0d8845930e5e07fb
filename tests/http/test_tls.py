"""TLS on loopback: trusted, not trusted, switched off, broken; contexts are shared."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from exporter.errors import ConfigError, ConnectFailed, TimedOut, TlsFailed, UpstreamError
from exporter.http import Client, NoAuth, Proxy, Settings, ssl_context, tls
from tests.http.support import dripping, read_request, replying, server, silent

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context_of(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def failure_of(base_url: str, settings: Settings) -> UpstreamError:
    client = Client(base_url, NoAuth(), settings=settings)
    client.begin(20)
    with pytest.raises(UpstreamError) as caught:
        client.get("/x")
    client.close()
    return caught.value


def test_a_custom_authority(authority: trustme.CA, ca_file: str) -> None:
    """Requests over one connection, answers of many records."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        while read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300002\r\n\r\n[" + b" " * 300_000 + b"]")

    with server(script, context=context_of(authority)) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(ca_file=ca_file))
        for _ in range(3):
            assert client.get("/x").json() == []
        client.close()


def test_a_large_request(authority: trustme.CA, ca_file: str) -> None:
    """Sending takes several records too."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        head = read_request(connection)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = head.split(b"\r\n\r\n", 1)[1]
        while len(body) < length:
            body += connection.recv(65536)
        connection.sendall(OK)

    with server(script, context=context_of(authority)) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(ca_file=ca_file))
        assert client.post("/x", json=["x" * 1_000_000]).json() == {}
        client.close()


def test_an_unknown_authority(authority: trustme.CA) -> None:
    """Not trusted, not retried; the words are OpenSSL's."""
    connections: list[None] = []

    def script(connection: socket.socket, ended: threading.Event) -> None:
        connections.append(None)

    with server(script, context=context_of(authority)) as base_url:
        error = failure_of(base_url, Settings(timeout=5))
    assert type(error) is TlsFailed
    assert "TLS failed (unable to get local issuer certificate), expected a certificate that is trusted here" in str(
        error
    )
    assert connections == []


def test_a_wrong_name(authority: trustme.CA, ca_file: str) -> None:
    """A good certificate of somebody else."""
    with server(replying(OK), context=context_of(authority, "other.example")) as base_url:
        error = failure_of(base_url, Settings(timeout=5, ca_file=ca_file))
    assert type(error) is TlsFailed
    assert "127.0.0.1" in str(error)


def test_verification_off(authority: trustme.CA) -> None:
    """Only when the option says so."""
    with server(replying(OK), context=context_of(authority, "other.example")) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(verify=False))
        assert client.get("/x").json() == {}
        client.close()


def test_no_tls_at_the_other_side() -> None:
    """https configured, http served."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(script) as base_url:
        error = failure_of(base_url.replace("http:", "https:"), Settings(timeout=5))
    assert type(error) is TlsFailed


def test_a_handshake_that_is_cut() -> None:
    """Closed in the middle of it."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        connection.recv(100)

    with server(script) as base_url:
        error = failure_of(base_url.replace("http:", "https:"), Settings(timeout=5, retries=0))
    assert type(error) in (TlsFailed, ConnectFailed)


@pytest.mark.parametrize("drop", [b"", b"\x16\x03\x03\x40\x00" + b"\x00" * 5])
def test_a_handshake_that_drips(drop: bytes) -> None:
    """Cut off at the deadline, like everything else."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        connection.recv(10)
        for byte in drop:
            connection.sendall(bytes([byte]))
            if ended.wait(0.02):
                return
        ended.wait(10)

    with server(script) as base_url:
        started = time.monotonic()
        error = failure_of(base_url.replace("http:", "https:"), Settings(timeout=0.4, retries=0))
        took = time.monotonic() - started
    assert type(error) is TimedOut
    assert took < 3


def test_a_dripping_body_under_tls(authority: trustme.CA, ca_file: str) -> None:
    """The deadline holds below the records."""
    drips = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")
    with server(drips, context=context_of(authority)) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(timeout=0.6, ca_file=ca_file))
        client.begin(20, retries=0)
        with pytest.raises(TimedOut):
            client.get("/x")
        client.close()


def test_abort_under_tls(authority: trustme.CA, ca_file: str) -> None:
    """A blocked read comes back at once."""
    reached = threading.Event()

    def script(connection: socket.socket, ended: threading.Event) -> None:
        reached.set()
        silent(connection, ended)

    with server(script, context=context_of(authority)) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(timeout=30, ca_file=ca_file))
        client.begin(60)

        def end() -> None:
            if reached.wait(10):
                client.abort()

        ender = threading.Thread(target=end)
        ender.start()
        started = time.monotonic()
        with pytest.raises(ConnectFailed, match="stopped"):
            client.get("/x")
        assert time.monotonic() - started < 3
        ender.join()
        client.close()


def test_contexts_are_shared_until_the_file_changes(authority: trustme.CA, tmp_path: Path) -> None:
    """Building one costs some 50 ms; a replaced file gives a new one."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    first = ssl_context(ca_file=path)
    assert ssl_context(ca_file=str(path)) is first
    assert ssl_context() is ssl_context()
    assert ssl_context(verify=False) is not ssl_context()
    trustme.CA().cert_pem.write_to_path(str(path))
    os.utime(path, (1, 1))
    assert ssl_context(ca_file=path) is not first


def test_a_ca_file_that_changes_is_read_again_at_the_next_poll(authority: trustme.CA, tmp_path: Path) -> None:
    """A renewed authority needs no reload, a half-written file fails a poll and no more, and who is out is out."""
    path = tmp_path / "ca.pem"
    moments = iter(range(1, 10))

    def write(text: bytes) -> None:
        path.write_bytes(text)
        os.utime(path, (moment := next(moments), moment))

    def script(connection: socket.socket, ended: threading.Event) -> None:
        while read_request(connection):
            connection.sendall(OK)

    def asked() -> str:
        client.begin(20)
        try:
            return str(client.get("/x").json())
        except TlsFailed as error:
            return str(error)

    mine, other = authority.cert_pem.bytes(), trustme.CA().cert_pem.bytes()
    write(mine)
    with server(script, context=context_of(authority)) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(ca_file=str(path)))
        assert [asked(), asked()] == ["{}", "{}"]
        write(other)
        assert "unable to get local issuer certificate" in asked()
        write(mine[:200])
        assert asked().endswith(f"ca_file: {path} holds no certificate that can be read, expected PEM")
        path.unlink()
        assert asked().endswith(f"ca_file: {path} cannot be read (No such file or directory)")
        write(other + mine)
        assert asked() == "{}"
        client.close()


def test_what_a_context_demands() -> None:
    """TLS 1.2 at least, certificate and name checked; switched off only by the option."""
    safe, unsafe = ssl_context(), ssl_context(verify=False)
    assert safe.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (safe.verify_mode, safe.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unsafe.verify_mode, unsafe.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    ("base_url", "proxy", "loads"),
    [
        ("http://upstream.example", None, False),
        ("https://upstream.example", None, True),
        ("http://upstream.example", "http://proxy.example", False),
        ("https://upstream.example", "http://proxy.example", True),
        ("http://upstream.example", "https://proxy.example", True),
    ],
)
def test_the_trust_store_is_loaded_where_something_needs_it(
    base_url: str, proxy: str | None, loads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes memory, and a tenth of the time of a start."""
    asked = []

    def build(verify: bool, path: str | None) -> ssl.SSLContext:
        asked.append((verify, path))
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr(tls, "_contexts", {})
    monkeypatch.setattr(tls, "_build", build)
    Client(base_url, NoAuth(), settings=Settings(proxy=Proxy(proxy) if proxy else "off")).close()
    assert asked == [(True, None)] * loads


def test_a_ca_file_is_looked_at_even_without_tls(tmp_path: Path) -> None:
    """Whoever writes one down means it to be used."""
    with pytest.raises(ConfigError, match=r"missing.pem cannot be read"):
        Client("http://upstream.example", NoAuth(), settings=Settings(ca_file=str(tmp_path / "missing.pem")))


def test_a_ca_file_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing, or no certificate in it."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(ConfigError, match=r"ca_file: .*missing.pem cannot be read \(No such file or directory\)"):
        ssl_context(ca_file=tmp_path / "missing.pem")
    with pytest.raises(ConfigError, match=r"ca_file: .*empty.pem holds no certificate that can be read, expected PEM"):
        ssl_context(ca_file=empty)
