"""BLAS: matrix products that stay in the threads that ask for them.

The BLAS that numpy brings shares a large product among threads of its own, and they wait for the
next one by spinning. A search then runs beside its own threads: on 2 cores, comparing a question
with 100,000 windows took 7.6 ms after such a product and 4.0 ms after one that one thread made,
which itself took no longer.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


class CallingThreadOnly:
    """A context in which BLAS starts no threads. Others may be in it at the same time.

    The setting is the process's: products that other parts of it make meanwhile are as slow as one
    thread is. Once nobody is inside, it is again what it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._controller: ThreadpoolController | None = None
        self._limiter: Any = None

    def __enter__(self) -> None:
        """Limit BLAS, unless somebody else has."""
        with self._lock:
            if self._inside == 0:
                self._limiter = self._blas().limit(limits=1)
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give BLAS its threads back, unless somebody else still is inside."""
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limiter.restore_original_limits()
                self._limiter = None

    def _blas(self) -> ThreadpoolController:
        if self._controller is None:
            from threadpoolctl import ThreadpoolController  # looks for libraries: once is enough

            self._controller = ThreadpoolController().select(user_api="blas")
        return self._controller


calling_thread_only = CallingThreadOnly()
