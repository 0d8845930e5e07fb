"""``docs/platforms/``, a page a platform, from the accounts of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from exporter.platforms.accounting import Account, Fate, PlatformAccount, To
from exporter.platforms.foundry.fields import ACCOUNT as FOUNDRY
from exporter.platforms.granite.fields import ACCOUNT as GRANITE
from exporter.platforms.moderately.fields import ACCOUNT as MODERATELY
from exporter.platforms.roboto.fields import ACCOUNT as ROBOTO

ACCOUNTS: Final = (ROBOTO, FOUNDRY, GRANITE, MODERATELY)

HEAD: Final = """\
# {title}

Written by `./run docs` from `exporter/platforms/{name}/fields.py`; do not edit.

{intro}

The metrics are described in [metrics.md](../metrics.md). One query works on all platforms, for example the share of
runs that completed, by workload:

    sum by (platform, target, workload) (rate(automation_runs_total{{outcome="completed"}}[1d]))
      / sum by (platform, target, workload) (rate(automation_runs_total{{outcome=~"completed|failed"}}[1d]))

## Where each field goes

Every field that the platform's documentation, or a response that we know, has in these records. `metric{{label}}` means
that the field fills the label.
"""


def pages() -> Mapping[str, Callable[[], str]]:
    """Return the pages by path, as ``tools.generate`` wants them."""
    return {f"docs/platforms/{account.name}.md": partial(page, account) for account in ACCOUNTS}


def page(account: PlatformAccount) -> str:
    """Return the whole text of one page."""
    parts = [HEAD.format(title=account.title, name=account.name, intro=account.intro)]
    parts += [_table(each) for each in account.accounts]
    if account.unfed:
        rows = "".join(f"| `{name}` | {why} |\n" for name, why in account.unfed.items())
        parts.append(f"## What it cannot feed\n\n| metric of all platforms | why not |\n| --- | --- |\n{rows}")
    if account.unread:
        rows = "".join(
            f"| `{each.request}` | {', '.join(f'`{name}`' for name in each.fields)} | {each.why} |\n"
            for each in account.unread
        )
        parts.append(
            f"## What is not asked for\n\n| request | its records have | why not |\n| --- | --- | --- |\n{rows}"
        )
    if account.notes:
        parts.append("## Good to know\n\n" + "".join(f"- {note}\n" for note in account.notes))
    return "\n".join(parts)


def _table(account: Account) -> str:
    rows = "".join(f"| `{name}` | {_fate(fate)} |\n" for name, fate in account.fields.items())
    return f"### {account.title}\n\n| field | goes to |\n| --- | --- |\n{rows}"


def _fate(fate: Fate) -> str:
    if fate.why:
        return f"not published: {fate.why}"
    shown = ", ".join(map(_to, fate.feeds))
    if not shown:
        return f"not published itself: {fate.serves}"
    return f"{shown}; {fate.serves}" if fate.serves else shown


def _to(target: To) -> str:
    return f"`{target.metric.name}{{{target.label}}}`" if target.label else f"`{target.metric.name}`"
