"""Zip: an archive as a folder -> one Document, each file of it a part.

Nothing is written anywhere. Declared sizes decide before anything is unpacked, and a file never
gives more bytes than it declared.
"""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from pathlib import PurePath

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import sniff
from filesearch.load.compose import Composer
from filesearch.load.containers.archives import open_zip
from filesearch.load.containers.members import Members, member_path
from filesearch.load.options import LoadOptions
from filesearch.load.text.decode import decode
from filesearch.types import Document

_PROGRAMS = frozenset(
    ".aab .apk .appx .crx .ear .egg .ipa .jar .msix .nupkg .vsix .war .whl .xapk .xpi".split()
)
"""Zip archives too, but programs: hundreds of compiled files and licence texts, no documents."""
_HEAD_BYTES = 4096
_LARGE_BYTES = 16 * 1024 * 1024
"""From here on the first bytes are looked at before the rest is unpacked: it may be a film."""
_CONTAINER_STARTS = (b"PK", b"\xd0\xcf\x11\xe0")
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # NotImplementedError is one: a compression that Python does not know
    ValueError,
)


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a zip archive: its files as parts, by path.

    A file that cannot be read is a warning. Links and hidden files are passed over.

    Raises:
        UnsupportedFile: A program package, or all its files are of formats not read here.
        InvalidFile: Damaged, a bomb, encrypted as a whole, nested too deeply, or without text.
    """
    extension = PurePath(filename).suffix.lower()
    if extension in _PROGRAMS:
        raise UnsupportedFile(
            f"{filename!r} is a program package ({extension[1:]}), which is not read here; "
            "unpack it and give the documents in it"
        )
    composer = Composer(filename)
    members = Members(composer, options)
    with open_zip(data, filename) as archive:
        entries = [
            (path, entry)
            for entry in archive.infolist()
            if not entry.is_dir()
            and not stat.S_ISLNK(entry.external_attr >> 16)
            and (path := member_path(_name(entry)))
        ]
        readable = [pair for pair in entries if not pair[1].flag_bits & 1]
        if entries and not readable:
            raise InvalidFile(f"{filename!r} is encrypted with a password; save it without one")
        if len(readable) < len(entries):
            count = len(entries) - len(readable)
            members.leave_out(f"{count} files are encrypted with a password and were left out")
        for path, entry in sorted(readable, key=lambda pair: pair[0]):
            member = _unpack(archive, entry, path, members)
            document = members.read(path, member) if member else None
            if document is not None:
                members.add(path, document)
    members.finish()
    return composer.build(media_type, title=PurePath(filename).stem)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return a name in Unicode: without the flag for UTF-8 it is in whatever the writer used."""
    if entry.flag_bits & 0x800:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")
    if raw.isascii():
        return entry.filename
    try:
        decoded = decode(raw, entry.filename)
    except UnsupportedFile:
        return entry.filename
    return decoded.text if decoded.encoding in ("utf-8", "gb18030") else entry.filename


def _unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str, members: Members
) -> bytes | None:
    """Return the bytes of a file, or None and note why it was left out; b"" for an empty one."""
    try:
        with archive.open(entry) as stream:
            head = stream.read(_HEAD_BYTES)
            if entry.file_size > _LARGE_BYTES and not head.startswith(_CONTAINER_STARTS):
                sniff(head, path)
            if entry.file_size > members.bytes_left:
                members.leave_out(f"{path!r} was left out: {members.limits}")
                return None
            return head + stream.read()
    except UnsupportedFile:
        members.leave_out_unsupported(path)
    except (InvalidFile, *_UNREADABLE) as error:
        members.leave_out(f"{path!r} cannot be unpacked ({error})")
    return None
