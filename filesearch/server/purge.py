"""Purge: what has expired is deleted, or let go of, at the start and from time to time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

INTERVAL_S = 300.0
EXPIRY_INTERVAL_S = 10.0  # for what must not be seen once it has expired, and is cheap to look for
_log = logging.getLogger("filesearch.server")


class Purge:
    """A service that calls each of `deeds` now and from time to time, in a thread of its own.

    Args:
        deeds: Each deletes what has expired, or lets go of what this process needs no more; safe to
            be done by several processes at once.
        interval_s: Between two rounds; None takes five minutes.
    """

    def __init__(
        self, deeds: Sequence[Callable[[], object]], *, interval_s: float | None = None
    ) -> None:
        self._deeds = deeds
        self._interval_s = interval_s or INTERVAL_S
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="purge", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the deed at hand is done."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for deed in self._deeds:
                try:
                    deed()
                except Exception:  # noqa: BLE001 - a worker's loop; tried again the next time
                    _log.exception("expired objects could not be deleted")
            self._stopped.wait(self._interval_s)
