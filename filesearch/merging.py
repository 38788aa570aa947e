"""Merging: carries out what the merge policy chooses, beside whoever writes or searches.

    choose (counts from the catalog) -> write (minutes for millions of windows, no lock of the
    catalog) -> take over (one transaction)

One merge runs at a time on an index, whatever process does it: `merge.lock`. The writer lock is not
needed, so that a merge keeps nobody from writing; files that are removed or replaced while a
segment is being written are dead in it. A process that is killed before the transaction leaves a
segment that no catalog row names, and the old ones in use.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from filesearch import segment_rows
from filesearch.catalog import Catalog
from filesearch.errors import IndexBusy, IndexDamaged
from filesearch.index.merge import merge_segments
from filesearch.index.segment import Segment, segment_draft
from filesearch.index.sweep import delete_segments
from filesearch.index.vectors import EXACT_WINDOWS
from filesearch.lock import merge_lock
from filesearch.merge_policy import MergePolicy, SegmentSize
from filesearch.records import SegmentRecord
from filesearch.segment_rows import Move

_log = logging.getLogger("filesearch.merge")
Choose = Callable[[Sequence[SegmentSize]], list[int]]


def _do_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class MergedSegment:
    """A segment that was written and that the catalog does not name yet."""

    record: SegmentRecord
    moves: tuple[Move, ...]


class Merger:
    """Merges the segments of the stores of one index. Safe to use from several threads.

    Args:
        segments: Directory of the segments, in that of the index.
        catalog: Of the index.
        policy: Chooses what is merged.
    """

    def __init__(self, segments: Path, catalog: Catalog, policy: MergePolicy | None = None) -> None:
        self._segments = segments
        self._catalog = catalog
        self._policy = policy or MergePolicy(exact_windows=EXACT_WINDOWS)
        self._told: set[str] = set()  # stores of which people know what keeps segments apart

    def merge_due(self, store_id: str, *, on_block: Callable[[], None] = _do_nothing) -> int:
        """Merge segments of a store as long as they are many, or full of removed files.

        Returns how many went; 0 as well while another process merges.

        Args:
            store_id: The store; one that was deleted is fine.
            on_block: Called again and again; an exception ends the merge, and changes nothing.

        Raises:
            IndexDamaged: A segment cannot be read.
            IndexReplaced: The index was removed, or replaced by another one.
        """
        return self._merge_unless_busy(store_id, self._policy.choose, on_block) or 0

    def merge_at_rest(
        self, store_id: str, *, on_block: Callable[[], None] = _do_nothing
    ) -> int | None:
        """Merge what is due, and small segments too: nothing more is written to the store for now.

        Otherwise as `merge_due`, but None while another process merges.
        """
        return self._merge_unless_busy(store_id, self._policy.choose_at_rest, on_block)

    def _merge_unless_busy(
        self, store_id: str, choose: Choose, on_block: Callable[[], None]
    ) -> int | None:
        # Of an index that was removed, taking the lock would make the directory again.
        self._catalog.database.check_current()
        try:
            with merge_lock(self._segments.parent, timeout_s=0):
                return self._merge_while(store_id, choose, on_block)
        except IndexBusy:
            return None

    def compact(self, store_id: str, *, timeout_s: float) -> int:
        """Merge the segments that a store has now into as few as may be, without what was removed.

        What others write or remove meanwhile is left to a later merge, so that this one ends.
        Returns how many went.

        Raises:
            IndexBusy: Another process still merges after `timeout_s`.
            IndexDamaged: A segment cannot be read.
        """
        with merge_lock(self._segments.parent, timeout_s=timeout_s):
            merged, among, made = 0, {one.name for one in self._records(store_id)}, set[str]()
            while group := self._choose(
                store_id, self._policy.choose_compaction, among=among, fresh=made
            ):
                name, count = self._merge(store_id, group, _do_nothing)
                merged += count
                among.add(name)
                made.add(name)
            return merged

    def has_tier(self, store_id: str) -> bool:
        """Return whether segments are so many that some should be merged; costs next to nothing.

        Removed files are not looked at.
        """
        records = self._records(store_id)
        sizes = [SegmentSize(one.id, one.window_count, one.window_count) for one in records]
        return bool(self._policy.choose(sizes))

    def _records(self, store_id: str) -> list[SegmentRecord]:
        with self._catalog.database.reading() as sql:
            return segment_rows.store_segments(sql, store_id)

    def _merge_while(self, store_id: str, choose: Choose, on_block: Callable[[], None]) -> int:
        merged = 0
        while group := self._choose(store_id, choose):
            merged += self._merge(store_id, group, on_block)[1]
        return merged

    def _merge(
        self, store_id: str, group: Sequence[SegmentRecord], on_block: Callable[[], None]
    ) -> tuple[str, int]:
        """Return the name of the segment that was made of some others, and how many of them went.

        No name where all files of one of them were removed meanwhile, and it with them.
        """
        try:
            with self.write_merged(store_id, group, on_block=on_block) as made:
                return made.record.name, self.take_over(store_id, made)
        except IndexDamaged:
            if {record.name for record in group} <= self._catalog.segment_names():
                raise
            return "", 0

    def _choose(
        self,
        store_id: str,
        choose: Choose,
        *,
        among: Collection[str] | None = None,
        fresh: Collection[str] = (),
    ) -> list[SegmentRecord]:
        """Return what is merged next, by what lies in the store now.

        Args:
            store_id: The store.
            choose: Of the policy.
            among: Names of the segments that may be chosen; None says all.
            fresh: Names of those that count as if no window of theirs was dead.
        """
        with self._catalog.database.reading() as sql:
            records = segment_rows.store_segments(sql, store_id)
            live = segment_rows.live_windows(sql, store_id)
            keeps_signs = segment_rows.keeps_signs(sql, store_id)
        kinds = self._part_by_signs(store_id, records) if keeps_signs else [records]
        for kind in kinds:
            sizes = [
                SegmentSize(
                    one.id, live[one.id] if one.name in fresh else one.window_count, live[one.id]
                )
                for one in kind
                if (among is None or one.name in among)
                and live.get(one.id)  # else whoever removed its files removes it too
            ]
            if chosen := set(choose(sizes)):
                return [record for record in kind if record.id in chosen]
        return []

    def _part_by_signs(
        self, store_id: str, records: list[SegmentRecord]
    ) -> list[list[SegmentRecord]]:
        """Part segments with token signs from those without: merged together, both had none."""
        bare = {record.name for record in records if not self._has_signs(record)}
        if not bare or len(bare) == len(records):  # an embedder may make none
            return [records]
        if store_id not in self._told:
            self._told.add(store_id)
            _log.warning(
                "%d of %d segments of store %s lack what late interaction needs, so that it rests "
                "there, and are not merged with the others; run: fsearch verify --repair",
                len(bare),
                len(records),
                store_id,
            )
        return [
            [record for record in records if record.name not in bare],
            [record for record in records if record.name in bare],
        ]

    def _has_signs(self, record: SegmentRecord) -> bool:
        try:
            return Segment(self._segments, record).has_signs
        except IndexDamaged:  # the merge will say so
            return True

    @contextmanager
    def write_merged(
        self,
        store_id: str,
        group: Sequence[SegmentRecord],
        *,
        on_block: Callable[[], None] = _do_nothing,
    ) -> Iterator[MergedSegment]:
        """Write what is live in some segments of a store as one; no sweep takes it in the block.

        Raises:
            IndexDamaged: A segment cannot be read.
        """
        parts, moves = [], []
        slot_count = 0
        for record in group:
            with self._catalog.database.reading() as sql:
                slots = segment_rows.live_slots(sql, record.id)
            live = np.zeros(record.slot_count, np.bool_)
            live[slots] = True
            parts.append((Segment(self._segments, record), live))
            moves.append(Move(record, slots, slot_count))
            slot_count += len(slots)
        with segment_draft(self._segments) as draft:
            record = merge_segments(draft, parts, on_block=on_block)
            yield MergedSegment(record, tuple(moves))

    def take_over(self, store_id: str, made: MergedSegment) -> int:
        """Let a merged segment be searched instead of what it was made of; returns how many went.

        They are deleted once that is durable. When none of them is left, nothing is changed.
        """
        with self._catalog.database.writing() as sql:
            gone = segment_rows.take_over(sql, store_id, made.record, made.moves)
        delete_segments(self._segments, gone or [made.record.name])
        return len(gone)
