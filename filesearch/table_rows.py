"""Table rows: a passage -> what may be quoted of it: the rows of its tables, and sentences.

SearchResult -> list[Unit]. Where the rows stand is known from the document, or seen where Markdown
draws a table. A row is one unit, whatever stops it holds or lacks; what names the columns goes
along with the rows that do not say it themselves. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from filesearch.patterns import lazy_pattern
from filesearch.sentences import sentence_spans
from filesearch.types import SearchResult

# A longer row holds prose in its cells, of which a sentence says enough.
MAX_ROW_CHARS = 500
_MAX_NAME_CHARS = 80
_MAX_HEADER_ROWS = 3
# So many columns mostly have names. Two are as often a list of labels and values: where numbers
# stand below it, the first row may be names, or the first of the list.
_NAMED_COLUMNS = 3

# Markdown draws a row with bars around it, or a whole table with a line below the names.
_DRAWN_ROW = lazy_pattern(r"(?m)^[ \t]*\|[^\n]*\|[ \t]*$")
_DRAWN_TABLE = lazy_pattern(
    r"(?m)^[^\n|]*\|[^\n]*\n[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+$(?:\n[^\n|]*\|[^\n]*)*"
)
_DRAWN_LINE = lazy_pattern(r"[ \t|:+=-]*")
_UNDERLINE = lazy_pattern(r"[-=]")
# What stands between two rows of one table: a line end, or a drawn line.
_BETWEEN = lazy_pattern(r"[ \t]*\n(?:[ \t]*[|:+=-][ \t|:+=-]*\n)?[ \t]*")
# Two or more lines of settings: "[server]", "threads = 12", "replicas: 4", "resources:". Indented
# from the first on, they are fields or arguments in code.
_SETTINGS = lazy_pattern(
    r"(?m)^(?![ \t])(?:[ \t]*(?:\[[^\n\[\]]+\]|(?:-[ \t]+)?[a-z_][\w.-]*:(?:[ \t][^\n]*)?"
    r"|[\p{L}_][\w.-]*[ \t]*=(?!=)[^\n()\[\]{}]+)(?:\n|\Z)){2,}"
)
_LINE = lazy_pattern(r"\S[^\n]*")
_ASKING_LINE = lazy_pattern(r"(?m)[?？][ \t]*$")
_EDGE = " \t|"
_NAMED_CELL = lazy_pattern(r"[^|:;\n]{1,160}: ")
_NAMED_CELLS = lazy_pattern(r"[^|:;\n]{1,160}: [^|;\n]*; [^|:;\n]{1,160}: ")
_CELL_NAME = lazy_pattern(r"(?:^|(?<=; ))[^|:;\n]{1,160}: ")
_DIGIT = lazy_pattern(r"\d")
_NO_NAME = lazy_pattern(r"[\d@]|[.!?。！？]$")
_YEAR = lazy_pattern(r"(?:19|20)\d\d")
_FULL_NAME = lazy_pattern(r"(?:\p{Lu}[\p{L}\p{M}'’.-]* )+\p{Lu}[\p{L}\p{M}'’.-]*")

# An entry of a table of contents: dots, and the page that they lead to. Prices are listed so too,
# but do not go up from line to line as pages do.
_ENTRY = lazy_pattern(
    r"(?m)^.*?(?<![.…])(?<![.…] )(?:\.{4}|…{2}|(?:\. ){3})[ .…]*+(?:(\d{1,4})|[IVXLCivxlc]{1,6})$"
)
_FEWEST_ENTRIES = 3

_Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence or line of a passage, or a row of a table in it.

    Attributes:
        start, end: Character positions in the passage's text.
        is_row: Whether it is a whole row, with its cells told apart.
        is_field: Whether it is a piece of a row with the name of a cell in it.
        is_setting: Whether it is a line of settings: "threads = 12".
        columns: The row that names the columns, where it says something besides.
    """

    start: int
    end: int
    is_row: bool = False
    is_field: bool = False
    is_setting: bool = False
    columns: str = ""


