"""The harness itself: a tiny exporter is scraped by both versions of Prometheus, and processes end as asked."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import prometheus_client
import pytest

from tests.real.binaries import Binaries
from tests.real.conftest import StartPrometheus
from tests.real.process import ServerProcess, reserve_port
from tests.real.waiting import wait_for


class Counted:
    """A counter served over HTTP by prometheus_client itself."""

    def __init__(self) -> None:
        registry = prometheus_client.CollectorRegistry()
        self.counter = prometheus_client.Counter("jobs", "Jobs done.", ["kind"], registry=registry)
        self.server: WSGIServer
        self.thread: threading.Thread
        self.server, self.thread = prometheus_client.start_http_server(0, "127.0.0.1", registry)

    @property
    def address(self) -> str:
        """Where Prometheus finds it."""
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def counted() -> Iterator[Counted]:
    """A running server, stopped after the test."""
    server = Counted()
    yield server
    server.server.shutdown()
    server.server.server_close()
    server.thread.join()


def test_prometheus_scrapes_and_answers(start_prometheus: StartPrometheus, counted: Counted) -> None:
    """The counter moves from 1 to 3, and every way to ask sees it."""
    counted.counter.labels("good").inc()
    prometheus = start_prometheus({"tiny": [counted.address]})
    prometheus.wait_until_up("tiny")
    assert prometheus.scrape_errors() == []
    assert prometheus.value("jobs_total") == 1
    start = prometheus.query("jobs_total")[0].at

    counted.counter.labels("good").inc(2)
    prometheus.wait_until(lambda: prometheus.value("jobs_total == 3"), "the new value is scraped")

    [sample] = prometheus.query("jobs_total")
    assert (sample.labels["job"], sample.labels["kind"]) == ("tiny", "good")
    [series] = prometheus.points("jobs_total[5m]")
    values = [value for _, value in series.points]
    assert (values[0], values[-1], sorted(set(values))) == (1, 3, [1, 3])
    assert prometheus.value("resets(jobs_total[5m])") == 0
    [evaluated] = prometheus.query_range("jobs_total", start, time.time(), 1.0)
    assert evaluated.points[0] == (start, 1.0)
    assert prometheus.value("jobs_total", at=start - 3600) is None


def test_targets_change_while_prometheus_runs(start_prometheus: StartPrometheus, counted: Counted) -> None:
    """A restart on another port is followed."""
    prometheus = start_prometheus({"tiny": [f"127.0.0.1:{reserve_port()}"]})
    prometheus.wait_until(lambda: prometheus.value('up{job="tiny"} == bool 0'), "nobody is there")
    prometheus.set_targets("tiny", [counted.address])
    prometheus.wait_until(lambda: prometheus.value(f'up{{instance="{counted.address}"}}'), "the new address is scraped")


def test_promtool_has_nothing_against_good_metrics_only(binaries: Binaries) -> None:
    """Lint findings and broken text both come back as complaints."""
    good = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n"
    assert binaries.check_metrics(good) == []
    assert binaries.check_metrics(good.replace("_total", "")) != []
    assert binaries.check_metrics("jobs_total one\n") != []


def file_server(folder: Path) -> ServerProcess:
    """Python's own file server stands for a server: always there, ready at once."""
    port = reserve_port()
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    return ServerProcess(command, port=port, folder=folder, env={}, ready_path="/")


def test_a_process_is_killed_and_started_again(tmp_path: Path) -> None:
    """After a kill the port is closed; after another start it answers again, and one log holds both lives."""
    with file_server(tmp_path) as server:
        server.kill9()
        assert server.process.returncode == -9
        server.start()
        assert server.get("/").status_code == 200
        assert server.log().count("GET / ") >= 3
    assert server.process.returncode == -9


def test_a_process_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    """The reason stands in the failure's text."""
    server = ServerProcess(
        ("/bin/sh", "-c", "echo no such luck; exit 3"), port=reserve_port(), folder=tmp_path, env={}, ready_path="/"
    )
    with pytest.raises(AssertionError, match=r"exit code 3\n(.*\n)*no such luck"), server:
        pass


def test_waiting_ends_at_the_deadline_with_the_last_answer() -> None:
    """What was waited for, what came instead, and the details."""
    with pytest.raises(AssertionError, match="not within 0 s: pigs fly; last answer: 0\nstill walking"):
        wait_for(lambda: 0, "pigs fly", within=0, details=lambda: "still walking")
