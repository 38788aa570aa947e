"""Read ahead: run a slow function over items in a thread, while the caller works on its results.

The function should spend its time where the interpreter is released: files, native code, a child
process.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class ReadAhead(Generic[_Given, _Made]):
    """Runs `read` over `items` in a thread and hands on the results in order.

    Leaving the block stops the thread; an exception in it is raised from the iteration.

    Args:
        read: Called once for each item, from one thread.
        items: What to read.
        stop: Makes a `read` that takes long end soon.
        ahead: How many results may wait for the caller.
    """

    def __init__(
        self,
        read: Callable[[_Given], _Made],
        items: Iterable[_Given],
        *,
        stop: Callable[[], None],
        ahead: int,
    ) -> None:
        self._read = read
        self._items = items
        self._stop = stop
        self._queue: queue.Queue[_Made | _End] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="filesearch-reader", daemon=True)

    def __enter__(self) -> Iterator[_Made]:
        self._thread.start()
        return self._results()

    def __exit__(self, *_exc: object) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            self._stop()
            try:
                self._queue.get(timeout=0.05)  # make room for a blocked put
            except queue.Empty:
                continue
        self._thread.join()

    def _results(self) -> Iterator[_Made]:
        while not isinstance(result := self._queue.get(), _End):
            yield result
        if result.error is not None:
            raise result.error

    def _run(self) -> None:
        try:
            for item in self._items:
                if self._stopped.is_set():
                    return
                self._queue.put(self._read(item))
            self._queue.put(_End(None))
        # Whatever went wrong here belongs to the thread that waits for the results.
        except BaseException as error:  # noqa: BLE001
            self._queue.put(_End(error))


class _End:
    """The last thing in the queue: nothing more comes, because of `error` if there was one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
