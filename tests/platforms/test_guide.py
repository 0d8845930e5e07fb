"""``docs/adding-a-platform.md``, followed to the letter: its code, put where it says, polls an upstream and counts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from exporter.times import MINUTE, SECOND, Micros, SystemClock

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "docs" / "adding-a-platform.md"
CODE = re.compile(r"^```python (exporter/\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

RUNS = 250
NAME = "beacon"

CHANGES = (
    ("exporter/catalogue/model.py", r"(PlatformName = Literal\[.*)\]", r'\1, "beacon"]'),
    (
        "exporter/platforms/__init__.py",
        r"(?m)^(from exporter\.platforms\.base .*)$",
        r"\1\nfrom exporter.platforms.beacon import BeaconPlatform",
    ),
    (
        "exporter/platforms/__init__.py",
        r'(    "moderately": ModeratelyPlatform,\n)',
        r'\1    "beacon": BeaconPlatform,\n',
    ),
    (
        "exporter/config/model.py",
        r"(?m)^(from exporter\.platforms\.durations .*)$",
        r"from exporter.platforms.beacon.settings import BeaconSettings\n\1",
    ),
    ("exporter/config/model.py", r"(\| ModeratelySettings)", r"\1 | BeaconSettings"),
    ("exporter/config/model.py", r'(    "moderately": ModeratelySettings,\n)', r'\1    "beacon": BeaconSettings,\n'),
)
"""The three places: file, what stands there, what it becomes."""


class Beacon(BaseHTTPRequestHandler):
    """The invented platform: every fifth run failed, the newest two go on."""

    now: Micros = 0

    def do_GET(self) -> None:
        """Answer a page of the list."""
        assert self.headers["Authorization"] == "Bearer example-token"
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        first = int(query.get("cursor", ["0"])[0])
        after = first + int(query["limit"][0])
        runs = [self.run(index) for index in range(first, min(after, RUNS))]
        body = json.dumps({"runs": runs, "next_cursor": str(after) if after < RUNS else None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def run(self, index: int) -> dict[str, Any]:
        """Return a run; a higher index is older."""
        created = (self.now - index * MINUTE - 40 * SECOND) / SECOND
        open_, failed = index < 2, index % 5 == 0
        return {
            "id": f"r{RUNS - index}",
            "job_id": f"j{index % 2}",
            "job_name": f"job-{index % 2}",
            "status": "running" if open_ else "failed" if failed else "succeeded",
            "error_code": "E2" if failed else None,
            "created_at": created,
            "started_at": created + 10,
            "ended_at": None if open_ else created + 20,
        }

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[str]:
    """The address of the invented platform."""
    Beacon.now = SystemClock().now().wall
    with ThreadingHTTPServer(("127.0.0.1", 0), Beacon) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the program with the platform that the guide adds."""
    shutil.copytree(ROOT / "exporter", tmp_path / "exporter", ignore=shutil.ignore_patterns("__pycache__"))
    for path, code in CODE.findall(GUIDE.read_text()):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    for name, before, after in CHANGES:
        file = tmp_path / name
        changed, count = re.subn(before, after, file.read_text())
        assert count == 1, f"{name}: found {before!r} {count} times"
        file.write_text(changed)
    return tmp_path


def test_its_code_is_as_clean_as_ours(checkout: Path) -> None:
    """Formatted and linted as the rest; each place that is changed is named."""
    text = GUIDE.read_text()
    files = [path for path, _ in CODE.findall(text)]
    assert [Path(path).name for path in files] == [
        *("settings.py", "records.py", "fetch.py", "observe.py", "__init__.py"),
    ]
    assert all(f"`{name}`" in text for name, _, _ in CHANGES)
    for command in (("check",), ("format", "--check")):
        result = subprocess.run(
            (sys.executable, "-m", "ruff", *command, "--no-cache", "--config", ROOT / "pyproject.toml", *files),
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.real
def test_what_it_adds_works(checkout: Path, upstream: str) -> None:
    """One poll reads all pages and sees each run once, by outcome."""
    target = {"name": "ci", "platform": NAME, "token": "example-token", "endpoint": upstream}
    (checkout / "config.yaml").write_text(json.dumps({"targets": [target]}))
    done = subprocess.run(
        (sys.executable, "-m", "exporter.cli", "once", "--config.file=config.yaml"),
        cwd=checkout,
        env={"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    head, row = (line.split() for line in done.stderr.splitlines() if line.startswith(("target ", "ci ")))
    told = dict(zip(head, row, strict=False))
    failed = RUNS // 5 - 1  # the newest goes on
    assert (told["completed"], told["failed"]) == (str(RUNS - failed - 2), str(failed))
    assert told["active"] == "2"
    series = 'automation_active_runs{platform="beacon",target="ci",workload="job-0",state="running"} 1'
    assert series in done.stdout.splitlines()
