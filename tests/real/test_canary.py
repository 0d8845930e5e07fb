"""Secrets and payloads are planted everywhere, the program says all that it can say, and none of them is in it.

Each way of signing in that there is has a target of its own, with secrets that no other has. The simulator puts a
canary into each field of a payload, and meets the service with every kind of error.
"""

from __future__ import annotations

import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.simulated import demo_target
from exporter.simulator import CANARY, Credentials, ManualClock, Simulator, demo_world
from exporter.times import SystemClock
from tests.http.support import read_request, server
from tests.leaks import leaks
from tests.real.live import ServiceProcess, run_command, write_configuration
from tests.real.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.nightly, pytest.mark.xdist_group("canary")]

FAULTS = (
    "wrong_token",
    "forbidden",
    "server_error",
    "html_body",
    "missing_list",
    "truncated_json",
    "foreign_next_link",
    "redirect",
    "rate_limited",
)


def word(name: str) -> str:
    """A secret that is easy to find, and hard on whoever encodes it."""
    return f"canary+{name}/\"word\"=&'q'"


def plain(name: str) -> str:
    """One that fits where only letters do."""
    return f"canary-word-of-{name}"


CREDENTIALS = Credentials(
    roboto_token=word("roboto"),
    foundry_token=word("foundry"),
    granite_api_key=word("granite"),
    moderately_api_key=word("moderately"),
    client_secret=word("application"),
    federated_assertion=plain("assertion"),
    identity_header=plain("identity"),
)
SECRETS = {
    CREDENTIALS.roboto_token,
    CREDENTIALS.foundry_token,
    CREDENTIALS.granite_api_key,
    CREDENTIALS.moderately_api_key,
    CREDENTIALS.client_secret,
    CREDENTIALS.federated_assertion,
    CREDENTIALS.identity_header,
    plain("proxy"),
    plain("environment-proxy"),
    plain("mistake"),
    plain("unknown"),
    plain("wrong-token"),
}


@dataclass
class Told:
    """All that was said, by where it was said; and every secret that there was."""

    by_place: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def leaks(self) -> list[str]:
        """What should not have been."""
        return [f"{place}: {leak}" for place, text in self.by_place.items() for leak in leaks(text, self.secrets)]


