"""Markers: taken out of a stream, however it is cut, with nothing else lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.markers import MarkerParser
from filesearch.messages import Source
from filesearch.types import SearchResult


def source(call, index):
    return Source(call, index, SearchResult(f"file-{index}", f"{index}.md", "text", 0, 4, 1, 1, 0))


SOURCES = [source(4, index) for index in range(3)] + [source(6, 0)]


def read(text, cuts=(), sources=SOURCES, **how):
    """The text shown, (position, marker) of each citation, and the markers dropped."""
    parser = MarkerParser(sources, **how)
    pieces = []
    last = 0
    for cut in [*cuts, len(text)]:
        pieces += parser.feed(text[last:cut])
        last = cut
    pieces += parser.finish()
    shown, cited = "", []
    for piece in pieces:
        if isinstance(piece, str):
            shown += piece
        else:
            cited.append((len(shown), piece.marker))
    return shown, cited, parser.dropped


@pytest.mark.parametrize(
    "marker",
    ["【4:1†source】", "【4:1】", "【4:1†handbook.pdf】", "【 4:1 】", "【2】", "【2†source】",
     "[2]", "[^2]", "[4:1]", "[4:1†source]", "(2)", "（2）"],
)  # fmt: skip
def test_markers_in_every_spelling_cite_their_passage(marker):
    text = f"Mugs go back{marker}. Bowls too."
    assert read(text) == ("Mugs go back. Bowls too.", [(12, "【4:1†source】")], 0)


@pytest.mark.parametrize(
    ("text", "markers"),
    [
        ("a【4:0†source】【6:0†source】", ["【4:0†source】", "【6:0†source】"]),
        ("a [1][2]", ["【4:0†source】", "【4:1†source】"]),
        ("a [1, 3]", ["【4:0†source】", "【4:2†source】"]),
        ("a [2-4]", ["【4:1†source】", "【4:2†source】", "【6:0†source】"]),
        ("a (1)(2).", ["【4:0†source】", "【4:1†source】"]),
        ("a [1](2).", ["【4:0†source】", "【4:1†source】"]),
        ("the kiln's(1).", ["【4:0†source】"]),
        ("for 30 min(2).", ["【4:1†source】"]),
        ("退货（2）。", ["【4:1†source】"]),
        ("a [^1, ^9]", ["【4:0†source】"]),
        ("a 【1, 9】", ["【4:0†source】"]),
        ("见说明【4:2†来源】。", ["【4:2†source】"]),
        ("a 【4:0†source, 4:2†source】", ["【4:0†source】", "【4:2†source】"]),
        ("a 【4:0, 6:0】", ["【4:0†source】", "【6:0†source】"]),
        ("a [4:0†a, b.pdf; 4:1†c.pdf]", ["【4:0†source】", "【4:1†source】"]),
        ("a 【4:0†source 4:1†source】", ["【4:0†source】", "【4:1†source】"]),
        ("a 【1†source，3†source】", ["【4:0†source】", "【4:2†source】"]),
        ("a 【4:1†source、9:9†source】", ["【4:1†source】"]),
        ("a 【4:0-4:2】", ["【4:0†source】", "【4:1†source】", "【4:2†source】"]),
        ("a 【2†p. 3, 4】", ["【4:1†source】"]),
        ("a [4:0, 4:1]", ["【4:0†source】", "【4:1†source】"]),
        ("a [1 ] [ 3 ]", ["【4:0†source】", "【4:2†source】"]),
    ],
)
def test_adjacent_and_listed_markers_cite_each(text, markers):
    assert [marker for _, marker in read(text)[1]] == markers


@pytest.mark.parametrize(
    "words",
    ["Ask Berg", "in 2024", "on pier C", "It is 3.2 m", "at 30 km/h", "the hall has 45 m2", "USB-C",
     "at 20 °C", "CO2", "the boat(s)", "boat_rules.md", "FSEARCH_INDEX", "Model X30", "5 kWh",
     "l'a", "(see there)", "`top_k`", "“so”", "港长", "* C", "since v2", "with sha256"],
)  # fmt: skip
def test_a_number_right_behind_what_is_no_list_or_table_cites(words):
    assert read(f"{words}[1].") == (f"{words}.", [(len(words), "【4:0†source】")], 0)


@pytest.mark.parametrize("marker", ["【9:9†source】", "【4:7】", "[7]", "[^12]", "【5】", "[0]"])
def test_markers_that_point_at_nothing_are_dropped_and_counted(marker):
    assert read(f"Mugs{marker} go.") == ("Mugs go.", [], 1)


@pytest.mark.parametrize(
    "text",
    [
        "In [2024] and (1998).", "There are two: (1) mugs, (2) bowls.", "(1) Mugs first.",
        "See [1](https://example.org).", "`a[1]` is code", "```\nx = a[1]\n```\n", "【注意】",
        "a [b] (c) 【", "f(1) = 2", "1) one", "open [1", "[", "(9).", "[1](2-report.pdf)",
        "Under section 12(3), go.", "See 4(1)(2).", "By 5(a)(1).", "Use sin(1).", "f(2), ok",
        "np.dot(3).", "top_k(2).", "toString(1).", "Vitamin B(3).", "H(2)", "It lies in [0, 100].",
        "[1, 9]", "from [0–4] to [2-9]", "[3、7]", "from [12:30, 14:15] on",
        "x[1] = 3", "Let x[0] be y[2].", "(i[1])", "= A[1]", "arr2[1], top_k[2]", "f(x)[1]",
        "a[0][1]", "get()[1]", "x[1:3]", "`a[1:3]`", "x[1, 2]",
    ],
)  # fmt: skip
def test_what_is_no_marker_stays(text):
    assert read(text) == (text, [], 0)


@pytest.mark.parametrize(
    "text",
    ['{"a": [1], "b": [[2], [1, 3]]}', '[1]', '{"see": "page (2) [1] [^1] [4:0]【4:0】【1】"}',
     '{"【4:0": "†source】"}', '{"a": [4:0†source]}', '{"a": "【"}'],
)  # fmt: skip
def test_of_json_nothing_is_taken_for_a_marker_but_a_full_one(text):
    for cuts in ((), range(1, len(text))):
        assert read(text, cuts, only_full=True) == (text, [], 0)


def test_a_full_marker_in_json_cites():
    text = '{"days": [1], "why": "Mugs go back.【4:0†source】【6:0†a.pdf】【9:9†source】"}'
    shown = '{"days": [1], "why": "Mugs go back."}'
    at = shown.index('"}')
    for cuts in ((), range(1, len(text))):
        assert read(text, cuts, only_full=True) == (
            shown, [(at, "【4:0†source】"), (at, "【6:0†source】")], 1,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("```pip install kiln```\nIt heats [1].", "```pip install kiln```\nIt heats ."),
        ("Set `a` and ` key [1], then.", "Set `a` and ` key , then."),
        ("A ``b`c`` d [1]", "A ``b`c`` d "),
        ("Or ` by night [1]\nor ` by day [1]", "Or ` by night \nor ` by day "),
        ("- ```py\n  a[1]\n  ```\nSo [1].", "- ```py\n  a[1]\n  ```\nSo ."),
        ("````\n```\na[1]\n```\na[1]\n````\nSo [1].", "````\n```\na[1]\n```\na[1]\n````\nSo ."),
        ("~~~\na[1]\n~~~\nSo [1].", "~~~\na[1]\n~~~\nSo ."),
    ],
)
def test_only_what_backticks_enclose_is_code(text, shown):
    expected, cited, _ = read(text)
    assert expected == shown
    assert {marker for _, marker in cited} == {"【4:0†source】"}
    assert read(text, range(1, len(text)))[0] == shown


@pytest.mark.parametrize("text", ["`` w ` [1] ``, so", "`w [1]`", "Use `a` or `w [1] (2).` so"])
def test_code_within_a_line_stays(text):
    assert read(text) == read(text, range(1, len(text))) == (text, [], 0)


def test_a_quote_stays_as_it_is_and_what_follows_is_read_on():
    parser = MarkerParser(SOURCES)
    quoted = "As w[1] and 【4:0†source】 say (2)."
    held = parser.feed("So [")
    pieces = [*held, *parser.quote(quoted), *parser.feed("【4:1】."), *parser.finish()]
    assert pieces == ["So ", "[" + quoted, SOURCES[1], "."]


@pytest.mark.parametrize(
    ("begun", "markers"),
    [
        ("【4", []), ("【4:", []), ("【4:1", ["【4:1†source】"]), ("【4:1†sou", ["【4:1†source】"]),
        ("【 4:1†", ["【4:1†source】"]), ("【2†so", ["【4:1†source】"]),
        ("【4:0, 4:", ["【4:0†source】"]), ("【1, 2", ["【4:0†source】"]),
        ("[4:1†sou", ["【4:1†source】"]),
        ("【4:0†source, 4:2†so", ["【4:0†source】", "【4:2†source】"]),
    ],
)  # fmt: skip
def test_of_a_marker_that_the_text_breaks_off_in_nothing_is_shown(begun, markers):
    text = f"Ask Ingrid {begun}"
    shown, cited, dropped = read(text)
    assert (shown, [marker for _, marker in cited], dropped) == ("Ask Ingrid ", markers, 0)
    assert read(text, range(1, len(text))) == read(text)


def test_a_number_that_may_go_on_is_not_cited_where_the_text_breaks_off():
    many = [source(4, index) for index in range(12)]
    assert read("a 【4:1", sources=many) == ("a ", [], 0)
    assert read("a 【4:1†", sources=many)[1] == [(2, "【4:1†source】")]
    assert read("a 【4:2", sources=many)[1] == [(2, "【4:2†source】")]


@pytest.mark.parametrize("end", ["【", "【注", "【2024年", "[1", "[4:1", "(", "(1", "["])
def test_what_may_be_no_marker_stays_where_the_text_breaks_off(end):
    assert read(f"Ask Ingrid {end}") == (f"Ask Ingrid {end}", [], 0)


def test_without_passages_numbers_in_brackets_are_text():
    assert read("As [1] says (2).【4:0†source】", sources=[]) == ("As [1] says (2).", [], 1)


@given(
    parts=st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(["【4:0†source】", "【4:2】", "【6:0†a b.pdf】", "【8:0†source】"]),
            st.sampled_from(["[1]", "(2)", "[1](", "2).", "(3", "[2, 9]", "12", " ", "sin", "\n"]),
            st.sampled_from(
                ["【4:0†source, 4:1†source】", "【4:0, 4:1】", "[ 1 ]", "x[1]", " a", "4:1†"]
            ),
            st.sampled_from(["`", "``", "```", "```py\n", "~~~", "`w[1]`", "- "]),
        ),
        max_size=8,
    ),
    data=st.data(),
)
def test_a_stream_cut_anywhere_reads_as_the_whole(parts, data):
    text = "".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    whole = read(text)
    assert read(text, cuts) == whole
    assert read(text, range(1, len(text))) == whole
    assert "†source】" not in whole[0] or "†source】" in "".join(
        part for part in parts if not part.startswith("【")
    )
