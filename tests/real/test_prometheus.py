"""What Prometheus sees is what happened: over a quiet life, over kills in the middle of a poll, for a new workload.

One story is played once for all tests, with both versions of Prometheus looking on. Two simulated worlds, each
with a service of its own: *steady* runs from beginning to end; *killed* is killed in the middle of a poll while
runs go on and fail, started on another port, killed again while it still holds counts back, and started again.
Then both worlds come to rest.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from exporter.killpoints import VARIABLE
from tests.real.binaries import PROMETHEUS_MAJORS, ROOT, find_binaries, prometheus_binaries
from tests.real.live import COUNTED, PLATFORMS, Key, ServiceProcess, SimulatorProcess, key_of, write_configuration
from tests.real.prometheus import Prometheus, Sample, Series
from tests.real.waiting import wait_for

pytestmark = pytest.mark.xdist_group("story")

PACE = {
    "interval": "1s",
    "zero_hold": "5s",
    "timeout": "2s",
    # As deep as the story is long: these worlds are as dense in an hour as real ones are in weeks.
    "overlap": "2m",
    "open_run_max_age": "10m",
    "memory": "15m",
}
SCRAPES = 2
"""So many seconds of scrapes see what a service shows at the end."""

KILL_AT = "before_commit:150"
"""In the middle of a poll, after some twenty seconds."""

NEW = "brand-new"
ALERT = {
    "alert": "AutomationFailed",
    "expr": 'increase(automation_runs_total{outcome="failed"}[10m]) > 0',
}


@dataclass
class Story:
    """What is left when all has happened. Failures by platform, as the world knew them at each moment."""

    servers: Mapping[str, Prometheus]
    worlds: Mapping[str, SimulatorProcess]
    service: Mapping[str, ServiceProcess]
    failed_at_kill: Mapping[str, float]
    failed_at_return: Mapping[str, float]
    second_life: str
    exit_code: int
    begun: Mapping[str, float]
    """Unix seconds at which the first service of each job started whose beginning was a good one."""

    def scraped(self, major: str, job: str, platform: str) -> dict[str, dict[Key, Series]]:
        """Every scrape of a platform's durable counters and histograms, by instance and series."""
        found: dict[str, dict[Key, Series]] = {}
        selector = f'{{__name__=~"{"|".join(sorted(COUNTED))}",job="{job}",platform="{platform}"}}[10m]'
        for series in self.servers[major].points(selector):
            points = [point for point in series.points if point[0] >= self.begun[job]]
            if points:
                by_key = found.setdefault(series.labels["instance"], {})
                by_key[key_of(series.labels["__name__"], series.labels)] = series._replace(points=points)
        return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Play the story; everything stays up until the last test has looked."""
    prometheus_binaries(PROMETHEUS_MAJORS[0])  # without any Prometheus there is nothing to show
    folder = tmp_path_factory.mktemp("story")
    with contextlib.ExitStack() as up:
        worlds = {
            job: up.enter_context(SimulatorProcess(folder / f"world-{job}", seed=seed))
            for seed, job in enumerate(("steady", "killed"), start=1)
        }
        files = {
            job: write_configuration(folder / f"{job}.yml", world.configuration(**PACE))
            for job, world in worlds.items()
        }

        def service(job: str, life: str, **env: str) -> ServiceProcess:
            return ServiceProcess(folder / life, files[job], state=folder / f"{job}.db", env=env)

        steady = service("steady", "steady")
        first = service("killed", "killed-1", **{VARIABLE: KILL_AT})
        servers = start_servers(up, folder, {"steady": steady.address, "killed": first.address})
        begun = {}
        for job, living in {"steady": steady, "killed": first}.items():
            up.enter_context(living)
            begun[job] = begin(worlds[job], living)
        for living in (steady, first):
            scraped(servers, living)

        exit_code = wait_for(first.process.poll, "the kill point is reached", within=60)
        world = worlds["killed"]
        failed_at_kill = {platform: world.failures(platform) for platform in PLATFORMS}
        second = service("killed", "killed-2")
        move(servers, "killed", second)
        world.control("POST", "incidents", name="failure_burst", seconds=6)
        wait_for(
            lambda: all(world.failures(platform) >= failed_at_kill[platform] + 2 for platform in PLATFORMS),
            "runs fail while the service is down",
            within=40,
        )
        failed_at_return = {platform: world.failures(platform) for platform in PLATFORMS}
        up.enter_context(second)
        scraped(servers, second)
        second.kill9()  # within the hold: what it counted is committed, and not yet shown

        third = service("killed", "killed-3")
        move(servers, "killed", third)
        up.enter_context(third)
        scraped(servers, third)
        for world in worlds.values():
            for platform in PLATFORMS:
                world.control("POST", "runs", platform=platform, workload=NEW, outcome="failed", seconds=1)
        for world in worlds.values():
            world.start_no_more()
        for world in worlds.values():
            world.come_to_rest(within=90)
        for job, last in {"steady": steady, "killed": third}.items():
            for platform in PLATFORMS:
                caught_up(worlds[job], last, platform)
        last_scrapes(servers)
        yield Story(
            servers,
            worlds,
            {"steady": steady, "killed": third},
            failed_at_kill,
            failed_at_return,
            second.address,
            exit_code,
            begun,
        )


BEGINNINGS = 5


def begin(world: SimulatorProcess, service: ServiceProcess) -> float:
    """Wait for the first polls of a service that was started; return the start of the last one, 0 for the first.

    Its baseline is known only if every answer reached it, which takes a machine that is not too busy for its
    requests; if any was lost it begins anew.
    """
    begun = 0.0
    for _ in range(BEGINNINGS):
        wait_for(
            lambda: by_label(service, "automation_exporter_target_up", "platform") == set(PLATFORMS),
            "all targets were polled",
            within=60,
        )
        if by_label(service, "automation_exporter_upstream_requests_total", "code") == {"200"}:
            return begun
        service.kill9()
        for file in service.state.parent.glob(f"{service.state.name}*"):
            file.unlink()
        world.control("DELETE", "baselines")
        begun = time.time()
        service.start()
    raise AssertionError(f"in {BEGINNINGS} beginnings some answers were lost\n{service.log_tail()}")


def by_label(service: ServiceProcess, metric: str, label: str) -> set[str]:
    """The values of a metric's label."""
    return {dict(labels)[label] for name, labels in service.samples() if name == metric}


