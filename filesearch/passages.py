"""Passages: ranked chunks -> the passages a caller gets.

Ranking -> stretches that share no character -> without repeats -> neighbours joined -> Passage[].
Neighbouring chunks share half their text, a file may lie in the store under two names, and an
older version beside the newer one: without this step a list of results says the same thing over
and over, and whoever reads it pays for the same words again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from filesearch.index_rows import Place
from filesearch.protocols import Index
from filesearch.ranking import Ranking, Scored
from filesearch.records import Entry
from filesearch.repeats import ToldTexts
from filesearch.types import Span

MIN_LEFT = 0.25
"""Of a chunk that overlaps a better one, at least this share must be new. Neighbours share half."""

MAX_JOINED = 1.75
"""Longest joined passage, in lengths of its longest chunk: room for a chunk and the new half of one
neighbour, 1.5 in tokens and a little more or less in characters. scripts/chunk_recall.py, recall
and characters of 5 results: 0.965 and 17,485 without joining, 0.965 and 19,021 at 1.75, 0.972 and
22,424 at 2.25, where 6 passages unjoined bring 0.975 for 20,735: longer ones are not worth it."""

NO_COPIES: Mapping[int, Sequence[int]] = MappingProxyType({})

_SAME_SCORE = 0.99
"""Copies of a file score alike, but for rounding and what a reranker makes of their order."""

_PLACES_AHEAD = 24
"""Places are looked up so many at a time, in order of rank: 8 results seldom need more."""

Texts: TypeAlias = Callable[
    [Sequence[tuple[int, int, int]]], Sequence[tuple[str, tuple[Span, ...]] | None]
]
"""(document id, start, end) of several stretches -> the text of each and the spans of its document,
None for a document that is gone. `Catalog.passages` is one."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that goes into the results.

    Attributes:
        scored: Its best chunk; score and shares are those of the part that is shown of it.
        place: File and characters; the ordinal is the best chunk's.
        text: The characters `place.start` to `place.end` of the document.
        spans: All spans of the document.
        also_in: Names of other files that say the same: copies of this one, in order of their
            rank, then those whose passages were left out as repeats of this one.
    """

    scored: Scored
    place: Place
    text: str
    spans: tuple[Span, ...]
    also_in: tuple[str, ...]


def pick_passages(
    index: Index,
    ranking: Ranking,
    *,
    top_k: int,
    least: float = 0.0,
    texts: Texts,
    copies: Mapping[int, Sequence[int]] = NO_COPIES,
) -> list[Passage]:
    """Return the `top_k` best passages, best first, no two sharing a character of one text.

    A chunk that overlaps a better one of its document gives only what is new. What says nothing
    that better passages do not say is left out, see `repeats.py`; files with one and the same text
    count as one file, under the name that ranks best. Passages that touch are joined up to
    `MAX_JOINED` and stand where the best of them stood.

    Args:
        index: Where the rows of `ranking` lie.
        ranking: Ties in the order in which they are to come.
        top_k: At least 1; fewer come back when `ranking` holds no more than that.
        least: What scores less is left out, also where a chunk does only by what is new of it.
        texts: Called in blocks: mostly once or twice, for little more than what is returned.
        copies: Document id -> ids of further files with its text, which `ranking` leaves out.
    """
    line = _Line(index, ranking, least, copies)
    told = ToldTexts()
    tellers: list[_Draft] = []  # of each text that was told, the draft that it is part of
    drafts: list[_Draft] = []
    wanted, round_size = top_k, 1
    while len(drafts) < top_k:
        stretches = line.take(wanted)
        if not stretches:
            break
        found = texts([(s.document_id, s.place.start, s.place.end) for s in stretches])
        for stretch, text_and_spans in zip(stretches, found, strict=True):
            if len(drafts) == top_k or text_and_spans is None:
                continue
            text, spans = text_and_spans
            repeated = told.tell(text, source=stretch.document_id)
            if repeated is not None:
                tellers[repeated].current.repeated_by.append(stretch.document_id)
                continue
            draft = _Draft(stretch, text, spans)
            tellers.append(draft)
            drafts.append(draft)
            _join_neighbours(drafts)
        # Twice as many each round, so that a row of repeats costs few calls.
        wanted, round_size = max(top_k - len(drafts), round_size), 2 * round_size
    line.meet_copies()
    return [draft.finished(line) for draft in drafts]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is new of a chunk.

    Attributes:
        scored: With the score that the stretch deserves.
        place: The characters of the stretch.
        chunk_length: Characters of the whole chunk.
    """

    scored: Scored
    place: Place
    chunk_length: int

    @property
    def document_id(self) -> int:
        return self.place.entry.document_id


