"""OCR with RapidOCR: a gray picture -> Reading, by the ONNX models that its wheel carries.

The extra `filesearch[ocr]`; nothing is downloaded. One model reads Chinese and Latin script, better
than tesseract (on the same pages 1.000 for both) and three times slower. Pages must stand upright.

Finding the lines on a whole page takes 1.5 GB. A page is therefore cut, between lines, into strips
that fit the memory which a parser may have.
"""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from filesearch.errors import InvalidFile
from filesearch.load.ocr.layout import Line, Reading, compose_reading
from filesearch.load.ocr.raster import fit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PACKAGE = "rapidocr"
_STRIP_PIXELS = 660_000
"""Takes 0.5 GB; twice as much ends in bad_alloc at 1 GiB of address space."""
_MIN_STRIP = 200
"""In rows, so that a strip of a very wide picture holds lines at all."""
_INK = 128
"""What is darker counts as ink."""
_SMOOTH = 15
"""Rows over which ink is averaged: a cut keeps away from the letters on both sides."""
_SAME_LINE = 0.5
"""Boxes that share so much of their height are on one line: the cells of a table row."""
_PARAGRAPH_GAP = 0.9
"""Space between lines, in heights of a line, from which a paragraph begins."""


class _Box(NamedTuple):
    """A piece of a line: where it stands on the page, and what it says."""

    top: float
    bottom: float
    left: float
    text: str
    confidence: float


class RapidOcr:
    """Reads pictures with RapidOCR. See ocr.Engine.

    Args:
        timeout_s: Longest time one picture may take; looked at between strips.
    """

    def __init__(self, timeout_s: float) -> None:
        self.name = describe()
        self._timeout_s = timeout_s
        self._model = _model()

    def read(self, image: Image.Image) -> Reading:
        """See ocr.Engine."""
        import numpy as np

        fitting = fit(image)
        if fitting is None:
            return Reading()
        deadline = time.monotonic() + self._timeout_s
        boxes: list[_Box] = []
        for top, strip in strips(np.asarray(fitting)):
            if time.monotonic() > deadline:
                raise InvalidFile(f"{PACKAGE} took too long; give the page in smaller parts")
            found = self._model(np.stack([strip] * 3, axis=-1))
            if found.boxes is None:
                continue
            for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
                left, upper = corners.min(axis=0)
                lower = corners.max(axis=0)[1]
                confidence = 100.0 * float(score)
                boxes.append(_Box(top + upper, top + lower, float(left), text, confidence))
        return compose_reading(join_boxes(boxes))


def is_installed() -> bool:
    """Whether the package is there; it is not imported for this."""
    return importlib.util.find_spec(PACKAGE) is not None


def describe() -> str:
    """Return the package and its version, such as "rapidocr 3.10.0"."""
    return f"{PACKAGE} {version(PACKAGE)}"


@functools.cache
def _model() -> Any:  # noqa: ANN401 - the package ships no types
    """Return the models, loaded once a process."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            # Strips are taken as they are.
            "Global.max_side_len": 20_000,
            "Det.limit_type": "max",
            "Det.limit_side_len": 20_000,
            # The check for lines upside down turns upright ones around: 2 of 38 on a page.
            "Global.use_cls": False,
            # Lines of unlike length in one batch are padded to the longest: slower on a CPU.
            "Rec.rec_batch_num": 1,
            # Threads map memory that the limit counts; pages are read side by side instead.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def strips(page: npt.NDArray[np.uint8]) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield the strips of a page that have ink, with the row at which each begins.

    Args:
        page: uint8, shape (height, width), 0 is black.
    """
    import numpy as np

    height, width = page.shape
    ink = np.convolve((page < _INK).sum(axis=1), np.ones(_SMOOTH), mode="same")
    high = max(_MIN_STRIP, _STRIP_PIXELS // width)
    start = 0
    while start < height:
        end = min(start + high, height)
        if end < height:
            # The emptiest row of the lower half, and the lowest of several.
            middle = start + high // 2
            end = middle + high - high // 2 - 1 - int(np.argmin(ink[middle:end][::-1]))
        end = max(end, start + 1)
        if ink[start:end].any():
            yield start, page[start:end]
        start = end


def join_boxes(boxes: Sequence[_Box]) -> list[Line]:
    """Return the lines that boxes make up, from top to bottom, each from left to right."""
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: box.top):
        last = rows[-1][0] if rows else None
        if last is not None and _shares_line(last, box):
            rows[-1].append(box)
        else:
            rows.append([box])
    lines: list[Line] = []
    paragraph, bottom = 0, 0.0
    for row in rows:
        row.sort(key=lambda box: box.left)
        height = row[0].bottom - row[0].top
        if lines and row[0].top - bottom > _PARAGRAPH_GAP * height:
            paragraph += 1
        bottom = max(box.bottom for box in row)
        weight = sum(len(box.text) for box in row) or 1
        confidence = sum(len(box.text) * box.confidence for box in row) / weight
        lines.append(Line(" ".join(box.text for box in row), confidence, paragraph))
    return lines


def _shares_line(a: _Box, b: _Box) -> bool:
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return shared > _SAME_LINE * min(a.bottom - a.top, b.bottom - b.top)
