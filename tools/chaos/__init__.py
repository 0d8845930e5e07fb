"""Kill the exporter again and again under a faulty upstream, and compare what it counted with what happened.

    ./run chaos --lives 2 --kills 10 --seed 1

    deck.py      which faults of the simulator are dealt, and what each of them bends in the comparison
    plan.py      a life's decisions, all of them from the seed
    worlds.py    the world that is simulated: dense, with late, long, timeless and lagging runs
    clock.py     world time on which two processes agree
    upstream.py  the simulator as a process; service.py  the exporter as a process
    nursery.py   a process that makes exporters of itself; processes.py  starting, waiting, ending
    life.py      one life: start, kill, restart, settle, compare
    settings.py  the exporter's configuration; scrapes.py  a scraper that looks for counters that fall
    truth.py     the exposition and the ledger, the truth, and where they differ
    report.py    the table

``docs/reliability.md`` says how to read the table.
"""
