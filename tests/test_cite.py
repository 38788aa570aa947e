"""Cite: where a stretch stands, and how an answer is handed to programs."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.cite import (
    _LastSorted,
    content_part,
    headings_beside,
    headings_within,
    locate,
    place_fields,
    place_name,
    read_place,
    strip_markers,
)
from filesearch.types import Answer, Citation, Location, Span

PAGES = (Span("page", 0, 10, 1), Span("page", 10, 20, 2), Span("page", 25, 30, 3))


def cited(text, *numbers):
    """A sentence and the numbers that it cites."""
    return text, numbers


def answer_of(*sentences):
    text, citations = "", []
    for sentence, numbers in sentences:
        text += (" " if text else "") + sentence
        for n in numbers:
            place = {"page": n, "index": len(text), "marker": f"【0:{n - 1}†source】"}
            citations.append(Citation(n, f"file-{n}", f"{n}.md", 3 * n, 3 * n + 2, "ab", **place))
    return Answer("?", text, tuple(citations))


def part_of(*sentences):
    return content_part(answer_of(*sentences))["text"]


@pytest.mark.parametrize(
    ("start", "end", "pages"),
    [
        (0, 10, (1, 1)),
        (9, 10, (1, 1)),
        (9, 11, (1, 2)),
        (10, 11, (2, 2)),
        (0, 30, (1, 3)),
        (21, 23, (None, None)),  # between the pages
        (15, 22, (2, None)),
        (28, 29, (3, 3)),
    ],
)
def test_a_stretch_lies_on_the_pages_of_its_first_and_last_character(start, end, pages):
    where = locate(PAGES, start, end)
    assert (where.page, where.end_page) == pages


def test_slides_count_as_pages_and_other_spans_do_not():
    assert locate([Span("slide", 0, 9, 4)], 0, 2).page == 4
    assert locate([Span("row", 0, 9, 4), Span("sheet", 0, 9, 1)], 0, 2).page is None


def test_headings_above_the_first_character_come_outermost_first():
    spans = (
        Span("heading", 0, 90, 1, "Handbook"),
        Span("heading", 10, 40, 2, "Returns"),
        Span("heading", 20, 30, 3, ""),
        Span("heading", 40, 90, 2, "Shipping"),
    )
    assert locate(spans, 25, 60).heading_path == ("Handbook", "Returns")
    assert locate(spans, 40, 41).heading_path == ("Handbook", "Shipping")
    assert locate(spans, 95, 96).heading_path == ()


def test_the_headings_of_a_stretch_are_those_above_it_and_those_in_it():
    outer, unnamed = Span("heading", 0, 90, 1, "Handbook"), Span("heading", 45, 60, 3, "")
    before, within = Span("heading", 10, 40, 2, "Returns"), Span("heading", 40, 90, 2, "Shipping")
    spans = (outer, before, within, unnamed)
    assert headings_within(spans, 20, 41) == (outer, before, within)
    assert headings_within(spans, 50, 60) == (outer, within)
    assert headings_within(spans, 90, 95) == ()


SHEETS = (
    Span("sheet", 0, 50, 1, "Q3"),
    Span("heading", 0, 50, 1, "Q3"),
    *(
        Span(kind, start, end, number)
        for kind, start, end, number in [
            ("table", 3, 50, 1),
            ("row", 3, 13, 1),
            ("row", 14, 30, 2),
            ("row", 31, 50, 4),  # row 3 of the sheet is empty
        ]
    ),
    Span("sheet", 52, 90, 2, ""),
    Span("table", 52, 90, 1),
    Span("row", 52, 90, 1),
)


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (14, 20, "sheet Q3, row 2"),
        (14, 50, "sheet Q3, rows 2-4"),
        (0, 30, "sheet Q3, rows 1-2"),  # begins with the heading, is mostly rows
        (0, 5, "sheet Q3"),  # mostly heading
        (30, 31, "sheet Q3"),  # between rows
        (31, 90, "sheet Q3, row 4"),  # goes on in the next sheet
        (60, 61, "sheet 2, row 1"),
    ],
)
def test_a_place_in_a_sheet_names_its_rows(start, end, place):
    assert place_name("sales.xlsx", locate(SHEETS, start, end)) == f"sales.xlsx, {place}"


@pytest.mark.parametrize(
    ("kind", "number", "place"),
    [
        ("page", 3, "a.x, page 3"),
        ("slide", 3, "a.x, slide 3"),
        ("cell", 4, "a.x, cell 4"),
        ("ocr", 87, "a.x, read by OCR, 87% sure"),
        ("row", 7, "a.x, row 7"),
        ("part", 1, "a.x › 1"),
        ("heading", 1, "a.x"),
    ],
)
def test_every_kind_of_span_has_its_words(kind, number, place):
    assert place_name("a.x", locate([Span(kind, 0, 9, number)], 2, 5)) == place


def test_a_file_within_files_is_named_with_the_page_in_it():
    spans = (
        Span("part", 0, 90, 1, "old.zip"),
        Span("heading", 0, 90, 1, "old.zip"),
        Span("part", 10, 50, 2, "docs/mugs.pdf"),
        Span("page", 20, 50, 3),
        Span("part", 50, 90, 3, "docs/bowls.pdf"),
        Span("page", 55, 90, 1),
    )
    where = locate(spans, 25, 80)
    assert place_name("box.zip", where) == "box.zip › old.zip › docs/mugs.pdf, page 3"
    assert (where.heading_path, headings_beside(where)) == (("old.zip",), ())


def test_the_least_sure_reading_counts():
    spans = [Span("ocr", 0, 9, 95), Span("ocr", 9, 20, 61), Span("ocr", 20, 30, 40)]
    assert locate(spans, 3, 20).ocr_confidence == 61
    assert locate(spans, 30, 31).ocr_confidence is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=130),
    st.integers(0, 95),
)
def test_the_headings_above_a_place_are_those_that_cover_it(stretches, position):
    """Compared with going through them all, the first time and from what was kept."""
    spans = tuple(
        Span("heading", start, start + length, 1, str(number))
        for number, (start, length) in enumerate(sorted(stretches))
    )
    expected = tuple(span.label for span in spans if span.start <= position < span.end)
    for _ in range(2):
        assert locate(spans, position, position + 1).heading_path == expected


@pytest.mark.parametrize("n_rows", [3, 1000])
def test_a_place_among_rows_is_found_without_going_through_them_again(n_rows):
    class Counted(tuple):
        walks = 0

        def __iter__(self):
            Counted.walks += 1
            return super().__iter__()

    spans = Counted(Span("row", 10 * n, 10 * n + 9, n + 1) for n in range(n_rows))
    asked = (0, 1, n_rows - 2)
    found = [locate(spans, 10 * n, 10 * n + 5).rows for n in asked]
    assert found == [(n + 1, n + 1) for n in asked]
    assert Counted.walks == 1


def test_the_spans_of_the_last_documents_stay_sorted_and_no_more_than_there_is_room_for():
    documents = [tuple(Span("page", 0, 9, n) for n in range(200)) for _ in range(3)]
    last = _LastSorted(max_spans=500)
    first_found = [last.of(spans) for spans in documents]
    # 2 was asked about before 1 when 0 comes.
    assert [last.of(documents[n]) is first_found[n] for n in (1, 0, 1, 2)] == [
        True,
        False,
        True,
        False,
    ]


def test_one_document_stays_sorted_however_many_spans_it_has():
    spans = tuple(Span("page", 0, 9, n) for n in range(200))
    last = _LastSorted(max_spans=100)
    assert last.of(spans) is last.of(spans)


def test_a_place_that_was_kept_before_there_were_rows_is_read():
    stored = {"file_id": "file-1", "page": 3, "heading_path": ["Returns"], "start": 1, "end": 2}
    assert read_place(stored) == Location(page=3, heading_path=("Returns",))


def test_a_place_comes_back_from_json_as_it_was():
    where = Location(page=2, sheet="Q3", rows=(3, 9), part_path=("a.zip",), cell=1)
    assert read_place(json.loads(json.dumps(place_fields(where)))) == where


def test_a_part_has_the_shape_of_a_message_content_part():
    part = content_part(answer_of(cited("Mugs go back.", 1)))
    assert (part["type"], sorted(part), sorted(part["text"])) == (
        "text",
        ["text", "type"],
        ["annotations", "value"],
    )
    [annotation] = part["text"]["annotations"]
    assert sorted(annotation) == ["end_index", "file_citation", "start_index", "text", "type"]
    assert annotation["type"] == "file_citation"
    assert {"file_id": "file-1", "quote": "ab"}.items() <= annotation["file_citation"].items()
    assert {"filename": "1.md", "page": 1, "start": 3, "end": 5}.items() <= annotation[
        "file_citation"
    ].items()


@pytest.mark.parametrize("seed", range(20))
def test_the_indices_of_an_annotation_cut_out_its_marker(seed):
    rng = random.Random(seed)
    words = ["退货", "😀", "👩‍👩‍👧‍👦", "mug", "é", "e\u0301", "【0:0†source】"]
    statements, number = [], 0
    for _ in range(rng.randint(1, 4)):
        numbers = [number := number + 1 for _ in range(rng.randint(0, 3))]
        statements.append(cited(" ".join(rng.choices(words, k=4)), *numbers))
    part = part_of(*statements)
    assert len(part["annotations"]) == number
    for annotation in part["annotations"]:
        cut = part["value"][annotation["start_index"] : annotation["end_index"]]
        assert cut == annotation["text"]


def test_each_citation_has_a_marker_of_its_own_and_a_repeated_one_the_same():
    part = part_of(cited("One.", 1, 2), cited("Two.", 2))
    texts = [annotation["text"] for annotation in part["annotations"]]
    assert texts == ["【0:0†source】", "【0:1†source】", "【0:1†source】"]
    starts = [annotation["start_index"] for annotation in part["annotations"]]
    assert starts == sorted(set(starts))


def test_without_its_markers_the_value_is_what_was_said():
    answer = answer_of(cited("漢字 one.", 1), cited("Own words."), cited("Two.", 2, 1))
    assert strip_markers(content_part(answer)) == "漢字 one. Own words. Two." == answer.plain_text


def test_the_text_for_people_has_a_number_at_each_place():
    answer = answer_of(cited("漢字 one.", 1), cited("Own words."), cited("Two.", 2, 1))
    assert answer.text == "漢字 one. [1] Own words. Two. [2] [1]"
    assert [citation.number for citation in answer.sources] == [1, 2]


def test_an_answer_without_citations_has_no_annotations():
    assert part_of(cited("The documents hold no answer.")) == {
        "value": "The documents hold no answer.",
        "annotations": [],
    }
