"""Row attributes: what rows say by their columns, and filters that choose among rows."""

from __future__ import annotations

import csv
import io
import json
import random
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from filesearch.chunk import row_sections
from filesearch.cli import cli
from filesearch.filters import compile_filter
from filesearch.load import LoadOptions, load
from filesearch.load.media_types import PDF, XLSX
from filesearch.prepare import prepare_document, table_rows
from filesearch.row_attributes import read_row_attributes
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings, Document, Span

WARES = "mug bowl plate vase jug teapot".split()


def table(*rows):
    """The text of a csv."""
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def read(text, name="a.csv"):
    return read_row_attributes(load(text.encode(), name, LoadOptions()))


def wares(count=300):
    rng = random.Random(3)
    rows = [[f"W{n:03}", rng.choice(WARES), rng.randint(1, 200), n % 3 == 0] for n in range(count)]
    return [["code", "ware", "price", "sold"], *rows]


@pytest.fixture
def sheet(docs):
    (docs / "wares.csv").write_text(table(*wares()))
    return docs


def where(kind, key, value):
    return {"type": kind, "key": key, "value": value}


def rows_in(hit):
    """The values of the rows of a passage, by their column."""
    return [dict(cell.split(": ") for cell in line.split("; ")) for line in hit.text.splitlines()]


def test_each_column_has_the_one_type_of_all_its_values():
    found = read(
        table(
            ["n", "x", "ok", "day", "code", "mixed"],
            [12, 1.5, "TRUE", "2025-03-01", "007", 5],
            [-3, 2, "false", "2024-12-31", "012", "five"],
        )
    )
    assert list(found.values) == [
        {},
        {"n": 12, "x": 1.5, "ok": True, "day": "2025-03-01", "code": "007", "mixed": "5"},
        {"n": -3, "x": 2.0, "ok": False, "day": "2024-12-31", "code": "012", "mixed": "five"},
    ]


def test_a_cell_that_looks_like_two_stays_one():
    found = read(table(["name", "note", "price"], ["a", "old; name: b; price up", 1], ["c", "", 2]))
    assert list(found.values[1:]) == [
        {"name": "a", "note": "old; name: b; price up", "price": 1},
        {"name": "c", "price": 2},
    ]


def test_objects_of_json_lines_have_their_keys():
    lines = [{"id": 1, "size": {"cm": 2.5}, "text": "two\nlines"}, {"id": 2}]
    found = read("\n".join(map(json.dumps, lines)), "a.jsonl")
    assert list(found.values) == [{"id": 1, "size.cm": 2.5, "text": "two\nlines"}, {"id": 2}]


def test_numbers_of_json_are_numbers_however_they_are_written():
    found = read('{"price": 29.00, "n": 1}\n{"price": 1E2, "n": -0}\n', "a.jsonl")
    assert list(found.values) == [{"price": 29.0, "n": 1}, {"price": 100.0, "n": 0}]


def test_columns_that_cannot_be_attributes_are_named():
    names = [f"c{n}" for n in range(18)]
    found = read(table([*names, "long"], [*range(18), "x" * 513], [*range(18), "x"]))
    assert list(found.values[1]) == names[:16]
    assert found.left_out == (
        "column 'c16' is no attribute: there are 16 before it",
        "column 'c17' is no attribute: there are 16 before it",
        "column 'long' is no attribute: a value has more than 512 characters",
    )


def test_a_table_without_names_and_a_table_in_a_text_have_no_attributes():
    assert list(read(table([1, 2], [3, 4])).values) == [{}, {}]
    report = Document("n: 1; m: 2", (Span("row", 0, 10, 1),), media_type=PDF)
    assert list(read_row_attributes(report).values) == []


def test_columns_follow_a_header_of_years_and_one_below_a_title(fs, docs):
    (docs / "landings.csv").write_text("Harbour,2023,2024\nVardo,100,120\nVadso,90,95\n")
    (docs / "staff.csv").write_text("Staff\n\nTown,Old,New\nOslo,1,120\nBath,3,4\n")
    fs.ingest(docs, attributes_from_columns=True)
    [landed] = fs.search("harbour", filters=where("gt", "2024", 110))
    assert landed.text.strip() == "Harbour: Vardo; 2023: 100; 2024: 120"
    [staff] = fs.search("staff", filters=where("gt", "New", 110))
    assert staff.text.strip() == "Town: Oslo; Old: 1; New: 120"


def test_a_title_has_no_columns_of_the_table_before_it():
    text = "n | m\nn: 1; m: 2\nn: a title\nx | y\nx: 3; y: 4"
    starts = [0, 6, 17, 28, 34, len(text) + 1]
    lines = [Span("row", a, b - 1, n) for n, (a, b) in enumerate(pairwise(starts), 1)]
    spans = (*lines, Span("table", 0, 16, 1), Span("table", 28, len(text), 2))
    found = read_row_attributes(Document(text, spans, media_type=XLSX))
    assert list(found.values) == [{}, {"n": 1, "m": 2}, {}, {}, {"x": 3, "y": 4}]


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["a: 1", "語 " * 40, "x", "y  "])), min_size=1
    )
)
def test_rows_apart_share_no_chunk_and_no_window(lines):
    text, spans = "", []
    for number, (is_row, line) in enumerate(lines):
        if is_row:
            spans.append(Span("row", len(text), len(text) + len(line), number + 1))
        text += f"{line}\n"
    document = Document(text, tuple(spans))
    sections = row_sections(text, table_rows(document.spans))
    assert [sections[0][0], sections[-1][1]] == [0, len(text)]
    assert all(a[1] == b[0] for a, b in pairwise(sections))
    assert all(text[start:end].strip() for start, end in sections)
    prepared = prepare_document(
        document, "a", ChunkSettings(100, 50), HashingEmbedder(max_tokens=20), rows_apart=True
    )
    for span in spans:
        for part in (*prepared.chunks, *prepared.windows):
            if part.start < span.end and span.start < part.end:
                assert span.start <= part.start
                assert not text[span.end : max(part.end, span.end)].strip()
    starts = [chunk.start for chunk in prepared.chunks]
    ends = [chunk.end for chunk in prepared.chunks]
    assert starts == sorted(set(starts))
    assert ends == sorted(set(ends))
    assert prepared.chunk_windows[:, 0].tolist() == sorted(prepared.chunk_windows[:, 0])


