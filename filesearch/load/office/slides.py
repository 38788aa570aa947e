"""Slides: pptx -> Document with a span per slide, numbered from 1.

A slide's title becomes a heading; then its text in the order of its shapes, tables and charts row
by row, diagrams line by line, comments and the speaker's notes. Reads the container's XML itself.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.containers.archives import open_archive, parse_xml, read_part, relations
from filesearch.load.office.drawings import (
    alternative_text,
    drawing_paragraphs,
    read_chart,
    read_diagram,
)
from filesearch.load.office.pictures import OfficePictures
from filesearch.load.office.xml_tree import all_named, attribute, child, document_title, name_of
from filesearch.load.options import LoadOptions
from filesearch.load.tables import Cell, add_table, text_at_column
from filesearch.types import Document

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")
_NO_TITLES = ("powerpoint presentation", "powerpoint-präsentation")
_MAX_LISTED = 10


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a presentation.

    Raises:
        InvalidFile: Damaged, encrypted, too large unpacked, or without text.
    """
    archive = open_archive(data, filename)
    main = next(
        (target for kind, target in relations(archive, "").values() if kind == "officeDocument"),
        "ppt/presentation.xml",
    )
    root = parse_xml(read_part(archive, main) or b"")
    if root is None:
        raise InvalidFile(f"{filename!r} is damaged: its main part is missing; save it again")
    targets = relations(archive, main)
    reader = _Reader(archive, Composer(filename), options)
    missing: list[int] = []
    hidden: list[int] = []
    for number, node in enumerate(all_named(root, "sldId"), 1):
        # The slide's own number is an attribute "id" too, without a namespace.
        identifier = next((str(v) for k, v in node.attrib.items() if str(k).endswith("}id")), "")
        _, part = targets.get(identifier, ("", ""))
        slide = parse_xml(read_part(archive, part) or b"") if part else None
        if slide is None:
            missing.append(number)
        elif slide.get("show") in ("0", "false"):
            hidden.append(number)
        else:
            reader.add_slide(part, slide, number)
    reader.pictures.warn()
    if missing:
        reader.composer.warn(f"slides that could not be read: {_listed(missing)}")
    if hidden:
        reader.composer.warn(f"hidden slides were left out: {_listed(hidden)}")
    title = document_title(archive)
    return reader.composer.build(
        media_type, title="" if title.strip().lower() in _NO_TITLES else title
    )


def _listed(numbers: list[int]) -> str:
    more = ", ..." if len(numbers) > _MAX_LISTED else ""
    return ", ".join(map(str, numbers[:_MAX_LISTED])) + more


