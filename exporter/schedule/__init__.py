"""When things run: every target's poll at its pace, timers, and what happens when the wall clock steps.

pace.py      when a job is due: slots on a grid, each with its own jitter; pure
workers.py   the threads that run jobs
watch.py     sees steps of the wall clock
jobs.py      ``Schedule``, APScheduler with the three above
"""

from __future__ import annotations

from exporter.schedule.jobs import Schedule

__all__ = ["Schedule"]
