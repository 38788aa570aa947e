"""Chunk: every character is in a chunk, every piece in a window, nothing is cut inside."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from filesearch.chunk import chunk_document, chunk_windows, cut_windows
from filesearch.errors import InvalidSetting
from filesearch.sentences import sentence_spans
from filesearch.tokens import count_tokens, token_boundaries
from filesearch.types import Chunk, ChunkSettings, IntArray, Window

PIECES = st.sampled_from(
    [
        "The quick brown fox jumps. ",
        "word ",
        "他说：“你好。”",
        "语" * 30,
        "\n\n",
        "\n",
        "# Title\n",
        " " * 40,
        "👩‍👩‍👧‍👦",
        "👍🏽",
        "🇩🇪🇫🇷",
        "e\u0301",
        "각",
        "नमस्ते",
        "\U0001f1e6",
        "\u0301" * 14,
        "𒀀𒀁",
        "a: b; c: d\n",
        "antidisestablishment" * 5,
        "```\n",
        "| a | b |\n",
        "\x00",
        "\ud800",
        "\u200d",
        "\u202e",
    ]
)
LONG_TEXTS = st.builds(
    lambda parts, times: "".join(parts) * times, st.lists(PIECES, max_size=40), st.integers(1, 20)
)
TEXTS = st.one_of(st.text(st.characters(), max_size=200), LONG_TEXTS)
SETTINGS = st.sampled_from(
    [ChunkSettings(*sizes) for sizes in [(100, 0), (100, 50), (101, 33), (800, 400), (4096, 0)]]
)
PROSE = (
    "The committee met on Tuesday to discuss the budget, which had grown by 4.5% since 2021. "
    "Nobody objected! Dr. Smith, however, asked why the reserve was so large.\n\n"
) * 200

LINES = st.lists(
    st.tuples(
        st.booleans(),  # is it a row?
        st.sampled_from(
            [
                "name: cup; price: 12.50",
                "a",
                "编号: 7；名称: 杯子",
                "👩‍👩‍👧‍👦",
                "# Q3",
                "e\u0301: 🇩🇪",
                "語",
            ]
        ),
        st.sampled_from([1, 1, 1, 3, 30, 120]),
    ),
    max_size=60,
)


def table(lines: list[tuple[bool, str, int]]) -> tuple[str, list[tuple[int, int]]]:
    """A text of these lines, and where those that are rows stand."""
    text, rows = "", []
    for is_row, words, times in lines:
        start = len(text)
        text += " | ".join([words] * times)
        if is_row:
            rows.append((start, len(text)))
        text += "\n"
    return text, rows


def tokens_of(text: str, start: int, end: int) -> int:
    """Tokens that begin in a stretch, white space behind it included."""
    end += len(text[end:]) - len(text[end:].lstrip())
    first, past = np.searchsorted(token_boundaries(text)[:-1], (start, end))
    return int(past - first)


def word_pieces(text: str) -> IntArray:
    spans = [found.span() for found in re.finditer(r"[a-z]{1,6}|\w|[^\w\s]", text)]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def count_pieces(pieces: IntArray, window: Window) -> int:
    return int(((pieces[:, 0] >= window.start) & (pieces[:, 1] <= window.end)).sum())


@given(TEXTS, SETTINGS)
def test_chunks_hold_every_character_in_order(text: str, sizes: ChunkSettings):
    chunks = chunk_document(text, sizes)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert ([chunks[0].start, chunks[-1].end] if chunks else [0, 0]) == [0, len(text)]
    for before, after in pairwise(chunks):
        assert before.start < after.start <= before.end < after.end


@given(TEXTS, SETTINGS)
def test_chunk_offsets_rebuild_the_text(text: str, sizes: ChunkSettings):
    rebuilt = ""
    for chunk in chunk_document(text, sizes):
        assert chunk.start < chunk.end
        rebuilt = rebuilt[: chunk.start] + text[chunk.start : chunk.end]
    assert rebuilt == text


@given(TEXTS, SETTINGS)
def test_token_counts_are_those_of_the_grid_and_bounded(text: str, sizes: ChunkSettings):
    starts = token_boundaries(text)[:-1]
    for chunk in chunk_document(text, sizes):
        inside = (starts >= chunk.start) & (starts < chunk.end)
        assert chunk.token_count == inside.sum()
        assert 1 <= chunk.token_count <= sizes.size + 47


@given(
    st.lists(
        st.sampled_from(["word ", "👩‍👩‍👧‍👦", "👩🏽‍❤️‍💋‍👨🏽", "🇩🇪", "e\u0301", "각", "語", "🦩"]),
        max_size=300,
    ),
    SETTINGS,
)
def test_no_chunk_cuts_what_a_reader_sees_as_one_character(pieces: list[str], sizes: ChunkSettings):
    text = "".join(pieces)
    boundaries = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    chunks = chunk_document(text, sizes)
    assert {place for chunk in chunks for place in (chunk.start, chunk.end)} <= boundaries


def test_plain_text_is_cut_exactly_by_the_token_grid():
    text = "one two three " * 1000
    grid = token_boundaries(text)
    chunks = chunk_document(text, ChunkSettings(800, 400))
    assert len(chunks) == -(-(len(grid) - 1 - 800) // 400) + 1
    for chunk in chunks[:-1]:
        first = 400 * chunk.ordinal
        assert (chunk.start, chunk.end, chunk.token_count) == (grid[first], grid[first + 800], 800)


def test_a_text_of_exactly_one_chunk_is_not_followed_by_a_second():
    text = " a" * 100
    assert count_tokens(text) == 100
    assert chunk_document(text, ChunkSettings(100, 50)) == [Chunk(0, 0, 200, 100)]


def test_the_empty_text_has_no_chunks():
    assert chunk_document("", ChunkSettings()) == []


@pytest.mark.parametrize("sizes", [(99, 0), (4097, 0), (100, 51), (100, -1)])
def test_sizes_out_of_bounds_are_refused(sizes: tuple[int, int]):
    with pytest.raises(InvalidSetting, match="choose"):
        ChunkSettings(*sizes)


@pytest.mark.parametrize("unit", ["\u0301", "\U0001f1e6", " ", "\U00012000"])
def test_a_megabyte_of_one_character_is_chunked(unit: str):
    text = "e" + unit * (1_000_000 // len(unit.encode()))
    chunks = chunk_document(text, ChunkSettings())
    assert chunks[-1].end == len(text)
    assert all(a.start < b.start for a, b in pairwise(chunks))


@given(TEXTS, st.lists(st.integers(0, 300), max_size=40), SETTINGS)
def test_chunks_of_any_rows_keep_their_contract(text: str, ends: list[int], sizes: ChunkSettings):
    places = sorted({min(end, len(text)) for end in ends})
    rows = [pair for pair in list(pairwise(places))[::2] if pair[0] < pair[1]]
    chunks = chunk_document(text, sizes, rows)
    starts = token_boundaries(text)[:-1]
    assert ([chunks[0].start, chunks[-1].end] if chunks else [0, 0]) == [0, len(text)]
    for before, after in pairwise(chunks):
        assert before.start < after.start <= before.end < after.end
    for chunk in chunks:
        inside = (starts >= chunk.start) & (starts < chunk.end)
        assert chunk.token_count == inside.sum()
        assert 1 <= chunk.token_count <= sizes.size + 47


@given(LINES, SETTINGS)
def test_no_chunk_begins_or_ends_within_a_row_that_fits(
    lines: list[tuple[bool, str, int]], sizes: ChunkSettings
):
    text, rows = table(lines)
    chunks = chunk_document(text, sizes, rows)
    borders = {place for chunk in chunks for place in (chunk.start, chunk.end)}
    for start, end in rows:
        if tokens_of(text, start, end) <= sizes.size:
            assert not [place for place in borders if start < place < end]


@given(LINES, SETTINGS)
def test_chunks_of_rows_share_no_more_than_they_may(
    lines: list[tuple[bool, str, int]], sizes: ChunkSettings
):
    text, rows = table(lines)
    starts = token_boundaries(text)[:-1]
    for before, after in pairwise(chunk_document(text, sizes, rows)):
        shared = (starts >= after.start) & (starts < before.end)
        assert shared.sum() <= sizes.overlap + 47


def test_chunks_of_rows_are_filled_but_for_one_row():
    text, rows = table([(True, "name: cup; price: 12.50", 2)] * 500)
    row_tokens = count_tokens(text) // 500
    chunks = chunk_document(text, ChunkSettings(800, 400), rows)
    assert {chunk.start for chunk in chunks} <= {start for start, _ in rows}
    assert min(chunk.token_count for chunk in chunks[:-1]) > 800 - 2 * row_tokens
    shared = [before.end - after.start for before, after in pairwise(chunks)]
    assert min(shared) > 0.9 * len(text) * 400 / count_tokens(text)


def test_a_row_longer_than_a_chunk_is_cut_and_its_neighbours_are_not():
    text, rows = table([(True, "a: b", 1), (True, "price: 12.50", 200), (True, "c: d", 1)])
    chunks = chunk_document(text, ChunkSettings(100, 50), rows)
    assert len(chunks) > 10
    assert text[chunks[-1].start : chunks[-1].end].endswith("c: d\n")


def test_what_is_shared_gives_way_to_a_row_that_would_not_fit():
    """Three rows of 60 tokens in chunks of 100, 50 of them shared: none is cut or repeated."""
    text, rows = table([(True, "cup", 29)] * 3)
    assert {tokens_of(text, *row) for row in rows} == {58}
    chunks = chunk_document(text, ChunkSettings(100, 50), rows)
    assert [chunk.start for chunk in chunks] == [start for start, _ in rows]


@given(LINES, st.sampled_from([7, 50, 254]))
def test_no_window_begins_or_ends_within_a_row_that_fits(
    lines: list[tuple[bool, str, int]], max_pieces: int
):
    text, rows = table(lines)
    pieces = word_pieces(text)
    windows = cut_windows(text, pieces, max_pieces=max_pieces, rows=rows)
    counts = [count_pieces(pieces, window) for window in windows]
    assert sum(counts) == len(pieces)
    assert max(counts, default=0) <= max_pieces
    borders = {place for window in windows for place in (window.start, window.end)}
    for start, end in rows:
        held = text[start:end].strip()
        start = text.index(held, start)
        if count_pieces(pieces, Window(start, end)) <= max_pieces:
            assert not [place for place in borders if start < place < end]


@given(TEXTS, st.sampled_from([1, 2, 7, 50, 254]))
def test_windows_hold_every_piece_once_and_fit(text: str, max_pieces: int):
    pieces = word_pieces(text)
    windows = cut_windows(text, pieces, max_pieces=max_pieces)
    counts = [count_pieces(pieces, window) for window in windows]
    assert sum(counts) == len(pieces)
    assert max(counts, default=0) <= max_pieces
    assert all(before.end <= after.start for before, after in pairwise(windows))


@given(TEXTS, st.sampled_from([1, 7, 254]))
def test_windows_are_trimmed_and_hold_something(text: str, max_pieces: int):
    for window in cut_windows(text, word_pieces(text), max_pieces=max_pieces):
        assert window.start < window.end
        assert text[window.start : window.end] == text[window.start : window.end].strip()


def test_windows_of_prose_are_well_filled_and_end_with_sentences():
    pieces = word_pieces(PROSE)
    windows = cut_windows(PROSE, pieces, max_pieces=254)
    counts = [count_pieces(pieces, window) for window in windows]
    assert np.mean(counts) >= 170
    assert min(counts) >= 100
    assert {window.end for window in windows} <= {end for _, end in sentence_spans(PROSE)}


def test_a_text_slightly_too_long_is_halved_not_followed_by_a_scrap():
    text = "The cat sat down. " * 52
    windows = cut_windows(text, word_pieces(text), max_pieces=254)
    assert [count_pieces(word_pieces(text), window) for window in windows] == [156, 156]


@pytest.mark.parametrize("lead", range(140, 230, 6))
def test_a_heading_goes_with_what_follows_it(lead: int):
    text = "Word " * lead + "\n\n# Heading\n\n" + "More words here. " * 100
    heading = text.index("#")
    windows = cut_windows(text, word_pieces(text), max_pieces=254)
    assert not any(window.end == heading + len("# Heading") for window in windows)


def test_pieces_that_share_a_character_stay_together():
    pieces = np.array([(0, 1)] * 5 + [(1, 2)] * 2, dtype=np.int64)
    assert cut_windows("½x", pieces, max_pieces=2) == [Window(0, 1), Window(1, 2)]


def test_visible_text_without_pieces_gives_one_bounded_window():
    none = np.zeros((0, 2), dtype=np.int64)
    assert cut_windows("  \ue000\ue001 ", none, max_pieces=254) == [Window(2, 4)]
    assert cut_windows("\ue000" * 5000, none, max_pieces=254) == [Window(0, 2000)]
    assert cut_windows(" \n ", none, max_pieces=254) == []


def test_a_window_of_no_pieces_is_refused():
    with pytest.raises(InvalidSetting, match="max_pieces is 0"):
        cut_windows("x", word_pieces("x"), max_pieces=0)


@given(TEXTS, SETTINGS)
def test_windows_belong_to_the_chunks_that_hold_half_of_them(text: str, sizes: ChunkSettings):
    chunks = chunk_document(text, sizes)
    windows = cut_windows(text, word_pieces(text), max_pieces=50)
    for chunk, (first, past) in zip(chunks, chunk_windows(chunks, windows), strict=True):
        shared = [min(chunk.end, w.end) - max(chunk.start, w.start) for w in windows]
        halves = [i for i, w in enumerate(windows) if 2 * shared[i] >= w.end - w.start]
        best = [shared.index(max(shared))] if windows else []
        assert list(range(first, past)) == (halves or best)


@given(TEXTS, SETTINGS)
def test_every_window_belongs_to_a_chunk(text: str, sizes: ChunkSettings):
    chunks = chunk_document(text, sizes)
    windows = cut_windows(text, word_pieces(text), max_pieces=254)
    owned = {i for first, past in chunk_windows(chunks, windows) for i in range(first, past)}
    assert owned == set(range(len(windows)))


def test_without_windows_every_chunk_has_none():
    assert chunk_windows([Chunk(0, 0, 5, 1)], []).tolist() == [[0, 0]]
    assert chunk_windows([], [Window(0, 1)]).shape == (0, 2)
