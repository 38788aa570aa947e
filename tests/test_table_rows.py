"""Table rows: what may be quoted of a passage, row by row, and what names its columns."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from filesearch.table_rows import MAX_ROW_CHARS, prose_before, quotable_units
from filesearch.types import SearchResult


def passage(text, mark, start=0):
    """A passage whose lines with `mark` are rows of tables."""
    lines = [found.span() for found in re.finditer(r"[^\n]+", text)]
    rows = tuple((start + a, start + b) for a, b in lines if mark in text[a:b])
    return SearchResult(
        file_id="f",
        filename="f.txt",
        text=text,
        start=start,
        end=start + len(text),
        score=1.0,
        keyword_share=1.0,
        vector_share=0.0,
        table_rows=rows,
    )


def rows_of(found):
    units = [unit for unit in quotable_units(found) if unit.is_row]
    return [(found.text[unit.start : unit.end], unit.columns) for unit in units]


def texts_of(found):
    return [found.text[unit.start : unit.end] for unit in quotable_units(found)]


WORDS = "Office | Person | Box\nParks | Ewa | red\nLibrary | Mei | blue"


def test_the_row_that_names_the_columns_goes_along_with_the_others():
    names = "Office | Person | Box"
    expected = [("Parks | Ewa | red", names), ("Library | Mei | blue", names)]
    assert rows_of(passage(f"Whom to ask.\n\n{WORDS}", " | ")) == expected


def test_the_first_row_of_a_passage_that_was_cut_is_a_row():
    assert len(rows_of(passage(WORDS, " | ", start=500))) == 3


def test_columns_that_rows_name_themselves_are_not_named_again():
    text = "item | fee\nitem: mug; fee: 2\nitem: bowl; fee: 3"
    assert rows_of(passage(text, "fee")) == [("item: mug; fee: 2", ""), ("item: bowl; fee: 3", "")]


@pytest.mark.parametrize("last", ["Phone | none", "Phone | 12"])
def test_no_row_of_two_columns_is_left_out(last):
    rows = rows_of(passage(f"Director | Helena\n{last}", "|"))
    assert [row for row, _ in rows] == ["Director | Helena", last]


@pytest.mark.parametrize(
    "table",
    [
        "| Role | Name |\n|---|---|\n| Cook | Otto |\n| Pilot | Ana |",
        "Role | Name\n--- | ---\nCook | Otto\nPilot | Ana",
        "+------+------+\n| Role | Name |\n+======+======+\n| Cook | Otto |\n| Pilot | Ana |",
    ],
)
def test_a_drawn_table_is_read_by_its_rows(table):
    found = passage(f"# Staff\n\nThese work here.\n\n{table}\n\nAll are kind.", "\0")
    assert rows_of(found) == [("Cook | Otto", "Role | Name"), ("Pilot | Ana", "Role | Name")]
    assert texts_of(found)[:2] == ["# Staff", "These work here."]
    assert texts_of(found)[-1] == "All are kind."


def test_two_tables_have_names_of_their_own():
    text = f"{WORDS}\n\nShip | Port | Flag\nAda | Oslo | red"
    assert [columns for _, columns in rows_of(passage(text, " | "))] == [
        *["Office | Person | Box"] * 2,
        "Ship | Port | Flag",
    ]


def test_prose_in_a_table_is_cut_as_prose():
    alone = "Note: read this first. It is short."
    long = "Terms | " + "The fee is due in June. " * (MAX_ROW_CHARS // 24 + 1)
    found = passage(f"{alone}\n{long}", " ")
    assert rows_of(found) == []
    assert texts_of(found)[:2] == ["Note: read this first.", "It is short."]
    assert "The fee is due in June." in texts_of(found)


def test_prose_before_a_row_leaves_out_the_rows():
    text = f"Whom to ask.\n\n{WORDS}\n\nCall at nine."
    found = passage(text, " | ", start=100)
    assert prose_before(found, 100 + text.index("Library")).split() == ["Whom", "to", "ask."]


@pytest.mark.parametrize(
    "text",
    [
        "Ana Lopez | driver | Graz\nTom Berg | cook | Linz\nJo Klein | nurse | Wien",
        "Vogt GmbH | Clay | Bonn\nBerg AG | Glaze | Ulm",
        "red clay | Nora Weiss | kiln two\nwhite clay | Paul Kern | kiln three",
    ],
)
def test_a_first_row_with_a_name_where_the_others_have_one_names_no_columns(text):
    assert rows_of(passage(text, " | ")) == [(row, "") for row in text.split("\n")]


@pytest.mark.parametrize(
    "text",
    [
        "rose | red | sunny\nfern | green | shady",
        "Monday | Ana | Tom\nTuesday | Jo | Eva",
        "王小明 | 司机 | 北京\n李华 | 厨师 | 上海",
        "UNICEF | donor | Bonn\nVogt GmbH | supplier | Ulm\nBerg AG | lender | Trier",
    ],
)
def test_a_first_row_that_may_be_one_like_the_others_is_not_left_out(text):
    first, *others = text.split("\n")
    assert rows_of(passage(text, " | ")) == [(first, ""), *((row, first) for row in others)]


@pytest.mark.parametrize(
    "below",
    ["Tulip | Ana Lopez | North\nLily | Tom Berg | South", "Tulip | 12 | red", "Tulip | Ana | red"],
)
def test_a_first_row_unlike_the_others_names_their_columns(below):
    names = "Plant | Keeper | Bed"
    found = rows_of(passage(f"{names}\n{below}", " | "))
    assert found == [(row, names) for row in below.split("\n")]


def test_lines_at_the_edge_of_pages_are_not_quotable():
    text = "Lease, page 2\n\nTerm\nIt ends in May."
    found = replace(passage(text, "|", start=90), edges=((90, 103),))
    assert texts_of(found) == ["Term", "It ends in May."]


CONTENTS = "Purpose of the kiln ........ 3\nThe clay . . . . . . 7\nFiring it ........ xii"


def test_entries_of_a_table_of_contents_are_not_quotable():
    assert texts_of(passage(f"{CONTENTS}\n\nFire it twice.", "|")) == ["Fire it twice."]


def test_prices_behind_dots_are_quotable():
    prices = "Soup of the day ........ 9\nClay pot ........ 7\nTea ........ 2"
    assert texts_of(passage(prices, "|"))[0].startswith("Soup of the day")
