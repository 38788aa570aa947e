"""Work sharing: one call's items, done in several threads of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


def share_out(work: Callable[[_Item], None], items: Iterable[_Item], threads: int) -> None:
    """Call `work` once for each item, in several threads, of which the caller's is one.

    The threads are the call's own: a short call never queues behind a long one. Returns when all
    is done. The first exception ends the rest as soon as each thread has done its item, and is
    raised.
    """
    waiting = deque(items)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while True:
                try:
                    item = waiting.popleft()
                except IndexError:
                    return
                work(item)
        # Raised again below, in the thread that waits for the results; Ctrl-C as well.
        except BaseException as error:  # noqa: BLE001
            waiting.clear()
            errors.append(error)

    helpers = [
        threading.Thread(target=run, name="filesearch-share", daemon=True)
        for _ in range(min(threads, len(waiting)) - 1)
    ]
    for helper in helpers:
        helper.start()
    run()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
