"""PDF tables: the lines of a page -> the same with whole labels and headers, and where tables are.

list[Line] -> list[Line] + list[Table]. Pure. A table is taken for one where rows of figures stand
under each other in columns; what `word_tables` finds is added. Whatever is not sure is left as it
was: no word is ever dropped, none moves out of its table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from filesearch.load.pdf.layout import Cell, Line
from filesearch.load.pdf.word_tables import mark_word_tables

_FEWEST_ROWS = 3
_MOST_BETWEEN = 3
"""So many lines without figures may stand between rows: section labels, a label on two lines."""
_MOST_HEADER_LINES = 40
"""Each name of a column may be drawn on several lines before the next one is."""
_HEADER_HEIGHT = 7
"""A header stands within so many line heights of the first row."""
_TITLE = 1.4
"""A line so many times as high as a row is a title: no label of it, and no name of a column."""
_BESIDE = 0.9
"""A label on two lines, its figures half-way between: no further off than this times its height."""
_ALIGNED = 3.0
"""The last digits of one column end within so many points."""
_LABEL_WRAP = 1.5
"""The second line of a label follows within so many times its height."""
_OPEN_END = re.compile(
    r"(?:[,(–—/&-]|\b(?:a|an|and|as|at|by|for|from|in|of|on|or|the|to|with|less|net|per))$"
)


_YEAR = re.compile(r"(?:FY|CY)?\s?(?:19|20)\d\d\*?")


class Table(NamedTuple):
    """Where a table stands among the lines of its page: first and last line, both included."""

    first: int
    last: int


class _Column(NamedTuple):
    left: float
    right: float


def find_tables(lines: Sequence[Line]) -> tuple[list[Line], list[Table]]:
    """Return the lines of a page, those of tables put in order, and its tables from the top."""
    whole = _with_whole_labels(lines)
    figures = [(a, b) for a, b in _stretches(whole) if _columns(whole[a : b + 1])]
    whole = mark_word_tables(whole, figures)
    found: list[Line] = []
    tables: list[Table] = []
    at = 0
    for first, last in _stretches(whole):
        columns = _columns(whole[first : last + 1])
        if len(columns) == 0:
            continue
        labels = min(line.left for line in whole[first : last + 1])
        start = _header_start(whole, at, first, columns, labels)
        body = first
        while body < last and _names_columns(whole[body], columns, labels):
            body += 1
        header = _stacked_header(whole[start:body], columns, labels)
        if header and start > at and whole[start - 1].height >= _TITLE * header[0].height:
            header[0] = replace(header[0], stands_alone=True)
        found += whole[at:start]
        tables.append(Table(len(found), len(found) + len(header) + last - body))
        found += [*header, *whole[body : last + 1]]
        at = last + 1
    found += whole[at:]
    return found, _merged(tables, found)


def _merged(tables: Sequence[Table], lines: Sequence[Line]) -> list[Table]:
    """Return the tables of figures and those of words from the top, one where they overlap."""
    of_words = [Table(i, i) for i, line in enumerate(lines) if line.is_of_words]
    merged: list[Table] = []
    for table in sorted([*tables, *of_words]):
        last = merged[-1] if merged else None
        if last is not None and (
            table.first <= last.last
            or (table.first == last.last + 1 and lines[table.first].is_of_words)
        ):
            merged[-1] = last._replace(last=max(last.last, table.last))
        else:
            merged.append(table)
    return merged


def _with_whole_labels(lines: Sequence[Line]) -> list[Line]:
    """Join the second line of a row's label, which has no figures, to the first, which has them."""
    whole: list[Line] = []
    for i, line in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else None
        if line.is_row and line.cells[0].is_number:
            whole.append(_with_label_beside(whole, line))
        elif whole and _ends_label(whole[-1], line, following):
            row = whole[-1]
            label = row.cells[0]
            label = replace(label, text=f"{label.text} {line.text}", baseline=line.baseline)
            whole[-1] = Line([label, *row.cells[1:]], row.gap_before)
        else:
            whole.append(line)
    return whole


def _with_label_beside(whole: list[Line], row: Line) -> Line:
    """Take the lines of a label off `whole` between which the figures of its row stand."""
    pieces: list[str] = []
    label = None
    while whole and not whole[-1].is_row and len(whole[-1].cells) == 1:
        cell = whole[-1].cells[0]
        is_beside = abs(cell.baseline - row.baseline) <= _BESIDE * cell.height
        if not is_beside or cell.height >= _TITLE * row.height:
            break
        if cell.right >= row.left or not cell.is_upright:
            break
        label = cell
        pieces.insert(0, whole.pop().text)
    if label is None:
        return row
    return Line([replace(label, text=" ".join(pieces)), *row.cells], row.gap_before)


def _ends_label(row: Line, line: Line, following: Line | None) -> bool:
    if not row.is_row or row.cells[0].is_number or line.is_row or len(line.cells) > 1:
        return False
    figures = next(cell for cell in row.cells[1:] if cell.is_number)
    step = row.cells[0].baseline - line.baseline
    if not 0 < step <= _LABEL_WRAP * line.height or line.cells[0].is_number:
        return False
    if line.left < row.left - 1 or line.right >= figures.left:
        return False
    if following is not None and following.is_row and following.text[:1].islower():
        return False  # perhaps the first line of the next label
    return line.text[:1].islower() or bool(_OPEN_END.search(row.cells[0].text))


def _stretches(lines: list[Line]) -> list[tuple[int, int]]:
    """Return the first and last row of each stretch of rows with little else between them."""
    rows = [i for i, line in enumerate(lines) if line.is_row]
    found: list[tuple[int, int]] = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end < len(rows) and _goes_on(lines, rows[end - 1], rows[end]):
            continue
        if end - start >= _FEWEST_ROWS:
            found.append((rows[start], rows[end - 1]))
        start = end
    return found


