"""Repeats: which texts say again what earlier ones said, and which only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.repeats import ToldTexts, _fingerprints

HANDBOOK = """The studio is open to members from early morning until the last firing is done.
Whoever comes in signs the book at the door, hangs up the coat and puts on an apron. Wet clay is
kept under plastic on the lower shelf, and what has dried goes into the reclaim bucket beside the
sink. Tools are washed before they are put away, and nobody leaves a wheel without wiping it. Pots
that wait for the kiln stand on the rack by the window with the name of the maker under them.
Glazes are stirred before use and closed after it. When the kiln is hot the door stays shut, and
only the person who loaded it opens it again once it has cooled down to the warmth of a hand."""
HANDBUCH = """会员从清晨到最后一次烧窑结束都可以使用工作室。
进门的人要在门口的本子上签名,挂好外套,系上围裙。
湿泥用塑料布盖好放在下层架子上,干了的泥放进水池旁边的回收桶。
工具用完洗净再放回原处,离开拉坯机之前要擦干净。
等待烧制的坯体放在窗边的架子上,底下写着作者的名字。釉料使用前搅拌均匀,用后盖好。
窑炉很热的时候门必须关着,只有装窑的人才能在它冷却以后打开。
退货期限为三十天,从收到货物当天算起,逾期不再受理。"""


def told(*texts):
    """What `tell` returns for each of these, every one from a source of its own."""
    memory = ToldTexts()
    return [memory.tell(text, source=number) for number, text in enumerate(texts)]


@pytest.mark.parametrize("text", [HANDBOOK, HANDBUCH, "A kiln.", "陶", "😀"])
def test_the_same_text_again_is_a_repeat(text):
    assert told(text, text) == [None, 0]


@pytest.mark.parametrize("text", [HANDBOOK, HANDBUCH])
def test_line_breaks_case_and_punctuation_make_no_difference(text):
    reflowed = text.replace("\n", "\n    ").replace(".", " !").replace("。", "!\n").upper()
    assert told(text, reflowed) == [None, 0]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (HANDBOOK, "early morning", "dawn"),
        (HANDBOOK, "is open", "stays open"),
        (HANDBOOK, "once it has", "when it has"),
        (HANDBUCH, "擦干净", "擦拭好"),
    ],
)
def test_another_version_with_a_few_small_words_changed_is_a_repeat(text, old, new):
    assert told(text, text.replace(old, new)) == [None, 0]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (HANDBOOK, "early morning", "6:30"),
        (HANDBOOK, "the person who loaded it", "only Noor Haddad"),
        (HANDBOOK, "under plastic", "under HDPE film"),
        (HANDBUCH, "三十天", "六十天"),
    ],
)
def test_another_number_or_name_is_no_repeat(text, old, new):
    assert told(text, text.replace(old, new)) == [None, None]


FILING = (
    "{firm}, Annual Report for fiscal year {year}. The company makes no forecast beyond what "
    "the law asks of it. Actual results may differ from what is said here, for reasons that "
    "the section on risks describes. The figures were examined by an independent auditor, who "
    "raised no objection, and they were approved by the board in the spring. Copies can be "
    "had from the office of the company without charge as long as they last."
)


def test_filings_of_two_years_or_two_firms_are_no_repeats():
    names = [("Acme", "FY2022"), ("Acme", "FY2023"), ("Borealis", "FY2022")]
    assert told(*[FILING.format(firm=firm, year=year) for firm, year in names]) == [None] * 3


def test_a_repeat_is_told_from_what_is_only_like_it():
    years = [FILING.format(firm="Acme", year=f"FY{year}") for year in (2022, 2023, 2024)]
    reprint = years[1].replace("can be had", "may be had")
    assert told(*years, reprint) == [None, None, None, 1]


def test_a_form_filled_in_for_two_names_is_no_repeat_though_both_were_named_before():
    form = "This contract is made between the studio and {name}, who rents a shelf. " + HANDBOOK
    overview = "Shelves are rented by Anna Berg and by Tom Lind."
    pages = [overview, form.format(name="Anna Berg"), form.format(name="Tom Lind")]
    assert told(*pages) == [None, None, None]


def test_a_new_sentence_in_a_long_text_does_not_save_it_but_a_new_paragraph_does():
    sentence = " Please be kind."
    paragraph = " Whatever breaks is told to the others at once," + " so that no foot is cut" * 9
    assert told(HANDBOOK, HANDBOOK + sentence) == [None, 0]
    assert told(HANDBOOK, HANDBOOK + paragraph) == [None, None]


def test_a_part_of_an_earlier_text_is_a_repeat_and_what_holds_it_is_not():
    part = HANDBOOK[100:500]
    assert told(HANDBOOK, part) == [None, 0]
    assert told(part, HANDBOOK) == [None, None]


def test_a_text_that_two_earlier_ones_share_between_them_is_a_repeat_of_the_larger_part():
    """Chunks of two versions of a file begin at different places."""
    assert told(HANDBOOK[:250], HANDBOOK[250:], HANDBOOK) == [None, None, 1]


def test_texts_of_one_source_are_not_compared():
    memory = ToldTexts()
    assert [memory.tell(HANDBOOK, source=source) for source in (1, 1, 2)] == [None, None, 0]


def test_repeats_are_not_counted_among_the_texts_taken_in():
    assert told("A kiln.", "A kiln!", "Some bread.", "Some bread!") == [None, 0, None, 1]


@pytest.mark.parametrize(
    "texts",
    [
        ("The kiln is hot.", "The kiln is cold."),
        ("陶器", "瓷器"),
        ("😀", "🎉"),
        ("bread", "bread and butter"),
    ],
)
def test_short_texts_repeat_only_what_says_the_same(texts):
    assert told(*texts) == [None, None]


@pytest.mark.parametrize("blank", ["", " \n\t"])
def test_a_blank_text_is_taken_in(blank):
    assert told("A kiln.", blank, blank) == [None, None, None]


@given(st.text(min_size=1), st.lists(st.text(), max_size=4))
def test_any_text_repeats_itself_whatever_was_told_before(text, before):
    memory = ToldTexts()
    for other in before:
        memory.tell(other, source=0)
    memory.tell(text, source=1)
    assert (memory.tell(text, source=2) is None) == (not _fingerprints(text))


def test_texts_that_share_a_long_run_share_a_fingerprint():
    run = HANDBOOK[200:310]
    assert _fingerprints("a" * 90 + run + "b" * 90) & _fingerprints(HANDBOOK)
    assert not _fingerprints(HANDBOOK[:200]) & _fingerprints(HANDBOOK[220:])
