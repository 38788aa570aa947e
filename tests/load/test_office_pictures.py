from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from filesearch.load import LoadOptions, load
from filesearch.load.ocr import rapid as ocr_rapid
from filesearch.load.ocr.engine import Reading
from filesearch.load.office import pictures as office_pictures

docx, pptx = pytest.importorskip("docx"), pytest.importorskip("pptx")
ALL = LoadOptions(ocr="all")


class Scripted:
    name = "scripted 1"

    def __init__(self, *readings):
        self.readings = list(readings)

    def read(self, image):
        return self.readings.pop(0)


@pytest.fixture
def engine(monkeypatch):
    def install(*readings):
        monkeypatch.setattr(office_pictures, "find_engine", lambda _options: Scripted(*readings))

    return install


def drawing(shade=0):
    image = Image.new("L", (200, 100), 255)
    image.paste(shade, (20, 20, 90, 40))
    data = io.BytesIO()
    image.save(data, "PNG")
    return io.BytesIO(data.getvalue())


def saved(file):
    data = io.BytesIO()
    file.save(data)
    return data.getvalue()


def read_stretches(document):
    return [
        (document.text[span.start : span.end], span.number)
        for span in document.spans
        if span.kind == "ocr"
    ]


def letter():
    file = docx.Document()
    file.add_paragraph("Before the picture.")
    file.add_picture(drawing())
    file.add_paragraph("After it.")
    file.add_picture(drawing())  # shown again
    file.add_picture(drawing(50))
    return saved(file)


def test_a_picture_in_a_letter_is_read_where_it_stands(engine, keeps_promises):
    engine(Reading("Plan of\nthe workshop", 92.0), Reading("", 0.0))
    document = load(letter(), "letter.docx", ALL)
    keeps_promises(document)
    assert document.text == "Before the picture.\nPlan of the workshop\nAfter it."
    assert read_stretches(document) == [("Plan of the workshop", 92)]
    assert document.warnings == ("1 picture was read by OCR (confidence 92%)",)


def test_pictures_are_read_on_request_alone(engine):
    engine()
    assert load(letter(), "letter.docx").text == "Before the picture.\nAfter it."


def test_a_picture_on_a_slide_belongs_to_the_slide(engine, keeps_promises):
    engine(Reading("Sales by month", 60.0))
    file = pptx.Presentation()
    for _ in range(2):
        file.slides.add_slide(file.slide_layouts[6]).shapes.add_picture(drawing(), 0, 0)
    document = load(saved(file), "deck.pptx", ALL)
    keeps_promises(document)
    assert read_stretches(document) == [("Sales by month", 60)]
    [slide] = [span for span in document.spans if span.kind == "slide"]
    assert slide.number == 1
    assert "Sales by month" in document.text[slide.start : slide.end]
    assert document.warnings[1] == (
        "the picture image1.png was read by OCR with 60% confidence; check it against the original"
    )


def test_a_picture_that_is_damaged_costs_a_warning(engine):
    engine()
    whole = letter()
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(data, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, b"no picture" if name.startswith("word/media") else body)
    document = load(data.getvalue(), "letter.docx", ALL)
    assert document.text == "Before the picture.\nAfter it."
    assert document.warnings[0].startswith("a picture was not read: 'image1.png' is damaged")


def test_without_an_engine_one_warning_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ocr_rapid, "PACKAGE", "a_package_that_is_not_installed")
    [warning] = load(letter(), "letter.docx", ALL).warnings
    assert warning.startswith("pictures were not read: there is no OCR engine; install one")
