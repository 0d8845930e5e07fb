"""What the figures were measured on, and whether it had anything else to do."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Final

LOOK: Final = 2.0
"""Seconds for which the machine is watched."""
IDLE_ENOUGH: Final = 0.9
"""Share of the processors' time that must be idle."""


def describe() -> dict[str, str]:
    """Processor, memory, system and interpreter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{_release()}, Linux {platform.release().partition('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def busy() -> str:
    """A sentence on what else the machine does; empty when it is idle enough."""
    idle, total = _times()
    time.sleep(LOOK)
    later_idle, later_total = _times()
    share = (later_idle - idle) / max(1, later_total - total)
    return "" if share >= IDLE_ENOUGH else f"the machine is busy ({1 - share:.0%} of {os.cpu_count()} cores)"


def _times() -> tuple[int, int]:
    """Ticks of all processors: idle or waiting for a disk, and in all."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _release() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "an unnamed distribution"
    return release.get("PRETTY_NAME", release["NAME"])
