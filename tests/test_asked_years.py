"""Asked years: what is said of another year is no answer, and nothing else is taken for that."""

from __future__ import annotations

import pytest

from filesearch import FileSearch
from filesearch.asked_years import is_of_asked_year

FAIR = "In 2021 the fair had 4,200 visitors, in 2022 it had 5,100."


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many visitors did the fair have in 2019?", FAIR),
        ("How many came in 2024?", FAIR),
        ("What did the 2019 fair cost?", "The fair of 2018 cost 900 euros."),
        ("Wie viele Besucher hatte die Messe im Jahr 2019?", "2021 hatte die Messe 4200 Besucher."),
        ("2019年来了多少人？", "2021年来了4200人，2022年来了5100人。"),
        ("How many visitors were there in the 1920s?", "In the 1950s there were few visitors."),
    ],
)
def test_a_sentence_about_other_years_is_no_answer(question, sentence):
    assert not is_of_asked_year(question, sentence, sentence)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many visitors did the fair have in 2022?", FAIR),
        ("How many visitors did the fair have?", FAIR),
        ("How many visitors did the fair have in 2019?", "The fair had 4,200 visitors."),
        ("Who ran the fair in 2019?", "From 2017 to 2023 Ida Lind ran the fair."),
        ("What happened after 2019?", FAIR),
        ("What has changed since the year 2019?", FAIR),
        ("How many came between 2019 and 2022?", FAIR),
        ("How many came from 2019 to 2020?", FAIR),
        ("How many came in 2019-20?", FAIR),
        ("Was hat sich seit 2019 geändert?", "2021 hatte die Messe 4200 Besucher."),
        ("2019年以后来了多少人？", "2021年来了4200人。"),
        ("2019年至2022年来了多少人？", "2021年来了4200人。"),
        ("Where do 2000 kg of clay fit?", "In 1998 the shed was built for clay."),
        ("Where is room 214?", FAIR),
    ],
)
def test_other_sentences_may_answer(question, sentence):
    assert is_of_asked_year(question, sentence, sentence)


@pytest.mark.parametrize(
    "around", ["Report of 2019. ", "FY19. ", "FY 19. ", "Summer '19. ", "Season 2018/19. "]
)
def test_the_passage_may_name_the_year_elsewhere(around):
    sentence = "Visitors rose to 5,100, from 4,200 in 2018."
    question = "How many visitors were there in 2019?"
    assert is_of_asked_year(question, sentence, around + sentence)
    assert not is_of_asked_year(question, sentence, sentence)


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How many visitors did the fair have in 2022?", FAIR),
        ("How many visitors did the fair have in 2019?", None),
        ("2022年陶艺节来了多少人？", "2021年陶艺节来了4200人，2022年来了5100人。"),
        ("2019年陶艺节来了多少人？", None),
    ],
)
def test_a_question_about_a_year_that_the_documents_do_not_name_is_declined(
    tmp_path, question, quote
):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "fair.md").write_text(f"# The fair\n\n{FAIR}\n")
    (notes / "zh.md").write_text("# 陶艺节\n\n2021年陶艺节来了4200人，2022年来了5100人。\n")
    with FileSearch(tmp_path / "index") as fs:
        fs.ingest(notes)
        answer = fs.ask(question)
    assert [citation.quote for citation in answer.citations][:1] == ([quote] if quote else [])
