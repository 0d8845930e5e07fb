"""promtool and we take and refuse the same files, but for the list of what could not work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.web.configuration import read
from tests.real.binaries import PROMETHEUS_MAJORS, Binaries, prometheus_binaries
from tests.web.configuration.files import Certificates
from tests.web.configuration.oracle import GOOD, OLD, STRICTER, mutated, promtool_takes
from tests.web.configuration.test_mistakes import CASES


@pytest.fixture(params=PROMETHEUS_MAJORS, ids=lambda major: f"promtool{major}")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    """Each supported Prometheus in turn."""
    major: str = request.param
    return prometheus_binaries(major)


def ours(file: Path) -> list[str]:
    """Return what we say against a file."""
    try:
        read(file)
    except ConfigError as error:
        return list(error.problems)
    return []


def known_difference(text: str, problems: list[str]) -> bool:
    """Whether we refuse for a reason on the list."""
    if text.startswith(" ") and "is not YAML" in problems[0]:
        return True  # Go stops where the indentation falls below that of the first line, and forgets the rest
    return any(form.search(problem) for form in STRICTER for problem in problems)


def disagreements(binaries: Binaries, files: list[Path]) -> Iterator[str]:
    """Tell each file about which promtool and we disagree without a known reason."""
    for file, taken in zip(files, promtool_takes(binaries.promtool, files), strict=True):
        problems = ours(file)
        newer = binaries.version.startswith("2.") and OLD.search(file.read_text())
        if taken and problems and not known_difference(file.read_text(), problems):
            yield f"we refuse, promtool does not:\n{file.read_text()}\n{problems}"
        if not taken and not problems and not newer:
            yield f"promtool refuses, we do not:\n{file.read_text()}"


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_taken_with_its_warnings(name: str, made: Certificates) -> None:
    """What is not done as it is written is said, and nothing else."""
    text, warnings = GOOD[name]
    file = made.folder / f"good {name}.yml"
    file.write_text(text)
    found = read(file).warnings
    assert len(found) == len(warnings), found
    assert all(expected in warning for expected, warning in zip(warnings, found, strict=True)), found


@pytest.mark.real
def test_promtool_takes_the_good_ones(binaries: Binaries, made: Certificates) -> None:
    files = []
    for number, (text, _) in enumerate(GOOD.values()):
        file = made.folder / f"good-{number}.yml"
        file.write_text(text)
        files.append(file)
    assert list(disagreements(binaries, files)) == []


@pytest.mark.real
def test_promtool_refuses_the_mistakes(binaries: Binaries, made: Certificates) -> None:
    """Each, or it is on the list of what we refuse in addition."""
    files = []
    for case in CASES:
        file = made.folder / f"bad-{case.name}"
        file.write_text(case.read_text())
        files.append(file)
    assert list(disagreements(binaries, files)) == []


@pytest.mark.real
def test_promtool_agrees_about_mutations(binaries: Binaries, made: Certificates) -> None:
    """Files with lines, values and characters changed at random: a quarter of them or so are still good."""
    assert list(disagreements(binaries, mutations(made.folder, range(300)))) == []


@pytest.mark.real
@pytest.mark.nightly
def test_promtool_agrees_about_many_mutations(binaries: Binaries, made: Certificates) -> None:
    for first in range(1000, 21_000, 500):
        assert list(disagreements(binaries, mutations(made.folder, range(first, first + 500)))) == []


def mutations(folder: Path, seeds: range) -> list[Path]:
    """Write one file for each seed."""
    files = []
    for seed in seeds:
        file = folder / f"mutation-{seed}.yml"
        file.write_text(mutated(seed))
        files.append(file)
    return files
