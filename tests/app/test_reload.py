"""Reading the configuration anew while polls run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import certifi
import httpx
import pytest

from exporter.app import Options, Service
from exporter.app.watch import FileWatch
from exporter.config import PLATFORMS, Settings, Shard, load
from exporter.errors import ConfigError, StateError
from exporter.simulated import demo_target
from exporter.simulator import RealClock, Simulator, demo_world
from exporter.target import Target
from exporter.times import DAY, Moment
from exporter.web.address import Address
from tests.web.serving import eventually, request

PACE = {"interval": "60s", "zero_hold": "0s", "requests_per_minute": 6000}


class Gate(httpx.BaseTransport):
    """Lets requests through while it is open; counts those that wait."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.entered.release()
        assert self.open.wait(10)
        return self._inner.handle_request(request)


class Bench:
    """A service on a simulated Roboto and Foundry, and the configuration that the next reload reads."""

    def __init__(self, folder: Path, shard: Shard) -> None:
        self.simulator = Simulator(demo_world(1, RealClock()()), clock=RealClock())
        self.gate = Gate(self.simulator.transport())
        self.state = folder / "state.db"
        self.next: Callable[[], Settings] = lambda: self.settings(self.fleet(), self.support())
        options = Options(
            listen=Address("127.0.0.1", 0),
            state=self.state,
            read_settings=self.read,
            transports=lambda _settings: self.gate,
            lifecycle=True,
            shard=shard,
        )
        self.service = Service(self.next(), options)

    def read(self) -> Settings:
        """Read the configuration that is there now."""
        return self.next()

    def fleet(self, **more: Any) -> dict[str, Any]:
        """The Roboto target as it may be written."""
        return self._target("roboto") | {"name": "fleet"} | more

    def support(self, **more: Any) -> dict[str, Any]:
        """The Foundry target as it may be written."""
        return self._target("foundry") | {"name": "support"} | more

    def _target(self, platform: Any) -> dict[str, Any]:
        endpoint = self.simulator.endpoints()[platform]
        return demo_target(platform, endpoint, self.simulator.credentials) | PACE

    def settings(self, *targets: dict[str, Any], state: Path | None = None) -> Settings:
        """A configuration of these targets."""
        read = [PLATFORMS[target["platform"]].model_validate(target) for target in targets]
        return Settings.model_validate({"targets": read, "state": state or self.state})

    def reload(self, *targets: dict[str, Any], state: Path | None = None) -> None:
        """Read this configuration."""
        self.next = lambda: self.settings(*targets, state=state)
        self.service.reload()

    def text(self) -> str:
        """What a scrape gets."""
        return request(self.service.server, "GET", "/metrics").text

    def shows(self, line: str) -> bool:
        """Whether the exposition says so by now."""
        self.service.publisher.refresh_own()
        return line in self.text()

    def ready(self) -> bool:
        """Whether every target was polled."""
        return all(target.up for target in self.service.targets.values())


@contextmanager
def bench(folder: Path, shard: Shard | None = None) -> Iterator[Bench]:
    """A service that runs and was polled once."""
    made = Bench(folder, shard or Shard())
    made.service.start()
    try:
        for name in made.service.targets:
            made.service.schedule.trigger(name)
        assert eventually(made.ready)
        made.service.publisher.publish(force=True)  # polls soon after another are shown together, a moment later
        yield made
    finally:
        made.gate.open.set()
        assert made.service.stop()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def test_what_did_not_change_is_not_touched(running: Bench) -> None:
    """The same object goes on, with its next poll where it was."""
    before = running.service.targets["support"], running.service.schedule.next_run("support")
    running.reload(running.fleet(interval="30s"), running.support())
    assert (running.service.targets["support"], running.service.schedule.next_run("support")) == before
    assert running.service.targets["fleet"].limits.interval == 30_000_000


def test_a_target_that_is_taken_out_leaves_and_comes_back_with_its_totals(running: Bench) -> None:
    """Its counters are in the state, whoever looks."""
    before = dict(running.service.targets["fleet"].ledger.series)
    running.reload(running.support())
    assert 'target="fleet"' not in running.text()
    assert 'target="support"' in running.text()
    assert running.service.schedule.next_run("fleet") is None
    assert before
    running.reload(running.fleet(), running.support())
    assert before.keys() <= running.service.targets["fleet"].ledger.series.keys()
    assert eventually(running.ready)


