"""PDF italics: what pdfium takes for one letter drawn twice is two letters."""

from __future__ import annotations

import io

import pypdfium2 as pdfium
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from filesearch.load import load
from filesearch.load.mend import PageLine
from filesearch.load.pdf.fallback import PypdfReader
from filesearch.load.pdf.italics import find_torn, mend_torn
from filesearch.load.pdf.pages import PageText

UPRIGHT = "of the kiln if it is full of pots from the first firing"
ITALIC = "Effects of a fierce fire may differ, if the staff offers both"
# Times Italic, in thousandths of its size.
ADVANCES = dict.fromkeys("fit ,", 278) | dict.fromkeys("rs", 389) | dict.fromkeys("ceyE", 444)
CLOSER = 80  # the second of two f, as it stands in fonts whose f is broader than pdfium's own


def letter_by_letter(text: str, size: int) -> bytes:
    """As Skia writes a PDF: each letter is an object of its own."""
    moves = []
    for at, letter in enumerate(text):
        advance = ADVANCES.get(letter, 500)
        if text[at : at + 2] == "ff":
            advance -= CLOSER
        elif text[max(0, at - 1) : at + 1] == "ff":
            advance += CLOSER
        moves.append(f"({letter}) Tj {advance * size / 1000} 0 Td")
    return " ".join(moves).encode()


def page_of(upright: str, italic: str) -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(500, 300)
    fonts = DictionaryObject()
    for name, face in (("/F1", "/Times-Roman"), ("/F2", "/Times-Italic")):
        fonts[NameObject(name)] = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject(face),
            }
        )
    content = DecodedStreamObject()
    content.set_data(
        b"BT /F1 10 Tf 40 250 Td (%s) Tj ET BT /F2 10 Tf 40 230 Td %s ET"
        % (upright.encode(), letter_by_letter(italic, 10))
    )
    page[NameObject("/Contents")] = writer._add_object(content)
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def torn_of(data: bytes) -> tuple[tuple[str, str], ...]:
    document = pdfium.PdfDocument(data)
    try:
        page = document[0]
        text_page = page.get_textpage()
        found = find_torn(text_page)
        text_page.close()
        page.close()
    finally:
        document.close()
    return found


def test_words_that_lost_an_f_are_put_together() -> None:
    data = page_of(UPRIGHT, ITALIC)
    torn = torn_of(data)
    assert ("dif", "er") in torn
    assert ("of", "a") in torn  # as broad, and whole
    assert ("of", "the") not in torn
    assert load(data, "a.pdf").text == f"{UPRIGHT} {ITALIC}"


def test_without_another_reading_a_page_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PypdfReader, "read_page", lambda _self, _index: None)
    assert "may dif er, if the staf of ers" in load(page_of(UPRIGHT, ITALIC), "a.pdf").text


def test_upright_text_is_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PypdfReader, "__init__", None)
    assert load(page_of(UPRIGHT, "seven days"), "a.pdf").text == f"{UPRIGHT} seven days"


def test_what_the_other_reading_does_not_have_is_left() -> None:
    lines = (PageLine("half of it, dif er and dif ers"), PageLine("the staf of ice", is_row=True))
    torn = (("half", "of"), ("of", "it"), ("dif", "er"), ("staf", "of"), ("of", "ice"))
    page = PageText(lines, torn=torn)
    other = PageText((PageLine("half of it, di\ufb00er and dif ers"), PageLine("the staff of ice")))
    assert mend_torn(page, other).lines == (
        PageLine("half of it, differ and dif ers"),
        PageLine("the staff of ice", is_row=True),
    )
    assert mend_torn(page, None) == page
    assert mend_torn(page, PageText()) == page
