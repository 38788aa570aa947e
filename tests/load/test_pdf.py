from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from pypdf import PdfReader, PdfWriter

from filesearch.errors import InvalidFile
from filesearch.load import load, pdf
from filesearch.types import Document

MakePdf = Callable[..., bytes]


def encrypted(data: bytes, password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_every_page_has_a_span_with_its_text(
    make_pdf: MakePdf, keeps_promises: Callable[[Document], None]
) -> None:
    document = load(make_pdf([["First page."], ["Second page,", "two lines."]]), "a.pdf")
    keeps_promises(document)
    shown = [(s.number, document.text[s.start : s.end]) for s in document.spans]
    assert shown == [(1, "First page."), (2, "Second page, two lines.")]
    assert document.media_type == "application/pdf"


def test_words_placed_by_matrix_alone_are_not_torn(
    make_pdf: MakePdf, by_matrix: Callable[[Sequence[str]], bytes]
) -> None:
    """pypdf by itself breaks a line two letters late: "globalop", "erations of ..."."""
    lines = ["We are engaged in global", "operations of retail stores", "and of wholesale units."]
    document = load(make_pdf([lines], content=by_matrix), "a.pdf")
    assert document.text == " ".join(lines)


def test_cells_of_a_row_stay_on_one_line(make_pdf: MakePdf) -> None:
    """ReportLab ends every cell with a move to the next line, which nothing is written on."""

    def cells(lines: Sequence[str]) -> bytes:
        shown = b"BT 1 0 0 1 %d %d Tm /F1 10 Tf 12 TL (%s) Tj T* ET\n"
        return b"".join(
            shown % (50 + 90 * column, 740 - 20 * row, cell.encode())
            for row, line in enumerate(lines)
            for column, cell in enumerate(line.split("|"))
        )

    data = make_pdf([["Stage|Speed|Air", "Warm up|slow|clean"]], content=cells)
    assert load(data, "a.pdf").text == "Stage Speed Air\nWarm up slow clean"


def test_ligatures_become_letters(make_pdf: MakePdf) -> None:
    assert load(make_pdf([["the \ufb01rst \ufb02oor"]]), "a.pdf").text == "the first floor"


def test_pages_on_which_nothing_is_cost_no_warning(make_pdf: MakePdf) -> None:
    document = load(make_pdf([[], ["Words."], []]), "a.pdf")
    assert [s.number for s in document.spans] == [2]
    assert document.warnings == ()


def test_a_damaged_page_does_not_lose_the_others(make_pdf: MakePdf) -> None:
    def content(lines: Sequence[str]) -> bytes:
        return b"" if not lines else b")) BT" if lines[0] == "bad" else b"BT /F1 9 Tf (good) Tj ET"

    document = load(make_pdf([["ok"], ["bad"], ["ok"]], content=content), "a.pdf")
    assert [s.number for s in document.spans] == [1, 3]
    assert document.warnings == ("1 of 3 pages could not be read: 2",)


def test_bookmarks_become_heading_spans(
    make_pdf: MakePdf, keeps_promises: Callable[[Document], None]
) -> None:
    data = make_pdf(
        [["Intro", "Some words.", "Fees", "More words."], ["Prices", "Last words."]],
        outline=[("Intro", 1), ("Fees", 1), ("Elsewhere", 2), ("Prices", 2)],
    )
    document = load(data, "a.pdf")
    keeps_promises(document)
    sections = {s.label: document.text[s.start : s.end] for s in document.spans if s.label}
    assert sections["Intro"].startswith("Intro")
    assert sections["Fees"].startswith("Fees")
    assert "Last words." in sections["Prices"]


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Annual report", "Annual report"), ("0001018724-18", ""), ("a.doc", "")],
)
def test_the_title_is_taken_when_it_is_one(make_pdf: MakePdf, title: str, expected: str) -> None:
    assert load(make_pdf([["Words."]], title=title), "a.pdf").title == expected


def test_an_empty_password_opens_an_encrypted_file(make_pdf: MakePdf) -> None:
    assert load(encrypted(make_pdf([["Words."]]), ""), "a.pdf").text == "Words."


def test_a_password_is_named_as_the_reason(make_pdf: MakePdf) -> None:
    with pytest.raises(InvalidFile, match=r"'a\.pdf' is encrypted with a password"):
        load(encrypted(make_pdf([["Words."]]), "secret"), "a.pdf")


def test_a_file_on_which_nothing_is_is_invalid(make_pdf: MakePdf) -> None:
    with pytest.raises(InvalidFile, match="nothing on its 2 pages"):
        load(make_pdf([[], []]), "a.pdf")


def test_a_cut_off_file_is_refused(make_pdf: MakePdf) -> None:
    with pytest.raises(InvalidFile, match=r"'a\.pdf' is damaged"):
        load(make_pdf([["Words."]])[:200], "a.pdf")


def test_a_wrong_cross_reference_table_is_mended(make_pdf: MakePdf) -> None:
    data = make_pdf([["Words."]]).replace(b"0000000009", b"0000000333")
    assert load(data, "a.pdf").text == "Words."


def test_a_page_is_read_up_to_its_damage(make_pdf: MakePdf) -> None:
    data = make_pdf([["x"]], content=lambda _: b"BT /F1 9 Tf (good part) Tj ET )) more")
    document = load(data, "a.pdf")
    assert document.text == "good part"


def test_too_many_pages_are_refused(make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(InvalidFile, match="3 pages, more than the 2"):
        load(make_pdf([["a"], ["b"], ["c"]]), "a.pdf")


def test_a_decompression_bomb_costs_its_page_only(make_pdf: MakePdf) -> None:
    data = make_pdf(
        [["bomb"], ["Words."]],
        content=lambda lines: _bomb() if lines == ["bomb"] else b"BT /F1 9 Tf (Words.) Tj ET",
    )
    assert load(data, "a.pdf").text == "Words."


def _bomb() -> bytes:
    return b"% " + b" " * 120_000_000