def test_a_renamed_target_keeps_its_totals(running: Bench) -> None:
    """They go on under the new name and are gone under the old one."""
    before = dict(running.service.targets["fleet"].ledger.series)
    baseline = running.service.targets["fleet"].ledger.target
    running.gate.open.clear()
    running.reload(running.fleet(name="robots", previous_name="fleet"), running.support())
    assert running.service.targets["robots"].ledger.series == before
    assert running.service.targets["robots"].ledger.target == baseline
    assert 'target="fleet"' not in running.text()
    assert 'automation_runs_total{platform="roboto",target="robots"' in running.text()


def test_a_label_that_is_dropped_leaves_and_no_counter_with_it(running: Bench) -> None:
    """The series that it told apart are added up, in the state they are as they were."""
    before = dict(running.service.targets["fleet"].ledger.series)
    assert 'org_id="og_' in running.text()
    running.reload(running.fleet(drop_labels=["org_id"]), running.support())
    assert eventually(running.ready)
    running.service.publisher.publish(force=True)
    assert 'org_id="og_' not in running.text()
    assert before.keys() <= running.service.targets["fleet"].ledger.series.keys()


def test_a_reload_waits_for_the_poll_of_a_target_that_it_takes_out(running: Bench) -> None:
    """And only for that: what the poll read is counted first, and scrapes are served meanwhile."""
    running.gate.open.clear()
    running.service.schedule.trigger("fleet")
    assert running.gate.entered.acquire(timeout=10)
    fleet = running.service.targets["fleet"]
    assert eventually(fleet.polling.locked)
    reload = threading.Thread(target=running.reload, args=(running.support(),))
    reload.start()
    assert request(running.service.server, "GET", "/metrics").status == 200
    assert reload.is_alive()
    assert eventually(lambda: "fleet" not in running.service.targets)
    running.gate.open.set()
    reload.join(10)
    assert not reload.is_alive()
    assert fleet.retired
    assert fleet.up
    assert list(running.service.targets) == ["support"]


def test_a_bad_configuration_changes_nothing_and_says_why(running: Bench) -> None:
    """On the page, in a metric and to whoever asked; the next good one takes it back."""

    def broken() -> Settings:
        raise ConfigError(["config.yaml:3: no such key"])

    before = dict(running.service.targets)
    running.next = broken
    answer = request(running.service.server, "POST", "/-/reload")
    assert (answer.status, "config.yaml:3: no such key" in answer.text) == (500, True)
    running.service.publisher.refresh_own()
    assert "automation_exporter_config_last_reload_successful 0\n" in running.text()
    assert "config.yaml:3: no such key" in request(running.service.server, "GET", "/").text
    assert running.service.targets == before
    running.reload(running.fleet(), running.support())
    running.service.publisher.refresh_own()
    assert "automation_exporter_config_last_reload_successful 1\n" in running.text()
    assert "no such key" not in request(running.service.server, "GET", "/").text


