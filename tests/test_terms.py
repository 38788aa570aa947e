"""Terms: what a word, number, identifier or run of Han becomes, and where it stands."""

from __future__ import annotations

import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch import terms as module
from filesearch.terms import extract_terms, query_terms, term_spans

EXAMPLES = {
    "inflected words share a stem": ("Running runs, policies", "run run polici"),
    "accents and ligatures fold": ("café naïve ﬁle Łódź Ærø", "cafe naiv file lodz aero"),
    "decomposed accents fold": ("cafe\u0301", "cafe"),
    "case folds beyond lower": ("STRASSE straße", "strass strass"),
    "full-width letters and digits fold": ("ＡＢＣ １２３", "abc 123"),
    "camel case gives whole and parts": ("getUserName", "getusernam get user name"),
    "acronym inside camel case": ("HTTPServer2", "httpserver2 http server 2"),
    "plural acronym": ("GPUs", "gpus gpu"),
    "snake case keeps underscores": ("max_chunk_size", "max_chunk_size max chunk size"),
    "dunder names lose outer underscores": ("__init__", "init"),
    "dotted call": ("foo.bar()", "foo.bar foo bar"),
    "thousands and decimals are one number": ("1,234.56", "1234.56"),
    "comma lists are several numbers": ("2020,2021 1,2", "2020 2021 1 2"),
    "percent and currency signs fall away": ("3.5% $1.2bn", "3.5 1.2bn 1.2 bn"),
    "form names join": ("10-K COVID-19", "10k 10 covid19 covid 19"),
    "versions stay whole": ("v2.3.1", "v2.3.1 2.3.1"),
    "number ranges are two numbers": ("10-15", "10 15"),
    "iso dates keep whole and parts": ("2025-03-14", "2025-03-14 2025 03 14"),
    "superscripts do not join their number": ("10³ revenue²", "10 revenu"),
    "subscripts do": ("CO₂", "co2 co 2"),
    "digits of other scripts are digits": ("٢٠٢٥ ๑๒", "2025 12"),
    "possessives and contractions": ("company's don't we’re", "compani dont we"),
    "names with apostrophes": ("O'Brien", "obrien brien"),
    "dotted acronyms": ("U.S. e.g.", "us eg"),
    "hyphenated words are words": ("well-known", "well known"),
    "a lone letter and hyphen join": ("e-mail", "email mail"),
    "soft hyphens and zero-width characters vanish": (
        "in\u00addex zero\u200bwidth",
        "index zerowidth",
    ),
    "han becomes bigrams": ("注册资本。年", "注册 册资 资本 年"),
    "han beside latin and digits": ("使用Python于2023年", "使用 python 于 2023 年"),
    "kana, half width included": ("ガイド ｶﾞｲﾄﾞ", "ガイ イド ガイ イド"),
    "hangul": ("한국어", "한국 국어"),
    "hangul taken apart": (unicodedata.normalize("NFD", "한국어"), "한국 국어"),
    "variation selectors vanish": ("葛\U000e0100城", "葛城"),
    "thai clusters pair": ("ที่นี่", "ที่นี่"),
    "devanagari keeps its marks": ("हिन्दी।", "हिन्दी"),
    "russian is stemmed": ("книги книга", "книг книг"),
    "symbols and emoji give nothing": ("😀 ™ © — … ½", ""),
    "no text, no terms": ("", ""),
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_text_becomes_these_terms(text: str, expected: str) -> None:
    assert extract_terms(text) == expected.split()


@pytest.mark.parametrize("word", ["getUserName", "iPhones", "e-mail", "McDonald's"])
def test_an_identifier_is_found_in_lower_case_too(word: str) -> None:
    typed = word.lower().replace("-", "")
    assert extract_terms(typed)[0] in extract_terms(word)


def test_spans_point_at_the_words_of_the_original_text() -> None:
    text = "The ﬁle of max_size; ２０２５年 cost 1,200."
    found = term_spans(text)
    surfaces = [text[s:e] for s, e in zip(found.starts, found.ends, strict=True)]
    assert surfaces == "The ﬁle of max_size max size ２０２５ 年 cost 1,200".split()


WORDS = st.sampled_from(
    ["getName", "1,234.5", "don't", "注册资本", "ｶﾞｲﾄﾞ", "cafe\u0301", "a-b_c.d", "ที่นี่", "x\u00ady"]
)
TEXTS = st.lists(st.one_of(st.text(max_size=12), WORDS), max_size=8).map("".join)


@given(TEXTS)
def test_spans_are_ordered_and_inside_the_text(text: str) -> None:
    found = term_spans(text)
    assert len(found.terms) == len(found.starts) == len(found.ends)
    assert list(found.starts) == sorted(found.starts)
    for term, start, end in zip(found.terms, found.starts, found.ends, strict=True):
        assert 0 <= start < end <= len(text)
        assert term
        assert not any(c.isspace() for c in term)


@given(TEXTS)
def test_terms_are_the_same_with_and_without_their_places(text: str) -> None:
    assert extract_terms(text) == term_spans(text).terms


@given(st.lists(TEXTS, max_size=4))
def test_lines_can_be_cut_apart_without_changing_terms(lines: list[str]) -> None:
    apart = [term for line in lines for term in extract_terms(line)]
    assert extract_terms("\n".join(lines)) == apart


def test_long_text_is_cut_into_blocks_without_tearing_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "the max_chunk_size is 1,234.5。注册资本 " * 50
    whole = term_spans(text)
    monkeypatch.setattr(module, "_BLOCK_CHARACTERS", 7)
    blocks = term_spans(text)
    assert blocks.terms == whole.terms
    assert (blocks.starts == whole.starts).all()
    assert (blocks.ends == whole.ends).all()


def test_positions_within_are_the_terms_that_lie_fully_inside() -> None:
    found = term_spans("one max_size two")
    inside = [found.terms[i] for i in found.positions_within(2, 12)]
    assert inside == ["max_size", "max", "size"]
    assert [found.terms[i] for i in found.positions_within(0, 11)] == ["one", "max"]


def test_positions_within_an_empty_stretch_are_none() -> None:
    assert term_spans("one two").positions_within(3, 3).size == 0


def test_the_word_cache_stays_bounded_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHE_WORDS", 3)
    monkeypatch.setattr(module, "_WORDS", module._WordTerms())
    assert extract_terms("dogs cats cows hens dogs") == ["dog", "cat", "cow", "hen", "dog"]
    assert len(module._WORDS) <= 3


def test_threads_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHE_WORDS", 8)
    text = " ".join(f"running{chr(97 + i % 26)}s_of_{i}" for i in range(500))
    expected = extract_terms(text)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(extract_terms, [text] * 12))


