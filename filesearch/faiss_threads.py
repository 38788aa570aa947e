"""FAISS threads: how many of its own threads FAISS may use in the thread that calls it.

One question is no work for several, and those that wait for more spin and keep a core busy; a
search shares its work out itself, see steps.py. Training takes them all. The setting holds for the
calling thread alone. It is made once for each: a call into FAISS lets go of the interpreter, and
gets it back late where other threads compute.
"""

from __future__ import annotations

import os
import threading

import faiss

from filesearch.cores import usable_cores

_of_thread = threading.local()


def use_one_core() -> None:
    """Let FAISS work in the calling thread alone from now on."""
    if not getattr(_of_thread, "is_alone", False):
        faiss.omp_set_num_threads(1)
        _of_thread.is_alone = True


def use_all_cores() -> None:
    """Let FAISS share its work among all cores when the calling thread asks from now on.

    Except in the thread that a forked child began with; see `_begin_anew`.
    """
    if not getattr(_of_thread, "is_forked", False):
        _of_thread.is_alone = False
        faiss.omp_set_num_threads(usable_cores())


def _begin_anew() -> None:
    """Let FAISS work alone in the thread that forked: what helped it there did not come along.

    OpenMP would wait for its helpers for ever. Other threads of the child get helpers of their own.
    """
    _of_thread.is_forked = _of_thread.is_alone = True
    faiss.omp_set_num_threads(1)


os.register_at_fork(after_in_child=_begin_anew)
