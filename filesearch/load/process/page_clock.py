"""Page clock: which page a parser is at, and since when: a slow page need not cost the file.

A parser says `begin` and `end` around every page. In a worker process a watching thread calls
back when a page takes too long; in any other process nothing watches and nothing is limited. The
watcher cannot stop the parser (C code is not to be interrupted): the worker reports the page and
ends, and its parent asks again for the file without that page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_PATIENCE_S = 0.05
"""How often the watcher looks; a page is stopped this much late at most."""


class _Clock:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.page = ""
        self.deadline = float("inf")
        self.is_watched = False


_clock = _Clock()


def page_key(filename: str, number: int) -> str:
    """Return what `LoadOptions.skip_pages` calls a page: a file in a container has its own name."""
    return f"{filename}#{number}"


def begin(page: str, limit_s: float) -> None:
    """Say that work on a page begins that may take `limit_s` seconds."""
    if _clock.is_watched:
        with _clock.lock:
            _clock.page = page
            _clock.deadline = time.monotonic() + limit_s


def end() -> None:
    """Say that the page is done, or given up."""
    with _clock.lock:  # waits for ever once the page was reported: the process is ending
        _clock.deadline = float("inf")


def watch(on_overrun: Callable[[str], None]) -> None:
    """Watch the pages of this process from now on.

    Args:
        on_overrun: Called once with the page, in another thread, when one takes too long. The C
            code of a parser lets other threads run; `on_overrun` ends the process, and until it
            has, the parser cannot leave the page.
    """

    def look() -> None:
        while True:
            time.sleep(_PATIENCE_S)
            with _clock.lock:
                if time.monotonic() > _clock.deadline:
                    on_overrun(_clock.page)
                    return

    _clock.is_watched = True
    threading.Thread(target=look, name="page-clock", daemon=True).start()
