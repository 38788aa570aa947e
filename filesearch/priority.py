"""Priority: background work has the processor where nobody waits for an answer."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

# A thread of usual priority gets nine times as much of a core that both want.
_STEPS = 10
_LOWEST = 19


def step_back() -> None:
    """Lower the priority of this thread, and of the threads and processes that it will start.

    On Linux alone, where it holds for a thread; elsewhere nothing changes. It cannot be undone.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    with suppress(OSError):  # no more than a kindness
        usual = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(usual + _STEPS, _LOWEST))
