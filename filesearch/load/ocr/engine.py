"""OCR: text out of pictures, behind one seam.

PIL image -> Reading. `find_engine` takes what is installed: the program tesseract, else the package
RapidOCR. The adapters are `ocr_tesseract` and `ocr_rapid`; nothing else knows them. `read_picture`
is what the format modules call; `OcrNotes` tells the reader of a document what was read this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.ocr import rapid as ocr_rapid
from filesearch.load.ocr import tesseract as ocr_tesseract
from filesearch.load.ocr.layout import Reading
from filesearch.load.options import LoadOptions
from filesearch.load.process import pulse

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Engine", "OcrNotes", "Reading", "describe_engine", "find_engine", "read_picture"]

INSTALL = (
    "install one: apt-get install tesseract-ocr tesseract-ocr-chi-sim, "
    "or pip install 'filesearch[ocr]'"
)
SWITCH_ON = "allow it with --ocr auto or FSEARCH_OCR=auto"
_TIMES_A_PAGE = 9.0
"""A page of text takes 0.05 s to parse and 3 to 10 s to read from a picture, on an idle core and in
one language or two; a busy machine needs several times that. So a picture gets 45 s where a page
gets 5, which is still less than a whole file may take."""
_MIN_CONFIDENCE = 45.0
"""Less is no text: Chinese read as English had 12 to 17, pages upside down 23 to 41, and pages of
which most was right 68 and more."""
_POOR_CONFIDENCE = 75.0
"""Clean pages have 88 to 99; below this many words are wrong."""


class Engine(Protocol):
    """Reads the text on pictures.

    Attributes:
        name: Program or package, version and languages: what its readings depend on.
    """

    name: str

    def read(self, image: Image.Image) -> Reading:
        """Return the text on a picture; an empty one where there is none.

        Args:
            image: Of any mode, upright as far as its file says. It is not changed.

        Raises:
            InvalidFile: It took too long, or the engine failed; the message says why.
        """


def find_engine(options: LoadOptions) -> Engine:
    """Return a new engine; keep it for the pages of one document, whose language it learns.

    Raises:
        UnsupportedFile: OCR is switched off or there is no engine; the message says what to do.
    """
    if options.ocr == "off":
        raise UnsupportedFile(f"OCR is switched off; {SWITCH_ON}")
    timeout_s = _TIMES_A_PAGE * options.page_timeout_s
    program = ocr_tesseract.find_program()
    if program is not None:
        return ocr_tesseract.Tesseract(program, timeout_s)
    if ocr_rapid.is_installed():
        return ocr_rapid.RapidOcr(timeout_s)
    raise UnsupportedFile(f"there is no OCR engine; {INSTALL}")


def describe_engine(options: LoadOptions) -> str:
    """Return the name of the engine that `find_engine` would take, empty for none; starts none."""
    if options.ocr == "off":
        return ""
    program = ocr_tesseract.find_program()
    if program is not None:
        return ocr_tesseract.describe(program)
    return ocr_rapid.describe() if ocr_rapid.is_installed() else ""


def read_picture(engine: Engine, image: Image.Image) -> Reading:
    """Return what an engine reads on a picture, when that is text.

    Raises:
        InvalidFile: There is no text on it, or the engine failed.
    """
    reading = engine.read(image)
    pulse.beat()
    if not any(character.isalnum() for character in reading.text):
        raise InvalidFile("no text was found on it by OCR")
    if reading.confidence < _MIN_CONFIDENCE:
        raise InvalidFile(
            f"no text was found on it by OCR ({engine.name} is {reading.confidence:.0f}% sure of "
            "what it sees; a photograph, or a script that it does not know)"
        )
    return reading


class OcrNotes:
    """Collects what was read by OCR in one document, for its warnings.

    Args:
        what: What is counted, in the singular: "page", "picture".
    """

    def __init__(self, what: str = "page") -> None:
        self._what = what
        self._confidences: list[tuple[str, int]] = []

    def add(self, place: str, reading: Reading) -> int:
        """Note a reading; returns its confidence as an `ocr` span has it, 1..100."""
        confidence = min(100, max(1, round(reading.confidence)))
        self._confidences.append((place, confidence))
        return confidence

    def sentences(self, *, with_summary: bool = True) -> Sequence[str]:
        """Return a sentence for each poor reading, and one for all of them.

        Args:
            with_summary: Leave it out where the whole file is a picture.
        """
        poor = [
            f"{place} was read by OCR with {confidence}% confidence; check it against the original"
            for place, confidence in self._confidences
            if confidence < _POOR_CONFIDENCE
        ]
        if not with_summary or not self._confidences:
            return poor
        count = len(self._confidences)
        low, high = min(c for _, c in self._confidences), max(c for _, c in self._confidences)
        sure = f"{low}%" if low == high else f"{low} to {high}%"
        verb = f"{self._what} was" if count == 1 else f"{self._what}s were"
        return [f"{count} {verb} read by OCR (confidence {sure})", *poor]
