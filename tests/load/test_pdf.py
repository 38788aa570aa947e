from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from filesearch.errors import InvalidFile
from filesearch.load import LoadOptions, load
from filesearch.load.pdf import document as pdf
from filesearch.load.pdf.reader import PdfiumReader
from filesearch.types import Document

MakePdf = Callable[..., bytes]


def encrypted(data: bytes, password: str, algorithm: str = "RC4-128") -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
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


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_pdfium_knows_every_encryption_by_itself(make_pdf: MakePdf, algorithm: str) -> None:
    """So nothing else is installed for it: pypdf would need cryptography, 15 MB, for AES."""
    if algorithm.startswith("AES"):
        pytest.importorskip("cryptography", reason="pypdf needs it to encrypt")
    reader = PdfiumReader(encrypted(make_pdf([["Words."]]), "", algorithm))
    try:
        page = reader.read_page(0)
    finally:
        reader.close()
    assert page is not None
    assert [line.text for line in page.lines] == ["Words."]


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


def by_place(lines: Sequence[str]) -> bytes:
    """Content of strings that begin with their place: "50 700 Net sales"."""
    placed = [line.split(" ", 2) for line in lines]
    return b"".join(
        b"BT /F1 10 Tf 1 0 0 1 %s %s Tm (%s) Tj ET\n"
        % (x.encode(), y.encode(), text.replace("(", "\\(").replace(")", "\\)").encode())
        for x, y, text in placed
    )


def test_rows_and_tables_have_spans(
    make_pdf: MakePdf, keeps_promises: Callable[[Document], None]
) -> None:
    labels = ["50 700 Net sales", "50 688 Cost of sales", "50 676 Gross profit"]
    figures = ["300 700 1,234", "306 688 (567)", "312 676 667"]
    before = ["50 730 What the pottery sold:"]
    document = load(make_pdf([[*before, *labels, *figures]] * 2, content=by_place), "a.pdf")
    keeps_promises(document)
    shown = [(s.kind, s.number, document.text[s.start : s.end]) for s in document.spans]
    rows = ["Net sales 1,234", "Cost of sales (567)", "Gross profit 667"]
    assert [entry for entry in shown if entry[0] == "row"][:3] == [
        ("row", number, row) for number, row in enumerate(rows, 1)
    ]
    assert [entry for entry in shown if entry[0] == "table"] == [
        ("table", 1, "\n".join(rows)),
        ("table", 2, "\n".join(rows)),
    ]


def test_a_turned_page_is_read_as_it_stands(make_pdf: MakePdf) -> None:
    def content(lines: Sequence[str]) -> bytes:
        turned = b"BT /F1 10 Tf 0 1 -1 0 %d 50 Tm (%s) Tj ET\n"
        return b"".join(turned % (100 + 14 * i, line.encode()) for i, line in enumerate(lines))

    document = load(make_pdf([["Kiln log of May", "and of June."]], content=content), "a.pdf")
    assert document.text == "Kiln log of May and of June."


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_annotations_and_filled_fields_are_read(make_pdf: MakePdf) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf([["Order form"]]))))
    note = FreeText(text="Deliver after noon", rect=(50, 550, 200, 650))
    writer.add_annotation(page_number=0, annotation=note)
    box = ArrayObject([NumberObject(n) for n in (50, 500, 200, 520)])
    entries = {"/Subtype": "/Widget", "/Type": "/Annot", "/FT": "/Tx"}
    widget = DictionaryObject({NameObject(k): NameObject(v) for k, v in entries.items()})
    widget[NameObject("/T")] = TextStringObject("Town")
    widget[NameObject("/V")] = TextStringObject("Bergen")
    widget[NameObject("/Rect")] = box
    field = writer._add_object(widget)
    writer.pages[0][NameObject("/Annots")].append(field)
    form = DictionaryObject({NameObject("/Fields"): ArrayObject([field])})
    writer._root_object[NameObject("/AcroForm")] = form
    text = load(written(writer), "a.pdf").text
    assert text == "Order form\n\nDeliver after noon\nTown: Bergen"


def test_attached_files_follow_as_parts(
    make_pdf: MakePdf, keeps_promises: Callable[[Document], None]
) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf([["Invoice 12"]]))))
    writer.add_attachment("lines.txt", b"Twelve mugs.")
    writer.add_attachment("odd.bin", bytes(range(256)) * 9)
    document = load(written(writer), "a.pdf")
    keeps_promises(document)
    [part] = [s for s in document.spans if s.kind == "part"]
    assert part.label == "lines.txt"
    assert document.text[part.start : part.end] == "lines.txt\n\nTwelve mugs."
    assert "the attachment 'odd.bin' was left out" in document.warnings[0]


def test_pages_are_called_by_the_numbers_printed_on_them(make_pdf: MakePdf) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf([["a"], ["b"], ["c"]]))))
    writer.set_page_label(0, 1, "/r")
    writer.set_page_label(2, 2, "/D", start=3)
    document = load(written(writer), "a.pdf")
    assert [(s.number, s.label) for s in document.spans] == [(1, "i"), (2, "ii"), (3, "")]


def test_pages_given_up_before_are_left_out(make_pdf: MakePdf) -> None:
    data = make_pdf([["first"], ["second"]])
    document = load(data, "a.pdf", LoadOptions(skip_pages=("a.pdf#1",)))
    assert document.text == "second"
    assert document.warnings == ("1 of 2 pages took too long and were left out: 1",)


def test_a_page_of_any_size_is_drawn_within_the_bound(make_pdf: MakePdf) -> None:
    pytest.importorskip("PIL", reason="pillow is not installed: pip install pillow")
    data = make_pdf([["Words."]]).replace(b"0 0 612 792", b"0 0 9e3 9e3")
    reader = PdfiumReader(data)
    try:
        picture = reader.render(0, dpi=300, max_pixels=1_000_000)
    finally:
        reader.close()
    assert picture.mode == "L"
    assert 900_000 <= picture.width * picture.height <= 1_010_000


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
