"""Persist: the write that ends a run or a response, tried until a database that was away is back.

What a model has said is paid for, and its last write is all that keeps it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from filesearch.database_errors import UNAVAILABLE

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_Written = TypeVar("_Written")
_log = logging.getLogger("filesearch.server")


def persist(write: Callable[[], _Written], stopping: threading.Event) -> _Written:
    """Return what `write` does, called again while the database is away or busy.

    Args:
        write: One transaction; what it changed besides is undone when that fails.
        stopping: Set when the server cannot wait any longer; the next failure is the last.

    Raises:
        UNAVAILABLE: The server stops, and the database is away still.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return write()
        except UNAVAILABLE:
            if stopping.is_set():
                raise
            _log.warning("the database is away; trying again in %g s", pause_s, exc_info=True)
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
