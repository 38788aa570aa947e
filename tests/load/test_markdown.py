"""Markdown's front matter, and the headings of AsciiDoc, Org and TeX."""

from __future__ import annotations

import time

import pytest

from filesearch.load import load
from filesearch.types import Document

PAGE = """---
title: "Returns: how"
description: Mugs and plates differ.
tags: [mugs, plates]
keywords:
- refund
- "30"
date: 2025-03-01
weight: 3
ratio: 0.5
draft: false
country: no
opens: 12:30
code: "0042"
version: 007
author: {name: Ann}
empty:
---

# Returns

Mugs can go back.
"""


def headings(document: Document) -> list[tuple[int, str]]:
    return [(s.number, s.label) for s in document.spans if s.kind == "heading"]


def test_yaml_front_matter_becomes_typed_attributes() -> None:
    assert load(PAGE.encode(), "a.md").attributes == {
        "title": "Returns: how",
        "description": "Mugs and plates differ.",
        "tags": "mugs, plates",
        "keywords": "refund, 30",
        "date": "2025-03-01",
        "weight": 3,
        "ratio": 0.5,
        "draft": False,
        "country": "no",
        "opens": "12:30",
        "code": "0042",
        "version": "007",
    }


def test_front_matter_is_no_part_of_the_text_and_spans_fit_it() -> None:
    document = load(PAGE.encode(), "a.md")
    assert "weight" not in document.text
    [span] = document.spans
    assert document.text[span.start : span.end] == "# Returns\n\nMugs can go back.\n"
    assert document.title == "Returns: how"


def test_a_description_that_the_text_does_not_say_leads_it() -> None:
    assert load(PAGE.encode(), "a.md").text.startswith("Mugs and plates differ.\n\n# Returns")
    said = PAGE.replace("Mugs can go back.", "Mugs and\nplates differ. Very much.")
    assert load(said.encode(), "a.md").text.startswith("# Returns")


def test_toml_front_matter_becomes_attributes() -> None:
    page = '+++\ntitle = "T"\ndate = 2025-03-01T12:00:00Z\nn = [1, 2]\n[nested]\nx = 1\n+++\nBody.'
    document = load(page.encode(), "a.md")
    assert document.attributes == {"title": "T", "date": "2025-03-01T12:00:00+00:00", "n": "1, 2"}
    assert document.text == "Body."


@pytest.mark.parametrize("line", ["a." * 30_000 + "b = 1", "n = " + "1" * 5_000])
def test_toml_that_would_take_too_much_is_read_line_by_line(line: str) -> None:
    start = time.process_time()
    document = load(f'+++\ntitle = "T"\n{line}\n+++\nBody.'.encode(), "a.md")
    assert time.process_time() - start < 5  # 25 s by tomllib
    assert document.title == "T"
    assert document.text == "Body."
    assert "front matter is damaged" in document.warnings[0]


def test_what_does_not_fit_is_named_in_one_warning() -> None:
    lines = [f"k{i}: {i}" for i in range(18)] + [f"long: {'x' * 600}"]
    document = load(("---\n" + "\n".join(lines) + "\n---\nBody.").encode(), "a.md")
    assert len(document.attributes) == 16
    [warning] = document.warnings
    assert "3 of its own attributes were left out (k16, k17, long)" in warning


def test_front_matter_that_is_no_yaml_is_read_line_by_line() -> None:
    document = load(b"---\ntitle: Fix: the [bug\nlayout: post\n---\nBody.", "a.md")
    assert document.attributes == {"title": "Fix: the [bug", "layout": "post"}
    assert document.text == "Body."
    assert "front matter is damaged" in document.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA text between two rules.\n\n---\nMore.",
        "---\ntitle: nothing follows\n---\n",
        "---\ntitle: never closed\n\nBody.",
    ],
)
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    document = load(text.encode(), "a.md")
    assert document.text == text
    assert not document.attributes


def test_aliases_do_not_unfold() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    lines.append("<<: [*a29, *a29]")
    document = load(("---\n" + "\n".join(lines) + "\n---\nBody.").encode(), "a.md")
    assert document.attributes == {"a0": "x, x"}


@pytest.mark.parametrize("opening", ["a: " + "[" * 30_000, "a = " + "[" * 30_000])
def test_nesting_in_front_matter_ends_well(opening: str) -> None:
    mark = "---" if ":" in opening else "+++"
    document = load(f"{mark}\n{opening}\n{mark}\nBody.".encode(), "a.md")
    assert document.text == "Body."


def test_asciidoc_sections_are_headings_but_not_in_listings() -> None:
    text = "= Guide\n\n== Install\n\n----\n== not this\n----\n\n=== Linux ===\n"
    assert headings(load(text.encode(), "a.adoc")) == [(1, "Guide"), (2, "Install"), (3, "Linux")]


def test_org_headlines_are_headings_without_keyword_and_tags() -> None:
    text = "#+TITLE: Plan\n* TODO Buy clay :shop:urgent:\n#+begin_src\n* no\n#+end_src\n** Where\n"
    document = load(text.encode(), "a.org")
    assert headings(document) == [(1, "Buy clay"), (2, "Where")]
    assert document.title == "Plan"


def test_tex_loses_preamble_and_comments_and_keeps_the_rest() -> None:
    text = (
        "\\documentclass{article}\n\\newcommand{\\x}{y} % odd\n\\title{On {\\em mugs}}\n"
        "\\author{Ann \\and Bo}\n\\begin{document}\n% a note\nUp 30\\% since % why?\nMay.\n"
        "\\begin{verbatim}\n% kept\n\\end{verbatim}\n\\end{document}\nleftover"
    )
    assert load(text.encode(), "a.tex").text == (
        "\\title{On {\\em mugs}}\n\\author{Ann \\and Bo}\n\nUp 30\\% since\nMay.\n"
        "\\begin{verbatim}\n% kept\n\\end{verbatim}"
    )


def test_tex_of_comments_alone_stays_as_it_is() -> None:
    assert load(b"% only\n% notes", "a.tex").text == "% only\n% notes"
