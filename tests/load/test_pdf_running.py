from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from filesearch.load import load
from filesearch.load.mend import PageLine
from filesearch.load.pdf.pages import PageText
from filesearch.load.pdf.running import find_running_lines
from filesearch.load.pdf.tables import Table
from filesearch.types import Document

MakePdf = Callable[..., bytes]


def page(*lines: str, tables: Sequence[Table] = ()) -> PageText:
    """A page whose lines stand under each other."""
    placed = (PageLine(line, baseline=740.0 - 12 * i) for i, line in enumerate(lines))
    return PageText(tuple(placed), tuple(tables))


def running(*pages: PageText) -> list[tuple[str, bool]]:
    """The running lines of pages, and whether they are repeated."""
    found = find_running_lines(pages)
    return [(pages[one.page].lines[one.line].text, one.is_repeated) for one in found]


def body(number: int) -> list[str]:
    return [f"{word} of page {'abcdefgh'[number]}" for word in ("One", "Two", "Three", "Four")]


@pytest.mark.parametrize(("line", "is_repeated"), [("Call 01234 567", False), ("Kilns", True)])
def test_a_line_that_comes_again_is_running_and_may_be_new_on_its_first_page(
    line: str, is_repeated: bool
) -> None:
    pages = [page(line, *body(i)) for i in range(3)]
    assert running(*pages) == [(line, is_repeated), (line, True), (line, True)]


def test_a_line_that_counts_the_pages_is_running_though_it_holds_other_numbers() -> None:
    pages = [page(*body(i), f"Guide 2026, page {i + 4} of 90") for i in range(3)]
    assert running(*pages) == [(f"Guide 2026, page {i + 4} of 90", True) for i in range(3)]


def test_even_and_odd_pages_have_running_lines_of_their_own() -> None:
    heads = ["Kilns", "Chapter 2"]
    pages = [page(heads[i % 2], *body(i)) for i in range(6)]
    assert [text for text, _ in running(*pages)] == heads * 3


def test_two_pages_are_enough_where_they_are_numbered_from_one() -> None:
    assert len(running(*[page(*body(i), f"Lease, page {i + 1}") for i in range(2)])) == 2
    assert running(*[page(*body(i), f"Lease, page {i + 7}") for i in range(2)]) == []
    assert running(*[page(*body(i), "Lease") for i in range(2)]) == []


def test_a_line_that_calls_its_number_that_of_the_page_is_running_by_itself() -> None:
    assert running(page(*body(0), "Guide, page 1 of 1")) == [("Guide, page 1 of 1", True)]
    assert running(page(*body(0), "第 1 页，共 3 页")) == [("第 1 页，共 3 页", True)]
    assert running(page(*body(0), "Guide, page 9")) == []
    assert running(page(*body(0), "The fees stand on page 1.")) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["Total 120.00", "Total 95.50", "Total 12.25"],
        ["Order 4711", "Order 4720", "Order 4733"],
        ["Ana Lopez", "Tom Berg", "Li Hua"],
    ],
)
def test_lines_that_say_something_else_on_each_page_are_not_running(lines: list[str]) -> None:
    assert running(*[page(line, *body(i)) for i, line in enumerate(lines)]) == []


def test_what_comes_again_in_the_middle_or_far_apart_is_not_running() -> None:
    middle = [page(*body(i)[:2], "Remedy", *body(i)[2:]) for i in range(3)]
    apart = [page("Remedy" if i % 3 == 0 else f"{i}.5 kg", *body(i)) for i in range(8)]
    assert running(*middle) == running(*apart) == []


def test_the_names_of_columns_on_each_page_are_not_running() -> None:
    pages = [page("Name | Box", *body(i), tables=[Table(0, 4)]) for i in range(3)]
    assert running(*pages) == []


def test_running_lines_are_set_apart_and_have_spans(
    make_pdf: MakePdf, keeps_promises: Callable[[Document], None]
) -> None:
    heads = [f"Lease, page {number}" for number in (1, 2, 3)]
    pages = [[head, "Term", *body(i)] for i, head in enumerate(heads)]
    document = load(make_pdf(pages), "a.pdf")
    keeps_promises(document)
    assert document.text.startswith("Lease, page 1\n\nTerm\n")
    edges = [span for span in document.spans if span.kind == "edge"]
    shown = {document.text[span.start : span.end]: span.number for span in edges}
    assert [shown[head] for head in heads] == [1, 2, 3]
