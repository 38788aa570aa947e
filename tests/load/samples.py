"""Samples: one small, real file of every format that is read, what it says and where.

Made on the spot. Each tells one thing that no other says, so that a search has one right answer.
The table of formats in the README, the tests that fill it, and the fuzzer start from these.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import mailbox
import struct
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from bombs import make_zip, pdf_of, stream


@dataclass(frozen=True, slots=True)
class Sample:
    """A file of one format.

    Attributes:
        format: What people call it.
        filename: Its name; also names the sample.
        make: Returns its bytes.
        question: What only this file answers.
        text: Stands in its Document, on one line.
        place: What a citation of `text` names, without the file's own name.
        needs_ocr: Whether it takes an OCR engine to read it.
    """

    format: str
    filename: str
    make: Callable[[], bytes]
    question: str
    text: str
    place: str
    needs_ocr: bool = False


def saved(file: Any) -> bytes:
    """Return what a document of python-docx, python-pptx or openpyxl saves."""
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


# Text


def markdown() -> bytes:
    """Return Markdown with front matter."""
    return (
        b"---\ntitle: Kiln rules\nyear: 2026\n---\n# Kiln rules\n\n## Cooling\n\n"
        b"The kiln is opened below 80 degrees Celsius.\n"
    )


def rst() -> bytes:
    """Return reStructuredText."""
    return b"Storage\n=======\n\nClay\n----\n\nStoneware clay keeps for two years in closed bags.\n"


def asciidoc() -> bytes:
    """Return AsciiDoc."""
    return b"= Glazing\n\n== Dipping\n\nDip bisque ware for three seconds into the celadon.\n"


def org() -> bytes:
    """Return Org."""
    return b"#+TITLE: Wheel\n* Centering\nWet your hands before centering on the wheel.\n"


def tex() -> bytes:
    """Return LaTeX."""
    return (
        b"\\documentclass{article}\\begin{document}\n\\section{Shrinkage}\n"
        b"Porcelain shrinks by \\textbf{fourteen} percent in the fire.\n\\end{document}\n"
    )


def html() -> bytes:
    """Return HTML with navigation beside its main text."""
    return (
        b"<!doctype html><title>Visits</title><nav><a href=/>Home</a></nav><main><h1>Visits</h1>"
        b"<h2>Opening</h2><p>The gallery opens on Thursdays at eleven.</p></main>"
    )


def xml() -> bytes:
    """Return XML."""
    return (
        b"<?xml version='1.0'?><workshop><course id='7'><name>Raku weekend</name>"
        b"<fee>The raku weekend costs 240 euros.</fee></course></workshop>"
    )


def python() -> bytes:
    """Return Python."""
    return (
        b'class Kiln:\n    """A kiln."""\n\n    def soak(self):\n'
        b'        """Hold the peak temperature for a quarter of an hour."""\n'
    )


def notebook() -> bytes:
    """Return a Jupyter notebook with an output."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# Yield of firings"},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": "print(cracked)",
            "outputs": [
                {
                    "output_type": "stream",
                    "name": "stdout",
                    "text": "Nine plates cracked in the March firing.\n",
                }
            ],
        },
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book).encode()


# Tables and records


def csv(separator: str = ",") -> bytes:
    """Return a table of suppliers, or with tabs of tools."""
    if separator == ",":
        return b"supplier,town,material\nHollow Bank,Stoke,ball clay\nBrae,Perth,wood ash\n"
    return b"tool\tshelf\nloop tool\tshelf nine\nrib\tshelf four\n"


def json_records() -> bytes:
    """Return JSON."""
    return json.dumps({"insurance": {"insurer": "Alder Mutual", "policy": "AM-7731"}}).encode()