def test_a_file_that_is_gone_is_a_reload_that_failed_until_it_is_back(
    running: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is said once; back unchanged, all is well again and nothing was touched."""
    file = tmp_path / "config.yaml"
    file.write_text("{}")
    configured = running.service.configured
    configured._options = replace(configured._options, config_changed=FileWatch(file).changed)
    whole, before = running.settings(running.fleet(), running.support()), dict(running.service.targets)
    running.next = lambda: whole if file.exists() else load(file, {})
    file.unlink()
    for _ in range(6):
        configured.look()
    reason = f"{file}: cannot be read: No such file or directory"
    assert [line for line in caplog.messages if reason in line] == [f"configuration not reloaded: {reason}"]
    assert configured.not_taken() == reason
    assert running.shows("automation_exporter_config_last_reload_successful 0\n")
    file.write_text("{}")
    configured.look()
    assert configured.not_taken() is None
    assert running.shows("automation_exporter_config_last_reload_successful 1\n")
    assert running.service.targets == before


def test_a_file_that_changed_is_read_by_itself(running: Bench) -> None:
    """Where that is asked for. A bad one is told of once, and read again when it changes again."""
    answers = iter([False, True, True, False])
    configured = running.service.configured
    configured._options = replace(configured._options, config_changed=lambda: next(answers))
    running.next = lambda: running.settings(running.support())
    configured.look()
    assert "fleet" in running.service.targets
    configured.look()
    assert "fleet" not in running.service.targets

    def broken() -> Settings:
        raise ConfigError(["config.yaml:3: no such key"])

    running.next = broken
    configured.look()
    assert "no such key" in request(running.service.server, "GET", "/").text
    running.next = lambda: running.settings(running.fleet())
    configured.look()
    assert list(running.service.targets) == ["support"]


def test_what_was_taken_out_stays_out_when_a_timer_comes_late(running: Bench) -> None:
    """A timer that has looked at the targets before a reload meets one of them after it."""
    fleet = running.service.targets["fleet"]
    running.reload(running.support())
    fleet.ledger.holding = dict.fromkeys(fleet.ledger.series)
    fleet.ledger.begin_holds(fleet.ledger.series, 0.0)
    running.service.runner.end_holds(fleet)
    running.service.publisher.refresh(fleet)
    running.service.publisher.refresh_own()
    assert 'target="fleet"' not in running.text()


def test_one_target_that_cannot_be_shown_holds_up_no_other(running: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it: holds of the others end, and their levels go stale."""
    service = running.service
    seen: list[str] = []

    def all_but_fleet(target: Target) -> None:
        seen.append(target.name)
        if target.name == "fleet":
            raise RuntimeError("no way")

    monkeypatch.setattr(service.runner, "end_holds", all_but_fleet)
    monkeypatch.setattr(service.publisher, "refresh", all_but_fleet)
    service.fleet.end_holds()
    service.fleet.refresh()
    assert sorted(seen) == ["fleet", "fleet", "support", "support"]


def test_what_cannot_be_connected_to_changes_nothing(running: Bench, tmp_path: Path) -> None:
    """Also what is found out only when a client is made: nothing was taken out or put in before."""
    before = dict(running.service.targets)
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    with pytest.raises(ConfigError, match="holds no certificate"):
        running.reload(running.fleet(interval="30s"), running.support(ca_file=broken), running.fleet(name="new"))
    assert running.service.targets == before
    assert running.shows("automation_exporter_config_last_reload_successful 0\n")
    running.reload(running.fleet(interval="30s"), running.support(), running.fleet(name="new"))
    assert sorted(running.service.targets) == ["fleet", "new", "support"]
    assert running.shows("automation_exporter_config_last_reload_successful 1\n")


@pytest.mark.parametrize("automatic", [True, False])
def test_what_a_file_names_may_come_after_it(
    running: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture, automatic: bool
) -> None:
    """A certificate that is mounted later: where changes are looked for, nobody needs to say so; told once."""
    configured = running.service.configured
    if automatic:
        configured._options = replace(configured._options, config_changed=lambda: False)
    later = tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match="cannot be read"):
        running.reload(running.fleet(ca_file=later), running.support())
    for _ in range(3):
        configured.try_again()
    assert sum("configuration not reloaded" in line for line in caplog.messages) == 1
    later.write_bytes(Path(certifi.where()).read_bytes())
    configured.try_again()
    assert (configured.not_taken() is None) is automatic
    assert running.shows(f"automation_exporter_config_last_reload_successful {int(automatic)}\n")


