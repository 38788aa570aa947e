"""Pulse: long work that goes well tells whoever waits for it that it does.

A scan of a hundred pages takes minutes to read, and each page is bounded by itself; a time limit
for the whole file would only punish length. `beat` after each such step; in a worker process the
parent hears it and waits as long again. Anywhere else nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable


def _ignore() -> None:
    """Hear nothing."""


_listener: Callable[[], None] = _ignore


def beat() -> None:
    """Say that a step is done whose own time is limited."""
    _listener()


def listen(listener: Callable[[], None]) -> None:
    """Have `listener` called at every beat in this process from now on."""
    global _listener
    _listener = listener
