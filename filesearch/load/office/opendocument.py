"""OpenDocument: odt and odp -> Document with heading, table and row spans, or a span per slide.

Notes and comments follow the paragraph that they stand in; deleted text, forms and the sources of
indexes are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.containers.archives import parse_xml, read_part
from filesearch.load.media_types import ODP
from filesearch.load.office.numerals import format_number
from filesearch.load.office.opendocument_text import (
    NOT_SHOWN,
    Paragraph,
    flat_text,
    note_text,
    open_document,
    read_paragraph,
    read_title,
)
from filesearch.load.office.xml_tree import all_named, attribute, child, name_of
from filesearch.load.options import LoadOptions
from filesearch.load.tables import Cell, add_table
from filesearch.types import Document

_FORMATS = {
    "1": "decimal",
    "a": "lowerLetter",
    "A": "upperLetter",
    "i": "lowerRoman",
    "I": "upperRoman",
}
_FURNITURE = frozenset(("footer", "header", "date-time", "page-number"))
_TITLE_STYLES = frozenset(("Title", "Titel", "Titre"))
_MAX_REPEATED = 100
"""Cells and rows of a table that are written once and stand for many."""


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an OpenDocument text or presentation.

    Raises:
        InvalidFile: Damaged, encrypted, too large unpacked, or without text.
    """
    archive = open_document(data, filename)
    root = parse_xml(read_part(archive, "content.xml") or b"")
    body = child(root, "body")
    if root is None or body is None:
        raise InvalidFile(f"{filename!r} is damaged: its content is missing; save it again")
    styles = parse_xml(read_part(archive, "styles.xml") or b"")
    composer = Composer(filename)
    known = _Styles(root, styles)
    if _remove_hidden(body, known.hidden_text):
        composer.warn("text that is formatted as hidden was left out")
    reader = _Reader(composer, known)
    if media_type == ODP:
        reader.add_slides(body)
    else:
        reader.blocks(body)
        reader.add_margins(styles)
    return composer.build(media_type, title=read_title(archive) or reader.title)


def _remove_hidden(body: etree._Element, styles: set[str]) -> bool:
    """Take text in one of the styles out of the tree; return whether there was any."""
    found = [
        node for node in all_named(body, "span", "p") if attribute(node, "style-name") in styles
    ]
    for node in found:
        tail = node.tail
        node.clear()
        node.tail = tail
    return bool(found)


@dataclass(frozen=True)
class _ListLevel:
    form: str
    prefix: str
    suffix: str
    start: int


class _Styles:
    """What styles say of paragraphs, lists and slides, by the styles' names."""

    def __init__(self, *roots: etree._Element | None) -> None:
        self.parents: dict[str, str] = {}
        self.lists: dict[str, dict[int, _ListLevel]] = {}
        self.hidden: set[str] = set()
        self.hidden_text: set[str] = set()
        for root in roots:
            for node in all_named(root, "style"):
                name = attribute(node, "name")
                self.parents[name] = attribute(node, "parent-style-name")
                properties = child(node, "drawing-page-properties")
                if attribute(properties, "visibility") == "hidden":
                    self.hidden.add(name)
                if attribute(child(node, "text-properties"), "display") == "none":
                    self.hidden_text.add(name)
            for node in all_named(root, "list-style"):
                self.lists[attribute(node, "name")] = dict(_list_levels(node))

    def is_title(self, name: str) -> bool:
        return name in _TITLE_STYLES or self.parents.get(name) in _TITLE_STYLES


def _list_levels(node: etree._Element) -> Iterator[tuple[int, _ListLevel]]:
    for level in all_named(node, "list-level-style-number"):
        number, start = attribute(level, "level"), attribute(level, "start-value")
        form = _FORMATS.get(attribute(level, "num-format"), "none")
        if number.isdecimal() and form != "none":
            first = int(start) if start.isdecimal() and len(start) < 6 else 1
            suffix = attribute(level, "num-suffix")
            yield int(number), _ListLevel(form, attribute(level, "num-prefix"), suffix, first)


