"""Languages: which share of a text an embedder knows."""

import pytest

from filesearch.languages import known_share

ENGLISH = frozenset({"en"})


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 1.0),
        ("1280 ?! 😀", 1.0),
        ("How hot is it?", 1.0),
        ("naïve café", 1.0),
        ("退货期限", 0.0),
        ("возврат", 0.0),
        ("かな", 0.0),
        ("한국어", 0.0),
        ("abc 退", 0.5),  # three letters against one character that weighs three
        ("abc где", 0.5),
    ],
)
def test_the_share_of_an_english_embedder(text, share):
    assert known_share(text, ENGLISH) == pytest.approx(share)


def test_an_embedder_without_languages_knows_every_text():
    assert known_share("退货 возврат", frozenset()) == 1.0


def test_a_script_is_known_through_any_of_its_languages():
    assert known_share("退货", frozenset({"ja"})) == 1.0
    assert known_share("かな退", frozenset({"zh"})) == pytest.approx(3 / 5)
