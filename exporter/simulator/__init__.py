"""Simulated platforms: one world, the vendors' wire protocols over it, and the true totals.

Users develop dashboards against it, the demo runs on it and the tests are proved with it.

    world.py      workloads and runs as a function of (seed, time), or written by hand
    generate.py, schedules.py, incidents.py, demo.py   what happens in a generated world
    truth/        what must have been counted
    roboto.py, foundry.py, granite.py, moderately.py, entra.py   the faces, one a platform (face.py says what a face
                  is); their records stand beside them
    faults/       awkward answers by name
    simulator.py  all of it together; server.py and transport.py are the two ways in, control.py the switches

It shares no code with the exporter, so that its truth is a second opinion. Only ``exporter.simulated`` may import
it, for the command line.
"""

from __future__ import annotations

from exporter.simulator.clock import Clock, ManualClock, RealClock, ScaledClock
from exporter.simulator.demo import demo_world
from exporter.simulator.entra import Credentials
from exporter.simulator.face import CANARY
from exporter.simulator.faults import FaultBoard
from exporter.simulator.incidents import INCIDENTS, Rotation
from exporter.simulator.model import Change, Platform, Run, Trigger, Workload
from exporter.simulator.simulator import Simulator
from exporter.simulator.truth import Truth, active_runs, truth
from exporter.simulator.world import World

__all__ = [
    "CANARY",
    "INCIDENTS",
    "Change",
    "Clock",
    "Credentials",
    "FaultBoard",
    "ManualClock",
    "Platform",
    "RealClock",
    "Rotation",
    "Run",
    "ScaledClock",
    "Simulator",
    "Trigger",
    "Truth",
    "Workload",
    "World",
    "active_runs",
    "demo_world",
    "truth",
]
