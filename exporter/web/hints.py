"""What to do about an error, by its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.catalogue.model import PlatformName
from exporter.errors import Reason
from exporter.web.views import Exposure

HINTS: Final[Mapping[Reason, str]] = {
    "timeout": "The platform answered too slowly. If that is usual for it, raise the target's timeout.",
    "connection": "Check that this host reaches the endpoint: name resolution, firewall, proxy.",
    "tls": "Check the endpoint's certificate, and that this host trusts who signed it.",
    "unauthorized": "Check the target's credentials: they may be missing, mistyped, expired or revoked. A file that "
    "holds them is read again at the next poll; the configuration, after a reload.",
    "forbidden": "The credentials are valid but may not read this: give their owner read access.",
    "not_found": "Check the target's endpoint and its organisation, project or team.",
    "rate_limited": "Fewer requests are allowed than are made: raise the interval. If it is our own "
    "requests_per_minute that is used up, raise it as far as the platform allows; if others share the credentials, "
    "lower it.",
    "server_error": "The platform failed. Its status page may say more; polling goes on.",
    "invalid_response": "What answered does not speak the platform's API: check the endpoint for a proxy or a "
    "login page in between.",
    "too_large": "Narrow the target with include or filters, or raise max_response_bytes.",
    "state": "The state file cannot be read or written: check its folder's free space and permissions.",
    "internal": "This is a bug of the exporter: please report it with the log line.",
}

DEGRADED: Final[Mapping[str, str]] = {
    "first_walk": "The history is still being read, a part at each poll; it is not counted.",
    "workload_error": "The runs of some workload could not be read; the others go on. The last error says more.",
    "listing_error": "The list of runs could not be read whole at the last poll. The last error says more.",
    "max_series": "Not everything has series of its own: what came when max_series was reached is added up as _other. "
    "Drop labels (drop_labels), narrow the target with include or exclude, or raise max_series.",
    "unsorted": "The platform lists runs out of order; they are read whole once an hour.",
}
"""What the reasons of ``automation_exporter_target_degraded`` mean; platforms may have further ones."""

UNREAD: Final = frozenset({"workload_error", "listing_error"})
"""Those of them that a part of the last poll failed for."""

FEED_LACKS: Final[Mapping[PlatformName, str]] = {
    "roboto": "Roboto tells sums only, no single runs: look for them in its console.",
    "granite": "Granite names its latest failures only: look for others in its console.",
}
"""Why runs of a platform may have failed that the page does not show."""

EXPOSURES: Final[Mapping[Exposure, str]] = {
    "certificate not verified": "insecure_skip_verify is on: anybody between here and the platform can take the "
    "credentials. Set ca_file instead.",
    "not encrypted": "The endpoint is plain http: anybody between here and the platform can read the credentials.",
}
"""What the warnings about a target's configuration mean."""
