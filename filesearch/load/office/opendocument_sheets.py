"""OpenDocument sheets: ods -> Document with a line per row, as `sheets` writes them.

The rows are read as a stream: the content of a spreadsheet of 100 MB never stands in memory as a
tree. A cell or row that the file writes once and repeats a million times is bounded.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.containers.archives import read_part
from filesearch.load.office.opendocument_text import flat_text, open_document, read_title
from filesearch.load.office.sheets import add_rows, cell_text
from filesearch.load.office.xml_tree import attribute, child, name_of
from filesearch.load.options import LoadOptions
from filesearch.types import Document

_MAX_COLUMNS = 16_384
_MAX_REPEATED_ROWS = 1_000
_SHOWN_AS_WRITTEN = frozenset(("percentage", "currency", "time"))


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an OpenDocument spreadsheet.

    Raises:
        InvalidFile: Damaged, encrypted, too large unpacked, or without a filled visible cell.
    """
    archive = open_document(data, filename)
    composer = Composer(filename)
    filled = 0
    hidden: list[str] = []
    for number, sheet in enumerate(_Sheets(archive, composer), 1):
        if sheet.is_hidden:
            hidden.append(sheet.name)
            continue
        start = composer.position + 2 if composer.position else 0
        composer.add_heading(1, sheet.name, separator="\n\n")
        count = add_rows(composer, sheet.rows)
        filled += count
        if not count:
            composer.warn(f"sheet {sheet.name!r} is empty")
        composer.mark("sheet", (start, composer.position), number, clean_line(sheet.name))
    if hidden:
        composer.warn(f"hidden sheets were left out: {', '.join(hidden[:10])}")
    if not filled:
        raise InvalidFile(f"{filename!r} is empty; no cell of its visible sheets is filled")
    return composer.build(media_type, title=read_title(archive))


@dataclass
class _Sheet:
    name: str
    is_hidden: bool
    rows: Iterator[tuple[int, list[str]]]


class _Sheets:
    """Iterates over the sheets of a file; the rows of one must be read before the next begins."""

    def __init__(self, archive: zipfile.ZipFile, composer: Composer) -> None:
        self.composer = composer
        self.hidden_styles: set[str] = set()
        content = read_part(archive, "content.xml")
        if content is None:
            raise InvalidFile(
                f"{composer.filename!r} is damaged: its content is missing; save it again"
            )
        self.events = etree.iterparse(
            io.BytesIO(content),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            huge_tree=False,
            recover=True,
            remove_comments=True,
        )

    def __iter__(self) -> Iterator[_Sheet]:
        for event, node in self.events:
            name = name_of(node)
            if event == "end" and name == "style":
                if attribute(child(node, "table-properties"), "display") == "false":
                    self.hidden_styles.add(attribute(node, "name"))
            elif event == "start" and name == "table":
                is_hidden = attribute(node, "style-name") in self.hidden_styles
                rows = self._rows(node)
                yield _Sheet(attribute(node, "name"), is_hidden=is_hidden, rows=rows)
                for _ in rows:  # those that nobody asked for
                    pass

    def _rows(self, table: etree._Element) -> Iterator[tuple[int, list[str]]]:
        number = 1
        for event, node in self.events:
            if event == "start":
                continue
            if node is table:
                node.clear()
                return
            if name_of(node) != "table-row" or _is_nested(node, table):
                continue
            cells = list(_cells(node))
            repeated = _count(node, "number-rows-repeated", 1 << 20)
            taken = min(repeated, _MAX_REPEATED_ROWS) if any(cells) else 0
            if any(cells) and repeated > taken:
                self.composer.warn(
                    f"row {number} is repeated {repeated} times; {taken} of them were taken"
                )
            yield from ((number + copy, cells) for copy in range(taken))
            number += repeated
            node.clear()
            while node.getprevious() is not None:
                del node.getparent()[0]


def _is_nested(row: etree._Element, table: etree._Element) -> bool:
    owner = next((node for node in row.iterancestors() if name_of(node) == "table"), None)
    return owner is not table


def _cells(row: etree._Element) -> Iterator[str]:
    """Yield the cells of a row up to its last filled one."""
    empty = column = 0
    for node in row:
        if name_of(node) not in ("table-cell", "covered-table-cell"):
            continue
        text = _value(node) if name_of(node) == "table-cell" else ""
        repeated = _count(node, "number-columns-repeated", _MAX_COLUMNS - column)
        column += repeated
        if not text:
            empty += repeated
            continue
        yield from [""] * empty
        yield from [text] * repeated
        empty = 0


def _value(cell: etree._Element) -> str:
    """Return a cell as `sheets` shows values; amounts, shares and times as the file shows them."""
    kind = attribute(cell, "value-type")
    if kind == "boolean":
        return cell_text(attribute(cell, "boolean-value") == "true")
    try:
        if kind == "float":
            return cell_text(float(attribute(cell, "value")))
        if kind == "date":
            return cell_text(datetime.datetime.fromisoformat(attribute(cell, "date-value")))
    except ValueError:
        pass  # what the cell shows is there in any case
    return flat_text(cell)


def _count(node: etree._Element, name: str, most: int) -> int:
    count = attribute(node, name)
    return min(max(int(count), 1), most) if count.isdecimal() else 1
