from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import SUPPORTED_EXTENSIONS, load, sniff
from filesearch.load.media_types import BY_EXTENSION

JSON_TYPES = ("application/json", "application/x-ndjson", "application/x-ipynb")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500


def make_zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a.md", "text/markdown"),
        ("A.MD", "text/markdown"),
        ("a.py", "text/x-python"),
        ("a.csv", "text/csv"),
        ("a.jsonl", "application/x-ndjson"),
        ("a.txt", "text/plain"),
        ("README", "text/plain"),
    ],
)
def test_the_extension_decides_between_kinds_of_text(filename: str, expected: str) -> None:
    assert sniff(b"hello, world\n", filename) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"%PDF-1.7\n...", "application/pdf"),
        (b"<!-- a -->\n<!DOCTYPE html><p>x", "text/html"),
        (b"\xef\xbb\xbf<html><body>x", "text/html"),
        (b'{"a": [1, 2]}', "application/json"),
        (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
        (b"[not json", "text/plain"),
        (b"#!/usr/bin/env python3\nprint()", "text/x-python"),
        (b"plain words", "text/plain"),
    ],
)
def test_content_decides_where_the_name_says_nothing(data: bytes, expected: str) -> None:
    assert sniff(data, "upload") == expected


def test_content_wins_over_a_name_that_lies() -> None:
    assert sniff(b"\x89PNG\r\n\x1a\n", "a.txt") == "image/png"
    assert sniff(b"%PDF-1.4 ...", "notes.txt") == "application/pdf"
    assert sniff(make_zip("word/document.xml"), "notes.txt").endswith("wordprocessingml.document")
    assert sniff(make_zip("xl/workbook.xml"), "notes.docx").endswith("spreadsheetml.sheet")


@pytest.mark.parametrize(
    ("data", "filename", "message"),
    [
        (b"ID3\x04\x00\x00", "a.mp3", "MP3"),
        (b"7z\xbc\xaf\x27\x1c", "a.7z", "7z archive"),
        (OLE, "a.doc", "save it as docx"),
        (OLE + "Workbook".encode("utf-16-le"), "a", "save it as xlsx"),
    ],
)
def test_other_formats_are_unsupported_with_a_way_out(
    data: bytes, filename: str, message: str
) -> None:
    with pytest.raises(UnsupportedFile, match=message):
        sniff(data, filename)


def test_a_text_that_begins_like_an_mp3_is_text() -> None:
    assert sniff(b"ID3 tags are found in music files.", "a.txt") == "text/plain"


def test_what_is_exported_as_xls_but_is_none_is_read_as_what_it_is() -> None:
    assert sniff(b"<html><table><tr><td>1</table>", "a.xls") == "text/html"
    assert sniff(b"item\tfee\n", "a.xls") == "text/plain"


def test_encrypted_office_files_are_named_as_such() -> None:
    with pytest.raises(InvalidFile, match="encrypted with a password"):
        sniff(OLE + "ENCRYPTEDPackage".encode("utf-16-le"), "a.docx")


@pytest.mark.parametrize("filename", ["a.zip", "a.tgz", "a.bz2", "a.xz"])
def test_an_archive_that_does_not_begin_as_one_is_invalid(filename: str) -> None:
    with pytest.raises(InvalidFile, match="does not begin as one"):
        sniff(b"hello", filename)


@pytest.mark.parametrize("filename", ["a.docx", "a.xlsx", "a.pptx"])
def test_an_office_name_without_a_zip_container_is_invalid(filename: str) -> None:
    with pytest.raises(InvalidFile, match="no zip container"):
        sniff(b"hello", filename)


def test_an_empty_file_is_invalid() -> None:
    with pytest.raises(InvalidFile, match=r"0 bytes"):
        sniff(b"", "a.txt")


@pytest.mark.parametrize("extension", sorted(SUPPORTED_EXTENSIONS - {".pdf"}))
def test_every_supported_extension_is_lower_case_and_read(extension: str) -> None:
    assert extension == extension.lower()
    if BY_EXTENSION[extension].startswith(("text/", "message/", *JSON_TYPES)):
        assert load(b'["some text"]\n', "a" + extension).text.strip()


def test_importing_the_package_loads_no_parser() -> None:
    code = (
        "import sys, filesearch.load, filesearch.load.process.isolation; "
        "print([m for m in ('pypdf', 'docx', 'pptx', 'openpyxl', 'lxml', 'charset_normalizer') "
        "if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
