from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI

from filesearch.errors import InvalidFile
from filesearch.load import LoadOptions, load
from filesearch.load.containers import archives
from filesearch.load.options import MAX_DEPTH
from filesearch.types import Document

Promise = Callable[[Document], None]
W = nsdecls("w")
A = nsdecls("a")
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
APP = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
VML = 'xmlns:v="urn:schemas-microsoft-com:vml"'


def saved(file: Any) -> bytes:
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def with_parts(data: bytes, **parts: str) -> bytes:
    """Return a container with some parts replaced or added (name with "__" for "/")."""
    out = io.BytesIO()
    named = ((name.replace("__", "/"), text) for name, text in parts.items())
    added = {name if "." in name else name + ".xml": text for name, text in named}
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name not in added:
                new.writestr(name, old.read(name))
        for name, text in added.items():
            new.writestr(name, text)
    return out.getvalue()


def test_docx_headings_lists_and_tables_are_read_in_order(keeps_promises: Promise) -> None:
    file = docx.Document()
    file.core_properties.title = "Handbook"
    file.add_heading("Returns", 1)
    file.add_paragraph("Mugs can go back.")
    file.add_paragraph("Keep the receipt", style="List Bullet")
    table = file.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["item", "fee", "mug", "2"], strict=True):
        cell.text = text
    file.add_heading("Fees", 2)
    file.add_paragraph("None.")
    document = load(saved(file), "a.docx")
    keeps_promises(document)
    assert document.title == "Handbook"
    assert [line for line in document.text.split("\n") if line] == [
        "Returns", "Mugs can go back.", "- Keep the receipt", "item | fee", "mug | 2",
        "Fees", "None.",
    ]  # fmt: skip
    assert [(s.kind, s.number, s.label) for s in document.spans] == [
        ("heading", 1, "Returns"), ("table", 1, ""), ("row", 1, ""), ("row", 2, ""),
        ("heading", 2, "Fees"),
    ]  # fmt: skip


def test_docx_heading_styles_are_known_by_outline_level_and_parent() -> None:
    file = docx.Document()
    style = file.styles.add_style("Kapitel", 1)
    style.base_style = file.styles["Heading 2"]
    file.add_paragraph("Im Kapitel", style="Kapitel")
    paragraph = file.add_paragraph("By level")
    paragraph._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="2"/>'))
    spans = load(saved(file), "a.docx").spans
    assert [(s.number, s.label) for s in spans] == [(2, "Im Kapitel"), (3, "By level")]


def test_docx_text_boxes_are_read_once() -> None:
    file = docx.Document()
    run = file.add_paragraph("Before ").add_run("the box")
    box = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>"
    run._r.append(
        parse_xml(
            f"<mc:AlternateContent {nsdecls('w')} {VML} "
            'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
            f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>'
            "</mc:AlternateContent>"
        )
    )
    assert load(saved(file), "a.docx").text == "Before the box\nIn the box"


def test_docx_nested_tables_join_their_cell(keeps_promises: Promise) -> None:
    file = docx.Document()
    cell = file.add_table(rows=1, cols=2).rows[0].cells[0]
    cell.text = "outer"
    cell.add_table(rows=1, cols=1).rows[0].cells[0].text = "inner"
    file.tables[0].rows[0].cells[1].text = "right"
    document = load(saved(file), "a.docx")
    keeps_promises(document)
    assert document.text == "outer inner | right"


def docx_of(body: str, **parts: str) -> bytes:
    """Return a docx whose body is `body`, with some parts of the default template replaced."""
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return with_parts(saved(docx.Document()), word__document=document, **parts)


def p(text: str, style: str = "", more: str = "") -> str:
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{properties}{more}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def tbl(*rows: str) -> str:
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


def tr(*cells: str, more: str = "") -> str:
    return f"<w:tr>{more}{''.join(cells)}</w:tr>"


def tc(text: str, more: str = "") -> str:
    return f"<w:tc><w:tcPr>{more}</w:tcPr>{p(text) if text else '<w:p/>'}</w:tc>"


def stretches(document: Document, kind: str) -> list[tuple[int, str]]:
    return [(s.number, document.text[s.start : s.end]) for s in document.spans if s.kind == kind]


