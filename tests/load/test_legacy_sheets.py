"""stock.xls was saved by LibreOffice: nothing that is maintained writes the format from Python."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.media_types import XLS
from filesearch.load.office import legacy_sheets
from filesearch.types import Document

Promise = Callable[[Document], None]
STOCK = Path(__file__).with_name("stock.xls")


def test_xls_rows_are_those_of_sheets(keeps_promises: Promise) -> None:
    document = load(STOCK.read_bytes(), "a.xls")
    keeps_promises(document)
    rows = [document.text[s.start : s.end] for s in document.spans if s.kind == "row"]
    assert rows == [
        "item | count | since | price | share",
        "item: mug; count: 3; since: 2025-02-01; price: 1.5; share: 0.25",
        "item: plate; count: 4; since: 2025-02-01 12:30; price: #DIV/0!; share: 0.5",
        "a | b",
        "a: TRUE",
    ]
    assert [(s.number, s.label) for s in document.spans if s.kind == "sheet"] == [
        (1, "Stock"), (3, "Fees")
    ]  # fmt: skip
    assert document.warnings == ("hidden sheets were left out: Hidden",)


def test_a_workbook_is_known_by_its_content() -> None:
    assert load(STOCK.read_bytes(), "upload").media_type == XLS


@pytest.mark.parametrize("size", [600, 3000, 6000])
def test_a_truncated_xls_is_refused(size: int) -> None:
    with pytest.raises((InvalidFile, UnsupportedFile), match="save it"):
        load(STOCK.read_bytes()[:size], "a.xls")


def test_numbers_formatted_as_dates_that_are_none_stay_numbers() -> None:
    assert legacy_sheets._date(1e9, 0) == 1e9
    assert legacy_sheets._date(0.5, 0) == datetime.time(12)
