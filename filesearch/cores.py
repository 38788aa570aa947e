"""Cores: how many cores this process may use. What sizes pools of threads asks here.

The machine's count says too much in a container, or under `taskset`: threads beyond one's share
only wait for each other.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Return on how many cores this process may run at once; at least 1.

    The least of the cores that it is bound to (`sched_getaffinity`) and the share of time that
    its control group is given, rounded up. Where neither can be told, what the machine has.

    Args:
        cgroup: Where the control groups are mounted; those of version 1 and 2 are understood.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:  # macOS
        cores = os.cpu_count() or 1
    quota = _quota_cores(cgroup)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def _quota_cores(cgroup: Path) -> float | None:
    """Return the share of time as a number of cores; None for no limit."""
    try:
        if (cgroup / "cpu.max").is_file():
            quota, period = (cgroup / "cpu.max").read_text("ascii").split()
        else:
            quota, period = (
                (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii").strip()
                for name in ("quota", "period")
            )
        return int(quota) / int(period) if quota not in ("max", "-1") else None
    # No control groups here, or none that say anything of cores.
    except (OSError, ValueError, ZeroDivisionError):
        return None