NOTES = (
    f'<w:footnotes {W}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
    f'<w:footnote w:id="2">{p("And plates.")}</w:footnote>'
    f'<w:footnote w:id="3">{p("Gone with its mark.")}</w:footnote>'
    f'<w:footnote w:id="4">{p("Never pointed at.")}</w:footnote></w:footnotes>'
)


def test_docx_notes_follow_their_paragraph_and_deleted_text_is_gone() -> None:
    body = (
        '<w:p><w:r><w:t>Mugs</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r>'
        '<w:del w:id="9"><w:r><w:delText>old</w:delText><w:footnoteReference w:id="3"/></w:r>'
        '</w:del><w:ins w:id="8"><w:r><w:t> new</w:t></w:r></w:ins>'
        '<w:moveFrom w:id="7"><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>' + p("Next.")
    )
    document = load(docx_of(body, word__footnotes=NOTES), "a.docx")
    assert document.text.split("\n") == [
        "Mugs[1] new", "[1] And plates.", "Next.", "Never pointed at."
    ]  # fmt: skip


def test_docx_notes_in_a_table_follow_the_table() -> None:
    cell = '<w:tc><w:p><w:r><w:t>mug</w:t><w:footnoteReference w:id="2"/></w:r></w:p></w:tc>'
    data = docx_of(tbl(tr(cell, tc("2")), tr(tc("plate"), tc("3"))), word__footnotes=NOTES)
    assert load(data, "a.docx").text.startswith("mug[1] | 2\nplate | 3\n[1] And plates.")


def test_docx_comments_follow_their_paragraph() -> None:
    comments = (
        f'<w:comments {W}><w:comment w:id="5" w:author="Ada">{p("Why?")}</w:comment></w:comments>'
    )
    body = '<w:p><w:r><w:t>Free mugs.</w:t><w:commentReference w:id="5"/></w:r></w:p>'
    data = docx_of(body, word__comments=comments)
    assert load(data, "a.docx").text == "Free mugs.\nComment by Ada: Why?"


def test_docx_rows_below_a_header_carry_its_names(keeps_promises: Promise) -> None:
    header = "<w:trPr><w:tblHeader/></w:trPr>"
    data = docx_of(
        tbl(tr(tc("item"), tc("fee"), more=header), tr(tc("mug"), tc("2")), tr(tc(""), tc("3")))
    )
    document = load(data, "a.docx")
    keeps_promises(document)
    assert stretches(document, "row") == [
        (1, "item | fee"), (2, "item: mug; fee: 2"), (3, "fee: 3")
    ]  # fmt: skip


def test_docx_a_table_of_labels_and_values_has_no_header() -> None:
    data = docx_of(tbl(tr(tc("Name"), tc("Ada")), tr(tc("Age"), tc("36"))))
    assert load(data, "a.docx").text == "Name | Ada\nAge | 36"


def test_docx_figures_carry_the_year_of_their_column_and_merged_cells_repeat() -> None:
    def span(number: int) -> str:
        return f'<w:gridSpan w:val="{number}"/>'

    data = docx_of(
        tbl(
            tr(tc(""), tc("Europe", span(2)), tc("Asia", span(2))),
            tr(tc(""), tc("2023"), tc("2022"), tc("2023"), tc("2022")),
            tr(tc("Sales", '<w:vMerge w:val="restart"/>'), tc("5"), tc("4"), tc("7"), tc("6")),
            tr(tc("", "<w:vMerge/>"), tc("50%"), tc("40%"), tc("", span(2))),
        )
    )
    assert load(data, "a.docx").text.split("\n")[2:] == [
        "Sales; Europe 2023: 5; Europe 2022: 4; Asia 2023: 7; Asia 2022: 6",
        "Sales; Europe 2023: 50%; Europe 2022: 40%",
    ]


NUMBERING = (
    f'<w:numbering {W}><w:abstractNum w:abstractNumId="1">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/>'
    '<w:pStyle w:val="Heading1"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/>'
    '<w:lvlText w:val="%1.%2)"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>'
    '<w:lvlText w:val="o"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0">'
    '<w:startOverride w:val="7"/></w:lvlOverride></w:num></w:numbering>'
)


