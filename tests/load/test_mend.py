from __future__ import annotations

import pytest

from filesearch.load.mend import PageLine, mend_lines, mend_pages

WIDE = "This line of prose is as wide as the others on the page so that it is full"


def mend(raw: str) -> str:
    return mend_pages([raw])[0]


def test_lines_of_a_paragraph_are_joined() -> None:
    raw = "The first line of it goes on and on until\nthe second, which ends here.\n"
    assert mend(raw) == "The first line of it goes on and on until the second, which ends here."


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("about the retrie-\nval of mugs", "about the retrieval of mugs"),
        ("under shelter-\nin-place orders", "under shelter-in-place orders"),
        ("of the Anglo-\nSaxon kind", "of the Anglo-Saxon kind"),
        ("a long-term plan and a long-\nterm view", "a long-term plan and a long-term view"),
        ("a soft\u00ad\nly broken word", "a softly broken word"),
    ],
)
def test_a_hyphen_of_division_goes_and_that_of_a_compound_stays(raw: str, expected: str) -> None:
    assert mend(raw) == expected


def test_ligatures_become_letters_and_other_forms_stay() -> None:
    assert mend("ﬁnd the oﬃce ﬂoor ½ ① ™") == "find the office floor ½ ① ™"


def test_rows_of_a_table_stay_one_per_line() -> None:
    raw = "Net sales $ 60,584 $ 63,355\nServices 21,213 19,604\nLoss, net (265) (10)%\nTotal — 4"
    assert mend(raw) == raw


def test_a_wrapped_row_label_joins_its_row() -> None:
    raw = "Total change in unrealized gains on marketable debt\nsecurities (282) (3,055)"
    assert mend(raw) == raw.replace("\n", " ")


def test_cells_on_lines_of_their_own_join_their_label() -> None:
    assert mend("Document Cloud\n2,383\n1,974\n21 %\nTotal\n$ 12,842") == (
        "Document Cloud 2,383 1,974 21 %\nTotal $ 12,842"
    )


def test_a_page_number_stays_alone() -> None:
    assert mend("Some closing words without a stop\n12").endswith("stop\n12")


def test_a_heading_after_a_full_sentence_starts_a_line() -> None:
    full = "and so is this one which ends in a full stop at the very end of it here."
    raw = f"{WIDE},\n{full}\nFees\n{WIDE}"
    assert mend(raw).split("\n")[1:] == ["Fees", WIDE]


def test_list_items_start_lines_and_go_on_over_several() -> None:
    raw = f"{WIDE}:\n• one item that goes on\nin a second line;\n• another\n(1) and a third"
    assert mend(raw).split("\n")[1:] == [
        "• one item that goes on in a second line;",
        "• another",
        "(1) and a third",
    ]


def test_a_short_line_ends_a_paragraph() -> None:
    raw = f"{WIDE}\nand ends here.\n{WIDE}\nand there."
    assert mend(raw) == f"{WIDE} and ends here.\n{WIDE} and there."


def test_chinese_lines_are_joined_without_a_space() -> None:
    full = "本店出售的所有杯子都可以在三十天之内退货但是请您保留好收据"
    assert mend(f"{full}\n并且不要损坏。\n第二章\n{full}\n结束。") == (
        f"{full}并且不要损坏。\n第二章\n{full}结束。"
    )


def test_a_page_of_short_lines_takes_the_width_of_the_document() -> None:
    prose = "\n".join([WIDE, WIDE.lower()] * 10)
    title_page = "A Title That Is Long\nThe Author Of This\nOf Some Institute"
    assert mend_pages([title_page, prose])[0] == title_page


def test_entries_of_a_table_of_contents_stay_one_per_line() -> None:
    raw = f"{WIDE[:50]} . . . . . . . . . . . . 12\nThe second chapter {'.' * 50} 14\nThe third"
    assert mend(raw) == raw


def test_a_blank_page_stays_empty() -> None:
    assert mend_pages(["", " \n \n"]) == ["", ""]


def test_only_white_space_and_hyphens_ever_change() -> None:
    raw = "• a-\nb 12\n(3)\n ®\nX, Y\n\n\nof - 5\nz"
    assert "".join(mend(raw).split()).replace("-", "") == "".join(raw.split()).replace("-", "")


def test_a_line_that_stands_alone_is_joined_to_none() -> None:
    lines = [PageLine(WIDE), PageLine(WIDE.lower(), stands_alone=True), PageLine(WIDE.lower())]
    [mended] = mend_lines([lines])
    assert [line.text for line in mended] == [WIDE, WIDE.lower(), WIDE.lower()]
