"""Nasty files: 60 from the test suites of pypdf, pdf.js and Tika, and how each has to end.

What is right was decided from the files, with poppler and by looking at their pages. They are not
ours to distribute: they lie beside the checkout, and the tests skip aloud without them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from filesearch.errors import InvalidFile
from filesearch.load.ocr.engine import describe_engine
from filesearch.load.process.isolation import Loader

NASTY = Path(__file__).resolve().parents[3] / "shared" / "data" / "nasty"
WITHIN_S = 30.0
"""Longest for one file on a busy machine; the slowest takes 3 s on an idle one."""

TEXTS: dict[str, tuple[str, ...]] = {
    "pdfjs__ArabicCIDTrueType.pdf": ("انواع الخطوط العربية",),
    "pdfjs__ContentStreamCycleType3insideType3.pdf": ("ab",),
    "pdfjs__PDFBOX-3148-2-fuzzed.pdf": ("multiline: 1 2 3 4",),  # the value of a form field
    "pdfjs__Pages-tree-refs.pdf": ("Testcase: ’Pages loop’",),
    "pdfjs__TrueType_without_cmap.pdf": (">in",),  # what the file says; its glyphs look otherwise
    "pdfjs__XiaoBiaoSong.pdf": ("关于红军作战的原则", "一九三七年八月一日"),
    "pdfjs__bomb_giant.pdf": ("GIANT JBIG2 BOMB", "100000x100000"),
    "pdfjs__copy_paste_ligatures.pdf": ("abcdeffffiflffiffl", "ghijklmno"),
    "pdfjs__helloworld-bad.pdf": ("Hello, world!",),
    "pdfjs__noembed-sjis.pdf": ("あいうえお",),
    "pdfjs__scan-bad.pdf": ("pdf.js",),
    "pdfjs__tracemonkey_a11y.pdf": ("Trace-based Just-in-Time Type Specialization", "Andreas Gal"),
    "pdfjs__vertical.pdf": ("日本語", "あいうえお"),
    "pdfjs__xref_command_missing.pdf": ("Reduced test-case",),
    "samplefiles__GeoTopo-komprimiert.pdf": (
        "Einführung in die Geometrie und Topologie",
        "Dieses Skript wurde im Wintersemester 2013/2014 von Martin Thoma geschrieben",
    ),
    "samplefiles__annotated_pdf.pdf": ("Some text.", "Line 1", "Line 2", "Not highlighted"),
    "samplefiles__habibi.pdf": ("habibi",),
    "samplefiles__mistitled_outlines_example.pdf": ("Hello, here is some text without a meaning",),
    "samplefiles__multicolumn.pdf": ("Two-Column Document with Lorem Ipsum", "Austria 8.9 83,"),
    "samplefiles__pdflatex-forms.pdf": ("Name", "Check", "Submit"),
    "samplefiles__with-attachment.pdf": (
        "Lorem ipsum dolor sit amet, consetetur sadipscing elitr",
    ),
    "tika__NullHeader.docx": ("Hundreds injured in Yemen protest", "reports that snipers had also"),
    "tika__big-preamble.html": ("Сдать квартиру", "недвижимости"),
    "tika__english.cp500.txt": ("IntelliStation POWER", "Warranties, licenses and maintenance"),
    "tika__footnotes.docx": ("Eto ochen prostoy", "text so snoskoy", "] snoska"),
    "tika__multi-language.txt": ("contratação de sucesso", "español ABC adhoc prácticas"),
    "tika__russian.cp866.txt": ("Однажды, в студеную зимнюю пору", "Лошадка, везущая хворосту воз"),
    "tika__testAltChunkHTML.docx": ("Simple paragraph with a emphasized word", "ROW 1", "ROW 2"),
    "tika__testArabicMisleadingCharset.html": ("في قرية من القرى كان هناك رجل حكيم",),
    "tika__testBrokenHTMLContainingRFC822.html": ("A heading", "A whole bunch of text."),
    "tika__testHTMLNoisyMetaEncoding_1.html": ("الاتحاد", "الرياضي"),
    "tika__testHTML_charset_utf16le.html": ("This is a sample text",),
    "tika__testHTML_embedded_img_in_js.html": ("some content",),
    "tika__testOverlappingText.pdf": ("Text the first time", "Text the second time"),
    "tika__testPDF_XFA_govdocs1_258578.pdf": ("National Park Service", "U.S. Department of"),
    "tika__testPDF_bad_page_303226.pdf": ("Drug Enforcement Administration", "21 CFR Ch. II"),
    "tika__testPDF_protected.pdf": ("RETHINKING THE FINANCIAL NETWORK", "Andrew G Haldane"),
    "tika__testWORD_features.docx": ("Lorem ipsum dolor sit amet", "This is a comment"),
    "tika__testWORD_tableInRunInsideParagraph.docx": (
        "accusam et justo duo | AAAA",
        "takimata sanctus | aliquyam",
    ),
    "tika__testWORD_text_box.docx": (
        "This text is inside of a text box in the body of the document.",
        "This text is directly in the body of the document.",
    ),
}
"""File -> phrases of its text, compared without white space, which formats do not keep."""

_DAMAGED, _EMPTY, _LOCKED = "damaged", "no text|has nothing on", "encrypted with a password"
REFUSALS: dict[str, str] = {
    "pdfjs__GHOSTSCRIPT-698804-1-fuzzed.pdf": _EMPTY,
    "pdfjs__REDHAT-1531897-0.pdf": _DAMAGED,
    "pdfjs__bug1020226.pdf": _DAMAGED,
    "pdfjs__bug1980958.pdf": _DAMAGED,
    "pdfjs__empty.pdf": _EMPTY,
    "pdfjs__empty_protected.pdf": _EMPTY,
    "pdfjs__issue9105_other.pdf": _DAMAGED,
    "pdfjs__labelled_pages.pdf": _EMPTY,
    "pdfjs__operator_list_cycle.pdf": _EMPTY,
    "pdfjs__poppler-742-0-fuzzed.pdf": _DAMAGED,
    "pdfjs__poppler-85140-0.pdf": f"{_DAMAGED}|{_EMPTY}",
    "pdfjs__saslprep-r6.pdf": _LOCKED,
    "samplefiles__grayscale-image.pdf": _EMPTY,  # a drawing of a boy
    "samplefiles__libreoffice-writer-password.pdf": _LOCKED,
    "samplefiles__unreadablemetadata.pdf": _DAMAGED,
    "tika__protected_upper_case.docx": _LOCKED,
    "tika__testUnicodePassword.pdf": _LOCKED,
    "tika__testWORD_protected_passtika.docx": _LOCKED,
    "tika__testWORD_truncated.docx": "cut off",
}
"""File -> what the reason says, as a regular expression."""

DRAWN = {"pdfjs__secHandler.pdf": "Security Handler"}
"""File -> words that are drawn on it, here on a button; OCR reads them where there is an engine."""


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    if not NASTY.is_dir():
        pytest.skip(f"no nasty files at {NASTY}")
    with Loader(timeout_s=WITHIN_S) as loader:
        yield loader


def read(name: str) -> bytes:
    return (NASTY / name).read_bytes()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_nasty_file_gives_its_text(loader: Loader, name: str) -> None:
    text = squeezed(loader.load(read(name), name).text)
    assert [phrase for phrase in TEXTS[name] if squeezed(phrase) not in text] == []


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_nasty_file_is_refused_with_its_reason(loader: Loader, name: str) -> None:
    with pytest.raises(InvalidFile, match=REFUSALS[name]) as caught:
        loader.load(read(name), name)
    assert repr(name) in str(caught.value)
    assert not re.search("crashed its parser|took over|out of memory", str(caught.value))


@pytest.mark.parametrize("name", DRAWN)
def test_words_that_are_drawn_are_read_by_ocr_or_the_file_refused(
    loader: Loader, name: str
) -> None:
    if describe_engine(loader.options):
        assert DRAWN[name] in loader.load(read(name), name).text
    else:
        with pytest.raises(InvalidFile, match="no text"):
            loader.load(read(name), name)


def test_pages_that_are_damaged_or_empty_are_named(loader: Loader) -> None:
    for name, what in (
        ("pdfjs__Pages-tree-refs.pdf", "could not be read: 2"),
        ("pdfjs__vertical.pdf", "no text"),
    ):
        warnings = loader.load(read(name), name).warnings
        assert any(what in warning for warning in warnings), (name, warnings)


def test_an_encoding_that_was_guessed_is_said(loader: Loader) -> None:
    for name in ("tika__russian.cp866.txt", "tika__testArabicMisleadingCharset.html"):
        warnings = loader.load(read(name), name).warnings
        assert any("encoding was guessed" in warning for warning in warnings)


@pytest.mark.usefixtures("loader")
def test_every_nasty_file_is_listed_once_and_most_give_their_text() -> None:
    names = [*TEXTS, *REFUSALS, *DRAWN]
    found = {path.name for path in NASTY.iterdir()} - {"README.md", "probe.json"}
    assert sorted(names) == sorted(found)
    assert len(TEXTS) >= 30
