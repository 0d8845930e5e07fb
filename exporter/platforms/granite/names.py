"""Workflows by name, which is all that Granite tells of their identity. Pure."""

from __future__ import annotations

from typing import Final

from exporter.platforms import labels

UNNAMED: Final = labels.UNNAMED


def identity(name: str) -> str:
    """Return what a workflow is known by. The empty name stands for the whole target elsewhere."""
    return f"{name}_" if name in labels.RESERVED else name or UNNAMED


def asked(workflow: str) -> str | None:
    """Return the name to ask for, None for the workflow without one: no filter finds it."""
    if workflow == UNNAMED:
        return None
    return workflow[:-1] if workflow[:-1] in labels.RESERVED else workflow
