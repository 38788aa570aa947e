"""Steps: the parts of one search that may run at the same time.

FAISS and numpy release the interpreter's lock while they compare vectors, so that threads share
the work of one question among the cores.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from filesearch.cores import usable_cores
from filesearch.work_sharing import submit

_Result = TypeVar("_Result")


def run_steps(steps: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """Run every step, some of them in other threads; returns what each gave, in their order.

    The calling thread takes steps as well, so that all are done even while every other thread is
    busy. A step must not call this itself.

    Raises:
        What a step raised, after all others were done.
    """
    if len(steps) < 2 or (cores := _cores()) == 1:
        return [step() for step in steps]
    left = deque(enumerate(steps))
    results: dict[int, _Result] = {}

    def drain() -> None:
        while left:
            try:
                number, step = left.popleft()
            except IndexError:  # another thread took the last one
                return
            results[number] = step()

    helpers = [submit(_pool(cores), drain) for _ in range(min(cores, len(steps)) - 1)]
    try:
        drain()
    finally:
        left.clear()
        running = [helper for helper in helpers if not helper.cancel()]
        errors = [helper.exception() for helper in running]
    for error in errors:
        if error is not None:
            raise error
    return [results[number] for number in range(len(steps))]


@lru_cache(maxsize=1)
def _cores() -> int:
    return usable_cores()


_making = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def _pool(cores: int) -> ThreadPoolExecutor:
    with _making:
        if cores not in _pools:
            _pools[cores] = ThreadPoolExecutor(cores, thread_name_prefix="filesearch-step")
        return _pools[cores]


def _begin_anew() -> None:
    """Have threads of its own in a forked child: those of its parent are not there."""
    global _making
    _making = threading.Lock()
    _pools.clear()


os.register_at_fork(after_in_child=_begin_anew)
