"""Loader threads: threads that read files, each with a parser process of its own.

Under `read_ahead`, which keeps the order of an ingest's sources, and under `reader_pool`, which
takes a server's files as they come. Two threads on two cores: while one waits for its parser or
reads a file, the other cuts text; what holds the interpreter is small beside embedding (1.5 ms a
window of Markdown against 50 ms of one core, by scripts/bench_ingest.py's documents).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from filesearch.cores import usable_cores
from filesearch.load.process.isolation import Loader

MIN_READERS, MAX_READERS = 2, 8


def count_readers() -> int:
    """Return how many files are read at once on this machine."""
    return max(MIN_READERS, min(MAX_READERS, usable_cores()))


class LoaderThreads:
    """Runs `work` in several threads, each with its own Loader.

    Args:
        work: Called once in each thread; returns soon after it was told to stop, by whatever
            means it has, and after its Loader was interrupted.
        make_loader: Returns the Loader of one thread.
        size: How many threads.
    """

    def __init__(
        self, work: Callable[[Loader], None], make_loader: Callable[[], Loader], size: int
    ) -> None:
        self._loaders = [make_loader() for _ in range(size)]
        self._threads = [
            threading.Thread(target=work, args=(loader,), name="filesearch-reader", daemon=True)
            for loader in self._loaders
        ]

    def start(self) -> None:
        """Start all of them."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for their end, and end the parsers; `work` was told to stop before."""
        for thread, loader in zip(self._threads, self._loaders, strict=True):
            while thread.is_alive():
                loader.interrupt()
                thread.join(0.05)
            loader.close()
