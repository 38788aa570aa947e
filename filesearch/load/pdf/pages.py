"""PDF pages: what the readers of PDF give for a page, a bookmark and an attachment.

The one with pdfium (`pdf_reader`) and the one with pypdf (`pdf_fallback`) give the same, so that
`pdf` need not know which of them read a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from filesearch.load.clean import clean_line
from filesearch.load.mend import PageLine
from filesearch.load.pdf.tables import Table

MAX_BOOKMARKS = 5_000
_FILE_ENDINGS = (
    ".doc",
    ".docx",
    ".pdf",
    ".indd",
    ".tex",
    ".dvi",
    ".htm",
    ".html",
    ".xls",
    ".xlsx",
)


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of one page.

    Attributes:
        lines: In reading order, cleaned; empty for a page without text.
        tables: Where among the lines tables stand.
        notes: What form fields and annotations say, a line each.
        is_whole: False when the page is damaged and what is here stood before the damage.
        torn: Words that may have lost a letter, in two parts each; see italics.py.
    """

    lines: tuple[PageLine, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    is_whole: bool = True
    torn: tuple[tuple[str, str], ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether its content has no text; it may have notes."""
        return not any(line.text.strip() for line in self.lines)


class Bookmark(NamedTuple):
    """An entry of the outline: its level from 1, its title on one line, its page from 1."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file within the file."""

    name: str
    data: bytes = field(repr=False)


class PageReader(Protocol):
    """One open PDF.

    Attributes:
        page_count: At least 1.
    """

    page_count: int

    def read_page(self, index: int) -> PageText | None:
        """Return the text of a page counted from 0, or None when nothing of it can be read."""
        ...

    def page_label(self, index: int) -> str:
        """Return the number printed on a page, such as "iv"; empty when the file names none."""
        ...

    def bookmarks(self) -> list[Bookmark]:
        """Return the outline in its order, at most `MAX_BOOKMARKS`; empty when unusable."""
        ...

    def title(self) -> str:
        """Return the title in the metadata; empty when there is none worth showing."""
        ...

    def attachments(self) -> Iterator[Attachment]:
        """Yield the files within the file that can be read."""
        ...

    def close(self) -> None:
        """Give back what the reader holds; closing twice is fine."""
        ...


def title_worth_showing(title: str) -> str:
    """Return a title unless it is a file name, a number or a program's default."""
    title = clean_line(title)
    has_words = sum(character.isalpha() for character in title) >= 3
    is_file = title.lower().startswith(("microsoft word", "untitled"))
    return title if has_words and not is_file and not title.endswith(_FILE_ENDINGS) else ""