def quotable_units(result: SearchResult) -> list[Unit]:
    """Return the sentences and rows of a passage, in order, none overlapping another.

    Known headings, and rows that only name the columns of those below them, are left out, and so
    are the edges of pages and the entries of a table of contents that lead to a page. Rows of one
    cell, of several lines or of more than `MAX_ROW_CHARS` characters are cut as other text is, and
    at their ends.
    """
    units: list[Unit] = []
    titles = _titles(result)
    position = 0
    for table in _tables(result):
        units += _sentences(result.text, position, table[0][0], titles)
        units += _rows(result, table)
        position = table[-1][1]
    units += _sentences(result.text, position, len(result.text), titles)
    asides = sorted([*_edges(result), *_contents(result.text)])
    kept = []
    at = 0
    for unit in units:
        while at < len(asides) and asides[at][1] <= unit.start:
            at += 1
        if at == len(asides) or unit.end <= asides[at][0]:
            kept.append(unit)
    return kept


def headings_above(result: SearchResult, position: int) -> tuple[str, ...]:
    """Return the known headings above a character of the document, outermost first.

    The title of a document tells its sentences apart from those of other files at best: it is left
    out where there is a heading below it.
    """
    above = [span for span in result.headings if span.start <= position < span.end]
    if len(above) > 1 and above[0].start == 0:
        del above[0]
    return tuple(span.label for span in above)


def values_of(row: str) -> str:
    """Return a row without the names of its columns, where it has them."""
    return _CELL_NAME.sub(" ", row)


def prose_before(result: SearchResult, position: int) -> str:
    """Return what the passage says outside of tables before a character of the document."""
    text, end = result.text, position - result.start
    for start, past in _stretches(result):
        if start < end:
            text = text[:start] + " " * (past - start) + text[past:]
    return text[:end]


def _tables(result: SearchResult) -> Iterator[list[_Stretch]]:
    """Yield the rows of each table, in order."""
    rows = _stretches(result)
    table = rows[:1]
    for before, row in pairwise(rows):
        if not _BETWEEN.fullmatch(result.text, before[1], row[0]):
            yield table
            table = []
        table.append(row)
    if table:
        yield table


def _stretches(result: SearchResult) -> list[_Stretch]:
    """Return where rows stand in the passage, ascending."""
    known = [(start - result.start, end - result.start) for start, end in result.table_rows]
    if "|" not in result.text:
        return known
    drawn = {found.span() for found in _DRAWN_ROW.finditer(result.text)}
    for found in _DRAWN_TABLE.finditer(result.text):
        start = found.start()
        for line in found.group().split("\n"):
            drawn.add((start, start + len(line)))
            start += len(line) + 1
    new = [
        (start, end)
        for start, end in drawn
        if not _DRAWN_LINE.fullmatch(result.text, start, end)
        and not any(a < end and start < b for a, b in known)
    ]
    return sorted([*known, *new])


def _titles(result: SearchResult) -> list[_Stretch]:
    """Return where the known headings stand in the passage, ascending."""
    starts = ((span.start - result.start, span.label) for span in result.headings)
    titles = ((start, _after_title(result.text, start, label)) for start, label in starts)
    return [(start, end) for start, end in titles if start < end]


def _after_title(text: str, start: int, label: str) -> int:
    """Return where the line of a heading ends, or `start` where it stands before, or not alone."""
    if start < 0:
        return start
    position = start
    for character in filter(str.isalnum, label):
        while position < len(text) and not text[position].isalnum():
            position += 1
        if text[position : position + 1].lower() != character.lower():
            return start
        position += 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return start if any(map(str.isalnum, text[position:end])) else end


def _sentences(text: str, start: int, end: int, titles: Sequence[_Stretch]) -> list[Unit]:
    """Return what stands between two characters, settings by line, without lines of headings."""
    units: list[Unit] = []
    for first, past in titles:
        if start <= first < end:
            units += _sentences(text, start, first, ())
            start = past
    for settings in _SETTINGS.finditer(text, start, end):
        if _ASKING_LINE.search(text, *settings.span()):
            continue  # people talk to each other
        units += [Unit(*span) for span in sentence_spans(text, start, settings.start())]
        for line in _LINE.finditer(text, *settings.span()):
            pieces = sentence_spans(text, *line.span())
            is_setting = len(pieces) == 1 and not line.group().startswith("[")
            units += [Unit(*piece, is_setting=is_setting) for piece in pieces]
        start = settings.end()
    return units + [Unit(*span) for span in sentence_spans(text, start, end)]


