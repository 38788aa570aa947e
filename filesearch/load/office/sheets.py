"""Sheets: xlsx, csv and tsv -> Document with a line per row.

Where the first row names the columns, or the first below a title, each row is written with those
names ("city: Bergen; mugs: 12"), so that it can be understood alone, wherever a chunk begins.
Every row has a row span numbered as in the sheet; every worksheet a sheet span. A table span
begins with the names: a title stands before it.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Literal, Protocol

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer
from filesearch.load.media_types import TSV, XLSX
from filesearch.load.options import LoadOptions
from filesearch.load.tables import is_number, is_year
from filesearch.load.text.decode import decode
from filesearch.types import Document

_MAX_HEADER_CHARACTERS = 80
_SAMPLE_ROWS = 20
_SNIFFED_CHARACTERS = 64 * 1024
_DELIMITERS = ",;\t|"
_STATED_DELIMITER = re.compile(r'"?sep=([^\w"\n])"?[ \t]*\n', re.IGNORECASE)
"""What Excel writes, and drops, in the first line."""
_FORMULA = re.compile(
    rb"<(?:\w+:)?c(\s[^<>]*)?>\s*<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:(</(?:\w+:)?c>)|<(?:\w+:)?v(?:\s*/>|>\s*</))"
)
"""A formula without a result: its attributes, and the end of the cell where it has no value."""
_EMPTY_TEXT = re.compile(rb"\st=[\"']str[\"']")
_SHEET_PART = "_worksheet_path"
"""Where openpyxl keeps the name of a worksheet's part; it hands it out nowhere."""
_PIECE_BYTES = 1024 * 1024
_MAX_ROW_BYTES = 8 * 1024 * 1024
_MAX_TITLE_CELLS = 2
_MIN_NAMES_BELOW_TITLE = 3
"""Below a title, two columns are as often labels and values."""


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a table of any kind.

    Raises:
        UnsupportedFile: A csv or tsv whose bytes are no text.
        InvalidFile: Damaged, encrypted, too large unpacked, or without a filled cell.
    """
    composer = Composer(filename)
    if media_type == XLSX:
        _add_workbook(composer, data, filename)
    else:
        decoded = decode(data, filename)
        if decoded.warning:
            composer.warn(decoded.warning)
        text = clean_text(decoded.text)
        if stated := _STATED_DELIMITER.match(text):
            text, delimiter = text[stated.end() :], stated[1]
        else:
            delimiter = "\t" if media_type == TSV else _delimiter(text)
        add_rows(composer, _read_csv(text, delimiter))
    return composer.build(media_type)


def _add_workbook(composer: Composer, data: bytes, filename: str) -> None:
    import openpyxl

    from filesearch.load.containers.archives import open_archive

    archive = open_archive(data, filename)
    filled = formulas = 0
    hidden: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl names every extension that it leaves out
        try:
            workbook = openpyxl.load_workbook(
                io.BytesIO(data), read_only=True, data_only=True, keep_links=False
            )
        except (InvalidFile, MemoryError):
            raise
        except Exception as error:
            raise InvalidFile(
                f"{filename!r} is damaged, it cannot be opened as xlsx "
                f"({type(error).__name__}: {error}); save it again"
            ) from error
        try:
            for number, sheet in enumerate(workbook.worksheets, 1):
                start = composer.position + 2 if composer.position else 0
                if sheet.sheet_state != "visible":
                    hidden.append(sheet.title)
                    continue
                rows = (
                    (index, [cell_text(value) for value in row])
                    for index, row in enumerate(_values(sheet), 1)
                )
                composer.add_heading(1, sheet.title, separator="\n\n")
                count = add_rows(composer, rows)
                filled += count
                formulas += _count_formulas(archive, getattr(sheet, _SHEET_PART))
                if not count:
                    composer.warn(f"sheet {sheet.title!r} is empty")
                composer.mark("sheet", (start, composer.position), number, clean_line(sheet.title))
        finally:
            workbook.close()
            archive.close()
    lost = f"{formulas} formulas have no stored result; open and save it in a spreadsheet program"
    if formulas:
        composer.warn(lost)
    if hidden:
        composer.warn(f"hidden sheets were left out: {', '.join(hidden[:10])}")
    if not filled:
        empty = f"{filename!r} is empty; no cell of its visible sheets is filled"
        raise InvalidFile(f"{empty} ({lost})" if formulas else empty)


class _Rows(Protocol):
    """What is used of openpyxl's read-only worksheet."""

    def reset_dimensions(self) -> None: ...

    def iter_rows(self, *, values_only: Literal[True]) -> Iterator[tuple[object, ...]]: ...


def _values(sheet: _Rows) -> Iterator[tuple[object, ...]]:
    # Some programs write a wrong dimension; without it openpyxl reads what is there.
    sheet.reset_dimensions()
    yield from sheet.iter_rows(values_only=True)


