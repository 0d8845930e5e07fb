"""What is served: bytes that are ready, two health answers, a page for people and its data as JSON.

    address.py        where to listen
    protocol.py       what one connection may cost: uvicorn's HTTP protocol with limits
    connections.py    what all together may cost; handshake.py: TLS that tells why it fails; pieces.py: answers over it
    configuration/    --web.config.file; guard.py: what it asks of a request, with authentication.py and rate.py
    server.py         uvicorn on a thread of its own
    app.py            the endpoints; metrics.py: scrapes, of all or of a part
    views.py          what page and JSON show, as the application tells it
    selection.py      what a query asks for: targets, runs
    api.py            the JSON
    pages.py          the status page, of targets_table.py and runs_table.py; sorting.py, tables.py, times.py, style.py,
                      markup.py, hints.py and headers.py help it

The web knows nobody above it: what it shows comes through the callables of ``app.Sources``.
"""
