"""The documents hold together: links lead somewhere, commands and metrics exist, what can be copied works."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml

from exporter import catalogue
from exporter.arguments import parser
from exporter.config import load_text
from tests.real.binaries import ROOT
from tests.real.exporter import CONSOLE_SCRIPT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "helm").rglob("README.md"), *ROOT.glob("*.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

LINK = re.compile(r"\]\((?!\w+://)([^)#\s]*)(?:#([^)\s]+))?\)")
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INSTALLED = "/opt/automation-exporter/bin/automation-exporter"
METRIC = re.compile(r"\b(?:automation|roboto|foundry|granite|moderately)_[a-z0-9_]+_[a-z0-9_]+\b")


def anchors(page: Path) -> set[str]:
    """Return the anchors that a renderer makes of headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading in it."""
    for target, anchor in LINK.findall(page.read_text()):
        found = page.parent / target if target else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), f"{target}#{anchor}"


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """Yield what a page shows in these languages."""
    return (text for language, text in BLOCK.findall(page.read_text()) if language in languages)


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the calls of the program that a page shows, without what is filled in by a reader."""
    for text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for name in ("automation-exporter", INSTALLED, "./run"):
                if words[:1] == [name] and (name != "./run" or words[1:2] == ["exporter"]):
                    yield words[2:] if name == "./run" else words[1:]


def test_commands_that_are_shown_exist() -> None:
    """The program's own parser takes each of them."""
    shown = [command for page in PAGES for command in commands(page)]
    assert len(shown) > 5
    for command in shown:
        with patch.dict("os.environ", {"POD_NAME": "automation-exporter-0"}):
            assert parser().parse_args(command)


@EVERY_PAGE
def test_metrics_that_are_named_exist(page: Path) -> None:
    """Or are what Prometheus makes of one: a bucket, a sum, a count."""
    known = {metric.name for metric in catalogue.ALL}
    known |= {f"{metric.name}{end}" for metric in catalogue.ALL for end in ("_bucket", "_sum", "_count", "_created")}
    prefixes = ("automation_exporter_", "automation_")
    named = {name for name in METRIC.findall(page.read_text()) if name.startswith(prefixes)}
    assert named <= known


def test_targets_of_the_first_hour_are_right(tmp_path: Path) -> None:
    """Each platform's example, once its secret exists, is a configuration without a mistake."""
    targets = []
    for text in blocks(ROOT / "docs" / "install.md", "yaml"):
        found = yaml.safe_load(text)
        if isinstance(found, list):
            targets += found
    assert [target["platform"] for target in targets] == ["roboto", "foundry", "granite", "moderately"]
    text = yaml.safe_dump({"targets": targets})
    for name in re.findall(r"/run/secrets/(\w+)", text):
        (tmp_path / name).write_text("example-token")
    text = text.replace("/run/secrets", str(tmp_path)).replace("'...'", "example").replace("...", "example")
    assert len(load_text(text, {}, name="install.md", folder=tmp_path).targets) == len(targets)


def test_a_file_for_systemd_is_checked_as_the_first_hour_says(tmp_path: Path) -> None:
    """By hand there are no credentials of systemd's and no variables of the unit: the page's own lines bring them."""
    page = ROOT / "docs" / "install.md"
    (block,) = (text for text in blocks(page, "sh") if "export CREDENTIALS_DIRECTORY" in text)
    lines = [line for line in block.splitlines() if not line.startswith(("sudo ", "exit", f"{INSTALLED} once"))]
    (drop_in,) = blocks(page, "ini")
    (credential,) = re.findall(r"^LoadCredential=(\w+):(/etc/.*)$", drop_in, re.MULTILINE)
    assert f"api_key_file: ${{CREDENTIALS_DIRECTORY}}/{credential[0]}" in page.read_text()
    files = {
        credential[1]: "example-key",
        "/etc/default/automation-exporter": 'ARGS="--web.listen-address=127.0.0.1:10077"\nTEAM=data\n',
        "/etc/automation-exporter/config.yaml": "targets:\n  - name: a\n    platform: granite\n    labels:\n"
        "      team: ${TEAM}\n    api_key_file: ${CREDENTIALS_DIRECTORY}/granite\n",
    }
    for name, text in files.items():
        file = tmp_path / name.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    script = "\n".join(lines).replace("/etc/", f"{tmp_path}/etc/").replace(INSTALLED, shlex.quote(str(CONSOLE_SCRIPT)))
    result = subprocess.run(
        ("sh", "-eu"), input=script, env={}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
