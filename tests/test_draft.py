"""Draft: what a model writes, however it is cut, becomes text, citations and annotations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filesearch.cite import content_part, locate, strip_markers
from filesearch.draft import Draft
from filesearch.events import CitationAdded, TextDelta
from filesearch.messages import Source, SourceQuote
from filesearch.support import check_support
from filesearch.types import SearchResult

PASSAGES = [
    "Mugs go back within 30 days. Wholesale orders cannot go back.",
    "The kiln reaches 1280 degrees in nine hours.",
    "会员可在收货后三十天内退货。😀 退货运费由本店承担。",
]
# How many passages each of them cites, and how many it names that there are not.
MARKERS = {
    "": (0, 0),
    "【2:0†source】": (1, 0),
    "【2:1†source】": (1, 0),
    "【2:2】": (1, 0),
    "【2:0†kiln.txt】": (1, 0),
    "[2:1†source]": (1, 0),
    "【 3 】": (1, 0),
    "【2:0†source, 2:1†source】": (2, 0),
    "【2:2, 2:0】": (2, 0),
    "【1†source；2†source】": (2, 0),
    "【2:1†a b.txt、7:7†source】": (1, 1),
    "【2:0-2:2】": (3, 0),
    "【2:9†source】": (0, 1),
    "【3:0】": (0, 1),
}


def sources():
    return [
        Source(2, i, SearchResult(f"file-{i}", f"{i}.md", text, 7, 7 + len(text), 0.5, 0.5, 0))
        for i, text in enumerate(PASSAGES)
    ]


def draft():
    return Draft(
        "?", sources=sources(), locate=lambda _f, start, end: locate((), start, end), model="m"
    )


def test_a_sentence_is_checked_once_for_all_its_markers(monkeypatch):
    checked = []

    def check(sentence, passage):
        checked.append(sentence)
        return check_support(sentence, passage)

    monkeypatch.setattr("filesearch.draft.check_support", check)
    written = draft()
    written.feed("The kiln reaches 1280 degrees." + "【2:1】" * 50 + " Mugs go back.【2:0】")
    written.finish()
    assert checked == ["The kiln reaches 1280 degrees.", "Mugs go back."]


# Square and round brackets around digits are markers as well; test_markers has those. What begins
# with a curly one is JSON.
words = st.text(
    st.characters(exclude_characters="[]()（）{", exclude_categories=["Cs"]), max_size=20
)


@settings(max_examples=1000)
@given(
    parts=st.lists(st.tuples(words, st.sampled_from(list(MARKERS))), max_size=5),
    begun=st.sampled_from(
        ["", "【2:1†sou", "【2:0", "【7", "【2:", "【2:0†source, 2:1†so", "[2:2†"]
    ),
    data=st.data(),
)
def test_any_stream_gives_exact_annotations_and_loses_nothing_else(parts, begun, data):
    parts = [(text.replace("【", "").replace("】", ""), marker) for text, marker in parts]
    stream = "".join(text + marker for text, marker in parts) + begun
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
    written = draft()
    events = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += written.feed(stream[start:end])
    events += written.finish()
    answer = written.answer()
    plain = "".join(text for text, _ in parts)
    assert answer.plain_text == plain
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == plain
    cited = sum(MARKERS[marker][0] for _, marker in parts)
    assert len(answer.citations) == cited + begun.count("†") + (begun == "【2:0")
    assert answer.dropped_markers == sum(MARKERS[marker][1] for _, marker in parts)
    part = content_part(answer)
    value = part["text"]["value"]
    for annotation, citation in zip(part["text"]["annotations"], answer.citations, strict=True):
        cut = value[annotation["start_index"] : annotation["end_index"]]
        assert cut == annotation["text"] == citation.marker
        text = PASSAGES[int(citation.file_id[-1])]
        assert text[citation.start - 7 : citation.end - 7] == citation.quote != ""
    assert strip_markers(part) == plain
    placed = [e.citation for e in events if isinstance(e, CitationAdded)]
    assert [(c.index, c.marker) for c in placed] == [(c.index, c.marker) for c in answer.citations]


def test_every_cut_of_one_stream_gives_the_same():
    stream = "Mugs go back within 30 days.【2:0†source】【2:1】 会员可退货。[3] Yes (2)."
    whole = draft()
    whole.feed(stream)
    whole.finish()
    for cut in range(len(stream) + 1):
        halves = draft()
        halves.feed(stream[:cut])
        halves.feed(stream[cut:])
        halves.finish()
        assert halves.answer() == whole.answer()
    assert [c.filename for c in whole.answer().citations] == ["0.md", "1.md", "2.md", "1.md"]


def test_a_sentence_may_rest_on_two_passages_together():
    written = draft()
    written.feed("Mugs go back within 30 days and the kiln reaches 1280 degrees.【2:0】【2:1】")
    written.finish()
    assert all(citation.is_supported for citation in written.answer().citations)


def test_a_quote_is_cited_where_the_model_took_it_and_needs_no_check():
    text = "**Fee**: 4 EUR. Mugs cost 9.\n**Fee**: 4 EUR. Bowls cost 8."
    source = Source(2, 0, SearchResult("f", "f.md", text, 7, 7 + len(text), 0.5, 0.5, 0))
    written = Draft("?", sources=[source], locate=lambda _f, a, b: locate((), a, b), model="m")
    second = text.rindex("**Fee**")
    written.quote("**Fee**: 4 EUR. Bowls cost 8.")
    [added] = written.cite(SourceQuote(source, 7 + second, 7 + len(text)))
    answer = written.answer()
    assert answer.citations == (added.citation,)
    [citation] = answer.citations
    assert (citation.start, citation.quote) == (7 + second, text[second:])
    assert (citation.support, citation.is_supported, citation.index) == (1.0, True, 29)
    assert answer.uncited == ()


@pytest.mark.parametrize("start", ["{a, b} is a set.", "{{ name }}: yes.", "{ not JSON } so."])
def test_prose_that_begins_with_a_curly_bracket_cites(start):
    stream = f"{start} Mugs go back within 30 days [1]."
    for cut in range(len(stream) + 1):
        written = draft()
        written.feed(stream[:cut])
        written.feed(stream[cut:])
        written.finish()
        assert len(written.answer().citations) == 1


def test_what_begins_as_json_keeps_its_arrays_however_it_is_cut():
    stream = ' {"days": [1], "why": "Mugs go back.【2:0†source】", "at": [[2], [3, 1]]} [1]'
    for cut in range(len(stream) + 1):
        written = draft()
        written.feed(stream[:cut])
        written.feed(stream[cut:])
        written.finish()
        answer = written.answer()
        assert answer.plain_text == stream.replace("【2:0†source】", "")
        assert [citation.file_id for citation in answer.citations] == ["file-0"]


def test_an_empty_message_is_an_empty_answer():
    answer = draft().answer()
    assert (answer.plain_text, answer.citations, answer.uncited) == ("", (), ())


def test_what_the_file_name_and_headings_say_counts_as_said():
    text = "The window is thirty days after delivery."
    result = SearchResult("f", "Acme handbook.md", text, 0, len(text), 0.5, 0.5, 0)
    for sentence in ("Acme gives a window of thirty days after delivery.", "Zenith gives thirty."):
        written = Draft(
            "?",
            sources=[Source(2, 0, result)],
            locate=lambda _f, start, end: locate((), start, end),
            model="m",
        )
        written.feed(f"{sentence}【2:0】")
        written.finish()
        [citation] = written.answer().citations
        assert citation.is_supported == sentence.startswith("Acme")
        assert citation.quote == text
