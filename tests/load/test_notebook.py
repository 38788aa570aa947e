"""Jupyter notebooks of both formats that are in use."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.types import Document

BOOK = {
    "nbformat": 4,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Kiln\n\nHeat it.\n", "## How\n", "Slowly."]},
        {
            "cell_type": "code",
            "source": "fire(1240)",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["10%\r50%\rdone\n", "cold\n"]},
                {"output_type": "execute_result", "data": {"text/plain": ["1240"]}},
                {"output_type": "display_data",
                 "data": {"image/png": "iVBO", "text/plain": "<Figure 1x1>"}},
            ],
        },
        {
            "cell_type": "code",
            "source": ["1/0"],
            "outputs": [
                {
                    "output_type": "error",
                    "ename": "ZeroDivisionError",
                    "evalue": "division by zero",
                    "traceback": ["\x1b[0;31m-----\x1b[0m"],
                }
            ],
        },
        {
            "cell_type": "code",
            "source": "table",
            "outputs": [
                {
                    "output_type": "display_data",
                    "data": {
                        "text/html": "<table><tr><th>item<th>fee<tr><td>mug<td>2</table>",
                        "text/plain": "<IPython.core.display.HTML object>",
                    },
                }
            ],
        },
    ],
}  # fmt: skip


def cells(document: Document) -> list[tuple[int, str]]:
    return [(s.number, document.text[s.start : s.end]) for s in document.spans if s.kind == "cell"]


def load_book(book: object) -> Document:
    return load(json.dumps(book).encode(), "a.ipynb")


def test_cells_are_spans_with_source_and_output(
    keeps_promises: Callable[[Document], None],
) -> None:
    document = load_book(BOOK)
    keeps_promises(document)
    assert cells(document) == [
        (1, "# Kiln\n\nHeat it.\n## How\nSlowly."),
        (2, "fire(1240)\n\ndone\ncold\n1240"),
        (3, "1/0\n\nZeroDivisionError: division by zero"),
        (4, "table\n\nitem | fee\nitem: mug; fee: 2"),
    ]
    assert document.warnings == ("1 pictures in its output were not read",)


def test_headings_of_markdown_cells_cover_the_cells_below() -> None:
    document = load_book(BOOK)
    spans = {s.label: document.text[s.start : s.end] for s in document.spans if s.label}
    assert spans["Kiln"] == document.text
    assert spans["How"].startswith("## How\nSlowly.\n\nfire(1240)")
    assert document.title == "Kiln"


def test_nbformat_3_keeps_cells_in_worksheets() -> None:
    book = {
        "nbformat": 3,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "markdown", "source": "Of clay."},
                    {"cell_type": "heading", "level": 2, "source": ["Kiln"]},
                    {
                        "cell_type": "code",
                        "input": ["fire()"],
                        "outputs": [
                            {"output_type": "pyout", "text": ["hot"], "png": "iVBO"},
                            {"output_type": "pyerr", "ename": "E", "evalue": "v"},
                        ],
                    },
                ]
            }
        ],
    }
    document = load_book(book)
    assert cells(document) == [(1, "Of clay."), (2, "Kiln"), (3, "fire()\n\nhot\nE: v")]
    assert [(s.number, s.label) for s in document.spans if s.kind == "heading"] == [(2, "Kiln")]


def test_long_output_is_cut_with_a_warning() -> None:
    output = {"output_type": "stream", "text": "epoch 1\n" * 100_000}
    document = load_book(
        {"cells": [{"cell_type": "code", "source": "train()", "outputs": [output]}]}
    )
    assert len(document.text) < 20_100
    assert document.warnings == ("the output of 1 cells was cut off after 20,000 characters",)


def test_cells_without_text_keep_their_number() -> None:
    book = {"cells": [{"cell_type": "code", "source": ""}, {"cell_type": "raw", "source": "x"}]}
    assert cells(load_book(book)) == [(2, "x")]
    with pytest.raises(InvalidFile, match="no cell of it holds text"):
        load_book({"cells": []})


def test_what_is_no_notebook_is_read_as_json() -> None:
    assert load(b'{"name": "mug"}', "a.ipynb").text == "name: mug"
    assert load(b"no json", "a.ipynb").text == "no json"


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(InvalidFile, match="nested too deeply"):
        load(b'{"cells": ' + b"[" * 100_000, "a.ipynb")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "cells worksheets cell_type source input outputs output_type data text text/plain "
                "text/html ename metadata title level".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cell=anything, kind=st.sampled_from(["code", "markdown", "heading", "raw"]))
def test_any_shape_of_cell_is_read_or_refused(
    cell: object, kind: str, keeps_promises: Callable[[Document], None]
) -> None:
    given = {**cell, "cell_type": kind} if isinstance(cell, dict) else cell
    try:
        document = load_book({"cells": [given, {"source": "x"}]})
    except (InvalidFile, UnsupportedFile) as error:
        assert "damaged" not in str(error)  # noqa: PT017 - either outcome is right
    else:
        keeps_promises(document)
