"""Who may ask, how often, and with which headers they are answered; real sockets and real hashes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.web import authentication
from exporter.web.configuration import WebConfiguration
from exporter.web.configuration.hashes import Hash
from exporter.web.server import Server
from tests.web.configuration.files import PASSWORD, hashed, write
from tests.web.secure import ask, basic
from tests.web.serving import RENDERED, Answer, Service, connected, eventually, request, serving

USERS = f"basic_auth_users:\n  alice: {hashed()}\n  bob: {hashed('another-password', cost=5)}\n"


@contextmanager
def guarded(folder: Path, text: str) -> Iterator[Server]:
    """Serve by a web configuration without TLS."""
    configuration = WebConfiguration(write(folder / "web.yml", text))
    with serving(Service().application(), configuration=configuration) as server:
        yield server


def get(server: Server, authorization: str | None = None, path: str = "/metrics", method: str = "GET") -> Answer:
    """Make one request with this Authorization header, or with none."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return request(server, method, path, **headers)


# Authentication


@pytest.mark.parametrize("path", ["/metrics", "/", "/api/v1/targets", "/-/healthy", "/-/ready", "/nowhere"])
def test_without_a_password_nothing_is_told(tmp_path: Path, path: str) -> None:
    with guarded(tmp_path, USERS) as server:
        answer = get(server, path=path)
        assert (answer.status, answer.text) == (401, "Unauthorized.\n")
        assert answer.headers["www-authenticate"] == 'Basic realm="automation-exporter", charset="UTF-8"'
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert get(server, method="HEAD", path=path).status == 401
        assert get(server, method="POST", path=path).status == 401


@pytest.mark.parametrize("spelling", ["Basic", "basic", "BASIC"])
def test_with_a_password_all_is_told(tmp_path: Path, spelling: str) -> None:
    with guarded(tmp_path, USERS) as server:
        for _ in range(3):
            assert get(server, basic("alice").replace("Basic", spelling)).body == RENDERED.text
        assert get(server, basic("bob", "another-password"), "/-/healthy").status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        basic("alice", "wrong"),
        basic("alice", ""),
        basic("alice", PASSWORD + "x"),
        basic("alice", PASSWORD[:-1]),
        basic("alice", "another-password"),  # somebody else's
        basic("Alice"),
        basic("carol"),
        basic("carol", "another-password"),
        basic(""),
        basic("", ""),
        "Basic",
        "Basic " + "!" * 20,
        "Basic YWxpY2U=",  # no colon
        basic("alice") + "=",
        basic("alice").replace("Basic", "Bearer"),
        basic("alice").removeprefix("Basic "),
        basic("alice", "x" * 30_000),
        basic("alice", PASSWORD + "\0"),
        "",
    ],
)
def test_a_wrong_password_is_none(tmp_path: Path, authorization: str) -> None:
    with guarded(tmp_path, USERS) as server:
        for _ in range(2):  # found out, and remembered
            assert get(server, authorization).status == 401
        assert get(server, basic("alice")).status == 200


def test_a_long_password_counts_with_its_first_72_bytes_as_bcrypt_has_it(tmp_path: Path) -> None:
    long = "ä" * 36
    with guarded(tmp_path, f"basic_auth_users: {{alice: {hashed(long)}}}\n") as server:
        assert get(server, basic("alice", long)).status == 200
        assert get(server, basic("alice", long + "more")).status == 200
        assert get(server, basic("alice", long[:-1])).status == 401


def test_changed_users_count_at_the_next_request_on_a_connection_that_stays(tmp_path: Path) -> None:
    with guarded(tmp_path, USERS) as server, connected(server) as client:
        assert ask(client, Authorization=basic("alice")).status == 200
        write(tmp_path / "web.yml", USERS.replace("alice", "carol"))
        assert ask(client, Authorization=basic("alice")).status == 401
        assert ask(client, Authorization=basic("carol")).status == 200
        write(tmp_path / "web.yml", f"basic_auth_users: {{carol: {hashed('new')}}}\n")
        assert ask(client, Authorization=basic("carol")).status == 401
        assert ask(client, Authorization=basic("carol", "new")).status == 200
        write(tmp_path / "web.yml", "")
        assert ask(client).status == 200


