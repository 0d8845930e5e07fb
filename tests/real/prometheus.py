"""A real Prometheus that scrapes what a test tells it to, and answers queries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tests.real.binaries import Binaries
from tests.real.process import ServerProcess, reserve_port
from tests.real.waiting import wait_for

T = TypeVar("T")

# A new target is scraped some five seconds after Prometheus heard of it: its discovery collects changes that long.
FIRST_SCRAPE_SECONDS = 30.0


class Sample(NamedTuple):
    """One value of an instant vector; ``at`` in unix seconds."""

    labels: Mapping[str, str]
    at: float
    value: float


class Series(NamedTuple):
    """One series of a matrix; ``points`` are (unix seconds, value), in order of time."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


class Prometheus(ServerProcess):
    """A Prometheus with its own folder, port and configuration.

    ``targets`` gives the addresses (``host:port``) of each job. ``config`` is added to the configuration file's top
    level (``rule_files``, ``alerting``), ``job_options`` to every job (``scheme``, ``authorization``).
    """

    def __init__(
        self,
        binaries: Binaries,
        folder: Path,
        targets: Mapping[str, Sequence[str]],
        *,
        scrape_interval: str = "1s",
        flags: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        job_options: Mapping[str, Any] | None = None,
    ) -> None:
        port = reserve_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.binaries = binaries
        self._targets_folder = folder
        for job, addresses in targets.items():
            self.set_targets(job, addresses)
        # JSON is YAML; targets stand in files of their own so that they can change while it runs.
        whole = {
            "global": {"scrape_interval": scrape_interval, "evaluation_interval": scrape_interval},
            "scrape_configs": [
                {
                    "job_name": job,
                    "file_sd_configs": [{"files": [str(self._targets_file(job))]}],
                    **(job_options or {}),
                }
                for job in targets
            ],
            **(config or {}),
        }
        (folder / "prometheus.yml").write_text(json.dumps(whole, indent=2))
        super().__init__(
            (
                binaries.prometheus,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                *flags,
            ),
            port=port,
            folder=folder,
            env={"HOME": str(folder)},
            ready_path="/-/ready",
        )

    def _targets_file(self, job: str) -> Path:
        return self._targets_folder / f"targets-{job}.json"

    def set_targets(self, job: str, addresses: Sequence[str]) -> None:
        """Scrape these addresses for the job from now on; Prometheus notices within seconds."""
        new = self._targets_file(job).with_suffix(".new")
        new.write_text(json.dumps([{"targets": list(addresses)}]))
        new.replace(self._targets_file(job))

    def _result(self, path: str, parameters: Mapping[str, str], kind: str) -> Any:
        response = self.client.get(path, params=parameters)
        body = response.json()
        assert response.status_code == 200, f"{parameters}: {body.get('error', response.text)}"
        assert body["data"]["resultType"] == kind, f"{parameters['query']} gives no {kind}"
        return body["data"]["result"]

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """An instant vector, now or at a unix time."""
        result = self._result("/api/v1/query", _query(expression, at), "vector")
        return [Sample(row["metric"], row["value"][0], float(row["value"][1])) for row in result]

    def value(self, expression: str, at: float | None = None) -> float | None:
        """The value of an expression that gives one sample; None when it gives none."""
        samples = self.query(expression, at)
        assert len(samples) <= 1, f"{expression} gives {len(samples)} series"
        return samples[0].value if samples else None

    def points(self, selector: str, at: float | None = None) -> list[Series]:
        """The samples as they were scraped, of a range selector such as ``up[10m]``."""
        return _series(self._result("/api/v1/query", _query(selector, at), "matrix"))

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """An expression evaluated at every ``step`` seconds from ``start`` to ``end``, unix seconds."""
        parameters = {"query": expression, "start": repr(start), "end": repr(end), "step": repr(step)}
        return _series(self._result("/api/v1/query_range", parameters, "matrix"))

    def wait_until(self, look: Callable[[], T | None], what: str, *, within: float = FIRST_SCRAPE_SECONDS) -> T:
        """The first truthy answer of ``look``; an AssertionError with the log's end after ``within`` seconds."""
        return wait_for(look, what, within=within, details=self.log_tail)

    def wait_until_up(self, job: str, *, within: float = FIRST_SCRAPE_SECONDS) -> None:
        """Wait for the first good scrape of a job's only target."""
        self.wait_until(lambda: self.value(f'up{{job="{job}"}} == 1'), f"job {job} is up", within=within)

    def scrape_errors(self) -> list[str]:
        """What Prometheus has against its targets' last scrapes."""
        active = self.client.get("/api/v1/targets").json()["data"]["activeTargets"]
        return [target["lastError"] for target in active if target["lastError"]]


def _query(expression: str, at: float | None) -> dict[str, str]:
    return {"query": expression} if at is None else {"query": expression, "time": repr(at)}


def _series(result: Sequence[Any]) -> list[Series]:
    return [Series(row["metric"], [(at, float(value)) for at, value in row["values"]]) for row in result]
