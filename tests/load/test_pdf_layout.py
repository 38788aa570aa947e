from __future__ import annotations

from collections.abc import Iterable

import pytest

from filesearch.load.pdf.layout import lay_out
from filesearch.load.pdf.tables import Table, find_tables
from filesearch.load.pdf.words import Word

SIZE = 10.0


def words(placed: Iterable[tuple[float, float, str]]) -> list[Word]:
    """Words of strings that begin at (x, y): half as wide as high, a quarter for a space."""
    found = []
    for number, (x, y, text) in enumerate(placed):
        for word in text.split():
            right = x + SIZE / 2 * len(word)
            found.append(Word(word, x, right, y, SIZE, line=number))
            x = right + SIZE / 4
    return found


def lines_of(*placed: tuple[float, float, str]) -> list[str]:
    return [line.text for line in lay_out(words(placed))]


def tables_of(*placed: tuple[float, float, str]) -> tuple[list[str], list[Table]]:
    lines, tables = find_tables(lay_out(words(placed)))
    return [" | ".join(cell.text for cell in line.cells) for line in lines], tables


def column(x: float, top: float, *texts: str) -> list[tuple[float, float, str]]:
    """Lines under each other; the last digits of figures too, brackets hang over."""
    longest = max(len(text.rstrip(")")) for text in texts) if texts[0][0].isdigit() else 0
    return [
        (x + SIZE / 2 * max(longest - len(text.rstrip(")")), 0), top - 12 * row, text)
        for row, text in enumerate(texts)
    ]


def test_a_table_drawn_column_by_column_comes_out_as_rows() -> None:
    labels = column(50, 700, "Net sales", "Cost of sales", "Gross profit")
    figures = [*column(300, 700, "1,234", "(567)", "667"), *column(400, 700, "1,100", "500", "600")]
    assert lines_of(*labels, *figures) == [
        "Net sales 1,234 1,100",
        "Cost of sales (567) 500",
        "Gross profit 667 600",
    ]


def test_columns_of_prose_stay_apart() -> None:
    left = column(50, 700, "the left column goes on", "and on until it ends", "here with a stop.")
    right = column(320, 700, "the right one begins", "when the left is done", "in 2019.")
    assert lines_of(*left, *right) == [text for _, _, text in [*left, *right]]


def test_columns_of_prose_drawn_line_by_line_are_put_one_after_the_other() -> None:
    left = column(
        50, 700, "The left column goes on", "and on until it comes", "to its very last end"
    )
    right = column(
        320, 700, "The right one begins", "when the left is done", "and ends in its turn"
    )
    mixed = [piece for pair in zip(left, right, strict=True) for piece in pair]
    assert lines_of(*mixed) == [text for _, _, text in [*left, *right]]


def test_rows_of_words_drawn_line_by_line_stay_rows() -> None:
    left = column(50, 700, "Kiln one in the yard", "Kiln two in the shop", "Kiln four in the shed")
    right = column(
        320, 700, "Fired twice in a week", "Fired once in a month", "Not fired in this year"
    )
    mixed = [piece for pair in zip(left, right, strict=True) for piece in pair]
    assert lines_of(*mixed)[0] == "Kiln one in the yard Fired twice in a week"


def test_the_scale_of_a_chart_does_not_run_into_the_text_beside_it() -> None:
    text = [(50, 700 - 12 * i, f"line {i} of the text goes on") for i in range(6)]
    scale = [(400, 700 - 17 * i, f"{100 - 20 * i}") for i in range(5)]
    assert not [line for line in lines_of(*text, *scale) if "text" in line and line[-1].isdigit()]


def test_what_is_printed_twice_on_one_spot_comes_once() -> None:
    assert lines_of((50, 700, "Annual report"), (50.3, 700, "Annual report")) == ["Annual report"]


def test_what_is_printed_over_something_else_stays() -> None:
    assert lines_of((50, 700, "Text the first"), (50, 700, "Text the second")) == [
        "Text the first",
        "Text the second",
    ]


def test_a_raised_sign_belongs_to_its_word() -> None:
    low, high = words([(50, 700, "sales")])[0], Word("1", 76, 79, 704, 6, is_joined=True)
    assert [line.text for line in lay_out([low, high])] == ["sales1"]


def test_ideographs_set_wide_are_one_word() -> None:
    set_wide = [Word(sign, 50 + 13 * i, 60 + 13 * i, 700, 10) for i, sign in enumerate("目录")]
    assert [line.text for line in lay_out(set_wide)] == ["目录"]


