"""Images: png, jpg, tiff, webp -> Document, by OCR; a TIFF with pages has a span for each.

How sure the reading is stands in the number of the `ocr` span. Without an engine, or with OCR
switched off, an image is a format that is not read.
"""

from __future__ import annotations

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.compose import Composer
from filesearch.load.mend import mend_pages
from filesearch.load.ocr.engine import OcrNotes, find_engine, read_picture
from filesearch.load.ocr.raster import frames
from filesearch.load.options import LoadOptions
from filesearch.types import Document


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a picture: what is written on it.

    Raises:
        UnsupportedFile: There is no OCR engine, or it is switched off.
        InvalidFile: Damaged, cut off, too large (raster.MAX_PIXELS), or without text.
    """
    try:
        engine = find_engine(options)
    except UnsupportedFile as error:
        raise UnsupportedFile(f"{filename!r} is a picture, and {error}") from error
    composer, notes = Composer(filename), OcrNotes()
    found: list[tuple[int, int, str]] = []
    problems: list[tuple[int, str]] = []
    for number, image, problem in frames(data, filename):
        if image is None:
            problems.append((number, problem))
            continue
        try:
            reading = read_picture(engine, image)
        except InvalidFile as error:
            problems.append((number, str(error)))
            continue
        found.append((number, notes.add(f"page {number}", reading), reading.text))
    if not found:
        raise InvalidFile(f"{filename!r}: {problems[0][1]}")
    is_paged = len(found) + len(problems) > 1
    for (number, confidence, _), text in zip(
        found, mend_pages([text for *_, text in found]), strict=True
    ):
        stretch = composer.add(text, separator="\n\n")
        if is_paged:
            composer.mark("page", stretch, number)
        composer.mark("ocr", stretch, confidence)
    for sentence in notes.sentences(with_summary=False):
        composer.warn(sentence)
    for number, problem in problems:
        composer.warn(f"page {number} was not read: {problem}")
    return composer.build(media_type)
