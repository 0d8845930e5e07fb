"""What a container runtime is told about the service."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exporter import cli
from exporter.errors import ListenError
from exporter.web import healthcheck
from exporter.web.address import Address
from exporter.web.app import Verdict, health_application
from exporter.web.configuration import WebConfiguration
from exporter.web.server import Health, Server
from tests.real.process import reserve_port
from tests.web.configuration.files import Certificates, hashed, write
from tests.web.secure import TLS, VERIFIED
from tests.web.serving import Service, serving


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict(True, "All is well."), 0), (Verdict(False, "The scheduler stands."), 1)]
)
def test_the_verdict_of_the_service_is_the_exit_code(
    verdict: Verdict, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence is told on standard output when all is well, on standard error when not."""
    with serving(Service(healthy=verdict).application()) as server:
        assert cli.main(["healthcheck", f"--web.listen-address={server.address}"]) == code
    output = capsys.readouterr()
    assert (output.out, output.err) == (("All is well.\n", "") if code == 0 else ("", "The scheduler stands.\n"))


@pytest.mark.parametrize("host", ["", "0.0.0.0"])
def test_an_address_of_every_interface_is_asked_on_loopback(host: str) -> None:
    """The address that was given to ``run`` can be given as it is."""
    with serving(Service().application()) as server:
        assert healthcheck.ask(Address(host, server.address.port)) == (True, "All is well.")


def test_where_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """Not healthy, and said why."""
    port = reserve_port()
    assert cli.main(["healthcheck", f"--web.listen-address=:{port}"]) == 1
    assert capsys.readouterr().err == f":{port} does not answer: [Errno 111] Connection refused\n"


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[Address]:
    """A server that says the same to its only client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address("127.0.0.1", listener.getsockname()[1])
        thread.join()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answers 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "answers 302"),
        (b"SSH-2.0-x\r\n", "does not answer: SSH-2.0-x"),
        (b"", "does not answer: Remote end closed connection without response"),
    ],
)
def test_something_else_listens_there(answer: bytes, sentence: str) -> None:
    """Only the service's own yes counts."""
    with answering(answer) as address:
        assert healthcheck.ask(address) == (False, f"{address} {sentence}")


def test_port_zero_is_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake of the caller, exit code 2."""
    assert cli.main(["healthcheck", "--web.listen-address=:0"]) == 2
    assert "port 0 stands for any free port" in capsys.readouterr().err


def secured(folder: Path, text: str) -> WebConfiguration:
    """Write a web configuration beside certificates."""
    return WebConfiguration(write(folder / "web.yml", text))


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (TLS, 0, "All is well.\n"),
        (TLS + f"basic_auth_users: {{alice: {hashed()}}}\n", 1, "wants a password; start with --web.health-listen"),
        (VERIFIED, 1, "wants a client certificate; start with --web.health-listen"),
        ("", 0, "All is well.\n"),
    ],
    ids=["tls", "password", "certificate", "plain"],
)
def test_a_web_configuration_says_how_to_ask(
    made: Certificates, capsys: pytest.CaptureFixture[str], text: str, code: int, told: str
) -> None:
    """Over HTTPS where it has TLS; what nobody could answer without a secret is said, with the way out."""
    configuration = secured(made.folder, text)
    with serving(Service().application(), configuration=configuration) as server:
        asking = ["healthcheck", f"--web.listen-address={server.address}", f"--web.config.file={configuration.path}"]
        assert cli.main(asking) == code
    assert told in "".join(capsys.readouterr())


def test_the_health_address_answers_everybody_and_tells_nothing_else(made: Certificates) -> None:
    """Without TLS and password, by the same loop that serves the rest."""
    service = Service()
    health = Health(Address("127.0.0.1", reserve_port()), health_application(service.sources()))
    configuration = secured(made.folder, VERIFIED + f"basic_auth_users: {{alice: {hashed()}}}\n")
    with serving(service.application(), configuration=configuration, health=health):
        assert healthcheck.ask(health.address) == (True, "All is well.")
        service.healthy = Verdict(False, "The scheduler stands.")
        assert healthcheck.ask(health.address) == (False, "The scheduler stands.")
        for path, status in (
            ("/-/ready", 200),
            ("/metrics", 404),
            ("/", 404),
            ("/-/reload", 404),
            ("/api/v1/runs", 404),
        ):
            answer = httpx.get(f"http://{health.address}{path}", trust_env=False)
            assert answer.status_code == status
        assert httpx.post(f"http://{health.address}/-/healthy", trust_env=False).status_code == 405
    assert healthcheck.ask(health.address)[0] is False


def test_a_health_address_in_use_is_the_starters_error() -> None:
    """And leaves no listener behind."""
    service = Service()
    with serving(service.application()) as other:
        health = Health(other.address, health_application(service.sources()))
        server = Server(service.application(), Address("127.0.0.1", reserve_port()), health=health)
        with pytest.raises(ListenError, match=r"^--web\.health-listen-address: address already in use"):
            server.start()
        with serving(service.application()):
            assert not server.is_alive()
            assert healthcheck.ask(Address("127.0.0.1", server.address.port))[0] is False
