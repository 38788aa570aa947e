"""Roster: which files fill the slots of a store's segments at one commit, as columns of numbers.

catalog -> Roster -> Snapshot. What a search needs for every file are three numbers; names and
attributes are read when they are asked for. A roster is made of the one before it: only segments
that are new, or that files were taken out of, are read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.attribute_columns import AttributeColumns
from filesearch.records import Entry, Picture, SegmentRecord
from filesearch.types import IntArray

REMOVED = -1


@dataclass(frozen=True, slots=True, eq=False)
class SlotFiles:
    """The searchable files of one segment; arrays over its n slots.

    Attributes:
        store_files: int64, store file ids; -1 where the file was removed.
        documents: int64, document ids; -1 likewise.
        rows_apart: bool, whether the rows of the file have attributes; see row_attributes.py.
    """

    store_files: IntArray
    documents: IntArray
    rows_apart: npt.NDArray[np.bool_]

    @property
    def live_count(self) -> int:
        """How many slots have a file."""
        return int(np.count_nonzero(self.store_files != REMOVED))

    @staticmethod
    def of(slot_count: int, found: Iterable[tuple[int, int, int, object]]) -> SlotFiles:
        """Return the files of a segment.

        Args:
            slot_count: Slots of the segment.
            found: Slot, store file id, document id of each file and, where it is true, that its
                rows have attributes.
        """
        rows = list(found)
        slots = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        files = SlotFiles(
            np.full(slot_count, REMOVED, np.int64),
            np.full(slot_count, REMOVED, np.int64),
            np.zeros(slot_count, dtype=bool),
        )
        files.store_files[slots] = np.fromiter((row[1] for row in rows), np.int64, len(rows))
        files.documents[slots] = np.fromiter((row[2] for row in rows), np.int64, len(rows))
        files.rows_apart[slots] = np.fromiter((bool(row[3]) for row in rows), np.bool_, len(rows))
        return files


ReadAttributes = Callable[[int, Sequence[int]], Mapping[int, str]]
"""Segment id, store file ids in it -> JSON of the attributes of those that are still there."""

ReadEntries = Callable[[Collection[int]], Mapping[int, Entry]]
"""Store file ids -> those files that are still there."""


class AttributeCache:
    """The attributes of segments' files, each read when a filter first looks at it.

    Safe to use from several threads.
    """

    def __init__(self, read: ReadAttributes) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._columns: dict[str, AttributeColumns] = {}

    def of(self, segment: SegmentRecord, files: SlotFiles) -> AttributeColumns:
        """Return the attributes of a segment's files by slot."""
        found = self._columns.get(segment.name)
        if found is None:
            numbers = files.store_files.tolist()
            raw = self._read(segment.id, [one for one in numbers if one != REMOVED])
            found = AttributeColumns.decode([raw.get(one) for one in numbers])
            with self._lock:
                self._columns[segment.name] = found
        return found

    def forget_others(self, names: Collection[str]) -> None:
        """Forget all segments but these."""
        with self._lock:
            for name in self._columns.keys() - set(names):
                del self._columns[name]

    @property
    def size_bytes(self) -> int:
        """What the columns take that were read so far, without the values themselves."""
        with self._lock:
            return sum(columns.size_bytes for columns in self._columns.values())


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """The files of a store at one commit.

    Attributes:
        generation: Of the store.
        segments: In the order in which their rows are numbered.
        files: Of each segment.
        attributes: Of the files; the same object as in the roster before, unless attributes of
            files that stayed in place have changed since.
        attributes_changed: Generation at which that happened last; 0 for never.
        read_entries: Reads what else is known of some files.
    """

    generation: int
    segments: tuple[SegmentRecord, ...]
    files: tuple[SlotFiles, ...]
    attributes: AttributeCache
    attributes_changed: int
    read_entries: ReadEntries

    @staticmethod
    def of(picture: Picture) -> Roster:
        """Return the roster of a picture, which is at hand whole."""
        by_segment: dict[int, list[Entry]] = {record.id: [] for record in picture.segments}
        for entry in picture.entries:
            by_segment[entry.segment_id].append(entry)
        by_id = {entry.store_file_id: entry for entry in picture.entries}
        return Roster(
            generation=picture.generation,
            segments=picture.segments,
            files=tuple(
                SlotFiles.of(
                    record.slot_count,
                    (
                        (one.slot, one.store_file_id, one.document_id, one.row_attributes)
                        for one in by_segment[record.id]
                    ),
                )
                for record in picture.segments
            ),
            attributes=AttributeCache(lambda number, _ids: _encoded(by_segment[number])),
            attributes_changed=0,
            read_entries=lambda ids: {one: by_id[one] for one in ids if one in by_id},
        )


def _encoded(entries: Sequence[Entry]) -> dict[int, str]:
    return {one.store_file_id: msgspec.json.encode(one.attributes).decode() for one in entries}
