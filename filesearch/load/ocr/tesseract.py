"""OCR with tesseract: a gray picture -> Reading, by the program of that name.

The picture goes in through a pipe and comes back as a table of words (TSV, tesseract(1)); nothing
is written to disk. The program inherits the limits of the process that starts it: 1 GiB of address
space is enough for a page of 12 megapixels (it takes 0.3).

Which language first: tesseract reads a page in the languages it is told, and how sure it is says
whether they were right. Measured on rendered pages of prose (character similarity, confidence):

    page      eng           chi_sim       chi_sim+eng   seconds (eng, chi_sim+eng; 2 GHz)
    English   1.000, 96     0.990, 87     1.000, 96     3.1, 3.5
    Chinese   0.056, 12     0.979, 89     0.979, 89     2.6, 5.1
    mixed     0.711, 71     0.984, 88     0.990, 94     4.2, 9.8

So a page is read as English first, in Chinese with English when that is doubtful, and the surer one
counts; the next page begins with what won. Script detection (`--psm 0`) is right as often, but
takes as long as reading: it is asked only when no language will do, to turn pages on their side.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import time

from PIL import Image

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.ocr.layout import Line, Reading, compose_reading
from filesearch.load.ocr.raster import fit

PROGRAM = "tesseract"
_SURE = 85.0
"""Confidence from which no other language is tried: English pages have 94 to 96."""
_DOUBTFUL = 60.0
"""Confidence below which a page may lie on its side: one read upside down has 23 to 41."""
_MIN_TURN_CONFIDENCE = 2.0
"""Orientation confidence from which a page is turned: true ones had 4 to 33."""
_DPI = 200
"""What pictures are said to have been scanned at: sizes of letters are guessed from it."""
_WORD_LEVEL = "5"
_ROTATE = re.compile(r"^Rotate: (\d+)$", re.MULTILINE)
_ORIENTATION_CONFIDENCE = re.compile(r"^Orientation confidence: ([\d.]+)$", re.MULTILINE)
_LATIN, _HAN = "eng", "chi_sim"


class Tesseract:
    """Reads pictures with the installed program, in the languages it has. See ocr.Engine.

    Args:
        program: Path of the program.
        timeout_s: Longest time one picture may take, over all its tries.

    Raises:
        UnsupportedFile: It has neither English nor Chinese.
    """

    def __init__(self, program: str, timeout_s: float) -> None:
        self.name = describe(program)
        self._program = program
        self._timeout_s = timeout_s
        installed = languages(program)
        english = [_LATIN] if _LATIN in installed else []
        chinese = ["+".join([_HAN, *english])] if _HAN in installed else []
        self._wanted = [*english, *chinese]  # the most likely first
        self._can_turn = "osd" in installed
        if not self._wanted:
            raise UnsupportedFile(
                f"{program} has no language that is read here; "
                "install: apt-get install tesseract-ocr-eng tesseract-ocr-chi-sim"
            )

    def read(self, image: Image.Image) -> Reading:
        """See ocr.Engine."""
        fitting = fit(image)
        if fitting is None:
            return Reading()
        image = fitting
        deadline = time.monotonic() + self._timeout_s
        best, language = self._best(image, Reading(), self._wanted, deadline)
        if best.confidence < _DOUBTFUL and self._can_turn:
            angle = self._turned(image, deadline)
            if angle:
                upright = image.rotate(-angle, expand=True)
                best, language = self._best(upright, best, self._wanted, deadline)
        self._wanted.sort(key=lambda wanted: wanted != language)
        return best

    def _best(
        self, image: Image.Image, best: Reading, wanted: list[str], deadline: float
    ) -> tuple[Reading, str]:
        """Return the surest reading, `best` or a new one, and the language that comes first."""
        language = wanted[0]
        for tried in wanted:
            reading = self._read(image, tried, deadline)
            if reading.confidence > best.confidence:
                best, language = reading, tried
            if best.confidence >= _SURE:
                break
        return best, language

    def _read(self, image: Image.Image, language: str, deadline: float) -> Reading:
        table = _run(self._program, ["-l", language, "tsv"], image, deadline)
        return compose_reading(_lines(table))

    def _turned(self, image: Image.Image, deadline: float) -> int:
        """Return by how many degrees, clockwise, a page must be turned to stand upright."""
        try:
            said = _run(self._program, ["--psm", "0"], image, deadline)
        except InvalidFile:
            return 0  # too few letters to tell
        rotate, confidence = _ROTATE.search(said), _ORIENTATION_CONFIDENCE.search(said)
        if not rotate or not confidence or float(confidence[1]) < _MIN_TURN_CONFIDENCE:
            return 0
        return int(rotate[1])


def find_program() -> str | None:
    """Return the path of the program, None when it is not installed."""
    return shutil.which(PROGRAM)


@functools.cache
def languages(program: str) -> tuple[str, ...]:
    """Return the languages that are installed, in alphabetical order; asked once a process."""
    done = _start([program, "--list-langs"], b"", 10.0)
    # The first line is a sentence about the folder.
    return tuple(sorted(line.strip() for line in done.splitlines()[1:] if line.strip()))


@functools.cache
def describe(program: str) -> str:
    """Return the version and the languages in use, such as "tesseract 5.3.0 (chi_sim, eng)"."""
    version = _start([program, "--version"], b"", 10.0).split("\n", 1)[0].strip()
    used = [language for language in languages(program) if language in (_LATIN, _HAN)]
    return f"{version} ({', '.join(used)})"


def _run(program: str, arguments: list[str], image: Image.Image, deadline: float) -> str:
    """Return what the program says to a picture, which travels as a PGM."""
    width, height = image.size
    command = [program, "stdin", "stdout", "--dpi", str(_DPI), *arguments]
    pixels = b"P5 %d %d 255\n" % (width, height) + image.tobytes()
    return _start(command, pixels, deadline - time.monotonic())


def _start(command: list[str], given: bytes, timeout_s: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, and no shell
            command,
            input=given,
            capture_output=True,
            timeout=max(timeout_s, 0.1),
            check=True,
            # One thread: its own ones are slower than pages side by side, and map gigabytes.
            env={**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidFile(f"{PROGRAM} took too long; give the page in smaller parts") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InvalidFile(
            f"{PROGRAM} failed ({said[-1] if said else f'status {error.returncode}'})"
        ) from error
    except OSError as error:
        raise InvalidFile(f"{command[0]} cannot be started: {error.strerror}") from error
    return done.stdout.decode("utf-8", "replace")


def _lines(table: str) -> list[Line]:
    """Return the lines of a TSV table: level, page, block, par, line, word, box, conf, text."""
    words: dict[tuple[str, str, str], list[tuple[str, float]]] = {}
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == _WORD_LEVEL and cells[11].strip():
            block, paragraph, line = cells[2:5]
            words.setdefault((block, paragraph, line), []).append((cells[11], float(cells[10])))
    found = []
    for (block, paragraph, _), line_words in words.items():
        weight = sum(len(word) for word, _ in line_words)
        confidence = sum(len(word) * sure for word, sure in line_words) / weight
        text = " ".join(word for word, _ in line_words)
        found.append(Line(text, confidence, (block, paragraph)))
    return found
