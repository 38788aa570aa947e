#!/usr/bin/env python3
"""Make the pdf, docx and pptx files of sample_docs/. All its texts are ours, Apache-2.0.

scripts/sample_docs_text/*.md -> sample_docs/*.pdf, *.docx, *.pptx. The same source gives the same
text every time, and with the same library versions the same bytes: dates are fixed.

    pip install reportlab        # BSD; python-docx and python-pptx come with filesearch
    python scripts/make_sample_docs.py [FOLDER]      # default: sample_docs/

The sources use a few marks: `#` and `##` headings, `- ` list items, `| a | b |` table rows (the
first is the head), `===` a new page or slide, `> ` speaker notes, `~` a soft hyphen. The Chinese
PDF uses Adobe's STSong-Light, which is not embedded: readers bring their own Chinese font.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import escape

import docx
import pptx
from docx.shared import Pt

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

SOURCES = Path(__file__).parent / "sample_docs_text"
SAMPLE_DOCS = Path(__file__).parent.parent / "sample_docs"
ENGLISH_PDFS = ("annual-report-2025", "kilnwatch-manual")
CHINESE_PDFS = ("yaolu-anquan",)
DOCX = ("board-minutes", "clay-supply-agreement")
PPTX = ("open-day",)
FIXED_TIME = datetime(2026, 3, 20, 12, 0, 0)
AUTHOR = "Heron Lane Pottery"
SOFT_HYPHEN = "\N{SOFT HYPHEN}"


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a source.

    Attributes:
        kind: What it is; `title` is a `#` heading, `item` one entry of a list.
        text: Its words on one line; empty for a table.
        rows: The cells of a table, head first; empty for all other kinds.
    """

    kind: Literal["title", "heading", "text", "item", "notes", "table"]
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


MARKS: tuple[tuple[str, Literal["heading", "title", "item", "notes"]], ...] = (
    ("## ", "heading"),
    ("# ", "title"),
    ("- ", "item"),
    ("> ", "notes"),
)


def read_source(name: str) -> list[list[Block]]:
    """Return the pages (or slides) of `name`.md, each a list of blocks; never empty.

    A source's wrapped lines are joined by a space, Chinese ones are not wrapped.
    """
    source = (SOURCES / f"{name}.md").read_text(encoding="utf-8").replace("~", SOFT_HYPHEN)
    return [_read_page(page) for page in source.split("\n===\n")]


def _read_page(page: str) -> list[Block]:
    blocks: list[Block] = []
    joining = False  # the next plain line continues the block before it
    for line in page.splitlines():
        if line.startswith("|"):
            row = tuple(cell.strip() for cell in line.strip("|").split("|"))
            above = blocks.pop().rows if blocks[-1].kind == "table" else ()
            blocks.append(Block("table", rows=(*above, row)))
            joining = False
            continue
        mark = next(((m, kind) for m, kind in MARKS if line.startswith(m)), None)
        if mark:
            blocks.append(Block(mark[1], line.removeprefix(mark[0])))
            joining = mark[1] in ("item", "notes")
        elif not line.strip():
            joining = False
        elif joining:
            blocks[-1] = Block(blocks[-1].kind, f"{blocks[-1].text} {line}")
        else:
            blocks.append(Block("text", line))
            joining = True
    return blocks


def make_docx(name: str, target: Path) -> None:
    """Write `name`.docx into the folder `target`: headings, paragraphs, lists and tables."""
    document = docx.Document()
    document.styles["Normal"].font.name = "Georgia"
    document.styles["Normal"].font.size = Pt(10.5)
    for block in read_source(name)[0]:
        if block.kind == "title":
            document.add_heading(block.text, level=0)
        elif block.kind == "heading":
            document.add_heading(block.text, level=1)
        elif block.kind == "item":
            document.add_paragraph(block.text, style="List Bullet")
        elif block.kind == "table":
            table = document.add_table(rows=0, cols=len(block.rows[0]), style="Light Grid Accent 1")
            for row in block.rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
            document.add_paragraph()
        else:
            document.add_paragraph(block.text)
    _save_office(document, read_source(name)[0][0].text, target / f"{name}.docx")


def make_pptx(name: str, target: Path) -> None:
    """Write `name`.pptx into the folder `target`: one slide a page, with its notes."""
    deck = pptx.Presentation()
    for number, page in enumerate(read_source(name), start=1):
        slide = deck.slides.add_slide(deck.slide_layouts[0 if number == 1 else 1])
        slide.shapes.title.text = page[0].text
        body = [block.text for block in page if block.kind in ("item", "text")]
        slide.placeholders[1].text = "\n".join(body)
        slide.notes_slide.notes_text_frame.text = next(b.text for b in page if b.kind == "notes")
    _save_office(deck, read_source(name)[0][0].text, target / f"{name}.pptx")


