from __future__ import annotations

import csv
import datetime
import io
import time
import zipfile
from collections.abc import Callable

import openpyxl
import pytest

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.types import Document

Promise = Callable[[Document], None]


def rows(document: Document) -> list[tuple[int, str]]:
    return [(s.number, document.text[s.start : s.end]) for s in document.spans if s.kind == "row"]


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets:
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_xlsx_rows_carry_the_names_of_their_columns(keeps_promises: Promise) -> None:
    data = workbook(
        ("Stock", [["item", "count", "since"], ["mug", 3.0, datetime.date(2025, 2, 1)]]),
        ("Empty", []),
        ("Fees", [[], ["item", "fee"], ["plate", 2.5], [None, None], ["mug", True]]),
    )
    document = load(data, "a.xlsx")
    keeps_promises(document)
    assert rows(document) == [
        (1, "item | count | since"),
        (2, "item: mug; count: 3; since: 2025-02-01"),
        (2, "item | fee"),
        (3, "item: plate; fee: 2.5"),
        (5, "item: mug; fee: TRUE"),
    ]
    sheets = [(s.number, s.label) for s in document.spans if s.kind == "sheet"]
    assert sheets == [(1, "Stock"), (2, "Empty"), (3, "Fees")]


def test_xlsx_hidden_sheets_are_left_out_and_an_empty_book_is_invalid() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "seen"
    book.create_sheet("hidden")["A1"] = "secret"
    book["hidden"].sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    document = load(out.getvalue(), "a.xlsx")
    assert "secret" not in document.text
    assert document.warnings == ("hidden sheets were left out: hidden",)
    with pytest.raises(InvalidFile, match="no cell of its visible sheets is filled"):
        load(workbook(("One", [])), "a.xlsx")


