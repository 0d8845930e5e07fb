"""Publish what hosted automation platforms did as Prometheus metrics, each run counted once.

The flow, from the upstream to the scrape:

    upstream response -> typed records -> observations -> durable totals -> exposition bytes -> scrape

- ``platforms``   fetch (HTTP in, typed records out) and observe (records in, observations out; pure)
- ``counting``    count(batch, ledger, moment) -> changes; pure, knows every counting rule
- ``store``       keeps cursor, identities and totals; one batch is one transaction
- ``exposition``  totals -> bytes, rendered when something changed, never in a scrape
- ``poll``        one poll of one target; the same function for ``run``, ``once``, ``demo`` and the tests
- ``web``         copies ready bytes

Words: a *platform* is an upstream product, a *target* one configured account on it, a *workload* the thing
that runs there (a Roboto action, a Foundry routine, a Granite workflow, a Moderately agent), a *run* one
execution of it.
"""

__version__ = "0.1.0"
