"""Tar: an archive as a folder -> one Document, each file of it a part.

Read as a stream, so that a compressed archive is never held unpacked. Nothing is written anywhere.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO

from filesearch.errors import InvalidFile
from filesearch.load.compose import Composer
from filesearch.load.containers.members import Members, member_path
from filesearch.load.options import MAX_MEMBERS, LoadOptions
from filesearch.types import Document

_MAX_ENTRIES = 10 * MAX_MEMBERS
"""Entries that are looked at, folders and links included."""


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a tar archive: its files as parts, by path.

    Raises:
        UnsupportedFile: All its files are of formats not read here.
        InvalidFile: Damaged, nested too deeply, or without text.
    """
    return parse_stream(io.BytesIO(data), filename, media_type, options)


def parse_stream(
    stream: IO[bytes], filename: str, media_type: str, options: LoadOptions
) -> Document:
    """Return the Document of an archive that is read from a stream, as `parse` does.

    What was read before a damage stays, with a warning. Links, devices and hidden files are passed
    over. `stream` may raise InvalidFile or OSError to end the reading.
    """
    composer = Composer(filename)
    members = Members(composer, options)
    documents: list[tuple[str, Document]] = []
    try:
        for path, data in _files(stream, members):
            document = members.read(path, data)
            if document is not None:
                documents.append((path, document))
    # What a damaged stream raises: tarfile's own, those of gzip, bz2 and lzma, and EOFError.
    except (tarfile.TarError, OSError, EOFError, ValueError, InvalidFile) as error:
        members.leave_out(f"the archive was read up to a damage or limit ({error})")
    for path, document in sorted(documents, key=lambda pair: pair[0]):
        members.add(path, document)
    members.finish()
    return composer.build(media_type, title=PurePath(filename).name.partition(".")[0])


def _files(stream: IO[bytes], members: Members) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of the files that somebody may mean as documents and that fit."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for number, entry in enumerate(archive, 1):
            archive.members = []  # type: ignore[attr-defined]  # its list of all is for seeking
            if number > _MAX_ENTRIES:
                members.leave_out(f"only its first {_MAX_ENTRIES:,} entries were looked at")
                return
            path = member_path(entry.name)
            if not path or not entry.isreg() or not entry.size:
                continue
            if entry.issparse() or entry.size > members.bytes_left:
                members.leave_out(f"{path!r} was left out: {members.limits}")
                continue
            file = archive.extractfile(entry)
            assert file is not None, "a regular file has one"
            yield path, file.read(members.bytes_left)
