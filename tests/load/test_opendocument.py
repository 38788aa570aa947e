from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable

import pytest

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.types import Document

Promise = Callable[[Document], None]
MEDIA = "application/vnd.oasis.opendocument."
NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
        ("style", "style"), ("presentation", "presentation"),
    )
) + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:svg="svg"'  # fmt: skip


def odf(kind: str, body: str, automatic: str = "", **parts: str) -> bytes:
    """Return a file of one kind: "text", "presentation" or "spreadsheet"."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MEDIA + kind, zipfile.ZIP_STORED)
        archive.writestr(
            "content.xml",
            f"<office:document-content {NAMES}><office:automatic-styles>{automatic}"
            f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
            "</office:body></office:document-content>",
        )
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return out.getvalue()


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def stretches(document: Document, kind: str) -> list[tuple[int, str]]:
    return [(s.number, document.text[s.start : s.end]) for s in document.spans if s.kind == kind]


def test_odt_headings_lists_and_spaces_are_read_in_order(keeps_promises: Promise) -> None:
    styles = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" '
        'style:num-format="1" style:num-suffix="."/><text:list-level-style-bullet '
        'text:level="2"/></text:list-style>'
    )
    inner = "<text:list><text:list-item><text:p>deep</text:p></text:list-item></text:list>"
    body = (
        '<text:h text:outline-level="2">Returns</text:h>'
        '<text:p>Mugs<text:s text:c="2"/>can <text:span>go</text:span>\n   back.<text:tab/>x'
        "<text:line-break/>y</text:p>"
        f'<text:list text:style-name="L1"><text:list-item><text:p>one</text:p>{inner}'
        "</text:list-item><text:list-item><text:p>two</text:p></text:list-item></text:list>"
        '<text:list text:style-name="L1" text:continue-numbering="true"><text:list-item>'
        "<text:p>three</text:p></text:list-item></text:list>"
    )
    meta = f"<office:document-meta {NAMES}><dc:title>Handbook</dc:title></office:document-meta>"
    document = load(odf("text", body, styles, meta=meta), "a.odt")
    keeps_promises(document)
    assert document.title == "Handbook"
    assert document.text.split("\n") == [
        "Returns", "Mugs  can go back.\tx", "y", "1. one", "  - deep", "2. two", "3. three",
    ]  # fmt: skip
    assert [(s.kind, s.number, s.label) for s in document.spans] == [("heading", 2, "Returns")]


def test_odt_rows_carry_the_names_of_their_columns_and_merged_cells(
    keeps_promises: Promise,
) -> None:
    header = f"<table:table-header-rows>{row(cell('item'), cell('fee'))}</table:table-header-rows>"

    def spanned(what: str) -> str:
        return f'table:number-{what}-spanned="2"'

    covered = "<table:covered-table-cell/>"
    body = (
        f"<table:table>{header}{row(cell('mug', spanned('rows')), cell('2'))}"
        f"{row(covered, cell('3'))}"
        f"{row(cell('none', spanned('columns')), covered)}</table:table>"
    )
    document = load(odf("text", body), "a.odt")
    keeps_promises(document)
    assert stretches(document, "row") == [
        (1, "item | fee"), (2, "item: mug; fee: 2"), (3, "item: mug; fee: 3"), (4, "item: none"),
    ]  # fmt: skip


def test_odt_notes_follow_their_paragraph_and_deleted_text_is_gone() -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>old</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        "<text:p>Mugs<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>And plates.</text:p></text:note-body></text:note> are free.<office:annotation>"
        "<dc:creator>Ada</dc:creator><text:p>Why?</text:p></office:annotation></text:p>"
        "<text:p>Next.</text:p>"
    )
    assert load(odf("text", body), "a.odt").text.split("\n") == [
        "Mugs[1] are free.", "[1] And plates.", "Comment by Ada: Why?", "Next."
    ]  # fmt: skip


def test_odt_boxes_pictures_sections_and_margins_are_read() -> None:
    body = (
        "<text:section><text:p>Before<draw:frame><draw:text-box><text:p>In a box</text:p>"
        "</draw:text-box></draw:frame><draw:frame><draw:image/><svg:desc>A mug</svg:desc>"
        "</draw:frame></text:p></text:section>"
    )
    styles = (
        f"<office:document-styles {NAMES}><style:master-page><style:header><text:p>Handbook"
        "</text:p></style:header><style:footer><text:p>17</text:p></style:footer>"
        "</style:master-page></office:document-styles>"
    )
    document = load(odf("text", body, styles=styles), "a.odt")
    assert document.text == "Before A mug\nIn a box\n\nHeader: Handbook"


def test_odp_slides_have_titles_tables_and_notes(keeps_promises: Promise) -> None:
    def frame(kind: str, text: str) -> str:
        box = f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{box}</draw:frame>'

    table = f"<table:table>{row(cell('item'), cell('fee'))}{row(cell('mug'), cell('2'))}"
    body = (
        f"<draw:page>{frame('title', 'Fees')}{frame('outline', 'None.')}{frame('footer', '9')}"
        f"<draw:frame>{table}</table:table></draw:frame>"
        f"<presentation:notes>{frame('notes', 'Slowly.')}</presentation:notes></draw:page>"
        f'<draw:page draw:style-name="gone">{frame("outline", "secret")}</draw:page>'
        f"<draw:page><draw:g>{frame('outline', 'Grouped')}</draw:g></draw:page>"
    )
    styles = (
        '<style:style style:name="gone"><style:drawing-page-properties '
        'presentation:visibility="hidden"/></style:style>'
    )
    document = load(odf("presentation", body, styles), "a.odp")
    keeps_promises(document)
    assert stretches(document, "slide") == [
        (1, "Fees\nNone.\nitem | fee\nmug | 2\nNotes: Slowly."), (3, "Grouped")
    ]  # fmt: skip
    assert document.warnings == ("hidden slides were left out: 2",)


def test_ods_rows_are_those_of_sheets(keeps_promises: Promise) -> None:
    date = 'office:value-type="date" office:date-value="2025-02-01"'
    rows = (
        row(cell("item"), cell("count"), cell("since"))
        + row("<table:table-cell/>", attributes='table:number-rows-repeated="3"')
        + row(cell("mug"), cell("3,00", 'office:value-type="float" office:value="3"'),
              cell("1.2.25", date))
        + row(cell("plate"), cell("25%", 'office:value-type="percentage" office:value="0.25"'))
        + row(cell("#DIV/0!"), attributes='table:number-rows-repeated="2"')
    )  # fmt: skip
    body = (
        f'<table:table table:name="Stock">{rows}</table:table>'
        '<table:table table:name="Old" table:style-name="off">'
        f"{row(cell('secret'))}</table:table>"
        f'<table:table table:name="Fees">{row(cell("none"))}</table:table>'
    )
    styles = (
        '<style:style style:name="off"><style:table-properties table:display="false"/>'
        "</style:style>"
    )
    document = load(odf("spreadsheet", body, styles), "a.ods")
    keeps_promises(document)
    assert stretches(document, "row") == [
        (1, "item | count | since"), (5, "item: mug; count: 3; since: 2025-02-01"),
        (6, "item: plate; count: 25%"), (7, "item: #DIV/0!"), (8, "item: #DIV/0!"), (1, "none"),
    ]  # fmt: skip
    assert [(s.number, s.label) for s in document.spans if s.kind == "sheet"] == [
        (1, "Stock"), (3, "Fees")
    ]  # fmt: skip
    assert document.warnings == ("hidden sheets were left out: Old",)


def test_an_ods_that_claims_a_full_sheet_is_quick() -> None:
    def rows(count: int) -> str:
        return f'table:number-rows-repeated="{count}"'

    far = 'table:number-columns-repeated="16384"'
    body = (
        f"<table:table>{row(cell('seen'), f'<table:table-cell {far}/>')}"
        f"{row(f'<table:table-cell {far}/>', attributes=rows(1048574))}"
        f"{row(cell('last'))}{row(cell('x'), attributes=rows(900000))}"
        "</table:table>"
    )
    began = time.process_time()
    document = load(odf("spreadsheet", body), "a.ods")
    assert time.process_time() - began < 5
    assert stretches(document, "row")[:2] == [(1, "seen"), (1_048_576, "last")]
    assert "repeated 900000 times; 1000 of them" in document.warnings[0]


def test_an_odt_that_repeats_its_cells_a_million_times_is_bounded() -> None:
    many = 'table:number-columns-repeated="1000000"'
    rows = row(cell("x", many), attributes='table:number-rows-repeated="1000000"')
    assert len(load(odf("text", f"<table:table>{rows}</table:table>"), "a.odt").text) < 100_000


def test_an_encrypted_opendocument_is_invalid() -> None:
    manifest = "<manifest:manifest xmlns:manifest='m'><manifest:encryption-data/>"
    data = odf("text", "<text:p>x</text:p>", **{"META-INF__manifest": manifest})
    with pytest.raises(InvalidFile, match="encrypted with a password"):
        load(data, "a.odt")


@pytest.mark.parametrize("name", ["a.odt", "a.ods", "a.odp"])
def test_an_opendocument_without_content_is_invalid(name: str) -> None:
    kind = {"a.odt": "text", "a.ods": "spreadsheet", "a.odp": "presentation"}[name]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", MEDIA + kind)
    with pytest.raises(InvalidFile, match="its content is missing"):
        load(out.getvalue(), name)


def test_opendocument_entities_are_not_expanded() -> None:
    body = "<text:p>x&a;&f;y</text:p>"
    data = odf("text", body)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml").decode()
    doctype = '<!DOCTYPE d [<!ENTITY a "boom"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", MEDIA + "text")
        archive.writestr("content.xml", doctype + content)
    text = load(out.getvalue(), "a.odt").text
    assert "boom" not in text
    assert "root:" not in text
