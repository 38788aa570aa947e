"""Stored vectors: what was embedded of a text, for another file with the same text.

A copy, or a file under a new name, is cut up again, because its name belongs to the context that
keyword search knows; its windows and their vectors are taken from the segment that has them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from filesearch import schema as t
from filesearch.catalog import Catalog
from filesearch.errors import IndexDamaged
from filesearch.index.segment import END, SLOT, START, Segment
from filesearch.records import SegmentRecord, StoreRecord
from filesearch.rows import to_segment_record
from filesearch.types import Window, WindowEmbeddings

# Segments that were merged away take disk and handles as long as they are open.
_MAX_OPEN = 16


@dataclass(frozen=True, slots=True)
class StoredText:
    """The windows of a text, in order, and what an embedder made of them."""

    windows: tuple[Window, ...]
    embeddings: WindowEmbeddings


class StoredVectors:
    """Looks texts up in the segments of one store. Safe to use from several threads.

    Args:
        segments: Directory of the segments; they may be merged meanwhile.
        catalog, store: Of the index.
    """

    def __init__(self, segments: Path, catalog: Catalog, store: StoreRecord) -> None:
        self._segments = segments
        self._catalog = catalog
        self._store = store
        self._opened: dict[str, Segment] = {}
        self._lock = threading.Lock()

    def find(self, load_key: str, *, rows_apart: bool = False) -> StoredText | None:
        """Return what a file of the store with this document has; None when there is none.

        Args:
            load_key: Of the document.
            rows_apart: Whether its rows have windows of their own; see row_attributes.py.
        """
        damaged = None
        while (place := self._place(load_key, rows_apart)) and place != damaged:
            record, slot = place
            try:
                with self._lock:
                    return self._read(self._open(record), slot)
            except IndexDamaged:
                damaged = place  # or merged since it was looked up, and the text is elsewhere
        return None  # embedding again needs nothing of it

    def _place(self, load_key: str, rows_apart: bool) -> tuple[SegmentRecord, int] | None:
        sf, d = t.store_files.c, t.documents.c
        with self._catalog.database.reading() as sql:
            row = sql.execute(
                select(t.segments, sf.slot.label("file_slot"))
                .join(t.store_files, sf.segment_id == t.segments.c.id)
                .join(t.documents, d.id == sf.document_id)
                .where(d.load_key == load_key, sf.store_id == self._store.id)
                .where(sf.row_attributes == rows_apart)
                .limit(1)
            ).first()
        return (to_segment_record(row), int(row.file_slot)) if row else None

    def _open(self, record: SegmentRecord) -> Segment:
        if record.name not in self._opened:
            if len(self._opened) >= _MAX_OPEN:
                self._opened.clear()
            self._opened[record.name] = Segment(self._segments, record)
        return self._opened[record.name]

    def _read(self, segment: Segment, slot: int) -> StoredText | None:
        if segment.has_signs != self._store.late_interaction:
            return None
        table = segment.window_table
        first, past = np.searchsorted(table[:, SLOT], [slot, slot + 1])
        rows = np.arange(first, past, dtype=np.int64)
        return StoredText(
            tuple(Window(int(start), int(end)) for start, end in table[first:past, [START, END]]),
            WindowEmbeddings(
                segment.vectors.vectors(rows), segment.signs(rows) if segment.has_signs else None
            ),
        )