def _count_formulas(archive: zipfile.ZipFile, name: str) -> int:
    """Return how many formulas of a sheet were saved without a result, which openpyxl leaves out.

    A result that is an empty text was computed. Read piece by piece, row ends between them.
    """
    count = 0
    rest = b""
    with archive.open(name) as part:
        while piece := part.read(_PIECE_BYTES):
            whole, end, rest = (rest + piece).rpartition(b"row>")
            if not end and len(rest) > _MAX_ROW_BYTES:
                rest = b""
            count += sum(
                1 for cell in _FORMULA.finditer(whole) if cell[2] or not _is_empty_text(cell[1])
            )
    return count


def _is_empty_text(attributes: bytes | None) -> bool:
    return _EMPTY_TEXT.search(attributes or b"") is not None


def cell_text(value: object) -> str:
    """Return a cell's value as people write it: 3.0 as 3, dates as ISO 8601, no value as ""."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        if value.time() == datetime.time():
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="minutes" if not value.second else "seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return clean_line(str(value))


def _delimiter(text: str) -> str:
    """Return the character that splits the first lines into the same number (over 1) of cells."""
    sample = text[:_SNIFFED_CHARACTERS]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        rows = list(islice((cells for _, cells in _read_csv(sample, delimiter)), _SAMPLE_ROWS))
        counts = [len(cells) for cells in rows if any(cells)]
        usual = max(set(counts), key=counts.count, default=1)
        score = counts.count(usual) / len(counts) * min(usual, 4) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _read_csv(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the row, cells on one line each)."""
    csv.field_size_limit(len(text) + 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, cells in enumerate(reader, 1):
        yield number, [clean_line(cell) for cell in cells]


def add_rows(composer: Composer, rows: Iterable[tuple[int, list[str]]]) -> int:
    """Append the filled rows, one line each, and return how many there were.

    The rows below the one that names the columns bear those names, see `_find_header`.
    """
    filled = ((number, cells) for number, cells in rows if any(cells))
    first = list(islice(filled, _SAMPLE_ROWS))
    place = _find_header([cells for _, cells in first])
    header = first[place][1] if place is not None else []
    count = 0
    start = end = -1
    separator = "\n" if composer.position else ""
    for position, (number, cells) in enumerate(chain(first, filled)):
        named = place is not None and position > place
        line = _named_cells(header, cells) if named else " | ".join(cells).rstrip(" |")
        added = composer.add(line, separator=separator)
        if added is None:
            continue
        composer.mark("row", added, number)
        if start < 0 and position >= (place or 0):
            start = added[0]
        end = added[1]
        separator = "\n"
        count += 1
    if start >= 0:
        composer.mark("table", (start, end), 1)
    return count


def _find_header(rows: Sequence[list[str]]) -> int | None:
    """Return which of the first filled rows names the columns, None when that is not plain.

    It is the first one, or else the first below a title: below rows of one or two cells, with at
    least three names, none of them a label ("Date:") or missing, and with numbers below it or
    rows that are all as wide.
    """
    if not rows or _has_header(rows):
        return 0 if rows else None
    place = next((i for i, row in enumerate(rows) if len(_said(row)) > _MAX_TITLE_CELLS), 0)
    names, below = _said(rows[place]), [_said(row) for row in rows[place + 1 :]]
    if not place or len(names) < _MIN_NAMES_BELOW_TITLE or not _has_header(rows[place:]):
        return None
    if len(names) < max(map(len, below)) or any(name.endswith(":") for name in names):
        return None
    with_numbers = sum(any(map(is_number, row)) for row in below)
    is_even = len(below) >= len(names) and all(len(row) == len(names) for row in below)
    return place if is_even or 2 * with_numbers >= len(below) else None


def _said(row: list[str]) -> list[str]:
    return [cell for cell in row if cell]


def _has_header(rows: Sequence[list[str]]) -> bool:
    """Whether the first of some rows names at least two columns, and a row follows.

    No name is a number or comes twice; years may be names, see `_are_names`.
    """
    if len(rows) < 2:
        return False
    names = _said(rows[0])
    width = max(len(_said(row)) for row in rows[1:])
    years = [column for column, name in enumerate(rows[0]) if is_year(name)]
    return (
        len(names) >= 2
        and len(names) >= 0.5 * width
        and len({name.lower() for name in names}) == len(names)
        and all(len(name) <= _MAX_HEADER_CHARACTERS for name in names)
        and all(is_year(name) or not _is_number(name) for name in names)
        and (not years or _are_names(years, rows))
    )


def _are_names(years: Sequence[int], rows: Sequence[list[str]]) -> bool:
    """Whether the years in the first row name their columns, and are no values of these.

    Then another kind of name leads the row, or its corner is empty, and hardly a year stands
    below them; below a single one stand numbers.
    """
    if 0 in years:
        return False
    for column in years:
        below = [row[column] for row in rows[1:] if column < len(row) and row[column]]
        others = [cell for cell in below if not is_year(cell)]
        if below and 2 * len(others) <= len(below):
            return False
        if len(years) == 1 and not any(map(_is_number, others)):
            return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").replace("%", "").replace(" ", ""))
    except ValueError:
        return False
    return True


def _named_cells(header: list[str], cells: list[str]) -> str:
    pieces = []
    for index, cell in enumerate(cells):
        name = header[index] if index < len(header) else ""
        if cell:
            pieces.append(f"{name}: {cell}" if name else cell)
    return "; ".join(pieces)
