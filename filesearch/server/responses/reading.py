"""Reading: requests that bring files wait for each other, and nobody else waits for them.

request -> a thread, one of few where the input brings files -> a core, while one is read.
A file is read by a process of its own, for up to a minute: without a bound, 60 requests were 40
processes and took all threads of the server, so that no other route was answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio

from filesearch.cores import usable_cores
from filesearch.server.routing import write_limiter
from filesearch.server.wire.response_input import (
    FilePart,
    FunctionCallOutputItem,
    InputItem,
    MessageItem,
)

# More than there are cores: some of them wait for a model or the database instead.
_THREADS_PER_CORE = 4
_Answer = TypeVar("_Answer")


class Reading:
    """Bounds the reading of files that stand in requests.

    Args:
        cores: How many files are read at once.

    Attributes:
        core: Held by whoever reads a file; safe to use from several threads.
    """

    def __init__(self, cores: int | None = None) -> None:
        cores = cores or usable_cores()
        self.core = threading.BoundedSemaphore(cores)
        self._thread_count = _THREADS_PER_CORE * cores
        self._threads: anyio.CapacityLimiter | None = None

    async def run(
        self, given: str | Sequence[InputItem] | None, answer: Callable[[], _Answer]
    ) -> _Answer:
        """Return what `answer` returns, in a thread; call it from the server's event loop.

        Args:
            given: The input of a request: where it brings files, `answer` takes none of the
                threads that other requests are answered by.
            answer: Reads the files with the rest of what it does, and may write.
        """
        if not _brings_files(given):
            return await anyio.to_thread.run_sync(answer, limiter=write_limiter())
        if self._threads is None:  # it belongs to an event loop
            self._threads = anyio.CapacityLimiter(self._thread_count)
        return await anyio.to_thread.run_sync(answer, limiter=self._threads)


def _brings_files(given: str | Sequence[InputItem] | None) -> bool:
    if given is None or isinstance(given, str):
        return False
    contents = [
        item.content if isinstance(item, MessageItem) else item.output
        for item in given
        if isinstance(item, MessageItem | FunctionCallOutputItem)
    ]
    return any(
        isinstance(part, FilePart)
        for content in contents
        if not isinstance(content, str)
        for part in content
    )
