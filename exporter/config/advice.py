"""What a configuration may say but hardly means: sums counted twice, credentials in the open, empty matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Final

from exporter.config.model import Settings, WorkloadRule
from exporter.platforms.durations import format_duration
from exporter.platforms.fields import plain_http
from exporter.platforms.foundry.settings import FoundrySettings
from exporter.platforms.granite.settings import GraniteSettings
from exporter.platforms.roboto.settings import RobotoSettings
from exporter.platforms.settings import TargetSettings
from exporter.times import MINUTE

_MOST_NAMED: Final = 12


def advice(settings: Settings) -> list[str]:
    """Return warnings, one sentence each, in the order of the file."""
    found = [
        f"targets[{index}] ({target.name}): {text}"
        for index, target in enumerate(settings.targets)
        for text in _of(target)
    ]
    found += _counted_twice(settings.targets)
    found += [
        f"workloads[{index}]: no target has this platform and name, so it never matches"
        for index, rule in enumerate(settings.workloads)
        if not any(_may_fit(rule, target) for target in settings.targets)
    ]
    return found


def _of(target: TargetSettings) -> Iterator[str]:
    if target.insecure_skip_verify:
        yield "insecure_skip_verify is on: anybody between here and the upstream can read and use the credentials"
    if plain_http(target.base_url):
        yield f"the credentials travel unencrypted to {target.base_url}"
    for secret in target.secrets():
        if secret.readable_by_others():
            yield f"every user of this machine can read the secret file {secret.path}; take that right away (chmod o-r)"
    if target.zero_hold == 0:
        yield "zero_hold is 0s: the first failure of a workload, and all while the exporter was down, escape increase()"
    match target:
        case RobotoSettings() if target.secret.read().startswith("robo_pat"):
            yield "tokens that begin with robo_pat are no longer accepted by Roboto; create a new one"
        case FoundrySettings() if "/api/projects/" not in target.base_url:
            yield "the endpoint is usually that of a project: https://ACCOUNT.services.ai.azure.com/api/projects/PROJECT"
        case GraniteSettings() if target.interval < 3 * MINUTE:
            yield (
                f"interval {format_duration(target.interval)} makes more requests than half of the free plan's"
                " 100 an hour; unless your plan allows more, write 3m or longer"
            )


def _counted_twice(targets: Sequence[TargetSettings]) -> Iterator[str]:
    """Yield one warning for all targets that read the same runs, each with each."""
    readers: dict[tuple[str, ...], list[int]] = {}
    for index, target in enumerate(targets):
        readers.setdefault(_account(target), []).append(index)
    reasons = {
        (first, second): text
        for indices in readers.values()
        for first, second in combinations(indices, 2)
        for text in _twice(targets[first], targets[second])
    }
    told: set[tuple[int, int]] = set()
    for pair, text in sorted(reasons.items()):
        if pair in told:
            continue
        group = list(pair)
        for other in range(pair[1] + 1, len(targets)):
            if all(reasons.get((member, other)) == text for member in group):
                group.append(other)
        told.update(combinations(group, 2))
        yield f"targets {_listed([targets[member].name for member in group])}: {text}"


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED + 1 else names
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _account(target: TargetSettings) -> tuple[str, ...]:
    """What a target reads, before any filter of its own."""
    match target:
        case GraniteSettings():
            account = target.secret.read()
        case RobotoSettings():
            account = target.scope or target.secret.read()
        case _:
            account = target.scope
    return target.platform, target.base_url, account


def _twice(first: TargetSettings, second: TargetSettings) -> Iterator[str]:
    """Say when two targets of one account read the same runs."""
    match first, second:
        case GraniteSettings(), GraniteSettings():
            if _overlap(first, second):
                yield "their filters let the same runs through, so sums over them count these more than once"
        case RobotoSettings(), _:
            yield "they read the same organisation, so sums over them count everything more than once"
        case _ if not _selects(first, second):
            yield "they read the same account, so sums over them count everything more than once"


def _selects(*targets: TargetSettings) -> bool:
    """Whether a target reads only some workloads, so that several may share an account on purpose."""
    return any(getattr(target, "include", ()) or getattr(target, "exclude", ()) for target in targets)


def _overlap(first: GraniteSettings, second: GraniteSettings) -> bool:
    left, right = first.filters.given(), second.filters.given()
    return all(left[key] == right[key] for key in left.keys() & right.keys())


def _may_fit(rule: WorkloadRule, target: TargetSettings) -> bool:
    match = rule.match
    return match.platform in (None, target.platform) and (
        match.target is None or fnmatchcase(target.name, match.target)
    )
