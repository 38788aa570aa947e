"""Row answers: codes, years and names of a question must be a row's own, amounts need not."""

from __future__ import annotations

import pytest

from filesearch.row_answers import amounts_of, is_outside, names_same
from filesearch.terms import extract_terms


def holds(question, row, *, columns="", values="", around=""):
    """Whether the row is about what is named; `values` only where the row names its columns."""
    terms = extract_terms(row) + extract_terms(columns)
    return names_same(
        question, row, terms, values=extract_terms(values or row), around=f"{around}. {columns}"
    )


@pytest.mark.parametrize(
    ("question", "around", "is_held"),
    [
        ("What does a kayak cost in 2026?", "rental rates 2026", True),
        ("What does a kayak cost in 2025?", "rental rates 2026", False),
        ("What does a kayak cost in 2026?", "", False),
        ("The 2026 rate of a kayak", "Rates. Valid from May 2026.", True),
    ],
)
def test_a_year_may_stand_around_the_table(question, around, is_held):
    assert holds(question, "Kayak | 12 | 40", columns="Boat | Hour | Day", around=around) == is_held


@pytest.mark.parametrize(
    ("row", "columns", "values"),
    [
        ("Kayak | 40 | 42", "Boat | 2024 | 2025", ""),
        ("Boat: Kayak; 2024: 40; 2025: 42", "", "Kayak 40 42"),
    ],
)
def test_a_year_that_stands_around_is_not_that_of_columns_with_other_years(row, columns, values):
    about = {"columns": columns, "values": values, "around": "Our boats since 2019"}
    assert holds("Kayak price in 2025", row, **about)
    assert not holds("Kayak price in 2019", row, **about)


def test_a_year_among_the_values_of_a_row_says_nothing_of_the_table():
    row = "Name: Ana Ruiz; Hired: 2019; Pay: 3,100"
    about = {"values": "Ana Ruiz 2019 3,100", "around": "pay 2026"}
    assert holds("What is the pay of Ana Ruiz in 2026?", row, **about)
    assert not holds("What is the pay of Ana Ruiz in 2024?", row, **about)


@pytest.mark.parametrize(
    "question",
    [
        "Which rebate do I get for 120 tiles?",
        "Which rebate does a customer with £45,000 in sales get?",
        "Which rebate is there on a load of 450kg?",
        "Welchen Rabatt gibt es auf 120 Fliesen?",
        "购买120件的折扣是多少？",
    ],
)
def test_an_amount_is_no_code_that_a_row_must_hold(question):
    assert amounts_of(question)
    assert holds(question, "100-199 | 9%")


@pytest.mark.parametrize(
    "question",
    [
        "What is the price of article K771?",
        "Who bought order 10014?",
        "order 10014 status",
        "Who works in room 214 on weekdays?",
        "Was kostet Artikel 7719?",
        "订单10014的产品是什么？",
    ],
)
def test_a_number_that_names_something_must_stand_in_the_row(question):
    assert not amounts_of(question)
    columns = "Type | Order | Room | Artikel"
    assert not holds(question, "K770 | 10013 | 213 | 7718", columns=columns)
    assert holds(question, "K771 | 10014 | 214 | 7719", columns=columns)


def test_a_german_noun_is_no_name_that_a_row_must_hold():
    assert holds("Was kostet die Miete für ein Kajak am Sonntag?", "Boot: Kajak; Preis: 40")
    assert not holds("Was kostet das Kajak von Petra Vogt?", "Boot: Kajak; Preis: 40")


@pytest.mark.parametrize(
    ("question", "inside", "outside"),
    [
        ("What is the rebate on 75 tiles?", "50-199 | 9%", "200 and more | 15%"),
        (
            "What is the rebate on 75 tiles?",
            "tiles: 50 to 199; rebate: 9%",
            "tiles: 1-49; rebate: 0%",
        ),
        ("The fee for sales of £120,000", "£50,000 – £200,000 | 38%", "above £200,000 | 42%"),
        ("The fee for sales of £120,000", "over £100,000 | 42%", "under £100,000 | 38%"),
        ("What does a load of 900 g cost?", "up to 1 kg | 4.20", "1 kg - 2 kg | 6.30"),
        ("Wie teuer sind 120 Fliesen?", "ab 100 | 9 €", "bis 99 | 12 €"),
        ("购买120件的价格", "100件以上 | 9元", "99件以下 | 12元"),
    ],
)
def test_a_row_for_a_range_is_for_the_amounts_within(question, inside, outside):
    amounts = amounts_of(question)
    assert (is_outside(amounts, inside), is_outside(amounts, outside)) == (False, True)


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("Which orders get 12% off?", "50-199 | 12%"),
        ("Who gets a voucher of £5?", "50-199 | £5"),
        ("Who gets 12 free tiles?", "50-199 | 12 tiles"),
        ("When are there seats for 30 people?", "9 am to 5 pm | all seats"),
        ("What did 30 people vote for in those years?", "2019-2024 | the bridge"),
        ("What is the rebate on 75 tiles?", "Blue tiles | 50-60 | 9%"),
        ("What is the rebate on 75 tiles?", " | "),
        ("What is the rebate in 2026?", "50-199 | 12%"),
    ],
)
def test_a_row_that_is_for_no_range_of_that_kind_is_not_outside(question, row):
    assert not is_outside(amounts_of(question), row)