def with_sheet(data: bytes, old: str, new: str) -> bytes:
    """Return an xlsx with something replaced in the XML of its first sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert old.encode() in part
                part = part.replace(old.encode(), new.encode())
            after.writestr(name, part)
    return out.getvalue()


def test_formulas_without_a_stored_result_are_counted() -> None:
    cells: list[list[object]] = [["a", "b"], [1, "=A2+1"], [2, "=SUM(A2:A3)"], [3, "=B2"]]
    data = workbook(("One", cells), ("Two", [["x", "=1+1"]]))
    warning = "formulas have no stored result; open and save it in a spreadsheet program"
    assert load(data, "a.xlsx").warnings == (f"4 {warning}",)
    stored = with_sheet(data, "<f>B2</f><v></v>", "<f>B2</f><v>2</v>")
    assert load(stored, "a.xlsx").warnings == (f"3 {warning}",)
    shared = with_sheet(data, "<f>B2</f><v></v>", '<f t="shared" si="0"/>')
    assert load(shared, "a.xlsx").warnings == (f"4 {warning}",)
    no_text = with_sheet(data, '"B4"><f>', '"B4" t="str"><f>')
    assert load(no_text, "a.xlsx").warnings == (f"3 {warning}",)


def test_a_workbook_of_formulas_alone_is_invalid_and_says_why() -> None:
    with pytest.raises(InvalidFile, match="2 formulas have no stored result"):
        load(workbook(("One", [["=1+1", "=2+2"]])), "a.xlsx")


def test_formulas_are_counted_across_the_pieces_of_a_long_sheet() -> None:
    data = workbook(("One", [[number, f"=A{number}+{'1' * 200}"] for number in range(1, 9001)]))
    assert load(data, "a.xlsx").warnings[0].startswith("9000 formulas")


def test_an_xlsx_with_a_cell_in_the_far_corner_is_quick() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "seen"
    book.active["XFD1048576"] = "far"
    out = io.BytesIO()
    book.save(out)
    began = time.process_time()
    document = load(out.getvalue(), "a.xlsx")
    assert time.process_time() - began < 10
    assert rows(document)[0] == (1, "seen")
    assert document.text.endswith("far")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters_are_found(delimiter: str, keeps_promises: Promise) -> None:
    lines = [["city", "mugs"], ["Bergen", "12"], ["Oslo", "7"]]
    document = load("\n".join(delimiter.join(line) for line in lines).encode(), "a.csv")
    keeps_promises(document)
    assert rows(document)[1:] == [(2, "city: Bergen; mugs: 12"), (3, "city: Oslo; mugs: 7")]


def test_csv_quotes_line_ends_and_commas_stay_in_their_cell() -> None:
    data = b'name,note\r\nmug,"big, ""blue""\nand round"\r\n'
    assert rows(load(data, "a.csv"))[1] == (2, 'name: mug; note: big, "blue" and round')


def test_csv_decimal_commas_do_not_split_cells() -> None:
    data = "Ort;Preis;Menge\nBergen;1,50;2,5\nOslo;2,75;3,5\n".encode("cp1252")
    assert rows(load(data, "a.csv"))[1][1] == "Ort: Bergen; Preis: 1,50; Menge: 2,5"


def test_a_table_without_a_header_keeps_its_rows() -> None:
    assert rows(load(b"1,2\n3,4\n", "a.csv")) == [(1, "1 | 2"), (2, "3 | 4")]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Harbour,2023,2024\nVardo,100,120\n", "Harbour: Vardo; 2023: 100; 2024: 120"),
        (",2023,2024\nVardo,open,\n", "Vardo; 2023: open"),
        ("Region,2024\nEast,7\nWest,2001\nNorth,9\n", "Region: East; 2024: 7"),
    ],
)
def test_years_may_name_columns(text: str, row: str) -> None:
    assert rows(load(text.encode(), "a.csv"))[1] == (2, row)


@pytest.mark.parametrize(
    "lines",
    [
        ["2023,100,1", "2024,2,3"],
        ["Vardo,2023", "Vadso,2024"],
        ["Ann,2019,2021", "Bo,2018,2020"],
        ["Mugs,1999,Ann", "Plates,unknown,Bo"],
        ["Invoice", "Customer,Ann", "Total,12"],
        ["Invoice", "Customer:,Ann,Town:,Oslo", "Total:,12,Tax:,3"],
        ["1 of them", "x,y,z"],
        ["Dear Ann", "mugs,plates,and bowls", 'and,as ever,"yours, Bo",too'],
    ],
)
def test_years_and_labels_among_data_are_no_header(lines: list[str]) -> None:
    found = rows(load("\n".join(lines).encode(), "a.csv"))
    assert [text for _, text in found] == [" | ".join(cells) for cells in csv.reader(lines)]


def test_a_title_may_stand_before_the_names_of_the_columns(keeps_promises: Promise) -> None:
    table = [["Branch", "Revenue", "Staff"], ["Oslo", 1, 2], ["Bergen", 3, 4]]
    document = load(workbook(("All", [["Branches 2024"], [], *table])), "a.xlsx")
    keeps_promises(document)
    assert rows(document) == [
        (1, "Branches 2024"),
        (3, "Branch | Revenue | Staff"),
        (4, "Branch: Oslo; Revenue: 1; Staff: 2"),
        (5, "Branch: Bergen; Revenue: 3; Staff: 4"),
    ]
    [span] = [s for s in document.spans if s.kind == "table"]
    assert document.text[span.start :].startswith("Branch | ")
    people = b"Staff,,\nMay,2024,\nName,Role,Town\nAnn,potter,Oslo\nBo,clerk,Bath\nCy,cook,Bath\n"
    assert rows(load(people, "a.csv"))[3] == (4, "Name: Ann; Role: potter; Town: Oslo")


def test_a_csv_may_state_its_delimiter() -> None:
    data = b"sep=;\r\nname;a,b\r\nmug;1,5\r\n"
    assert rows(load(data, "a.csv")) == [(1, "name | a,b"), (2, "name: mug; a,b: 1,5")]


def test_tsv_in_gb18030_is_read() -> None:
    data = "城市\t杯子的数量\n北京的商店\t12\n上海的商店\t7\n".encode("gb18030")
    assert rows(load(data, "a.tsv"))[1][1] == "城市: 北京的商店; 杯子的数量: 12"


def test_a_header_alone_is_a_row() -> None:
    assert rows(load(b"city,mugs\n", "a.csv")) == [(1, "city | mugs")]


def test_empty_cells_are_left_out_and_extra_ones_kept() -> None:
    assert rows(load(b"a,b,c\nx,,z\np,q,r,s\n", "a.csv"))[1:] == [
        (2, "a: x; c: z"),
        (3, "a: p; b: q; c: r; s"),
    ]
