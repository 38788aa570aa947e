"""Chunk: cut a document's text into the chunks that are cited and the windows that are embedded.

text -> list[Chunk]; text and the embedder's word pieces -> list[Window]; which windows belong to
which chunk. Pure: no files but the packaged token ranks, no network, no clock. Everything is
linear in the text.

Chunks overlap and are counted in cl100k_base tokens as in OpenAI's vector stores. Windows do not
overlap, are counted in the embedder's own pieces and fit what it reads. Neither ends within a row
of a table that fits into it: half a row has lost the names of its columns or its values.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from filesearch.errors import InvalidSetting
from filesearch.sentences import grapheme_start, heading_spans, sentence_spans
from filesearch.tokens import token_boundaries
from filesearch.types import Chunk, ChunkSettings, IntArray, Window

_FILL = 0.8
"""Share of `max_pieces` a window aims at: 203 of 254, so that there is room to go on to the end
of a sentence (25 to 30 pieces in English prose)."""
_MIN_FILL = 0.4
"""A window ends no earlier than this, except the last."""

# What a break costs, as a share of `max_pieces` that the window's length is off its aim: a
# better kind of break is taken when it lies not more than the difference further from the aim.
_AT_PARAGRAPH = 0.0
_AT_SENTENCE = 0.1
_AT_SPACE = 0.4
_ANYWHERE = 0.8
_AFTER_HEADING = 0.6
_NEVER = np.inf

_MAX_BLIND_CHARS = 2_000
"""Length of the one window over text in which the embedder sees no pieces at all."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_BLANKS = re.compile(r"\s*")

Stretch: TypeAlias = tuple[int, int]
"""Start and end in the text."""


def chunk_document(text: str, settings: ChunkSettings, rows: Sequence[Stretch] = ()) -> list[Chunk]:
    """Cut `text` into chunks of `settings.size` tokens, `settings.overlap` of them shared.

    Without rows, chunk k holds the tokens from k * (size - overlap) on, size of them; the last one
    ends with the text, and none lies within the one before it. Both ends of a chunk are moved
    back, at most `MAX_GRAPHEME_SHIFT` (11) characters, so as not to cut an emoji, a flag or a
    letter from its marks; a longer cluster is cut between characters. Sizes of at least 100 tokens
    and an overlap of at most half make steps of at least 12 characters, so 11 keep chunks in order.

    Where an end would fall into a row that fits into a chunk, the chunk ends before the row, and
    where a start would, the chunk begins behind it: so chunks are shorter there and share less, by
    up to a row. What is shared gives way where the next row would not fit otherwise.

    Args:
        text: Any text. Blank text is cut like any other.
        rows: Start and end of the rows of its tables, ascending, not overlapping.

    Returns:
        Chunks in order; none for the empty text. Starts and ends strictly increase, each chunk
        starts at or before the end of the one before it, the first starts at 0 and the last ends
        at `len(text)`. `token_count` is the number of tokens of the whole text that start within
        the chunk, 1 to size + 47 (11 characters of 4 bytes, and the rest of a character that is
        moved whole, can be that many tokens).
    """
    boundaries = token_boundaries(text)
    starts = boundaries[:-1]
    token_total = len(starts)
    kept = _WholeRows(text, boundaries, rows, settings.size)
    step = settings.size - settings.overlap
    chunks: list[Chunk] = []
    start = past = 0
    while past < token_total:
        # At least this far the next chunk must reach; in prose that is what it shares with this.
        goal = kept.before(past + step)
        goal = goal if goal > past else kept.behind(past + 1)
        first = kept.behind(max(past - settings.overlap, goal - settings.size)) if chunks else 0
        while chunks and grapheme_start(text, int(boundaries[first])) <= start:
            first += 1  # tokens of one character, which only tiny rows set apart
        start = grapheme_start(text, int(boundaries[first]))
        past = kept.before(first + settings.size)
        end = len(text) if past >= token_total else grapheme_start(text, int(boundaries[past]))
        first_token, past_token = np.searchsorted(starts, (start, end))
        chunks.append(Chunk(len(chunks), start, end, int(past_token - first_token)))
    return chunks


