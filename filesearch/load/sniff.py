"""Sniff: the media type of a file, from its name checked against its first bytes.

(bytes, filename) -> media type. The extension decides between formats that look alike (Markdown and
plain text); content decides where the name says nothing or something else (a PDF named .txt).
"""

from __future__ import annotations

import re
from pathlib import PurePath

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.media_types import (
    BY_EXTENSION,
    BZIP2,
    DOCX,
    EPUB,
    GZIP,
    HTML,
    JPEG,
    JSON,
    JSONL,
    MODULES,
    MSG,
    NEEDS_MODULE,
    ODP,
    ODS,
    ODT,
    PDF,
    PLAIN,
    PNG,
    PPTX,
    PYTHON,
    RTF,
    TAR,
    TIFF,
    WEBP,
    XLS,
    XLSX,
    XZ,
    ZIP,
)

SUPPORTED_EXTENSIONS = frozenset(BY_EXTENSION)
"""Lower-case extensions with their dot whose format is known."""

_ZIPPED = {DOCX, PPTX, XLSX, ODT, ODS, ODP, EPUB}
_BINARY = {PDF, *_ZIPPED}
_KNOWN_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"{\\rtf", RTF),
    (b"\x1f\x8b\x08", GZIP),
    (b"\xfd7zXZ\x00", XZ),
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_PACKED = {ZIP, GZIP, BZIP2, XZ}
_OUTLOOK = "__properties_version1.0".encode("utf-16-le")
"""A stream that every message file holds: [MS-OXMSG] 2.4."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS = {".doc": "docx", ".dot": "docx", ".ppt": "pptx", ".pps": "pptx"}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WAV, AVI)"),
    (b"ID3", "MP3 audio"),
    (b"OggS", "Ogg audio"),
    (b"fLaC", "FLAC audio"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"(\xb5/\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"%!PS", "PostScript; convert it to pdf"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
)
_TEXTUAL = (b"%!PS",)
_CONTROL = re.compile(rb"[\x00-\x08]")
_HTML_START = re.compile(
    rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?>.*?-->)\s*+)*+"
    rb"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


def sniff(data: bytes, filename: str) -> str:
    """Return the media type that `load` will read the file as.

    Args:
        filename: Only its extension counts; it may be any string.

    Raises:
        UnsupportedFile: Images, audio, archives, programs, legacy Office files, other binary data.
        InvalidFile: Empty, or an Office file encrypted with a password, or a damaged one.
    """
    if not data:
        raise InvalidFile(f"{filename!r} is empty (0 bytes)")
    extension = PurePath(filename).suffix.lower()
    named = BY_EXTENSION.get(extension, "")
    # PDF allows junk before its header; readers look at the first 1024 bytes (ISO 32000-1, H.3).
    pdf_at = data[:1024].find(b"%PDF-")
    if pdf_at == 0 or (pdf_at > 0 and named in _BINARY):
        return PDF
    if data.startswith(_OLE):
        if _OUTLOOK in data:
            return _readable(MSG, filename)
        if _is_workbook(data):
            return XLS
        raise _ole_error(data, filename, extension)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _readable(_sniff_zip(data, named), filename)
    if data[257:262] == b"ustar":
        return _readable(TAR, filename)
    for magic, media_type in _KNOWN_MAGIC:
        if data.startswith(magic):
            return _readable(media_type, filename)
    if _BZIP2.match(data):
        return BZIP2
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _readable(WEBP, filename)
    for magic, what in _MAGIC:
        # A text may begin with "ID3" too; a file of that kind has control characters after it.
        is_certain = magic in _TEXTUAL or not magic.isascii()
        if data.startswith(magic) and (is_certain or _CONTROL.search(data, 0, 256)):
            raise UnsupportedFile(
                f"{filename!r} is {what}, which is not read here; "
                "give it as pdf, docx, html or plain text"
            )
    if named == PDF:
        return PDF  # header lost; the parser knows how to look further
    if named in _ZIPPED | _PACKED:
        what = "is no zip container" if named in _ZIPPED else "does not begin as one"
        raise InvalidFile(
            f"{filename!r} is not a {extension[1:]} file (it {what}); "
            "it may have been cut off, copy or save it again"
        )
    # What other programs export under this name is often HTML or a table with tabs.
    return named if named not in ("", XLS, RTF) else _sniff_text(data)


def _is_workbook(data: bytes) -> bool:
    """Whether an OLE container holds a workbook ([MS-XLS] 2.1.7.1) and no document around it."""
    return any(_has_stream(data, name) for name in ("Workbook", "Book")) and not any(
        _has_stream(data, name)
        for name in ("WordDocument", "PowerPoint Document", "EncryptedPackage")
    )


def _has_stream(data: bytes, name: str) -> bool:
    # Entries of a directory begin at multiples of 128 bytes ([MS-CFB] 2.6.1), with their name.
    wanted = f"{name}\0".encode("utf-16-le")
    at = data.find(wanted)
    while at >= 0 and at % 128:
        at = data.find(wanted, at + 1)
    return at >= 0


def _ole_error(data: bytes, filename: str, extension: str) -> InvalidFile | UnsupportedFile:
    # Stream names in an OLE container are UTF-16.
    if "encryptedpackage".encode("utf-16-le") in data.lower():
        return InvalidFile(f"{filename!r} is encrypted with a password; save it without one")
    wanted = _SAVE_AS.get(extension) or next(
        (
            save_as
            for stream, save_as in (
                ("WordDocument", "docx"),
                ("Workbook", "xlsx"),
                ("PowerPoint Document", "pptx"),
            )
            if stream.encode("utf-16-le") in data
        ),
        "docx, xlsx or pptx",
    )
    return UnsupportedFile(
        f"{filename!r} is a legacy Office file (before 2007), which is not read here; "
        f"save it as {wanted} (LibreOffice: soffice --convert-to {wanted.split(',')[0]} FILE)"
    )


def _sniff_zip(data: bytes, named: str) -> str:
    # The names stand uncompressed in the container; a parser checks the rest. OpenDocument and
    # EPUB begin with a stored part that holds their media type (OpenDocument 1.3 part 2, 3.3).
    if data[30:38] == b"mimetype":
        head = data[38:200]
        for media_type in (ODT, ODS, ODP, EPUB):
            if head.startswith(media_type.encode()):
                return media_type
    for part, media_type in (
        (b"word/document", DOCX),
        (b"ppt/presentation", PPTX),
        (b"xl/workbook", XLSX),
    ):
        if part in data:
            return media_type
    return named if named in _ZIPPED else ZIP


def _readable(media_type: str, filename: str) -> str:
    """Return a type that is no text, if there is a module that reads it."""
    if media_type in MODULES:
        return media_type
    raise UnsupportedFile(
        f"{filename!r} is {NEEDS_MODULE[media_type]}, which is not read here; "
        "give it as pdf, docx, html or plain text"
    )


def _sniff_text(data: bytes) -> str:
    """Return a text type for a file whose name says nothing; `decode` refuses what is binary."""
    head = data[:8192].replace(b"\x00", b"")
    if _HTML_START.match(head):
        return HTML
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start[:1] in (b"{", b"["):
        return _sniff_json(data)
    if start.startswith(b"#!"):
        return PYTHON if b"python" in start.split(b"\n", 1)[0] else "text/x-sh"
    return PLAIN


def _sniff_json(data: bytes) -> str:
    import msgspec

    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.DecodeError:
        pass
    except RecursionError:
        return PLAIN
    else:
        return JSON
    lines = [line for line in data.split(b"\n", 100)[:100] if line.strip()]
    try:
        for line in lines[:-1] or lines:
            msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return PLAIN
    return JSONL