def _edges(result: SearchResult) -> list[_Stretch]:
    return [(start - result.start, end - result.start) for start, end in result.edges]


def _contents(text: str) -> list[_Stretch]:
    """Return where the entries of a table of contents stand: they say where, not what is so."""
    entries = list(_ENTRY.finditer(text))
    pages = [int(entry[1]) for entry in entries if entry[1]]
    if len(entries) < _FEWEST_ENTRIES or pages != sorted(pages):
        return []
    return [entry.span() for entry in entries]


def _rows(result: SearchResult, table: Sequence[_Stretch]) -> Iterator[Unit]:
    """Yield the rows of a table."""
    text = result.text
    rows = [text[start:end].strip(_EDGE) for start, end in table]
    first = next((i for i, row in enumerate(rows) if "|" in row), len(rows))
    past, columns = first, ""
    # Cut off from what stands above it, a row need not be the first of its table.
    if (table[0][0] > 0 or result.start == 0) and len(rows) > first + 1:
        past, columns = _header(rows, first, between=text[table[first][1] : table[first + 1][0]])
    for i, (start, end) in enumerate(table):
        if first <= i < past:
            continue
        is_named = _NAMED_CELLS if past == first and result.rows is None else _NAMED_CELL
        has_cells = "|" in rows[i] or is_named.match(rows[i]) is not None
        if not has_cells or end - start > MAX_ROW_CHARS or "\n" in rows[i]:
            for a, b in sentence_spans(text, start, end):
                is_field = result.rows is not None and ": " in text[a:b]
                yield Unit(a, b, is_field=is_field)
        else:
            start = text.index(rows[i], start)
            yield Unit(
                start, start + len(rows[i]), is_row=True, columns=columns if i > first else ""
            )


def _header(rows: Sequence[str], first: int, *, between: str) -> tuple[int, str]:
    """Return past which row the names of columns end, and the row that goes with those below.

    Args:
        first: The first row of several cells.
        between: What stands between it and the next row.
    """
    past = _after_names(rows, first)
    if _UNDERLINE.search(between):
        return first + 1, rows[first]
    if past > first or not _may_name(rows[first]):
        return past, ""
    has_numbers = all(_DIGIT.search(" ".join(_cells(row)[1:])) for row in rows[first + 1 :])
    if len(_cells(rows[first])) < _NAMED_COLUMNS:
        return first, rows[first] if has_numbers else ""
    shapes = list(_shapes_of_columns(rows[first:]))
    is_like = any(top == below for top, below in shapes)
    if has_numbers or (shapes and not is_like):
        return first + 1, rows[first]
    if ("name", "name") in shapes:
        return first, ""
    # Among words alone it may be a row like the others: it goes along with them, and is quotable.
    return first, rows[first]


def _shapes_of_columns(rows: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the shape of the first cell of each column whose other cells have one and the same.

    "Person" above "Ana Lopez" and "Tom Berg" is no name of a person, so it names the column.
    """
    for top, *below in zip_longest(*map(_cells, rows), fillvalue=""):
        shapes = {_shape(cell) for cell in below}
        if len(shapes) == 1 and "" not in shapes:
            yield _shape(top), shapes.pop()


def _shape(cell: str) -> str:
    if _FULL_NAME.fullmatch(cell):
        return "name"
    return "lower" if cell.islower() else ""


def _after_names(rows: Sequence[str], first: int) -> int:
    """Return which row follows those whose cells the rows below repeat as names: "item: mug"."""
    for past, row in enumerate(rows[first + 1 :][:_MAX_HEADER_ROWS], first + 1):
        if _NAMED_CELL.match(row) and "|" not in row:
            names = {cell for above in rows[first:past] for cell in _cells(above) if cell}
            return past if row.startswith(tuple(names)) else first
    return first


def _may_name(row: str) -> bool:
    """Whether the cells of a row may be the names of columns."""
    cells = _cells(row)
    return len({cell.casefold() for cell in cells}) == len(cells) > 1 and all(
        0 < len(cell) <= _MAX_NAME_CHARS and (_YEAR.fullmatch(cell) or not _NO_NAME.search(cell))
        for cell in cells
    )


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")]
