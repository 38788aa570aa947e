"""Asked names: passages about another than whom a question names do not answer it."""

from __future__ import annotations

import pytest

from filesearch.asked_names import is_about_names
from filesearch.types import SearchResult


def passages(*texts, filename="notes.txt"):
    return [
        SearchResult(f"file-{i}", filename, text, 0, len(text), 1.0, 1.0, i)
        for i, text in enumerate(texts)
    ]


TARIFFS = passages(
    "In Oslo a parking permit costs 90 crowns a month.",
    "Bergen has two offices. Ask Ingrid Dahl there.",
    "Permits are sent by mail.",
)


@pytest.mark.parametrize(
    ("question", "is_held"),
    [
        ("What does a parking permit cost in Oslo?", True),
        ("What does a parking permit cost in Bodø?", False),
        ("What does a parking permit cost in Bergen?", False),  # not said there
        ("Who is in Bergen, Ingrid Dahl or somebody from Oslo?", True),
        ("Who is in Bergen, Ingrid Dahl or somebody from Bodø?", False),
        ("How is a permit sent?", True),
    ],
)
def test_a_name_must_stand_where_the_answer_does_and_several_where_anything_was_found(
    question, is_held
):
    assert is_about_names(question, TARIFFS, 0) == is_held


def test_a_name_may_stand_in_the_name_of_the_file():
    named = passages("A permit costs 90 crowns.", "Ask us.", "Mail it.", filename="bodo/fees.txt")
    assert is_about_names("What does a permit cost in Bodø?", named, 0)


def test_the_name_that_half_of_the_passages_hold_is_that_of_the_collection():
    found = passages("Stands cost 40 euros.", "The Lyng Fair is old.", "Lyng Fair, rules.", "Mail.")
    assert is_about_names("What does a stand cost at the Lyng Fair?", found, 0)
    assert not is_about_names("What does a stand cost at the Moss Fair?", found, 2)


def test_a_name_that_stands_nowhere_counts_where_the_sentence_names_another():
    """The employer of whoever asks is seldom named in its own handbook."""
    found = passages("Every employee has 27 days of holiday.", "In London the limit is £190.")
    assert is_about_names("How many holidays do Acme employees have?", found, 0)
    assert not is_about_names("What is the limit in Paris?", found, 1)
    assert not is_about_names("How many days has grade K7?", found, 0)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "Whose physics did Aristotle's pupils correct?",
            "Aristotelian physics was corrected.",
        ),
        ("What was the aim of Celeron's march?", "Céloron marched to claim the valley."),
        ("Where did Cristian Bay teach?", "Christian Bay taught in Canada."),
        ("What is the NATO fee?", "The fee of the North Atlantic Treaty Organization is high."),
        ("What do the Germans pay?", "Germany pays half."),
        ("Was kostet die Miete am Freitag Abend?", "Die Miete ist freitags günstiger."),
    ],
)
def test_another_form_of_a_name_will_do(question, text):
    assert is_about_names(question, passages(text), 0)


@pytest.mark.parametrize(
    "question",
    [
        "WHAT DOES A PERMIT COST IN BODØ?",
        "What Does A Permit Cost In Bodø?",
        "Parking Permit Bodø",
        "What does Mayor Aas say about permits?",
        "According to Kari Aas, what does a permit cost?",
        "I am Kari Aas. What does a parking permit cost?",
        "This is Kari Aas from Bodø, what does a parking permit cost?",
        "My neighbour Kari Aas wants to know what a parking permit costs.",
        "Dear Bodø team, can a permit be sent by mail?",
        "Was kostet eine Parkerlaubnis in Bodø?",
        "停车证在Bodø多少钱？",
    ],
)
def test_capitals_that_tell_nothing_ask_for_no_name(question):
    assert is_about_names(question, TARIFFS, 0)


@pytest.mark.parametrize("question", ["Was kostet K771?", "K771多少钱？", "What is a K771?"])
def test_a_code_is_the_same_in_every_language(question):
    assert not is_about_names(question, passages("A K770 costs 12 crowns."), 0)
    assert is_about_names(question, passages("A K771 costs 12 crowns."), 0)
