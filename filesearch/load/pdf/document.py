"""PDF: pages of positioned text -> Document with a span per page, table and row.

Flow: a reader gives the lines of each page (`pdf_reader` through pdfium; `pdf_fallback` through
pypdf, for what pdfium cannot open or read), `mend` makes paragraphs of them, and this module puts
them together with what the file says of itself. What cannot be read costs a warning, not the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.clean import clean_text
from filesearch.load.compose import Composer, require_length
from filesearch.load.mend import MendedLine, PageLine, mend_lines, text_of
from filesearch.load.options import MAX_DEPTH, LoadOptions
from filesearch.load.pdf.fallback import PypdfReader
from filesearch.load.pdf.italics import mend_torn
from filesearch.load.pdf.pages import Bookmark, PageReader, PageText
from filesearch.load.pdf.reader import CannotOpen, NeedsPassword, PdfiumReader
from filesearch.load.pdf.running import RunningLine, find_running_lines
from filesearch.load.pdf.scans import PdfOcr, PictureText
from filesearch.load.process import page_clock
from filesearch.types import Document

MAX_PAGES = 20_000
"""At 60 pages a second this is over five minutes; books end below 5,000."""
_TRIES = 20
"""When pypdf finds nothing on so many pages that are blank to pdfium, the others are blank too."""


@dataclass(slots=True)
class _Pages:
    """What was read: the text of pages by number, and the numbers of those that gave trouble."""

    texts: dict[int, PageText] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    slow: list[int] = field(default_factory=list)
    ocr: dict[int, int] = field(default_factory=dict)  # how sure the text of a page is
    pictures: dict[int, Sequence[PictureText]] = field(default_factory=dict)

    @property
    def blank(self) -> list[int]:
        return [n for n, page in self.texts.items() if page.is_blank and not page.notes]


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a PDF: pages separated by a blank line, numbered from 1.

    Files attached to it follow as parts.

    Raises:
        InvalidFile: Encrypted with a password, damaged beyond reading, over `MAX_PAGES` pages, or
            without text.
    """
    composer = Composer(filename)
    with _opened(data, filename) as reader:
        pages = _read_pages(reader, data, filename, options)
        with _drawable(reader, pages, data, filename) as drawable:
            ocr = PdfOcr(drawable, filename, options) if drawable is not None else None
            if ocr is not None:
                _read_pictures(ocr, pages)
        _compose(composer, reader, pages)
        _add_attachments(composer, reader, options)
        title = reader.title()
    _warn(composer, pages, ocr, reader.page_count)
    if not composer.position:
        raise _without_text(filename, pages, ocr, reader.page_count)
    return composer.build(media_type, title=title)


@contextmanager
def _opened(data: bytes, filename: str) -> Iterator[PageReader]:
    reader = _open(data, filename)
    try:
        if reader.page_count > MAX_PAGES:
            raise InvalidFile(
                f"{filename!r} has {reader.page_count:,} pages, more than the {MAX_PAGES:,} that "
                "are taken; split the file"
            )
        yield reader
    finally:
        reader.close()


def _open(data: bytes, filename: str) -> PageReader:
    try:
        return PdfiumReader(data)
    except NeedsPassword as error:
        raise InvalidFile(
            f"{filename!r} is encrypted with a password; save it without one"
        ) from error
    except CannotOpen:
        return PypdfReader(data, filename)


@contextmanager
def _drawable(
    reader: PageReader, pages: _Pages, data: bytes, filename: str
) -> Iterator[PdfiumReader | None]:
    """Yield what draws the pages that have no text: pdfium, which alone can.

    A file that it cannot open it is given as pypdf writes it anew; None where that does not help
    or no page needs it.
    """
    if isinstance(reader, PdfiumReader):
        yield reader
        return
    mended = PypdfReader(data, filename).rewritten() if pages.blank else None
    try:
        drawable = PdfiumReader(mended) if mended is not None else None
    except (CannotOpen, NeedsPassword):
        drawable = None
    try:
        is_whole = drawable is not None and drawable.page_count == reader.page_count
        yield drawable if is_whole else None
    finally:
        if drawable is not None:
            drawable.close()


