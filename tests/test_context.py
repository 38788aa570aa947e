"""Context: what a chunk's own words leave out."""

from __future__ import annotations

import unicodedata

import pytest

from filesearch.context import MAX_PART_CHARACTERS, find_contexts, name_words
from filesearch.types import Span

SPANS = (
    Span("heading", 0, 100, 1, "Handbook"),
    Span("page", 0, 50, 1),
    Span("heading", 10, 40, 2, "Returns"),
    Span("heading", 20, 30, 3, "Mugs"),
    Span("heading", 40, 100, 2, "Delivery"),
)


@pytest.mark.parametrize(
    ("filename", "words"),
    [
        ("3M_2018_10K.pdf", "3M 2018 10K"),
        ("reports/q1/net-sales.v2.xlsx", "reports q1 net sales v2"),
        ("年度报告.docx", "年度报告"),
        (unicodedata.normalize("NFD", "보고서/Café.txt"), "보고서 Café"),
        ("4983", ""),
        ("page#12", ""),
        ("1.5", ""),
        ("", ""),
    ],
)
def test_a_name_with_a_suffix_is_words_and_one_without_is_an_id(filename, words):
    assert name_words(filename) == words


def test_the_headings_above_a_stretch_are_its_context():
    found = find_contexts("shop.md", "Shop", SPANS, [0, 12, 25, 35, 60])
    assert found == [
        "shop",
        "shop › Handbook › Returns",
        "shop › Handbook › Returns › Mugs",
        "shop › Handbook › Returns",
        "shop › Handbook › Delivery",
    ]


def test_a_heading_at_the_start_of_a_stretch_is_its_own():
    assert find_contexts("x", "", SPANS, [10]) == ["Handbook"]


def test_the_same_words_are_said_once_and_long_ones_are_cut():
    [found] = find_contexts("handbook.md", "HANDBOOK", SPANS, [5])
    assert found == "handbook"
    [found] = find_contexts("x", "word " * 100, (), [0])
    assert len(found) <= MAX_PART_CHARACTERS


def test_a_title_in_one_piece_is_taken_apart():
    assert find_contexts("x", "3M_2018_10K", (), [0]) == ["3M 2018 10K"]


def test_nothing_known_gives_empty_lines():
    assert find_contexts("id", "", (), [0, 5]) == ["", ""]
    assert find_contexts("id", "", (), []) == []