def json_lines() -> bytes:
    """Return JSON Lines."""
    rows = [{"ticket": 1, "text": "Handle broke."}, {"ticket": 2, "text": "Refund for a teapot."}]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def xlsx() -> bytes:
    """Return a workbook of two sheets."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["nothing here"])
    sheet = book.create_sheet("Stock")
    for row in (["article", "pieces"], ["teabowl", 31], ["pitcher", 18]):
        sheet.append(row)
    return saved(book)


_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMESPACES = (
    " ".join(
        f'xmlns:{name}="{_OFFICE}{name}:1.0"'
        for name in ("office", "text", "table", "presentation", "style")
    )
    + f' xmlns:draw="{_OFFICE}drawing:1.0"'
)


def opendocument(kind: str, body: str) -> bytes:
    """Return an OpenDocument file: its kind and what stands in its body."""
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{_OFFICE}manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{mimetype}"/></manifest:manifest>'
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_NAMESPACES}>'
        f"<office:body>{body}</office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", mimetype, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest, zipfile.ZIP_DEFLATED)
        archive.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def odt() -> bytes:
    """Return an OpenDocument text."""
    return opendocument(
        "text",
        '<office:text><text:h text:outline-level="1">Apprentices</text:h>'
        "<text:p>Each apprentice throws forty cylinders a day.</text:p></office:text>",
    )


def ods() -> bytes:
    """Return an OpenDocument spreadsheet."""

    def row(*cells: str) -> str:
        filled = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p>'
            "</table:table-cell>"
            for cell in cells
        )
        return f"<table:table-row>{filled}</table:table-row>"

    return opendocument(
        "spreadsheet",
        '<office:spreadsheet><table:table table:name="Wages">'
        + row("person", "role")
        + row("Imre", "kiln keeper")
        + row("Sunniva", "bookkeeper")
        + "</table:table></office:spreadsheet>",
    )


def odp() -> bytes:
    """Return an OpenDocument presentation of two slides."""

    def page(name: str, words: str) -> str:
        return (
            f'<draw:page draw:name="{name}"><draw:frame><draw:text-box>'
            f"<text:p>{words}</text:p></draw:text-box></draw:frame></draw:page>"
        )

    return opendocument(
        "presentation",
        "<office:presentation>"
        + page("One", "Exhibition plan")
        + page("Two", "The exhibition travels to Bergen in autumn.")
        + "</office:presentation>",
    )


# Office


def docx() -> bytes:
    """Return a Word document."""
    import docx

    file = docx.Document()
    file.add_heading("Lease", 1)
    file.add_heading("Notice", 2)
    file.add_paragraph("The landlord gives notice six months ahead.")
    return saved(file)


def pptx() -> bytes:
    """Return a presentation of two slides, with notes."""
    import pptx

    file = pptx.Presentation()
    for title, body in (
        ("Annual meeting", "Welcome"),
        ("Budget", "The new roof costs 52,000 pounds."),
    ):
        slide = file.slides.add_slide(file.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    return saved(file)


def rtf() -> bytes:
    """Return RTF."""
    return (
        b"{\\rtf1\\ansi{\\fonttbl{\\f0 Times;}}\\f0\\fs24 Seconds are sold "
        b"with a \\b blue\\b0  sticker.\\par}"
    )


def epub() -> bytes:
    """Return a book of two chapters."""
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/>'
        "</rootfiles></container>"
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A potter remembers</dc:title>'
        '</metadata><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )

    def chapter(title: str, words: str) -> bytes:
        return (
            '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>'
            f"<body><h1>{title}</h1><p>{words}</p></body></html>"
        ).encode()

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book.opf", package)
        archive.writestr("a.xhtml", chapter("Childhood", "My father dug clay by the river."))
        archive.writestr("b.xhtml", chapter("Mashiko", "In Mashiko I learned to brush slip."))
    return out.getvalue()


# PDF and pictures


def pdf() -> bytes:
    """Return a PDF of two pages."""
    pages = (b"Contents of this manual", b"The pyrometer is calibrated every spring.")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 2 /Kids [4 0 R 6 0 R] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, words in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(stream(b"BT /F1 12 Tf 72 700 Td (%s) Tj ET" % words))
    return pdf_of(objects)


def picture(words: str, kind: str, pages: Sequence[str] = ()) -> bytes:
    """Return a picture of a line of words, and with `pages` of others behind it."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=48)
    images = []
    for line in (words, *pages):
        image = Image.new("RGB", (1500, 260), "white")
        ImageDraw.Draw(image).text((60, 90), line, fill="black", font=font)
        images.append(image)
    out = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if pages else {}
    if kind == "PDF":
        more["resolution"] = 200
    images[0].save(out, kind, **more)
    return out.getvalue()


