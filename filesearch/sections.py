"""Sections: a plain text too large to be held whole -> stretches of it, each a file of the index.

    big.log (1 GB) -> "big (part 1).log", "big (part 2).log", ... of about 2 MiB

Each is read, cut up, embedded and committed by itself, so neither ingest nor search nor a citation
ever holds more than one; a citation counts characters in the part that it names. Where a text is
cut depends on what stands before alone: a log that grew is read and embedded anew at its end only.
Just a few blocks of a file are read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import BinaryIO

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import sniff
from filesearch.load.media_types import MODULES
from filesearch.load.text.decode import decode
from filesearch.records import FileRecord
from filesearch.sources import FileSource, Source, printable
from filesearch.visible import open_file

LARGE_TEXT_BYTES = 16 << 20
"""A text of more is cut; up to there one document is made of it, at some ten times its memory."""
SECTION_BYTES = 2 << 20
"""What a search reads for a passage of such a text; 500 parts for a gigabyte."""

_LOOK_BYTES = 64 << 10  # in which a good place to cut is looked for
_BLANK_LINE = re.compile(rb"\n[ \t\r]*\n")
_WIDE = ("utf-16", "utf-32")  # in which a line end is more than one byte
# No resolved path holds two slashes in a row.
_KEY_MARK = "//part-"
_KEY_END = re.compile(rf"{_KEY_MARK}[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class FileSection(FileSource):
    """A stretch of a large text file.

    Attributes:
        start: First byte; `size_bytes` is its length.
        number: Position among the sections, from 1.
    """

    start: int = 0
    number: int = 1

    @property
    def key(self) -> str:
        """What identifies it from one ingest to the next."""
        return f"{self.given_key or printable(str(self.path))}{_KEY_MARK}{self.number}"


def whole_key(key: str) -> str:
    """Return the key of the file that a section is of; of anything else its own."""
    return _KEY_END.sub("", key)


def cut_large_texts(sources: Iterable[Source]) -> list[Source]:
    """Return `sources` with the sections of large plain texts in the place of those.

    Formats that only a parser can cut (csv, json, html, pdf) and texts in UTF-16 stay whole.
    """
    found: list[Source] = []
    for source in sources:
        sections: Sequence[Source] = ()
        if isinstance(source, FileSource) and source.size_bytes > LARGE_TEXT_BYTES:
            sections = _sections(source)
        found += sections or [source]
    return found


def find_superseded(known: Iterable[FileRecord], sources: Sequence[Source]) -> list[FileRecord]:
    """Return what the store has of the files among `sources` that is no part of them any more.

    A file that grew large leaves its whole, one that shrank the sections that it lost.
    """
    keys = {source.key for source in sources}
    files = {whole_key(key) for key in keys}
    return [
        record
        for record in known
        if record.path is not None and record.path not in keys and whole_key(record.path) in files
    ]


def _sections(source: FileSource) -> list[FileSection]:
    """Return the sections of a file; none when it is not plain text, or cannot be read."""
    try:
        with open_file(source.path) as stream:
            head = stream.read(_LOOK_BYTES)
            media_type = sniff(head, source.load_name)
            is_plain = MODULES.get(media_type, "text") == "text"
            if not is_plain or decode(head, source.filename).encoding.startswith(_WIDE):
                return []
            edges = [0, *_cuts(stream, source.size_bytes), source.size_bytes]
    except (OSError, InvalidFile, UnsupportedFile):
        return []  # reading it as a whole will say why
    return [
        FileSection(
            path=source.path,
            filename=_part_name(source.filename, number),
            size_bytes=end - start,
            given_key=source.given_key,
            given_name=source.given_name,
            start=start,
            number=number,
        )
        for number, (start, end) in enumerate(pairwise(edges), start=1)
    ]


def _cuts(stream: BinaryIO, size_bytes: int) -> Iterator[int]:
    """Yield where to cut: after a blank line if one is near, else a line, else a character."""
    position = SECTION_BYTES
    # The last section takes the rest: up to half of one more.
    while size_bytes - position > SECTION_BYTES // 2:
        stream.seek(position)
        ahead = stream.read(_LOOK_BYTES)
        if blank := _BLANK_LINE.search(ahead):
            position += blank.end()
        elif (line_end := ahead.find(b"\n")) >= 0:
            position += line_end + 1
        else:
            # Bytes of the form 10xxxxxx continue a character (RFC 3629): at most three.
            position += next((i for i, byte in enumerate(ahead[:4]) if byte & 0xC0 != 0x80), 0)
        yield position
        position += SECTION_BYTES


def _part_name(filename: str, number: int) -> str:
    path = PurePosixPath(filename)
    return str(path.with_name(f"{path.stem} (part {number}){path.suffix}"))
