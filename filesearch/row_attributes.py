"""Row attributes: a table's rows -> what each row says in its columns, with types.

    price: 12.5; sold: 2025-03-01; paid: TRUE  ->  price 12.5, sold "2025-03-01", paid true

Nothing of it is stored: it is read again from the text of the rows, whose columns are named in
them. A column is of one type throughout the document: booleans, whole numbers, numbers, else
strings. Dates in ISO 8601 are strings, which filters order as time does. Pure.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filesearch.attributes import MAX_ATTRIBUTES, MAX_VALUE_CHARS, check_attributes
from filesearch.errors import InvalidSetting
from filesearch.load.media_types import CSV, JSON, JSONL, ODS, TSV, XLS, XLSX
from filesearch.records import FileRecord
from filesearch.types import Attributes, AttributeValue, Document, IntArray, Span

TABULAR = frozenset({CSV, TSV, XLSX, XLS, ODS, JSON, JSONL})
"""Media types whose rows are records; a table within a text is part of what the text says."""

_KEPT_DOCUMENTS = 4
_BOOLEANS = {"true": True, "false": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True, eq=False)
class RowAttributes:
    """What the n rows of a document say.

    Attributes:
        starts, ends: int64 (n,), where they stand in the text, ascending.
        values: Of each row; empty for a header.
        left_out: Columns that cannot be attributes, and why, one sentence each.
    """

    starts: IntArray
    ends: IntArray
    values: Sequence[Attributes]
    left_out: tuple[str, ...]

    def passing(
        self, file: Attributes, predicate: Callable[[Attributes], bool]
    ) -> Callable[[IntArray], npt.NDArray[np.bool_]]:
        """Return a function that tells what passes a filter by where it begins.

        What begins in a row passes if the row does, all else if the file does.

        Args:
            file: Attributes of the file; those of a row win.
            predicate: The filter; asked once for each row.

        Returns:
            Of int64 (m,), where each of some chunks or windows begins: bool (m,).
        """
        outside = predicate(file)
        # The last is for what begins before the first row.
        passed = np.array([*(predicate({**file, **row}) for row in self.values), outside])

        def passes(positions: IntArray) -> npt.NDArray[np.bool_]:
            row = np.searchsorted(self.starts, positions, side="right") - 1
            is_within = (row >= 0) & (positions < np.append(self.ends, 0)[row])
            return np.where(is_within, passed[row], outside)

        return passes


def has_rows_apart(asked: bool | None, known: FileRecord | None, media_type: str) -> bool:
    """Return whether the rows of a file are to have attributes.

    Args:
        asked: What this run says; None leaves a file that is known as it is.
        known: The file in the index, if it is there.
        media_type: Of its document.
    """
    if asked is None:
        asked = known is not None and known.row_attributes
    return asked and media_type in TABULAR


def read_row_attributes(document: Document) -> RowAttributes:
    """Return what the rows of a document say; nothing for one that is not `TABULAR`."""
    rows = [span for span in document.spans if span.kind == "row"]
    if document.media_type not in TABULAR:
        rows = []
    texts = _read_cells(document, rows)
    columns: defaultdict[str, list[str]] = defaultdict(list)
    for cells in texts:
        for name, text in cells.items():
            columns[name].append(text)
    readers: dict[str, Callable[[str], AttributeValue]] = {}
    left_out = []
    for name, column in columns.items():
        reason = _why_not(name, column, len(readers))
        if reason:
            left_out.append(f"column '{name[:80]}' is no attribute: {reason}")
        else:
            readers[name] = _reader(column)
    return RowAttributes(
        starts=np.array([span.start for span in rows], dtype=np.int64),
        ends=np.array([span.end for span in rows], dtype=np.int64),
        values=[
            {name: readers[name](text) for name, text in cells.items() if name in readers}
            for cells in texts
        ],
        left_out=tuple(left_out),
    )


def _read_cells(document: Document, rows: Sequence[Span]) -> list[dict[str, str]]:
    """Return the text of each row's cells by the names of their columns."""
    if document.media_type in (JSON, JSONL):
        return [_cells_of_object(document.text[row.start : row.end]) for row in rows]
    table_ends = {span.start: span.end for span in document.spans if span.kind == "table"}
    names: dict[str, int] = {}
    end = 0
    found: list[dict[str, str]] = []
    for row in rows:
        text = document.text[row.start : row.end]
        if row.start in table_ends:
            names = {name: place for place, name in enumerate(text.split(" | "))}
            end = table_ends[row.start]
            found.append({})
        else:
            found.append(_cells_of_row(text, names) if row.start < end else {})
    return found


def _cells_of_object(text: str) -> dict[str, str]:
    """Return the values of "key: value" lines; a line without a key goes on with the value."""
    cells: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):
        key, colon, value = line.partition(": ")
        if colon and key not in cells:
            name = key
            cells[name] = value
        elif name:
            cells[name] += f"\n{line}"
    return cells


def _cells_of_row(text: str, names: dict[str, int]) -> dict[str, str]:
    """Return the values of "name: value; name: value".

    What looks like another value but bears no name that is still to come belongs to the value
    before it.
    """
    cells: dict[str, str] = {}
    name, place = "", -1
    for piece in text.split("; "):
        found, colon, value = piece.partition(": ")
        if colon and names.get(found, -1) > place:
            name, place = found, names[found]
            cells[name] = value
        elif name:
            cells[name] += f"; {piece}"
    return cells


def _why_not(name: str, column: Sequence[str], count: int) -> str:
    """Return why a column cannot be an attribute beside `count` others; empty when it can."""
    try:
        check_attributes({name: ""})
    except InvalidSetting as error:
        return str(error)
    if max(map(len, column)) > MAX_VALUE_CHARS:
        return f"a value has more than {MAX_VALUE_CHARS} characters"
    return f"there are {MAX_ATTRIBUTES} before it" if count == MAX_ATTRIBUTES else ""


def _reader(column: Sequence[str]) -> Callable[[str], AttributeValue]:
    """Return what reads the values of a column as the one type that all of them have."""
    if all(text.lower() in _BOOLEANS for text in column):
        return lambda text: _BOOLEANS[text.lower()]
    if all(map(_INTEGER.fullmatch, column)):
        return int
    return float if all(map(_NUMBER.fullmatch, column)) else str


class LastRowAttributes:
    """What was read last, told by the identity of its document. Safe to use from threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Document, RowAttributes]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, document: Document) -> RowAttributes:
        """Return what the rows of a document say; see `read_row_attributes`."""
        with self._lock:
            kept = self._kept.get(id(document))
            if kept is not None:
                self._kept.move_to_end(id(document))
                return kept[1]
        found = read_row_attributes(document)
        with self._lock:
            self._kept[id(document)] = (document, found)
            if len(self._kept) > _KEPT_DOCUMENTS:
                self._kept.popitem(last=False)
        return found
