"""OpenDocument text: what odt, odp and ods share: the container, and paragraphs as shown.

Follows OpenDocument 1.3 part 3 (names of elements are those of its schema).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line
from filesearch.load.containers.archives import open_archive, parse_xml, read_part
from filesearch.load.office.xml_tree import all_named, attribute, name_of

NOT_SHOWN = frozenset(
    "tracked-changes forms ruby-text desc title event-listeners hidden-paragraph hidden-text "
    "bookmark-ref-format image-map".split()
)
_MAX_SPACES = 100
_BLOCKS = frozenset(("p", "h"))
_NESTED = frozenset(("table", "text-box", "custom-shape", "rect", "ellipse", "path", "polygon"))


def open_document(data: bytes, filename: str) -> zipfile.ZipFile:
    """Open the container of an OpenDocument file.

    Raises:
        InvalidFile: Damaged, too large unpacked, or encrypted with a password.
    """
    archive = open_archive(data, filename)
    if b"encryption-data" in (read_part(archive, "META-INF/manifest.xml") or b""):
        raise InvalidFile(f"{filename!r} is encrypted with a password; save it without one")
    return archive


def read_title(archive: zipfile.ZipFile) -> str:
    """Return the title that the document's metadata give, or an empty string."""
    meta = parse_xml(read_part(archive, "meta.xml") or b"")
    return next((node.text or "" for node in all_named(meta, "title")), "")


@dataclass
class Paragraph:
    """What a text:p or text:h shows.

    Attributes:
        text: Its characters.
        nested: Tables, text boxes and shapes that are anchored in it.
        notes: Footnotes, endnotes (text:note) and comments (office:annotation) in it.
    """

    text: str = ""
    nested: list[etree._Element] = field(default_factory=list)
    notes: list[etree._Element] = field(default_factory=list)


def read_paragraph(node: etree._Element) -> Paragraph:
    """Return what a paragraph shows; white space is as the format folds it."""
    found = Paragraph()
    found.text = "".join(_inline(node, found))
    return found


def _inline(parent: etree._Element, found: Paragraph) -> Iterator[str]:
    if parent.text:
        yield _fold(parent.text)
    for node in parent:
        name = name_of(node)
        if name == "s":
            count = attribute(node, "c")
            yield " " * (min(int(count), _MAX_SPACES) if count.isdecimal() else 1)
        elif name == "tab":
            yield "\t"
        elif name == "line-break":
            yield "\n"
        elif name in ("note", "annotation"):
            found.notes.append(node)
            yield note_mark(node)
        elif name in _NESTED:
            found.nested.append(node)
        elif name == "frame":
            yield from _frame(node, found)
        elif name and name not in NOT_SHOWN:
            yield from _inline(node, found)
        if node.tail:
            yield _fold(node.tail)


def _frame(node: etree._Element, found: Paragraph) -> Iterator[str]:
    """Keep what a frame holds for later; a picture is shown as the words that stand for it."""
    inner = [part for part in node if name_of(part) in _NESTED]
    found.nested += inner
    if not inner:
        words = " ".join(part.text or "" for part in all_named(node, "title", "desc"))
        yield f" {clean_line(words)} " if words.strip() else ""


def _fold(text: str) -> str:
    """Return text with runs of white space as one space (part 3, 6.1.2)."""
    folded = " ".join(text.split())
    if not folded:
        return " "
    return f"{' ' * text[0].isspace()}{folded}{' ' * text[-1].isspace()}"


def note_mark(node: etree._Element) -> str:
    """Return the mark of a note in the text, such as "[1]"; comments have none."""
    citation = next(all_named(node, "note-citation"), None)
    return f"[{clean_line(citation.text or '')}]" if citation is not None else ""


def note_text(node: etree._Element) -> str:
    """Return a note or comment on one line, after its mark or the name of its author."""
    body = next(all_named(node, "note-body"), node)
    text = flat_text(body)
    if not text or name_of(node) == "note":
        return f"{note_mark(node)} {text}" if text else ""
    author = clean_line(next((n.text or "" for n in all_named(node, "creator")), ""))
    return f"Comment by {author}: {text}" if author else f"Comment: {text}"


def flat_text(parent: etree._Element) -> str:
    """Return every paragraph below a node, tables and boxes too, on one line."""
    pieces: list[str] = []
    _collect(parent, pieces)
    return " ".join(pieces)


def _collect(parent: etree._Element, pieces: list[str]) -> None:
    for node in parent:
        name = name_of(node)
        if name in _BLOCKS:
            paragraph = read_paragraph(node)
            if text := clean_line(paragraph.text):
                pieces.append(text)
            for inner in paragraph.nested:
                _collect(inner, pieces)
            for note in paragraph.notes:
                if text := note_text(note):
                    pieces.append(text)
        elif name and name not in NOT_SHOWN and name != "annotation":
            _collect(node, pieces)