def test_docx_lists_show_their_numbers_and_bullets() -> None:
    def item(text: str, number_id: int, level: int = 0) -> str:
        where = f'<w:ilvl w:val="{level}"/><w:numId w:val="{number_id}"/>'
        return p(text, more=f"<w:numPr>{where}</w:numPr>")

    body = (
        item("one", 1) + item("in one", 1, 1) + item("too", 1, 1) + item("two", 1)
        + item("new", 1, 1) + item("dot", 2) + item("seven", 3) + item("eight", 3)
        + item("none", 0)
    )  # fmt: skip
    document = load(docx_of(body, word__numbering=NUMBERING), "a.docx")
    assert document.text.split("\n") == [
        "1. one", "  1.a) in one", "  1.b) too", "2. two", "  2.a) new", "- dot", "7. seven",
        "8. eight", "none",
    ]  # fmt: skip


def test_docx_headings_keep_their_numbers() -> None:
    more = '<w:numPr><w:numId w:val="1"/></w:numPr>'
    body = p("Scope", "Heading1", more) + p("Mugs.") + p("Terms", "Heading1", more)
    spans = load(docx_of(body, word__numbering=NUMBERING), "a.docx").spans
    assert [span.label for span in spans] == ["1. Scope", "2. Terms"]


@pytest.mark.parametrize("name", ["heading 2", "Überschrift 2", "标题 2", "Titre 2"])
def test_docx_headings_are_known_by_the_names_of_several_languages(name: str) -> None:
    styles = (
        f'<w:styles {W}><w:style w:styleId="x"><w:name w:val="{name}"/></w:style>'
        '<w:style w:styleId="y"><w:basedOn w:val="x"/></w:style></w:styles>'
    )
    spans = load(docx_of(p("Mugs", "y") + p("Round."), word__styles=styles), "a.docx").spans
    assert [(span.kind, span.number, span.label) for span in spans] == [("heading", 2, "Mugs")]


def test_docx_styles_in_a_circle_end() -> None:
    styles = (
        f'<w:styles {W}><w:style w:styleId="x"><w:basedOn w:val="y"/></w:style>'
        '<w:style w:styleId="y"><w:basedOn w:val="x"/></w:style></w:styles>'
    )
    assert load(docx_of(p("Mugs", "y"), word__styles=styles), "a.docx").text == "Mugs"


def test_docx_headers_and_footers_stand_once_at_the_end_without_page_numbers() -> None:
    file = docx.Document()
    file.add_heading("Mugs", 1)
    file.add_paragraph("Round.")
    for section in (file.sections[0], file.add_section()):
        section.header.is_linked_to_previous = section.footer.is_linked_to_previous = False
        section.header.paragraphs[0].text = "Handbook"
        section.footer.paragraphs[0]._p.append(
            parse_xml(f'<w:fldSimple {W} w:instr=" PAGE "><w:r><w:t>17</w:t></w:r></w:fldSimple>')
        )
    document = load(saved(file), "a.docx")
    assert document.text == "Mugs\nRound.\n\nHeader: Handbook"
    assert stretches(document, "heading") == [(1, "Mugs\nRound.")]


def test_docx_field_codes_and_hidden_text_are_left_out() -> None:
    body = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        '<w:r><w:instrText>HYPERLINK "https://example.org"</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:hyperlink>'
        '<w:r><w:t>the shop</w:t></w:r></w:hyperlink><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t> secret</w:t></w:r></w:p>"
    )
    document = load(docx_of(body), "a.docx")
    assert document.text == "the shop"
    assert document.warnings == ("text that is formatted as hidden was left out",)


def test_docx_content_controls_and_symbols_are_read() -> None:
    body = (
        f"<w:sdt><w:sdtPr/><w:sdtContent>{p('In a control')}{tbl(tr(tc('a'), tc('b')))}"
        "</w:sdtContent></w:sdt><w:p><w:sdt><w:sdtContent><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t>"
        '<w:noBreakHyphen/><w:sym w:char="F0B7"/></w:r></w:sdtContent></w:sdt></w:p>'
    )
    assert load(docx_of(body), "a.docx").text == "In a control\n\na | b\na\tb\u2011•"


def pages_of(count: int) -> str:
    return f'<Properties xmlns="{APP}"><Pages>{count}</Pages></Properties>'


