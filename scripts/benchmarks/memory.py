"""Memory: what this process holds, as the kernel counts it."""

from __future__ import annotations

import resource
from pathlib import Path


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
