"""What a right configuration becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import Objective, Settings, load
from exporter.errors import ConfigError
from exporter.platforms.foundry import settings as foundry_settings
from exporter.platforms.foundry.settings import ClientSecretAuth, FoundrySettings, WorkloadIdentityAuth
from exporter.platforms.granite.settings import GraniteSettings
from exporter.platforms.moderately.settings import ModeratelySettings
from exporter.platforms.roboto.settings import RobotoSettings
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.config.conftest import Load

EXAMPLE = Path(__file__).parents[2] / "examples" / "config.yaml"

ROBOTO = "targets:\n  - {name: fleet, platform: roboto, token: example-token"
FOUNDRY = "targets:\n  - {name: support, platform: foundry, endpoint: 'https://account.example.net/api/projects/a'"


def only(settings: Settings) -> RobotoSettings:
    """Return the one Roboto target."""
    (target,) = settings.targets
    assert isinstance(target, RobotoSettings)
    return target


def test_example_is_a_whole_configuration() -> None:
    """The example file loads, with one target of each platform and typed expectations."""
    names = ("ROBOTO_API_KEY", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    environ = dict.fromkeys((*names, "GRANITE_API_KEY", "MODERATELY_API_KEY"), "example-value")
    settings = load(EXAMPLE, environ)
    assert [type(target) for target in settings.targets] == [
        RobotoSettings,
        FoundrySettings,
        GraniteSettings,
        ModeratelySettings,
    ]
    assert settings.targets[0].labels == {"team": "perception", "tier": "1"}
    expected = Objective(success_ratio=0.99, max_silence=26 * HOUR, max_active=2 * HOUR)
    assert settings.workloads[0].objective == expected
    assert settings.state == Path("/var/lib/automation-exporter/state.db")


def test_defaults_are_those_of_the_counting_rules(read: Load) -> None:
    """A target that says nothing of its pace gets the documented one."""
    target = only(read(ROBOTO + "}\n"))
    limits = target.limits()
    assert limits.interval == MINUTE
    assert limits.overlap == HOUR
    assert limits.deep_interval == 10 * MINUTE
    assert limits.sweep_interval == HOUR
    assert limits.memory == 8 * DAY
    assert limits.open_run_max_age == 7 * DAY
    assert limits.settle == DAY
    assert limits.max_window == 7 * DAY
    assert limits.schedule_grace == 10 * MINUTE
    assert limits.forget_after == 100 * DAY
    assert (limits.max_workloads, limits.max_label_values) == (1000, 50)
    assert (target.jitter, target.requests_per_minute) == (0.1, 120)
    assert target.zero_hold == 2 * MINUTE
    client = target.client_settings()
    assert (client.timeout, client.max_response_bytes, client.verify) == (15.0, 64 * 1024**2, True)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("interval: 1m", 15 * MINUTE),
        ("interval: 10m", 50 * MINUTE),
        ("interval: 10m, stale_after: 11m", 11 * MINUTE),
    ],
)
def test_levels_go_stale_after_five_intervals(read: Load, written: str, expected: int) -> None:
    """Without ``stale_after`` it is five intervals, at least a quarter of an hour."""
    assert only(read(f"{ROBOTO}, {written}}}\n")).limits().stale_after == expected


def test_defaults_hold_where_the_target_says_nothing(read: Load) -> None:
    """A key of ``defaults`` counts for each target without it, and replaces a platform's own default."""
    settings = read(
        "targets:\n"
        "  - {name: a, platform: roboto, token: example-token, interval: 5m}\n"
        "  - {name: b, platform: granite, api_key: example-key}\n"
        "  - {name: c, platform: granite, api_key: example-key, filters: {status: failed}}\n"
        "defaults: {interval: 2m, timeout: 5s}\n"
    )
    assert [target.interval for target in settings.targets] == [5 * MINUTE, 2 * MINUTE, 2 * MINUTE]
    assert {target.timeout for target in settings.targets} == {5 * SECOND}


def test_granite_is_polled_every_three_minutes(read: Load) -> None:
    """The free plan allows 100 requests an hour."""
    (target,) = read("targets: [{name: a, platform: granite, api_key: example-key}]\n").targets
    assert target.interval == 3 * MINUTE


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://API.Example.net/", "https://api.example.net"),
        ("HTTPS://api.example.net:443/v1//", "https://api.example.net/v1"),
        ("https://api.example.net:8443/a/b/", "https://api.example.net:8443/a/b"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost/x", "http://localhost/x"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://gateway.localhost", "http://gateway.localhost"),
    ],
)
def test_endpoint_has_one_spelling(read: Load, written: str, expected: str) -> None:
    """Host in lower case, no default port, no slash at the end; plain http to this machine needs no permission."""
    assert only(read(f"{ROBOTO}, endpoint: '{written}'}}\n")).base_url == expected


def test_plain_http_can_be_allowed(read: Load) -> None:
    """``allow_http`` permits another machine."""
    target = only(read(f"{ROBOTO}, endpoint: 'http://gateway.example.net', allow_http: yes}}\n"))
    assert target.base_url == "http://gateway.example.net"


def test_identity_is_the_upstream_and_what_is_read_of_it(read: Load) -> None:
    """State belongs to platform, address and scope; name, pace and credentials may change (rule 28)."""
    plain = only(read(ROBOTO + "}\n"))
    assert plain.identity == "roboto https://api.roboto.ai"
    other = only(read(ROBOTO.replace("fleet", "renamed").replace("example-token", "other-token") + ", interval: 5m}\n"))
    assert other.identity == plain.identity
    assert only(read(ROBOTO + ", org_id: og_a}\n")).identity == "roboto https://api.roboto.ai og_a"
    (granite,) = read(
        "targets: [{name: a, platform: granite, api_key: example-key, filters: {status: failed}}]"
    ).targets
    assert granite.identity == "granite https://api.getgranite.ai status=failed"