# Mail


def eml() -> bytes:
    """Return a mail with a table attached."""
    message = EmailMessage()
    message["From"] = "Ines <ines@example.org>"
    message["To"] = "studio@example.org"
    message["Subject"] = "Delivery of firebricks"
    message["Date"] = "Tue, 3 Feb 2026 09:00:00 +0000"
    message.set_content("The firebricks arrive on a lorry next Wednesday.\n")
    message.add_attachment("brick,count\narch,120\n", subtype="csv", filename="bricks.csv")
    message.set_boundary("part")
    return message.as_bytes()


def mbox() -> bytes:
    """Return a mailbox of two mails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "box.mbox")
        box = mailbox.mbox(path)
        for subject, body in (
            ("Glaze test", "The copper red turned out brown."),
            ("Window", "The glazier mends the skylight on Monday."),
        ):
            message = mailbox.mboxMessage()
            message.set_from("tomas", time.gmtime(0))
            message["From"] = "tomas@example.org"
            message["Subject"] = subject
            message["Date"] = "Tue, 3 Feb 2026 09:00:00 +0000"
            message.set_payload(body + "\n")
            box.add(message)
        box.close()
        return path.read_bytes()


def msg() -> bytes:
    """Return an Outlook message."""

    def utf16(text: str) -> bytes:
        return text.encode("utf-16-le")

    return compound_file(
        {
            "__properties_version1.0": bytes(32),
            "__substg1.0_001A001F": utf16("IPM.Note"),
            "__substg1.0_0037001F": utf16("Electricity contract"),
            "__substg1.0_0C1A001F": utf16("Power Office"),
            "__substg1.0_0E04001F": utf16("studio@example.org"),
            "__substg1.0_1000001F": utf16("The night tariff ends at half past six.\r\n"),
        }
    )


def compound_file(streams: dict[str, bytes]) -> bytes:
    """Return an OLE compound file (version 3) of short streams: [MS-CFB]."""
    free, end, is_fat = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    mini, mini_fat, starts = b"", [], {}
    for name, data in streams.items():
        count = max(-(-len(data) // 64), 1)
        starts[name] = len(mini_fat)
        mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + count), end]
        mini += data.ljust(64 * count, b"\0")

    def entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
        encoded = name.encode("utf-16-le") + b"\0\0"
        tree = struct.pack("<HBBIII", len(encoded), kind, 1, free, right, child)
        return encoded.ljust(64, b"\0") + tree + bytes(36) + struct.pack("<IQ", start, size)

    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    mini_sectors = -(-len(mini) // 512)
    directory_sectors = -(-(1 + len(names)) // 4)
    mini_start = 2 + directory_sectors  # sector 0 is the FAT, 1 the mini FAT
    directory = entry("Root Entry", 5, free, 1, mini_start, len(mini))
    for number, name in enumerate(names, 1):
        following = number + 1 if number < len(names) else free
        directory += entry(name, 2, following, free, starts[name], len(streams[name]))
    fat = [is_fat, end]
    for first, count in ((2, directory_sectors), (mini_start, mini_sectors)):
        fat += [*range(first + 1, first + count), end]

    def sector(numbers: Sequence[int]) -> bytes:
        return struct.pack("<128I", *numbers, *[free] * (128 - len(numbers)))

    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 62, 3, 0xFFFE, 9, 6, 0, 1, 2, 0, 4096, 1, 1, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    return b"".join(
        (
            header,
            sector(fat),
            sector(mini_fat),
            directory.ljust(512 * directory_sectors, b"\0"),
            mini.ljust(512 * mini_sectors, b"\0"),
        )
    )


# Archives


def tar(mode: str = "w") -> bytes:
    """Return a tar of two files, compressed by what the mode says."""
    words = {
        "w": "Visitors park behind the chapel.",
        "w:gz": "The alarm code changes each June.",
    }[mode]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, text in (
            ("notes/first.txt", "Nothing."),
            ("notes/second.md", f"# Note\n\n{words}"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def archive() -> bytes:
    """Return a zip of a text and a PDF."""
    return make_zip(
        [
            ("plans/read me.txt", b"Plans."),
            ("plans/shed.md", b"# Shed\n\nThe shed is roofed in larch."),
        ]
    )


SAMPLES: tuple[Sample, ...] = (
    Sample("PDF", "manual.pdf", pdf, "When is the pyrometer calibrated?",
           "The pyrometer is calibrated every spring.", "page 2"),
    Sample("PDF, scanned", "scan.pdf",
           lambda: picture("Intentionally short", "PDF", ["The walnut press weighs nine stone."]),
           "How much does the walnut press weigh?", "walnut press weighs nine stone", "page 2",
           needs_ocr=True),
    Sample("Word", "lease.docx", docx, "How long ahead does the landlord give notice?",
           "The landlord gives notice six months ahead.", "Lease › Notice"),
    Sample("PowerPoint", "meeting.pptx", pptx, "What does the new roof cost?",
           "The new roof costs 52,000 pounds.", "slide 2, Budget"),
    Sample("Excel", "stock.xlsx", xlsx, "How many pieces of the pitcher are there?",
           "article: pitcher; pieces: 18", "sheet Stock, row 3"),
    Sample("OpenDocument text", "apprentices.odt", odt,
           "How many cylinders does an apprentice throw?",
           "Each apprentice throws forty cylinders a day.", "Apprentices"),
    Sample("OpenDocument spreadsheet", "wages.ods", ods, "Who is the bookkeeper?",
           "person: Sunniva; role: bookkeeper", "sheet Wages, row 3"),
    Sample("OpenDocument presentation", "exhibition.odp", odp, "Where does the exhibition travel?",
           "The exhibition travels to Bergen in autumn.", "slide 2, Slide 2"),
    Sample("RTF", "seconds.rtf", rtf, "What sticker have seconds?",
           "Seconds are sold with a blue sticker.", ""),
    Sample("EPUB", "memoir.epub", epub, "What did the potter learn in Mashiko?",
           "In Mashiko I learned to brush slip.", "Mashiko"),
    Sample("Mail", "bricks.eml", eml, "When do the firebricks arrive?",
           "The firebricks arrive on a lorry next Wednesday.", ""),
    Sample("Mailbox", "box.mbox", mbox, "Who mends the skylight?",
           "The glazier mends the skylight on Monday.", "Window"),
    Sample("Outlook message", "power.msg", msg, "When does the night tariff end?",
           "The night tariff ends at half past six.", ""),
    Sample("HTML", "visits.html", html, "When does the gallery open?",
           "The gallery opens on Thursdays at eleven.", "Visits › Opening"),
    Sample("XML", "courses.xml", xml, "What does the raku weekend cost?",
           "The raku weekend costs 240 euros.", ""),
    Sample("Jupyter notebook", "firings.ipynb", notebook, "How many plates cracked in March?",
           "Nine plates cracked in the March firing.", "cell 2, Yield of firings"),
    Sample("Markdown", "rules.md", markdown, "When may the kiln be opened?",
           "The kiln is opened below 80 degrees Celsius.", "Kiln rules › Cooling"),
    Sample("reStructuredText", "storage.rst", rst, "How long does stoneware clay keep?",
           "Stoneware clay keeps for two years in closed bags.", "Storage › Clay"),
    Sample("AsciiDoc", "glazing.adoc", asciidoc, "How long is bisque ware dipped into celadon?",
           "Dip bisque ware for three seconds into the celadon.", "Glazing › Dipping"),
    Sample("Org", "wheel.org", org, "What to do before centering on the wheel?",
           "Wet your hands before centering on the wheel.", "Centering"),
    Sample("LaTeX", "shrinkage.tex", tex, "By how much does porcelain shrink?",
           "Porcelain shrinks by", "Shrinkage"),
    Sample("Plain text", "sale.txt", lambda: b"The winter sale begins on Saint Lucy's day.\n",
           "When does the winter sale begin?", "The winter sale begins on Saint Lucy's day.", ""),
    Sample("Plain text, GB18030", "mudan.txt",
           lambda: "牡丹花瓶由老师傅手工绘制。\n".encode("gb18030"),
           "牡丹花瓶由谁绘制?", "牡丹花瓶由老师傅手工绘制。", ""),
    Sample("Python", "kiln.py", python, "How long to hold the peak temperature?",
           "Hold the peak temperature for a quarter of an hour.", "class Kiln › def soak"),
    Sample("Other source code", "fan.js",
           lambda: b"// The extractor fan stops after 40 minutes.\nfan.stop(2400);\n",
           "When does the extractor fan stop?", "The extractor fan stops after 40 minutes.", ""),
    Sample("YAML", "alarm.yaml", lambda: b"smoke_detector:\n  battery: replaced in November\n",
           "When is the battery of the smoke detector replaced?", "replaced in November", ""),
    Sample("CSV", "suppliers.csv", csv, "Which supplier in Perth has wood ash?",
           "supplier: Brae; town: Perth; material: wood ash", "row 3"),
    Sample("TSV", "tools.tsv", lambda: csv("\t"), "On which shelf is the loop tool?",
           "tool: loop tool; shelf: shelf nine", "row 2"),
    Sample("JSON", "insurance.json", json_records, "Who is the insurer?", "Alder Mutual", ""),
    Sample("JSON Lines", "tickets.jsonl", json_lines, "Which ticket asks for a refund of a teapot?",
           "Refund for a teapot.", "row 2"),
    Sample("Zip", "plans.zip", archive, "With what is the shed roofed?",
           "The shed is roofed in larch.", "plans/shed.md, Shed"),
    Sample("Tar", "notes.tar", tar, "Where do visitors park?",
           "Visitors park behind the chapel.", "notes/second.md, Note"),
    Sample("Tar, compressed", "alarm.tar.gz", lambda: tar("w:gz"),
           "When does the alarm code change?", "The alarm code changes each June.",
           "notes/second.md, Note"),
    Sample("gzip", "lease.txt.gz", lambda: gzip.compress(b"The oven loan runs until 2031.\n"),
           "Until when does the oven loan run?", "The oven loan runs until 2031.", ""),
    Sample("bzip2", "bees.txt.bz2", lambda: bz2.compress(b"The bees live on the studio roof.\n"),
           "Where do the bees live?", "The bees live on the studio roof.", ""),
    Sample("xz", "well.txt.xz", lambda: lzma.compress(b"The garden well is 19 metres deep.\n"),
           "How deep is the garden well?", "The garden well is 19 metres deep.", ""),
    Sample("PNG", "sign.png", lambda: picture("Lorries must reverse into the yard", "PNG"),
           "What must lorries do?", "Lorries must reverse into the yard", "", needs_ocr=True),
    Sample("JPEG", "poster.jpg", lambda: picture("Harvest market on Sunday", "JPEG"),
           "When is the harvest market?", "Harvest market on Sunday", "", needs_ocr=True),
    Sample("TIFF", "fax.tiff",
           lambda: picture("Page one of a fax", "TIFF", ["The crane is hired for Tuesday"]),
           "For when is the crane hired?", "The crane is hired for Tuesday", "page 2",
           needs_ocr=True),
    Sample("WebP", "label.webp", lambda: picture("Store brushes hanging down", "WEBP"),
           "How to store brushes?", "Store brushes hanging down", "", needs_ocr=True),
)  # fmt: skip
"""In the order of the table in the README."""
