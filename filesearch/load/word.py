"""Word: docx -> Document with heading, table and row spans.

Reads the container's XML itself, in one pass over the body: text boxes, nested tables, tables
inside runs, embedded HTML parts and notes stand outside of the paragraphs that a docx library
offers.
Headers and footers of pages are left out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.archives import open_archive, parse_xml, read_part, relations
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.decode import decode
from filesearch.load.options import LoadOptions
from filesearch.types import Document

_HEADING_NAME = re.compile(
    r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek|заголовок|标题|標題|見出し|제목)"
    r"\s*(\d)",
    re.IGNORECASE,
)
"""Names of the built-in heading styles; Word stores the English one, other programs their own."""
_DELETED = frozenset({"del", "moveFrom", "instrText", "delText", "fldSimpleInstr"})
_PLACE = re.compile(r"\s*\n\s*")


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
    root = parse_xml(read_part(archive, main) or b"")
    body = (
        next((node for node in root if _name(node) == "body"), None) if root is not None else None
    )
    if body is None:
        raise InvalidFile(f"{filename!r} is damaged: its main part is missing; save it again")
    composer = Composer(filename)
    reader = _Reader(archive, main, composer)
    reader.blocks(body)
    reader.notes()
    core = parse_xml(read_part(archive, "docProps/core.xml") or b"")
    title = (
        next((n.text or "" for n in core.iter() if _name(n) == "title"), "")
        if core is not None
        else ""
    )
    return composer.build(media_type, title=title or reader.title)


def _name(node: etree._Element) -> str:
    """Return the tag without its namespace (strict and transitional files differ in that only)."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _get(node: etree._Element | None, name: str) -> str:
    """Return an attribute by its name without namespace, or an empty string."""
    if node is None:
        return ""
    return next((str(v) for k, v in node.attrib.items() if str(k).rpartition("}")[2] == name), "")


def _child(node: etree._Element | None, *names: str) -> etree._Element | None:
    """Return the first child at a path of names, or None."""
    for name in names:
        if node is None:
            return None
        node = next((child for child in node if _name(child) == name), None)
    return node


