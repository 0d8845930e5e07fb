"""Grafana's own types of dashboards, from its Foundation SDK.

They are the classic ones on purpose: the SDK warns that they are deprecated, but the second version, which it
recommends, cannot be imported into Grafana 10 to 12.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import bargauge, common, dashboard, prometheus, stat, table, timeseries, units

__all__ = ["JSONEncoder", "bargauge", "common", "dashboard", "prometheus", "stat", "table", "timeseries", "units"]
