"""The vendors' own environment variables: each fills in its key for the one target that lacks it.

Which variables there are, the platforms say (``TargetSettings.vendor_values``). When several targets lack the key,
nothing says whose value it is, and a credential must not go to an upstream by guess: that is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporter.config.messages import Mistake
from exporter.config.part import Part
from exporter.config.problems import Path, dotted
from exporter.platforms.credentials import VendorValue
from exporter.platforms.settings import TargetSettings


def fill_in(
    parts: Sequence[tuple[type[TargetSettings], Part]], environ: Mapping[str, str]
) -> Iterator[tuple[Part, Mistake]]:
    """Put values from the environment into the targets that lack them; yield what is ambiguous."""
    for claimants in _claims(parts, environ):
        for part, value in claimants:
            if len(claimants) == 1 or value.ambient:
                part.put(value.path, value.value, value.variable)
            else:
                yield part, _ambiguous(value, [other for other, _ in claimants])
                part.settled |= {value.path[0]}


def contested(parts: Sequence[tuple[type[TargetSettings], Part]]) -> frozenset[tuple[Path, Path]]:
    """Return the targets, with the key, that no variable could help: another target of the platform lacks it too."""
    return frozenset(
        (part.path, value.path)
        for claimants in _claims(parts, _Everything())
        for part, value in claimants
        if len(claimants) > 1 and not value.ambient
    )


class _Everything(Mapping[str, str]):
    """An environment in which every variable is set."""

    def __getitem__(self, name: str) -> str:
        return name

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _claims(
    parts: Sequence[tuple[type[TargetSettings], Part]], environ: Mapping[str, str]
) -> Iterable[Sequence[tuple[Part, VendorValue]]]:
    """Return, for each key of each platform, who lacks it, with what a variable would fill in."""
    claims: dict[tuple[type[TargetSettings], Path], list[tuple[Part, VendorValue]]] = {}
    for model, part in parts:
        for value in model.vendor_values(part.values, environ):
            claims.setdefault((model, value.path), []).append((part, value))
    return claims.values()


def _ambiguous(value: VendorValue, parts: Sequence[Part]) -> Mistake:
    names = ", ".join(str(part.values.get("name")) for part in parts)
    key = dotted(value.path)
    return Mistake(
        (value.path,),
        f"is missing, and {value.variable} in the environment could be meant for several targets ({names})",
        f"write {key} under each of them, or unset the variable",
    )
