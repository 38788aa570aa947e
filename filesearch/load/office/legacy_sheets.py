"""Legacy sheets: xls (Excel 5 to 2003) -> Document with a line per row, as `sheets` writes them."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.office.sheets import add_rows, cell_text
from filesearch.load.options import LoadOptions
from filesearch.types import Document

if TYPE_CHECKING:
    import xlrd


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a workbook.

    Raises:
        InvalidFile: Damaged, encrypted, or without a filled cell in its visible sheets.
    """
    import xlrd

    try:
        book = xlrd.open_workbook(
            file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True
        )
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise InvalidFile(
                f"{filename!r} is encrypted with a password; save it without one"
            ) from error
        raise InvalidFile(f"{filename!r} is damaged ({error}); save it again") from error
    composer = Composer(filename)
    hidden: list[str] = []
    filled = 0
    for number in range(1, book.nsheets + 1):
        sheet = book.sheet_by_index(number - 1)
        if sheet.visibility:
            hidden.append(sheet.name)
        else:
            start = composer.position + 2 if composer.position else 0
            composer.add_heading(1, sheet.name, separator="\n\n")
            count = add_rows(composer, _rows(sheet, book.datemode))
            filled += count
            if not count:
                composer.warn(f"sheet {sheet.name!r} is empty")
            composer.mark("sheet", (start, composer.position), number, clean_line(sheet.name))
        book.unload_sheet(number - 1)
    if hidden:
        composer.warn(f"hidden sheets were left out: {', '.join(hidden[:10])}")
    if not filled:
        raise InvalidFile(f"{filename!r} is empty; no cell of its visible sheets is filled")
    return composer.build(media_type)


def _rows(sheet: xlrd.sheet.Sheet, date_mode: int) -> Iterator[tuple[int, list[str]]]:
    for index in range(sheet.nrows):
        yield index + 1, [_text(cell, date_mode) for cell in sheet.row(index)]


def _text(cell: xlrd.sheet.Cell, date_mode: int) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        return cell_text(_date(cell.value, date_mode))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return cell_text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#N/A"))
    return cell_text(cell.value)


def _date(value: float, date_mode: int) -> datetime.datetime | datetime.time | float:
    """Return the date that a number stands for, or the number where it stands for none."""
    import xlrd

    try:
        found: datetime.datetime = xlrd.xldate_as_datetime(value, date_mode)
    except (xlrd.xldate.XLDateError, ValueError, OverflowError):
        return value
    return found.time() if 0 <= value < 1 else found
