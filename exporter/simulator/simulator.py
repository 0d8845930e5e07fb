"""The simulator: one world behind all faces, with a log of every request.

    simulator = Simulator(world, clock=ManualClock(t0))
    client = httpx.Client(transport=simulator.transport())     # in process, any clock
    with simulator.serve() as server: ...                      # a real server on loopback

A request takes the same way in both: log, incidents, faults, credentials, face, faults again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext

from exporter.simulator.accesslog import HEADERS_KEPT, AccessLog, Entry
from exporter.simulator.clock import SECOND, Clock, RealClock, http_date, parse_http_date
from exporter.simulator.control import Control
from exporter.simulator.entra import Credentials, TokenService
from exporter.simulator.face import Face
from exporter.simulator.faults import Exchange, FaultBoard
from exporter.simulator.foundry import FoundryFace
from exporter.simulator.granite import GraniteFace
from exporter.simulator.messages import Request, Response
from exporter.simulator.model import Part, Platform
from exporter.simulator.moderately import ModeratelyFace
from exporter.simulator.quota import RateLimit
from exporter.simulator.roboto import RobotoFace
from exporter.simulator.server import Server
from exporter.simulator.transport import SimulatorTransport
from exporter.simulator.truth import Beginning, Truth, truth
from exporter.simulator.world import World

DEFAULT_BASE_URL = "http://127.0.0.1"


class Simulator:
    """All simulated platforms over one world.

    ``roboto``, ``foundry``, ``granite`` and ``moderately`` are the faces (their attributes are the switches of what
    the docs leave open); ``faults`` is the board of named faults, ``world.incidents`` the script, ``log`` the access
    log. ``rate_limits`` holds a limit for each platform that has one.
    """

    def __init__(
        self,
        world: World,
        clock: Clock | None = None,
        faults: FaultBoard | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.world = world
        self.clock = clock or RealClock()
        self.faults = faults or FaultBoard()
        self.credentials = credentials or Credentials()
        self.tokens = TokenService(self.credentials)
        self.log = AccessLog()
        self.roboto = RobotoFace(world, self.credentials.roboto_token, self.credentials.roboto_org_id)
        self.foundry = FoundryFace(world, self.tokens.accepts)
        self.granite = GraniteFace(world, self.credentials.granite_api_key)
        self.moderately = ModeratelyFace(
            world, self.credentials.moderately_api_key, self.credentials.moderately_team_id
        )
        self.faces: tuple[Face, ...] = (self.roboto, self.foundry, self.granite, self.moderately)
        self.rate_limits: dict[Platform, RateLimit] = {}
        self._baselines: dict[Platform, dict[Part, Beginning]] = {}
        self._control = Control(self)
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer one request, whose path still has its mount prefix; pure but for log and fault counters."""
        with self._lock:
            now = self.clock()
            if request.path.startswith("/_simulator/"):
                return self._control.answer(request, now)
            face = next((f for f in self.faces if under(request.path, f.prefix)), None)
            if face is None:
                return self._answer_at_root(request, now)
            mounted = Request(
                request.method,
                request.path.removeprefix(face.prefix),
                request.query,
                request.headers,
                request.body,
                request.base + face.prefix,
            )
            return self._answer_at_face(face, mounted, now)

    def _answer_at_face(self, face: Face, request: Request, now: int) -> Response:
        exchange = Exchange(request, face, now)
        exchange.response.headers["Date"] = http_date(now)
        authorized = face.authorized(request, now)
        incidents = self.world.incidents
        if incidents.on("dead_upstream", face.platform, now):
            exchange.short(Response(delivery="refuse"))
        switches = self.faults.chosen(face.platform, request.path)
        self.faults.before(switches, exchange)
        if not authorized or incidents.on("expired_token", face.platform, now):
            exchange.short(face.error(401))
        self._apply_quota(exchange)
        if not exchange.answered:
            exchange.short(face.answer(exchange.request, now))
        self.faults.after(switches, exchange)
        self._record(exchange, authorized, tuple(switch.name for switch in switches))
        return exchange.response

    def _apply_quota(self, exchange: Exchange) -> None:
        """Announce the platform's rate limit, and refuse a request above it (or every third when it is low)."""
        face, now = exchange.face, exchange.now
        limit = self.rate_limits.get(face.platform)
        low = self.world.incidents.on("quota_low", face.platform, now) is not None
        refused, wait = low and self.log.count(face.platform) % 3 == 2, 2
        if limit is not None:
            quota = limit.take(now)
            exchange.response.headers |= face.quota_headers(quota.nearly_used if low else quota)
            if quota.exceeded:
                refused, wait = True, max(1, -(-(quota.reset_at - now) // SECOND))
        if refused:
            refusal = face.error(429)
            refusal.headers["Retry-After"] = str(wait)
            exchange.short(refusal)

    def _answer_at_root(self, request: Request, now: int) -> Response:
        known = self.tokens.knows(request)
        response = self.tokens.answer(request, now) if known else Response(404, {"error": "no such platform"})
        response.headers.setdefault("Date", http_date(now))
        self.log.add(Entry(now, "entra" if known else "", request.method, request.path, request.query, response.status))
        return response

    def _record(self, exchange: Exchange, authorized: bool, faults: tuple[str, ...]) -> None:
        request, response, face = exchange.request, exchange.response, exchange.face
        lost = response.delivery in ("refuse", "swallow", "hang", "reset")
        status = 0 if lost else response.status
        self.log.add(
            Entry(
                exchange.now,
                face.platform,
                request.method,
                request.path,
                request.query,
                status,
                authorized,
                "authorization" in request.headers or "x-granite-api-key" in request.headers,
                faults,
                {name: request.headers[name] for name in HEADERS_KEPT if name in request.headers},
            )
        )
        if status == 200 and response.body is None:
            self._begin(exchange)

    def _begin(self, exchange: Exchange) -> None:
        """Note what of the reader's baseline begins with a good answer."""
        face, end = exchange.face, exchange.face.asked_until
        sent = parse_http_date(exchange.response.headers.get("Date", ""))
        told = exchange.now if face.windowed or sent is None else sent - exchange.skew
        if end is not None and end <= exchange.now - SECOND:
            end = None  # asked by a clock that is wrong, which the reader notices, and asks again
        for part in face.begins(exchange.request):
            self._baselines.setdefault(face.platform, {}).setdefault(part, Beginning(told, end))

    # Ways in

    def transport(self) -> SimulatorTransport:
        """An httpx transport that answers in process, without sockets or threads."""
        return SimulatorTransport(self.handle)

    @contextmanager
    def serve(self, port: int = 0, host: str = "127.0.0.1", tls: SSLContext | None = None) -> Iterator[Server]:
        """A real server in threads of this process; ``server.base_url`` is where it listens."""
        server = Server(self.handle, host, port, tls)
        server.start()
        try:
            yield server
        finally:
            server.stop()

    def endpoints(self, base_url: str = DEFAULT_BASE_URL) -> dict[Platform, str]:
        """What to configure as ``endpoint`` of each platform."""
        return {face.platform: base_url.rstrip("/") + face.prefix for face in self.faces}

    # What must have been counted

    def truth(self, platform: Platform, since: int, until: int, baseline: int | None = None) -> Truth:
        """The true totals of ``(since, until]``; see ``exporter.simulator.truth.truth``."""
        return truth(self.world, platform, since, until, baseline)

    def baseline(self, platform: Platform) -> int | None:
        """The baseline time of whoever reads this platform, from its first good answer; nothing before that.

        For listings it is what ``Date`` said, in whole seconds (and wrong if only ``Date`` was wrong); for windowed
        platforms it is the instant of the reading.
        """
        begun = self._baselines.get(platform)
        return begun["others"].at if begun else None

    def totals(self, platform: Platform, until: int | None = None) -> Truth:
        """The true totals from that baseline to ``until``, by default now."""
        baseline = self.baseline(platform)
        if baseline is None:
            return Truth()
        windowed = next(face.windowed for face in self.faces if face.platform == platform)
        since = baseline if windowed else baseline - 1  # a listing's first instant is included
        until = self.clock() if until is None else until
        return truth(self.world, platform, since, until, baseline, begun=self._baselines[platform])

    def forget_baselines(self) -> None:
        """The next good answer starts a new baseline, as for a reader whose state is new."""
        self._baselines.clear()


def under(path: str, prefix: str) -> bool:
    """Whether a path lies at or below a mount prefix."""
    return path == prefix or path.startswith(prefix + "/")
