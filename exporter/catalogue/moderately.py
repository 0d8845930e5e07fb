"""What only Moderately AI has."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import Metric

STEP_BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200)

RUN_STEPS = Metric(
    "moderately_run_steps",
    "histogram",
    "Steps that an execution had taken when it ended.",
    ("workload", "outcome"),
    {"moderately": "currentStep of ended executions"},
    bounds=STEP_BOUNDS,
    durable=True,
)
STEP_LIMIT_REACHED = Metric(
    "moderately_step_limit_reached_total",
    "counter",
    "Executions that ended at their limit of steps.",
    ("workload",),
    {"moderately": "ended executions whose currentStep equals maxActions"},
    durable=True,
)
AGENT_LIFETIME_RUNS = Metric(
    "moderately_agent_lifetime_runs",
    "gauge",
    "Executions of the agent as the platform counts them, of all time; falls when executions are deleted.",
    ("workload",),
    {"moderately": "agents totalRuns"},
)
AGENT_LIFETIME_SUCCESSFUL_RUNS = Metric(
    "moderately_agent_lifetime_successful_runs",
    "gauge",
    "Successful executions of the agent as the platform counts them, of all time. The rest has not failed: it "
    "holds running, paused and cancelled ones too.",
    ("workload",),
    {"moderately": "agents successfulRuns"},
)

ROWS: Final = (RUN_STEPS, STEP_LIMIT_REACHED, AGENT_LIFETIME_RUNS, AGENT_LIFETIME_SUCCESSFUL_RUNS)
