"""Memory: what this process holds, as the kernel counts it."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAMPLING_S = 0.02


def memory_mb(field: str) -> float:
    """Return a line of /proc/self/status, such as VmRSS, VmHWM, RssAnon or RssFile, in MiB.

    Elsewhere than on Linux all of them are the peak of the process's life.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    found = dict(line.split(":", 1) for line in status.splitlines())
    return int(found[field].split()[0]) / 1024


def reset_peak() -> None:
    """Begin to count this process's peak (VmHWM) anew, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # the peak is that of the whole life
        return


class OwnPeak:
    """The most own memory (RssAnon) that was seen in this process, in MiB: no mapped files.

    VmHWM counts the pages of mapped files too, which the kernel takes back when it needs them.
    """

    def __init__(self) -> None:
        self.mb = memory_mb("RssAnon")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look every `SAMPLING_S` seconds during the block."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(SAMPLING_S):
                self.mb = max(self.mb, memory_mb("RssAnon"))

        thread = threading.Thread(target=look, name="own-memory", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.mb = max(self.mb, memory_mb("RssAnon"))
