"""What holds for any bytes: a Document that keeps its promises, or one of two errors."""

from __future__ import annotations

import io
from collections.abc import Callable

import docx
import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.clean import clean_text
from filesearch.types import Document

Promise = Callable[[Document], None]
lenient = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
readable = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n\r"), min_size=1
)
EXTENSIONS = (".txt", ".md", ".rst", ".tex", ".py", ".csv", ".tsv", ".json", ".jsonl", ".html", "")


def load_or_refuse(data: bytes, filename: str, keeps_promises: Promise) -> None:
    try:
        document = load(data, filename)
    except (InvalidFile, UnsupportedFile) as error:
        assert repr(filename) in str(error)  # noqa: PT017 - either outcome is right
    else:
        keeps_promises(document)


@lenient
@given(data=st.binary(max_size=300))
@example(data=b"\xff\xfe\x00\xd8")
@example(data=b"\x00\xd8")
@example(data=b"= \xcc\xb8")
def test_any_bytes_are_loaded_or_refused(data: bytes, keeps_promises: Promise) -> None:
    load_or_refuse(data, "x.txt", keeps_promises)


@lenient
@given(text=readable)
def test_any_text_in_utf8_comes_back_cleaned(text: str) -> None:
    cleaned = clean_text(text)
    if cleaned.strip():
        assert load(text.encode(), "x.txt").text == cleaned


@lenient
@given(text=st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@lenient
@given(text=readable, extension=st.sampled_from(EXTENSIONS))
def test_any_text_under_any_name_keeps_the_promises(
    text: str, extension: str, keeps_promises: Promise
) -> None:
    load_or_refuse(text.encode(), "x" + extension, keeps_promises)


_MARKUP = ["# a", "## b", "- c", "---", "===", "```", "a,b", "1;2", "<h1>x</h1>", "<p>", "<table>",
           "<tr><td>1<td>2", "</table>", "<ul><li>", '{"a": [1]}', "def f():", "class A:",
           "  def g():",            "\\section{x}", "", "~~~", "words"]  # fmt: skip


@lenient
@given(lines=st.lists(st.sampled_from(_MARKUP)), extension=st.sampled_from(EXTENSIONS))
def test_any_markup_keeps_the_promises(
    lines: list[str], extension: str, keeps_promises: Promise
) -> None:
    load_or_refuse("\n".join(lines).encode(), "x" + extension, keeps_promises)


@pytest.fixture(scope="module")
def office_files() -> dict[str, bytes]:
    document, book = docx.Document(), openpyxl.Workbook()
    document.add_heading("Head", 1)
    document.add_table(rows=1, cols=2).rows[0].cells[0].text = "cell"
    book.active.append(["a", "b"])
    found = {}
    for name, file in (("x.docx", document), ("x.xlsx", book)):
        out = io.BytesIO()
        file.save(out)
        found[name] = out.getvalue()
    return found


@settings(lenient, max_examples=40)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_damaged_files_are_loaded_or_refused(
    changes: list[tuple[float, int]],
    office_files: dict[str, bytes],
    make_pdf: Callable[..., bytes],
    keeps_promises: Promise,
) -> None:
    files = {**office_files, "x.pdf": make_pdf([["One."], ["Two."]], outline=[("One", 1)])}
    for filename, data in files.items():
        damaged = bytearray(data)
        for place, value in changes:
            damaged[int(place * len(damaged))] = value
        load_or_refuse(bytes(damaged), filename, keeps_promises)
