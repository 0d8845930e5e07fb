"""The table of faults, and what a fault gets to work with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from exporter.simulator.face import Face
from exporter.simulator.messages import Json, Request, Response

Stage = Literal["before", "after"]


@dataclass
class Exchange:
    """One request on its way through the simulator.

    ``workload`` narrows the fault at work to records of that name. ``skew`` is how far the upstream's clock is
    off, all its times alike (microseconds). ``afterwards`` is what a fault that has bent the request still wants
    to do to the answer. ``memory`` belongs to the switched fault that is at work and lasts from request to
    request.
    """

    request: Request
    face: Face
    now: int
    response: Response = field(default_factory=Response)
    answered: bool = False
    memory: dict[str, Json] = field(default_factory=dict)
    workload: str | None = None
    skew: int = 0
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311  reproducible on purpose

    def short(self, response: Response) -> None:
        """Answer with this, once and for all; headers already set (``Date``) are kept."""
        if not self.answered:
            response.headers = {**self.response.headers, **response.headers}
            self.response = response
            self.answered = True

    @property
    def rows(self) -> list[Json]:
        """The list of a good answer, itself, so that it can be cut and mixed; empty when there is none."""
        if self.response.status != 200 or self.response.body is not None:
            return []
        return self.face.rows(self.response.payload) or []

    @property
    def records(self) -> list[dict[str, Json]]:
        """The rows that are objects, to be bent in place: all, or those that carry the name of ``workload``."""
        objects = [row for row in self.rows if isinstance(row, dict)]
        if self.workload is None:
            return objects
        return [row for row in objects if self.workload in [row.get(name) for name in self.face.name_fields]]

    @property
    def is_listing(self) -> bool:
        """Whether the answer is a good one with a list in it."""
        good = self.response.status == 200 and self.response.body is None
        return good and self.face.rows(self.response.payload) is not None

    @property
    def is_first_page(self) -> bool:
        """Whether the request asks for the beginning of a listing."""
        parameters = self.request.parameters
        return not (parameters.get("after") or parameters.get("page_token") or parameters.get("page", "1") != "1")


@dataclass(frozen=True)
class Fault:
    """A named fault: ``apply(exchange, **options)`` at its stage. ``options`` are its settings with defaults."""

    name: str
    stage: Stage
    apply: Callable[..., None]

    @property
    def description(self) -> str:
        """What it does, in a sentence or two."""
        return inspect.getdoc(self.apply) or ""

    @property
    def options(self) -> dict[str, Any]:
        """Its settings and their defaults."""
        parameters = list(inspect.signature(self.apply).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in parameters}


_FAULTS: dict[str, Fault] = {}


def fault(stage: Stage) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the fault of its own name."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        _FAULTS[function.__name__] = Fault(function.__name__, stage, function)
        return function

    return register


def catalogue() -> dict[str, Fault]:
    """All faults by name."""
    return dict(sorted(_FAULTS.items()))


def find(name: str) -> Fault:
    """The fault of a name; ValueError with the known names when there is none."""
    try:
        return _FAULTS[name]
    except KeyError:
        raise ValueError(f"no fault is named {name!r}; there are {', '.join(sorted(_FAULTS))}") from None
