"""Headings: which short lines say something, and which only what follows them is about."""

from __future__ import annotations

import pytest

from filesearch.headings import has_field, is_fact, is_heading
from filesearch.terms import extract_terms


def says(text: str, mark: str = "") -> bool:
    terms = extract_terms(text)
    return not is_heading(text, terms, mark) or is_fact(text, terms, mark)


@pytest.mark.parametrize(
    "text",
    [
        "Stage manager: Ottilie Braun",
        "Head nurse – Alma Figueroa",
        "Jonas Weber (pharmacist)",
        "Parking is free",
        "Deployment is blocked by the firewall team",
        "Die Halle gehört der Gemeinde",
        "Les outils sont prêtés",
        "食堂由刘师傅负责",
        "财务主管：赵国强",
    ],
)
def test_an_entry_of_a_list_says_something(text: str):
    assert says(text, "- ")
    assert says(text, "• ")


@pytest.mark.parametrize(
    "text",
    [
        "Rooms and prices",
        "Release notes and upgrade guide",
        "[Returning a mug](returns.md)",
        "[Driver: Ana](ana.md)",
        "About us",
        "联系我们",
    ],
)
def test_an_entry_that_leads_somewhere_says_nothing(text: str):
    assert not says(text, "- ")


@pytest.mark.parametrize(
    "text",
    [
        "Driver: Ana",
        "**Head chef:** Giulia Romano",
        "__Driver__: Ana",
        "司机：孙涛",
        "Présidente : Odile Garnier",
        "Yours sincerely,\nF. W. Braithwaite, county engineer",
        "Sabine Renner, Schriftführerin",
    ],
)
def test_a_line_that_may_be_a_heading_or_a_fact_is_both(text: str):
    terms = extract_terms(text)
    assert is_heading(text, terms, "")
    assert is_fact(text, terms, "")


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Driver: Ana", "## "),
        ("Who is the driver: Ana?", ""),
        ("Part II: Safety at the kiln", ""),
        ("Appendix B: Warranty and service", ""),
        ("附录：表格", ""),
        ("Bread at home: a short guide", ""),
        ("Loading and unloading", ""),
        ("Loading the kiln with care", "2. "),
        ("Boats, fees and quiet hours", ""),
        ("Contact Us\nPrivacy Policy", ""),
        ("DShowPlayer::InitializeGraph()", ""),
    ],
)
def test_a_heading_stays_one(text: str, mark: str):
    terms = extract_terms(text)
    assert is_heading(text, terms, mark)
    assert not is_fact(text, terms, mark)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Driver: Ana", True), ("司机：孙涛", True), ("at 9:30", False), ("See https://a.b", False)],
)
def test_a_field_has_a_key_and_a_value(text: str, expected: bool):
    assert has_field(text) == expected
