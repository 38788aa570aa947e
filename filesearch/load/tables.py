"""Tables: the cells of a table within a document -> one line per row, understandable alone.

Where the first rows name the columns, the rows below carry those names ("item: mug; fee: 2").
Sheets, whose rows come as a stream and number thousands, have their own way in `sheets`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer

_MAX_NAME_CHARACTERS = 80
_MAX_COLUMNS = 1000
"""A cell may claim to span more columns than any table has."""
_NUMBER = re.compile(r"[-+(−–]?\s*[$€£¥]?\s*\d[\d.,' \u00a0\u202f]*\)?\s*(?:%|[$€£¥])?")
_YEAR = re.compile(r"(?:19|20)\d\d")


class Cell(NamedTuple):
    """A cell on one line, and how many columns it covers."""

    text: str
    columns: int = 1


def add_table(
    composer: Composer,
    rows: Sequence[Sequence[Cell]],
    *,
    number: int,
    header_rows: int | None = None,
    separator: str = "\n\n",
) -> dict[int, int]:
    """Append the filled rows of a table, with their spans and one around them all.

    Args:
        composer: Takes the lines.
        rows: All rows from the top; their positions are the numbers of the row spans.
        number: Position of the table in the document, from 1.
        header_rows: How many rows at the top name the columns; None to find it from the cells.
        separator: What stands between the table and the text before it.

    Returns:
        Where each appended row starts, by its position in `rows`; empty when none was.
    """
    texts = [_spread(row, repeat=False) for row in rows]
    first = next((i for i, row in enumerate(texts) if sum(map(bool, row)) > 1), 0)
    if header_rows is None:
        header_rows = _count_header_rows(rows, texts, first)
    names = _names([_spread(row, repeat=True) for row in rows[first:header_rows]])
    if any(len(name) > 2 * _MAX_NAME_CHARACTERS for name in names):
        names = []
    starts: dict[int, int] = {}
    end = -1
    for position, cells in enumerate(texts):
        if names and position >= header_rows:
            line = named_cells(names, cells)
        else:
            line = " | ".join(cells).strip(" |")
        added = composer.add(line, separator="\n" if starts else separator)
        if added is None:
            continue
        composer.mark("row", added, position + 1)
        starts[position], end = added
    if starts:
        composer.mark("table", (min(starts.values()), end), number)
    return starts


def named_cells(names: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row with the name of its column before each filled cell."""
    pieces = []
    for index, cell in enumerate(cells):
        name = names[index] if index < len(names) else ""
        if cell:
            pieces.append(f"{name}: {cell}" if name and name != cell else cell)
    return "; ".join(pieces)


def _spread(row: Sequence[Cell], *, repeat: bool) -> list[str]:
    """Return one string per column; further columns of a wide cell are empty or repeat it."""
    found: list[str] = []
    for cell in row:
        text = clean_line(cell.text)
        more = max(min(cell.columns, _MAX_COLUMNS - len(found)) - 1, 0)
        found += [text, *([text if repeat else ""] * more)]
    return found


def _names(header: list[list[str]]) -> list[str]:
    """Join the rows of a header: "2023" above "Q1" and "Q2" gives "2023 Q1" and "2023 Q2"."""
    names: list[list[str]] = [[] for _ in range(max(map(len, header), default=0))]
    for row in header:
        for column, text in zip(names, row, strict=False):
            if text and text not in column:
                column.append(text)
    return [" ".join(column) for column in names]


def _count_header_rows(rows: Sequence[Sequence[Cell]], texts: list[list[str]], first: int) -> int:
    """Return how many rows at the top name columns, 0 when that is not plain.

    A row of names is taken for one only when there are at least three columns and numbers below
    it: a table of two columns is as often a list of labels and values.
    """
    below = [row for row in texts[first + 1 :] if any(row)]
    if not below or not _may_name(rows[first]):
        return 0
    count = first + 1
    if any(1 < cell.columns < len(texts[first]) for cell in rows[first]):
        if len(below) < 2 or not _may_name(rows[count], is_below=True):
            return 0
        count, below = count + 1, below[1:]
    numbers = sum(any(is_number(cell) for cell in row) for row in below)
    return count if len(texts[first]) >= 3 and 2 * numbers >= len(below) else 0


def _may_name(row: Sequence[Cell], *, is_below: bool = False) -> bool:
    # Below a name that covers several columns the same names come again.
    names = [clean_line(cell.text) for cell in row if cell.text]
    return (
        len(names) >= 2
        and len(names) >= len(row) - 1
        and (is_below or len({name.lower() for name in names}) == len(names))
        and all(len(name) <= _MAX_NAME_CHARACTERS for name in names)
        and all(is_year(name) or not is_number(name) for name in names)
    )


def is_number(text: str) -> bool:
    """Whether a cell holds a number, an amount or a percentage."""
    return _NUMBER.fullmatch(text) is not None


def is_year(text: str) -> bool:
    """Whether a cell holds a year that may name a column: 1900 to 2099."""
    return _YEAR.fullmatch(text) is not None


def text_at_column(row: Sequence[Cell], column: int) -> str:
    """Return the text of the cell of a row that covers a column, counted from 0."""
    for cell in row:
        if column < cell.columns:
            return cell.text
        column -= cell.columns
    return ""
