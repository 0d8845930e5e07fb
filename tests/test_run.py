"""The way in: what ``./run`` says and does before any environment exists."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What the script itself needs; there is no Python and no uv among them.
SMALL_TOOLS = ("cat", "cmp", "dirname", "flock", "mkdir", "sh")


def run(
    script: Path, *arguments: str, cwd: Path, path: Sequence[Path] | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CI": "true"}
    env.pop("PYTHON", None)
    if path is not None:
        env["PATH"] = ":".join(map(str, path))
    return subprocess.run(
        (script, *arguments),
        cwd=cwd,
        env=env,
        text=True,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script in a fresh checkout whose path has a space."""
    root = tmp_path / "a fresh checkout"
    shutil.copytree(ROOT / "requirements", root / "requirements")
    shutil.copy(ROOT / "run", root / "run")
    return root


@pytest.fixture
def small_tools(tmp_path: Path) -> Path:
    """A folder for PATH with the small tools only."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in SMALL_TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


def write_program(path: Path, text: str) -> None:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_help_lists_every_command(arguments: Sequence[str], tmp_path: Path) -> None:
    """From any folder, without arguments too."""
    result = run(ROOT / "run", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    for command in ("demo", "exporter", "test", "check", "docs", "lock", "help"):
        assert f"\n  {command} " in result.stdout


def test_an_unknown_command_is_an_error(tmp_path: Path) -> None:
    """With the way to the right one."""
    result = run(ROOT / "run", "demmo", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "run: there is no command 'demmo'; ./run help lists them\n")


def test_without_python_one_line_says_what_to_install(checkout: Path, small_tools: Path) -> None:
    """The line comes on standard error, the exit code is 1, and nothing half-made is taken for whole later."""
    for _ in range(2):
        result = run(checkout / "run", "demo", cwd=checkout, path=[small_tools])
        assert result.returncode == 1
        assert result.stderr.splitlines()[1:] == [
            "run: install uv, or Python 3.11 or later with its venv module (on Debian: apt-get install python3-venv)"
        ]


def test_an_old_python_and_a_broken_shim_are_passed_over(checkout: Path, small_tools: Path) -> None:
    """The first candidate that works makes the environment; here it only tells that it was asked to."""
    write_program(small_tools / "python3.13", "echo 'shim: not installed' >&2; exit 127")
    write_program(small_tools / "python3.12", "exit 1")
    python = shlex.quote(sys.executable)
    write_program(small_tools / "python3", f'[ "$1" = -c ] && exec {python} "$@"; echo "$@"; exit 9')
    result = run(checkout / "run", "demo", cwd=checkout, path=[small_tools])
    assert (result.returncode, result.stdout) == (9, f"-m venv --clear {checkout}/.cache/venv/run\n")


def test_a_current_environment_is_used_as_it_is(checkout: Path, small_tools: Path, tmp_path: Path) -> None:
    """Nothing is installed, the caller's folder and arguments reach the program unchanged."""
    venv = checkout / ".cache" / "venv" / "run"
    write_program(venv / "bin" / "python", "exit 1")
    write_program(venv / "bin" / "automation-exporter", 'echo "$PWD"; printf "%s|" "$@"')
    locks = [(checkout / "requirements" / name).read_text() for name in ("run.txt", "build.txt")]
    (venv / "made-from").write_text(f"{checkout}\n\n{''.join(locks)}")
    result = run(checkout / "run", "exporter", "check-config", "a file", cwd=tmp_path, path=[small_tools])
    assert (result.stderr, result.stdout) == ("", f"{tmp_path}\ncheck-config|a file|")

    (checkout / "requirements" / "run.txt").write_text("changed\n")
    result = run(checkout / "run", "demo", cwd=tmp_path, path=[small_tools])
    assert "installing requirements/run.txt" in result.stderr
