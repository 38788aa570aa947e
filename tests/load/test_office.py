from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from filesearch.errors import InvalidFile
from filesearch.load import archives, load
from filesearch.types import Document

Promise = Callable[[Document], None]
VML = 'xmlns:v="urn:schemas-microsoft-com:vml"'


def saved(file: Any) -> bytes:
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def with_parts(data: bytes, **parts: str) -> bytes:
    """Return a container with some parts replaced or added (name with "__" for "/")."""
    out = io.BytesIO()
    added = {name.replace("__", "/") + ".xml": text for name, text in parts.items()}
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


def test_docx_footnotes_stand_at_the_end_and_deleted_text_is_gone() -> None:
    file = docx.Document()
    paragraph = file.add_paragraph("Mugs")
    for xml in (
        '<w:r {0}><w:footnoteReference w:id="2"/></w:r>',
        '<w:del {0} w:id="9"><w:r><w:delText>old</w:delText></w:r></w:del>',
        '<w:ins {0} w:id="8"><w:r><w:t> new</w:t></w:r></w:ins>',
    ):
        paragraph._p.append(parse_xml(xml.format(nsdecls("w"))))
    notes = (
        f'<w:footnotes {nsdecls("w")}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>And plates.</w:t></w:r></w:p></w:footnote>'
        "</w:footnotes>"
    )
    data = with_parts(saved(file), word__footnotes=notes)
    assert load(data, "a.docx").text == "Mugs[2] new\n\n[2] And plates."


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
        "Fees\nNone at all.\nitem | fee\nmug | 2\nNotes: Say it slowly.",
    ]
    assert [s.number for s in document.spans if s.kind == "slide"] == [1, 2]


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
