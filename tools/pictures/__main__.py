"""Draws the dashboards: ``python -m tools.pictures [--again]`` writes ``docs/pictures/``.

Two days of the exporter's history are put into a real Prometheus (``tests/real/history.py``), every panel's
questions are asked, and the answers are drawn by Grafana's published components in headless Chromium. No Grafana
server takes part: the header and the frames around panels are this tool's.

Needs promtool and prometheus, node with npm, chromium, pngquant, and fonts for the names (Inter; one with Japanese):
on Debian the packages prometheus, npm, chromium, pngquant, fonts-inter and fonts-noto-cjk.
``--again`` takes the history of the last time, which is what you want while you change how things look.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.real import history
from tests.real.asked import AT, RANGE, RESOLUTION, answer, prometheus_with_history, selection
from tests.real.binaries import find_binaries
from tests.real.prometheus import Prometheus
from tools import dashboards
from tools.dashboards.reading import Asked, Json, load, questions, variables

ROOT: Final = Path(__file__).resolve().parent.parent.parent
HERE: Final = Path(__file__).resolve().parent
CACHE: Final = ROOT / ".cache" / "pictures"
PICTURES: Final = ROOT / "docs" / "pictures"

WIDTH: Final = 1440
CELL: Final = 38
"""Pixels of a grid unit with its gap."""
HEADER: Final = 96
FIRST_SCREEN: Final = 20
"""Grid units that a person sees of a dashboard without scrolling."""

CHOSEN: Final = {"platform": ["foundry"], "target": ["support-routines"], "workload": ["five-minute-check"]}
"""What the dashboard of one workload shows."""

PAGE: Final = """\
<!doctype html><meta charset="utf-8"><title>picture</title>
<link rel="stylesheet" href="{program}/page.css"><body><div id="page"></div>
<script>
// The history ended long ago; "3 hours ago" must count from its end.
const Real = Date;
window.Date = class extends Real {{
  constructor(...given) {{ given.length ? super(...given) : super({now}); }}
  static now() {{ return {now}; }}
}};
window.PICTURE = {picture};
</script>
<script src="{program}/page.js"></script>
"""

CHROMIUM: Final = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--virtual-time-budget=8000",
)


def bundle() -> None:
    """Install what package-lock.json says, if need be, and make the page's program, ``page.js`` and ``page.css``."""
    if not (HERE / "node_modules" / ".package-lock.json").is_file():
        subprocess.run(("npm", "ci", "--no-audit", "--no-fund", "--silent"), cwd=HERE, check=True)
    subprocess.run(("npm", "run", "--silent", "bundle"), cwd=HERE, check=True)


def picture(prometheus: Prometheus, dashboard: Json, **others: str) -> dict[str, Any]:
    """Ask everything that a dashboard asks, and say what the page must know; ``others`` replaces variables."""
    picked = CHOSEN if dashboard["uid"] == "automation-workload" else {}
    given = selection(prometheus, dashboard, picked) | others
    answers: dict[int, list[dict[str, Any]]] = {}
    for asked in questions(dashboard):
        rows = [{"labels": labels, "points": points} for labels, points in answer(prometheus, asked, given).rows]
        answers.setdefault(asked.panel["id"], []).append(_answer(asked, rows))
    return {
        "title": dashboard["title"],
        "variables": [
            {"label": variable["label"], "value": _shown(variable, picked)}
            for variable in variables(dashboard).values()
            if variable["type"] != "constant"
        ],
        "from": AT - RANGE,
        "to": AT,
        "step": RESOLUTION,
        "width": WIDTH,
        "panels": [{"panel": panel, "answers": answers.get(panel["id"], [])} for panel in dashboard["panels"]],
    }


def _answer(asked: Asked, rows: Sequence[Json]) -> dict[str, Any]:
    target = next(target for target in asked.panel["targets"] if target["refId"] == asked.ref)
    return {"refId": asked.ref, "legend": asked.legend, "table": target["format"] == "table", "rows": rows}


def _shown(variable: Json, picked: Json) -> str:
    if variable["type"] == "datasource":
        return "Prometheus"
    return ", ".join(picked.get(variable["name"], ["All"]))


def write(name: str, data: Json) -> Path:
    """Write a page that draws itself from ``data``."""
    page = CACHE / f"{name}.html"
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    page.write_text(PAGE.format(now=round(AT * 1000), picture=text, program=CACHE.as_uri()), encoding="utf-8")
    return page


def draw(page: Path, units: int, path: Path) -> None:
    """Take a screenshot of the first ``units`` grid units of a page."""
    with tempfile.TemporaryDirectory() as folder:
        command = (
            *CHROMIUM,
            f"--user-data-dir={folder}",
            f"--window-size={WIDTH},{HEADER + units * CELL + 8}",
            f"--screenshot={path}",
            page.as_uri(),
        )
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    subprocess.run(("pngquant", "--force", "--strip", "--ext=.png", "128", path), check=True)


def main(arguments: Sequence[str]) -> int:
    """Write all pictures."""
    missing = [name for name in ("npm", "chromium", "pngquant", "prometheus", "promtool") if shutil.which(name) is None]
    if missing:
        print(f"pictures: not found: {', '.join(missing)}")
        return 1
    files = sorted(CACHE.glob("*.om")) if "--again" in arguments else []
    if not files:
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        files = history.write(CACHE)
    bundle()
    PICTURES.mkdir(parents=True, exist_ok=True)
    binaries = next(iter(find_binaries().values()))
    with (
        tempfile.TemporaryDirectory() as folder,
        prometheus_with_history(binaries, Path(folder), files) as prometheus,
    ):
        for dashboard in load(ROOT / dashboards.FOLDER):
            name = dashboard["uid"].removeprefix("automation-")
            units = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
            page = write(name, picture(prometheus, dashboard))
            draw(page, units, PICTURES / f"grafana-{name}.png")
            if name == "overview":
                draw(page, FIRST_SCREEN, PICTURES / "grafana-first-screen.png")
                blind = write("blind", picture(prometheus, dashboard, job="another"))
                draw(blind, FIRST_SCREEN, PICTURES / "grafana-blind.png")
            print(f"drew {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
