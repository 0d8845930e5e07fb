"""Environment variables in values: ``${NAME}``, ``${NAME:-default}``, and ``$$`` for one ``$``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""
    \$\$                                        # an escaped dollar
    | \$\{ (?P<name>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>[^}]*) )? \}
    | (?P<bad>\$\{)                             # opens, but is none of the above
    """,
    re.VERBOSE,
)

_SECRET = re.compile("key|secret|token|pass|credential|authorization|assertion", re.IGNORECASE)
"""Names of variables for which no default is suggested: it would be a secret in the file."""

_OF_SYSTEMD = "CREDENTIALS_DIRECTORY"


class VariableError(ValueError):
    """A variable is not set, or a ``${`` is not one. The message names the variable, never a value."""


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Return ``text`` with its variables put in, once: what they hold is not searched again.

    A default counts when the variable is unset or empty. A ``$`` before anything else stays as it is.
    Raises VariableError.
    """

    def value(match: re.Match[str]) -> str:
        if match["bad"]:
            raise VariableError(
                'has a "${" that is no variable; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign'
            )
        name = match["name"]
        if name is None:
            return "$"
        found = environ.get(name)
        if match["default"] is not None:
            return found or match["default"]
        if found is None:
            if name == _OF_SYSTEMD:
                right = "systemd sets it for a unit with LoadCredential, by hand set it to the folder of the secrets"
            else:
                right = "set it" if _SECRET.search(name) else f"set it, or write ${{{name}:-default}}"
            raise VariableError(f"needs the environment variable {name}, which is not set; {right}")
        return found

    return _TOKEN.sub(value, text)
