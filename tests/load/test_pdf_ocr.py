from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageDraw, ImageFont

from filesearch import FileSearch
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import LoadOptions, load
from filesearch.load.ocr import rapid as ocr_rapid
from filesearch.load.ocr import tesseract as ocr_tesseract
from filesearch.load.ocr.engine import Reading
from filesearch.load.pdf import scans as pdf_ocr
from filesearch.load.pdf.fallback import PypdfReader
from filesearch.load.pdf.reader import CannotOpen, PdfiumReader
from filesearch.load.process.isolation import Loader

needs_engine = pytest.mark.skipif(
    ocr_tesseract.find_program() is None and not ocr_rapid.is_installed(),
    reason="neither tesseract nor rapidocr is installed",
)
PAGES = [
    ["The annual meeting was held in Wexcombe", "on the fourth of March."],
    ["Members voted to replace the old gas kiln", "with an electric one before winter."],
]


def scanned_page(lines):
    page = Image.new("L", (1240, 700), 255)
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        pen.text((100, 100 + 60 * row), line, font=ImageFont.load_default(40), fill=0)
    return page


def scan(pages=PAGES):
    """A PDF whose pages are pictures."""
    images = [scanned_page(lines) for lines in pages]
    data = io.BytesIO()
    images[0].save(data, "PDF", resolution=150.0, save_all=True, append_images=images[1:])
    return data.getvalue()


class Scripted:
    name = "scripted 1"

    def __init__(self, *readings):
        self.readings = list(readings)

    def read(self, image):
        reading = self.readings.pop(0)
        if isinstance(reading, Exception):
            raise reading
        return reading


@pytest.fixture
def engine(monkeypatch):
    def install(*readings):
        monkeypatch.setattr(pdf_ocr, "find_engine", lambda _options: Scripted(*readings))

    return install


@needs_engine
def test_a_scan_is_found_and_its_citation_names_the_page(tmp_path):
    (tmp_path / "minutes.pdf").write_bytes(scan())
    with FileSearch(tmp_path / "index") as fs:
        report = fs.ingest(tmp_path / "minutes.pdf")
        assert [outcome.status for outcome in report.outcomes] == ["added"]
        answer = fs.ask("What did members vote to replace?")
        [hit, *_] = fs.search("electric kiln")
    assert "Members voted to replace the old gas kiln" in hit.text
    assert answer.citations[0].page == 2
    assert "gas kiln" in answer.citations[0].quote


@needs_engine
def test_a_scan_is_read_within_the_limits_of_a_worker(keeps_promises):
    with Loader(timeout_s=90.0) as loader:
        document = loader.load(scan(), "minutes.pdf")
    keeps_promises(document)
    assert document.text == "\n\n".join(" ".join(lines) for lines in PAGES)
    assert [(s.kind, s.number) for s in document.spans if s.kind == "page"] == [
        ("page", 1),
        ("page", 2),
    ]
    assert all(span.number >= 80 for span in document.spans if span.kind == "ocr")
    assert document.warnings[0].startswith("2 pages were read by OCR (confidence ")


def test_what_is_not_read_on_a_scan_is_said(engine):
    engine(Reading("First page.", 91.0), InvalidFile("the engine took too long"))
    document = load(scan(), "minutes.pdf")
    assert document.text == "First page."
    assert document.warnings == (
        "1 page was read by OCR (confidence 91%)",
        "page 2 was not read: the engine took too long",
        "1 of 2 pages have no text (scanned or drawn?)",
    )


def damaged(data):
    """Without the entry that says where the pages are: pypdf looks for them, pdfium does not."""
    without, count = re.subn(rb"/Root \d+ 0 R", b"", data)
    assert count == 1
    with pytest.raises(CannotOpen):
        PdfiumReader(without)
    return without


def test_a_scan_that_pdfium_cannot_open_is_drawn_as_pypdf_mends_it(engine, keeps_promises):
    engine(Reading("First page.", 91.0), Reading("Second page.", 93.0))
    document = load(damaged(scan()), "minutes.pdf")
    keeps_promises(document)
    assert document.text == "First page.\n\nSecond page."
    assert [s.number for s in document.spans if s.kind == "page"] == [1, 2]
    assert [s.number for s in document.spans if s.kind == "ocr"] == [91, 93]


