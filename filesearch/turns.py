"""Turns: lets a few threads compute at once, the others in the order in which they came.

`threading.Semaphore` wakes who waits longest, but whoever comes by meanwhile may be quicker, and
the other one goes to the end of the line: of 16 clients that asked on and on, one search in a
hundred took 550 ms, half of them 200. Here a turn is handed over.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Turns:
    """So many turns at once. Safe to use from several threads; one thread has one at a time.

    Args:
        count: At least 1.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._line: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    @property
    def is_taken(self) -> bool:
        """Whether who comes now has to wait."""
        return self._free == 0

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._line)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and have it for the block."""
        with self.errand() as errand:
            errand.take()
            yield

    @contextmanager
    def errand(self) -> Iterator[Errand]:
        """Have an errand for the block: turns are taken and given away as it needs them."""
        errand = Errand(self._take, self._give_back)
        try:
            yield errand
        finally:
            errand.give_back()

    def _take(self, goes_on: bool) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            gate = threading.Lock()
            gate.acquire()
            if goes_on:
                self._line.appendleft(gate)
            else:
                self._line.append(gate)
        try:
            gate.acquire()  # until it is handed over
        except BaseException:  # Ctrl-C: nobody must wait for who does not come any more
            with self._lock:
                is_waiting = gate in self._line
                if is_waiting:
                    self._line.remove(gate)
            if not is_waiting:
                self._give_back()
            raise

    def _give_back(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._free += 1


class Errand:
    """Something to be done that may need several turns, one at a time; of one thread.

    Args:
        take: Waits for a turn; told whether the errand has begun.
        give_back: Ends it.
    """

    def __init__(self, take: Callable[[bool], None], give_back: Callable[[], None]) -> None:
        self._take = take
        self._give_back = give_back
        self._has_turn = self._has_begun = False

    def take(self, *, goes_on: bool = False) -> None:
        """Have a turn: keep the one that there is, or wait for one.

        Args:
            goes_on: Go before those who have not begun: what is begun is finished first. An errand
                that had a turn does so in any case.
        """
        if not self._has_turn:
            self._take(goes_on or self._has_begun)
            self._has_turn = self._has_begun = True

    def give_back(self) -> None:
        """Let others go on, for as long as it takes to wait for something; twice is as once."""
        if self._has_turn:
            self._has_turn = False
            self._give_back()
