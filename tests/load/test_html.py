from __future__ import annotations

from collections.abc import Callable

import pytest

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.types import Document

PAGE = """<!doctype html><html><head><title>Returns &amp; refunds</title><style>p{}</style></head>
<body><header><a href=/>Home</a></header><nav>Menu</nav><main><h1>Returns</h1>
<p>Mugs can go back for <b>30</b> days,<br>plates&nbsp;not.
<ul><li>keep the <a href=x>receipt</a></li><li>be kind<ol><li>always</li></ol></li></ul>
<h2>Fees</h2><table><tr><th>item</th><th>fee</th></tr><tr><td>mug</td><td>&euro;2</td></tr></table>
<pre>a  b
  c</pre><script>alert(1)</script><div hidden>secret</div></main>
<footer>Imprint</footer></body></html>"""


def test_the_main_text_comes_without_scripts_and_furniture() -> None:
    document = load(PAGE.encode(), "a.html")
    for gone in ("Home", "Menu", "alert", "secret", "Imprint", "p{}"):
        assert gone not in document.text
    assert document.title == "Returns & refunds"


def test_blocks_become_lines_and_items_get_dashes() -> None:
    lines = load(PAGE.encode(), "a.html").text.split("\n")
    assert "Mugs can go back for 30 days," in lines
    assert "plates not." in lines
    assert "- keep the receipt" in lines
    assert "  - always" in lines
    assert "a  b" in lines


def test_headings_and_table_rows_have_spans(keeps_promises: Callable[[Document], None]) -> None:
    document = load(PAGE.encode(), "a.html")
    keeps_promises(document)
    rows = [document.text[s.start : s.end] for s in document.spans if s.kind == "row"]
    assert rows == ["item | fee", "mug | €2"]
    labels = [(s.number, s.label) for s in document.spans if s.kind == "heading"]
    assert labels == [(1, "Returns"), (2, "Fees")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_the_bytes_decide_whatever_the_page_declares(encoding: str) -> None:
    page = "<meta charset=utf-8><p>本店的杯子可以在三十天内退货，请保留收据。</p>"
    assert (
        load(page.encode(encoding), "a.html").text == "本店的杯子可以在三十天内退货，请保留收据。"
    )


def test_a_declared_charset_is_used_where_bytes_are_ambiguous() -> None:
    page = '<meta http-equiv=Content-Type content="text/html; charset=iso-8859-7"><p>Καλημέρα'
    assert load(page.encode("iso-8859-7"), "a.html").text == "Καλημέρα"


def test_a_charset_inside_a_comment_is_not_meant() -> None:
    page = "<!-- <meta charset=cp1252> --><meta charset=cp1251><p>Однажды в студеную пору"
    assert load(page.encode("cp1251"), "a.html").text == "Однажды в студеную пору"


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    assert load(b"<p>one<div>two</p></b><td>three", "a.html").text.split() == [
        "one",
        "two",
        "three",
    ]


def test_layout_tables_are_read_block_by_block() -> None:
    page = b"<table><tr><td><h1>Head</h1><p>Body text</p></td><td><ul><li>x</ul></td></tr></table>"
    assert load(page, "a.html").text.split("\n\n")[:2] == ["Head", "Body text"]


def test_nesting_is_read_to_the_depth_that_pages_have() -> None:
    document = load(b"<div>" * 200 + b"deep" + b"</div>" * 200, "a.html")
    assert document.text == "deep"


def test_absurd_nesting_is_refused() -> None:
    with pytest.raises(InvalidFile):
        load(b"<div>" * 20_000 + b"deep" + b"</div>" * 20_000, "a.html")


def test_entities_of_a_document_type_are_not_expanded() -> None:
    page = b'<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]><p>x &a; y</p>'
    assert "root:" not in load(page, "a.html").text


def test_a_page_of_scripts_is_invalid() -> None:
    with pytest.raises(InvalidFile, match="no visible text"):
        load(b"<html><script>x()</script><nav>Menu</nav></html>", "a.html")