class _Reader:
    """Adds slide after slide to the composer."""

    def __init__(self, archive: zipfile.ZipFile, composer: Composer, options: LoadOptions) -> None:
        self.archive = archive
        self.composer = composer
        self.pictures = OfficePictures(archive, composer, options)
        self.separator = "\n\n"
        self.tables = 0

    def add_slide(self, part: str, slide: etree._Element, number: int) -> None:
        """Add what one slide shows, its comments and its notes, under its title."""
        composer = self.composer
        start = composer.position + 2 if composer.position else 0
        targets = relations(self.archive, part)
        shapes = list(_shapes(slide))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        heading = clean_line(" ".join(" ".join(_paragraphs(shape)) for shape in titles))
        self.separator = "\n\n"
        if heading:
            composer.add_heading(1, heading, separator=self.separator)
            self.separator = "\n"
        for shape in shapes:
            if shape not in titles and _placeholder(shape) not in _FURNITURE:
                self._add_shape(shape, targets)
        for kind, target in targets.values():
            if kind == "comments":
                self._add_comments(target)
        for kind, target in targets.values():
            if kind == "notesSlide":
                self._add_notes(target)
        if composer.position > start:
            if not heading:
                composer.open_heading(1, f"Slide {number}", start)
            composer.mark("slide", (start, composer.position), number, heading)

    def _add_line(self, text: str) -> None:
        if self.composer.add(text, separator=self.separator) is not None:
            self.separator = "\n"

    def _add_shape(self, shape: etree._Element, targets: dict[str, tuple[str, str]]) -> None:
        table = next(all_named(shape, "tbl"), None)
        if name_of(shape) == "graphicFrame" and table is not None:
            self._add_table(table)
            return
        for text in _paragraphs(shape):
            self._add_line(text)
        if name_of(shape) in ("pic", "graphicFrame"):
            self._add_line(alternative_text(next(all_named(shape, "cNvPr"), None)))
        self.pictures.add(shape, targets)
        for node in all_named(shape, "chart", "relIds"):
            is_chart = name_of(node) == "chart"
            _, target = targets.get(attribute(node, "id" if is_chart else "dm"), ("", ""))
            if is_chart:
                title, rows = read_chart(self.archive, target)
                self._add_line(title)
                self._add_rows(rows, header_rows=1)
            else:
                for line in read_diagram(self.archive, target):
                    self._add_line(line)

    def _add_table(self, table: etree._Element) -> None:
        rows: list[list[Cell]] = []
        for row in (node for node in table if name_of(node) == "tr"):
            cells: list[Cell] = []
            column = 0
            for node in (cell for cell in row if name_of(cell) == "tc"):
                column += 1
                if attribute(node, "hMerge") in ("1", "true"):  # covered by the cell before it
                    continue
                text = clean_line(" ".join(_paragraphs(node)))
                if attribute(node, "vMerge") in ("1", "true") and not text and rows:
                    text = text_at_column(rows[-1], column - 1)
                span = attribute(node, "gridSpan")
                cells.append(Cell(text, int(span) if span.isdecimal() and len(span) < 4 else 1))
            rows.append(cells)
        first_row = attribute(child(table, "tblPr"), "firstRow") in ("1", "true")
        self._add_rows(rows, header_rows=1 if first_row and len(rows) > 1 else None)

    def _add_rows(self, rows: list[list[Cell]], *, header_rows: int | None) -> None:
        starts = add_table(
            self.composer,
            rows,
            number=self.tables + 1,
            header_rows=header_rows,
            separator=self.separator,
        )
        if starts:
            self.tables += 1
            self.separator = "\n"

    def _add_comments(self, part: str) -> None:
        root = parse_xml(read_part(self.archive, part) or b"")
        for node in all_named(root, "cm"):
            plain = child(node, "text")  # before 2019; since then paragraphs as in shapes
            lines = [plain.text or ""] if plain is not None else drawing_paragraphs(node)
            if text := clean_line(" ".join(lines)):
                self._add_line(f"Comment: {text}")

    def _add_notes(self, part: str) -> None:
        root = parse_xml(read_part(self.archive, part) or b"")
        for shape in all_named(root, "sp"):
            if _placeholder(shape) == "body":
                text = "\n".join(_paragraphs(shape)).strip()
                self._add_line(f"Notes: {text}" if text else "")


def _shapes(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield the shapes of a slide, those in groups too, the newer of two alternatives only."""
    for node in parent:
        name = name_of(node)
        if name in ("sp", "pic", "graphicFrame", "cxnSp"):
            yield node
        elif name == "AlternateContent":
            choice = child(node, "Choice")
            branch = choice if choice is not None else child(node, "Fallback")
            if branch is not None:
                yield from _shapes(branch)
        elif name:
            yield from _shapes(node)


def _placeholder(shape: etree._Element) -> str:
    """Return the role of a shape ("title", "body", ...), empty for a free one."""
    for node in shape.iter():
        if name_of(node) == "ph":
            return str(node.get("type", "body"))
        if name_of(node) == "txBody":
            break
    return ""


def _paragraphs(shape: etree._Element) -> list[str]:
    """Return the text of a shape, a string per paragraph; deeper bullets are indented."""
    found: list[str] = []
    for paragraph in all_named(shape, "p"):
        pieces: list[str] = []
        level = 0
        for node in paragraph.iter():
            name = name_of(node)
            if name == "t":
                pieces.append(node.text or "")
            elif name == "br":
                pieces.append("\n")
            elif name == "pPr" and str(node.get("lvl", "0")).isdecimal():
                level = min(int(node.get("lvl", "0")), 8)
        text = "".join(pieces).strip()
        if text:
            found.append(f"{'  ' * level}- {text}" if level else text)
    return found
