"""The command line of the benchmarks: ``python -m bench``, or ``./run bench``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.kit import machine, page, results
from bench.kit.processes import Processes
from bench.kit.script import Bench, Script, scripts
from bench.kit.tables import goals_table
from bench.kit.tools import missing

OK, FAILED, REFUSED = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for; 2 when it would make no sense here."""
    known = scripts()
    chosen = _parser(known).parse_args(arguments)
    if chosen.write:
        return _write(chosen.results)
    names = chosen.script or list(known)
    unknown = sorted(set(names) - set(known))
    if unknown:
        return _refuse(f"there is no script {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = {name: known[name] for name in known if name in names}
    busy = "" if chosen.quick else machine.busy()
    for refusal in _refusals(wanted, busy, chosen):
        return _refuse(refusal)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))  # so that what was started is ended
    failed = [name for name, script in wanted.items() if not _run(name, script, chosen, busy)]
    if not chosen.quick:
        _write(chosen.results)
    if failed:
        print(f"bench: failed: {', '.join(failed)}", file=sys.stderr)
    return FAILED if failed else OK


def _parser(known: Mapping[str, Script]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench", description="Measure the exporter beside its peers.")
    parser.add_argument("script", nargs="*", help=f"of {', '.join(known)}; without any, all of them")
    parser.add_argument("--quick", action="store_true", help="smallest sizes; shows tables and keeps nothing")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md anew, measure nothing")
    parser.add_argument("--skip-missing", action="store_true", help="leave out what is not installed, and say so")
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too, and say so")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="where figures are kept")
    return parser


def _refusals(wanted: Mapping[str, Script], busy: str, chosen: argparse.Namespace) -> list[str]:
    if not Path("/proc/self/stat").exists():
        return ["Linux is needed: memory and processor time are read from /proc"]
    lacking = missing(tool for script in wanted.values() for tool in script.TOOLS)
    if lacking and not chosen.skip_missing:
        return [
            "; ".join(f"{tool.name} is missing ({tool.remedy})" for tool in lacking)
            + "; --skip-missing measures without and says so"
        ]
    if busy and not chosen.anyway:
        return [f"{busy}: figures would mean little; wait, or use --anyway"]
    return []


def _refuse(sentence: str) -> int:
    print(f"bench: {sentence}", file=sys.stderr)
    return REFUSED


def _run(name: str, script: Script, chosen: argparse.Namespace, busy: str) -> bool:
    """Run one script and show what it found; keep that unless this is only a try."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="automation-exporter-bench-") as folder, Processes(Path(folder)) as all_:
        bench = Bench(name, Path(folder), all_, quick=chosen.quick)
        bench.say("begins")
        try:
            found = script.measure(bench)
        except Exception as error:  # noqa: BLE001  the others are still of use
            bench.say(f"failed: {error!r}\n{all_.log_tails()}")
            return False
    bench.say(f"took {time.monotonic() - started:.0f} s")
    result = results.Result(name, found, bench.skipped, machine.describe(), results.today(), busy)
    print(f"\n## {script.TITLE}\n\n{goals_table(script.goals(found))}\n\n{script.section(found)}\n", flush=True)
    if not chosen.quick:
        results.save(result, chosen.results)
    return True


def _write(folder: Path) -> int:
    page.PATH.write_text(page.page(folder), "utf-8")
    print(f"wrote {page.PATH.relative_to(page.ROOT)}")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