def targets(simulator: Simulator, base_url: str, folder: Path, proxy: str) -> Iterator[dict[str, Any]]:
    """Yield a target for each way in which a secret gets into the program."""
    given = {
        platform: demo_target(platform, endpoint, CREDENTIALS)
        for platform, endpoint in simulator.endpoints(base_url).items()
    }
    ca = {"ca_file": str(folder / "ca.pem")}

    def secret_file(name: str, value: str) -> str:
        path = folder / f"secret-{name}"
        path.touch(mode=0o600)
        path.write_text(f"{value}\n")
        return str(path)

    for platform, target in given.items():
        yield {**target, **ca}
        keys = {key: target[key] for key in ("token", "api_key") if key in target}
        rest = {key: value for key, value in target.items() if key not in keys} | {"name": f"{platform}-file"} | ca
        for key, value in keys.items():
            yield rest | {f"{key}_file": secret_file(platform, value)}
            yield rest | {"name": f"{platform}-wrong", key: plain("wrong-token")}
            yield rest | {"name": f"{platform}-proxy", key: value, "proxy": proxy}
    foundry = {key: value for key, value in given["foundry"].items() if key != "auth"} | ca
    identity = {"tenant_id": CREDENTIALS.tenant_id, "client_id": CREDENTIALS.client_id, "authority_host": base_url}
    application = {"kind": "client_secret", **identity}
    auths: dict[str, dict[str, Any]] = {
        "token-file": {"kind": "token", "token_file": secret_file("foundry", CREDENTIALS.foundry_token)},
        "token-variable": {"kind": "token", "token": "${FOUNDRY_TOKEN}"},
        "secret": application | {"client_secret": CREDENTIALS.client_secret},
        "secret-file": application | {"client_secret_file": secret_file("application", CREDENTIALS.client_secret)},
        "secret-wrong": application | {"client_secret": plain("wrong-token")},
        "workload": {
            "kind": "workload_identity",
            **identity,
            "federated_token_file": secret_file("assertion", CREDENTIALS.federated_assertion),
        },
        "managed": {"kind": "managed_identity"},
        "default": {"kind": "default"},
    }
    for name, auth in auths.items():
        yield foundry | {"name": f"foundry-{name}", "auth": auth}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One service with all of them, asked and mistreated in every way."""
    folder = tmp_path_factory.mktemp("canary")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    now = SystemClock().now().wall
    world = demo_world(5, now, workloads=2, history_days=0.02, pace=60.0)
    simulator = Simulator(world, ManualClock(now), credentials=CREDENTIALS)
    told = Told(secrets={CANARY, *SECRETS})

    def refuse(connection: socket.socket, ended: threading.Event) -> None:
        """A proxy that repeats in its answer what it was told."""
        asked = read_request(connection)
        connection.sendall(
            b"HTTP/1.1 407 " + asked.partition(b"Authorization: ")[2][:80].split(b"\r\n")[0] + b"\r\n\r\n"
        )

    with simulator.serve(tls=context) as secure, simulator.serve() as open_server, server(refuse) as proxy:
        own = proxy.replace("://", f"://user:{plain('proxy')}@")
        environment = {
            "FOUNDRY_TOKEN": CREDENTIALS.foundry_token,
            "IDENTITY_ENDPOINT": f"{open_server.base_url}/msi/token",
            "IDENTITY_HEADER": CREDENTIALS.identity_header,
            "HTTP_PROXY": proxy.replace("://", f"://user:{plain('environment-proxy')}@"),
            "NO_PROXY": "127.0.0.1",
            "HTTPX_LOG_LEVEL": "trace",
        }
        configured = list(targets(simulator, secure.base_url, folder, own))
        pace = {"interval": "1s", "zero_hold": "0s", "timeout": "10s", "requests_per_minute": 6000}
        file = write_configuration(folder / "exporter.yml", {"targets": configured, "defaults": pace})
        with ServiceProcess(
            folder / "service", file, "--log.level=debug", "--web.enable-lifecycle", env=environment
        ) as service:
            wait_for(
                lambda: service.metrics().count("\nautomation_exporter_target_up{") == len(configured),
                "every target was polled",
                within=60,
                details=service.log_tail,
            )
            up = service.samples()
            for target in configured:
                if not target["name"].endswith(("-wrong", "-proxy")):
                    labels = frozenset({("target", target["name"]), ("platform", target["platform"])})
                    assert up["automation_exporter_target_up", labels] == 1, f"{target['name']}\n{service.log_tail()}"
            for fault in FAULTS:
                with simulator.faults.active(fault):
                    wait_for(lambda name=fault: simulator.faults.used[name] > 20, f"{fault} was met", within=60)  # type: ignore[misc]
            ask(service, told, "while it runs")
            good = file.read_text()
            for number, mistake in enumerate(MISTAKES):
                file.write_text(mistake)
                answer = service.client.post("/-/reload")
                assert answer.status_code == 500, mistake
                told.by_place[f"reload {number}"] = answer.text
                told.by_place[f"page {number}"] = service.get("/").text
                if number % 5 == 0:  # what the command says is what the reload answered; a few show it
                    checked = run_command("check-config", file, folder=folder)
                    told.by_place[f"check {number}"] = checked.stdout + checked.stderr
                    assert checked.returncode == 2
                service.process.send_signal(signal.SIGHUP)
            ask(service, told, "after bad reloads")
            file.write_text(good)
            told.secrets |= set(simulator.tokens._expiry)
            assert simulator.tokens.issued() >= 5
            commands(told, file, service.state, folder, environment)
            assert service.terminate(within=10) == 0
            told.by_place["the log"] = service.log()
            for path in service.state.parent.glob(f"{service.state.name}*"):
                told.by_place[path.name] = path.read_bytes().decode("latin-1")
    return told


TARGET = f"name: a, platform: roboto, org_id: og_a, token: {plain('mistake')}"
MISTAKES = (
    f"targets: [{{{TARGET}]",
    f"targets:\n- {{{TARGET}}}\ntoken: {plain('mistake')}: x",
    f"targets:\n- {{{TARGET}}}\napi_key: {plain('mistake')}",
    f"targets:\n- {{{TARGET}, api_key: {plain('mistake')}}}",
    f"targets:\n- {{{TARGET}, token_file: {plain('mistake')}}}",
    f"targets:\n- {{{TARGET}, interval: 'a {plain('mistake')}'}}",
    f"targets:\n- {{{TARGET}, endpoint: 'https://user:{plain('mistake')}@api.example.net'}}",
    f"targets:\n- {{{TARGET}, endpoint: 'https://api.example.net/?token={plain('mistake')}'}}",
    f"targets:\n- {{{TARGET}, proxy: 'ftp://user:{plain('mistake')}@api.example.net'}}",
    f"targets:\n- {{{TARGET}, run_url: 'ftp://user:{plain('mistake')}@api.example.net'}}",
    f"targets:\n- {{name: a, platform: foundry, endpoint: 'https://a.example', auth: {plain('unknown')}}}",
    f"targets:\n- {{name: a, platform: roboto, token: ['{plain('unknown')}']}}",
    f"targets:\n- {{name: a, platform: roboto, tokn: '{plain('unknown')}'}}",
    f"targets:\n- {{name: a, platform: roboto, token: ' {plain('unknown')} '}}",
    f"targets:\n- {{name: a, platform: roboto, token_file: '{plain('unknown')}'}}",
    f"targets:\n- {{{TARGET}}}\nstate: postgres://user:{plain('unknown')}@host/db",
    f"targets:\n- {{{TARGET}, proxy: 'http://user:{plain('unknown')}@api.example.net:port'}}",
    f"! {plain('unknown')}",
    f"'{plain('unknown')}",
    plain("unknown"),
)
"""Whole files that are wrong near a secret, or because of one; of some it is never known that there is one."""


def ask(service: ServiceProcess, told: Told, when: str) -> None:
    """Ask for everything that the service answers."""
    for path in ("/", "/metrics", "/api/v1/targets", "/api/v1/runs", "/-/healthy", "/-/ready", "/nothing", "/?sort=x"):
        told.by_place[f"{path} {when}"] = service.get(path).text
    openmetrics = {"Accept": "application/openmetrics-text;version=1.0.0"}
    told.by_place[f"OpenMetrics {when}"] = service.get("/metrics", openmetrics).text


def commands(told: Told, file: Path, state: Path, folder: Path, environment: dict[str, str]) -> None:
    """Run every command that says something."""
    for words in (
        ("check-config", file),
        ("check-config", "--probe", file),
        ("once", f"--config.file={file}", "--log.level=debug"),
        ("state", "info", f"--state={state}"),
        ("state", "verify", f"--state={state}"),
        ("run", f"--config.file={file}", f"--state={state}"),  # another process holds it
    ):
        result = run_command(*words, folder=folder, env=environment)
        place = " ".join(map(str, words[:2]))
        told.by_place[place] = result.stdout + result.stderr
        assert told.by_place[place], place


def test_nothing_secret_is_said(told: Told) -> None:
    """In no log line at debug level, on no page, in no metric, JSON, error or output of a command, not in the state."""
    assert told.leaks() == []


def test_the_places_had_something_to_say(told: Told) -> None:
    """Silence would pass too: each kind of place told of errors, and the search finds what is there."""
    log = told.by_place["the log"]
    for said in ("poll failed", "reload", "refused the connection", "AADSTS7000215", "HTTP 401"):
        assert said in log
    assert "roboto-wrong" in told.by_place["/ while it runs"]
    assert leaks(f"x {CREDENTIALS.roboto_token} x", told.secrets) != []