class _Reader:
    """Walks the body and adds its blocks to the composer, in order."""

    def __init__(self, archive: zipfile.ZipFile, main: str, composer: Composer) -> None:
        self.archive = archive
        self.composer = composer
        self.folder = main.rpartition("/")[0]
        self.relations = relations(archive, main)
        self.list_styles: set[str] = set()
        self.levels = self._heading_styles()
        self.title = ""
        self.tables = 0

    def _target(self, kind: str, name: str) -> str:
        return next((t for k, t in self.relations.values() if k == kind), f"{self.folder}/{name}")

    def _heading_styles(self) -> dict[str, int]:
        """Return style id -> heading level; 0 stands for the document's title."""
        root = parse_xml(read_part(self.archive, self._target("styles", "styles.xml")) or b"")
        levels: dict[str, int] = {}
        parents: dict[str, str] = {}
        for style in root if root is not None else ():
            identifier = _get(style, "styleId")
            name = _get(_child(style, "name"), "val")
            if name.lower().startswith("list ") or _child(style, "pPr", "numPr") is not None:
                self.list_styles.add(identifier)
            outline = _get(_child(style, "pPr", "outlineLvl"), "val")
            if found := _HEADING_NAME.match(name):
                levels[identifier] = int(found[1])
            elif name.lower() == "title":
                levels[identifier] = 0
            elif outline.isdigit() and int(outline) < 9:
                levels[identifier] = int(outline) + 1
            parents[identifier] = _get(_child(style, "basedOn"), "val")
        for identifier in parents:
            ancestor, seen = identifier, {identifier}
            while (
                ancestor not in levels and parents.get(ancestor) and parents[ancestor] not in seen
            ):
                ancestor = parents[ancestor]
                seen.add(ancestor)
            if ancestor in levels and levels[ancestor] > 0:
                levels.setdefault(identifier, levels[ancestor])
        return levels

    def blocks(self, parent: etree._Element) -> None:
        """Add every paragraph and table below `parent`."""
        for node in parent:
            name = _name(node)
            if name == "p":
                self._paragraph(node)
            elif name == "tbl":
                self._table(node)
            elif name == "altChunk":
                self._embedded(node)
            elif name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"):
                self.blocks(node)

    def _paragraph(self, node: etree._Element) -> None:
        text, nested = self._paragraph_text(node)
        level = self._level(node)
        if level == 0 and text.strip():
            self.title = self.title or clean_line(text)
            self.composer.add_heading(1, text, separator="\n\n")
        elif level is not None and text.strip():
            self.composer.add_heading(level, text, separator="\n\n")
        elif self._is_item(node) and text.strip():
            depth = _get(_child(node, "pPr", "numPr", "ilvl"), "val")
            indent = "  " * min(int(depth), 8) if depth.isdigit() else ""
            self.composer.add(f"{indent}- {_PLACE.sub(' ', text.strip())}")
        else:
            self.composer.add(text.strip())
        for child in nested:
            self._table(child) if _name(child) == "tbl" else self.blocks(child)

    def _is_item(self, node: etree._Element) -> bool:
        style = _get(_child(node, "pPr", "pStyle"), "val")
        return _child(node, "pPr", "numPr") is not None or style in self.list_styles

    def _level(self, node: etree._Element) -> int | None:
        """Return the heading level of a paragraph (0: title), or None for body text."""
        properties = _child(node, "pPr")
        outline = _get(_child(properties, "outlineLvl"), "val")
        if outline.isdigit():
            return int(outline) + 1 if int(outline) < 9 else None
        style = _get(_child(properties, "pStyle"), "val")
        if style in self.levels:
            return self.levels[style]
        found = _HEADING_NAME.match(style)  # files without a styles part
        return int(found[1]) if found else None

    def _paragraph_text(self, node: etree._Element) -> tuple[str, list[etree._Element]]:
        """Return the text of a paragraph, and text boxes and tables that hang in its runs."""
        pieces: list[str] = []
        nested: list[etree._Element] = []
        for child in _inline(node, nested):
            name = _name(child)
            if name == "t":
                pieces.append(child.text or "")
            elif name in ("tab", "ptab"):
                pieces.append("\t")
            elif name in ("br", "cr"):
                pieces.append("\n")
            elif name == "noBreakHyphen":
                pieces.append("\u2011")
            elif name == "sym" and (code := _get(child, "char")):
                pieces.append(_symbol(code))
            elif name in ("footnoteReference", "endnoteReference") and (
                number := _get(child, "id")
            ):
                pieces.append(f"[{number}]")
        return "".join(pieces), nested

    def _table(self, table: etree._Element) -> None:
        self.tables += 1
        number, start, end = self.tables, -1, -1
        rows = (node for node in table.iter() if _name(node) == "tr" and _owner(node) is table)
        for row_number, row in enumerate(rows, 1):
            cells = [
                self._cell(cell)
                for cell in row.iter()
                if _name(cell) == "tc" and _owner(cell) is table
            ]
            if not any(cells):
                continue
            while not cells[-1]:
                cells.pop()
            added = self.composer.add(" | ".join(cells), separator="\n\n" if start < 0 else "\n")
            self.composer.mark("row", added, row_number)
            if added is not None:
                start = added[0] if start < 0 else start
                end = added[1]
        if start >= 0:
            self.composer.mark("table", (start, end), number)

    def _cell(self, cell: etree._Element) -> str:
        """Return a cell on one line; tables inside it join in, cell after cell."""
        pieces: list[str] = []
        for node in cell.iter():
            if _name(node) == "p" and not _is_fallback(node):
                text, _ = self._paragraph_text(node)
                pieces.append(clean_line(text))
        return " ".join(piece for piece in pieces if piece)

    def _embedded(self, node: etree._Element) -> None:
        """Add an altChunk: a part in HTML or plain text that Word shows as part of the body."""
        _, target = self.relations.get(_get(node, "id"), ("", ""))
        data = read_part(self.archive, target) if target else None
        if not data:
            return
        if data.startswith(b"PK"):
            self.composer.warn(f"an embedded document ({target}) was not read")
            return
        from filesearch.load import html

        if target.lower().endswith((".html", ".htm", ".xhtml", ".mht")) or b"<" in data[:64]:
            root = html.parse_html(decode(data, target).text)
            if root is not None:
                html.add_html(self.composer, root)
        else:
            self.composer.add(decode(data, target).text.strip())

    def notes(self) -> None:
        """Add footnotes and endnotes, each after the id that stands where the text refers to it."""
        for kind, part in (("footnotes", "footnotes.xml"), ("endnotes", "endnotes.xml")):
            root = parse_xml(read_part(self.archive, self._target(kind, part)) or b"")
            separator = "\n\n"
            for note in root if root is not None else ():
                if _get(note, "type") in (
                    "separator",
                    "continuationSeparator",
                    "continuationNotice",
                ):
                    continue
                text = clean_line(
                    " ".join(self._paragraph_text(p)[0] for p in note.iter() if _name(p) == "p")
                )
                if text:
                    self.composer.add(f"[{_get(note, 'id')}] {text}", separator=separator)
                    separator = "\n"


def _inline(parent: etree._Element, nested: list[etree._Element]) -> Iterator[etree._Element]:
    """Yield what a paragraph shows, in order; text boxes and tables are put into `nested`."""
    for node in parent:
        name = _name(node)
        if name in ("tbl", "txbxContent"):
            nested.append(node)
        elif name == "AlternateContent":
            # The same content for newer and older programs: only one is shown.
            choice = _child(node, "Choice")
            shown = choice if choice is not None else _child(node, "Fallback")
            if shown is not None:
                yield from _inline(shown, nested)
        elif name not in _DELETED and name != "pPr":
            yield node
            yield from _inline(node, nested)


def _is_fallback(node: etree._Element) -> bool:
    """Whether a node is the older twin of content that is also there in its newer form."""
    return any(_name(parent) == "Fallback" for parent in node.iterancestors())


def _owner(node: etree._Element) -> etree._Element | None:
    """Return the table that a row or cell belongs to."""
    return next((parent for parent in node.iterancestors() if _name(parent) == "tbl"), None)


def _symbol(code: str) -> str:
    """Return the character of a w:sym; symbol fonts live at U+F000, their bullets show as one."""
    try:
        value = int(code, 16)
    except ValueError:
        return ""
    return "•" if 0xF000 <= value <= 0xF0FF else chr(value) if value < 0x110000 else ""