def start_servers(up: contextlib.ExitStack, folder: Path, targets: Mapping[str, str]) -> dict[str, Prometheus]:
    """Every Prometheus that can be found, with the alert of the newcomer's failure."""
    rules = folder / "rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": "story", "rules": [ALERT]}]}))
    addresses = {job: [address] for job, address in targets.items()}
    return {
        major: up.enter_context(
            Prometheus(binaries, folder / f"prometheus-{major}", addresses, config={"rule_files": [str(rules)]})
        )
        for major, binaries in find_binaries().items()
    }


def move(servers: Mapping[str, Prometheus], job: str, service: ServiceProcess) -> None:
    """Tell every server where the job's service is now, and wait until it tried there in vain."""
    for server in servers.values():
        server.set_targets(job, [service.address])
    everywhere(servers, f'up{{instance="{service.address}"}} == bool 0', f"{service.address} is known")


def scraped(servers: Mapping[str, Prometheus], service: ServiceProcess) -> None:
    """Wait until every server has scraped the service."""
    everywhere(servers, f'up{{instance="{service.address}"}} == 1', f"{service.address} is scraped")


def everywhere(servers: Mapping[str, Prometheus], expression: str, what: str) -> None:
    """Wait until an expression gives a value on every server."""
    for major, server in servers.items():
        server.wait_until(partial(server.query, expression), f"{what} by Prometheus {major}")


