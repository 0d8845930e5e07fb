from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator

import pytest

from exporter.catalogue.runs import RUNS
from exporter.errors import ConfigError
from exporter.exposition import Content, Snapshot
from exporter.families import Family, TargetLabels
from exporter.web.app import Verdict
from exporter.web.server import Server
from exporter.web.views import ErrorView, StatusView, TargetView
from tests.web.serving import RENDERED, Service, eventually, request, serving


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Service, Server]]:
    service = Service()
    with serving(service.application()) as server:
        yield service, server


@pytest.fixture
def service(running: tuple[Service, Server]) -> Service:
    fresh = Service()
    for name in vars(fresh):
        setattr(running[0], name, getattr(fresh, name))
    return running[0]


@pytest.fixture
def server(running: tuple[Service, Server], service: Service) -> Server:
    return running[1]


OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "encoding", "content_type", "body"),
    [
        ("*/*", "identity", TEXT, RENDERED.text),
        ("*/*", "gzip", TEXT, RENDERED.text_gzip),
        ("application/openmetrics-text; version=1.0.0", "identity", OPENMETRICS, RENDERED.openmetrics),
        ("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", "gzip", OPENMETRICS, RENDERED.openmetrics_gzip),
        ("text/plain; version=1.0.0", "br", "text/plain; version=1.0.0; charset=utf-8", RENDERED.text),
        ("application/openmetrics-text," * 200, "identity", TEXT, RENDERED.text),  # too long to be meant
    ],
)
def test_metrics_are_the_ready_bytes_of_the_form_asked_for(
    server: Server, accept: str, encoding: str, content_type: str, body: bytes
) -> None:
    answer = request(server, "GET", "/metrics", Accept=accept, Accept_Encoding=encoding)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == content_type
    assert answer.headers.get("content-encoding") == ("gzip" if encoding == "gzip" else None)
    assert answer.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize("query", ["", "?", "?process=false", "?process="])
def test_metrics_without_any_wish_are_plain_text(server: Server, query: str) -> None:
    assert request(server, "GET", f"/metrics{query}").body == RENDERED.text


@pytest.mark.parametrize(
    ("query", "targets"),
    [
        ("target=a", ["a"]),
        ("target=a&target=b", ["a", "b"]),
        ("platform=foundry", ["b"]),
        ("target=a&platform=foundry", []),
        ("target=elsewhere", []),  # configured, and polled by another shard
        ("process=true", []),
        ("target=a&process=true&process=false", ["a"]),
    ],
)
def test_a_part_of_the_metrics(service: Service, server: Server, query: str, targets: list[str]) -> None:
    service.content, service.targets = two_targets(), frozenset({"a", "b", "elsewhere"})
    for encoding in ("identity", "gzip"):
        answer = request(server, "GET", f"/metrics?{query}", Accept_Encoding=encoding)
        assert answer.status == 200
        text = (gzip.decompress(answer.body) if encoding == "gzip" else answer.body).decode()
        assert re.findall(r'target="(.)"', text) == targets
        assert answer.headers["content-type"] == TEXT
        assert answer.headers.get("content-encoding") == ("gzip" if encoding == "gzip" else None)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("target=nobody", "There is no target 'nobody'."),
        ("target=", "There is no target ''."),
        ("target=a&target=nobody", "There is no target 'nobody'."),
        ("platform=fondry", "There is no platform 'fondry'."),
        (f"target={'x' * 500}", f"There is no target '{'x' * 100}'."),
    ],
)
def test_a_name_that_there_is_not_fails_the_scrape(service: Service, server: Server, query: str, message: str) -> None:
    service.content, service.targets = two_targets(), frozenset({"a", "b"})
    answer = request(server, "GET", f"/metrics?{query}")
    assert (answer.status, answer.text) == (404, f"{message}\n")


PARAMETERS = "there are target, platform, process."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("taget=a", f"There is no parameter 'taget'; {PARAMETERS}"),
        ("target=a&plattform=roboto", f"There is no parameter 'plattform'; {PARAMETERS}"),
        ("name[]=automation_runs_total", f"There is no parameter 'name[]'; {PARAMETERS}"),
        ("Target=a", f"There is no parameter 'Target'; {PARAMETERS}"),
        ("taget", f"There is no parameter 'taget'; {PARAMETERS}"),
        (f"%0a{'x' * 500}=1", f"There is no parameter '\\n{'x' * 99}'; {PARAMETERS}"),
        ("process=yes", "process is true or false."),
        ("target=a&process=1", "process is true or false."),
    ],
)
def test_a_mistyped_parameter_fails_the_scrape(service: Service, server: Server, query: str, message: str) -> None:
    """It would bring everything, and a job of its own would store every series a second time."""
    service.content, service.targets = two_targets(), frozenset({"a", "b"})
    for method in ("GET", "HEAD"):
        answer = request(server, method, f"/metrics?{query}")
        assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert answer.text == (f"{message}\n" if method == "GET" else "")


