"""Forked: what a child process cannot take over from its parent is made anew in it.

A forked child has the memory of its parent and none of its threads. What is given to a pool of
threads is never done there, a lock that another thread held is never released, and a connection to
a database is its parent's as well. Whatever has one of these asks here to be told.

Locks that are held for a few instructions are left alone, and so is what another thread was doing
to a database: a process is to be forked while its other threads rest.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class BeginsAnew(Protocol):
    """What is told that it is in a child process now, before anything else is done there."""

    def begin_anew(self) -> None:
        """Make anew what was the parent's; nothing may wait for anybody here."""


_told: weakref.WeakSet[BeginsAnew] = weakref.WeakSet()


def tell_in_child(part: BeginsAnew) -> None:
    """Have `part` told in every child process that is forked while it is there."""
    _told.add(part)


def _tell() -> None:
    for part in list(_told):
        part.begin_anew()


os.register_at_fork(after_in_child=_tell)