def test_a_scan_that_nothing_can_draw_says_so(engine, monkeypatch):
    engine()
    monkeypatch.setattr(PypdfReader, "rewritten", lambda _self: None)
    with pytest.raises(InvalidFile, match="no text on its 2 pages, and cannot be drawn for OCR"):
        load(damaged(scan()), "minutes.pdf")
    monkeypatch.setattr(PypdfReader, "rewritten", lambda _self: scan(PAGES[:1]))
    with pytest.raises(InvalidFile, match="no text on its 2 pages, and cannot be drawn for OCR"):
        load(damaged(scan()), "minutes.pdf")


def test_with_ocr_off_a_scan_is_not_read():
    with pytest.raises(UnsupportedFile, match=r"\(a scan\?\), and OCR is switched off; allow it"):
        load(scan(), "minutes.pdf", LoadOptions(ocr="off"))


def test_without_an_engine_a_scan_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ocr_rapid, "PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(UnsupportedFile, match=r"no OCR engine; install one: apt-get install"):
        load(scan(), "minutes.pdf")


def with_picture(scale=0.5, words="A line of text."):
    """A page with a line of text and a picture below it, half as wide, or under it."""
    pypdf = pytest.importorskip("pypdf")
    page = pypdf.PdfReader(io.BytesIO(scan(PAGES[:1]))).pages[0]
    writer = pypdf.PdfWriter()
    sheet = writer.add_blank_page(page.mediabox.width, page.mediabox.height)
    sheet.merge_transformed_page(page, pypdf.Transformation().scale(scale))
    font = pypdf.generic.DictionaryObject(
        {
            pypdf.generic.NameObject("/Type"): pypdf.generic.NameObject("/Font"),
            pypdf.generic.NameObject("/Subtype"): pypdf.generic.NameObject("/Type1"),
            pypdf.generic.NameObject("/BaseFont"): pypdf.generic.NameObject("/Courier"),
        }
    )
    sheet["/Resources"].get_object()[pypdf.generic.NameObject("/Font")] = (
        pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F1"): font})
    )
    text = pypdf.generic.DecodedStreamObject()
    drawn = sheet.get_contents().get_data()
    text.set_data(drawn + f"\nBT /F1 6 Tf 20 20 Td ({words}) Tj ET".encode())
    sheet[pypdf.generic.NameObject("/Contents")] = writer._add_object(text)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def test_pictures_on_a_page_are_read_on_request_alone(engine, keeps_promises):
    data = with_picture()
    engine(Reading("On the picture", 88.0))
    assert load(data, "a.pdf").text == "A line of text."
    document = load(data, "a.pdf", LoadOptions(ocr="all"))
    keeps_promises(document)
    assert document.text == "A line of text.\n\nOn the picture"
    [span] = [span for span in document.spans if span.kind == "ocr"]
    assert document.text[span.start : span.end] == "On the picture"
    assert span.number == 88
    assert document.warnings == ("1 picture was read by OCR (confidence 88%)",)


def test_a_scan_with_a_stamp_over_it_is_read(engine, keeps_promises):
    engine(Reading("Under the stamp", 88.0))
    document = load(with_picture(scale=1, words="RECEIVED 4 MAR"), "a.pdf")
    keeps_promises(document)
    assert document.text == "RECEIVED 4 MAR\n\nUnder the stamp"
    assert [span.number for span in document.spans if span.kind == "ocr"] == [88]


def test_a_picture_under_a_page_of_text_is_not_read(engine):
    engine()
    words = "a text layer that was put over the scan " * 6
    assert load(with_picture(scale=1, words=words), "a.pdf").text == words.strip()


def test_without_an_engine_a_stamped_scan_warns(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ocr_rapid, "PACKAGE", "a_package_that_is_not_installed")
    document = load(with_picture(scale=1), "a.pdf")
    assert document.text == "A line of text."
    [warning] = document.warnings
    assert warning.startswith("1 of 1 pages have little text over a picture (a scan with a stamp?)")
    assert "no OCR engine; install one" in warning


def test_a_long_scan_may_take_longer_than_one_page_may(monkeypatch, tmp_path):
    """Each page beats the pulse, and the parent waits as long again."""
    table = "5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\t95\\tWord"
    program = tmp_path / "tesseract"
    program.write_text(
        "#!/bin/sh\ncase $1 in\n--version) echo tesseract 9;;\n--list-langs) echo; echo eng;;\n"
        f"*) cat > /dev/null; sleep 0.5; printf 'level\\n{table}\\n';;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with Loader(timeout_s=60.0) as loader:
        loader.load(scan(), "warm.pdf")
        loader.timeout_s = 3.0
        assert loader.load(scan(PAGES * 4), "minutes.pdf").text == "\n\n".join(["Word"] * 8)
