"""PDF tables of words: the lines of a page -> the same, rows of words told from lines of prose.

list[Line] -> list[Line]. Pure. A table of words is taken for one where the cells of lines that
follow each other begin at the same places and none reaches into the next column. Two columns of
prose, lists and code begin so too: they are told by their words and marks. The rules were tuned by
reading what they take of 3,500 pages of filings, manuals and standards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from filesearch.load.pdf.layout import Cell, Line

_FEWEST_ROWS = 3
_ALIGNED = 2.0
"""The cells of one column begin within so many points."""
_STEP = 3.0
"""A row follows within so many times its height: its cells may be drawn in boxes."""
_WRAP = 1.5
"""The next line of a cell follows within so many times its height."""
_LEVEL = 0.3
"""Baselines of one row differ by no more than this share of the height."""
_PROSE_IDEOGRAPHS = 10
_MARK = re.compile(
    r"[(\[]?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)\]]{1,2}|\d{1,2}(?:\.\d{1,3}){1,4}\.?"
    r"|[^\w\s]|[\uf000-\uf8ff]"
)
"""What opens an item of a list: a number with a stop or bracket, or a bullet."""
_NO_CELL = re.compile(r"\.{4}|…{2}|(?:\. ){3}|__|\|")
"""Dots that lead to a page, a line to write on, and the sign that is to part the cells."""
_DIVIDED = re.compile(r"[^\W\d_]-$")
_CODE_END = re.compile(r"[;{}\\]$")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def mark_word_tables(lines: Sequence[Line], figures: Sequence[tuple[int, int]]) -> list[Line]:
    """Return the lines of a page with the rows of its tables of words marked as such.

    What a cell has on further lines is taken into its row.

    Args:
        lines: In reading order.
        figures: First and last line of each table of figures; what lies within stays as it is.
    """
    found: list[Line] = []
    at = 0
    while at < len(lines):
        rows, past = _aligned_rows(lines, at)
        if len(rows) < _FEWEST_ROWS:
            past, rows = at + 1, [lines[at]]
        elif _is_table(rows) and not any(a <= at and past <= b + 1 for a, b in figures):
            if found and _names_columns(found[-1], rows):
                rows.insert(0, found.pop())
            rows = [_as_row(row) for row in rows]
        else:
            rows = list(lines[at:past])
        found += rows
        at = past
    return found


def _as_row(line: Line) -> Line:
    return Line(line.cells, line.gap_before, is_of_words=True, stands_alone=True)


def _aligned_rows(lines: Sequence[Line], at: int) -> tuple[list[Line], int]:
    """Return the rows from a line on whose cells begin under each other, and past which line."""
    rows = [lines[at]]
    columns = _lefts(lines[at])
    past = at + 1
    while past < len(lines) and len(columns) > 1:
        line = lines[past]
        whole = _taken_in(rows[-1], line, columns)
        if whole is not None:
            rows[-1] = whole
            past += 1
            continue
        step = min(cell.baseline for cell in rows[-1].cells) - line.baseline
        if len(line.cells) < 2 or not 0 < step <= _STEP * line.height:
            break
        wider = max(columns, _lefts(line), key=len)
        # Of the rows before only the last may have changed, where the columns stay.
        unsure = rows[-1:] if wider is columns else rows
        if not all(_fits(row, wider) for row in [*unsure, line]):
            break
        columns = wider
        rows.append(line)
        past += 1
    return rows, past


def _lefts(line: Line) -> list[float]:
    return [cell.left for cell in line.cells]


def _column_of(cell: Cell, columns: Sequence[float]) -> int | None:
    """Return the column that a cell begins with and does not reach beyond."""
    for i, left in enumerate(columns):
        if abs(cell.left - left) <= _ALIGNED:
            is_within = i + 1 == len(columns) or cell.right < columns[i + 1]
            return i if is_within else None
    return None


def _fits(row: Line, columns: Sequence[float]) -> bool:
    taken = [_column_of(cell, columns) for cell in row.cells]
    return None not in taken and len(set(taken)) == len(taken)


def _taken_in(row: Line, line: Line, columns: Sequence[float]) -> Line | None:
    """Return a row with the next lines of its cells, or cells that were drawn after those.

    None where a line holds something else; the first column opens rows, so nothing is added to it.
    """
    cells = {_column_of(cell, columns): cell for cell in row.cells}
    for cell in line.cells:
        column = _column_of(cell, columns)
        if not column:
            return None
        above = cells.get(column)
        if above is None and abs(cell.baseline - row.baseline) <= _LEVEL * cell.height:
            cells[column] = cell
        elif above is not None and 0 < above.baseline - cell.baseline <= _WRAP * cell.height:
            right = max(above.right, cell.right)
            text = _joined(above.text, cell.text)
            cells[column] = replace(above, text=text, right=right, baseline=cell.baseline)
        else:
            return None
    return Line(sorted(cells.values(), key=lambda cell: cell.left), row.gap_before)


def _joined(text: str, following: str) -> str:
    if _DIVIDED.search(text) and following[0].islower():
        return text[:-1] + following
    return f"{text} {following}"


def _is_table(rows: Sequence[Line]) -> bool:
    """Whether aligned rows are a table: no list, no columns of prose, no code, no form."""
    if any(_NO_CELL.search(row.text) or not cell.is_upright for row in rows for cell in row.cells):
        return False
    if 2 * sum(bool(_CODE_END.search(row.text)) for row in rows) >= len(rows):
        return False
    count = max(len(row.cells) for row in rows)
    marks = sum(bool(_MARK.fullmatch(row.cells[0].text)) for row in rows)
    if count == 2 and 2 * marks >= len(rows):
        return False
    filled = [[row.cells[i] for row in rows if i < len(row.cells)] for i in range(count)]
    return any(2 * sum(map(_is_prose, cells)) <= len(cells) for cells in filled)


def _is_prose(cell: Cell) -> bool:
    return cell.is_prose or len(_IDEOGRAPH.findall(cell.text)) >= _PROSE_IDEOGRAPHS


def _names_columns(line: Line, rows: Sequence[Line]) -> bool:
    """Whether the line above the rows names their columns, though set in the middle of them."""
    columns = _lefts(max(rows, key=lambda row: len(row.cells)))
    step = line.baseline - rows[0].baseline
    if len(line.cells) != len(columns) or not 0 < step <= _STEP * line.height:
        return False
    ends = [*columns[1:], float("inf")]
    return not _NO_CELL.search(line.text) and all(
        left - _ALIGNED <= cell.left and cell.right < end
        for cell, left, end in zip(line.cells, columns, ends, strict=True)
    )
