"""A process that has loaded the exporter's code and makes exporters of itself: ``python -m tools.chaos.nursery``.

Most of a start is the loading of code, in which nothing of ours happens that a kill could meet; a thousand starts
would be half an hour of it. So each exporter is a fork of one process that did it once: a process of its own from
there on, with its own log, environment and end. What is asked comes as lines of JSON on standard input:

    {"arguments": ["--clock=...", ...], "log": "exporter.log", "env": {"NAME": "value"}}

and is answered with ``{"pid": 7}``, and with ``{"pid": 7, "code": -9}`` when that process has ended. At the end of
the input every process ends.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import select
import signal
import sys
import traceback
from typing import Any

from exporter import killpoints
from tools.chaos import service


def main() -> int:
    """Make processes until the input ends."""
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    running: set[int] = set()
    while True:
        ready = select.select([0, wake], [], [])[0]
        if wake in ready:
            os.read(wake, 1024)
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.discard(pid)
                _say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})
        if 0 in ready:
            line = sys.stdin.buffer.readline()
            if not line:
                break
            pid = os.fork()
            if not pid:
                _be(json.loads(line))
            running.add(pid)
            _say({"pid": pid})
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    return 0


def _say(told: dict[str, int]) -> None:
    print(json.dumps(told), flush=True)


def _be(asked: dict[str, Any]) -> None:
    """Be an exporter from here on; never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, target)
        faulthandler.enable()
        os.environ.update(asked["env"])
        importlib.reload(killpoints)  # it looks at the environment once
        code = service.main(asked["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  whatever it was, the log of this exporter says it
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