def test_plain_words_are_text_where_text_is_due(read: Load) -> None:
    """YAML's own ideas about ``no``, ``1.10`` and ``08`` do not change a label."""
    target = only(read(ROBOTO + ", labels: {country: no, release: 1.10, zone: 08, day: 2026-01-02}}\n"))
    assert target.labels == {"country": "no", "release": "1.10", "zone": "08", "day": "2026-01-02"}


def test_anchors_and_merges_work(read: Load) -> None:
    """What is merged in yields to what is written."""
    first, second = read(
        "targets:\n"
        "  - &base {name: a, platform: roboto, token: example-token, interval: 5m}\n"
        "  - {<<: *base, name: b, timeout: 3s}\n"
    ).targets
    assert (first.name, second.name) == ("a", "b")
    assert (second.interval, second.timeout) == (5 * MINUTE, 3 * SECOND)


def test_files_are_found_from_the_configuration(tmp_path: Path) -> None:
    """Relative paths of secrets start at the folder of the file."""
    (tmp_path / "token").write_text("example-token\n")
    file = tmp_path / "config.yaml"
    file.write_text("targets: [{name: a, platform: roboto, token_file: token}]\n")
    assert only(load(file, {})).secret.read() == "example-token"


def test_foundry_kinds(read: Load) -> None:
    """Each kind of auth has its own keys."""
    auth = "auth: {kind: client_secret, tenant_id: t, client_id: c, client_secret: example-secret}"
    (target,) = read(f"{FOUNDRY}, {auth}, features: off}}\n").targets
    assert isinstance(target, FoundrySettings)
    assert isinstance(target.auth, ClientSecretAuth)
    assert target.auth.secret.read() == "example-secret"
    assert target.features is None
    assert [secret.read() for secret in target.secrets()] == ["example-secret"]


@pytest.mark.parametrize("kind", ["managed_identity", "default"])
def test_kinds_that_need_the_extra(read: Load, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Without azure-identity only ``token`` works, and the message names the extra."""
    text = f"{FOUNDRY}, auth: {{kind: {kind}}}}}\n"
    assert read(text).targets[0].platform == "foundry"
    monkeypatch.setattr(foundry_settings, "azure_identity_installed", lambda: False)
    with pytest.raises(ConfigError) as error:
        read(text)
    (problem,) = error.value.problems
    expected = f'needs azure-identity, found "{kind}"; install automation-exporter[azure]'
    assert problem == f"config.yaml:2: targets[0].auth.kind: {expected}"


def test_workload_identity_is_shared_by_all_who_ask_for_it(read: Load, tmp_path: Path) -> None:
    """A pod has one identity: the cluster's variables serve every target that names this kind."""
    (tmp_path / "assertion").write_text("example-assertion")
    text = "targets:\n" + "".join(
        f"  - {{name: {name}, platform: foundry, endpoint: 'https://account.example.net/api/projects/{name}',"
        " auth: {kind: workload_identity}}\n"
        for name in "ab"
    )
    targets = read(
        text,
        AZURE_TENANT_ID="tenant",
        AZURE_CLIENT_ID="client",
        AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "assertion"),
    ).targets
    for target in targets:
        assert isinstance(target, FoundrySettings)
        assert isinstance(target.auth, WorkloadIdentityAuth)
        assert target.auth.federated_token_file.read() == "example-assertion"


def test_selection_by_patterns(read: Load) -> None:
    """``exclude`` wins over ``include``; without ``include`` all are read."""
    target = only(read(ROBOTO + ', include: ["support-*", b], exclude: ["*-test"]}\n'))
    assert [target.selects(name) for name in ("support-a", "b", "B", "support-test", "c")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert only(read(ROBOTO + "}\n")).selects("anything")


def test_expectations_fit_by_pattern(read: Load) -> None:
    """All that a match gives must fit."""
    settings = read(
        ROBOTO + "}\nworkloads:\n  - {match: {platform: roboto, workload: 'n*'}, labels: {team: data}}\n"
        "  - {match: {target: 'f*'}, objective: {max_active: 2h}}\n"
    )
    first, second = (rule.match for rule in settings.workloads)
    assert first.fits("roboto", "any", "nightly")
    assert not first.fits("foundry", "any", "nightly")
    assert not first.fits("roboto", "any", "daily")
    assert second.fits("granite", "fleet", "x")
    assert not second.fits("granite", "other", "x")


def test_nothing_secret_in_a_dump(read: Load) -> None:
    """Settings printed, dumped or serialised do not show the token."""
    settings = read(ROBOTO + "}\n")
    assert "example-token" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, ": cannot be read: No such file or directory"),
        (b"\xff\xfe", ":1: is not UTF-8 text (byte 1 of the line is 0xFF); save the file as UTF-8"),
        (b"a: 1\nb: caf\xe9\n", ":2: is not UTF-8 text (byte 7 of the line is 0xE9); save the file as UTF-8"),
        (b"[" * 20_000, ": is nested too deeply"),
    ],
)
def test_unreadable_file(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A file that is absent or no text is one problem."""
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load(file, {})
    assert error.value.problems == (f"{file}{message}",)


def test_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "config.yaml"
    file.write_text("\ufefftargets: [{name: a, platform: roboto, token: example-token}]\n", encoding="utf-8")
    assert only(load(file, {})).name == "a"


def test_aliases_of_aliases_are_bounded(read: Load) -> None:
    """A small file that unfolds to millions of values is refused quickly."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    with pytest.raises(ConfigError, match="holds more than 100000 values"):
        read("\n".join(lines) + "\n")
