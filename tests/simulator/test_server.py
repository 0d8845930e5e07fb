"""The simulator as a real server: the same answers over a socket, and what only a socket can do wrong."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from exporter.simulator.server import Server
from tests.simulator.conftest import Served
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker


def _routines(served: Served, timeout: float = 20, **options: Any) -> httpx.Response:
    good = {"Authorization": f"Bearer {served.simulator.credentials.foundry_token}"}
    url = served.endpoint("foundry") + "/routines?api-version=v1&limit=1"
    with httpx.Client(timeout=timeout, **options) as client:
        return client.get(url, headers=good)


def test_the_server_answers_as_the_transport_does(served: Served) -> None:
    """But for the origin in links; with the world's ``Date`` and keep-alive."""
    over_socket = _routines(served)
    in_process = _routines(served, transport=served.simulator.transport())
    assert over_socket.json() == in_process.json()
    assert over_socket.json()["next_link"].startswith(served.server.base_url + "/foundry/api/projects/demo/")
    assert over_socket.headers["Date"] == in_process.headers["Date"] == "Mon, 02 Mar 2026 12:00:00 GMT"
    assert over_socket.headers.get_list("Date") == [over_socket.headers["Date"]]


def test_many_clients_at_a_time(served: Served) -> None:
    """Each has its answer."""
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: _routines(served).status_code, range(40)))
    assert statuses == [200] * 40
    assert len(served.simulator.log) == 40


@pytest.mark.parametrize(
    ("name", "options", "errors"),
    [
        ("connection_refused", {}, (httpx.ReadError, httpx.RemoteProtocolError)),
        ("connection_reset", {}, (httpx.ReadError, httpx.RemoteProtocolError)),
        ("read_timeout", {}, (httpx.ReadTimeout,)),
    ],
)
def test_broken_connections(
    served: Served, name: str, options: dict[str, Any], errors: tuple[type[Exception], ...]
) -> None:
    """What httpx makes of them."""
    with served.simulator.faults.active(name, **options), pytest.raises(errors):
        _routines(served, timeout=0.5)
    assert _routines(served).status_code == 200
    assert [entry.status for entry in served.simulator.log] == [0, 200]


@pytest.mark.parametrize("name", ["dripped_headers", "slow_body"])
def test_drips_pass_any_read_timeout(served: Served, name: str) -> None:
    """Each read succeeds in time, and yet the whole answer takes longer than the timeout of a read."""
    served.simulator.faults.on(name, seconds=0.02)
    timeout = 0.5
    begun = time.monotonic()
    assert _routines(served, timeout=timeout).status_code == 200
    assert time.monotonic() - begun > timeout


def test_a_paused_server_refuses_connections_and_comes_back_at_its_port(served: Served) -> None:
    """As an upstream that is down, with the connections that were open."""
    good = {"Authorization": f"Bearer {served.simulator.credentials.foundry_token}"}
    url = served.endpoint("foundry") + "/routines?api-version=v1"
    with httpx.Client(timeout=20) as client:
        assert client.get(url, headers=good).status_code == 200
        served.server.pause()
        with pytest.raises(httpx.TransportError):
            client.get(url, headers=good)
        with pytest.raises(httpx.ConnectError):
            client.get(url, headers=good)
        served.server.resume()
        assert client.get(url, headers=good).status_code == 200


def test_stopping_does_not_wait_for_a_hanging_answer(served: Served) -> None:
    """Its thread ends with the server."""
    served.simulator.faults.on("read_timeout", seconds=60)
    before = threading.active_count()
    with pytest.raises(httpx.ReadTimeout):
        _routines(served, timeout=0.5)
    begun = time.monotonic()
    served.server.stop()
    deadline = begun + 5
    while threading.active_count() >= before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert time.monotonic() < deadline


def test_noise_on_the_port_does_no_harm(served: Served) -> None:
    """A client that speaks no HTTP, or leaves in the middle, is only its own problem."""
    host, port = urlsplit(served.server.base_url).netloc.split(":")
    for noise in (
        b"\x16\x03\x01hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Le",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"",
    ):
        with socket.create_connection((host, int(port)), timeout=2) as connection:
            connection.sendall(noise)
    assert _routines(served).status_code == 200


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_base_url_can_be_asked_from_this_machine(host: str, base_url: str) -> None:
    """Whatever is listened on."""
    assert Server(Asker().simulator.handle, host, 80, None).base_url == base_url


def test_listening_on_every_address() -> None:
    """Loopback is one of them."""
    with Asker().simulator.serve(host="0.0.0.0") as server:
        assert httpx.get(f"{server.base_url}/_simulator/time").json() == {"now": NOON}


