from __future__ import annotations

from collections.abc import Callable

import pytest

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.load.pdf import document as pdf
from filesearch.load.pdf.fallback import PypdfReader
from filesearch.load.pdf.pages import Bookmark
from filesearch.load.pdf.reader import CannotOpen

MakePdf = Callable[..., bytes]


def lines_of(data: bytes, index: int = 0) -> list[str]:
    page = PypdfReader(data, "a.pdf").read_page(index)
    assert page is not None
    return [line.text for line in page.lines]


@pytest.fixture
def without_pdfium(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses:
        def __init__(self, data: bytes) -> None:
            raise CannotOpen("not for pdfium")

    monkeypatch.setattr(pdf, "PdfiumReader", Refuses)


@pytest.mark.usefixtures("without_pdfium")
def test_a_file_that_pdfium_cannot_open_is_read_all_the_same(make_pdf: MakePdf) -> None:
    data = make_pdf([["First page."], ["Second page."]], outline=[("Second", 2)], title="Mugs")
    document = load(data, "a.pdf")
    assert document.title == "Mugs"
    shown = [(s.kind, s.number, document.text[s.start : s.end]) for s in document.spans]
    assert shown == [
        ("page", 1, "First page."),
        ("page", 2, "Second page."),
        ("heading", 1, "Second page."),
    ]


@pytest.mark.usefixtures("without_pdfium")
def test_a_page_that_pypdf_reads_in_part_costs_a_warning(make_pdf: MakePdf) -> None:
    data = make_pdf([["x"]], content=lambda _: b"BT /F1 9 Tf (good part) Tj ET )) more")
    document = load(data, "a.pdf")
    assert document.text == "good part"
    assert document.warnings == ("1 of 1 pages are damaged and were read in part: 1",)


def test_words_placed_by_matrix_alone_are_not_torn(
    make_pdf: MakePdf, by_matrix: Callable[..., bytes]
) -> None:
    """pypdf by itself breaks a line two letters late: "globalop", "erations of ..."."""
    lines = ["We are engaged in global", "operations of retail stores"]
    assert lines_of(make_pdf([lines], content=by_matrix)) == lines


def test_the_outline_comes_in_its_order(make_pdf: MakePdf) -> None:
    data = make_pdf([["a"], ["b"]], outline=[("Two", 2), ("One", 1)])
    reader = PypdfReader(data, "a.pdf")
    assert reader.bookmarks() == [Bookmark(1, "Two", 2), Bookmark(1, "One", 1)]


def test_a_cut_off_file_is_refused(make_pdf: MakePdf) -> None:
    with pytest.raises(InvalidFile, match=r"'a\.pdf' is damaged"):
        PypdfReader(make_pdf([["Words."]])[:200], "a.pdf")
