"""PDF: pages of positioned text -> Document with a span per page.

pypdf reads each page once; `mend` makes paragraphs of its lines. A page that cannot be read costs a
warning, not the file. There is no OCR.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError
from pypdf.generic import ContentStream, FloatObject, NameObject

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer, require_length
from filesearch.load.mend import mend_pages
from filesearch.load.options import LoadOptions
from filesearch.types import Document

MAX_PAGES = 20_000
"""At 30 pages a second this is over ten minutes; books end below 5,000."""
_MAX_OUTLINE_ENTRIES = 5_000
_TEXT_OPERATORS = frozenset(b"q Q cm BT ET Tc Tw Tz TL Tf Tr Ts Td TD Tm T* Tj TJ ' \" Do".split())
_MOVES = frozenset((b"Td", b"TD", b"Tm", b"T*", b"'", b'"'))
_IDLE_AT_END = frozenset((b"Td", b"Tm", b"T*"))
_SHOWS = frozenset((b"Tj", b"TJ"))


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a PDF: pages separated by a blank line, numbered from 1.

    Raises:
        InvalidFile: Encrypted with a password, damaged beyond reading, over `MAX_PAGES` pages, or
            without text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = _open(data, filename)
    composer = Composer(filename)
    unreadable: list[int] = []
    partial: list[int] = []
    blank = characters = 0
    starts: dict[int, int] = {}
    headings = _outline(reader)
    numbers: list[int] = []
    raw: list[str] = []
    for number, page in _pages(reader):
        found = _page_text(page, reader) if page is not None else None
        if found is None:
            unreadable.append(number)
            continue
        text, is_whole = found
        numbers.append(number)
        raw.append(text)
        if not is_whole:
            partial.append(number)
        characters += len(text)
        require_length(characters, filename)
    for number, text in zip(numbers, mend_pages(raw), strict=True):
        start = composer.position + 2 if composer.position else 0
        stretch = composer.add(text, separator="\n\n")
        if stretch is None:
            blank += 1
            continue
        composer.mark("page", stretch, number)
        starts[number] = start
        _open_headings(composer, clean_text(text), start, headings.get(number, []))
    count = len(starts) + blank + len(unreadable)
    if unreadable:
        composer.warn(_which("could not be read", unreadable, count))
    if partial:
        composer.warn(_which("are damaged and were read in part", partial, count))
    if not starts:
        raise _without_text(filename, unreadable, count)
    if blank:
        composer.warn(f"{blank} of {count} pages have no text (scanned or drawn?)")
    return composer.build(media_type, title=_title(reader))


def _open(data: bytes, filename: str) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            reader.decrypt("")  # many files have an owner's password only
        count = len(reader.pages)
    except DependencyError as error:
        raise InvalidFile(
            f"{filename!r} is encrypted in a way that needs another package ({error}); "
            "install pypdf[crypto] or save the file without encryption"
        ) from error
    except FileNotDecryptedError as error:
        raise InvalidFile(
            f"{filename!r} is encrypted with a password; save it without one"
        ) from error
    except (InvalidFile, MemoryError):
        raise
    except Exception as error:
        raise InvalidFile(
            f"{filename!r} is damaged, it cannot be opened as PDF "
            f"({type(error).__name__}: {error}); print or save it as PDF again"
        ) from error
    if count > MAX_PAGES:
        raise InvalidFile(
            f"{filename!r} has {count:,} pages, more than the {MAX_PAGES:,} that are taken; "
            "split the file"
        )
    return reader


def _pages(reader: PdfReader) -> Iterator[tuple[int, PageObject | None]]:
    for index in range(len(reader.pages)):
        try:
            page: PageObject | None = reader.pages[index]
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - one broken page object must not lose the others
            page = None
        yield index + 1, page


def _page_text(page: PageObject, reader: PdfReader) -> tuple[str, bool] | None:
    """Return the lines of a page (blank when it has none) and whether that is all of it.

    None when nothing of the page can be read.
    """
    try:
        text, is_whole = _extract(page, reader)
        return clean_text(text), is_whole
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pypdf raises anything; the other pages must not be lost
        return None


def _extract(page: PageObject, reader: PdfReader) -> tuple[str, bool]:
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


def _outline(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Return the bookmarks by page number: (level from 1, title), in order; empty when unusable."""
    found: dict[int, list[tuple[int, str]]] = {}
    entries = 0

    def walk(items: list[Any], level: int) -> None:
        nonlocal entries
        for item in items:
            if isinstance(item, list):
                walk(item, min(level + 1, 6))
                continue
            entries += 1
            page = reader.get_destination_page_number(item)
            title = clean_line(str(item.title or ""))
            if page is not None and page >= 0 and title and entries <= _MAX_OUTLINE_ENTRIES:
                found.setdefault(page + 1, []).append((level, title))

    try:
        walk(reader.outline, 1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - bookmarks are an extra; a broken outline is left out
        return {}
    return found


def _open_headings(
    composer: Composer, text: str, start: int, headings: list[tuple[int, str]]
) -> None:
    """Open the sections whose bookmarks point at this page, where their titles stand in it.

    Bookmarks that are not found in order keep the place of the one before, and a place is not
    given to two of them: the last one opened there would have an empty parent.
    """
    lowered, position, used = text.lower(), 0, -1
    for level, title in headings:
        at = lowered.find(title.lower(), position) if len(lowered) == len(text) else -1
        position = at if at >= 0 else position
        if start + position == used and at < 0:
            continue
        used = start + position
        composer.open_heading(level, title, used)


def _title(reader: PdfReader) -> str:
    """Return the title in the metadata unless it is a file name, number or program default."""
    try:
        title = clean_line(str((reader.metadata and reader.metadata.title) or ""))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - metadata is an extra; broken one is left out
        return ""
    has_words = sum(character.isalpha() for character in title) >= 3
    is_file = title.lower().startswith(("microsoft word", "untitled")) or title.endswith(
        (".doc", ".docx", ".pdf", ".indd", ".tex", ".dvi", ".htm", ".html", ".xls", ".xlsx")
    )
    return title if has_words and not is_file else ""


def _which(what: str, numbers: list[int], count: int) -> str:
    shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    return f"{len(numbers)} of {count} pages {what}: {shown}"


def _without_text(filename: str, unreadable: list[int], count: int) -> InvalidFile:
    if unreadable and len(unreadable) == count:
        return InvalidFile(
            f"{filename!r} is damaged: none of its {count} pages could be read; "
            "print or save it as PDF again"
        )
    return InvalidFile(
        f"{filename!r} has no text on its {count} pages (a scan?); OCR is not available, "
        "give a PDF with a text layer"
    )