def test_tls_with_an_authority_that_is_not_trusted(served_with_tls: Served) -> None:
    """The handshake fails, and the server lives on."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        _routines(served_with_tls)
    trusting = ssl.create_default_context(cafile=served_with_tls.ca_file)
    assert _routines(served_with_tls, verify=trusting).status_code == 200


class Controls:
    """The control endpoint of an in-process simulator."""

    def __init__(self) -> None:
        self.asker = Asker()
        self.asker.world.add_run("foundry", "w", triggered=NOON, ended=NOON + MINUTE, outcome="failed")

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer."""
        url = f"http://127.0.0.1/_simulator/{path}"
        response = self.asker.client.request(method, url, json=body)
        return response.json() if response.status_code == 200 else response.status_code


def test_faults_over_the_control_endpoint() -> None:
    """On, off, and a catalogue with descriptions."""
    control = Controls()
    assert "description" in control("GET", "faults")["catalogue"]["truncated_json"]
    switched = control("POST", "faults", {"name": "rate_limited", "platform": "foundry", "wait": 3})
    assert control.asker.foundry("/routines").headers["Retry-After"] == "3"
    assert control("GET", "faults")["used"] == {"rate_limited": 1}
    assert control("DELETE", f"faults?number={switched['number']}") == {"on": []}
    control("POST", "faults", {"name": "no_date", "options": {}, "times": 5})
    assert control("DELETE", "faults") == {"on": []}
    assert control.asker.foundry("/routines").status_code == 200


def test_incidents_over_the_control_endpoint() -> None:
    """Begin now, for some seconds."""
    control = Controls()
    control("POST", "incidents", {"name": "expired_token", "seconds": 30, "platform": "foundry"})
    assert [incident["name"] for incident in control("GET", "incidents")["on"]] == ["expired_token"]
    assert control.asker.foundry("/routines").status_code == 401
    control("DELETE", "incidents?name=expired_token")
    assert control.asker.foundry("/routines").status_code == 200


def test_truth_log_and_time_over_the_control_endpoint() -> None:
    """From the baseline of the first good answer on, or for any span."""
    control = Controls()
    control.asker.foundry("/routines")
    control.asker.clock.advance(60)
    assert control("GET", "time") == {"now": NOON + MINUTE}
    found = control("GET", "truth?platform=foundry")
    runs = [sample for sample in found["samples"] if sample["name"] == "automation_runs_total"]
    assert runs == [{"name": "automation_runs_total", "labels": {"outcome": "failed", "workload": "w"}, "value": 1.0}]
    assert control("GET", f"truth?platform=foundry&since={NOON + MINUTE}&until={NOON + HOUR}")["samples"] == []
    assert [entry["path"] for entry in control("GET", "log?platform=foundry")] == ["/routines"]


def test_the_world_can_be_brought_to_rest() -> None:
    """No new runs from now on, so that a test can wait for the rest to end."""
    control = Controls()
    assert control("POST", "rest") == {"end": NOON}
    assert control("DELETE", "rest") == {"end": None}


def test_a_reader_that_begins_anew() -> None:
    """Its first good answer starts a baseline of its own."""
    control = Controls()
    control.asker.foundry("/routines")
    assert control("GET", "truth?platform=foundry")["baseline"] == NOON
    assert control("DELETE", "baselines") == {}
    control.asker.clock.advance(60)
    control.asker.foundry("/routines")
    assert control("GET", "truth?platform=foundry")["baseline"] == NOON + MINUTE


def test_a_run_over_the_control_endpoint() -> None:
    """It starts at the next second, and a new name is a new workload."""
    control = Controls()
    control.asker.foundry("/routines")
    added = control("POST", "runs", {"platform": "foundry", "workload": "new", "outcome": "failed", "seconds": 2})
    assert (added["start"], added["end"]) == (NOON + SECOND, NOON + 3 * SECOND)
    control.asker.clock.advance(3)
    [run] = control.asker.foundry("/routines/new/runs").json()["data"]
    assert (run["id"], run["status"]) == (added["id"], "FAILED")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "runs", {"platform": "none", "workload": "w"}, 400),
        ("POST", "runs", {"platform": "foundry"}, 400),
        ("POST", "faults", {"name": "gremlins"}, 400),
        ("POST", "faults", {}, 400),
        ("POST", "faults", ["no object"], 400),
        ("POST", "incidents", {"name": "earthquake"}, 400),
        ("GET", "truth?platform=none", None, 400),
        ("GET", "truth?platform=foundry&since=then", None, 400),
    ],
)
def test_bad_control_requests(method: str, path: str, body: Any, status: int) -> None:
    """A status and a sentence, no crash."""
    assert Controls()(method, path, body) == status
