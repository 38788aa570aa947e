"""Heap: what large arrays took goes back to the system, also after a still larger one."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from filesearch.heap import give_arrays_back

def anonymous_mb():
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024

if sys.argv[1] == "fixed":
    assert give_arrays_back()
np.ones(30 << 20, np.uint8)  # freed at once: glibc would now keep what is smaller
before = anonymous_mb()
arrays = [np.ones(2 << 20, np.uint8) for _ in range(25)]
kept = arrays.pop()
del arrays
print(anonymous_mb() - before)
"""

is_glibc = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
needs_glibc = pytest.mark.skipif(not is_glibc, reason="not on glibc: it has no mallopt")


def run(how, **variables):
    environment = {
        name: value for name, value in os.environ.items() if name != "MALLOC_MMAP_THRESHOLD_"
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@needs_glibc
def test_freed_arrays_go_back_to_the_system():
    assert run("fixed") < 8
    assert run("as it is") > 40


@needs_glibc
def test_who_has_set_it_is_left_alone(monkeypatch):
    from filesearch.heap import give_arrays_back

    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    assert not give_arrays_back()
