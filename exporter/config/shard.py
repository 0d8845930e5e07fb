"""Several processes with one configuration, each with its share of the targets: ``--shard=1/3``.

Whose a target is depends on its name alone (rendezvous hashing): when a shard is added, only the targets that it takes
over move, and none moves between the others.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

from exporter.config.model import Settings
from exporter.errors import ConfigError

_FORM: Final = re.compile(r"([1-9][0-9]{0,3}|auto)/([1-9][0-9]{0,3})")
_ORDINAL: Final = re.compile(r".*-([0-9]{1,4})")


class Shard(NamedTuple):
    """Which share, from 1, of how many."""

    number: int = 1
    total: int = 1

    def has(self, target: str) -> bool:
        """Whether the target of this name is polled here."""
        return max(range(1, self.total + 1), key=lambda number: _weight(target, number)) == self.number

    def share(self, settings: Settings) -> Settings:
        """Return the settings with this share of the targets, which may be none."""
        mine = tuple(target for target in settings.targets if self.has(target.name))
        return settings.model_copy(update={"targets": mine})


EVERYTHING: Final = Shard()


def parse_shard(text: str, environ: Mapping[str, str] | None = None) -> Shard:
    """Return the share that ``text`` names: ``2/3``, or ``auto/3`` in a pod of a StatefulSet.

    ``auto`` takes the ordinal at the end of ``$POD_NAME``, else of the host name, which counts from 0.
    Raises ConfigError.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ConfigError([f"--shard {text!r}: not NUMBER/TOTAL; write for example 1/3 or auto/3"])
    total = int(match[2])
    number = _ordinal(text, os.environ if environ is None else environ) + 1 if match[1] == "auto" else int(match[1])
    if number > total:
        raise ConfigError([f"--shard {text!r}: this is number {number}, and there are only {total}; raise the total"])
    return Shard(number, total)


def _ordinal(text: str, environ: Mapping[str, str]) -> int:
    name = environ.get("POD_NAME") or socket.gethostname()
    match = _ORDINAL.fullmatch(name)
    if match is None:
        raise ConfigError(
            [
                f"--shard {text!r}: {name!r} does not end with a number; set POD_NAME to the name of a StatefulSet's "
                "pod, or write the number instead of auto"
            ]
        )
    return int(match[1])


def _weight(target: str, number: int) -> bytes:
    return blake2b(f"{number} {target}".encode(), digest_size=16).digest()
