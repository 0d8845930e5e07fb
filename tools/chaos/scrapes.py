"""A scraper that looks all the time, as Prometheus would, and notes counters that fall."""

from __future__ import annotations

import threading
from typing import Final

import httpx

from exporter.catalogue import ALL

LOOK_EVERY: Final = 0.4

_WATCHED: Final = tuple(metric.name for metric in ALL if metric.durable and metric.type in ("counter", "histogram"))


class Scrapes:
    """Scrapes ``/metrics`` at a port from ``start`` to ``stop``."""

    def __init__(self, port: int) -> None:
        self.fell = 0
        self.trouble = ""
        """What ended the scraper before its time; empty while nothing did."""
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._seen: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Scrape from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Scrape no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with httpx.Client(timeout=5, trust_env=False) as client:
                while not self._stop.wait(LOOK_EVERY):
                    try:
                        answer = client.get(self._url)
                    except httpx.HTTPError:
                        continue
                    if answer.status_code == 200:
                        self.note(answer.text)
        except Exception as error:  # noqa: BLE001  a scraper that is gone sees nothing fall: the life has to say so
            self.trouble = f"the scraper ended: {type(error).__name__}: {error}"

    def note(self, text: str) -> None:
        """Compare an exposition with what was seen before."""
        for line in text.split("\n"):
            if line.startswith(_WATCHED):
                series, _, number = line.rpartition(" ")
                value = float(number)
                if value < self._seen.get(series, 0.0):
                    self.fell += 1
                self._seen[series] = value
