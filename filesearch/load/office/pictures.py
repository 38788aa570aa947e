"""Office pictures: with `--ocr all`, what is written on the pictures of a docx or pptx.

The text of a picture follows the paragraph, table or shape that shows it, under an `ocr` span. Each
picture is read once, however often it is shown: a logo stands on every slide.
"""

from __future__ import annotations

import zipfile

from lxml import etree

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.compose import Composer
from filesearch.load.containers.archives import read_part
from filesearch.load.mend import mend_pages
from filesearch.load.ocr.engine import Engine, OcrNotes, find_engine, read_picture
from filesearch.load.ocr.raster import frames, is_blank
from filesearch.load.office.xml_tree import all_named, attribute
from filesearch.load.options import LoadOptions

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP")
"""By Pillow's names."""
_MIN_SIDE = 64
"""In pixels: icons and rules are smaller, a picture with a line of text is not."""
_DRAWN = (".emf", ".wmf", ".svg")
"""Drawings of strokes, which Pillow does not decode; their text mostly stands beside them too."""


class OfficePictures:
    """Reads the pictures of one file, if that is asked for.

    Args:
        archive: The file.
        composer: Where their text goes.
        options: How the file is read.
    """

    def __init__(self, archive: zipfile.ZipFile, composer: Composer, options: LoadOptions) -> None:
        self._archive = archive
        self._composer = composer
        self._notes = OcrNotes("picture")
        self._seen: set[str] = set()
        self._engine: Engine | None = None
        if options.ocr == "all":
            try:
                self._engine = find_engine(options)
            except UnsupportedFile as error:
                composer.warn(f"pictures were not read: {error}")

    def add(self, node: etree._Element, targets: dict[str, tuple[str, str]]) -> None:
        """Add the text of the pictures below a node.

        Args:
            targets: The relations of the part that the node stands in.
        """
        if self._engine is None:
            return
        for blip in all_named(node, "blip"):
            _, part = targets.get(attribute(blip, "embed"), ("", ""))
            if part and part not in self._seen and not part.lower().endswith(_DRAWN):
                self._seen.add(part)
                self._add_picture(self._engine, part)

    def _add_picture(self, engine: Engine, part: str) -> None:
        name = part.rpartition("/")[2]
        data = read_part(self._archive, part)
        try:
            image = next(frames(data or b"", name, formats=_FORMATS)).image
            if image is None or min(image.size) < _MIN_SIDE or is_blank(image):
                return
        except InvalidFile as error:
            self._composer.warn(f"a picture was not read: {error}")
            return
        try:
            reading = read_picture(engine, image)
        except InvalidFile:
            return  # most pictures show no text
        [text] = mend_pages([reading.text])
        stretch = self._composer.add(text)
        self._composer.mark("ocr", stretch, self._notes.add(f"the picture {name}", reading))

    def warn(self) -> None:
        """Say how many pictures were read, once all are."""
        for sentence in self._notes.sentences():
            self._composer.warn(sentence)
