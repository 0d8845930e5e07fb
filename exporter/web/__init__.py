"""What is served: bytes that are ready, two health answers and a page for people.

    address.py    where to listen
    protocol.py   what one connection may cost: uvicorn's HTTP protocol with limits
    server.py     uvicorn on a thread of its own
    app.py        the endpoints
    healthcheck.py  asks a service that runs, for container runtimes
    views.py      what the status page shows, as the application tells it
    pages.py      the status page; markup.py, hints.py and headers.py help it

The web knows nobody above it: what it shows comes through the callables of ``app.Sources``.
"""
