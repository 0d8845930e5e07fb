"""Shell completion, tried in the shells that are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.arguments import PROGRAM, parser
from exporter.completion import SHELLS, offers, script


def completed(words: list[str], tmp_path: Path) -> list[str]:
    """What bash offers for the last of these words, which it has split at ``=``."""
    file = tmp_path / "completion"
    file.write_text(script("bash", PROGRAM, parser()))
    line = " ".join(f"'{word}'" for word in (PROGRAM, *words))
    command = f'. {file}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _automation_exporter; echo "${{COMPREPLY[@]}}"'
    result = subprocess.run(("bash", "-c", command), capture_output=True, text=True, check=True, timeout=20)
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is missing")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["check"], ["check-config", "check-web-config"]),
        (["state", ""], ["info", "verify", "backup", "rename-target", "forget", "--help"]),
        (["state", "info", "--log"], ["--log.level", "--log.format"]),
        (["run", "--config"], ["--config.file", "--config.auto-reload"]),
        (["run", "--config.file", "=", "x.yaml", "--shar"], ["--shard"]),
        (["run", "--log.format", "=", "js"], ["json"]),
        (["run", "--log.format", "="], ["logfmt", "json"]),
        (["run", "--log.level", "wa"], ["warn"]),
        (["run", "--config.file", "=", "con"], []),  # a file
        (["once", "--target", ""], []),  # a value, and no flag
        (["once", "--target", "--"], []),
        (["run", "--state.reset", "--shar"], ["--shard"]),
        (["completion", "b"], ["bash"]),
        (["nonsense"], []),
    ],
)
def test_bash_offers_what_can_follow(words: list[str], offered: list[str], tmp_path: Path) -> None:
    """Commands, their own flags, and values where there is a closed list."""
    assert completed(words, tmp_path) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_flag_is_in_every_script(shell: str) -> None:
    """None is forgotten, since all come from the parser."""
    text = script(shell, PROGRAM, parser())
    for path, offer in offers(parser()):
        for word in (*path, *offer.flags):
            assert word.removeprefix("--") in text


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_understand_their_scripts(shell: str, tmp_path: Path) -> None:
    """They are read without a complaint."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing")
    file = tmp_path / "completion"
    file.write_text(script(shell, PROGRAM, parser()))
    result = subprocess.run((shell, "-n", file), capture_output=True, text=True, check=False, timeout=20)
    assert (result.returncode, result.stderr) == (0, "")
