"""Work sharing: what other threads do for a call, and the call itself where there are none.

Once the main thread has ended, executors take nothing any more, and newer versions of Python start
no threads; those that are still running, and functions of `atexit`, may search on all the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import ParamSpec, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Given = ParamSpec("_Given")


def submit(
    executor: Executor,
    work: Callable[_Given, _Result],
    *args: _Given.args,
    **kwargs: _Given.kwargs,
) -> Future[_Result]:
    """Have an executor do `work`, or do it here and now if that takes nothing any more."""
    try:
        return executor.submit(work, *args, **kwargs)
    except RuntimeError:
        done: Future[_Result] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            done.set_exception(error)
        return done


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
    started = []
    with suppress(RuntimeError):  # no more threads: those that there are do it
        for helper in helpers:
            helper.start()
            started.append(helper)
    run()
    for helper in started:
        helper.join()
    if errors:
        raise errors[0]
