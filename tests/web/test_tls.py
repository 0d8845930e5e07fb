"""A server over TLS, with real sockets: what is served, who may connect, and files that change under it."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.web.configuration import WebConfiguration
from exporter.web.protocol import Limits
from exporter.web.server import Server
from tests.web.configuration.files import PASSWORD, Certificates, hashed, write
from tests.web.secure import TLS, VERIFIED, ask, basic, client_context, encrypted
from tests.web.serving import RENDERED, Service, connected, eventually, is_closed, rendered, serving


@contextmanager
def secured(
    folder: Path, text: str, limits: Limits | None = None, service: Service | None = None, **options: Any
) -> Iterator[Server]:
    """Serve by a web configuration in a folder of certificates."""
    configuration = WebConfiguration(write(folder / "web.yml", text))
    with serving((service or Service()).application(), limits, configuration=configuration, **options) as server:
        yield server


def refused(server: Server, context: ssl.SSLContext) -> bool:
    """Whether no answer can be had; with TLS 1.3 a client learns that after the handshake."""
    try:
        with encrypted(server, context) as client:
            ask(client)
    except (OSError, IndexError):
        return True
    return False


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_scrapes_over_tls(made: Certificates, version: ssl.TLSVersion) -> None:
    context = client_context(made.folder)
    context.maximum_version = context.minimum_version = version
    with secured(made.folder, TLS) as server, encrypted(server, context) as client:
        for _ in range(3):
            assert ask(client).body == RENDERED.text
        assert client.version() == version.name.replace("_", ".")


def test_http2_is_not_agreed_on(made: Certificates) -> None:
    context = client_context(made.folder)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secured(made.folder, TLS) as server, encrypted(server, context) as client:
        assert client.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("  min_version: TLS13\n", "TLSv1.3"),
        ("  max_version: TLS12\n", "TLSv1.2"),
        ("  max_version: TLS10\n", "TLSv1.2"),
    ],
)
def test_only_the_versions_that_are_allowed(made: Certificates, written: str, spoken: str) -> None:
    with secured(made.folder, TLS + written) as server:
        with encrypted(server, client_context(made.folder)) as client:
            assert client.version() == spoken
        other = client_context(made.folder)
        if spoken == "TLSv1.3":
            other.maximum_version = ssl.TLSVersion.TLSv1_2
        else:
            other.minimum_version = ssl.TLSVersion.TLSv1_3
        assert refused(server, other)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_not_spoken_whatever_is_written(made: Certificates) -> None:
    old = client_context(made.folder)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with secured(made.folder, TLS + "  min_version: TLS10\n") as server:
        assert refused(server, old)


def test_cipher_suites_are_followed(made: Certificates) -> None:
    """Those of TLS 1.2; those of 1.3 are always on."""
    suites = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n"
    context = client_context(made.folder)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA")
    with secured(made.folder, TLS + suites) as server, encrypted(server, context) as client:
        assert client.cipher() == ("ECDHE-ECDSA-AES256-SHA", "TLSv1.0", 256)
    suites += "  prefer_server_cipher_suites: false\n"
    with secured(made.folder, TLS + suites) as server, encrypted(server, context) as client:
        assert client.cipher() == ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128)


def test_suites_of_tls_1_3_alone_leave_only_that(made: Certificates) -> None:
    old = client_context(made.folder)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with secured(made.folder, TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n") as server:
        assert refused(server, old)
        assert not refused(server, client_context(made.folder))


def test_a_certificate_in_the_configuration_itself(made: Certificates) -> None:
    """And its key, and the authority of clients."""
    made.issue("scraper", "scraper.test")
    inline = "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n"
    for key, file in (("cert", "server.pem"), ("key", "server.key"), ("client_ca", "ca.pem")):
        text = (made.folder / file).read_text()
        inline += f"  {key}: |\n" + "".join(f"    {line}\n" for line in text.splitlines())
    with secured(made.folder, inline) as server:
        assert not refused(server, client_context(made.folder, "scraper"))
        assert refused(server, client_context(made.folder))


# Client certificates


@pytest.mark.parametrize("policy", ["RequireAndVerifyClientCert", "RequireAnyClientCert"])
def test_a_client_certificate_that_is_required(certificates: Certificates, policy: str, tmp_path: Path) -> None:
    """It must be there, and signed by the authority: a certificate of another one is none."""
    certificates.issue("scraper", "scraper.test")
    (tmp_path / "foreign").mkdir()
    foreign = Certificates(tmp_path / "foreign")
    foreign.issue("scraper", "scraper.test")
    with secured(tmp_path, VERIFIED.replace("RequireAndVerifyClientCert", policy)) as server:
        assert not refused(server, client_context(tmp_path, "scraper"))
        assert refused(server, client_context(tmp_path))
        stranger = client_context(tmp_path)
        stranger.load_cert_chain(foreign.folder / "scraper.pem", foreign.folder / "scraper.key")
        assert refused(server, stranger)


def test_a_client_certificate_that_is_verified_if_given(certificates: Certificates, tmp_path: Path) -> None:
    certificates.issue("scraper", "scraper.test")
    (tmp_path / "foreign").mkdir()
    foreign = Certificates(tmp_path / "foreign")
    with secured(tmp_path, VERIFIED.replace("RequireAndVerify", "VerifyClientCertIfGiven #")) as server:
        assert not refused(server, client_context(tmp_path, "scraper"))
        assert not refused(server, client_context(tmp_path))
        stranger = client_context(tmp_path)
        stranger.load_cert_chain(foreign.folder / "server.pem", foreign.folder / "server.key")
        assert refused(server, stranger)


@pytest.mark.parametrize(
    ("allowed", "names", "let_in"),
    [
        ("scraper.test", ("scraper.test",), True),
        ("scraper.test", ("other.test", "scraper.test"), True),
        ("scraper.test", ("other.test",), False),
        ("scraper.test", ("scraper.test.evil.test",), False),
        ("Scraper.test", ("scraper.test",), False),  # the same, letter for letter
        ("scraper.test", ("*.test",), False),
        ("10.1.2.3", ("10.1.2.3",), True),
        ("10.1.2.3", ("10.1.2.4",), False),
        ("fd00::1", ("fd00:0:0::1",), True),
        ("ops@example.test", ("ops@example.test",), True),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_only_certificates_with_an_allowed_name(
    made: Certificates, allowed: str, names: tuple[str, ...], let_in: bool, version: ssl.TLSVersion
) -> None:
    made.issue("named", *names)
    context = client_context(made.folder, "named")
    context.maximum_version = version
    with secured(made.folder, VERIFIED + f"  client_allowed_sans: [unused.test, '{allowed}']\n") as server:
        assert refused(server, context) is not let_in


def test_a_peer_is_told_why_it_is_refused(made: Certificates) -> None:
    with secured(made.folder, VERIFIED) as server:
        anonymous = client_context(made.folder)
        with encrypted(server, anonymous) as client, pytest.raises(ssl.SSLError, match="certificate required"):
            client.recv(1)
        old = client_context(made.folder)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with connected(server) as raw, pytest.raises(ssl.SSLError, match="alert handshake failure"):
            old.wrap_socket(raw, server_hostname="localhost")


# Files that change


def serial(client: ssl.SSLSocket) -> str:
    """Return the number of the server's certificate."""
    certificate = client.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