def caught_up(world: SimulatorProcess, service: ServiceProcess, platform: str) -> None:
    """Wait until a service shows the truth of a world at rest."""
    truth = world.truth(platform)

    with contextlib.suppress(AssertionError):  # the tests say what is wrong, series by series
        wait_for(lambda: service.counted(platform) == truth, "all is counted and shown", within=60)


def last_scrapes(servers: Mapping[str, Prometheus]) -> None:
    """Wait for a few more scrapes of everything."""
    for server in servers.values():
        now = server.value("vector(time())") or 0.0
        seen = f'min(timestamp(up{{job=~"steady|killed"}} == 1)) > {now + SCRAPES}'
        server.wait_until(partial(server.query, seen), "the last values are scraped")


majors = pytest.mark.parametrize("major", PROMETHEUS_MAJORS)
platforms = pytest.mark.parametrize("platform", PLATFORMS)


@pytest.fixture
def seen(story: Story, major: str) -> Story:
    """The story, if this Prometheus saw it."""
    prometheus_binaries(major)
    return story


@majors
@platforms
def test_the_last_value_less_the_first_is_the_truth(seen: Story, major: str, platform: str) -> None:
    """For every series of every durable counter and histogram, exactly."""
    [scraped] = seen.scraped(major, "steady", platform).values()
    moved = {key: series.points[-1][1] - series.points[0][1] for key, series in scraped.items()}
    assert {key: value for key, value in moved.items() if value} == seen.worlds["steady"].truth(platform)
    assert {series.points[0][1] for series in scraped.values()} == {0.0}
    assert sum(value for (name, _), value in moved.items() if name == "automation_runs_total") > 20


@majors
@platforms
@pytest.mark.parametrize("job", ["steady", "killed"])
def test_no_counter_was_reset(seen: Story, major: str, job: str, platform: str) -> None:
    """Neither by Prometheus' account nor by ours, on any instance."""
    server = seen.servers[major]
    lives = seen.scraped(major, job, platform)
    since = min(600, int(time.time() - seen.begun[job]))
    for name in sorted({name for scraped in lives.values() for name, _ in scraped}):
        assert server.query(f'resets({name}{{job="{job}",platform="{platform}"}}[{since}s]) > 0') == []
    for scraped in lives.values():
        for series in scraped.values():
            values = [value for _, value in series.points]
            assert values == sorted(values)


@majors
@pytest.mark.parametrize("job", ["steady", "killed"])
def test_the_service_was_up(seen: Story, major: str, job: str) -> None:
    """Prometheus has nothing against the last scrape, and no target stays down, however busy the machine is."""
    server = seen.servers[major]
    assert server.scrape_errors() == []
    assert server.value(f'min(up{{job="{job}",instance="{seen.service[job].address}"}})') == 1
    up = f'min(automation_exporter_target_up{{job="{job}"}}) == 1'
    server.wait_until(partial(server.query, up), "all targets are up")


@platforms
def test_totals_after_kills_are_the_truth(story: Story, platform: str) -> None:
    """Killed in the middle of a poll and within a hold, it counted every run once."""
    assert story.exit_code == -9
    assert story.service["killed"].counted(platform) == story.worlds["killed"].truth(platform)


@majors
@platforms
def test_what_failed_while_it_was_down_is_seen(seen: Story, major: str, platform: str) -> None:
    """The lives after the kill rise by no less than what failed meanwhile, and ``increase()`` over it all knows."""
    missed = seen.failed_at_return[platform] - seen.failed_at_kill[platform]
    assert missed >= 2
    runs = f'automation_runs_total{{job="killed",platform="{platform}",outcome="failed"}}'
    last = seen.service["killed"].address
    lives = seen.scraped(major, "killed", platform)
    assert len(lives) == 3
    rose = {
        life: sum(
            series.points[-1][1] - series.points[0][1]
            for (name, labels), series in scraped.items()
            if name == "automation_runs_total" and ("outcome", "failed") in labels
        )
        for life, scraped in lives.items()
    }
    assert rose[seen.second_life] == 0, "it was killed before any hold was over"
    assert rose[last] >= missed
    increase = seen.servers[major].value(f"sum(increase({runs.replace('}', f',instance={last!r}' + '}')}[10m]))")
    assert increase is not None
    assert increase >= missed
    whole = seen.servers[major].value(f"sum(increase({runs}[10m]))")
    assert whole is not None
    assert whole >= missed