def test_a_currency_sign_belongs_to_its_number() -> None:
    row = [(50, 700, "Net sales"), (290, 700, "$"), (320, 700, "1,234"), (390, 700, "$")]
    [line] = lay_out(words([*row, (420, 700, "1,100")]))
    assert [cell.text for cell in line.cells] == ["Net sales", "$ 1,234", "$ 1,100"]


def rows(top: float) -> list[tuple[float, float, str]]:
    labels = column(50, top, "Net sales", "Cost of sales", "Gross profit")
    figures = zip(
        column(300, top, "1,234", "567", "667"), column(400, top, "9", "8", "7"), strict=True
    )
    return [piece for label, pair in zip(labels, figures, strict=True) for piece in (label, *pair)]


def test_a_table_is_found_with_its_header() -> None:
    lines, tables = tables_of(
        (50, 740, "The table below has figures."),
        (300, 712, "2025"),
        (400, 712, "2024"),
        *rows(700),
    )
    assert lines[1:] == [
        "2025 | 2024",
        "Net sales | 1,234 | 9",
        "Cost of sales | 567 | 8",
        "Gross profit | 667 | 7",
    ]
    assert tables == [Table(1, 4)]


def test_a_header_on_two_lines_names_each_column_in_one_piece() -> None:
    header = [
        (290, 724, "June 30,"),
        (390, 724, "June 30,"),
        (300, 712, "2025"),
        (400, 712, "2024"),
    ]
    lines, _ = tables_of(*header, *rows(700))
    assert lines[0] == "June 30, 2025 | June 30, 2024"


def test_a_name_over_several_columns_and_the_title_stay_apart() -> None:
    title = (150, 740, "Statements of income of the pottery of Huiyuan")
    header = [title, (310, 724, "Years ended in December"), (300, 712, "2025"), (400, 712, "2024")]
    lines, tables = tables_of(*header, *rows(700))
    assert lines[:3] == [title[2], "Years ended in December", "2025 | 2024"]
    assert tables == [Table(1, 5)]


def test_the_sign_of_the_next_number_is_not_taken_for_that_of_the_last() -> None:
    [line] = lay_out(words([(50, 700, "Net sales"), (300, 700, "$ 1,234 $ 1,100")]))
    assert [cell.text for cell in line.cells] == ["Net sales", "$ 1,234", "$ 1,100"]


def test_a_label_on_two_lines_stands_before_its_figures() -> None:
    purchases = [(50, 664, "Purchases of kilns,"), (300, 664, "1,111"), (405, 664, "6")]
    lines, tables = tables_of(*rows(700), *purchases, (50, 652, "wheels and tools"))
    assert lines[-1] == "Purchases of kilns, wheels and tools | 1,111 | 6"
    assert tables == [Table(0, 3)]


def test_figures_half_way_between_two_lines_of_a_label_are_its_own() -> None:
    label = [(50, 664, "Comparable growth"), (50, 652, "at constant rates")]
    lines, _ = tables_of(*rows(700), *label, (300, 658, "1,111"), (405, 658, "6"))
    assert lines[-1] == "Comparable growth at constant rates | 1,111 | 6"


def test_two_rows_are_no_table() -> None:
    assert tables_of(*rows(700)[:6])[1] == []


def word_rows(
    *texts: tuple[str, ...], lefts: tuple[float, ...] = (50, 150, 350)
) -> list[tuple[float, float, str]]:
    """Rows drawn one after the other, the cells of each column from one place on."""
    return [
        (x, 700 - 16 * number, text)
        for number, row in enumerate(texts)
        for x, text in zip(lefts, row, strict=False)
    ]


HOURS = (
    ("Branch", "Monday to Friday", "Manager"),
    ("Leeds", "9 am to 6 pm", "Gwen Ashby"),
    ("York", "8 am to 5 pm", "Omar Haddad"),
)


def test_rows_of_words_are_a_table() -> None:
    title = (50, 740, "Opening hours")
    below = (50, 640, "Customers park behind the shop.")
    lines, tables = find_tables(lay_out(words([title, *word_rows(*HOURS), below])))
    assert [line.text for line in lines[1:4]] == [" | ".join(row) for row in HOURS]
    assert tables == [Table(1, 3)]


