"""PDF fallback: one PDF through pypdf, where pdfium opens no file or finds no text on a page.

pypdf is slower, and loses spaces that pdfium keeps, but mends other kinds of damage.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pypdf
from pypdf.errors import DependencyError, FileNotDecryptedError
from pypdf.generic import ContentStream, FloatObject, NameObject

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.mend import PageLine
from filesearch.load.pdf.pages import (
    MAX_BOOKMARKS,
    Attachment,
    Bookmark,
    PageText,
    title_worth_showing,
)

_TEXT_OPERATORS = frozenset(b"q Q cm BT ET Tc Tw Tz TL Tf Tr Ts Td TD Tm T* Tj TJ ' \" Do".split())
_MOVES = frozenset((b"Td", b"TD", b"Tm", b"T*", b"'", b'"'))
_IDLE_AT_END = frozenset((b"Td", b"Tm", b"T*"))
_SHOWS = frozenset((b"Tj", b"TJ"))


class PypdfReader:
    """One open PDF; see `PageReader`.

    Args:
        data: The whole file.
        filename: For messages.

    Raises:
        InvalidFile: Encrypted with a password, or damaged beyond reading.
    """

    def __init__(self, data: bytes, filename: str) -> None:
        logging.getLogger("pypdf").setLevel(logging.CRITICAL)
        try:
            self._reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
            if self._reader.is_encrypted:
                self._reader.decrypt("")  # many files have an owner's password only
            self.page_count = len(self._reader.pages)
        except DependencyError as error:
            raise InvalidFile(
                f"{filename!r} is encrypted in a way that needs another package ({error}); "
                "install cryptography or save the file without encryption"
            ) from error
        except FileNotDecryptedError as error:
            raise InvalidFile(
                f"{filename!r} is encrypted with a password; save it without one"
            ) from error
        except MemoryError:
            raise
        except Exception as error:
            raise InvalidFile(
                f"{filename!r} is damaged, it cannot be opened as PDF "
                f"({type(error).__name__}: {error}); print or save it as PDF again"
            ) from error

    def read_page(self, index: int) -> PageText | None:
        """See `PageReader`."""
        try:
            text, is_whole = _extract(self._reader.pages[index], self._reader)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - pypdf raises anything; the other pages must not be lost
            return None
        lines = tuple(PageLine(line) for line in clean_text(text).split("\n"))
        return PageText(lines, is_whole=is_whole)

    def page_label(self, index: int) -> str:
        """See `PageReader`."""
        return ""  # pypdf counts through all pages for each

    def bookmarks(self) -> list[Bookmark]:
        """See `PageReader`."""
        found: list[Bookmark] = []

        def walk(items: list[Any], level: int) -> None:
            for item in items:
                if isinstance(item, list):
                    walk(item, min(level + 1, 6))
                    continue
                page = self._reader.get_destination_page_number(item)
                title = clean_line(str(item.title or ""))
                if page is not None and page >= 0 and title and len(found) < MAX_BOOKMARKS:
                    found.append(Bookmark(level, title, page + 1))

        try:
            walk(self._reader.outline, 1)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - bookmarks are an extra; a broken outline is left out
            return []
        return found

    def title(self) -> str:
        """See `PageReader`."""
        try:
            metadata = self._reader.metadata
            return title_worth_showing(str((metadata and metadata.title) or ""))
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - metadata is an extra; broken one is left out
            return ""

    def attachments(self) -> Iterator[Attachment]:
        """See `PageReader`."""
        yield from ()  # a file that pdfium cannot open is damaged; its text is what is saved

    def rewritten(self) -> bytes | None:
        """Return the file written anew, without the damage that pypdf reads past.

        None where it cannot be written. Pages that were read before are empty in it.
        """
        written = io.BytesIO()
        try:
            pypdf.PdfWriter(clone_from=self._reader).write(written)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - pypdf raises anything; the text it reads is not lost
            return None
        return written.getvalue()

    def close(self) -> None:
        """See `PageReader`."""
        self._reader.close()


def _extract(page: pypdf.PageObject, reader: pypdf.PdfReader) -> tuple[str, bool]:
    """Return the lines of a page in the order of its content stream, and whether that is all.

    pypdf looks for a line break after an operator that moves the pen. Programs that place text by
    the transformation matrix alone (`cm BT Tj ET`: Skia, Qt, many filings) have no such operator,
    so it would find the break one string late and tear words apart. An identity `Tm` before
    the first string of a text object changes nothing (BT has just set the same matrix: ISO
    32000-1, 9.4.1) but lets pypdf see the move. For the same reason a move after the last
    string goes: ReportLab ends every cell with one, and pypdf would break each table row there.
    """
    contents = page.get("/Contents")
    if contents is None:
        return "", True
    # Read as pypdf itself does: strings stay bytes until their font is known.
    stream = ContentStream(contents.get_object(), reader, "bytes")
    identity = [FloatObject(value) for value in (1, 0, 0, 1, 0, 0)]
    operations: list[tuple[Any, bytes]] = []
    has_moved = True
    parsed, is_whole = _operations(stream)
    for operands, operator in parsed:
        if operator not in _TEXT_OPERATORS:
            continue  # drawing; pypdf would step through it
        if operator == b"BT":
            has_moved = False
        elif operator in _MOVES:
            has_moved = True
        elif operator in _SHOWS and not has_moved:
            operations.append((identity, b"Tm"))
            has_moved = True
        elif operator == b"ET":
            while operations and operations[-1][1] in _IDLE_AT_END:
                operations.pop()
        operations.append((operands, operator))
    stream.operations[:] = operations
    page[NameObject("/Contents")] = stream
    try:
        # A visitor keeps pypdf from writing the stream out again in search of text operators.
        return page.extract_text(visitor_operand_before=_ignore), is_whole
    finally:
        del page["/Contents"]  # parsed operations are large; the page is not needed again


def _operations(stream: ContentStream) -> tuple[list[tuple[Any, bytes]], bool]:
    """Return the operations of a page, of a damaged one those before the damage; and whether whole.

    Raises:
        Exception: Of any kind, when there is nothing before the damage.
    """
    try:
        return stream.operations, True
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pypdf raises anything; what was parsed so far is kept
        return stream.operations, False


def _ignore(*_: object) -> None:
    """Visit nothing."""
