"""Workers: which of the processes that share an index directory are alive.

Each holds a file lock that the operating system drops with the process, however that ends.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from filesearch.ids import new_id


class WorkerRegistry:
    """This process among those that serve one index directory.

    Args:
        directory: Of the index.

    Attributes:
        worker_id: Names this process in what it works on.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "workers"
        self.worker_id = new_id("worker")
        self._own = self._lock(self.worker_id)

    def enter(self) -> None:
        """Be alive for the others from now on; those that died before are swept."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._own.acquire()
        for path in self._directory.glob("*.lock"):
            self.is_alive(path.stem)

    def leave(self) -> None:
        """Be gone for the others from now on."""
        self._own.release()
        self._path(self.worker_id).unlink(missing_ok=True)

    def is_alive(self, worker_id: str) -> bool:
        """Return whether a worker still runs."""
        if worker_id == self.worker_id:
            return self._own.is_locked
        path = self._path(worker_id)
        if not path.exists():
            return False
        with suppress(Timeout), self._lock(worker_id).acquire(timeout=0):
            path.unlink(missing_ok=True)
            return False
        return True

    def _path(self, worker_id: str) -> Path:
        return self._directory / f"{worker_id}.lock"

    def _lock(self, worker_id: str) -> FileLock:
        return FileLock(self._path(worker_id), thread_local=False)