class _Reader:
    """Walks the body and adds its blocks to the composer, in order."""

    def __init__(self, composer: Composer, styles: _Styles) -> None:
        self.composer = composer
        self.styles = styles
        self.title = ""
        self.tables = 0
        self.counters: dict[tuple[str, int], int] = {}

    def blocks(self, parent: etree._Element) -> None:
        """Add every heading, paragraph, list and table below `parent`."""
        for node in parent:
            name = name_of(node)
            if name == "h":
                self._heading(node)
            elif name == "p":
                self._paragraph(node)
            elif name == "list":
                self._list(node, "", 1)
            elif name == "table":
                self._table(node)
            elif name == "annotation":
                self.composer.add(note_text(node))
            elif name and name not in NOT_SHOWN and not name.endswith("-source"):
                self.blocks(node)

    def _heading(self, node: etree._Element) -> None:
        paragraph = read_paragraph(node)
        level = attribute(node, "outline-level")
        number = min(max(int(level), 1), 9) if level.isdecimal() else 1
        self.composer.add_heading(number, paragraph.text, separator="\n\n")
        self._attached(paragraph)

    def _paragraph(self, node: etree._Element, label: str = "") -> None:
        paragraph = read_paragraph(node)
        text = paragraph.text.strip()
        if text and self.styles.is_title(attribute(node, "style-name")):
            self.title = self.title or clean_line(text)
            self.composer.add_heading(1, text, separator="\n\n")
        elif text:
            self.composer.add(label + (clean_line(text) if label else text))
        self._attached(paragraph)

    def _attached(self, paragraph: Paragraph) -> None:
        for note in paragraph.notes:
            self.composer.add(note_text(note))
        for inner in paragraph.nested:
            self._table(inner) if name_of(inner) == "table" else self.blocks(inner)

    def _list(self, node: etree._Element, outer_style: str, level: int) -> None:
        style = attribute(node, "style-name") or outer_style
        form = self.styles.lists.get(style, {}).get(level)
        key = (style, level)
        if attribute(node, "continue-numbering") != "true" and not attribute(node, "continue-list"):
            self.counters.pop(key, None)
        for item in node:
            if name_of(item) not in ("list-item", "list-header"):
                continue
            label = ""
            if name_of(item) == "list-item":
                label = self._label(form, key, attribute(item, "start-value"))
            self._item(item, style, level, label)

    def _label(self, form: _ListLevel | None, key: tuple[str, int], start: str) -> str:
        if form is None:
            return "- "
        number = self.counters.get(key, form.start - 1) + 1
        self.counters[key] = number = int(start) if start.isdecimal() else number
        return f"{form.prefix}{format_number(number, form.form)}{form.suffix}".strip() + " "

    def _item(self, item: etree._Element, style: str, level: int, label: str) -> None:
        indent = "  " * (min(level, 9) - 1)
        for node in item:
            name = name_of(node)
            if name == "list":
                self._list(node, style, level + 1)
            elif name == "h":
                self._heading(node)
            elif name == "p":
                self._paragraph(node, indent + label)
                label = "  " if label else ""

    def _table(self, table: etree._Element, separator: str = "\n\n") -> None:
        rows: list[list[Cell]] = []
        headers = 0
        merged: dict[int, tuple[str, int]] = {}  # column -> text and rows it still covers
        for node, is_header in _rows(table, is_header=False):
            cells = _cells(node, merged)
            rows += [cells] * _repeated(node, "number-rows-repeated")
            headers += is_header and headers == len(rows) - 1
        if not headers and attribute(table, "use-first-row-styles") == "true":
            headers = int(len(rows) > 1)
        starts = add_table(
            self.composer,
            rows,
            number=self.tables + 1,
            header_rows=headers or None,
            separator=separator,
        )
        self.tables += bool(starts)

    def add_slides(self, body: etree._Element) -> None:
        """Add the slides of a presentation, their titles as headings, their notes at their end."""
        hidden: list[int] = []
        for number, page in enumerate(all_named(body, "page"), 1):
            if attribute(page, "style-name") in self.styles.hidden:
                hidden.append(number)
            else:
                self._slide(page, number)
        if hidden:
            numbers = ", ".join(map(str, hidden[:10]))
            self.composer.warn(f"hidden slides were left out: {numbers}")

    def _slide(self, page: etree._Element, number: int) -> None:
        start = self.composer.position + 2 if self.composer.position else 0
        shapes = [node for node in page if attribute(node, "class") not in _FURNITURE]
        titles = [node for node in shapes if attribute(node, "class") == "title"]
        heading = clean_line(" ".join(flat_text(node) for node in titles))
        # What follows on a slide begins on the next line, its first piece after a blank one.
        if heading:
            self.composer.add_heading(1, heading, separator="\n\n")
        notes = [node for node in shapes if name_of(node) == "notes"]
        inner = Composer(self.composer.filename)
        reader = _Reader(inner, self.styles)
        reader.tables = self.tables
        for node in shapes:
            if node not in titles and node not in notes:
                reader.shape(node)
        for node in notes:
            text = "\n".join(_note_lines(node))
            inner.add(f"Notes: {text}" if text else "")
        self.tables = reader.tables
        if inner.position:
            self.composer.add_document(inner.build(ODP), separator="\n" if heading else "\n\n")
        if self.composer.position > start:
            if not heading:
                self.composer.open_heading(1, f"Slide {number}", start)
            self.composer.mark("slide", (start, self.composer.position), number, heading)

    def shape(self, node: etree._Element) -> None:
        """Add what a shape of a slide holds: text, a table, other shapes, words for a picture."""
        name = name_of(node)
        if name == "frame":
            tables = [part for part in node if name_of(part) == "table"]
            for table in tables:
                self._table(table, separator="\n")
            for part in node:
                if not tables and name_of(part) == "text-box":
                    self.blocks(part)
            if not tables and child(node, "text-box") is None:
                self.composer.add(
                    clean_line(" ".join(n.text or "" for n in all_named(node, "title", "desc")))
                )
        elif name == "g":
            for part in node:
                self.shape(part)
        elif name == "annotation":
            self.composer.add(note_text(node))
        elif name and name not in NOT_SHOWN:
            self.blocks(node)

    def add_margins(self, styles: etree._Element | None) -> None:
        """Add what pages show above and below their text, each line once."""
        self.composer.end_sections()
        seen: set[str] = set()
        for page in all_named(styles, "master-page"):
            for node in page:
                kind, text = name_of(node).partition("-")[0], flat_text(node)
                if (
                    kind in ("header", "footer")
                    and text not in seen
                    and any(map(str.isalpha, text))
                ):
                    separator = "\n" if seen else "\n\n"
                    self.composer.add(f"{kind.capitalize()}: {text}", separator=separator)
                    seen.add(text)


