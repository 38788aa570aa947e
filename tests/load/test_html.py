from __future__ import annotations

import time
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
    assert rows == ["item | fee", "item: mug; fee: €2"]
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


def test_absurd_nesting_is_read_without_its_structure() -> None:
    document = load(
        b"<title>T</title>" + b"<div>" * 10_000 + b"deep<p>text" + b"</div>" * 10_000, "a.html"
    )
    assert document.text == "deep\ntext"
    assert "nested too deeply" in document.warnings[0]


def test_entities_of_a_document_type_are_not_expanded() -> None:
    page = b'<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]><p>x &a; y</p>'
    assert "root:" not in load(page, "a.html").text


def test_a_page_of_scripts_is_invalid() -> None:
    with pytest.raises(InvalidFile, match="no visible text"):
        load(b"<html><script>x()</script><nav>Menu</nav></html>", "a.html")


DOCS = """<html lang="en"><head><title>Kiln API</title>
<meta name="description" content="How to fire.">
<meta property="article:published_time" content="2025-03-01"></head><body>
<a class="skip-link" href="#c">Skip to content</a>
<div class="navbar"><a href=/>Home</a> <a href=/docs>Docs</a> <a href=/blog>Blog</a></div>
<div id="cookie-consent"><p>We use cookies to make this site better. <button>Accept</button></div>
<div class="wrapper"><div class="sphinxsidebar"><ul><li><a href=a>Install</a><li><a href=b>Fire</a>
</ul></div><div class="body"><h1>Kiln API<a class="headerlink" href="#kiln">¶</a></h1>
<ul class="breadcrumb"><li><a href=/docs>Docs</a></ul>
<aside class="admonition"><p>Mind the heat.</aside>
<dl><dt><code>fire(degrees, *, hours=8)</code><dd>Heats to <em>degrees</em>.</dl>
<pre><code>kiln = Kiln()
if kiln.is_cold:
    kiln.fire(1240)</code></pre>
<table><thead><tr><th>cone</th><th colspan=2>degrees</th></tr></thead>
<tr><td rowspan=2>06</td><td>999</td><td>slow</td></tr><tr><td>1005</td><td>fast</td></tr></table>
<div class="toctree-wrapper"><ul><li><a href=x>Glazes in depth</a></ul></div>
<p><img src=a.png alt="A cross section of the kiln"><img src=b.png alt="b.png">
<img src="data:image/png;base64,AAAA" alt=""></p></div></div>
<footer><p>Imprint, all rights reserved</footer></body></html>"""


def test_a_page_of_documentation_keeps_code_definitions_tables_and_notes() -> None:
    document = load(DOCS.encode(), "a.html")
    assert document.text == (
        "Kiln API\n\nMind the heat.\n\nfire(degrees, *, hours=8)\nHeats to degrees.\n\n"
        "kiln = Kiln()\nif kiln.is_cold:\n    kiln.fire(1240)\n\n"
        "cone | degrees\ncone: 06; degrees: 999; degrees: slow\n"
        "cone: 06; degrees: 1005; degrees: fast\n\n- Glazes in depth\n\nA cross section of the kiln"
    )
    assert document.attributes == {
        "language": "en",
        "description": "How to fire.",
        "date": "2025-03-01",
    }


NEWS = """<body><header><div class="masthead"><h1><a href=/>The Daily Clay</a></h1></div></header>
<div class="mega-menu"><ul>{menu}</ul></div>
<article><header><h1>Kiln prices fall</h1><p class="byline">By Ann Bö</header>
<p>Prices fell by a third this spring, <a href=x>says the guild</a>.
<div class="share-buttons"><a href=f>Facebook</a><a href=x>X</a></div>
<p>Potters are glad.<aside class="related"><a href=1>Ten best kilns</a></aside>
<h2 class="question"><button>Why now?</button></h2><p>Gas is cheap.
<footer><p>Ann Bö covers clay.</footer></article>
<div class="newsletter-promo"><a href=n>Subscribe to our newsletter</a></div></body>"""


def test_a_page_of_news_keeps_the_article_alone() -> None:
    menu = "".join(f"<li><a href=/{i}>Section number {i}</a>" for i in range(200))
    assert load(NEWS.format(menu=menu).encode(), "a.html").text == (
        "Kiln prices fall\n\nBy Ann Bö\n\nPrices fell by a third this spring, says the guild."
        "\n\nPotters are glad.\n\nWhy now?\n\nGas is cheap.\n\nAnn Bö covers clay."
    )


def test_a_page_whose_text_stands_in_what_is_furniture_elsewhere_keeps_it() -> None:
    page = f"<body><aside>{'<p>All the text of this page is here. ' * 20}</aside><p>x</body>"
    assert load(page.encode(), "a.html").text.count("All the text") == 20


def test_an_article_about_cookies_and_menus_is_kept() -> None:
    page = (
        b"<main><h1>Menu</h1><div class=menu><p>Soup, bread.</div><div id=cookies>Oat cookies</div>"
    )
    assert load(page, "a.html").text == "Menu\n\nSoup, bread.\n\nOat cookies"


def test_line_numbers_beside_code_are_left_out() -> None:
    page = b"""<table class=highlighttable><tr><td class=linenos><pre>1\n2</pre></td>
<td class=code><pre>a = 1\n  b = 2</pre></td></tr></table>"""
    assert load(page, "a.html").text == "a = 1\n  b = 2"


def test_a_page_that_scripts_fill_gives_its_title_and_description() -> None:
    page = (
        b"<title>Kilns</title><meta name=description content='All about kilns.'><div id=app></div>"
    )
    document = load(page, "a.html")
    assert document.text == "Kilns\n\nAll about kilns."
    assert "nothing without its scripts" in document.warnings[0]


def test_a_cell_that_claims_to_span_everything_costs_nothing() -> None:
    page = b"<table><tr><th>a<th>b<tr><td colspan=999999999 rowspan=999999999>x<td>y</table>"
    assert "x" in load(page, "a.html").text


def test_comments_that_never_end_cost_no_more_than_their_length() -> None:
    start = time.process_time()
    assert load(b"<p>Mugs" + b"<!--" * 100_000, "a.html").text == "Mugs"
    assert time.process_time() - start < 5


def test_a_page_without_tags_for_head_and_body_keeps_its_main_text() -> None:
    page = b"<!doctype html><title>Visits</title><nav>Home</nav><main><h1>Visits</h1><p>At eleven."
    document = load(page, "a.html")
    assert document.text == "Visits\n\nAt eleven."
    assert document.title == "Visits"