@pytest.mark.parametrize(
    "spec",
    [
        where("gt", "price", 100),
        where("eq", "sold", True),
        where("lte", "code", "W050"),
        {
            "type": "and",
            "filters": [where("in", "ware", ["mug", "jug"]), where("lt", "price", 50)],
        },
        {
            "type": "or",
            "filters": [where("eq", "price", 7), where("gt", "price", 190)],
        },
    ],
)
def test_a_filter_brings_only_rows_that_satisfy_it_and_all_of_them(fs, sheet, spec):
    fs.ingest(sheet / "wares.csv", attributes_from_columns=True)
    passes = compile_filter(spec)
    names, *rows = wares()
    expected = {row[0] for row in rows if passes(dict(zip(names, row, strict=True)))}
    hits = fs.search("mug bowl plate vase jug teapot", filters=spec, top_k=1000)
    found = [row["code"] for hit in hits for row in rows_in(hit)]
    assert sorted(found) == sorted(expected)


def test_a_filter_looks_at_the_row_and_at_its_file(fs, sheet):
    fs.ingest(sheet, attributes={"year": 2025, "price": 1000}, attributes_from_columns=True)
    both = {"type": "and", "filters": [where("eq", "year", 2025), where("lt", "price", 5)]}
    hits = fs.search("mug kiln studio", filters=both, top_k=50)
    assert hits
    assert all(int(row["price"]) < 5 for hit in hits for row in rows_in(hit))
    others = fs.search("mug kiln studio", filters=where("eq", "price", 1000), top_k=50)
    assert {hit.filename for hit in others} >= {"mugs.md", "kiln.txt", "staff.md"}
    assert all("price: " not in hit.text for hit in others)


def test_without_being_asked_for_columns_are_no_attributes(fs, sheet):
    fs.ingest(sheet)
    assert fs.search("mug", filters=where("gt", "price", 100)) == []
    [record] = [record for record in fs.files() if record.filename == "wares.csv"]
    assert record.chunk_count < 30


def test_asking_later_cuts_the_table_anew_and_not_asking_leaves_it(fs, sheet):
    fs.ingest(sheet)
    asked = fs.ingest(sheet, attributes_from_columns=True)
    assert [outcome.filename for outcome in asked.updated] == ["wares.csv"]
    assert len(fs.ingest(sheet).unchanged) == 4
    assert len(fs.ingest(sheet, attributes_from_columns=True).unchanged) == 4
    back = fs.ingest(sheet, attributes_from_columns=False)
    assert [outcome.filename for outcome in back.updated] == ["wares.csv"]


def test_rows_stay_apart_through_rebuild_and_compact(fs, sheet):
    fs.ingest(sheet, attributes_from_columns=True)
    fs.ingest_documents([])
    before = fs.search("mug", filters=where("gt", "price", 190), top_k=50)
    assert before
    fs.rebuild()
    fs.compact()
    assert fs.verify().damages == ()
    after = fs.search("mug", filters=where("gt", "price", 190), top_k=50)
    assert {(hit.start, hit.end) for hit in after} == {(hit.start, hit.end) for hit in before}


def test_copies_of_a_table_that_differ_in_their_files_attributes_are_told_apart(fs, sheet):
    for year, name in enumerate(("a.csv", "b.csv", "c.csv"), start=2023):
        (sheet / name).write_text(table(*wares(20)))
        fs.ingest(sheet / name, attributes={"year": year}, attributes_from_columns=True)
    both = {"type": "and", "filters": [where("eq", "year", 2025), where("gt", "price", 0)]}
    assert {hit.filename for hit in fs.search("mug", filters=both)} == {"c.csv"}


def test_the_command_line_asks_for_columns_and_hears_which_were_left_out(docs, tmp_path):
    names = [f"c{n}" for n in range(17)]
    (docs / "wide.csv").write_text(table(names, range(17), range(17)))
    index = ["--index", str(tmp_path / "index")]
    done = CliRunner().invoke(cli, ["ingest", str(docs), *index, "--attr-from-columns"])
    assert done.exit_code == 0, done.output
    assert "wide.csv: column 'c16' is no attribute" in done.output
    query = ["search", "c1", *index, "--json", "--filter"]
    found = CliRunner().invoke(cli, [*query, '{"type": "gt", "key": "c1", "value": 0}'])
    assert sorted(hit["rows"] for hit in json.loads(found.stdout)) == [[2, 2], [3, 3]]