class _Line:
    """Chunks waiting in line by their score; each gives the stretch of it that is still new.

    A chunk that shares characters with one before it keeps the longest stretch that is new, and
    waits in line again with the score of that stretch. Less than `MIN_LEFT` of a chunk is dropped,
    and so is what scores less than `least`.
    """

    def __init__(
        self,
        index: Index,
        ranking: Ranking,
        least: float,
        copies: Mapping[int, Sequence[int]],
    ) -> None:
        self._index = index
        self._least = least
        self._copies = copies
        self._ranking = ranking
        ranks = np.flatnonzero(ranking.scores >= least)
        negative = -ranking.scores[ranks]
        self._queue = list(zip(negative.tolist(), ranks.tolist(), strict=True))
        heapq.heapify(self._queue)
        self._taken: dict[int, list[tuple[int, int]]] = {}
        self._last_score = 0.0
        self._entries: dict[int, dict[int, Entry]] = {}
        self._scored: list[Scored] = []
        self._places: list[Place | None] = []

    def take(self, count: int) -> list[_Stretch]:
        """Return the next `count` stretches by descending score; fewer when the line ends."""
        stretches: list[_Stretch] = []
        while self._queue and len(stretches) < count:
            negative_score, rank = heapq.heappop(self._queue)
            place = self._meet(rank)
            if place is None:
                continue
            candidate = self._scored[rank]
            seen = self._taken.setdefault(place.entry.document_id, [])
            start, end = _cut_off(place.start, place.end, seen)
            left = (end - start) / (place.end - place.start)
            if left < MIN_LEFT:
                continue
            if left < 1:
                candidate = _rescore(self._index, candidate, start, end, left)
                if candidate.score < self._least:
                    continue
                if candidate.score < -negative_score:
                    heapq.heappush(self._queue, (-candidate.score, rank))
                    continue
            seen.append((start, end))
            cut = place if left == 1 else replace(place, start=start, end=end)
            stretches.append(_Stretch(candidate, cut, place.end - place.start))
            self._last_score = candidate.score
        return stretches

    def meet_copies(self) -> None:
        """Look at those in line that score as the last one taken: copies of it stand there."""
        if self._last_score <= 0:  # as all do that do not match
            return
        while self._queue and -self._queue[0][0] >= _SAME_SCORE * self._last_score:
            _negative_score, rank = heapq.heappop(self._queue)
            self._meet(rank)

    def files(self, document_id: int) -> list[Entry]:
        """Return the files whose text is this document: those met so far by rank, then the rest."""
        files = self._entries[document_id]
        if document_id in self._copies:
            files = {**files, **self._index.entries(self._copies[document_id])}
        return list(files.values())

    def _meet(self, rank: int) -> Place | None:
        """Return the place of a chunk, in the first file that was met of those with its text.

        None for a chunk whose file was removed.
        """
        while len(self._places) <= rank:
            done = len(self._places)
            ahead = self._ranking.stretch(done, done + _PLACES_AHEAD)
            self._scored += ahead
            self._places += self._index.places([candidate.row for candidate in ahead])
        place = self._places[rank]
        if place is None:
            return None
        files = self._entries.setdefault(place.entry.document_id, {})
        files.setdefault(place.entry.store_file_id, place.entry)
        first = next(iter(files.values()))
        # Ordinals count the chunks of one way to cut a text.
        if first is place.entry or first.chunk_settings != place.entry.chunk_settings:
            return place
        return replace(place, entry=first)


