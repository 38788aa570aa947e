"""The sample documents and the questions on them belong together, and can be made again."""

import functools
import importlib.util
import json
import re
import sys
import types
from collections import Counter
from pathlib import Path

import docx
import pptx
import pypdf
import pytest

from filesearch import FileSearch

ROOT = Path(__file__).parent.parent
SAMPLE_DOCS = ROOT / "sample_docs"
QUESTIONS = [
    json.loads(line)
    for line in (SAMPLE_DOCS / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
FILES = sorted(
    path for path in SAMPLE_DOCS.iterdir() if path.name not in ("questions.jsonl", ".fsearchignore")
)


def squeeze(text):
    """Join hyphenated line ends, then drop all white space: lines wrap where they like."""
    return re.sub(r"\s+", "", re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text))


@functools.cache
def pages_of(path):
    """Return the squeezed text of each page or slide; one entry where a format has no pages."""
    if path.suffix == ".pdf":
        pages = [page.extract_text() for page in pypdf.PdfReader(path).pages]
    elif path.suffix == ".docx":
        document = docx.Document(path)
        cells = [c.text for table in document.tables for row in table.rows for c in row.cells]
        pages = ["\n".join([*(p.text for p in document.paragraphs), *cells])]
    elif path.suffix == ".pptx":
        pages = [
            "\n".join(
                shape.text_frame.text
                for shape in [*slide.shapes, *slide.notes_slide.placeholders]
                if shape.has_text_frame
            )
            for slide in pptx.Presentation(path).slides
        ]
    else:
        pages = [path.read_text(encoding="utf-8")]
    return [squeeze(page) for page in pages]


@functools.cache
def script() -> types.ModuleType:
    path = ROOT / "scripts" / "make_sample_docs.py"
    spec = importlib.util.spec_from_file_location("make_sample_docs", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def test_there_are_thirty_questions_in_two_languages():
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS) == 30
    assert Counter(question["language"] for question in QUESTIONS) == {"en": 22, "zh": 8}


def test_every_format_is_present_and_every_file_is_small():
    suffixes = {".md", ".txt", ".html", ".pdf", ".docx", ".pptx", ".csv", ".jsonl", ".py"}
    assert {path.suffix for path in FILES} == suffixes
    assert all(path.stat().st_size < 150_000 for path in FILES)


def test_every_file_is_asked_about():
    assert {question["file"] for question in QUESTIONS} == {path.name for path in FILES}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_the_answer_stands_in_the_named_file_on_the_named_page_and_in_no_other_file(question):
    holders = {
        (path.name, number)
        for path in FILES
        for number, page in enumerate(pages_of(path), start=1)
        if squeeze(question["answer"]) in page
    }
    assert holders == {(question["file"], question["page"] or 1)}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_a_page_is_named_exactly_where_the_format_has_pages(question):
    assert (question["page"] is not None) == question["file"].endswith((".pdf", ".pptx"))


def test_a_pdf_breaks_at_least_one_word_over_a_line_end():
    texts = [
        page.extract_text() for page in pypdf.PdfReader(SAMPLE_DOCS / "kilnwatch-manual.pdf").pages
    ]
    assert any(re.search(r"[a-z]-\n[a-z]", text) for text in texts)


@pytest.mark.parametrize(
    "name", ["board-minutes.docx", "clay-supply-agreement.docx", "open-day.pptx"]
)
def test_the_script_makes_the_office_files_again(name, tmp_path):
    stem, suffix = name.split(".")
    make = script().make_docx if suffix == "docx" else script().make_pptx
    make(stem, tmp_path)
    first = (tmp_path / name).read_bytes()
    make(stem, tmp_path)
    assert (tmp_path / name).read_bytes() == first
    assert pages_of(tmp_path / name) == pages_of(SAMPLE_DOCS / name)


@pytest.mark.parametrize("name", ["annual-report-2025", "kilnwatch-manual", "yaolu-anquan"])
def test_the_script_makes_the_pdfs_again(name, tmp_path):
    pytest.importorskip("reportlab", reason="reportlab is not installed: pip install reportlab")
    script().make_pdf(name, tmp_path, chinese=name == "yaolu-anquan")
    assert pages_of(tmp_path / f"{name}.pdf") == pages_of(SAMPLE_DOCS / f"{name}.pdf")


def test_the_readme_says_what_its_question_is_answered(tmp_path):
    """Three dots stand for what it leaves out."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [question] = re.findall(r'answer = fs\.ask\("(How long .+)"\)', readme)
    [said] = re.findall(r"print\(answer\.text\)  # (.+)", readme)
    with FileSearch(tmp_path / "index") as fs:
        fs.ingest(SAMPLE_DOCS)
        answer = fs.ask(question).text
    assert re.fullmatch(".*".join(map(re.escape, said.split("..."))), answer)
