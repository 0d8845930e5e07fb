"""Labels of the user's own: which names and values are possible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator

from exporter.catalogue import ALL
from exporter.platforms.wrong import Flaw, flawed

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAKEN_ELSEWHERE: Final = (
    *("job", "instance", "namespace", "pod", "container", "service", "node", "endpoint"),
    *("le", "quantile", "platform", "target"),
)
RESERVED_LABELS: Final = frozenset(_TAKEN_ELSEWHERE) | {label for metric in ALL for label in metric.labels}
"""Names that Prometheus, Kubernetes or our own metrics use."""

MAX_OWN_LABELS: Final = 5
MAX_LABEL_LENGTH: Final = 200


def _flaws(labels: Mapping[str, object]) -> Iterator[Flaw]:
    """Yield everything that is wrong. The values are not shown."""
    if len(labels) > MAX_OWN_LABELS:
        yield Flaw(None, f"has {len(labels)} labels", f"at most {MAX_OWN_LABELS} are possible")
    for name, value in labels.items():
        if not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            yield Flaw(name, "is not a label name", "use letters, digits and _, no digit first, no __ in front")
        elif name in RESERVED_LABELS:
            yield Flaw(name, "is taken by Prometheus or by our metrics", "choose another name")
        if value is None or value == "":
            yield Flaw(name, "has no value", f"write 1 to {MAX_LABEL_LENGTH} visible characters")
        elif not isinstance(value, str):
            yield Flaw(name, "has a value that is not text", "write one value")
        elif len(value) > MAX_LABEL_LENGTH or not value.isprintable():
            yield Flaw(name, "has a value that is not possible", f"write 1 to {MAX_LABEL_LENGTH} visible characters")


def check_labels(labels: object) -> object:
    """Return the user's own labels, or say everything that is wrong with them."""
    found = list(_flaws(labels)) if isinstance(labels, Mapping) else []
    if found:
        raise flawed(found)
    return labels


OwnLabels = Annotated[dict[str, str], BeforeValidator(check_labels)]