def _save_office(package: Any, title: str, path: Path) -> None:
    """Save with fixed dates, also inside the zip archive, where the libraries write today's."""
    properties = package.core_properties
    properties.title, properties.author, properties.last_modified_by = title, AUTHOR, AUTHOR
    properties.created = properties.modified = FIXED_TIME
    properties.comments, properties.revision = "", 1
    raw = io.BytesIO()
    package.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as archive:
        for old in source.infolist():
            entry = zipfile.ZipInfo(old.filename, FIXED_TIME.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, source.read(old))


def make_pdf(name: str, target: Path, *, chinese: bool) -> None:
    """Write `name`.pdf into the folder `target`, with a running head and page numbers.

    Raises:
        ImportError: reportlab is not installed.
        ValueError: A page of the source does not fit on one page of paper.
    """
    from reportlab.lib.pagesizes import A5  # type: ignore[import-untyped]
    from reportlab.lib.units import mm  # type: ignore[import-untyped]
    from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # type: ignore[import-untyped]
    from reportlab.platypus import PageBreak, SimpleDocTemplate  # type: ignore[import-untyped]

    if chinese:
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    pages = read_source(name)
    title = pages[0][0].text
    font = "STSong-Light" if chinese else "Times-Roman"

    def draw_frame(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.setFont(font, 8.5)
        number = (
            f"第 {document.page} 页，共 {len(pages)} 页"
            if chinese
            else (f"Page {document.page} of {len(pages)}")
        )
        canvas.drawString(17 * mm, A5[1] - 12 * mm, title)
        canvas.drawCentredString(A5[0] / 2, 9 * mm, number)
        canvas.setLineWidth(0.4)
        canvas.line(17 * mm, A5[1] - 14 * mm, A5[0] - 17 * mm, A5[1] - 14 * mm)

    story: list[Any] = []
    for page in pages:
        story += [*([PageBreak()] if story else []), *_pdf_flow(page, font, chinese=chinese)]
    document = SimpleDocTemplate(
        str(target / f"{name}.pdf"),
        pagesize=A5,
        leftMargin=17 * mm,
        rightMargin=17 * mm,
        topMargin=21 * mm,
        bottomMargin=17 * mm,
        title=title,
        author=AUTHOR,
        invariant=1,
    )
    document.build(story, onFirstPage=draw_frame, onLaterPages=draw_frame)
    if document.page != len(pages):
        raise ValueError(f"{name} fills {document.page} pages, not {len(pages)}: shorten a page")


def _pdf_flow(page: Sequence[Block], font: str, *, chinese: bool) -> list[Any]:
    """Return reportlab's flowables for one page of blocks."""
    from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
    from reportlab.lib.enums import TA_JUSTIFY  # type: ignore[import-untyped]
    from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
    from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

    wrap = {"wordWrap": "CJK"} if chinese else {"embeddedHyphenation": 1}
    bold = font if chinese else "Times-Bold"
    text = ParagraphStyle("text", fontName=font, fontSize=10, leading=13.5, spaceAfter=6, **wrap)
    styles = {
        "text": text if chinese else ParagraphStyle("prose", text, alignment=TA_JUSTIFY),
        "title": ParagraphStyle(
            "title", text, fontName=bold, fontSize=16, leading=20, spaceAfter=8
        ),
        "heading": ParagraphStyle(
            "heading", text, fontName=bold, fontSize=12, leading=15, spaceBefore=5, spaceAfter=4
        ),
        "item": ParagraphStyle(
            "item",
            text,
            leftIndent=12,
            bulletFontName=font,
            bulletFontSize=6 if chinese else 10,
            spaceAfter=3,
        ),
    }
    cell = ParagraphStyle("cell", text, fontSize=9, leading=11, spaceAfter=0)
    head = ParagraphStyle("head", cell, fontName=bold)
    grid = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, HexColor("#444444")),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, HexColor("#AAAAAA")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    flow: list[Any] = []
    for block in page:
        if block.kind == "table":
            cells = [
                [Paragraph(escape(c), head if number == 0 else cell) for c in row]
                for number, row in enumerate(block.rows)
            ]
            flow += [Table(cells, style=grid, spaceAfter=4), Spacer(1, 6)]
        else:
            bullet = ("●" if chinese else "–") if block.kind == "item" else None
            flow.append(Paragraph(escape(block.text), styles[block.kind], bulletText=bullet))
    return flow


def main(arguments: Sequence[str]) -> None:
    """Write every file into the folder given as the first argument, or into sample_docs/."""
    target = Path(arguments[0]) if arguments else SAMPLE_DOCS
    target.mkdir(parents=True, exist_ok=True)
    makers: tuple[tuple[Sequence[str], Callable[[str], None]], ...] = (
        (DOCX, lambda name: make_docx(name, target)),
        (PPTX, lambda name: make_pptx(name, target)),
        (ENGLISH_PDFS, lambda name: make_pdf(name, target, chinese=False)),
        (CHINESE_PDFS, lambda name: make_pdf(name, target, chinese=True)),
    )
    for names, make in makers:
        for name in names:
            make(name)


if __name__ == "__main__":
    main(sys.argv[1:])