def test_docx_pages_are_those_that_word_laid_out_if_it_counted_as_many() -> None:
    new_page = "<w:r><w:lastRenderedPageBreak/>"
    body = (
        p("First page.") + f"<w:p><w:r><w:t>Still first. </w:t></w:r>{new_page}<w:t>Second.</w:t>"
        "</w:r></w:p>"
        + tbl(tr(tc("a"), tc("b")), tr(f"<w:tc><w:p>{new_page}<w:t>c</w:t></w:r></w:p></w:tc>"))
    )
    document = load(docx_of(body, docProps__app=pages_of(3)), "a.docx")
    assert stretches(document, "page") == [
        (1, "First page.\nStill first. "), (2, "Second.\n\na | b\n"), (3, "c")
    ]  # fmt: skip
    assert stretches(load(docx_of(body, docProps__app=pages_of(4)), "a.docx"), "page") == []


def test_docx_diagrams_are_read() -> None:
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="d1" Type="x/diagramData" Target="diagrams/data1.xml"/></Relationships>'
    )
    diagram = f"<d:dataModel xmlns:d='d' {A}><a:p><a:r><a:t>Wash</a:t></a:r></a:p></d:dataModel>"
    ids = f'<d:relIds xmlns:d="d" xmlns:r="{R}" r:dm="d1"/>'
    body = f"<w:p><w:r><w:drawing>{ids}</w:drawing></w:r></w:p>"
    parts = {"word___rels__document.xml.rels": relations, "word__diagrams__data1": diagram}
    assert load(docx_of(body, **parts), "a.docx").text == "Wash"


def test_docx_embedded_files_are_read_as_deep_as_containers_may_stand() -> None:
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="c1" Type="x/aFChunk" Target="chunk.html"/></Relationships>'
    )
    parts = {
        "word___rels__document.xml.rels": relations,
        "word__chunk.html": "<h2>Fees</h2><p>None.</p>",
    }
    data = docx_of(p("Mugs") + f'<w:altChunk xmlns:r="{R}" r:id="c1"/>', **parts)
    assert load(data, "a.docx").text == "Mugs\n\nFees\n\nNone."
    deep = load(data, "a.docx", LoadOptions(depth=MAX_DEPTH))
    assert deep.text == "Mugs"
    assert "too deep" in deep.warnings[0]


def test_docx_no_word_is_lost(keeps_promises: Promise) -> None:
    """Whatever stands in w:t of the body is in the text, tables in tables in boxes included."""
    box = f"<w:pict><v:textbox {VML}><w:txbxContent>%s</w:txbxContent></v:textbox></w:pict>"
    inner = tbl(tr(tc("w1"), f"<w:tc>{tbl(tr(tc('w2')))}{p('w3')}</w:tc>"))
    body = (
        p("w4") + f"<w:p><w:r><w:t>w5</w:t>{box % (p('w6') + inner)}</w:r></w:p>"
        + tbl(tr(f"<w:tc><w:p><w:r>{box % p('w7')}</w:r></w:p></w:tc>", tc("w8")))
        + f"<w:p><w:r>{tbl(tr(tc('w9')))}</w:r><w:smartTag><w:r><w:t>w10</w:t></w:r></w:smartTag>"
        "</w:p>"
    )  # fmt: skip
    document = load(docx_of(body), "a.docx")
    keeps_promises(document)
    words = re.findall(r"w\d+", document.text)
    assert sorted(words) == sorted(f"w{n}" for n in range(1, 11))


def test_docx_entities_are_not_expanded() -> None:
    body = (
        '<!DOCTYPE d [<!ENTITY a "boom"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        f"<w:document {nsdecls('w')}><w:body><w:p><w:r><w:t>x&a;&f;y</w:t></w:r></w:p></w:body>"
        "</w:document>"
    )
    document = load(with_parts(saved(docx.Document()), word__document=body), "a.docx")
    assert "boom" not in document.text
    assert "root:" not in document.text


