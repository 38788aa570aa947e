"""RTF -> Document with heading, table and row spans.

One pass over the tokens, without recursion: a file that opens a million groups takes no more than
one that opens none. A footnote or comment follows the paragraph that it stands in; headers and
footers of pages stand once, at the end.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.office.rtf_tokens import (
    CHARACTERS,
    CHARSETS,
    READ_THOUGH_STARRED,
    SKIPPED,
    Token,
    encoding_of,
    tokens,
)
from filesearch.load.office.word_styles import named_level
from filesearch.load.options import LoadOptions
from filesearch.load.tables import Cell, add_table, text_at_column
from filesearch.types import Document

_MAX_GROUPS = 500
"""How deep groups may stand in each other; deeper ones count as part of the last."""
_MAX_HEADING_CHARACTERS = 300
_SAME_EDGE_TWIPS = 30
_BLOCK_ENDS = frozenset(("par", "sect", "page", "column"))
_MARGINS = ("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf")
_ASIDES = frozenset(
    ("footnote", "annotation", "atnauthor", "listtext", "pntext", "title", *_MARGINS)
)
"""Destinations whose text is collected on its own."""


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an RTF file.

    Raises:
        InvalidFile: No text in it.
    """
    composer = Composer(filename)
    reader = _Reader(composer)
    for token in tokens(data):
        reader.take(token)
    reader.finish()
    return composer.build(media_type, title=reader.title)


@dataclass(slots=True)
class _Group:
    """What holds within a pair of braces.

    Attributes:
        place: "text", "skip", "fonttbl", "stylesheet", or an aside.
        opens: The aside that begins with this group, empty when none does.
        unicode_bytes: How many bytes follow a character given by its number, to be passed over.
    """

    place: str = "text"
    opens: str = ""
    is_starred: bool = False
    font: int = -1
    unicode_bytes: int = 1
    is_hidden: bool = False
    is_deleted: bool = False
    style: int = 0
    outline: int = -1
    level: int = 0
    is_in_table: bool = False


@dataclass(slots=True)
class _Edge:
    """A cell as a row defines it: where it ends and whether the cell above it goes on in it."""

    right: int
    goes_on: bool


@dataclass(slots=True)
class _Row:
    cells: list[str]
    edges: list[_Edge]
    is_header: bool


