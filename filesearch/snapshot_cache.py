"""Snapshot cache: the stores that were searched last, open as of their last commit.

StoreRecord -> Snapshot. A store is opened again only when its generation has grown, and keeps the
segments that are still there. What is open keeps its place on the disk, also once it is deleted, so
stores that are gone are let go of, and stores that have changed if nobody searches them now.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from filesearch.errors import IndexDamaged
from filesearch.forked import tell_in_child
from filesearch.index.snapshot import Snapshot
from filesearch.records import StoreRecord
from filesearch.roster import Roster

MAX_OPEN_STORES = 128
# An open segment is about twenty mapped files, which hold no file handles, but a process has no
# more than 65,530 mappings on Linux: a third of them. The rest is for merges, and for what is still
# searched while it is open no more here.
MAX_OPEN_SEGMENTS = 1_000
# How long after its last search a store that has changed meanwhile is let go of, and how often
# searches look for such stores.
IDLE_S = 60.0
# How often a snapshot is tried against merges that remove segments meanwhile.
_ATTEMPTS = 5


class SnapshotCache:
    """Snapshots by store. Safe to use from several threads.

    Args:
        segments: Directory of the segments.
        roster: Store id, the roster that was read last -> the one of now.
        generations: Store ids -> the generation of now of each store that there is.
        max_stores: How many stay open.
        max_segments: How many segments these have together, but for the store used last.
    """

    def __init__(
        self,
        segments: Path,
        roster: Callable[[str, Roster | None], Roster],
        generations: Callable[[Collection[str]], Mapping[str, int]],
        max_stores: int = MAX_OPEN_STORES,
        max_segments: int = MAX_OPEN_SEGMENTS,
    ) -> None:
        self._segments = segments
        self._roster = roster
        self._generations = generations
        self._max_stores = max_stores
        self._max_segments = max_segments
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, _Slot] = OrderedDict()
        self._looked_at = time.monotonic()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Wait for no thread of the parent in a forked child; see forked.py."""
        self._lock = threading.Lock()
        for slot in self._opened.values():
            slot.lock = threading.Lock()

    def get(self, store: StoreRecord) -> Snapshot:
        """Return a store as of the commit that `store` was read at, or a later one.

        Raises:
            IndexDamaged: A segment that the catalog names cannot be opened.
        """
        now = time.monotonic()
        with self._lock:
            is_due = now - self._looked_at >= IDLE_S
            if is_due:  # for this thread alone
                self._looked_at = now
            slot = self._opened.setdefault(store.id, _Slot())
            slot.used_at = now
            self._opened.move_to_end(store.id)
            while len(self._opened) > self._max_stores:
                self._opened.popitem(last=False)
        # One store that is slow to open keeps nobody from the others.
        with slot.lock:
            if slot.snapshot is None or slot.snapshot.generation < store.generation:
                slot.snapshot = self._open(store.id, slot.snapshot)
                self._close_oldest()
            found = slot.snapshot
        if is_due:
            self.let_go()
        return found

    def _open(self, store_id: str, last: Snapshot | None) -> Snapshot:
        opened = last.opened if last else {}
        known = last.roster if last else None
        for _attempt in range(_ATTEMPTS - 1):
            # A merge may remove a segment between reading the catalog and opening it; the
            # catalog then says otherwise by now.
            with suppress(IndexDamaged):
                return Snapshot(self._segments, self._roster(store_id, known), opened)
        return Snapshot(self._segments, self._roster(store_id, known), opened)

    def _close_oldest(self) -> None:
        with self._lock:
            held = sum(slot.segment_count for slot in self._opened.values())
            while held > self._max_segments and len(self._opened) > 1:
                _store_id, oldest = self._opened.popitem(last=False)
                held -= oldest.segment_count

    def let_go(self) -> None:
        """Close stores that are gone, and those that changed since and were not searched lately."""
        with self._lock:
            opened = {key: slot.snapshot for key, slot in self._opened.items() if slot.snapshot}
        generations = self._generations(opened.keys()) if opened else {}
        with self._lock:
            for store_id, snapshot in opened.items():
                slot = self._opened.get(store_id)
                if slot is None or slot.snapshot is not snapshot:  # closed or opened meanwhile
                    continue
                generation = generations.get(store_id)
                is_idle = time.monotonic() - slot.used_at >= IDLE_S
                if generation is None or (is_idle and snapshot.generation < generation):
                    del self._opened[store_id]

    def clear(self) -> None:
        """Forget all of them; who still searches one may go on."""
        with self._lock:
            self._opened.clear()


class _Slot:
    """The place of one store: what is open of it, who opens it now, when it was asked for last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.snapshot: Snapshot | None = None
        self.used_at = 0.0  # monotonic

    @property
    def segment_count(self) -> int:
        """How many segments are open of it."""
        return len(self.snapshot.segments) if self.snapshot else 0
