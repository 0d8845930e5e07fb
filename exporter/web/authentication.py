"""Basic authentication: who may ask, found out without holding up those who were let in before.

bcrypt is slow on purpose. Each password is checked once, on a thread of its own, one at a time; the result is kept
under a digest whose key nobody else has. What waits is bounded, in all and for each peer, so that guessing costs the
guesser time and the others nothing.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import logging
import secrets
from collections import Counter, OrderedDict
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Final, NamedTuple

from exporter.threads import DaemonThread
from exporter.web.configuration.hashes import Hash

log = logging.getLogger(__name__)

MOST_WAITING: Final = 64
MOST_WAITING_OF_A_PEER: Final = 4
MOST_REFUSED: Final = 1024
"""Wrong credentials that are remembered, so that a scraper with an old password costs nothing either."""


class Busy(Exception):
    """Too many passwords wait to be checked."""


class Login(NamedTuple):
    """What somebody says of themselves."""

    user: bytes
    password: bytes


def login_of(authorization: bytes | None) -> Login | None:
    """Return what an Authorization header says; None when it is absent or of another kind."""
    scheme, _, encoded = (authorization or b"").partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) % 4:
        return None
    try:
        user, colon, password = binascii.a2b_base64(encoded, strict_mode=True).partition(b":")
    except binascii.Error:
        return None
    return Login(user, password) if colon else None


class Logins:
    """Knows who was let in. Everything but the computing happens on one event loop."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._let_in: dict[bytes, tuple[Hash, bytes]] = {}
        """By user: the hash and the digest of the password that fits. One each, so nobody can push others out."""
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}
        self._peers: Counter[str] = Counter()
        self._checks: SimpleQueue[_Check] = SimpleQueue()
        self._thread: DaemonThread | None = None

    def known(self, users: Mapping[bytes, Hash], login: Login) -> bool | None:
        """Return what an earlier check found; None when there was none. Costs microseconds."""
        claimed = users.get(login.user)
        digest = self._digest(login, claimed)
        if self._let_in.get(login.user) == (claimed, digest):
            return True
        return False if digest in self._refused else None

    async def check(self, users: Mapping[bytes, Hash], login: Login, peer: str) -> bool:
        """Return whether user and password are right. Raises Busy when too many wait, or it cannot be found out now."""
        claimed = users.get(login.user)
        digest = self._digest(login, claimed)
        found = self._waiting.get(digest)
        if found is None:
            if len(self._waiting) >= MOST_WAITING or self._peers[peer] >= MOST_WAITING_OF_A_PEER:
                raise Busy
            found = self._start(digest, claimed or self._decoy(users, login.user), login.password, peer)
        right = await asyncio.shield(found) and claimed is not None
        if right and claimed is not None:
            self._let_in[login.user] = (claimed, digest)
        else:
            self._refused[digest] = None
            if len(self._refused) > MOST_REFUSED:
                self._refused.popitem(last=False)
        return right

    def _start(self, digest: bytes, hashed: Hash, password: bytes, peer: str) -> asyncio.Future[bool]:
        self._begin()
        future = asyncio.get_running_loop().create_future()
        self._waiting[digest] = future
        self._peers[peer] += 1

        def done(_: object) -> None:
            del self._waiting[digest]
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

        future.add_done_callback(done)
        self._checks.put(_Check(hashed, password, future))
        return future

    def _begin(self) -> None:
        if self._thread is None:
            # A daemon: a check that takes long must not hold the end of the program.
            thread = DaemonThread(_work, "passwords", (self._checks,))
            try:
                thread.start()
            except RuntimeError:  # a limit of the system, which the next one may find raised
                raise Busy from None
            self._thread = thread

    def _decoy(self, users: Mapping[bytes, Hash], user: bytes) -> Hash:
        """Return the hash of somebody else to check in vain, so that who is unknown waits as long as who is known.

        Costs may differ between users: always the same one for a name, and drawn from all, it tells nothing.
        """
        number = int.from_bytes(hashlib.blake2b(user, key=self._key, digest_size=8).digest())
        return sorted(users.items())[number % len(users)][1]

    def _digest(self, login: Login, claimed: Hash | None) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=16)
        for part in (login.user, login.password, b"" if claimed is None else claimed.digest(self._key)):
            digest.update(len(part).to_bytes(4))
            digest.update(part)
        return digest.digest()


class _Check(NamedTuple):
    hashed: Hash
    password: bytes
    future: asyncio.Future[bool]


def _work(checks: SimpleQueue[_Check]) -> None:
    while True:
        check = checks.get()
        try:
            fits = check.hashed.fits(check.password)
        except Exception as error:  # noqa: BLE001  nothing may end this thread: nobody would be let in any more
            log.error("a password cannot be checked: %s", type(error).__name__)  # noqa: TRY400
            fits = None
        try:
            check.future.get_loop().call_soon_threadsafe(_tell, check.future, fits)
        except RuntimeError:  # the loop has ended, and with it everybody who waited
            return


def _tell(future: asyncio.Future[bool], fits: bool | None) -> None:
    """Say what was found; None: nothing, and whoever waits shall ask again."""
    if future.done():
        return
    if fits is None:
        future.set_exception(Busy())
    else:
        future.set_result(fits)