def test_a_bad_new_file_changes_nothing_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with guarded(tmp_path, USERS) as server, caplog.at_level(logging.INFO):
        caplog.clear()
        write(tmp_path / "web.yml", "basic_auth_users: {alice: secret-in-the-wrong-place}\n")
        for _ in range(3):
            assert get(server, basic("alice")).status == 200
            assert get(server).status == 401
        (tmp_path / "web.yml").unlink()
        assert get(server).status == 401
        write(tmp_path / "web.yml", "")
        assert get(server).status == 200
    assert [record.message.split(": ")[0] for record in caplog.records] == [
        "web configuration not reloaded, the one before it stays in use",
        "web configuration not reloaded, the one before it stays in use",
        "web configuration reloaded",
    ]
    assert "basic_auth_users.alice: is not a bcrypt hash" in caplog.text
    assert "secret-in-the-wrong-place" not in caplog.text


def test_nothing_shows_a_hash_or_a_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), guarded(tmp_path, USERS) as server:
        answers = [get(server, basic("alice")), get(server, basic("alice", "secret-guess")), get(server)]
        configuration = WebConfiguration(tmp_path / "web.yml")
        write(tmp_path / "web.yml", USERS.replace("bob", "dave"))
        answers.append(get(server, basic("dave", "another-password")))
    settings = configuration.settings
    told = caplog.text + repr(answers) + repr(settings) + repr(settings.users) + settings.summary()
    for secret in (PASSWORD, "secret-guess", "another-password", basic("alice")[6:], *(USERS.split()[2::2])):
        assert secret.rpartition("$")[2] not in told


class SlowHash(Hash):
    """A hash whose check takes until it is told to go on."""

    go_on = threading.Event()
    under_way = 0
    most = 0

    def fits(self, password: bytes) -> bool:
        """Wait, and count who waits at the same time."""
        SlowHash.under_way += 1
        SlowHash.most = max(SlowHash.most, SlowHash.under_way)
        try:
            assert self.go_on.wait(10)
            return super().fits(password)
        finally:
            SlowHash.under_way -= 1


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> type[SlowHash]:
    """Hashes that take until the event ``go_on``; it is set at first."""
    monkeypatch.setattr("exporter.web.configuration.reading.Hash", SlowHash)
    SlowHash.go_on.set()
    SlowHash.under_way = SlowHash.most = 0
    return SlowHash


def test_passwords_that_are_checked_hold_up_nobody_who_was_let_in(tmp_path: Path, slow: type[SlowHash]) -> None:
    """And they are checked one at a time, the same one once."""
    with guarded(tmp_path, USERS) as server:
        assert get(server, basic("alice")).status == 200
        slow.go_on.clear()
        answers: list[int] = []

        def guess(password: str) -> None:
            answers.append(get(server, basic("alice", password)).status)

        guesses = [threading.Thread(target=guess, args=(password,)) for password in ("a", "b", "c", "a", "a", "b")]
        for thread in guesses:
            thread.start()
        assert eventually(lambda: slow.under_way == 1)
        for _ in range(50):
            assert get(server, basic("alice")).status == 200
        assert answers == []
        slow.go_on.set()
        for thread in guesses:
            thread.join()
        assert answers == [401] * 6
        assert slow.most == 1


def test_one_peer_has_a_few_guesses_at_a_time(tmp_path: Path, slow: type[SlowHash]) -> None:
    """More are refused at once, so that what waits is bounded and others have their turn."""
    with guarded(tmp_path, USERS) as server:
        slow.go_on.clear()
        most = authentication.MOST_WAITING_OF_A_PEER
        answers: list[Answer] = []
        guesses = [
            threading.Thread(target=lambda number=number: answers.append(get(server, basic("alice", f"no {number}"))))
            for number in range(most + 5)
        ]
        for thread in guesses:
            thread.start()
        assert eventually(lambda: len(answers) == 5)
        assert {(answer.status, answer.headers["retry-after"]) for answer in answers} == {(503, "5")}
        slow.go_on.set()
        for thread in guesses:
            thread.join()
        assert sorted(answer.status for answer in answers) == [401] * most + [503] * 5
        assert get(server, basic("alice")).status == 200