def _read_pages(reader: PageReader, data: bytes, filename: str, options: LoadOptions) -> _Pages:
    pages = _Pages()
    second = _SecondReader(data, filename, is_needed=isinstance(reader, PdfiumReader))
    characters = 0
    for number in range(1, reader.page_count + 1):
        key = page_clock.page_key(filename, number)
        if key in options.skip_pages:
            pages.slow.append(number)
            continue
        page_clock.begin(key, options.page_timeout_s)
        try:
            page = reader.read_page(number - 1)
            if page is None or page.is_blank:
                page = second.read_page(number - 1, page)
            elif page.torn:
                page = mend_torn(page, second.read_also(number - 1))
        finally:
            page_clock.end()
        if page is None:
            pages.unreadable.append(number)
            continue
        characters += sum(len(line.text) + 1 for line in page.lines)
        require_length(characters, filename)
        pages.texts[number] = page
    return pages


class _SecondReader:
    """Reads with pypdf, opened when first asked, pages without text and those with torn words."""

    def __init__(self, data: bytes, filename: str, *, is_needed: bool) -> None:
        self._data = data
        self._filename = filename
        self._reader: PypdfReader | None = None
        self._can_open = is_needed
        self._tries = _TRIES

    def read_page(self, index: int, first: PageText | None) -> PageText | None:
        """Return the page as pypdf reads it if it finds more than the first reader did."""
        if self._tries <= 0 or not self._open():
            return first
        self._tries -= 1
        page = self.read_also(index)
        if page is None:
            # Damaged for pypdf and empty for pdfium: not a page that was left blank.
            return first if first is not None and first.notes else None
        if page.is_blank:
            return first if first is not None else page
        self._tries = _TRIES
        notes = first.notes if first is not None else ()
        return PageText(page.lines, page.tables, notes, page.is_whole)

    def read_also(self, index: int) -> PageText | None:
        """Return the page as pypdf reads it; None where it cannot."""
        if not self._open() or self._reader is None:
            return None
        return self._reader.read_page(index)

    def _open(self) -> bool:
        if self._can_open and self._reader is None:
            try:
                self._reader = PypdfReader(self._data, self._filename)
            except InvalidFile:
                self._can_open = False
        return self._can_open


def _read_pictures(ocr: PdfOcr, pages: _Pages) -> None:
    """Read by OCR the pages that have no text, and what pictures are to be read on the others."""
    blank = pages.blank
    for number, page in list(pages.texts.items()):
        if number not in blank:
            pages.pictures[number] = ocr.read_pictures(number, page)
    for number in blank:
        read = ocr.read_page(number)
        if read is not None:
            pages.texts[number], pages.ocr[number] = read


def _compose(composer: Composer, reader: PageReader, pages: _Pages) -> None:
    headings: dict[int, list[Bookmark]] = {}
    for bookmark in reader.bookmarks():
        headings.setdefault(bookmark.page, []).append(bookmark)
    numbers = list(pages.texts)
    running = find_running_lines(list(pages.texts.values()))
    mended = mend_lines(_set_apart(list(pages.texts.values()), running))
    tables = 0
    for i, (number, lines) in enumerate(zip(numbers, mended, strict=True)):
        page = pages.texts[number]
        pictures = pages.pictures.get(number, ())
        pieces = (text_of(lines), "\n".join(page.notes), *(picture.text for picture in pictures))
        text = clean_text("\n\n".join(filter(None, pieces)))
        stretch = composer.add(text, separator="\n\n")
        if stretch is None:
            continue
        if number in pages.ocr:
            composer.mark("ocr", stretch, pages.ocr[number])
        _mark_pictures(composer, pictures, stretch[1])
        label = reader.page_label(number - 1)
        composer.mark("page", stretch, number, label if label != str(number) else "")
        _open_headings(composer, text, stretch[0], headings.get(number, []))
        places = _places(lines, stretch[0])
        tables += _mark_tables(composer, lines, page, places, tables)
        repeated = {one.line for one in running if one.page == i and one.is_repeated}
        for line, place in zip(lines, places, strict=True):
            if repeated.issuperset(line.sources):
                composer.mark("edge", place, number)


def _set_apart(pages: Sequence[PageText], running: Sequence[RunningLine]) -> list[list[PageLine]]:
    """Return the lines of pages, running ones with a gap on either side."""
    apart = [list(page.lines) for page in pages]
    for page, i, _ in running:
        lines = apart[page]
        lines[i] = lines[i]._replace(gap_before=True, stands_alone=True)
        if i + 1 < len(lines):
            lines[i + 1] = lines[i + 1]._replace(gap_before=True)
    return apart


def _places(lines: Sequence[MendedLine], start: int) -> list[tuple[int, int]]:
    """Return where the lines of a page stand in the document."""
    places = []
    position = start
    for i, line in enumerate(lines):
        position += (2 if line.gap_before else 1) if i else 0
        places.append((position, position + len(line.text)))
        position += len(line.text)
    return places


