"""What is possible but hardly meant is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import advice
from tests.config.conftest import Load

ROBOTO = "{name: a, platform: roboto, token: example-token"
GRANITE = "{name: a, platform: granite, api_key: example-key"
FOUNDRY = "{name: a, platform: foundry, auth: {kind: token, token: example-token}, endpoint: 'https://x.example.net"


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([ROBOTO + "}"], []),
        ([ROBOTO + ", insecure_skip_verify: true}"], ["insecure_skip_verify is on"]),
        ([ROBOTO + ", endpoint: 'http://x.example.net', allow_http: true}"], ["travel unencrypted"]),
        ([ROBOTO + ", endpoint: 'http://127.0.0.1'}"], []),
        ([ROBOTO + ", zero_hold: 0s}"], ["zero_hold is 0s"]),
        ([ROBOTO.replace("example-token", "robo_pat_example") + "}"], ["no longer accepted"]),
        ([GRANITE + ", interval: 1m}"], ["free plan"]),
        ([GRANITE + ", interval: 3m}"], []),
        ([FOUNDRY + "'}"], ["usually that of a project"]),
        ([FOUNDRY + "/api/projects/a'}"], []),
        ([ROBOTO + "}", ROBOTO.replace("name: a", "name: b") + "}"], ["same organisation"]),
        ([ROBOTO + ", org_id: og_a}", ROBOTO.replace("name: a", "name: b") + ", org_id: og_b}"], []),
        ([GRANITE + "}", GRANITE.replace("name: a", "name: b") + ", filters: {status: failed}}"], ["same runs"]),
        (
            [
                GRANITE + ", filters: {status: completed}}",
                GRANITE.replace("name: a", "name: b") + ", filters: {status: failed}}",
            ],
            [],
        ),
        ([GRANITE + "}", GRANITE.replace("name: a", "name: b").replace("example-key", "other-key") + "}"], []),
        (
            [FOUNDRY + "/api/projects/a'}", FOUNDRY.replace("name: a", "name: b") + "/api/projects/a'}"],
            ["same account"],
        ),
        (
            [
                FOUNDRY + "/api/projects/a', include: [x]}",
                FOUNDRY.replace("name: a", "name: b") + "/api/projects/a', exclude: [x]}",
            ],
            [],
        ),
    ],
)
def test_advice_on_targets(read: Load, targets: list[str], expected: list[str]) -> None:
    """Each unwise choice is named, right ones are not."""
    found = advice(read("targets:\n" + "".join(f"  - {target}\n" for target in targets)))
    assert len(found) == len(expected)
    for sentence, words in zip(found, expected, strict=True):
        assert words in sentence


def shared(read: Load, *filters: str) -> list[str]:
    """Return the advice on Granite targets t0, t1 ... of one key, with these filters."""
    targets = (
        f"{GRANITE}, filters: {{{each}}}}}".replace("name: a", f"name: t{at}") for at, each in enumerate(filters)
    )
    return advice(read("targets:\n" + "".join(f"  - {target}\n" for target in targets)))


SAME = "their filters let the same runs through, so sums over them count these more than once"


def test_targets_of_one_account_are_one_warning(read: Load) -> None:
    """Not one for each pair, and however many they are, it can be read."""
    assert shared(read, *[""] * 3) == [f"targets t0, t1 and t2: {SAME}"]
    assert shared(read, *[""] * 8) == [f"targets t0, t1, t2, t3, t4, t5, t6 and t7: {SAME}"]
    names = ", ".join(f"t{at}" for at in range(12))
    assert shared(read, *[""] * 13) == [f"targets {names} and t12: {SAME}"]
    assert shared(read, *[""] * 40) == [f"targets {names} and 28 more: {SAME}"]


def test_a_warning_names_only_targets_that_all_read_the_same(read: Load) -> None:
    """What t1 lets through reaches both of the others, and these have nothing in common."""
    assert shared(read, "status: failed", "", "status: completed", "status: failed") == [
        f"targets t0, t1 and t3: {SAME}",
        f"targets t1 and t2: {SAME}",
    ]


def test_expectation_that_no_target_can_meet(read: Load) -> None:
    """A match whose platform and target fit nothing is told."""
    found = advice(
        read(
            f"targets: [{ROBOTO}}}]\nworkloads:\n"
            "  - {match: {platform: granite}, labels: {team: data}}\n"
            "  - {match: {target: 'a*', workload: x}, labels: {team: data}}\n"
        )
    )
    assert found == ["workloads[0]: no target has this platform and name, so it never matches"]


def test_secret_file_that_all_can_read(read: Load, tmp_path: Path) -> None:
    """The file is named, its content is not."""
    file = tmp_path / "token"
    file.write_text("example-token")
    file.chmod(0o604)
    (sentence,) = advice(read("targets: [{name: a, platform: roboto, token_file: token}]"))
    assert str(file) in sentence
    assert "example-token" not in sentence
    file.chmod(0o640)
    assert advice(read("targets: [{name: a, platform: roboto, token_file: token}]")) == []