def _note_lines(notes: etree._Element) -> Iterator[str]:
    for frame in notes:
        if attribute(frame, "class") not in _FURNITURE and (text := flat_text(frame)):
            yield text


def _rows(parent: etree._Element, *, is_header: bool) -> Iterator[tuple[etree._Element, bool]]:
    """Yield the rows of a table and whether each names columns."""
    for node in parent:
        name = name_of(node)
        if name == "table-row":
            yield node, is_header
        elif name in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(node, is_header=is_header or name == "table-header-rows")


def _cells(row: etree._Element, merged: dict[int, tuple[str, int]]) -> list[Cell]:
    """Return the cells of a row; those covered by a cell above repeat it."""
    found: list[Cell] = []
    column = covered = 0
    for node in row:
        if name_of(node) not in ("table-cell", "covered-table-cell"):
            continue
        columns, rows = (_repeated(node, f"number-{what}-spanned") for what in ("columns", "rows"))
        for _ in range(_repeated(node, "number-columns-repeated")):
            if name_of(node) == "table-cell":
                text = flat_text(node)
                found.append(Cell(text, columns))
                covered = columns - 1
                merged[column] = (text, rows - 1)
                merged.update(dict.fromkeys(range(column + 1, column + columns), ("", rows - 1)))
            elif covered:  # by the cell before it, which counts its columns
                covered -= 1
            else:
                text, left = merged.get(column, ("", 0))
                merged[column] = (text, left - 1)
                found.append(Cell(text if left > 0 else ""))
            column += 1
    return found


def _repeated(node: etree._Element, name: str) -> int:
    count = attribute(node, name)
    return min(max(int(count), 1), _MAX_REPEATED) if count.isdecimal() else 1
