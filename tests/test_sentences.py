"""Sentences: what ends one, what does not, and that none of the text is lost."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from filesearch.sentences import (
    MAX_GRAPHEME_SHIFT,
    MAX_SENTENCE_CHARS,
    grapheme_start,
    heading_spans,
    sentence_spans,
)

PIECES = st.sampled_from(
    [
        "Mr. ",
        "e.g. ",
        "The end. ",
        "word ",
        "why? ",
        "3.14 ",
        "...",
        '."',
        "\n",
        "\n\n",
        "\n- ",
        "# ",
        "| a |",
        "a: b; c: d",
        "```\n",
        "    x = {\n",
        "。",
        "；",
        "”",
        "他说",
        "\t",
        "\x0b",
        "\u3000",
        "x" * 400,
        "1. ",
        "====\n",
        "\u0301",
        "👩‍👧",
        "🇩🇪",
        "\ud800",
        " " * 50,
    ]
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=40).map("".join))


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@given(TEXTS)
def test_sentences_hold_all_visible_text_in_order(text: str):
    spans = sentence_spans(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(TEXTS)
def test_a_sentence_is_trimmed_and_bounded(text: str):
    for start, end in sentence_spans(text):
        assert 1 <= end - start <= MAX_SENTENCE_CHARS
        assert text[start:end] == text[start:end].strip()


@given(TEXTS, st.integers(0, 50), st.integers(0, 50))
def test_a_part_of_a_text_is_split_like_that_part_alone(text: str, skip: int, keep: int):
    start = min(skip, len(text))
    while start and text[start - 1] in ".!?…":  # nobody cuts a row of stops in two
        start -= 1
    end = min(start + keep, len(text))
    alone = [(a + start, b + start) for a, b in sentence_spans(text[start:end])]
    assert [text[a:b].split() for a, b in sentence_spans(text, start, end)] == [
        text[a:b].split() for a, b in alone
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Mr. Smith met Dr. Jones in St. Louis.",
        "J. R. R. Tolkien wrote it.",
        "Acme Inc. and Foo Corp. merged.",
        "It costs $3.50 in v1.2.3 at example.org.",
        "See Fig. 3, No. 7 and pp. 12 ff. for more.",
        "Return it under contract no. GL-22-2024-017 or order No. K52 within a week.",
        "Use a tool, e.g. Foo, i.e. this one.",
        "The U.S. Congress met at 9 a.m. Tuesday.",
        '"Why?" he asked.',
        "Wait... what is it?",
        "Cats vs. Dogs was played.",
        "This prose is wrapped at the end of the line\nand goes on to the next one.",
    ],
)
def test_this_is_one_sentence(sentence: str):
    assert split(f"{sentence} The next one.") == [sentence, "The next one."]


@pytest.mark.parametrize(
    "sentence",
    [
        "Resturlaub verfällt am 31. März des Folgejahres.",
        "Er gilt vom 1. Januar 2025 bis zum 31. Dezember 2026.",
        "Stichtag: 3. April 2024 um Mitternacht.",
        "Der 2. Weltkrieg endete im 20. Jahrhundert.",
        "Die 5. und 6. Klasse fährt zum 10. Mal nach St. Gallen.",
        "Montag, 3. August ist frei.",
        "Es gilt ab 3. August oder seit 1. Mai.",
        "Die 5. bis 7. Klasse bleibt im Haus.",
        "Der Vertrag vom 12. 5. 2024 endet am 1. 6. 2025 um Mitternacht.",
        "Siehe § 3 Abs. 2 Satz 1 und Kap. 4.",
        "Die Bestell-Nr. B-4402 steht auf Lieferschein Nr. LS7 im Paket.",
        "Es kostet ca. 30 Euro bzw. 25 Euro inkl. Versand.",
        "Der Umsatz betrug 5 Mio. Euro.",
        "Laut Hr. Weber, Dr. med. Klein und Dipl.-Ing. Meier gilt das.",
        "Sie wohnt in der Hauptstr. 5 in Köln.",
        "MM. Dupont et Morel sont partis.",
        "El Sr. García y la Sra. López viven en EE. UU. desde 1999.",
        "Il sig. Rossi e la sig.ra Bianchi sono qui.",
    ],
)
def test_this_is_one_sentence_of_another_language(sentence: str):
    assert split(f"{sentence} Die nächste.") == [sentence, "Die nächste."]


@pytest.mark.parametrize(
    "sentences",
    [
        ["It was 2024.", "3 cats came!", "Why?"],
        ['He said "yes."', "(She left.)", '"No."', "End"],
        ["They live in the U.S.", "The law differs."],
        ["Apples, pears, etc.", "However, no plums."],
        ["So it ended...", "Then it began."],
        ["It is known.[12]", "The next."],
        ["The map is on page 31.", "March was cold."],
        ["I am 31.", "March is my month."],
        ["He asked in 2.", "May I come?"],
        ["There were 12.", "August was hot."],
        ["It hung for 24 hr.", "Cells were counted."],
        ["It binds SRA.", "SHARP does not."],
        ["The age is 62.", "4.04 Deferred pension."],
        ["Der Preis stieg um 5.", "Im Mai fiel er."],
        ["Das gilt bis zum 31.", "Die Frist ist kurz."],
        ["Sie kam 1999.", "Mai war sie fort."],
        ["Es waren 3 Std.", "Die Fahrt war lang."],
        ["Geöffnet von 9 bis 17.", "Samstags geschlossen."],
        ["Eintritt ab 18.", "Kinder zahlen nichts."],
        ["Es kamen 10 und 12.", "Peter blieb."],
    ],
)
def test_these_are_several_sentences(sentences: list[str]):
    assert split(" ".join(sentences)) == sentences


def test_chinese_and_japanese_stops_end_sentences_with_their_quotes():
    sentences = ["他说：“你好。”", "然后走了！", "真的吗？", "是……的；", "「はい。」", "と言った。"]
    joined = [*sentences[:3], "是……", "的；", *sentences[4:]]
    assert split("".join(sentences)) == joined


def test_markdown_lines_are_units():
    lines = [
        "# 1. Title. Here",
        "- item one",
        "- item two",
        "1. first",
        "| a. B | c |",
        "|---|---|",
    ]
    assert split("\n".join(lines)) == lines


def test_a_list_item_goes_on_in_its_continuation_line():
    assert split("- an item that is\n  continued here\n- next") == [
        "- an item that is\n  continued here",
        "- next",
    ]


def test_records_and_rows_of_figures_are_units():
    lines = [
        "Name: Bob; Age: 3. Yes",
        "Name: Al; Age: 4",
        "Net sales $ 94,036 $ 85,777",
        "Cost 3 (22)",
    ]
    assert split("\n".join(lines)) == lines


def test_lines_of_code_are_units():
    lines = ["```python", "a = f. X", "b = 2", "```", "def f(x):", "import os", "int main() {", "}"]
    assert split("\n".join(lines)) == lines


def test_a_blank_line_ends_a_sentence():
    assert split("no stop\n \nhere") == ["no stop", "here"]


def test_a_short_line_before_a_capital_is_a_title():
    assert split("Our history\nThe company was founded long ago in a small town.") == [
        "Our history",
        "The company was founded long ago in a small town.",
    ]


def test_a_long_sentence_is_split_at_its_weakest_point():
    text = "word " * 150 + "mark; " + "word " * 150
    assert split(text)[0].endswith("mark;")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 100_000,
        "(" * 100_000,
        " " * 1_000_000,
        ".)" * 200_000,
        "a. " * 100_000,
        "\n" * 200_000,
        "- " * 100_000,
        "-" * 200_000,
        "a: " * 100_000,
        "1 " * 100_000,
        "🇩" * 100_000,
        "#" * 200_000,
    ],
    ids=lambda text: repr(text[:3]),
)
def test_hostile_text_takes_linear_time(text: str):
    started = time.thread_time()  # other processes do not count
    sentence_spans(text)
    assert time.thread_time() - started < 3


def test_headings_are_found_outside_of_code():
    text = "# One\ntext\n\nTwo\n===\n\n```\n# no\n```\n## Three"
    assert [text[a:b] for a, b in heading_spans(text)] == ["# One", "Two\n===", "## Three"]


@given(
    st.lists(
        st.sampled_from(["a", " ", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "e\u0301", "각", "語", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]),
        max_size=90,
    )
)
def test_grapheme_starts_are_the_boundaries_of_clusters(pieces: list[str]):
    text = "".join(pieces)
    boundaries = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    for position in range(len(text) + 1):
        assert grapheme_start(text, position) == max(b for b in boundaries if b <= position)


def test_an_endless_cluster_is_cut_where_asked():
    text = "e" + "\u0301" * 1000
    assert grapheme_start(text, MAX_GRAPHEME_SHIFT) == 0
    assert grapheme_start(text, 500) == 500


def test_flags_in_a_long_row_are_counted_from_its_start():
    text = "x" + "🇩🇪" * 200
    for position in range(1, len(text)):
        assert grapheme_start(text, position) == 1 + (position - 1) // 2 * 2