class _Reader:
    """Takes token after token and adds paragraphs and tables to the composer."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.title = ""
        self.group = _Group()
        self.stack: list[_Group] = []
        self.too_deep = 0
        self.encoding = "cp1252"
        self.fonts: dict[int, str] = {}
        self.styles: dict[int, int] = {}
        self.buffers: list[list[str]] = [[]]
        self.waiting = bytearray()
        self.to_pass = 0
        self.notes: list[str] = []
        self.note_count = 0
        self.mark = self.author = self.label = ""
        self.margins: dict[str, None] = {}
        self.cells: list[str] = []
        self.edges: list[_Edge] = []
        self.goes_on = self.is_header = False
        self.rows: list[_Row] = []
        self.tables = 0

    def take(self, token: Token) -> None:
        """Do what a token says."""
        if token.kind == "bytes":
            self._bytes(token.data)
        elif token.kind == "{":
            self._decode()
            self.to_pass = 0
            if len(self.stack) >= _MAX_GROUPS:
                self.too_deep += 1
                return
            self.stack.append(self.group)
            self.group = copy.copy(self.group)
            self.group.opens = ""
            self.group.is_starred = False
        elif token.kind == "}":
            self._decode()
            self.to_pass = 0
            if self.too_deep:
                self.too_deep -= 1
            elif self.stack:
                if self.group.opens:
                    self._close(self.group.opens)
                self.group = self.stack.pop()
        elif self.to_pass and token.word != "u":
            self.to_pass -= 1
        else:
            self._word(token.word, token.number)

    def _bytes(self, data: bytes) -> None:
        passed = min(self.to_pass, len(data))
        self.to_pass -= passed
        self.waiting += data[passed:]

    def _decode(self) -> None:
        """Turn the bytes that wait into text; both bytes of a character wait here together."""
        if self.waiting:
            encoding = self.fonts.get(self.group.font, self.encoding)
            text = self.waiting.decode(encoding, "replace")
            self.waiting.clear()
            self._text(text)

    def _text(self, text: str) -> None:
        group = self.group
        if group.place == "stylesheet":
            level = named_level(text.strip().rstrip(";"))
            if level is not None and group.style not in self.styles:
                self.styles[group.style] = level
        elif group.place in ("skip", "fonttbl") or group.is_deleted:
            return
        elif group.is_hidden:
            if text.strip():
                self.composer.warn("text that is formatted as hidden was left out")
        else:
            self.buffers[-1].append(text)

    def _word(self, word: str, number: int | None) -> None:
        self._decode()
        group = self.group
        value = number if number is not None else 1
        if word == "*":
            group.is_starred = True
        elif word == "ud":  # the better of two forms, within a group that is skipped
            outer = self.stack[-2] if len(self.stack) > 1 else _Group()
            group.place, group.is_starred = outer.place, False
        elif group.place == "skip":
            return
        elif word in SKIPPED or (group.is_starred and word not in READ_THOUGH_STARRED | _ASIDES):
            group.place, group.is_starred = "skip", False
        elif word in ("fonttbl", "stylesheet"):
            group.place = word
        elif word in _ASIDES:
            group.is_starred = False
            self._open(word)
        elif word == "u":
            self._text(chr(value & 0xFFFF))
            self.to_pass = group.unicode_bytes
        elif word in CHARACTERS:
            self._text(CHARACTERS[word])
        elif not self._set(word, value):
            self._structure(word, value)
        if word != "*":
            group.is_starred = False

    def _set(self, word: str, value: int) -> bool:
        """Change what holds within the group; False when the word is about something else."""
        group = self.group
        match word:
            case "f":
                group.font = value
            case "fcharset" if group.place == "fonttbl" and value in CHARSETS:
                self.fonts[group.font] = CHARSETS[value]
            case "cpg" if group.place == "fonttbl":
                self.fonts[group.font] = encoding_of(value, self.encoding)
            case "ansicpg":
                self.encoding = encoding_of(value, self.encoding)
            case "mac":
                self.encoding = "mac_roman"
            case "pc":
                self.encoding = "cp437"
            case "pca":
                self.encoding = "cp850"
            case "uc":
                group.unicode_bytes = min(max(value, 0), 100)
            case "plain":
                group.is_hidden = group.is_deleted = False
                group.font = -1
            case "v":
                group.is_hidden = value != 0
            case "deleted":
                group.is_deleted = value != 0
            case "pard":
                group.style, group.outline, group.level, group.is_in_table = 0, -1, 0, False
            case "s":
                group.style = value
            case "outlinelevel":
                group.outline = value
                if group.place == "stylesheet" and 0 <= value < 9:
                    self.styles.setdefault(group.style, value + 1)
            case "ilvl":
                group.level = min(max(value, 0), 8)
            case "intbl":
                group.is_in_table = True
            case _:
                return False
        return True

    def _structure(self, word: str, value: int) -> None:
        if word == "chftn":
            if len(self.buffers) == 1:
                self.note_count += 1
                self.mark = f"[{self.note_count}]"
                self._text(self.mark)
        elif len(self.buffers) > 1:
            if word in _BLOCK_ENDS or word in ("cell", "row"):
                self._text(" ")
        elif word in _BLOCK_ENDS:
            self._paragraph()
        elif word == "cell":
            self.cells.append(self._taken())
        elif word == "row":
            self._row()
        elif word == "trowd":
            self.edges, self.goes_on, self.is_header = [], False, False
        elif word == "trhdr":
            self.is_header = True
        elif word == "clvmrg":
            self.goes_on = True
        elif word == "cellx":
            self.edges.append(_Edge(value, self.goes_on))
            self.goes_on = False

    def _open(self, place: str) -> None:
        """Begin to collect what stands beside the text."""
        if self.group.opens or self.group.place not in ("text", "title"):
            return  # an aside within an aside is part of it
        self.group.opens = self.group.place = place
        self.buffers.append([])

    def _close(self, place: str) -> None:
        """Take what was collected beside the text."""
        text = clean_line(_joined(self.buffers.pop()))
        if place == "footnote":
            self.notes += [f"{self.mark} {text}".strip()] if text else []
            self.mark = ""
        elif place == "annotation":
            by = f"Comment by {self.author}:" if self.author else "Comment:"
            self.notes += [f"{by} {text}"] if text else []
            self.author = ""
        elif place == "atnauthor":
            self.author = text
        elif place in ("listtext", "pntext"):
            self.label = text if any(map(str.isalnum, text)) else "-"
        elif place == "title":
            self.title = self.title or text
        elif any(map(str.isalpha, text)):
            self.margins[f"{'Header' if place.startswith('header') else 'Footer'}: {text}"] = None

    def _taken(self) -> str:
        """Return the text since the last paragraph or cell, which begins anew."""
        text = _joined(self.buffers[0]).strip()
        self.buffers[0] = []
        label, self.label = self.label, ""
        return f"{label} {text}" if text and label not in ("", "-") else text

    def _paragraph(self) -> None:
        group = self.group
        if group.is_in_table:
            self.buffers[0].append("\n")
            return
        self._end_table()
        bullet = "- " if self.label == "-" else ""
        is_item = bool(self.label)
        text = self._taken()
        level = self.styles.get(group.style) if group.style else None
        if 0 <= group.outline < 9:
            level = group.outline + 1
        if not text or len(text) > _MAX_HEADING_CHARACTERS:
            level = None
        if level is not None:
            self.title = self.title or (clean_line(text) if level == 0 else "")
            self.composer.add_heading(max(level, 1), text, separator="\n\n")
        elif is_item and text:
            self.composer.add(f"{'  ' * group.level}{bullet}{clean_line(text)}")
        else:
            self.composer.add(text)
        self._end_notes()

    def _row(self) -> None:
        if rest := self._taken():
            self.cells.append(rest)
        if self.cells:
            self.rows.append(_Row(self.cells, self.edges, self.is_header))
        self.cells = []

    def _end_table(self) -> None:
        """Add the table that the rows so far make, its cells aligned by where they end."""
        if self.cells:
            self._row()
        rows, self.rows = self.rows, []
        if not rows:
            return
        columns = _columns({edge.right for row in rows for edge in row.edges})
        grid: list[list[Cell]] = []
        for row in rows:
            cells: list[Cell] = []
            covered = 0
            for index, text in enumerate(row.cells):
                edge = row.edges[index] if len(row.edges) == len(row.cells) else None
                right = columns[edge.right] if edge is not None else covered + 1
                if edge is not None and edge.goes_on and not text and grid:
                    text = text_at_column(grid[-1], covered)
                cells.append(Cell(clean_line(text), max(right - covered, 1)))
                covered = max(right, covered + 1)
            grid.append(cells)
        headers = 0
        while headers < len(rows) and rows[headers].is_header:
            headers += 1
        starts = add_table(self.composer, grid, number=self.tables + 1, header_rows=headers or None)
        self.tables += bool(starts)
        self._end_notes()

    def _end_notes(self) -> None:
        for note in self.notes:
            self.composer.add(note)
        self.notes = []

    def finish(self) -> None:
        """Add what is left at the end of the file, and what pages show around their text."""
        self._decode()
        while len(self.buffers) > 1:  # cut off within an aside
            self.buffers[0] += [" ", *self.buffers.pop(1)]
        self.group = _Group()
        self._paragraph()
        self.composer.end_sections()
        separator = "\n\n"
        for line in self.margins:
            self.composer.add(line, separator=separator)
            separator = "\n"


def _joined(pieces: list[str]) -> str:
    """Join pieces; characters beyond U+FFFF come as two halves, each a piece."""
    text = "".join(pieces)
    if any("\ud800" <= character <= "\udfff" for character in text):
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _columns(edges: set[int]) -> dict[int, int]:
    """Return right edge -> number of the column that ends there, from 1; near ones are one."""
    found: dict[int, int] = {}
    number, last = 0, None
    for edge in sorted(edges):
        if last is None or edge - last > _SAME_EDGE_TWIPS:
            number, last = number + 1, edge
        found[edge] = number
    return found
