"""Labels of the user's own: which names and values are possible."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from exporter.catalogue import ALL
from exporter.platforms.wrong import wrong

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAKEN_ELSEWHERE: Final = (
    *("job", "instance", "namespace", "pod", "container", "service", "node", "endpoint"),
    *("le", "quantile", "platform", "target"),
)
RESERVED_LABELS: Final = frozenset(_TAKEN_ELSEWHERE) | {label for metric in ALL for label in metric.labels}
"""Names that Prometheus, Kubernetes or our own metrics use."""

MAX_OWN_LABELS: Final = 5
MAX_LABEL_LENGTH: Final = 200


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Return the user's own labels, or say what is wrong with them."""
    if len(labels) > MAX_OWN_LABELS:
        raise wrong(f"has {len(labels)} labels", f"at most {MAX_OWN_LABELS} are possible")
    for name, value in labels.items():
        if not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            raise wrong(f'"{name}" is not a label name', "use letters, digits and _, no digit first, no __ in front")
        if name in RESERVED_LABELS:
            raise wrong(f'the label "{name}" is taken by Prometheus or by our metrics', "choose another name")
        if not value or len(value) > MAX_LABEL_LENGTH or not value.isprintable():
            raise wrong(f'the value of label "{name}" is no label value', f"write 1 to {MAX_LABEL_LENGTH} characters")
    return labels


OwnLabels = Annotated[dict[str, str], AfterValidator(check_labels)]
