"""HTML tables: told apart from tables that only lay out a page, and their cells put in a grid.

table element -> rows of `tables.Cell`. A cell over several rows is said again in each of them.
"""

from __future__ import annotations

from lxml import etree

from filesearch.load.clean import clean_line
from filesearch.load.tables import Cell

_LAYOUT = ("table", "h1", "h2", "h3", "h4", "form")
_LAYOUT_UNLESS_NAMED = ("ul", "ol", "pre", "blockquote")
_PARTS = ("thead", "tbody", "tfoot")
_MAX_CELL_CHARACTERS = 2000
_MAX_SPAN = 1000
"""What the HTML standard allows for colspan; rows are held to it too."""
_BREAKS = frozenset("address br dd div dl dt li p pre td th ul ol h5 h6 section hr".split())
_UNSEEN = frozenset(("script", "style", "template", "noscript", "svg"))


def rows_of_data(table: etree._Element) -> list[etree._Element]:
    """Return the rows of a table that holds data; none of one that lays out a page."""
    if table.get("role") in ("presentation", "none"):
        return []
    rows = [
        row
        for node in table
        for row in ([node] if node.tag == "tr" else node if node.tag in _PARTS else ())
        if row.tag == "tr"
    ]
    if not any(len(_cells(row)) > 1 for row in rows):
        return []
    is_named = any(cell.tag == "th" for row in rows for cell in _cells(row))
    layout = _LAYOUT if is_named else _LAYOUT + _LAYOUT_UNLESS_NAMED
    if any(node is not table and node.tag in layout for node in table.iter(*layout)):
        return []
    for row in rows:
        for cell in _cells(row):
            if not is_named and len(cell.findall(".//p")) > 2:
                return []
            if sum(len(text) for text in cell.itertext()) > _MAX_CELL_CHARACTERS:
                return []
    return rows


def _cells(row: etree._Element) -> list[etree._Element]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def table_header(rows: list[etree._Element]) -> tuple[list[list[Cell]], int | None]:
    """Return the cells of the rows, and how many rows name columns; None where none says so."""
    grid: list[list[Cell]] = []
    running: dict[int, tuple[str, int]] = {}  # column -> what stands there still, for how many rows
    header_rows = 0
    for number, row in enumerate(rows):
        line: list[Cell] = []
        cells = _cells(row)
        column, waiting = 0, list(reversed(cells))
        while waiting or column in running:
            if column in running:
                text, more = running.pop(column)
                if more > 1:
                    running[column] = (text, more - 1)
                line.append(Cell(text))
                column += 1
                continue
            cell = waiting.pop()
            text, width, height = _cell_text(cell), _span(cell, "colspan"), _span(cell, "rowspan")
            if height > 1:
                for place in range(column, column + width):
                    running[place] = (text if place == column else "", height - 1)
            line.append(Cell(text, width))
            column += width
        grid.append(line)
        part = row.getparent()
        names = part is not None and part.tag == "thead"
        if number == header_rows and cells and (names or all(c.tag == "th" for c in cells)):
            header_rows += 1
    return grid, header_rows if 0 < header_rows < len(rows) else None


def _span(cell: etree._Element, name: str) -> int:
    try:
        return min(max(int(cell.get(name) or 1), 1), _MAX_SPAN)
    except ValueError:
        return 1


def _cell_text(cell: etree._Element) -> str:
    pieces: list[str] = []
    for node in cell.iter():
        tag = node.tag if isinstance(node.tag, str) else ""
        pieces.append(" " if tag in _BREAKS else "")
        if tag == "img":
            pieces.append(f" {node.get('alt') or ''} ")
        if tag not in _UNSEEN:
            pieces.append(node.text or "")
        if node is not cell:
            pieces.append((" " if tag in _BREAKS else "") + (node.tail or ""))
    return clean_line("".join(pieces))
