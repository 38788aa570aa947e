"""Compressed: one file behind gzip, bzip2 or xz -> the Document of that file.

A compressed tar is read as the archive it is; anything else by the name that is left without the
ending (notes.md.gz is Markdown). How much comes out is counted as it comes.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import PurePath
from typing import IO, cast

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.load.compose import Composer
from filesearch.load.containers import tar
from filesearch.load.containers.archives import MAX_RATIO, RATIO_MATTERS_BYTES
from filesearch.load.containers.members import MAX_MEMBER_BYTES, Members
from filesearch.load.media_types import BZIP2, GZIP
from filesearch.load.options import MAX_UNPACKED_BYTES, LoadOptions
from filesearch.types import Document

_TARS = frozenset((".tgz", ".tbz", ".tbz2", ".txz"))
_TAR_MAGIC = slice(257, 262)


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of what is compressed.

    Raises:
        UnsupportedFile: A format that is not read here.
        InvalidFile: Damaged, a bomb, nested too deeply, or what the format inside raises.
    """
    stream = _Bounded(_opened(data, media_type), len(data), filename)
    path = PurePath(filename)
    try:
        head = stream.read(512)
        whole = cast(IO[bytes], _Rejoined(head, stream))
        if head[_TAR_MAGIC] == b"ustar" or path.suffix.lower() in _TARS:
            return tar.parse_stream(whole, filename, media_type, options)
        inner = whole.read(MAX_MEMBER_BYTES + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise InvalidFile(
            f"{filename!r} cannot be unpacked ({error}); it may have been cut off, copy it again"
        ) from error
    if len(inner) > MAX_MEMBER_BYTES:
        raise InvalidFile(
            f"{filename!r} unpacks to more than the {MAX_MEMBER_BYTES >> 20} MiB that are taken; "
            "unpack it"
        )
    members = Members(Composer(filename), options)  # counts, and refuses what is too deep
    return load(inner, path.stem or filename, members.options)


def _opened(data: bytes, media_type: str) -> IO[bytes]:
    file = io.BytesIO(data)
    if media_type == GZIP:
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    return cast(IO[bytes], bz2.BZ2File(file) if media_type == BZIP2 else lzma.LZMAFile(file))


class _Bounded(io.RawIOBase):
    """A stream that ends in InvalidFile when it gives more than honest data would."""

    def __init__(self, stream: IO[bytes], packed_bytes: int, filename: str) -> None:
        self._stream = stream
        self._most = min(max(RATIO_MATTERS_BYTES, MAX_RATIO * packed_bytes), MAX_UNPACKED_BYTES)
        self._given = 0
        self._filename = filename

    def read(self, size: int = -1) -> bytes:
        pieces: list[bytes] = []
        while size != 0:
            piece = self._stream.read(min(size, 1 << 20) if size > 0 else 1 << 20)
            if not piece:
                break
            pieces.append(piece)
            self._given += len(piece)
            size -= len(piece) if size > 0 else 0
            if self._given > self._most:
                raise InvalidFile(
                    f"{self._filename!r} unpacks to more than the {self._most >> 20} MiB that are "
                    f"taken (at most {MAX_RATIO} times its size); it may be a bomb"
                )
        return b"".join(pieces)


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        head = self._head if size < 0 else self._head[:size]
        self._head = self._head[len(head) :]
        rest = b"" if len(head) == size else self._rest.read(size - len(head) if size > 0 else -1)
        return head + (rest or b"")