def _goes_on(lines: list[Line], above: int, below: int) -> bool:
    between = lines[above + 1 : below]
    if lines[below].baseline >= lines[above].baseline:
        return False  # another column of the page, or another table
    return len(between) <= _MOST_BETWEEN and not any(
        line.text.endswith(".") and line.cells[0].is_prose for line in between
    )


def _columns(lines: list[Line]) -> list[_Column]:
    """Return the columns of figures, from left to right: ends shared by two rows or more."""
    cells = sorted(
        (cell for line in lines for cell in line.cells if cell.is_number and cell.has_figure),
        key=lambda cell: cell.edge,
    )
    columns: list[_Column] = []
    start = 0
    for end in range(1, len(cells) + 1):
        if end < len(cells) and cells[end].edge - cells[end - 1].edge <= _ALIGNED:
            continue
        column = cells[start:end]
        if len(column) >= 2:
            left, right = min(cell.left for cell in column), max(cell.right for cell in column)
            if columns and left < columns[-1].right:
                columns[-1] = _Column(min(columns[-1].left, left), right)
            else:
                columns.append(_Column(left, right))
        start = end
    return columns


def _header_start(
    lines: list[Line], at: int, first: int, columns: list[_Column], labels: float
) -> int:
    """Return where the lines begin that stand over the columns of figures, not over the labels."""
    start = first
    while start > max(at, first - _MOST_HEADER_LINES):
        line = lines[start - 1]
        step = line.baseline - lines[first].baseline
        is_over = _is_over(line, columns, labels) or _is_over_all(line, columns, labels)
        if not is_over or not 0 < step <= _HEADER_HEIGHT * line.height:
            break
        if line.cells[0].is_prose and len(line.text) > 60:
            break
        if line.height >= _TITLE * lines[first].height:
            break
        start -= 1
    return start


def _is_over(line: Line, columns: list[_Column], labels: float) -> bool:
    """Whether a line stands over columns of figures; a title in the middle of the page does not."""
    cell = line.cells[0]
    if cell.left <= labels + cell.height:
        return False
    begins = columns[0].left - cell.height
    if cell.left >= begins:
        return True
    pitch = columns[1].left - columns[0].left if len(columns) > 1 else 0.0
    if cell.right - cell.left <= 1.2 * pitch:
        begins -= pitch / 2
    middle = (cell.left + cell.right) / 2
    return middle >= begins and len(_under(cell, columns)) == 1


def _is_over_all(line: Line, columns: list[_Column], labels: float) -> bool:
    """Whether a line has a cell over the labels, and one over each column of figures."""
    over_labels, *names = line.cells
    if over_labels.left > labels + over_labels.height or over_labels.right >= columns[0].left:
        return False
    return [_under(cell, columns) for cell in names] == [[i] for i in range(len(columns))]


def _names_columns(line: Line, columns: list[_Column], labels: float) -> bool:
    """Whether a line at the top of a table names its columns: years, or words over them."""
    if line.is_row:
        return _names_years(line) or (
            _is_over_all(line, columns, labels) and _names_years(Line(line.cells[1:]))
        )
    return _is_over(line, columns, labels) or _is_over_all(line, columns, labels)


def _names_years(line: Line) -> bool:
    return all(_YEAR.fullmatch(cell.text) for cell in line.cells)


def _stacked_header(lines: list[Line], columns: list[_Column], labels: float) -> list[Line]:
    """Return a header whose names of columns stand on several lines with each name in one piece.

    "December 31, | December 31," over "2023 | 2022" becomes "December 31, 2023 | December 31,
    2022". Names over several columns stay on a line above. A header that does not fit the columns
    stays as it is.
    """
    over_labels: list[Cell] = []
    names: list[list[Cell]] = [[] for _ in columns]
    over: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.baseline):
        if 1 < len(line.cells) < len(columns) and not any(names):
            over.append(_as_header(line))  # each over several columns
            continue
        spanning = []
        cells = line.cells
        if _is_over_all(line, columns, labels):
            over_labels.append(cells[0])
            cells = cells[1:]
        for cell in cells:
            under = _under(cell, columns)
            if len(under) > 1:
                spanning.append(cell)
            else:
                names[under[0]].append(cell)
        if spanning and any(names):
            return [_as_header(line) for line in lines]
        if spanning:
            over.append(Line(spanning, line.gap_before, is_header=True))
    if over_labels and len(set(map(len, names))) > 1:
        return [_as_header(line) for line in lines]  # a name above the middle is for all of them
    if not all(names) or max(map(len, names)) == 1 or not _ends_level(names):
        return [_as_header(line) for line in lines]
    cells = [replace(stack[-1], text=" ".join(cell.text for cell in stack)) for stack in names]
    return [*over, Line([*over_labels, *cells], is_header=True)]


def _ends_level(names: list[list[Cell]]) -> bool:
    """Whether the names of all columns end on one line, as headers are set."""
    ends = [stack[-1].baseline for stack in names]
    return max(ends) - min(ends) <= names[0][-1].height / 2


def _under(cell: Cell, columns: list[_Column]) -> list[int]:
    """Return the column that a name stands over, or all those that it reaches into."""
    middle = (cell.left + cell.right) / 2
    nearest = min(
        range(len(columns)),
        key=lambda i: abs((columns[i].left + columns[i].right) / 2 - middle),
    )
    reached = [
        i
        for i, column in enumerate(columns)
        if cell.left < column.right - 2 and cell.right > column.left + 2
    ]
    return reached if len(reached) > 1 else [nearest]


def _as_header(line: Line) -> Line:
    """Return a line as one of a header."""
    return replace(line, is_header=True)