class _WholeRows:
    """The rows that fit into a chunk, as stretches of tokens with the white space behind them."""

    def __init__(
        self, text: str, boundaries: IntArray, rows: Sequence[Stretch], max_tokens: int
    ) -> None:
        stretches = np.array(sorted(rows), dtype=np.int64).reshape(-1, 2)
        ends = stretches[:, 1].tolist()
        blanks = np.array([_blanks_end(text, end) for end in ends], dtype=np.int64)
        first = np.searchsorted(boundaries, stretches[:, 0], side="right") - 1
        past = np.maximum(
            np.searchsorted(boundaries, stretches[:, 1]),
            np.searchsorted(boundaries, blanks, side="right") - 1,
        )
        past[:-1] = np.minimum(past[:-1], first[1:])
        is_kept = (first < past) & (past - first <= max_tokens)
        self._first: list[int] = first[is_kept].tolist()
        self._past: list[int] = past[is_kept].tolist()

    def before(self, token: int) -> int:
        """Return the first token of the row that `token` stands within, else `token`."""
        row = self._row_around(token)
        return token if row is None else self._first[row]

    def behind(self, token: int) -> int:
        """Return the token behind the row that `token` stands within, else `token`."""
        row = self._row_around(token)
        return token if row is None else self._past[row]

    def _row_around(self, token: int) -> int | None:
        """Return the row that `token` stands within, not at its start."""
        row = bisect_right(self._first, token) - 1
        return row if row >= 0 and self._first[row] < token < self._past[row] else None


