"""Slides: pptx -> Document with a span per slide, numbered from 1.

A slide's title becomes a heading; then its text in the order of its shapes, tables row by row, and
the speaker's notes. Reads the container's XML itself.
"""

from __future__ import annotations

import zipfile

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.archives import open_archive, parse_xml, read_part, relations
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.options import LoadOptions
from filesearch.types import Document

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")


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
    composer = Composer(filename)
    missing: list[str] = []
    slides = [node for node in root.iter() if _name(node) == "sldId"]
    for number, node in enumerate(slides, 1):
        identifier = next((str(v) for k, v in node.attrib.items() if str(k).endswith("}id")), "")
        _, part = targets.get(identifier, ("", ""))
        slide = parse_xml(read_part(archive, part) or b"") if part else None
        if slide is None:
            missing.append(str(number))
        elif slide.get("show") != "0":
            _add_slide(composer, archive, part, slide, number)
    if missing:
        composer.warn(f"slides that could not be read: {', '.join(missing[:10])}")
    core = parse_xml(read_part(archive, "docProps/core.xml") or b"")
    title = (
        next((n.text or "" for n in core.iter() if _name(n) == "title"), "")
        if core is not None
        else ""
    )
    if title.strip().lower() in ("powerpoint presentation", "powerpoint-präsentation"):
        title = ""
    return composer.build(media_type, title=title)


def _name(node: etree._Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _add_slide(
    composer: Composer, archive: zipfile.ZipFile, part: str, slide: etree._Element, number: int
) -> None:
    start = composer.position + 2 if composer.position else 0
    shapes = [node for node in slide.iter() if _name(node) in ("sp", "tbl", "graphicFrame")]
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    heading = clean_line(" ".join(" ".join(_paragraphs(shape)) for shape in titles))
    separator = "\n\n"
    if heading:
        composer.add_heading(1, heading, separator=separator)
        separator = "\n"
    else:
        composer.open_heading(1, f"Slide {number}", start)
    for shape in shapes:
        name = _name(shape)
        if name == "tbl":
            separator = _add_table(composer, shape, separator)
        elif name == "sp" and shape not in titles and _placeholder(shape) not in _FURNITURE:
            for text in _paragraphs(shape):
                if composer.add(text, separator=separator) is not None:
                    separator = "\n"
    for kind, target in relations(archive, part).values():
        if kind == "notesSlide":
            notes = parse_xml(read_part(archive, target) or b"")
            for shape in notes.iter() if notes is not None else ():
                if _name(shape) == "sp" and _placeholder(shape) == "body":
                    text = "\n".join(_paragraphs(shape)).strip()
                    if text and composer.add(f"Notes: {text}", separator=separator) is not None:
                        separator = "\n"
    if composer.position > start:
        composer.mark("slide", (start, composer.position), number, heading)


def _placeholder(shape: etree._Element) -> str:
    """Return the role of a shape ("title", "body", ...), empty for a free one."""
    for node in shape.iter():
        if _name(node) == "ph":
            return str(node.get("type", "body"))
        if _name(node) == "txBody":
            break
    return ""


def _paragraphs(shape: etree._Element) -> list[str]:
    """Return the text of a shape, a string per paragraph; deeper bullets are indented."""
    found: list[str] = []
    for paragraph in shape.iter():
        if _name(paragraph) != "p":
            continue
        pieces: list[str] = []
        level = 0
        for node in paragraph.iter():
            name = _name(node)
            if name == "t":
                pieces.append(node.text or "")
            elif name == "br":
                pieces.append("\n")
            elif name == "pPr" and str(node.get("lvl", "0")).isdigit():
                level = int(node.get("lvl", "0"))
        text = "".join(pieces).strip()
        if text:
            found.append(f"{'  ' * level}- {text}" if level else text)
    return found


def _add_table(composer: Composer, table: etree._Element, separator: str) -> str:
    start = end = -1
    for number, row in enumerate((node for node in table if _name(node) == "tr"), 1):
        cells = [clean_line(" ".join(_paragraphs(cell))) for cell in row if _name(cell) == "tc"]
        if not any(cells):
            continue
        added = composer.add(" | ".join(cells).rstrip(" |"), separator=separator)
        composer.mark("row", added, number)
        if added is not None:
            separator = "\n"
            start, end = (added[0] if start < 0 else start), added[1]
    if start >= 0:
        composer.mark("table", (start, end), 1)
    return separator
