"""Warm up: a server loads the embedder at its start, not while a first search waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("filesearch.server")


class WarmUp:
    """A service that does one thing at the start, in a thread of its own.

    Args:
        load: Loads what searches need; where it cannot, the first search meets that again.
    """

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load
        self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until it is done."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._load()
        except Exception:  # noqa: BLE001 - the edge of a thread; searches answer for it
            _log.warning("the embedder could not be loaded; searches will fail", exc_info=True)
