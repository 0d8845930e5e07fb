"""The status page in a real Chromium: accessible by axe-core's rules, dark and light, wide and narrow.

Needs ``chromium`` on PATH and axe-core: ``axe.min.js`` in ``.cache``, where ``.ci/tools`` puts it, or ``$AXE_CORE``.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.web.pages import status_page, wanted
from exporter.web.selection import RunFilter
from tests.real.binaries import ROOT, give_up
from tests.web.samples import RUNS, STATUS

pytestmark = pytest.mark.real

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")

RUN = """
axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(found => {
  const report = document.createElement("pre");
  report.id = "report";
  report.textContent = JSON.stringify({
    violations: found.violations.map(each => [each.id, each.nodes.map(node => node.html)]),
    passes: found.passes.map(each => each.id),
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  });
  document.body.append(report);
});
"""


def axe() -> str:
    """The library's text, or the end of the test."""
    found = Path(os.environ.get("AXE_CORE") or ROOT / ".cache" / "axe.min.js")
    return found.read_text() if found.is_file() else give_up("axe-core")


def look(page: str, folder: Path, width: int, flags: Sequence[str]) -> dict[str, Any]:
    """Return what axe-core says of a page."""
    chromium = shutil.which("chromium") or give_up("chromium")
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{axe()}</script><script>{RUN}</script></body>"))
    size = f"--window-size={width},1000"
    profile = f"--user-data-dir={folder / 'profile'}"
    command = (chromium, *FLAGS, *flags, size, profile, "--virtual-time-budget=20000", "--dump-dom", file.as_uri())
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    report = re.search(r'<pre id="report">(.*?)</pre>', result.stdout, re.DOTALL)
    assert report is not None, result.stderr
    told: dict[str, Any] = json.loads(html.unescape(report[1]))
    return told


@pytest.mark.parametrize("width", [1400, 500])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_accessible(tmp_path: Path, width: int, dark: bool) -> None:
    """Contrasts, names, landmarks, tables; and nothing is cut off at the side."""
    view = replace(STATUS, reload_error="config.yaml:3: no such key")
    page = status_page(view, RUNS, wanted("-series", "", "", RunFilter(targets=("support",))))
    told = look(page, tmp_path, width, DARK if dark else ())
    assert told["violations"] == []
    assert "color-contrast" in told["passes"]
    assert told["dark"] is dark
    assert told["wide"] == 0
