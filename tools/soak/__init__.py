"""Months in minutes: the whole program but for web and schedule on a hand clock, while workloads come and go.

    ./run soak --days 160 --picture docs/pictures/soak.svg

    worlds.py    workloads that stay, that run once a month, that come and go, and one that comes back
    running.py   polls, and what is measured once a day: memory, state file, series
    verdict.py   what must hold in the end
    picture.py   the drawing

``docs/reliability.md`` shows the picture.
"""