def test_what_is_unwise_is_told_when_it_comes_into_use_and_not_while_it_is_refused(
    running: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A configuration that is refused is tried again for ever."""
    configured = running.service.configured
    configured._options = replace(configured._options, config_changed=lambda: False)
    running.reload(running.fleet(interval="30s"), running.support())
    assert sum("zero_hold is 0s" in line for line in caplog.messages) == 2
    caplog.clear()
    with pytest.raises(ConfigError, match="takes a restart"):
        running.reload(running.fleet(), running.support(), state=tmp_path / "elsewhere.db")
    for _ in range(3):
        configured.try_again()
    (line,) = caplog.messages
    assert "takes a restart" in line


@pytest.mark.parametrize("by", ["itself", "a reload", "itself after a mistake", "itself after it changed"])
def test_a_target_whose_state_cannot_be_opened_is_put_in_later(
    running: Bench, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """A disk that is full for a moment: the others are polled, and it is said who is not, until it is."""
    store = running.service.store
    open_target = store.open_target

    def full(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "fleet":
            raise StateError("state.db: database or disk is full")
        return open_target(name, *arguments, **more)

    monkeypatch.setattr(store, "open_target", full)
    wanted = running.fleet(interval="30s"), running.support(), running.support(name="new")
    with pytest.raises(ConfigError, match=r"target fleet: .* disk is full"):
        running.reload(*wanted)
    assert sorted(running.service.targets) == ["new", "support"]
    assert running.service.schedule.next_run("new") is not None
    assert running.shows("automation_exporter_config_last_reload_successful 0\n")
    running.service.configured.put_in()
    assert "disk is full" in request(running.service.server, "GET", "/").text
    mistaken = by == "itself after a mistake"
    if mistaken:
        with pytest.raises(ConfigError, match="takes a restart"):
            running.reload(*wanted, state=running.state.with_name("elsewhere.db"))
    if by == "itself after it changed":
        wanted = running.fleet(interval="45s"), *wanted[1:]
        with pytest.raises(ConfigError, match=r"target fleet: .* disk is full"):
            running.reload(*wanted)
    monkeypatch.undo()
    if by == "a reload":
        running.reload(*wanted)
    else:
        running.service.configured.put_in()
    assert sorted(running.service.targets) == ["fleet", "new", "support"]
    assert running.service.schedule.next_run("fleet") is not None
    page = request(running.service.server, "GET", "/").text
    assert ("disk is full" in page, "takes a restart" in page) == (False, mistaken)
    assert running.shows(f"automation_exporter_config_last_reload_successful {int(not mistaken)}\n")
    target = running.service.targets["fleet"]
    running.reload(*wanted)
    assert running.service.targets["fleet"] is target
    assert running.shows("automation_exporter_config_last_reload_successful 1\n")


def test_a_target_that_was_left_out_and_is_no_longer_wanted_stays_out(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to be said of it."""
    monkeypatch.setattr(running.service.store, "open_target", Mock(side_effect=StateError("state.db: disk is full")))
    with pytest.raises(ConfigError, match=r"target new: not read yet: state\.db: disk is full"):
        running.reload(running.fleet(), running.support(), running.support(name="new"))
    monkeypatch.undo()
    running.reload(running.fleet(), running.support())
    running.service.configured.put_in()
    assert sorted(running.service.targets) == ["fleet", "support"]
    assert running.shows("automation_exporter_config_last_reload_successful 1\n")


def test_a_clock_that_is_wrong_drops_no_state(running: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that starts with the date of next year keeps what was counted for a target that is taken out for a
    while (rule 26). With the right clock the state is dropped when its time has come."""
    service, later = running.service, 101 * DAY
    running.reload(running.support())
    assert service.targets["support"].skew is not None
    now = service.fleet._clock.now()
    monkeypatch.setattr(
        service.fleet, "_clock", SimpleNamespace(now=lambda: Moment(now.world + later, now.wall + later))
    )
    service.targets["support"].skew = later
    service.fleet.drop_unused()
    assert service.store.target_names() == ["fleet", "support"]
    service.targets["support"].skew = 0
    service.fleet.drop_unused()
    assert service.store.target_names() == ["support"]
    monkeypatch.undo()


def test_another_pace_holds_from_the_reload_on(running: Bench) -> None:
    """A faster one too: what an earlier configuration asked for is over."""
    running.reload(running.fleet(requests_per_minute=10), running.support())
    assert running.service.targets["fleet"].client.budget.remaining <= 10
    running.reload(running.fleet(requests_per_minute=600), running.support())
    budget = running.service.targets["fleet"].client.budget
    assert budget.acquire(0.0) == 0.0
    assert eventually(lambda: budget.remaining > 10)


def test_another_state_takes_a_restart(running: Bench) -> None:
    """Totals would be left behind."""
    settings = running.next()
    running.next = lambda: settings.model_copy(update={"state": Path("elsewhere.db")})
    with pytest.raises(ConfigError, match=r"state: changed from .* to elsewhere.db; that takes a restart"):
        running.service.reload()


def test_many_reloads_at_once_end_in_the_last_configuration(running: Bench) -> None:
    """They come one after another, whoever asks."""
    threads = [threading.Thread(target=running.service.reload) for _ in range(5)]
    running.next = lambda: running.settings(running.support(interval="45s"))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert list(running.service.targets) == ["support"]
    assert running.service.targets["support"].limits.interval == 45_000_000


def test_a_shard_polls_its_share_also_after_a_reload(tmp_path: Path) -> None:
    """A slice of what another shard polls is empty; of what nobody polls, an error."""
    shards = [Shard(number, 2) for number in (1, 2)]
    owner = next(shard for shard in shards if shard.has("support"))
    with bench(tmp_path, owner) as made:
        mine = {name for name in ("fleet", "support") if owner.has(name)}
        assert set(made.service.targets) == mine
        made.service.publisher.refresh_own()
        shown = f'automation_exporter_shard_info{{shard="{owner.number}",shards="2"}} 1'
        assert shown in made.text()
        foreign = next(name for name in (f"other-{number}" for number in range(99)) if not owner.has(name))
        made.reload(made.fleet(), made.support(), made.fleet(name=foreign))
        assert set(made.service.targets) == mine
        elsewhere = request(made.service.server, "GET", f"/metrics?target={foreign}")
        assert (elsewhere.status, elsewhere.text) == (200, "")
        assert 'target="support"' in request(made.service.server, "GET", "/metrics?target=support").text
        assert request(made.service.server, "GET", "/metrics?target=nobody").status == 404
