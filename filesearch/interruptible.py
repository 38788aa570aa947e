"""Interruptible: read an iterator that may be silent for long, and leave it at any moment.

A thread reads and hands over; whoever waits looks up often enough to notice that it should stop.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TypeVar

_Item = TypeVar("_Item")
_LOOK_UP_S = 0.05
# What may be read ahead: a model should not write on for nobody.
_AHEAD = 64


class Interrupted(Exception):
    """The flag was set."""


def interruptible(items: Iterator[_Item], stop: threading.Event) -> Generator[_Item, None, None]:
    """Yield what `items` does until `stop` is set; `items` is closed in any case.

    Raises:
        Interrupted: `stop` was set. Where the `close` of `items` works from any thread, its reader
            ends at once, else when `items` next moves.
    """
    handed: queue.Queue[_Item | _End] = queue.Queue(_AHEAD)
    left = threading.Event()
    threading.Thread(target=_read, args=(items, handed, left), daemon=True).start()
    try:
        while True:
            if stop.is_set():
                raise Interrupted
            try:
                item = handed.get(timeout=_LOOK_UP_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        left.set()
        _close(items)


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _read(items: Iterator[_Item], handed: queue.Queue[_Item | _End], left: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            if not _hand_over(item, handed, left):
                break
    # Whatever it is belongs to the thread that waits.
    except BaseException as error:  # noqa: BLE001
        end = _End(error)
    finally:
        _close(items)
    _hand_over(end, handed, left)


def _close(items: Iterator[_Item]) -> None:
    close = getattr(items, "close", None)
    if close is not None:
        # Reader and waiter both close; a generator that runs in the other is closed by that.
        with suppress(ValueError):
            close()


def _hand_over(
    item: _Item | _End, handed: queue.Queue[_Item | _End], left: threading.Event
) -> bool:
    while not left.is_set():
        try:
            handed.put(item, timeout=_LOOK_UP_S)
        except queue.Full:
            continue
        return True
    return False
