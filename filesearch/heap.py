"""Heap: lets the C library give back at once what large arrays took.

glibc gives an array pages of its own, which go back to the system when it is freed, from a size
that it raises whenever a larger one is freed, up to 32 MB. What lies below stays with the process,
in the heap of the thread that had it: after a background merge of 33,000 windows that was 38 MB.
A process that ingests for hours fixes the size.
"""

from __future__ import annotations

import ctypes
import os

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_THRESHOLD = 1 << 20
# Whoever sets one of these has thought about it.
_VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def give_arrays_back() -> bool:
    """Fix the size for this process; returns whether that could be done and was not set before."""
    if any(name in os.environ for name in _VARIABLES):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library: musl, macOS, Windows
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _THRESHOLD))
