"""Each rule broken on purpose is noticed: the table is complete and up to date, and at night it is tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.counting.mutations import ALL, Mutation

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("README.md")
RULES = range(1, 32)
HASTY = "tests.counting.hasty"
"""A plugin that spares hypothesis the search for the smallest failure."""


@cache
def names_in(module: str) -> frozenset[str]:
    """The names of a module's tests."""
    text = (ROOT / module).read_text("utf-8")
    return frozenset(re.findall(r"^(?:def|class) (test_\w+)", text, re.M)) | frozenset(
        re.findall(r"^(Test\w+) =", text, re.M)
    )


def exists(test: str) -> bool:
    module, _, name = test.partition("::")
    return (ROOT / module).exists() and (not name or name.partition("[")[0] in names_in(module))


def test_every_rule_is_broken_at_least_once() -> None:
    assert {mutation.rule for mutation in ALL} == set(RULES)


@pytest.mark.parametrize("mutation", ALL, ids=lambda mutation: f"{mutation.rule}: {mutation.breaks}")
def test_the_table_is_up_to_date(mutation: Mutation) -> None:
    """What is to be changed stands exactly once in its file, and the tests that must notice exist."""
    assert (ROOT / mutation.file).read_text("utf-8").count(mutation.old) == 1
    assert mutation.new != mutation.old
    assert mutation.tests
    assert all(exists(test) for test in mutation.tests)


def rows() -> dict[int, list[str]]:
    """The tests that the README names, by rule."""
    found = {}
    for line in README.read_text("utf-8").splitlines():
        row = re.match(r"\| (\d+) \|", line)
        if row is not None:
            found[int(row[1])] = re.findall(r"`([\w./]+\.py(?:::\w+)?)`", line)
    return found


def test_the_readme_names_tests_for_every_rule() -> None:
    named = rows()
    assert list(named) == list(RULES)
    for rule, tests in named.items():
        assert tests, rule
        assert not [test for test in tests if not exists(test)], rule


def test_the_readme_names_the_modules_that_notice_a_broken_rule() -> None:
    named = {rule: {test.partition("::")[0] for test in tests} for rule, tests in rows().items()}
    for mutation in ALL:
        assert {test.partition("::")[0] for test in mutation.tests} <= named[mutation.rule], mutation.breaks


# At night.


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the package and its tests, to be broken."""
    folder = tmp_path_factory.mktemp("mutated")
    for name in ("exporter", "tests", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    yield folder
    shutil.rmtree(folder)


def failures(package: Path, tests: tuple[str, ...]) -> tuple[set[str], str]:
    """Run tests in the copy; return those that failed, by their names without parameters, and what was printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "-p", HASTY, "--tb=no", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(package)}
    done = subprocess.run(
        command, cwd=package, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+?)(?:\[| |$)", done.stdout, re.M)
    return {test.removesuffix("::runTest") for test in failed}, done.stdout + done.stderr


@pytest.mark.nightly
def test_the_copy_is_sound(package: Path) -> None:
    """Else every rule would seem to be noticed."""
    every = tuple(sorted({test for mutation in ALL for test in mutation.tests}))
    failed, output = failures(package, every)
    assert not failed, output
    assert " passed" in output


@pytest.mark.nightly
@pytest.mark.parametrize("mutation", ALL, ids=lambda mutation: f"{mutation.rule}: {mutation.breaks}")
def test_a_broken_rule_is_noticed(package: Path, mutation: Mutation) -> None:
    """By each of the tests that are named for it."""
    file = package / mutation.file
    sound = file.read_text("utf-8")
    file.write_text(sound.replace(mutation.old, mutation.new), "utf-8")
    try:
        failed, output = failures(package, mutation.tests)
    finally:
        file.write_text(sound, "utf-8")
    missed = {
        test
        for test in (test.partition("[")[0] for test in mutation.tests)
        if not any(name == test or name.startswith(f"{test}::") for name in failed)
    }
    assert not missed, output
