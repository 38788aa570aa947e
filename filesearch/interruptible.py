"""Interruptible: what may take long, an iterator or some calls, can be left at any moment.

Threads read, call and hand over; whoever waits looks up often enough to notice that it should stop.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, wait
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


def call_all(
    calls: Sequence[Callable[[], _Item]],
    stop: threading.Event,
    *,
    at_once: int,
    patience_s: float = 0.0,
) -> Generator[_Item, None, None]:
    """Yield what calls return, in their order.

    Left early, by whatever comes up or by closing, the calls that have not begun are not made.

    Args:
        at_once: How many are made at a time, at most; each in a thread of its own.
        patience_s: How long those that have begun are waited for when they are left early, at
            most. The threads of others end with them, or with the process.

    Raises:
        Interrupted: `stop` was set. Besides, what the call raises whose turn it is.
    """
    futures: list[Future[_Item]] = [Future() for _ in calls]
    waiting = deque(zip(calls, futures, strict=True))
    threads = [
        threading.Thread(target=_make, args=(waiting,), name="call", daemon=True)
        for _ in range(min(at_once, len(calls)))
    ]
    for thread in threads:
        thread.start()
    try:
        for future in futures:
            while True:
                if stop.is_set():
                    raise Interrupted
                if wait([future], timeout=_LOOK_UP_S).done:
                    break
            yield future.result()
    finally:
        waiting.clear()
        patient_until = time.monotonic() + patience_s
        for thread in threads:
            thread.join(max(0.0, patient_until - time.monotonic()))


def _make(waiting: deque[tuple[Callable[[], _Item], Future[_Item]]]) -> None:
    while True:
        try:
            call, future = waiting.popleft()
        except IndexError:
            return
        try:
            future.set_result(call())
        # Whatever it is belongs to the thread that waits.
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)
