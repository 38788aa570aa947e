"""Typos: words of a question that are one slip from what the passages say."""

from __future__ import annotations

import pytest

from filesearch.adapters import make_embedder
from filesearch.answer import quote_answers
from filesearch.config import BUNDLED_EMBEDDER
from filesearch.types import SearchResult
from filesearch.typos import mend_typos

PASSAGE = (
    "The probation lasts six months. The proposed dividend is 4 pence a share. All receipts are "
    "kept for seven years, and Marianne Okonjo signs the accounts."
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("How long is probaation?", "How long is probation?"),  # one too many
        ("How long is probtion?", "How long is probation?"),  # one too few
        ("How much divdiend is proposed?", "How much dividend is proposed?"),  # wrong order
        ("How long are receopts kept?", "How long are receipts kept?"),  # another letter
        ("WHAT IS THE DIVDIEND?", "WHAT IS THE dividend?"),
        ("probaation months", "probation months"),  # no word that tells the language
    ],
)
def test_a_slip_becomes_the_word_of_the_passages(typed, meant):
    assert mend_typos(typed, [PASSAGE]) == meant


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How long is probation?",
        "Which receptors are kept?",  # two letters off
        "Who divides the share?",  # a word of its own
        "When is the aprobation?",  # the first letter
        "Is it kepd?",  # too short to tell
        "Wie lange dauert die Probetion?",  # not English
        "试用期有多长？probaation",
        "order PROB4TION",
        "Who is Mariannne Okonjo?",  # a name
    ],
)
def test_what_is_no_slip_stays(question):
    assert mend_typos(question, [PASSAGE]) == question


def test_words_that_stand_most_often_are_meant_first():
    assert mend_typos("the rentel", ["the rentals, a rental, one rental", "rented"]) == "the rental"


def test_nothing_found_mends_nothing():
    assert mend_typos("How long is probaation?", []) == "How long is probaation?"


def test_a_question_with_a_slip_is_answered():
    result = SearchResult("file-1", "handbook.txt", PASSAGE, 0, len(PASSAGE), 0.6, 0.6, 0)
    embedder = make_embedder(BUNDLED_EMBEDDER)
    [quote] = quote_answers("How much divdiend is proposed?", [result], embedder=embedder)
    assert quote.text == "The proposed dividend is 4 pence a share."
