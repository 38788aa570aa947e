"""Word: docx -> Document with heading, table and row spans, and pages where Word left them.

Reads the container's XML itself, in one pass over the body: text boxes, nested tables, tables
inside runs, embedded HTML parts and notes stand outside of the paragraphs that a docx library
offers. A note or comment follows the paragraph (or table) that points at it; headers and footers
of pages stand once, at the end.
"""

from __future__ import annotations

import dataclasses
import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise

from lxml import etree

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer, ordered
from filesearch.load.containers.archives import open_archive, parse_xml, read_part, relations
from filesearch.load.office.drawings import read_chart, read_diagram
from filesearch.load.office.pictures import OfficePictures
from filesearch.load.office.word_styles import Numbering, Styles
from filesearch.load.office.word_text import Paragraph, ParagraphReader, Reference, shown
from filesearch.load.office.xml_tree import (
    all_named,
    attribute,
    child,
    document_title,
    is_on,
    name_of,
)
from filesearch.load.options import MAX_DEPTH, LoadOptions
from filesearch.load.tables import Cell, add_table, text_at_column
from filesearch.types import Document, Span

_WRAPPERS = frozenset("sdt sdtContent customXml ins moveTo smartTag".split())
_MAX_HEADING_CHARACTERS = 300
"""Above it a paragraph in the style of a heading is text."""
_BREAKS = re.compile(r"\s*\n\s*")


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a Word file.

    Raises:
        InvalidFile: Damaged, encrypted, too large unpacked, or without text.
    """
    archive = open_archive(data, filename)
    main = next(
        (target for kind, target in relations(archive, "").values() if kind == "officeDocument"),
        "word/document.xml",
    )
    body = child(parse_xml(read_part(archive, main) or b""), "body")
    if body is None:
        raise InvalidFile(f"{filename!r} is damaged: its main part is missing; save it again")
    composer = Composer(filename)
    reader = _Reader(archive, main, composer, options)
    reader.blocks(body)
    reader.add_orphans(body)
    reader.add_margins()
    reader.pictures.warn()
    document = composer.build(media_type, title=document_title(archive) or reader.title)
    return dataclasses.replace(document, spans=ordered([*document.spans, *reader.pages(document)]))


class _Reader:
    """Walks the body and adds its blocks to the composer, in order."""

    def __init__(
        self, archive: zipfile.ZipFile, main: str, composer: Composer, options: LoadOptions
    ) -> None:
        self.archive = archive
        self.composer = composer
        self.options = options
        self.inside = options.inside()
        self.folder = main.rpartition("/")[0]
        self.relations = relations(archive, main)
        self.styles = Styles(self._part("styles"))
        self.numbering = Numbering(self._part("numbering"))
        self.paragraphs = ParagraphReader()
        self.notes = {
            part: {attribute(note, "id"): note for note in self._note_nodes(part)}
            for part in ("footnotes", "endnotes", "comments")
        }
        self.pictures = OfficePictures(archive, composer, options)
        self.references: list[Reference] = []
        self.page_starts: list[int] = []
        self.breaks = 0
        self.title = ""
        self.tables = 0

    def _part(self, kind: str) -> etree._Element | None:
        """Return the root of the part of one kind, which may have any name."""
        targets = (target for found, target in self.relations.values() if found == kind)
        name = next(targets, f"{self.folder}/{kind}.xml")
        return parse_xml(read_part(self.archive, name) or b"")

    def _note_nodes(self, part: str) -> Iterator[etree._Element]:
        for note in all_named(self._part(part), "footnote", "endnote", "comment"):
            if attribute(note, "type") in ("", "normal"):  # others are lines between text and notes
                yield note

    def blocks(self, parent: etree._Element) -> None:
        """Add every paragraph and table below `parent`."""
        for node in shown(parent):
            name = name_of(node)
            if name == "p":
                self._paragraph(node)
            elif name == "tbl":
                self._table(node)
            elif name == "altChunk":
                self._embedded(node)
            elif name in _WRAPPERS:
                self.blocks(node)

    def _paragraph(self, node: etree._Element) -> None:
        paragraph = self.paragraphs.read(node)
        text = paragraph.text.strip()
        level = self._level(node) if text and len(text) <= _MAX_HEADING_CHARACTERS else None
        label, depth = self._label(node)
        start = self.composer.position
        if level is not None:
            self.title = self.title or (clean_line(text) if level == 0 else "")
            numbered = f"{label} {text}" if label and label != "-" else text
            self.composer.add_heading(max(level, 1), numbered, separator="\n\n")
        elif label and text:
            self.composer.add(f"{'  ' * min(depth, 8)}{label} {_BREAKS.sub(' ', text)}")
        else:
            self.composer.add(text)
        self._note_pages(paragraph, start)
        self._attach(paragraph)
        self.pictures.add(node, self.relations)
        for inner in paragraph.nested:
            self._table(inner) if name_of(inner) == "tbl" else self.blocks(inner)
        self._flush_notes()

    def _level(self, node: etree._Element) -> int | None:
        """Return the heading level of a paragraph (0: title), or None for body text."""
        properties = child(node, "pPr")
        outline = attribute(child(properties, "outlineLvl"), "val")
        if outline.isdecimal():
            return int(outline) + 1 if int(outline) < 9 else None
        return self.styles.heading_level(attribute(child(properties, "pStyle"), "val"))

    def _label(self, node: etree._Element) -> tuple[str, int]:
        """Return what the list that a paragraph belongs to shows before it, and its depth."""
        style = attribute(child(node, "pPr", "pStyle"), "val")
        numbering = child(node, "pPr", "numPr")
        number_id, level = self.styles.numbering(style)
        own = attribute(child(numbering, "numId"), "val")
        label, depth = self.numbering.label(
            own or number_id, attribute(child(numbering, "ilvl"), "val") or level, style
        )
        is_item = not own and not label and self.styles.is_list(style)
        return ("-" if is_item else label), depth

    def _note_pages(self, paragraph: Paragraph, before: int) -> None:
        """Turn places in a paragraph where pages begin into places in the whole text."""
        added = self.composer.position - before
        shown_text = clean_text(paragraph.text.strip())
        for place in paragraph.pages:
            rest = len(clean_text(paragraph.text[place:]).strip())
            back = min(rest, len(shown_text), added)
            self.page_starts.append(self.composer.position - back)

    def _attach(self, paragraph: Paragraph) -> None:
        """Keep the notes of a paragraph for later, and add its charts and diagrams."""
        self.references += paragraph.references
        if paragraph.has_hidden:
            self.composer.warn("text that is formatted as hidden was left out")
        for kind, identifier in paragraph.graphics:
            _, target = self.relations.get(identifier, ("", ""))
            if kind == "chart":
                title, rows = read_chart(self.archive, target)
                self.composer.add(title, separator="\n\n")
                self._add_rows(rows, header_rows=1)
            else:
                for line in read_diagram(self.archive, target):
                    self.composer.add(line)

    def _table(self, table: etree._Element) -> None:
        rows: list[list[Cell]] = []
        bold: list[bool] = []
        breaks: list[int] = []  # the rows with which a page begins
        headers = 0
        for node in _table_parts(table, "tr"):
            if child(node, "trPr", "del") is not None:
                continue
            before = self.breaks
            cells, is_bold = self._row(node, rows[-1] if rows else [])
            breaks += [len(rows)] * (self.breaks - before)
            headers += headers == len(rows) and is_on(child(node, "trPr", "tblHeader"))
            rows.append(cells)
            bold.append(is_bold)
        if not headers and rows and ((bold[0] and not all(bold)) or self._is_styled(table)):
            headers = 1
        starts = self._add_rows(rows, header_rows=headers or None)
        end = self.composer.position
        self.page_starts += [
            min((start for row, start in starts.items() if row >= first), default=end)
            for first in breaks
        ]
        self.pictures.add(table, self.relations)
        self._flush_notes()

    def _add_rows(self, rows: list[list[Cell]], *, header_rows: int | None) -> dict[int, int]:
        starts = add_table(self.composer, rows, number=self.tables + 1, header_rows=header_rows)
        self.tables += bool(starts)
        return starts

    def _is_styled(self, table: etree._Element) -> bool:
        """Whether the table's style sets its first row apart, and the table wants that."""
        look = child(table, "tblPr", "tblLook")
        first_row = attribute(look, "firstRow")
        if not first_row:  # before Word 2010 one number held all the switches
            value = attribute(look, "val")
            first_row = "1" if re.fullmatch("[0-9A-Fa-f]{4}", value) and int(value, 16) & 32 else ""
        style = attribute(child(table, "tblPr", "tblStyle"), "val")
        return first_row in ("1", "true", "on") and self.styles.names_columns(style)

    def _row(self, row: etree._Element, above: list[Cell]) -> tuple[list[Cell], bool]:
        """Return the cells of a row, those merged with the row above repeated, and if bold."""
        before = attribute(child(row, "trPr", "gridBefore"), "val")
        cells = [Cell("", int(before))] if before.isdecimal() and 0 < int(before) < 100 else []
        bold: list[bool] = []
        for node in _table_parts(row, "tc"):
            span = attribute(child(node, "tcPr", "gridSpan"), "val")
            merge = child(node, "tcPr", "vMerge")
            text, is_bold = self._cell(node)
            bold += [is_bold] if text else []
            if merge is not None and attribute(merge, "val") != "restart" and not text:
                text = text_at_column(above, sum(cell.columns for cell in cells))
            cells.append(Cell(text, int(span) if span.isdecimal() and 0 < len(span) < 4 else 1))
        return cells, bool(bold) and all(bold)

    def _cell(self, cell: etree._Element) -> tuple[str, bool]:
        """Return a cell on one line, tables inside it cell after cell, and whether it is bold."""
        pieces: list[str] = []
        bold: list[bool] = []
        self._collect(cell, pieces, bold)
        return " ".join(pieces), bool(bold) and all(bold)

    def _collect(self, parent: etree._Element, pieces: list[str], bold: list[bool]) -> None:
        for node in shown(parent):
            if name_of(node) != "p":
                self._collect(node, pieces, bold)
                continue
            paragraph = self.paragraphs.read(node)
            self.breaks += len(paragraph.pages)
            label, _ = self._label(node)
            if text := clean_line(paragraph.text):
                pieces.append(f"{label} {text}" if label not in ("", "-") else text)
                bold.append(paragraph.is_bold)
            self._attach(paragraph)
            for inner in paragraph.nested:
                self._collect(inner, pieces, bold)

    def _embedded(self, node: etree._Element) -> None:
        """Add an altChunk: a file within the file that Word shows as part of the body."""
        _, target = self.relations.get(attribute(node, "id"), ("", ""))
        data = read_part(self.archive, target) if target else None
        if not data:
            self.composer.warn("an embedded document is missing")
            return
        if self.options.depth >= MAX_DEPTH:
            self.composer.warn(f"an embedded document ({target}) stands too deep to be read")
            return
        try:
            document = load(data, target, self.inside)
        except (InvalidFile, UnsupportedFile) as error:
            self.composer.warn(f"an embedded document was not read: {error}")
            return
        self.composer.add_document(document)

    def _flush_notes(self) -> None:
        """Add the notes that were pointed at since the last time, a line each."""
        waiting, self.references = self.references, []
        for reference in waiting:
            self._add_note(reference)

    def _add_note(self, reference: Reference) -> None:
        note = self.notes[reference.part].pop(reference.identifier, None)
        if note is None:
            return
        text, _ = self._cell(note)
        mark = reference.mark
        if reference.part == "comments":
            author = clean_line(attribute(note, "author"))
            mark = f"Comment by {author}:" if author else "Comment:"
        if text:
            self.composer.add(f"{mark} {text}" if mark else text)

    def add_orphans(self, body: etree._Element) -> None:
        """Add the notes that nothing points at; those that deleted text points at are deleted."""
        names = ("footnoteReference", "endnoteReference", "commentReference")
        pointed = {(name_of(n), attribute(n, "id")) for n in all_named(body, *names)}
        for name, part in zip(names, ("footnotes", "endnotes", "comments"), strict=True):
            for identifier in list(self.notes[part]):
                if (name, identifier) not in pointed:
                    self._add_note(Reference(part, identifier, ""))
        self._flush_notes()

    def pages(self, document: Document) -> list[Span]:
        """Return the pages as Word last laid them out, if it counted as many as it left marks.

        Word leaves no mark at some breaks (in tables that run over a page, in text boxes), and
        other programs leave none: a citation without a page is better than one with a wrong page.
        """
        properties = parse_xml(read_part(self.archive, "docProps/app.xml") or b"")
        count = next(all_named(properties, "Pages"), None)
        if count is None or not self.page_starts or count.text != str(len(self.page_starts) + 1):
            return []
        found, text = [], document.text
        bounds = [0, *self.page_starts, len(text)]
        for number, (start, end) in enumerate(pairwise(bounds), 1):
            if page := text[start:end].lstrip():
                found.append(Span("page", end - len(page), end, number))
        return found

    def add_margins(self) -> None:
        """Add what pages show above and below their text, each line once, without numbers."""
        self.composer.end_sections()
        seen: set[str] = set()
        for kind, word in (("header", "Header"), ("footer", "Footer")):
            for found, target in self.relations.values():
                root = parse_xml(read_part(self.archive, target) or b"") if found == kind else None
                text, _ = self._cell(root) if root is not None else ("", False)
                if text not in seen and any(map(str.isalpha, text)):
                    self.composer.add(f"{word}: {text}", separator="\n" if seen else "\n\n")
                    seen.add(text)


def _table_parts(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the rows of a table or the cells of a row, also those wrapped in content controls."""
    for node in shown(parent):
        if name_of(node) == name:
            yield node
        elif name_of(node) in _WRAPPERS:
            yield from _table_parts(node, name)