def test_a_check_that_cannot_be_made_locks_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on threads or memory, reached for a while: try again, and then it is checked."""
    start, fits, failing = threading.Thread.start, Hash.fits, {"start", "fits"}

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "passwords" and "start" in failing:
            raise RuntimeError("can't start new thread")
        start(thread)

    def fail(self: Hash, password: bytes) -> bool:
        if "fits" in failing:
            raise MemoryError
        return fits(self, password)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(Hash, "fits", fail)
    with guarded(tmp_path, USERS) as server:
        for cause in ("start", "fits"):
            for _ in range(authentication.MOST_WAITING_OF_A_PEER + 1):
                answer = get(server, basic("alice"))
                assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            failing.remove(cause)
        assert get(server, basic("alice")).status == 200


def test_an_unknown_user_costs_a_check_of_a_cost_that_users_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Always the same one for a name, drawn from all: how long it takes tells nothing about who there is."""
    checked: list[int] = []
    fits = Hash.fits

    def watched(self: Hash, password: bytes) -> bool:
        checked.append(self.cost)
        return fits(self, password)

    monkeypatch.setattr(Hash, "fits", watched)
    with guarded(tmp_path, USERS) as server:
        for name in range(24):
            before = len(checked)
            for password in ("a", "b", PASSWORD):
                assert get(server, basic(f"nobody {name}", password)).status == 401
            assert len(checked) == before + 3
            assert len(set(checked[before:])) == 1
    assert set(checked) == {4, 5}


def test_a_result_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good or bad: a scrape costs no check, nor does one with an old password. Bad ones push no good ones out."""
    checked: list[bytes] = []
    fits = Hash.fits

    def watched(self: Hash, password: bytes) -> bool:
        checked.append(password)
        return fits(self, password)

    monkeypatch.setattr(Hash, "fits", watched)
    monkeypatch.setattr(authentication, "MOST_REFUSED", 10)
    with guarded(tmp_path, USERS) as server:
        for _ in range(3):
            assert get(server, basic("alice")).status == 200
            assert get(server, basic("alice", "old")).status == 401
        assert len(checked) == 2
        for number in range(20):
            assert get(server, basic("alice", f"guess {number}")).status == 401
        assert get(server, basic("alice")).status == 200
        assert len(checked) == 22
        assert get(server, basic("alice", "guess 19")).status == 401
        assert len(checked) == 22
        assert get(server, basic("alice", "guess 1")).status == 401
        assert len(checked) == 23


# Headers


def test_headers_are_added_and_take_the_place_of_ours(tmp_path: Path) -> None:
    """On every answer, also a refusal."""
    headers = (
        "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=31536000\n"
        "    X-Frame-Options: sameorigin\n    X-XSS-Protection:\n"
        "    Content-Security-Policy: \"default-src\\n 'self'\"\n"
    )
    with guarded(tmp_path, headers + USERS) as server:
        for answer in (
            get(server, basic("alice"), "/"),
            get(server, basic("alice")),
            get(server),
            get(server, "", "/x"),
        ):
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert answer.headers["x-frame-options"] == "sameorigin"
            assert answer.headers["content-security-policy"] == "default-src 'self'"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "x-xss-protection" not in answer.headers


# Rate limit


def test_more_than_the_burst_is_refused(tmp_path: Path) -> None:
    """Before anybody asks who it is: a guess is a request too."""
    with guarded(tmp_path, "rate_limit: {interval: 1h, burst: 3}\n" + USERS) as server:
        assert get(server).status == 401
        assert get(server, basic("alice")).status == 200
        assert get(server, basic("alice")).status == 200
        answer = get(server, basic("alice"))
        assert (answer.status, answer.text) == (429, "Too Many Requests.\n")
        assert answer.headers["retry-after"] == "3600"
        write(tmp_path / "web.yml", "rate_limit: {interval: 1h, burst: 1}\n")
        assert [get(server).status, get(server).status] == [200, 429]
        write(tmp_path / "web.yml", "rate_limit: {interval: 0, burst: 1}\n")
        assert [get(server).status, get(server).status] == [200, 200]


def test_a_limit_that_did_not_change_stays_used_up(tmp_path: Path) -> None:
    """A renewed certificate or another user gives nobody new requests."""
    limit = "rate_limit: {interval: 1h, burst: 1}\n"
    with guarded(tmp_path, limit) as server:
        assert [get(server).status, get(server).status] == [200, 429]
        write(tmp_path / "web.yml", limit + USERS)
        assert get(server).status == 429
