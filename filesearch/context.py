"""Context: what a chunk's own words leave out: its file's name, the title, the headings above it.

file name, title and spans -> one line for each stretch of the document, such as
"3M 2018 10K › Annual report › Cash flows". A filing's page says "net revenue", its file name
says whose and when. The line counts in keyword search, in the vectors and in ranking; it is never
part of what is cited. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from filesearch.types import Span

SEPARATOR = " › "
# Of a longer title or heading the first words say what it is about.
MAX_PART_CHARACTERS = 100
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_NAME_JOINTS = re.compile(r"[\s_./\\+,()\[\]-]+")
_SECTIONS = ("heading", "sheet", "slide")


def find_contexts(
    filename: str, title: str, spans: Sequence[Span], starts: Sequence[int]
) -> list[str]:
    """Return the context of the stretch that begins at each of `starts`.

    Args:
        filename: What the file is called, folders included. One without a suffix is taken for an
            id that says nothing.
        title: Of the document; empty when it has none.
        spans: Of the document, ordered by start.
        starts: Character positions, ascending.

    Returns:
        One line for each start, outermost part first; empty when there is nothing to say. A
        heading that begins at or behind the start is part of the stretch, not of its context.
    """
    base = [name_words(filename), title if " " in title else _NAME_JOINTS.sub(" ", title)]
    sections = [span for span in spans if span.kind in _SECTIONS and span.label]
    found: list[str] = []
    open_sections: list[Span] = []
    following = 0
    for start in starts:
        while following < len(sections) and sections[following].start < start:
            open_sections.append(sections[following])
            following += 1
        open_sections = [span for span in open_sections if start < span.end]
        found.append(_join((*base, *(span.label for span in open_sections))))
    return found


@lru_cache(maxsize=4096)
def name_words(filename: str) -> str:
    """Return the words of a file's name and folders: "q1/3M_2018_10K.pdf" -> "q1 3M 2018 10K".

    In NFC, as documents are: macOS takes names apart.
    """
    if not _SUFFIX.search(filename):
        return ""
    stem = unicodedata.normalize("NFC", str(PurePosixPath(filename).with_suffix("")))
    return _NAME_JOINTS.sub(" ", stem).strip()


@lru_cache(maxsize=4096)
def _join(parts: tuple[str, ...]) -> str:
    kept: dict[str, str] = {}
    for part in parts:
        words = " ".join(part.split())[:MAX_PART_CHARACTERS].strip()
        if words:
            kept.setdefault(words.casefold(), words)
    return SEPARATOR.join(kept.values())
