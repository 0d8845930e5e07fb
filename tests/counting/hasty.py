"""A plugin for tests that are meant to fail: a failure is found the same way every time, and not made smaller."""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile("hasty", phases=(Phase.explicit, Phase.generate), database=None, derandomize=True)
settings.load_profile("hasty")