def _mark_pictures(composer: Composer, pictures: Sequence[PictureText], end: int) -> None:
    """Mark what was read on pictures; it ends the page."""
    for picture in reversed(pictures):
        start = end - len(clean_text(picture.text))
        composer.mark("ocr", (start, end), picture.confidence)
        end = start - 2


def _mark_tables(
    composer: Composer,
    lines: Sequence[MendedLine],
    page: PageText,
    places: Sequence[tuple[int, int]],
    before: int,
) -> int:
    """Mark the tables of a page and their rows, counted from 1 in each; return how many."""
    for number, table in enumerate(page.tables, before + 1):
        rows = [
            place
            for line, place in zip(lines, places, strict=True)
            if any(table.first <= source <= table.last for source in line.sources)
        ]
        if rows:
            composer.mark("table", (rows[0][0], rows[-1][1]), number)
        for row_number, row in enumerate(rows, 1):
            composer.mark("row", row, row_number)
    return len(page.tables)


def _open_headings(composer: Composer, text: str, start: int, headings: Sequence[Bookmark]) -> None:
    """Open the sections whose bookmarks point at this page, where their titles stand in it.

    Bookmarks that are not found in order keep the place of the one before, and a place is not
    given to two of them: the last one opened there would have an empty parent.
    """
    lowered, position, used = text.lower(), 0, -1
    for level, title, _ in headings:
        at = lowered.find(title.lower(), position) if len(lowered) == len(text) else -1
        position = at if at >= 0 else position
        if start + position == used and at < 0:
            continue
        used = start + position
        composer.open_heading(level, title, used)


def _add_attachments(composer: Composer, reader: PageReader, options: LoadOptions) -> None:
    for number, attachment in enumerate(reader.attachments(), 1):
        if options.depth >= MAX_DEPTH:
            composer.warn(f"attachments were left out: more than {MAX_DEPTH} files in each other")
            return
        try:
            document = load(attachment.data, attachment.name, options.inside())
        except (InvalidFile, UnsupportedFile) as error:
            composer.warn(f"the attachment {attachment.name!r} was left out: {error}")
        else:
            composer.add_part(number, attachment.name, document)


def _warn(composer: Composer, pages: _Pages, ocr: PdfOcr | None, count: int) -> None:
    partial = [number for number, page in pages.texts.items() if not page.is_whole]
    if pages.unreadable:
        composer.warn(_which("could not be read", pages.unreadable, count))
    if pages.slow:
        composer.warn(_which("took too long and were left out", pages.slow, count))
    if partial:
        composer.warn(_which("are damaged and were read in part", partial, count))
    unread = [number for number in pages.blank if ocr is None or number not in ocr.blank]
    for sentence in ocr.sentences() if ocr is not None else []:
        composer.warn(sentence)
    if unread:
        why = f"; {ocr.reason}" if ocr is not None and ocr.reason else ""
        composer.warn(f"{len(unread)} of {count} pages have no text (scanned or drawn?){why}")
    if ocr is not None and ocr.stamped:
        has_little = "have little text over a picture (a scan with a stamp?)"
        composer.warn(f"{_which(has_little, ocr.stamped, count)}; {ocr.reason}")


def _which(what: str, numbers: list[int], count: int) -> str:
    shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    return f"{len(numbers)} of {count} pages {what}: {shown}"


def _without_text(
    filename: str, pages: _Pages, ocr: PdfOcr | None, count: int
) -> InvalidFile | UnsupportedFile:
    if len(pages.unreadable) == count:
        return InvalidFile(
            f"{filename!r} is damaged: none of its {count} pages could be read; "
            "print or save it as PDF again"
        )
    if pages.slow:
        return InvalidFile(
            f"{filename!r} has no text on the pages that could be read in time "
            f"({len(pages.slow)} of {count} could not); print or save it as PDF again"
        )
    if ocr is not None and len(ocr.blank) == count:
        return InvalidFile(f"{filename!r} has nothing on its {count} pages; give the whole file")
    if ocr is not None and ocr.reason:
        return UnsupportedFile(
            f"{filename!r} has no text on its {count} pages (a scan?), and {ocr.reason}"
        )
    found = "and OCR found none" if ocr is not None else "and cannot be drawn for OCR"
    return InvalidFile(
        f"{filename!r} has no text on its {count} pages, {found}; give a PDF with a text layer"
    )
