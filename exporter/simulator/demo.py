"""Ready-made worlds: a handful of believable workloads per platform, from a seed.

``pace`` is the mean time between runs of one workload, in seconds. With the default of 20 something happens
every few seconds, which is what a demo and tests in real time want; 900 gives the quiet of a real account.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from exporter.simulator.clock import DAY, SECOND
from exporter.simulator.generate import Profile
from exporter.simulator.incidents import Rotation
from exporter.simulator.model import Platform, Trigger, whole_seconds
from exporter.simulator.opening import add_opening
from exporter.simulator.schedules import Cron, Every, Schedule
from exporter.simulator.world import World

ACTIONS: tuple[tuple[str, str], ...] = (
    ("ros_ingestion", ""),
    ("ros_ingestion", "og_roboto_public"),
    ("csv_processor", ""),
    ("mcap_thumbnails", "og_roboto_public"),
    ("Prüfstand-Auswertung 試験 №4", ""),
    ("anomaly_detector", ""),
    ("nightly_export", ""),
    ("map_tiles", ""),
)
"""Roboto actions with their owner; the public hub has one of the same name as our own."""

ROUTINES: tuple[tuple[str, str, str | None, str], ...] = (
    ("ticket-triage", "github_issue", None, "UTC"),
    ("inbox-summary", "custom", None, "UTC"),
    ("five-minute-check", "schedule", "*/5 * * * *", "UTC"),
    ("日次レポート", "custom", None, "UTC"),
    ("hourly-digest", "schedule", "0 * * * *", "Europe/Paris"),
    ("weekday-morning", "schedule", "0 7 * * 1-5", "W. Europe Standard Time"),
    ("release notes/v1", "custom", None, "UTC"),
    ("contract-review", "github_issue", None, "UTC"),
)
"""Foundry routines: name, kind of trigger, cron expression and zone."""

WORKFLOWS: tuple[tuple[str, str], ...] = (
    ("Generate Monthly Report", "scheduled"),
    ("Rechnungsprüfung 請求書", "endpoint"),
    ("Invoice Entry", "manual"),
    ("Supplier Portal Download", "scheduled"),
    ("CRM Clean-up", "endpoint"),
    ("Onboarding Forms", "manual"),
)
"""Granite workflows and what mostly starts them."""

AGENTS: tuple[str, ...] = (
    "Research Assistant",
    "契約審査 agent",
    "Support Triage",
    "Data Steward",
    "Release Notes Writer",
    "Lead Qualifier",
)
"""Moderately agents."""

ATTEMPT_SOURCES = {"schedule": "schedule_delivery", "timer": "timer_delivery"}


def demo_world(
    seed: int,
    start: int,
    platforms: Sequence[Platform] = ("roboto", "foundry", "granite", "moderately"),
    *,
    workloads: int = 6,
    history_days: float = 0.1,
    pace: float = 20.0,
    failures: float = 0.08,
    retries: float = 0.3,
    requeues: float = 0.0,
    rotation: bool = False,
    opening: bool = False,
) -> World:
    """A world that looks lived in at ``start`` (microseconds) and goes on.

    ``workloads`` of each platform, generated history of ``history_days`` before the start. ``requeues`` is the
    share of failed Roboto invocations that return to the queue. ``rotation`` plays one incident after another,
    ``opening`` makes everything that a platform can tell happen in the first minute.
    """
    script = Rotation(start, platforms=tuple(platforms)) if rotation else None
    world = World(seed, whole_seconds(start - round(history_days * DAY)), script)
    if "roboto" in platforms:
        _add_actions(world, workloads, pace, failures, requeues)
    if "foundry" in platforms:
        _add_routines(world, workloads, pace, failures, retries)
    if "granite" in platforms:
        _add_workflows(world, workloads, pace, failures)
    if "moderately" in platforms:
        _add_agents(world, workloads, pace, failures)
    if opening:
        add_opening(world, whole_seconds(start), tuple(platforms))
    return world


def _add_actions(world: World, number: int, pace: float, failures: float, requeues: float) -> None:
    for index in range(number):
        name, owner = ACTIONS[index % len(ACTIONS)]
        name = _numbered(name, index, len(ACTIONS))
        profile = Profile(
            schedule=_steady(world.seed, "roboto", index, pace),
            trigger_type="event" if index % 2 == 0 else None,
            trigger_name="on-upload" if index % 2 == 0 else None,
            jitter=max(1, round(pace / 2)),
            wait=pace / 10,
            duration=pace * (0.5 + index % 3),
            failures=failures,
            requeues=requeues,
        )
        world.add_workload(
            "roboto",
            name,
            owner=owner,
            triggers={"on-upload": Trigger("event")},
            at=world.history_start,
            profile=profile,
        )


def _add_routines(world: World, number: int, pace: float, failures: float, retries: float) -> None:
    for index in range(number):
        name, kind, cron, zone = ROUTINES[index % len(ROUTINES)]
        name = _numbered(name, index, len(ROUTINES))
        schedule = Cron(cron, zone) if cron else _steady(world.seed, "foundry", index, pace)
        profile = Profile(
            schedule=schedule,
            trigger_type=kind,
            trigger_name="main",
            attempt_source=ATTEMPT_SOURCES.get(kind, "event_fire"),
            action_type="invoke_agent_invocations_api" if index % 3 == 2 else "invoke_agent_responses_api",
            jitter=1 if cron else max(1, round(pace / 2)),
            wait=pace / 10,
            duration=pace * (0.5 + index % 3),
            failures=failures,
            retries=retries,
        )
        trigger = Trigger(kind, cron, zone, details=_details(kind))
        world.add_workload(
            "foundry",
            name,
            triggers={"main": trigger},
            agent=f"agent-{index % 3}",
            at=world.history_start,
            profile=profile,
        )


def _add_workflows(world: World, number: int, pace: float, failures: float) -> None:
    for index in range(number):
        name, kind = WORKFLOWS[index % len(WORKFLOWS)]
        profile = Profile(
            schedule=_steady(world.seed, "granite", index, pace),
            trigger_type=kind,
            jitter=max(1, round(pace / 2)),
            wait=pace / 10,
            duration=pace * (0.5 + index % 3),
            failures=failures,
            errors=(("element_not_found", None), ("timeout", None), ("login_failed", None)),
        )
        world.add_workload("granite", _numbered(name, index, len(WORKFLOWS)), at=world.history_start, profile=profile)


def _add_agents(world: World, number: int, pace: float, failures: float) -> None:
    for index in range(number):
        profile = Profile(
            schedule=_steady(world.seed, "moderately", index, pace),
            jitter=max(1, round(pace / 2)),
            wait=pace / 10,
            duration=pace * (0.5 + index % 3),
            failures=failures,
        )
        name = _numbered(AGENTS[index % len(AGENTS)], index, len(AGENTS))
        key = f"agent-{index + 1}"
        world.add_workload("moderately", name, key=key, at=world.history_start, profile=profile)


def _details(kind: str) -> dict[str, object]:
    match kind:
        case "github_issue":
            return {"connection_id": "gh", "owner": "contoso", "repository": "app", "issue_event": "opened"}
        case "custom":
            return {"provider": "contoso", "event_name": "received", "parameters": {}}
    return {}


def _steady(seed: int, platform: Platform, index: int, pace: float) -> Schedule:
    """Around ``pace`` seconds, and not the same for all workloads."""
    random = Random(f"{seed}|{platform}|{index}|pace")  # noqa: S311  reproducible on purpose
    period = max(2, round(pace * random.uniform(0.6, 1.4)))
    return Every(period * SECOND, random.randrange(period) * SECOND)


def _numbered(name: str, index: int, names: int) -> str:
    """Beyond the table of names they come again, with a number."""
    return name if index < names else f"{name} {index // names + 1}"
