from __future__ import annotations

import io
import struct
import time
import zlib

import pytest
from PIL import Image, ImageDraw, ImageFont

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import LoadOptions, load
from filesearch.load.ocr import images
from filesearch.load.ocr import rapid as ocr_rapid
from filesearch.load.ocr import tesseract as ocr_tesseract
from filesearch.load.ocr.engine import Reading
from filesearch.load.ocr.raster import MAX_PIXELS, fit, frames, to_gray
from filesearch.load.process.isolation import Loader

SENTENCE = "The kiln opens at seven."
needs_engine = pytest.mark.skipif(
    ocr_tesseract.find_program() is None and not ocr_rapid.is_installed(),
    reason="neither tesseract nor rapidocr is installed",
)


def picture(text=SENTENCE, *, mode="RGB", size=(700, 160)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((30, 50), text, font=ImageFont.load_default(40), fill="black")
    return image.convert(mode)


def encoded(image, form="PNG", **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


class Scripted:
    """An engine that says what it was told to, one picture after the other."""

    name = "scripted 1"

    def __init__(self, *readings):
        self.readings = list(readings)
        self.sizes = []

    def read(self, image):
        assert image.mode == "L"
        self.sizes.append(image.size)
        return self.readings.pop(0)


@pytest.fixture
def engine(monkeypatch):
    def install(*readings):
        scripted = Scripted(*readings)
        monkeypatch.setattr(images, "find_engine", lambda _options: scripted)
        return scripted

    return install


@needs_engine
@pytest.mark.parametrize(
    ("form", "name"), [("PNG", "a.png"), ("JPEG", "a.jpg"), ("TIFF", "a.tif"), ("WEBP", "a.webp")]
)
def test_what_is_written_on_a_picture_is_read(form, name, keeps_promises):
    document = load(encoded(picture(), form), name)
    keeps_promises(document)
    assert document.text == SENTENCE
    [span] = document.spans
    assert (span.kind, span.start, span.end) == ("ocr", 0, len(SENTENCE))
    assert span.number >= 80
    assert document.warnings == ()


def test_a_tiff_has_a_span_for_each_page(engine, keeps_promises):
    engine(Reading("One", 95), Reading(), Reading("Three", 60))
    pages = [Image.new("L", (50, 50), 255)] * 3
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    document = load(data, "fax.tiff")
    keeps_promises(document)
    assert document.text == "One\n\nThree"
    spans = [
        (span.kind, span.number, document.text[span.start : span.end]) for span in document.spans
    ]
    assert spans == [
        ("page", 1, "One"),
        ("ocr", 95, "One"),
        ("page", 3, "Three"),
        ("ocr", 60, "Three"),
    ]
    assert document.warnings == (
        "page 3 was read by OCR with 60% confidence; check it against the original",
        "page 2 was not read: no text was found on it by OCR",
    )


def test_of_an_animation_the_first_picture_is_read(engine):
    scripted = engine(Reading("First", 90))
    stills = [picture(), picture("Another")]
    data = encoded(stills[0], "WEBP", save_all=True, append_images=stills[1:])
    assert load(data, "a.webp").text == "First"
    assert len(scripted.sizes) == 1


def test_a_photo_is_turned_as_its_camera_was(engine):
    scripted = engine(Reading("Up", 90))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees, Exif 2.3, 4.6.4
    load(encoded(picture(size=(300, 100)), "JPEG", exif=exif), "a.jpg")
    assert scripted.sizes == [(100, 300)]


def test_a_picture_without_text_fails_with_the_reason(engine):
    engine(Reading())
    with pytest.raises(InvalidFile, match=r"'sky.png': no text was found on it by OCR"):
        load(encoded(Image.new("RGB", (80, 80), "blue")), "sky.png")


def test_with_ocr_off_a_picture_is_not_read():
    with pytest.raises(UnsupportedFile, match=r"'a.png' is a picture, and OCR is switched off"):
        load(encoded(picture()), "a.png", LoadOptions(ocr="off"))


def png_of(width, height):
    """A PNG that declares a size and has a few bytes."""

    def part(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


@pytest.mark.parametrize("side", [10_001, 14_000, 50_000])
def test_a_pixel_bomb_is_refused_before_it_is_decoded(engine, side):
    engine()
    assert side * side > MAX_PIXELS
    started = time.process_time()
    with pytest.raises(InvalidFile, match=r"more than the 100,000,000 (pixels )?that are decoded"):
        load(png_of(side, side), "bomb.png")
    assert time.process_time() - started < 2


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_that_was_cut_off_fails_with_the_reason(engine, form, share):
    engine(Reading("What a decoder made of it", 90))
    noise = Image.effect_noise((300, 300), 90)
    data = encoded(noise, form)
    with pytest.raises(InvalidFile, match=r"damaged|cut off"):
        load(data[: int(len(data) * share)], "a." + form.lower())


def test_what_is_transparent_is_white():
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    assert list(to_gray(image).getdata()) == [255, 0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_gray(mode):
    source = picture(mode="L")
    image = (
        source.convert("I").point(lambda v: v * 257).convert(mode)
        if mode == "I;16"
        else source.convert(mode)
    )
    gray = to_gray(image)
    assert gray.mode == "L"
    assert gray.getextrema() == (0, 255)
    assert gray.getpixel((0, 0)) == 255


@pytest.mark.parametrize(
    ("size", "dpi", "fitting"),
    [
        ((827, 1169), None, (1627, 2300)),  # A4 at 100 dpi
        ((400, 500), None, (800, 1000)),
        ((1654, 2339), None, (1654, 2339)),
        ((2480, 3507), None, (1784, 2523)),  # A4 at 300 dpi
        ((7016, 9920), 600, (2339, 3307)),  # A3
        ((600, 800), 72, (1200, 1600)),
    ],
)
def test_pictures_are_scaled_to_what_engines_read_well(size, dpi, fitting):
    image = Image.new("L", size)
    if dpi:
        image.info["dpi"] = (dpi, dpi)
    assert fit(image).size == fitting


def test_a_picture_too_small_for_a_letter_is_none():
    assert fit(Image.new("L", (4000, 8))) is None


def test_a_page_that_cannot_be_decoded_does_not_lose_the_others():
    pages = [Image.effect_noise((200, 200), 90) for _ in range(3)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = list(frames(data[:-30_000], "fax.tif"))
    assert found[0].image is not None
    assert any(frame.image is None and frame.problem for frame in found)


@needs_engine
def test_a_picture_is_read_within_the_limits_of_a_worker():
    with Loader(timeout_s=90.0) as loader:
        assert loader.load(encoded(picture()), "a.png").text == SENTENCE


def test_the_models_fit_the_memory_of_a_worker(monkeypatch, tmp_path):
    if not ocr_rapid.is_installed():
        pytest.skip("the extra filesearch[ocr] is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))  # no tesseract
    page = Image.new("L", (1654, 2339), 255)
    for top in range(100, 2200, 300):
        page.paste(picture(mode="L"), (100, top))
    with Loader(timeout_s=90.0) as loader:
        document = loader.load(encoded(page), "page.png")
    assert document.text.count(SENTENCE) == 7
