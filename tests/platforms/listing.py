"""A listing of runs that grows while it is read, and the least that counting must keep about its walks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from exporter.counting.limits import Limits
from exporter.counting.states import ListingState
from exporter.errors import InvalidResponse, ServerFailed, UpstreamError
from exporter.observations import ListingFailed, Page
from exporter.platforms.plan import plan
from exporter.platforms.trail import Row
from exporter.platforms.walk import Allowance, RawPage, Walk
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros

START: Micros = 1_780_000_000 * SECOND

LIMITS = Limits(
    interval=MINUTE,
    overlap=HOUR,
    deep_interval=10 * MINUTE,
    sweep_interval=HOUR,
    memory=2 * DAY,
    open_run_max_age=DAY,
    settle=DAY,
    max_window=7 * DAY,
    schedule_grace=10 * MINUTE,
    forget_after=100 * DAY,
    stale_after=15 * MINUTE,
    max_workloads=1000,
    max_label_values=50,
    max_series=200_000,
    drop_labels=frozenset(),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A run of the listing, sorted by ``created``, which is not told. Ended from ``ended`` on."""

    id: str
    created: Micros
    triggered: Micros | None
    ended: Micros
    visible: Micros = 0

    def row(self, now: Micros) -> Row:
        """Return what a listing shows of it."""
        return Row(self.id, (self.triggered, None, self.ended if self.ended <= now else None))


@dataclass
class Upstream:
    """Pages of ``size`` with links that name the last row above: what is inserted above them moves nothing.

    ``now`` moves by ``pace`` with every request. ``fails_at``: requests of a poll that are answered with a 500.
    """

    entries: list[Entry] = field(default_factory=list)
    now: Micros = START
    size: int = 3
    pace: Micros = SECOND
    fails_at: frozenset[int] = frozenset()
    refuses: bool = False
    requests: int = 0
    deepest: Micros | None = None

    def visible(self) -> list[Entry]:
        """Return what can be seen now, newest first."""
        seen = [entry for entry in self.entries if max(entry.created, entry.visible) <= self.now]
        return sorted(seen, key=lambda entry: (entry.created, entry.id), reverse=True)

    def read(self, link: str | None) -> RawPage[Entry]:
        """Answer a request."""
        self.now += self.pace
        self.requests += 1
        if self.requests - 1 in self.fails_at:
            raise ServerFailed("HTTP 500", status=500)
        if link is not None and self.refuses:
            raise InvalidResponse("HTTP 400", status=400)
        rows = self.visible()
        if link is not None:
            created, _, identifier = link.partition("/")
            rows = [entry for entry in rows if (entry.created, entry.id) < (int(created), identifier)]
        page, more = rows[: self.size], len(rows) > self.size
        return RawPage(
            items=tuple(page),
            rows=tuple(entry.row(self.now) for entry in page),
            next_link=f"{page[-1].created}/{page[-1].id}" if more else None,
            upstream_now=self.now,
        )


@dataclass
class Model:
    """What counting keeps, as naive as can be: ids delivered, those delivered open, and the cursor."""

    upstream: Upstream
    state: ListingState = field(default_factory=ListingState)
    floor: Micros = START - LIMITS.memory
    delivered: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    births: dict[str, Micros] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)

    def poll(self, slice_pages: float = float("inf"), kill_after: int | None = None) -> list[Page[Entry]]:
        """Read once; only the first ``kill_after`` pages are committed."""
        upstream = self.upstream
        upstream.requests = 0
        walk = self.walk(slice_pages)
        pages: list[Page[Entry]] = []
        try:
            for page in walk.pages():
                if kill_after is not None and len(pages) >= kill_after:
                    return pages
                pages.append(page)
                self.commit(page)
        except UpstreamError as error:
            self.fail(walk.failed(error))
        return pages

    def walk(self, slice_pages: float = float("inf")) -> Walk[Entry]:
        """Return the walk that is due."""
        open_births = [self.births[each] for each in self.delivered - self.ended]
        planned = plan(self.state, self.floor, min(open_births, default=None), LIMITS, self.upstream.now)
        self.kinds.append(planned.kind)
        return Walk(
            "listing",
            self.state,
            planned,
            limits=LIMITS,
            allowance=Allowance(float("inf"), slice_pages, 0.0, lambda: 1.0),
            read=self.upstream.read,
            clock=lambda: 0.0,
        )

    def commit(self, page: Page[Entry]) -> None:
        """Take in a page as counting does."""
        step, now = page.step, page.upstream_now or 0
        for entry in page.items:
            self.delivered.add(entry.id)
            self.births[entry.id] = entry.created if entry.triggered is None else entry.triggered
            if entry.ended <= now:
                self.ended.add(entry.id)
        if step.complete:
            newest = step.top if self.state.newest is None else max(self.state.newest, step.top or 0)
            horizon = min(now if newest is None else newest, now) - LIMITS.overlap
            self.state = ListingState(
                horizon=max(horizon, self.state.horizon or 0),
                newest=newest,
                last_whole=step.read_started,
                last_sweep=step.started if step.kind == "sweep" else self.state.last_sweep,
                last_deep=self.state.last_deep if step.kind == "ordinary" else step.started,
                unsorted=step.unsorted,
            )
            self.floor = max(self.floor, horizon + LIMITS.overlap - LIMITS.memory)
        elif not step.keep_link:
            self.state = self.state._replace(
                link=step.link, top=step.top, kind=step.kind, walk_started=step.started, depth=step.depth
            )
        if step.unsorted:
            self.state = self.state._replace(unsorted=True)
        if step.whole:
            self.state = self.state._replace(last_whole=step.read_started)

    def fail(self, failed: ListingFailed) -> None:
        """Take in a failure."""
        if failed.drop_link:
            self.state = self.state._replace(link=None, top=None, kind=None, walk_started=None, depth=None)


def entries(count: int, newest: Micros, apart: Micros, name: str = "r") -> Iterator[Entry]:
    """Yield runs that ended a minute after they were made."""
    for number in range(count):
        created = newest - number * apart
        yield Entry(f"{name}{number}", created, created, created + MINUTE)


def later(entry: Entry, by: Micros) -> Entry:
    """Return the same run, seen only so much later."""
    return replace(entry, visible=entry.created + by)