def _blanks_end(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    return found.end() if found else position


def cut_windows(
    text: str, pieces: IntArray, *, max_pieces: int, rows: Sequence[Stretch] = ()
) -> list[Window]:
    """Cut `text` into consecutive windows that an embedder can read whole.

    Windows are about equally long, near 80% of `max_pieces`, and end at a blank line or before a
    heading if one is near, else at the end of a sentence, else at white space, else between any
    two pieces; not right after a heading, which belongs to what follows it, and not within a row
    that fits into a window.

    Args:
        pieces: `Embedder.token_offsets(text)`: int64, shape (n, 2), ascending.
        max_pieces: At least 1; `Embedder.max_tokens`.
        rows: As for `chunk_document`.

    Returns:
        Windows in order, not overlapping, together holding every piece that is not white space,
        without outer white space. Each holds at most `max_pieces` pieces, unless one character
        alone makes more (which the embedder then cuts). Text that is not blank but has no pieces
        gives one window over its first 2,000 characters; blank text gives none.

    Raises:
        InvalidSetting: `max_pieces` is below 1.
    """
    if max_pieces < 1:
        raise InvalidSetting(f"max_pieces is {max_pieces}; choose at least 1")
    if len(pieces) == 0:
        start = len(text) - len(text.lstrip())
        return _trimmed(text, start, start + _MAX_BLIND_CHARS)
    cost = _break_costs(text, pieces, rows, max_pieces)
    total = len(pieces)
    windows: list[Window] = []
    first = 0
    while first < total:
        past = _choose_end(cost, first, total, max_pieces)
        windows += _trimmed(text, int(pieces[first, 0]), int(pieces[first:past, 1].max()))
        first = past
    return windows


def _break_costs(
    text: str, pieces: IntArray, rows: Sequence[Stretch], max_pieces: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what ending a window before each piece costs, shape (n + 1,); lower is better."""
    starts, ends = pieces[:, 0], pieces[:, 1]
    reached = np.maximum.accumulate(ends)
    cost = np.full(len(pieces) + 1, _ANYWHERE)
    cost[1:-1][starts[1:] > reached[:-1]] = _AT_SPACE
    cost[np.searchsorted(starts, [start for start, _ in sentence_spans(text)])] = _AT_SENTENCE
    # Of rows, the first piece and the one behind.
    of_rows = np.searchsorted(starts, np.array(sorted(rows), dtype=np.int64).reshape(-1, 2))
    cost[of_rows] = _AT_PARAGRAPH
    paragraphs = [found.end() for found in _PARAGRAPH.finditer(text)]
    cost[np.searchsorted(starts, paragraphs)] = _AT_PARAGRAPH
    headings = np.array(heading_spans(text), dtype=np.int64).reshape(-1, 2)
    cost[np.searchsorted(starts, headings[:, 0])] = _AT_PARAGRAPH
    cost[np.searchsorted(starts, headings[:, 1])] = _AFTER_HEADING
    of_rows[:-1, 1] = np.minimum(of_rows[:-1, 1], of_rows[1:, 0])
    whole = of_rows[of_rows[:, 1] - of_rows[:, 0] <= max_pieces]
    within = np.zeros(len(pieces) + 2, dtype=np.int64)
    np.add.at(within, whole[:, 0] + 1, 1)
    np.add.at(within, np.maximum(whole[:, 1], whole[:, 0] + 1), -1)
    cost[np.cumsum(within)[:-1] > 0] = _NEVER
    # Pieces that share a character stay together.
    cost[1:-1][starts[1:] < reached[:-1]] = _NEVER
    cost[-1] = _AT_PARAGRAPH
    return cost


def _choose_end(
    cost: np.ndarray[tuple[int], np.dtype[np.float64]], first: int, total: int, max_pieces: int
) -> int:
    """Return the piece before which the window that begins at piece `first` ends."""
    left = total - first
    if left <= max_pieces:
        return total
    # Share what is left evenly, so that the last window is not a scrap.
    aim = left / -(-left // max(1, round(_FILL * max_pieces)))
    low = first + max(1, int(_MIN_FILL * max_pieces))
    candidates = np.arange(low, first + max_pieces + 1)
    price = np.abs(candidates - first - aim) / max_pieces + cost[candidates]
    best = int(np.argmin(price))
    if np.isfinite(price[best]):
        return int(candidates[best])
    # No break where one is wanted: the last possible one before, else the first after.
    before = np.flatnonzero(np.isfinite(cost[first + 1 : low]))
    if len(before):
        return first + 1 + int(before[-1])
    past = first + max_pieces + 1
    while not np.isfinite(cost[past]):
        past += 1
    return past


def _trimmed(text: str, start: int, end: int) -> list[Window]:
    """Return the stretch without its outer white space: one window, or none if it is blank."""
    stretch = text[start:end].rstrip()
    end = start + len(stretch)
    start = end - len(stretch.lstrip())
    return [Window(start, end)] if start < end else []


def chunk_windows(chunks: Sequence[Chunk], windows: Sequence[Window]) -> IntArray:
    """Return which windows belong to each chunk.

    A window belongs to every chunk that holds at least half of its characters. A chunk that holds
    half of none gets the one it shares most with (the nearest, when it touches none; the earlier
    of two equals).

    Args:
        chunks: As `chunk_document` returns them.
        windows: In order and not overlapping, as `cut_windows` returns them.

    Returns:
        int64, shape (len(chunks), 2): first and one past the last window of each chunk, at least
        one window each; zeros when there are no windows. Every window belongs to at least one
        chunk, for chunks that together hold the whole text.
    """
    if not chunks or not windows:
        return np.zeros((len(chunks), 2), dtype=np.int64)
    held = np.array([(chunk.start, chunk.end) for chunk in chunks], dtype=np.int64)
    stretches = np.array([(window.start, window.end) for window in windows], dtype=np.int64)
    # Half of a window lies in a chunk when its middle does; doubled, to stay in whole numbers.
    middles = stretches.sum(axis=1)
    first = np.searchsorted(middles, 2 * held[:, 0], side="left")
    past = np.searchsorted(middles, 2 * held[:, 1], side="right")
    before = np.clip(first - 1, 0, len(windows) - 1)
    after = np.clip(first, 0, len(windows) - 1)
    nearest = np.where(
        _shared(held, stretches[before]) >= _shared(held, stretches[after]), before, after
    )
    is_empty = first >= past
    return np.column_stack(
        (np.where(is_empty, nearest, first), np.where(is_empty, nearest + 1, past))
    ).astype(np.int64)


def _shared(left: IntArray, right: IntArray) -> IntArray:
    """Return how many characters two stretches share, row by row; below 0, how far apart."""
    shared: IntArray = np.minimum(left[:, 1], right[:, 1]) - np.maximum(left[:, 0], right[:, 0])
    return shared