@majors
@platforms
@pytest.mark.parametrize("job", ["steady", "killed"])
def test_the_first_failure_of_a_new_workload_fires(seen: Story, major: str, job: str, platform: str) -> None:
    """As a query, and as the alert that people write."""
    server = seen.servers[major]
    labels = f'job="{job}",platform="{platform}",workload="{NEW}",outcome="failed"'
    assert server.value(f"sum(increase(automation_runs_total{{{labels}}}[10m])) > 0") is not None
    assert server.value(f"sum(automation_runs_total{{{labels}}})") == 1
    firing = f'ALERTS{{alertname="AutomationFailed",alertstate="firing",{labels}}}'
    assert server.value(f"count({firing})") == 1


# One model for all platforms


def asked(query: str) -> str:
    """A query of the documentation, about the steady service and over the length of the story."""
    query = re.sub(r"(automation_\w+)\{", r'\1{job="steady",', query)
    return re.sub(r"\[\d+[hd]\]", "[10m]", query)


def of_readme(words: str) -> str:
    """The query that stands in the README below a comment with these words."""
    [block] = re.findall(r"```promql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    [query] = [part for part in block.split("\n\n") if words in part.partition("\n")[0]]
    return asked("\n".join(line for line in query.splitlines() if not line.startswith("#")))


def runs_of(seen: Story, platform: str, outcome: str) -> dict[str, float]:
    """The true number of runs by workload."""
    return {
        dict(labels)["workload"]: value
        for (name, labels), value in seen.worlds["steady"].truth(platform).items()
        if name == "automation_runs_total" and ("outcome", outcome) in labels
    }


def by_workload(found: list[Sample], platform: str) -> dict[str, float]:
    """The values of a query by workload, of one platform where the query keeps it."""
    return {
        sample.labels["workload"]: sample.value
        for sample in found
        if sample.labels.get("platform", platform) == platform
    }


@majors
@platforms
def test_one_query_gives_the_success_ratio(seen: Story, major: str, platform: str) -> None:
    """The one on every platform's page and the one of the README, both near the truth; ``rate()`` extrapolates."""
    completed, failed = runs_of(seen, platform, "completed"), runs_of(seen, platform, "failed")
    truth = {name: number / (number + failed.get(name, 0)) for name, number in completed.items()}
    page = (ROOT / f"docs/platforms/{platform}.md").read_text()
    for query in (asked(page.partition("\n\n    ")[2].partition("\n\n")[0]), of_readme("success ratio")):
        found = by_workload(seen.servers[major].query(query), platform)
        assert {name: found[name] for name in truth} == pytest.approx(truth, abs=0.05)


@majors
@platforms
def test_one_query_gives_the_failures(seen: Story, major: str, platform: str) -> None:
    """By workload, nobody left out."""
    truth = runs_of(seen, platform, "failed")
    found = by_workload(seen.servers[major].query(of_readme("runs that failed")), platform)
    assert truth
    assert {name: value for name, value in found.items() if value} == pytest.approx(truth, rel=0.1, abs=0.5)


@majors
@platforms
def test_one_query_gives_the_last_success(seen: Story, major: str, platform: str) -> None:
    """How long it is ago, of every workload that completed a run; and nobody has been silent for a day."""
    query = of_readme("without a completed run")
    assert seen.servers[major].query(query) == []
    found = by_workload(seen.servers[major].query(query.replace("> 86400", ">= 0")), platform)
    assert found.keys() >= runs_of(seen, platform, "completed").keys()
    assert max(found.values()) < 86400
