"""Fixtures of the load stage: files made on the spot, and the promises every Document keeps."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from filesearch.types import Document


def assert_document(document: Document) -> None:
    text = document.text
    assert text.strip()
    assert unicodedata.is_normalized("NFC", text)
    assert not any(c < " " and c not in "\t\n" for c in text)
    assert not any("\ud800" <= c <= "\udfff" for c in text)
    for span in document.spans:
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()
        assert span.number >= 1
    keys = [(span.start, -span.end) for span in document.spans]
    assert keys == sorted(keys)
    for kind in ("page", "slide", "sheet", "table", "row"):
        same = [span for span in document.spans if span.kind == kind]
        assert all(a.end <= b.start for a, b in pairwise(same)), kind
    headings = [span for span in document.spans if span.kind == "heading"]
    for a in headings:
        for b in headings:
            assert a.end <= b.start or b.end <= a.start or _nests(a, b) or _nests(b, a)


def _nests(outer: object, inner: object) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


@pytest.fixture
def keeps_promises() -> Callable[[Document], None]:
    """Asserts what `types.Document` promises of any Document."""
    return assert_document


def write_pdf(
    pages: Sequence[Sequence[str]],
    *,
    content: Callable[[Sequence[str]], bytes] | None = None,
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
) -> bytes:
    """Return a PDF with a line of Courier per string; ligatures by name in the encoding."""
    content = content or _lines
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, tree, info = add(b""), add(b""), add(f"<< /Title ({title}) >>".encode("latin-1"))
    font = add(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding << /Type /Encoding "
        b"/BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl] >> >>"
    )
    kids = []
    for lines in pages:
        data = zlib.compress(content(lines))
        stream = add(
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(data) + data + b"\nendstream"
        )
        kids.append(
            add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
                b"/Resources << /Font << /F1 %d 0 R >> >> >>" % (tree, stream, font)
            )
        )
    outlines = b""
    if outline:
        root = len(objects) + 1
        outlines = b" /Outlines %d 0 R" % root
        add(
            b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
            % (root + 1, root + len(outline), len(outline))
        )
        for i, (name, page) in enumerate(outline, 1):
            more = b" /Next %d 0 R" % (root + i + 1) if i < len(outline) else b""
            add(
                b"<< /Title (%s) /Parent %d 0 R /Dest [%d 0 R /Fit]%s >>"
                % (name.encode("latin-1"), root, kids[page - 1], more)
            )
    objects[catalog - 1] = b"<< /Type /Catalog /Pages %d 0 R%s >>" % (tree, outlines)
    objects[tree - 1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        catalog,
        info,
        xref,
    )
    return bytes(out)


def _string(line: str) -> bytes:
    data = line.translate({0xFB01: 1, 0xFB02: 2}).encode("cp1252")
    return data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _lines(lines: Sequence[str]) -> bytes:
    shown = b"".join(b"(%s) Tj T*\n" % _string(line) for line in lines)
    return b"BT /F1 10 Tf 12 TL 50 740 Td\n" + shown + b"ET\n"


def placed_by_matrix(lines: Sequence[str]) -> bytes:
    """Content that places every run with `cm` alone, as Skia and Qt do; runs end inside words."""
    out = []
    for row, line in enumerate(lines):
        for start, end in ((0, 2), (2, len(line))):
            out.append(
                # A glyph of Courier at 10 points is 6 points wide.
                b"q 1 0 0 1 %d %d cm BT /F1 10 Tf (%s) Tj ET Q\n"
                % (50 + 6 * start, 740 - 12 * row, _string(line[start:end]))
            )
    return b"".join(out)


@pytest.fixture
def make_pdf() -> Callable[..., bytes]:
    return write_pdf


@pytest.fixture
def by_matrix() -> Callable[[Sequence[str]], bytes]:
    return placed_by_matrix
