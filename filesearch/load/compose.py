"""Compose: pieces of text, in reading order -> Document.

The one place where positions are counted. A format module adds lines and headings and says which
stretch is a page, table or row; `Composer` cleans, joins and keeps the spans in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.types import Attributes, Document, Span, SpanKind

MAX_CHARACTERS = 50_000_000
"""Longest text that is taken: about 12 million tokens, 200 MB as a Python string."""

_KIND_ORDER: dict[SpanKind, int] = {
    "part": 0,
    "page": 1,
    "slide": 1,
    "sheet": 1,
    "heading": 2,
    "cell": 3,
    "ocr": 3,
    "edge": 3,
    "table": 4,
    "row": 5,
}


class Composer:
    """Collects the text of one file piece by piece and where its parts stand.

    Args:
        filename: For messages.

    Attributes:
        position: Characters so far; where the next piece will start once its separator is added.
    """

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.position = 0
        self._pieces: list[str] = []
        self._spans: list[Span] = []
        self._open_headings: list[tuple[int, int, str]] = []
        self._first_heading = ""
        self._warnings: list[str] = []

    def add(self, text: str, *, separator: str = "\n") -> tuple[int, int] | None:
        """Append `text`, cleaned, after `separator` (left out at the very start).

        Args:
            separator: Clean text; its last character must not combine with others.

        Returns:
            Start and end of the piece in the final text, or None when nothing but white space
            was left of it and nothing was added.

        Raises:
            InvalidFile: The text grew over `MAX_CHARACTERS`.
        """
        text = clean_text(text)
        if not text or text.isspace():
            return None
        if self.position:
            self._pieces.append(separator)
            self.position += len(separator)
        start = self.position
        self._pieces.append(text)
        self.position += len(text)
        require_length(self.position, self.filename)
        return start, self.position

    def add_heading(self, level: int, text: str, *, separator: str = "\n") -> None:
        """Append a heading line and open its section; sections as deep or deeper end here."""
        label = clean_line(text)
        added = self.add(label, separator=separator)
        if added is not None:
            self.open_heading(level, label, added[0])

    def open_heading(self, level: int, label: str, start: int) -> None:
        """Open a section at `start` (at or after every earlier heading), without adding text."""
        self._close_headings(level, start)
        self._open_headings.append((level, start, label))
        self._first_heading = self._first_heading or label

    def end_sections(self) -> None:
        """End every open section; what comes next belongs to none."""
        self._close_headings(0, self.position)

    def _close_headings(self, level: int, end: int) -> None:
        while self._open_headings and self._open_headings[-1][0] >= level:
            opened, start, label = self._open_headings.pop()
            self.mark("heading", (start, end), opened, label)

    def mark(
        self, kind: SpanKind, stretch: tuple[int, int] | None, number: int, label: str = ""
    ) -> None:
        """Record a span; nothing happens for None or an empty stretch."""
        if stretch is not None and stretch[0] < stretch[1]:
            self._spans.append(Span(kind, stretch[0], stretch[1], number, label))

    def add_part(self, number: int, label: str, document: Document) -> None:
        """Append the document of a file within this file, under a heading with its name.

        Its spans come along, its headings one level deeper, its warnings with its name before
        them. Its attributes are left out: they are not those of the whole.

        Args:
            number: Position of the part from 1.
            label: Its name, such as the path within the archive.
        """
        outer = self.position + 2 if self.position else 0
        self.add_heading(1, label, separator="\n\n")
        self.add_document(document, deeper=1)
        self.mark("part", (outer, self.position), number, clean_line(label))
        for warning in document.warnings:
            self.warn(f"{label}: {warning}")

    def add_document(
        self,
        document: Document,
        *,
        deeper: int = 0,
        separator: str = "\n\n",
        ends_sections: bool = True,
    ) -> None:
        """Append the text of another document with its spans, without title and warnings.

        Args:
            document: What was read on its own.
            deeper: Levels that its headings move down; negative moves up, level 1 at the highest.
            separator: Stands before it.
            ends_sections: Its sections end with it. If not, its last ones stay open for what
                comes next, as those of a chapter that goes on in another file.
        """
        added = self.add(document.text, separator=separator)
        assert added is not None, "the text of a document is never blank"
        shift = added[0]
        for span in document.spans:
            stretch = (span.start + shift, span.end + shift)
            level = max(span.number + deeper, 1)
            if span.kind != "heading":
                self.mark(span.kind, stretch, span.number, span.label)
            elif ends_sections:
                self.mark("heading", stretch, level, span.label)
            else:
                self.open_heading(level, span.label, stretch[0])

    def warn(self, sentence: str) -> None:
        """Record what was lost, once."""
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def build(
        self, media_type: str, *, title: str = "", attributes: Attributes | None = None
    ) -> Document:
        """Return the Document; the title falls back to the first heading.

        Args:
            title: From the format's own metadata.
            attributes: What the file says of itself, within the limits of attributes.py.

        Raises:
            InvalidFile: Nothing but white space was added.
        """
        text = "".join(self._pieces)
        if not text:
            raise InvalidFile(f"{self.filename!r} is empty; there is nothing to search in it")
        self._close_headings(0, self.position)
        return Document(
            text=text,
            spans=ordered(self._spans),
            title=clean_line(title) or self._first_heading,
            media_type=media_type,
            warnings=tuple(self._warnings),
            attributes=attributes or {},
        )


def require_length(characters: int, filename: str) -> None:
    """Raise InvalidFile when a text is longer than `MAX_CHARACTERS`."""
    if characters > MAX_CHARACTERS:
        raise InvalidFile(
            f"{filename!r} holds more than {MAX_CHARACTERS:,} characters of text; split the file"
        )


def ordered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans by start, then longest first, then from page to row."""
    return tuple(sorted(spans, key=lambda s: (s.start, -s.end, _KIND_ORDER[s.kind], s.number)))