def two_targets() -> Content:
    snapshot = Snapshot()
    for platform, name in (("roboto", "a"), ("foundry", "b")):
        snapshot.update(TargetLabels(platform, name), [Family(RUNS, {("w", "failed"): (1,)})])
    snapshot.publish(0)
    assert snapshot.content is not None
    return snapshot.content


def test_before_the_first_snapshot_a_part_is_unavailable(service: Service, server: Server) -> None:
    service.targets = frozenset({"a"})
    assert request(server, "GET", "/metrics?target=a").status == 503


def test_before_the_first_snapshot_metrics_are_unavailable(service: Service, server: Server) -> None:
    service.rendered = None
    answer = request(server, "GET", "/metrics")
    assert answer.status == 503
    assert answer.text == "There is no snapshot yet: the program is still starting.\n"


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready", "/nowhere"])
def test_head_is_get_without_the_body(server: Server, path: str) -> None:
    got, head = request(server, "GET", path), request(server, "HEAD", path)
    assert head.status == got.status
    assert head.body == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/reload", "/nowhere"])
def test_every_answer_is_hardened(server: Server, path: str) -> None:
    headers = request(server, "GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict(True, "Fine."), 200), (Verdict(False, "The scheduler stands still."), 503)]
)
def test_health_is_said_in_a_status_and_a_sentence(
    service: Service, server: Server, path: str, verdict: Verdict, status: int
) -> None:
    service.healthy = service.ready = verdict
    answer = request(server, "GET", path)
    assert (answer.status, answer.text) == (status, f"{verdict.reason}\n")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("OPTIONS", "/-/healthy", "GET, HEAD"),
        ("PROPFIND", "/-/ready", "GET, HEAD"),
        ("GET", "/-/reload", "POST"),
        ("HEAD", "/-/reload", "POST"),
    ],
)
def test_another_method_is_told_which_ones_are_taken(server: Server, method: str, path: str, allow: str) -> None:
    answer = request(server, method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == allow
    assert answer.text == ("" if method == "HEAD" else f"{path} takes {allow} only.\n")


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "/-/healthy/", "//metrics", "/%00", "/-/reload/x"])
def test_an_unknown_path_is_a_short_404(server: Server, path: str) -> None:
    answer = request(server, "GET", path)
    assert (answer.status, answer.text) == (404, "There is no such page. The start page is /.\n")


def test_a_reload_that_is_not_enabled_is_refused(server: Server) -> None:
    answer = request(server, "POST", "/-/reload")
    assert (answer.status, answer.text) == (
        403,
        "Reloading over HTTP is not enabled: start with --web.enable-lifecycle, or send SIGHUP.\n",
    )


def test_a_reload_says_that_it_was_done() -> None:
    calls: list[str] = []
    with serving(Service(reload=lambda: calls.append("reload")).application()) as server:
        answer = request(server, "POST", "/-/reload")
    assert (answer.status, answer.text) == (200, "The configuration was read and taken.\n")
    assert calls == ["reload"]


def test_a_bad_configuration_is_answered_with_every_problem() -> None:
    def reload() -> None:
        raise ConfigError(["config.yaml:3: no such key", "config.yaml:9: not a duration"])

    with serving(Service(reload=reload).application()) as server:
        answer = request(server, "POST", "/-/reload")
    assert answer.status == 500
    assert answer.text.endswith("config.yaml:3: no such key\nconfig.yaml:9: not a duration\n")


def test_reloads_come_one_after_another_and_hold_no_scrape() -> None:
    running, entered, go_on = threading.Semaphore(1), threading.Event(), threading.Event()
    overlaps: list[bool] = []

    def reload() -> None:
        overlaps.append(not running.acquire(blocking=False))
        entered.set()
        go_on.wait(5)
        running.release()

    with serving(Service(reload=reload).application()) as server:
        clients = [threading.Thread(target=request, args=(server, "POST", "/-/reload")) for _ in range(3)]
        for client in clients:
            client.start()
        entered.wait(5)
        assert request(server, "GET", "/metrics").status == 200
        go_on.set()
        for client in clients:
            client.join()
    assert overlaps == [False] * 3


def test_the_status_page_runs_nothing_and_loads_nothing(service: Service, server: Server) -> None:
    hostile = "<script>alert('x')</script>"
    target = TargetView(hostile, "foundry", "down", error=ErrorView("timeout", hostile, at=0))
    service.view = StatusView("1.2.3", now=0, started=0, targets=(target,), reload_error=hostile)
    answer = request(server, "GET", "/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "<script" not in answer.text


def test_a_page_that_fails_is_a_500_and_the_next_one_is_served(
    service: Service, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    broken = TargetView("a", "foundry", "nonsense")  # type: ignore[arg-type]
    service.view = StatusView("1", now=0, started=0, targets=(broken,))
    answer = request(server, "GET", "/")
    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert eventually(lambda: "Exception in ASGI application" in caplog.text)
    service.view = StatusView("1", now=0, started=0, targets=())
    assert request(server, "GET", "/").status == 200