def test_pptx_slides_titles_tables_and_notes_are_read(keeps_promises: Promise) -> None:
    file = pptx.Presentation()
    for title, body in (("Returns", "Mugs can go back."), ("Fees", "None at all.")):
        slide = file.slides.add_slide(file.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    table = slide.shapes.add_table(2, 2, 0, 0, 100, 100).table
    for i, text in enumerate(["item", "fee", "mug", "2"]):
        table.cell(i // 2, i % 2).text = text
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    document = load(saved(file), "a.pptx")
    keeps_promises(document)
    slides = [document.text[s.start : s.end] for s in document.spans if s.kind == "slide"]
    assert slides == [
        "Returns\nMugs can go back.",
        "Fees\nNone at all.\nitem | fee\nitem: mug; fee: 2\nNotes: Say it slowly.",
    ]
    assert [s.number for s in document.spans if s.kind == "slide"] == [1, 2]


def test_pptx_charts_come_as_rows_of_their_categories(keeps_promises: Promise) -> None:
    file = pptx.Presentation()
    slide = file.slides.add_slide(file.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Mugs", (4.3, 5))
    data.add_series("Plates", (2, None))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 9, 9, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sold"
    document = load(saved(file), "a.pptx")
    keeps_promises(document)
    assert document.text.split("\n") == [
        "Sold", "Mugs | Plates", "2023; Mugs: 4.3; Plates: 2", "2024; Mugs: 5"
    ]  # fmt: skip


def test_pptx_hidden_slides_are_left_out_with_a_warning() -> None:
    file = pptx.Presentation()
    for text in ("shown", "secret", "last"):
        slide = file.slides.add_slide(file.slide_layouts[6])
        slide.shapes.add_textbox(0, 0, 9, 9).text_frame.text = text
    file.slides[1]._element.set("show", "0")
    document = load(saved(file), "a.pptx")
    assert document.text == "shown\n\nlast"
    assert [s.number for s in document.spans if s.kind == "slide"] == [1, 3]
    assert document.warnings == ("hidden slides were left out: 2",)


def test_pptx_a_slide_without_text_leaves_no_trace(keeps_promises: Promise) -> None:
    file = pptx.Presentation()
    file.slides.add_slide(file.slide_layouts[5]).shapes.title.text = "Mugs"
    file.slides.add_slide(file.slide_layouts[6])
    document = load(saved(file), "a.pptx")
    keeps_promises(document)
    assert [(s.kind, s.number, s.label) for s in document.spans] == [
        ("slide", 1, "Mugs"), ("heading", 1, "Mugs")
    ]  # fmt: skip


def test_pptx_merged_cells_are_understood() -> None:
    file = pptx.Presentation()
    slide = file.slides.add_slide(file.slide_layouts[6])
    table = slide.shapes.add_table(3, 3, 0, 0, 100, 100).table
    for i, text in enumerate(["item", "fee", "", "mug", "2", "3", "", "4", "5"]):
        table.cell(i // 3, i % 3).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    assert load(saved(file), "a.pptx").text.split("\n") == [
        "item | fee", "item: mug; fee: 2; fee: 3", "item: mug; fee: 4; fee: 5"
    ]  # fmt: skip


def test_pptx_comments_are_read_old_and_new() -> None:
    file = pptx.Presentation()
    slide = file.slides.add_slide(file.slide_layouts[6])
    slide.shapes.add_textbox(0, 0, 9, 9).text_frame.text = "Mugs"
    for number, cm in enumerate(("<p:text>Old?</p:text>", f"<a:p {A}><a:t>New?</a:t></a:p>")):
        xml = f'<p:cmLst xmlns:p="p"><p:cm>{cm}</p:cm></p:cmLst>'.encode()
        name = PackURI(f"/ppt/comments/comment{number}.xml")
        slide.part.relate_to(Part(name, "text/xml", file.part.package, xml), "x/comments")
    assert load(saved(file), "a.pptx").text == "Mugs\nComment: Old?\nComment: New?"


def test_pptx_grouped_shapes_and_untitled_slides_are_read(keeps_promises: Promise) -> None:
    file = pptx.Presentation()
    slide = file.slides.add_slide(file.slide_layouts[6])
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 10, 10).text_frame.text = "In a group"
    document = load(saved(file), "a.pptx")
    keeps_promises(document)
    assert document.text == "In a group"
    assert {s.label for s in document.spans if s.kind == "heading"} <= {"Slide 1"}


@pytest.mark.parametrize("filename", ["a.docx", "a.pptx", "a.xlsx"])
def test_a_truncated_container_is_invalid(filename: str) -> None:
    data = saved(docx.Document())
    with pytest.raises(InvalidFile, match="not a whole zip container"):
        load(data[: len(data) // 2], filename)


def test_an_empty_document_is_invalid() -> None:
    with pytest.raises(InvalidFile, match=r"'a\.docx' is empty"):
        load(saved(docx.Document()), "a.docx")


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 60_000_000)
    with pytest.raises(InvalidFile, match="zip bomb"):
        load(out.getvalue(), "a.docx")


def test_a_container_too_large_unpacked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(InvalidFile, match="unpacks to"):
        load(saved(docx.Document()), "a.docx")
