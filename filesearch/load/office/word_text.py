"""Word text: one paragraph of a docx -> its characters as shown, and what hangs on it.

Text that was deleted with changes tracked, hidden text, the codes of fields and the second of two
alternatives for newer and older programs are not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from filesearch.load.office.drawings import alternative_text
from filesearch.load.office.numerals import format_number
from filesearch.load.office.xml_tree import attribute, child, is_on, name_of

_NOT_SHOWN = frozenset(
    "del moveFrom delText delInstrText pPr rPr sdtPr tblPr tblGrid trPr tcPr sectPr rt".split()
)
"""`rt` is how a word is pronounced, above it: between its characters it would hide the word."""
_PAGE_FIELDS = frozenset(("PAGE", "NUMPAGES", "SECTIONPAGES"))
_PLAIN = {
    "tab": "\t",
    "ptab": "\t",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "\u2011",
}
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}


@dataclass(frozen=True)
class Reference:
    """A mark in the text that points at a note or a comment.

    Attributes:
        part: "footnotes", "endnotes" or "comments".
        identifier: Of the note within that part.
        mark: What the reader sees; empty where the text itself carries the mark.
    """

    part: str
    identifier: str
    mark: str


@dataclass
class Paragraph:
    """What a paragraph shows.

    Attributes:
        text: Its characters; line breaks as they are.
        nested: Text boxes (w:txbxContent) and tables within it, in order.
        references: Notes and comments that it points at.
        graphics: Relation ids of charts and of the data of diagrams.
        pages: Where in `text` a page began when Word last laid the document out.
        has_hidden: Whether text was left out for being hidden.
        is_bold: Whether every run with words is bold by its own properties.
    """

    text: str = ""
    nested: list[etree._Element] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    graphics: list[tuple[str, str]] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    has_hidden: bool = False
    is_bold: bool = False


def shown(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield the children of a node that a reader sees."""
    for node in parent:
        name = name_of(node)
        if name == "AlternateContent":
            choice = child(node, "Choice")
            branch = choice if choice is not None else child(node, "Fallback")
            if branch is not None:
                yield from shown(branch)
        elif name and name not in _NOT_SHOWN:
            yield node


class ParagraphReader:
    """Reads paragraphs in the order of the document, which is that of its notes' numbers."""

    def __init__(self) -> None:
        self._counts = {"footnotes": 0, "endnotes": 0}

    def read(self, node: etree._Element) -> Paragraph:
        """Return what a w:p shows."""
        found = Paragraph()
        pieces: list[str] = []
        fields = _Fields()
        bold: set[bool] = set()
        for item in _inline(node, found):
            name = name_of(item)
            if name == "fldChar":
                fields.step(attribute(item, "fldCharType"))
            elif name == "instrText":
                fields.instruct(item.text or "")
            elif name == "lastRenderedPageBreak":
                found.pages.append(sum(map(len, pieces)))
            elif fields.is_silent or _is_page_number(item):
                continue
            elif name == "t":
                pieces.append(item.text or "")
                if (item.text or "").strip():
                    bold.add(is_on(child(item.getparent(), "rPr", "b")))
            elif name in _PLAIN:
                pieces.append(_PLAIN[name])
            elif name == "sym":
                pieces.append(_symbol(attribute(item, "char")))
            elif name == "docPr" and (words := alternative_text(item)):
                pieces.append(f" {words} ")
            elif name in _NOTES or name == "commentReference":
                pieces.append(self._refer(item, found))
            elif name in ("chart", "relIds"):
                kind = "id" if name == "chart" else "dm"
                found.graphics.append((name, attribute(item, kind)))
        found.text = "".join(pieces)
        found.is_bold = bold == {True}
        return found

    def _refer(self, node: etree._Element, found: Paragraph) -> str:
        identifier = attribute(node, "id")
        part = _NOTES.get(name_of(node))
        if part is None:
            found.references.append(Reference("comments", identifier, ""))
            return ""
        mark = ""
        if attribute(node, "customMarkFollows") not in ("1", "true", "on"):
            self._counts[part] += 1
            form = "decimal" if part == "footnotes" else "lowerRoman"
            mark = f"[{format_number(self._counts[part], form)}]"
        found.references.append(Reference(part, identifier, mark))
        return mark


class _Fields:
    """Where a paragraph stands in its complex fields (ECMA-376 part 1, 17.16.18)."""

    def __init__(self) -> None:
        self._open: list[list[str]] = []
        self._shown: list[bool] = []
        self.is_silent = False
        """Whether what comes is the number of a page, which says nothing without pages."""

    def step(self, kind: str) -> None:
        if kind == "begin":
            self._open.append([])
            self._shown.append(False)
        elif kind == "separate" and self._open:
            self._shown[-1] = True
        elif kind == "end" and self._open:
            self._open.pop()
            self._shown.pop()
        self.is_silent = any(
            is_shown and _is_page_code("".join(code))
            for code, is_shown in zip(self._open, self._shown, strict=True)
        )

    def instruct(self, code: str) -> None:
        if self._open and not self._shown[-1]:
            self._open[-1].append(code)


def _is_page_code(code: str) -> bool:
    return code.strip().partition(" ")[0].upper() in _PAGE_FIELDS


def _is_page_number(node: etree._Element) -> bool:
    run = node.getparent()
    simple = run.getparent() if run is not None else None
    return (
        simple is not None
        and name_of(simple) == "fldSimple"
        and _is_page_code(attribute(simple, "instr"))
    )


def _inline(parent: etree._Element, found: Paragraph) -> Iterator[etree._Element]:
    """Yield what a paragraph shows, in order; text boxes and tables are put into `nested`."""
    for node in shown(parent):
        name = name_of(node)
        if name in ("tbl", "txbxContent"):
            found.nested.append(node)
        elif name == "r" and is_on(child(node, "rPr", "vanish")):
            found.has_hidden = found.has_hidden or any(name_of(n) == "t" for n in node)
            # The codes of fields are often hidden too; what they begin must still end.
            yield from (n for n in node if name_of(n) in ("fldChar", "instrText"))
        else:
            yield node
            yield from _inline(node, found)


def _symbol(code: str) -> str:
    """Return the character of a w:sym; symbol fonts live at U+F000, their bullets show as one."""
    try:
        value = int(code, 16)
    except ValueError:
        return ""
    return "•" if 0xF000 <= value <= 0xF0FF else chr(value) if value < 0x110000 else ""
