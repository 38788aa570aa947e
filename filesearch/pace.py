"""Pace: how fast something went of late."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

RECENT_SECONDS = 30.0
# Between two notes that are kept; others are dropped, so that some sixty cover the time.
_STEP_SECONDS = 0.5


class Pace:
    """Rate of a count that grows, over the last `RECENT_SECONDS`.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._notes: deque[tuple[float, float]] = deque([(clock(), 0.0)])
        self._last = self._notes[0]

    def note(self, count: float) -> None:
        """Note how much is done by now."""
        now = self._clock()
        self._last = (now, count)
        if now - self._notes[-1][0] >= _STEP_SECONDS:
            self._notes.append(self._last)
        # One note before the time in question stays: the rate is taken from there.
        while len(self._notes) > 1 and now - self._notes[1][0] >= RECENT_SECONDS:
            self._notes.popleft()

    @property
    def per_second(self) -> float:
        """Return how much was done a second of late; 0 when nothing was."""
        (since, before), (now, count) = self._notes[0], self._last
        return (count - before) / (now - since) if now > since else 0.0