@pytest.mark.parametrize("text", ["a" * 10**6, "1" * 10**6, "AbcDefgh" * 20000, "1.a" * 9**5])
def test_no_term_is_longer_than_64_characters(text: str) -> None:
    assert max(map(len, extract_terms(text))) <= 64


def test_a_long_line_of_numbers_takes_linear_time() -> None:
    started = time.thread_time()
    found = extract_terms("123," * 50_000 + "1234")
    assert len(found) == 50_001
    assert time.thread_time() - started < 5  # 50,000 tries of 50,000 groups would take minutes


def test_stop_words_leave_questions_but_not_documents() -> None:
    assert query_terms("What is the refund window?") == ["refund", "window"]
    assert extract_terms("What is the refund window?")[:3] == ["what", "is", "the"]


def test_a_question_of_stop_words_keeps_them_all() -> None:
    assert query_terms("to be or it is") == extract_terms("to be or it is")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Wer ist der Geschäftsführer?", "geschaftsfuhr"),
        ("Qui est le directeur du musée ?", "directeur muse"),
        ("¿Quién es el alcalde?", "alcald"),
        ("quien es el alcalde", "alcald"),
        ("Chi è il sindaco?", "sindaco"),
        ("Quem é o prefeito?", "prefeito"),
        ("Wie is de burgemeester?", "burgemeest"),
        ("der die das", "der die das"),
    ],
)
def test_stop_words_are_those_of_the_language_of_a_question(question: str, expected: str) -> None:
    assert query_terms(question) == expected.split()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("die casting", "die cast"),
        ("What is El Paso?", "el paso"),
        ("Who is de Gaulle?", "de gaull"),
        ("Die Hard was in which year", "die hard year"),
        ("set the die size for de and es", "set die size de es"),
    ],
)
def test_a_word_that_looks_foreign_stays_in_an_english_question(
    question: str, expected: str
) -> None:
    assert query_terms(question) == expected.split()


def test_capital_names_are_not_stop_words() -> None:
    assert query_terms("Who leads the IT team of the WHO?") == ["lead", "it", "team", "who"]
    assert query_terms("WHAT IS IT FOR WINDOWS") == ["window"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("注册资本是多少？", "注册 册资 资本"),
        ("公司的目的是什么", "公司 目的"),
        ("狗是什么", "狗是 是什 什么"),
        ("多少", "多少"),
        ("目的は何ですか", "目的"),
        ("館長は誰ですか？", "館長"),
        ("駐車場は無料ですか", "駐車 車場 無料"),
        ("会議室の予約はどこに届けますか", "会議 議室 予約 届け"),
        ("だれですか", "だれ"),
    ],
)
def test_what_chinese_and_japanese_ask_with_is_cut_where_something_remains(
    question: str, expected: str
) -> None:
    assert query_terms(question) == expected.split()