def _cut_off(start: int, end: int, taken: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the longest stretch of start..end that none of `taken` covers; may be empty."""
    cuts = sorted((max(start, a), min(end, b)) for a, b in taken if a < end and b > start)
    best, position = (start, start), start
    for a, b in [*cuts, (end, end)]:
        if a - position > best[1] - best[0]:
            best = (position, a)
        position = max(position, b)
    return best


def _rescore(index: Index, candidate: Scored, start: int, end: int, left: float) -> Scored:
    """Return the candidate with what its characters start..end - 1 deserve of its score.

    The vector share if its best window lies there, and of the rest as much as is `left` of the
    chunk. The score falls in the proportion in which the sum of both shares does.
    """
    vector_left = left
    if candidate.window >= 0:
        [[window_start, window_end]] = index.window_spans(np.array([candidate.window])).tolist()
        shared = min(end, window_end) - max(start, window_start)
        if 2 * shared >= window_end - window_start:
            vector_left = 1.0
    keyword, vector = candidate.keyword * left, candidate.vector * vector_left
    whole = candidate.keyword + candidate.vector
    score = candidate.score * ((keyword + vector) / whole if whole > 0 else left)
    return replace(candidate, score=score, keyword=keyword, vector=vector)


class _Draft:
    """A passage that may still grow.

    Attributes:
        best: Its first stretch, which outranks what is joined to it.
        start, end, text: What all its stretches cover.
        chunk_length: Characters of the longest chunk that it has a part of.
        repeated_by: Documents of which a passage was left out for it.
    """

    def __init__(self, stretch: _Stretch, text: str, spans: tuple[Span, ...]) -> None:
        self.best = stretch
        self.start, self.end, self.text = stretch.place.start, stretch.place.end, text
        self.spans = spans
        self.chunk_length = stretch.chunk_length
        self.repeated_by: list[int] = []
        self._joined_to: _Draft | None = None

    @property
    def current(self) -> _Draft:
        """The draft that this one has become part of, or itself."""
        return self if self._joined_to is None else self._joined_to.current

    def can_join(self, other: _Draft) -> bool:
        """Return whether both touch, match or do not, and are short enough to be one passage."""
        if self.best.document_id != other.best.document_id:
            return False
        # What matches is not made longer by what does not.
        if (self.best.scored.score > 0) != (other.best.scored.score > 0):
            return False
        if self.end != other.start and other.end != self.start:
            return False
        length = len(self.text) + len(other.text)
        return length <= MAX_JOINED * max(self.chunk_length, other.chunk_length)

    def join(self, other: _Draft) -> None:
        """Make `other`, which can join, a part of this draft."""
        self.text = self.text + other.text if self.end == other.start else other.text + self.text
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        self.chunk_length = max(self.chunk_length, other.chunk_length)
        self.repeated_by += other.repeated_by
        other._joined_to = self

    def finished(self, line: _Line) -> Passage:
        """Return the passage."""
        own = self.best.place.entry
        others = {
            entry.store_file_id: entry.filename
            for document_id in [self.best.document_id, *self.repeated_by]
            for entry in line.files(document_id)
            if entry.store_file_id != own.store_file_id
        }
        return Passage(
            scored=self.best.scored,
            place=Place(own, self.start, self.end, self.best.place.ordinal),
            text=self.text,
            spans=self.spans,
            also_in=tuple(others.values()),
        )


def _join_neighbours(drafts: list[_Draft]) -> None:
    """Join the last draft to the best ranked one that it can join; what is joined leaves the list.

    The draft that grew by it may now touch a further one, on the other side of what was new.
    """
    newest, grown = drafts[-1], None
    for draft in drafts[:-1]:
        if grown is None and draft.can_join(newest):
            draft.join(newest)
            drafts.remove(newest)
            grown = draft
        elif grown is not None and grown.can_join(draft):
            grown.join(draft)
            drafts.remove(draft)