def test_a_row_of_words_may_lack_cells() -> None:
    _, tables = tables_of(*word_rows(*HOURS, ("Hull", "closed")))
    assert tables == [Table(0, 3)]


def test_names_set_in_the_middle_of_columns_of_words_belong_to_the_table() -> None:
    names = [(60, 716, "Name"), (190, 716, "Days"), (370, 716, "By")]
    _, tables = tables_of(*names, *word_rows(*HOURS))
    assert tables == [Table(0, 3)]


def test_further_lines_of_a_cell_belong_to_its_row() -> None:
    more = [(350, 656, "and her depu-"), (350, 644, "ty Ann"), (50, 628, "Hull"), (150, 628, "no")]
    lines, tables = tables_of(*word_rows(*HOURS), *more)
    assert lines[2:] == ["York | 8 am to 5 pm | Omar Haddad and her deputy Ann", "Hull | no"]
    assert tables == [Table(0, 3)]


def test_a_cell_drawn_after_the_further_lines_of_another_belongs_to_its_row() -> None:
    row = [(50, 652, "Hull"), (150, 652, "10 am"), (150, 640, "to noon"), (350, 652, "Tessa")]
    lines, _ = tables_of(*word_rows(*HOURS), *row)
    assert lines[-1] == "Hull | 10 am to noon | Tessa"


def test_figures_among_words_do_not_break_a_table_of_words() -> None:
    faults = [("Code", "Times", "Remedy"), ("E01", "2", "Check the tap"), ("E02", "3", "Wait")]
    lines, tables = tables_of(*word_rows(*faults, ("E07", "often", "Refill")))
    assert tables == [Table(0, 3)]
    assert lines[1] == "E01 | 2 | Check the tap"


@pytest.mark.parametrize(
    "rows",
    [
        [("1.", "Switch it on."), ("2.", "Wait for a minute."), ("3.", "Open the valve.")],
        [("•", "kilns"), ("•", "wheels"), ("•", "tools")],
        [("[1]", "Ana Lopez, 2019."), ("[2]", "Tom Berg, 2020."), ("[3]", "Li Hua, 2021.")],
        [("int", "a;"), ("int", "b;"), ("char", "c;")],
        [("Clay", "..... four"), ("Glaze", "..... six"), ("Kiln", "..... ten")],
        [("Name", "______"), ("Street", "______"), ("Town", "______")],
        [
            ("The left column of a", "page of prose that goes"),
            ("Pottery is an old craft", "On the wheel it takes"),
            ("Few have learned it well", "Years pass until they do"),
        ],
    ],
    ids=["steps", "bullets", "references", "code", "contents", "form", "prose"],
)
def test_what_begins_under_each_other_need_not_be_a_table(rows: list[tuple[str, ...]]) -> None:
    lines, tables = find_tables(lay_out(words(word_rows(*rows, lefts=(50, 300)))))
    assert tables == []
    assert [line.text for line in lines] == [" ".join(row) for row in rows]


def test_a_table_of_figures_keeps_its_rows_though_they_begin_under_each_other() -> None:
    figures = [("Clay", "12", "14"), ("Glaze", "22", "24"), ("Kiln", "32", "34")]
    lines, tables = find_tables(lay_out(words(word_rows(*figures))))
    assert tables == [Table(0, 2)]
    assert lines[0].text == "Clay 12 14"


def test_a_title_in_large_letters_is_no_label_of_the_years_below_it() -> None:
    title = Word("Tariffs", 290, 345, 726, 2 * SIZE, line=99)
    years = [(300, 712, "2025"), (400, 712, "2024")]
    lines, tables = find_tables(lay_out([title, *words([*years, *rows(700)])]))
    assert [line.text for line in lines[:2]] == ["Tariffs", "2025 2024"]
    assert tables == [Table(1, 4)]
    assert lines[1].is_header
    assert lines[1].stands_alone


@pytest.mark.parametrize("names", [("Thousand pounds", "2025", "2024"), ("Place", "North", "West")])
def test_a_header_may_name_the_labels_too(names: tuple[str, str, str]) -> None:
    header = zip((50, 300, 400), (714, 714, 714), names, strict=True)
    lines, tables = find_tables(lay_out(words([(50, 740, "A title"), *header, *rows(700)])))
    assert tables == [Table(1, 4)]
    assert [line.is_header for line in lines] == [False, True, False, False, False]
    assert lines[1].text == " ".join(names)
