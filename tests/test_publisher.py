"""Publishing: soon after a poll, and less often where it is dear."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread

import pytest

from bench.kit.population import population
from bench.kit.state import in_memory
from exporter.counting.ledger import Changes
from exporter.counting.states import Series, SeriesKey
from exporter.exposition import Snapshot
from exporter.exposition.rendered import Rendered
from exporter.families import Family, TargetLabels
from exporter.publisher import PAUSE_FOR_EACH, SHORTEST_PAUSE, Publisher
from exporter.selfmetrics import SelfMetrics
from exporter.times import Micros, Moment


class HandMoved:
    """A clock."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> Moment:
        at = int(self.seconds * 1_000_000)
        return Moment(at, at)

    def monotonic(self) -> float:
        return self.seconds


class SlowSnapshot(Snapshot):
    """Making bodies takes so long."""

    def __init__(self, clock: HandMoved, takes: float) -> None:
        super().__init__()
        self._clock, self._takes = clock, takes

    def publish(self, at: Micros) -> Rendered:
        self._clock.seconds += self._takes
        return super().publish(at)


@pytest.mark.parametrize(("takes", "pause"), [(0.0, SHORTEST_PAUSE), (0.1, 0.1 * PAUSE_FOR_EACH)])
def test_there_is_a_pause_between_publications_that_grows_with_what_one_takes(
    takes: float, pause: float, tmp_path: Path
) -> None:
    """Polls that end together are published together; of a thousand targets one ends at every moment."""
    clock = HandMoved()
    publisher = Publisher(SlowSnapshot(clock, takes), SelfMetrics(), clock)
    (target,) = in_memory(population(113, targets=1), tmp_path)

    def published() -> bool:
        publisher.refresh(target)
        return publisher.publish()

    assert published()
    clock.seconds += 0.9 * pause
    assert not published()
    clock.seconds += 0.2 * pause
    assert published()
    assert not publisher.publish(), "nothing is new"
    publisher.refresh(target)
    assert publisher.publish(force=True)


def test_a_hold_begins_when_what_it_holds_was_published_and_not_before(tmp_path: Path) -> None:
    """A poll that ends while bodies are made is in the next ones."""
    clock = HandMoved()
    (target,) = in_memory(population(113, targets=1), tmp_path)
    polls: list[Thread] = []

    class Overtaken(Snapshot):
        """While bodies are made, another series comes."""

        def publish(self, at: Micros) -> Rendered:
            rendered = super().publish(at)
            if not polls:
                target.ledger.apply(Changes(series={BORN: Series((0,), (0,), created=at)}))
                rendered_too = Event()
                update = self.update

                def tell(target: TargetLabels, families: Iterable[Family]) -> None:
                    update(target, families)
                    rendered_too.set()

                self.update = tell  # type: ignore[method-assign]
                polls.append(Thread(target=publisher.refresh, args=(target,)))
                polls[0].start()
                assert rendered_too.wait(10)
            return rendered

    publisher = Publisher(Overtaken(), SelfMetrics(), clock)
    target.ledger.holds = True
    publisher.refresh(target)
    assert publisher.publish()
    polls[0].join(10)
    assert target.ledger.holding[BORN] is None
    clock.seconds += SHORTEST_PAUSE * 2
    assert publisher.publish()
    assert target.ledger.holding[BORN] == clock.seconds


def test_what_could_not_be_rendered_is_rendered_with_the_next(tmp_path: Path) -> None:
    """What changed is noted once; a rendering that fails must not lose it."""

    class Failing(Snapshot):
        fails = False

        def update(self, target: TargetLabels, families: Iterable[Family]) -> None:
            if self.fails:
                raise MemoryError
            super().update(target, families)

    snapshot = Failing()
    publisher = Publisher(snapshot, SelfMetrics(), HandMoved())
    (target,) = in_memory(population(113, targets=1), tmp_path)
    publisher.refresh(target)
    target.ledger.apply(Changes(series={BORN: Series((7,), (0,), created=1)}))
    snapshot.fails = True
    with pytest.raises(MemoryError):
        publisher.refresh(target)
    snapshot.fails = False
    publisher.refresh(target)
    assert publisher.publish()
    assert snapshot.current is not None
    shown = [line for line in snapshot.current.text.decode().splitlines() if 'workload="new"' in line]
    assert [line.rpartition(" ")[2] for line in shown] == ["7"]


BORN = SeriesKey("automation_runs_total", ("new", "failed"))


def test_what_was_loaded_is_not_kept_as_changed(tmp_path: Path) -> None:
    """After the first refresh no series is left that was noted as changed; it would take memory for each."""
    clock = HandMoved()
    publisher = Publisher(Snapshot(), SelfMetrics(), clock)
    (target,) = in_memory(population(113, targets=1), tmp_path)
    assert target.ledger.dirty
    publisher.refresh(target)
    assert not target.ledger.dirty
