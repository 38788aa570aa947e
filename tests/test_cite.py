"""Cite: where a stretch stands, and how an answer is handed to programs."""

from __future__ import annotations

import random

import pytest

from filesearch.cite import content_part, locate, strip_markers
from filesearch.types import Answer, Citation, Span

PAGES = (Span("page", 0, 10, 1), Span("page", 10, 20, 2), Span("page", 25, 30, 3))


def cited(text, *numbers):
    """A sentence and the numbers that it cites."""
    return text, numbers


def answer_of(*sentences):
    text, citations = "", []
    for sentence, numbers in sentences:
        text += (" " if text else "") + sentence
        for n in numbers:
            place = {"index": len(text), "marker": f"【0:{n - 1}†source】"}
            citations.append(
                Citation(n, f"file-{n}", f"{n}.md", 3 * n, 3 * n + 2, "ab", n, **place)
            )
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