def test_a_renewed_certificate_is_shown_to_new_connections_and_old_ones_stay(certificates: Certificates) -> None:
    context = client_context(certificates.folder)
    with secured(certificates.folder, TLS) as server, encrypted(server, context) as before:
        assert ask(before).status == 200
        certificates.issue("server", "localhost")
        with encrypted(server, context) as after:
            assert serial(after) != serial(before)
            assert ask(after).status == 200
        assert ask(before).body == RENDERED.text


def test_a_half_renewed_certificate_changes_nothing_until_it_is_whole(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """The certificate is replaced first, then its key: what happens between the two is told once."""
    folder = certificates.folder
    context = client_context(folder)
    with secured(folder, TLS) as server:
        with encrypted(server, context) as client:
            old = serial(client)
        key = (folder / "server.key").read_bytes()
        certificates.issue("server", "localhost")
        new_key = (folder / "server.key").read_bytes()
        write(folder / "server.key", key.decode())
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                with encrypted(server, context) as client:
                    assert serial(client) == old
        assert caplog.text.count("server_config.key_file: does not belong to cert_file") == 1
        write(folder / "server.key", new_key.decode())
        with encrypted(server, context) as client:
            assert serial(client) != old


def test_files_that_are_named_before_they_are_there_are_waited_for(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """What is in use knows nothing of them; whose right to read them comes later is no change of them either."""
    folder = certificates.folder
    write(folder / "web.yml", TLS)
    configuration = WebConfiguration(folder / "web.yml")
    write(folder / "web.yml", TLS.replace("server.", "other."))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            configuration.refresh()
            configuration.look()
    assert "other.pem" in str(configuration.error)
    assert caplog.text.count("not reloaded") == 1
    certificates.issue("other", "localhost")
    key = configuration.settings.tls
    configuration.look()
    assert configuration.error is None
    assert configuration.settings.tls != key


def test_a_changed_policy_holds_for_new_connections(certificates: Certificates) -> None:
    """Versions and client certificates too, not only what the server shows."""
    folder = certificates.folder
    certificates.issue("scraper", "scraper.test")
    anonymous, known = client_context(folder), client_context(folder, "scraper")
    with secured(folder, TLS) as server, encrypted(server, anonymous) as before:
        assert ask(before).status == 200
        write(folder / "web.yml", VERIFIED + "  max_version: TLS12\n")
        assert refused(server, anonymous)
        with encrypted(server, known) as client:
            assert client.version() == "TLSv1.2"
            assert ask(client).status == 200
        assert ask(before).status == 200
        write(folder / "web.yml", VERIFIED + "  client_allowed_sans: [other.test]\n")
        assert refused(server, known)


def test_a_session_does_not_outlive_the_policy_it_was_made_under(certificates: Certificates) -> None:
    """A ticket that was given to somebody who is not let in any more opens nothing."""
    folder = certificates.folder
    certificates.issue("scraper", "scraper.test")
    context = client_context(folder, "scraper")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with secured(folder, VERIFIED) as server:
        with encrypted(server, context) as client:
            assert ask(client).status == 200
            session = client.session
        Certificates(folder)  # another authority, and a certificate of the server that it signed
        context.load_verify_locations(folder / "ca.pem")
        with connected(server) as raw, pytest.raises(ssl.SSLError, match="unknown ca"):
            context.wrap_socket(raw, server_hostname="localhost", session=session)


def test_tls_is_not_turned_off_while_serving(certificates: Certificates, caplog: pytest.LogCaptureFixture) -> None:
    folder = certificates.folder
    with caplog.at_level(logging.WARNING), secured(folder, TLS) as server:
        write(folder / "web.yml", "tls_server_config:\n")
        assert not refused(server, client_context(folder))
        assert "TLS cannot be turned on or off while serving; that takes a restart" in caplog.text


# Peers that misbehave


def test_a_peer_that_speaks_no_tls_is_closed_and_nothing_is_logged(
    made: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), secured(made.folder, TLS) as server:
        for sent in (b"GET /metrics HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00" + bytes(600), bytes(100_000)):
            with connected(server) as client:
                client.sendall(sent)
                assert is_closed(client)
        assert not refused(server, client_context(made.folder))
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_a_peer_that_does_not_finish_the_handshake_is_closed(made: Certificates) -> None:
    limits = Limits(receive_timeout=0.2)
    with secured(made.folder, TLS, limits) as server:
        for sent in (b"", b"\x16\x03\x01"):
            with connected(server) as client:
                client.sendall(sent)
                assert is_closed(client)


def test_a_reader_over_tls_that_stalls_is_cut_off_and_frees_its_snapshot(made: Certificates) -> None:
    big = bytes(8_000_000)
    service = Service(rendered=rendered(text=big))
    before = sys.getrefcount(big)
    limits = replace(Limits(), write_timeout=0.3)
    context = client_context(made.folder)
    with secured(made.folder, TLS, limits, service) as server, socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(10)
        raw.connect(server.address)
        with context.wrap_socket(raw, server_hostname="localhost") as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(10)
            service.rendered = RENDERED
            assert not refused(server, context)
            assert eventually(lambda: sys.getrefcount(big) < before)
            assert is_closed(client)


def test_a_large_answer_over_tls_arrives_whole(made: Certificates) -> None:
    big = bytes(range(256)) * 40_000
    service = Service(rendered=rendered(text=big))
    context = client_context(made.folder)
    with secured(made.folder, TLS, service=service) as server, encrypted(server, context) as client:
        for _ in range(2):
            assert ask(client).body == big


def test_password_and_certificate_together(made: Certificates) -> None:
    made.issue("scraper", "scraper.test")
    users = f"basic_auth_users: {{alice: {hashed(PASSWORD)}}}\n"
    context = client_context(made.folder, "scraper")
    with secured(made.folder, VERIFIED + users) as server, encrypted(server, context) as client:
        assert ask(client).status == 401
        assert ask(client, Authorization=basic("alice")).status == 200
