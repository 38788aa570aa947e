"""PDF OCR: the pages of a PDF that have no text, and with `--ocr all` its pictures -> their text.

A page is drawn at 200 dpi, as it would be printed, and read by the engine that `ocr` finds; one
on which nothing is drawn needs none. A scan with a stamp or a page number printed over it has some
text: of a page with little, the picture that fills it is read as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.mend import PageLine
from filesearch.load.ocr.engine import Engine, OcrNotes, Reading, find_engine, read_picture
from filesearch.load.ocr.raster import is_blank
from filesearch.load.options import LoadOptions
from filesearch.load.pdf.pages import PageText
from filesearch.load.pdf.reader import PdfiumReader
from filesearch.load.process import page_clock

_DPI = 200
_MAX_PIXELS = 12_000_000
"""A2; what is larger is drawn coarser."""
_SEARCHABLE_CHARACTERS = 200
"""A page with more text than this under a picture of the whole page is a scan with a text layer;
one with less is a scan with a stamp."""
_WHOLE_PAGE = 0.8


class PictureText(NamedTuple):
    """What was read on a picture of a page, and how sure that is, 1..100."""

    text: str
    confidence: int


class PdfOcr:
    """Reads pages and pictures of one PDF, and keeps account of it.

    Args:
        reader: The open file.
        filename: For the page clock.
        options: How it is read.

    Attributes:
        reason: Why pages are not read, when none are: no engine, or OCR is off; else empty.
        blank: Numbers of the pages on which nothing is drawn.
        stamped: Numbers of the pages of which only what is printed over a picture was read.
    """

    def __init__(self, reader: PdfiumReader, filename: str, options: LoadOptions) -> None:
        self.reason = ""
        self.blank: list[int] = []
        self.stamped: list[int] = []
        self._reader = reader
        self._filename = filename
        self._options = options
        self._engine: Engine | None = None
        self._pages = OcrNotes("page")
        self._pictures = OcrNotes("picture")
        self._problems: list[str] = []

    def read_page(self, number: int) -> tuple[PageText, int] | None:
        """Return what is read on a page without text, and how sure that is (1..100), or None.

        Args:
            number: From 1.
        """
        page_clock.begin(page_clock.page_key(self._filename, number), self._options.page_timeout_s)
        try:
            image = self._reader.render(number - 1, dpi=_DPI, max_pixels=_MAX_PIXELS)
        except self._reader.Error:
            return None
        finally:
            page_clock.end()
        if is_blank(image):
            self.blank.append(number)
            return None
        engine = self._find_engine()
        if engine is None:
            return None
        image.info["dpi"] = (_DPI, _DPI)
        try:
            reading = read_picture(engine, image)
        except InvalidFile as error:
            self._problems.append(f"page {number} was not read: {error}")
            return None
        return PageText(_lines(reading)), self._pages.add(f"page {number}", reading)

    def read_pictures(self, number: int, page: PageText) -> Sequence[PictureText]:
        """Return what is written on the pictures of a page that has text of its own.

        Without `--ocr all`, that is the picture under a stamp.
        """
        is_stamp = sum(len(line.text) for line in page.lines) <= _SEARCHABLE_CHARACTERS
        if self._options.ocr != "all" and not is_stamp:
            return ()
        found = []
        for image in self._reader.pictures(
            number - 1,
            smallest_share=0.0 if self._options.ocr == "all" else _WHOLE_PAGE,
            largest_share=math.inf if is_stamp else _WHOLE_PAGE,
        ):
            if is_blank(image):
                continue
            engine = self._find_engine()
            if engine is None:
                self.stamped.append(number)
                return ()
            try:
                reading = read_picture(engine, image)
            except InvalidFile:
                continue  # most pictures are pictures
            confidence = self._pictures.add(f"a picture on page {number}", reading)
            found.append(PictureText(reading.text, confidence))
        return found

    def sentences(self) -> list[str]:
        """Return what is to be said of it, for the warnings of the document."""
        return [*self._pages.sentences(), *self._pictures.sentences(), *self._problems]

    def _find_engine(self) -> Engine | None:
        if self._engine is None and not self.reason:
            try:
                self._engine = find_engine(self._options)
            except UnsupportedFile as error:
                self.reason = str(error)
        return self._engine


def _lines(reading: Reading) -> tuple[PageLine, ...]:
    lines: list[PageLine] = []
    gap = False
    for line in reading.text.split("\n"):
        if line:
            lines.append(PageLine(line, gap_before=gap and bool(lines)))
        gap = not line
    return tuple(lines)
