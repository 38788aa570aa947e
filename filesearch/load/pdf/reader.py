"""PDF reader: one PDF through pdfium, page after page.

pdfium is 7 to 12 times as fast as pypdf and keeps the spaces between words. It is not thread-safe:
whoever holds a `PdfiumReader` holds `PDFIUM_LOCK`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from filesearch.load.clean import clean_line
from filesearch.load.mend import PageLine
from filesearch.load.pdf.italics import find_torn
from filesearch.load.pdf.layout import lay_out
from filesearch.load.pdf.notes import read_notes
from filesearch.load.pdf.pages import (
    MAX_BOOKMARKS,
    Attachment,
    Bookmark,
    PageText,
    title_worth_showing,
)
from filesearch.load.pdf.tables import find_tables
from filesearch.load.pdf.words import read_words

if TYPE_CHECKING:
    from PIL.Image import Image

PDFIUM_LOCK = threading.RLock()
"""Held by the thread that reads with pdfium; the same one may read a PDF attached to a PDF."""
MAX_PIXELS = 25_000_000
"""A page of A4 at 400 dpi has 15 million; a picture in grey takes a byte for each."""
MIN_PICTURE_SIDE = 64
"""In pixels: icons and rules are smaller, a picture with a line of text is not."""
_MAX_ATTACHMENTS = 50
_MAX_ATTACHMENT_BYTES = 64 * 1024 * 1024


class NeedsPassword(Exception):
    """The file opens with a password only."""


class CannotOpen(Exception):
    """pdfium does not take this for a PDF, or does not know its encryption."""


class PdfiumReader:
    """One open PDF; see `PageReader`. The calling thread holds `PDFIUM_LOCK` until `close`.

    Args:
        data: The whole file; kept until `close`.

    Raises:
        NeedsPassword: The empty password, which many files have beside an owner's, does not open
            it.
        CannotOpen: For any other reason.
    """

    Error = pdfium.PdfiumError

    def __init__(self, data: bytes) -> None:
        logging.getLogger("pypdfium2").setLevel(logging.CRITICAL)  # what counts it raises
        PDFIUM_LOCK.acquire()
        self._is_open = True
        try:
            self._pdf = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            self._is_open = False
            PDFIUM_LOCK.release()
            if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
                raise NeedsPassword from error
            raise CannotOpen(str(error)) from error
        except BaseException:
            self._is_open = False
            PDFIUM_LOCK.release()
            raise
        if self._pdf.get_formtype() != pdfium_c.FORMTYPE_NONE:
            self._pdf.init_forms()  # before the first page is loaded
        self.page_count = len(self._pdf)

    def read_page(self, index: int) -> PageText | None:
        """See `PageReader`."""
        try:
            page = self._pdf[index]
        except pdfium.PdfiumError:
            return None
        try:
            text_page = page.get_textpage()
            try:
                lines, tables = find_tables(lay_out(read_words(text_page)))
                torn = find_torn(text_page)
            finally:
                text_page.close()
            return PageText(
                tuple(
                    PageLine(
                        clean_line(line.text),
                        line.is_row or line.is_header,
                        line.gap_before,
                        stands_alone=line.stands_alone,
                        baseline=line.baseline,
                    )
                    for line in lines
                ),
                tuple(tables),
                tuple(read_notes(self._pdf, page)),
                torn=torn,
            )
        except pdfium.PdfiumError:
            return None
        finally:
            page.close()

    def render(self, index: int, *, dpi: int = 200, max_pixels: int = MAX_PIXELS) -> Image:
        """Return the picture of a page in shades of grey, for reading text out of it.

        Args:
            index: From 0.
            dpi: Resolution; a page that would have more than `max_pixels` gets a lower one.
            max_pixels: Bound on width times height.

        Raises:
            PdfiumError: The page cannot be loaded or drawn.
        """
        page = self._pdf[index]
        try:
            width, height = page.get_size()
            scale = min(dpi / 72, (max_pixels / max(width * height, 1.0)) ** 0.5)
            bitmap = page.render(scale=scale, grayscale=True)
            try:
                # The first one shares memory with the bitmap.
                picture: Image = bitmap.to_pil().copy()
                return picture
            finally:
                bitmap.close()
        finally:
            page.close()

    def pictures(
        self, index: int, *, smallest_share: float = 0.0, largest_share: float
    ) -> Iterator[Image]:
        """Yield the pictures on a page that may hold text, in the order in which they are drawn.

        Args:
            index: From 0.
            smallest_share, largest_share: Of the page; a picture that covers less, or more, is
                left out, as are those of few pixels and what cannot be decoded.
        """
        try:
            page = self._pdf[index]
        except pdfium.PdfiumError:
            return
        try:
            width, height = page.get_size()
            for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE]):
                try:
                    across, down = item.get_px_size()
                    left, bottom, right, top = item.get_bounds()
                    share = (right - left) * (top - bottom) / max(width * height, 1.0)
                    if min(across, down) < MIN_PICTURE_SIDE or across * down > MAX_PIXELS:
                        continue
                    if smallest_share <= share <= largest_share:
                        bitmap = item.get_bitmap()
                        picture: Image = bitmap.to_pil().copy()
                        bitmap.close()
                        yield picture
                except (pdfium.PdfiumError, ValueError):
                    continue
        finally:
            page.close()

    def page_label(self, index: int) -> str:
        """See `PageReader`."""
        try:
            return clean_line(self._pdf.get_page_label(index))
        except (pdfium.PdfiumError, UnicodeDecodeError):
            return ""

    def bookmarks(self) -> list[Bookmark]:
        """See `PageReader`."""
        found: list[Bookmark] = []
        try:
            for entry in self._pdf.get_toc(max_depth=6):
                destination = entry.get_dest()
                page = destination.get_index() if destination else None
                title = clean_line(entry.get_title())
                if page is not None and title:
                    found.append(Bookmark(entry.level + 1, title, page + 1))
                if len(found) >= MAX_BOOKMARKS:
                    break
        except (pdfium.PdfiumError, UnicodeDecodeError):
            return []  # bookmarks are an extra; a broken outline is left out
        return found

    def title(self) -> str:
        """See `PageReader`."""
        try:
            return title_worth_showing(self._pdf.get_metadata_value("Title"))
        except (pdfium.PdfiumError, UnicodeDecodeError):
            return ""

    def attachments(self) -> Iterator[Attachment]:
        """See `PageReader`."""
        for index in range(min(self._pdf.count_attachments(), _MAX_ATTACHMENTS)):
            try:
                attachment = self._pdf.get_attachment(index)
                name, data = attachment.get_name(), bytes(attachment.get_data())
            except (pdfium.PdfiumError, UnicodeDecodeError):
                continue
            if len(data) <= _MAX_ATTACHMENT_BYTES:
                yield Attachment(clean_line(name) or f"attachment {index + 1}", data)

    def close(self) -> None:
        """See `PageReader`."""
        if self._is_open:
            self._is_open = False
            self._pdf.close()
            PDFIUM_LOCK.release()
