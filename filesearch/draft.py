"""Draft: a model's words as they come in -> text, citations at their places, and their check.

Each marker becomes a citation of the sentence of its passage that supports the words before it
best; where the model says which characters it has quoted, of these. When the message is whole,
every cited sentence that is no quote is checked against its passages, all of them in one batch, and
facts that cite nothing are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath

from filesearch.cite import location_fields
from filesearch.events import CitationAdded, TextDelta
from filesearch.markers import MarkerParser
from filesearch.messages import Source, SourceQuote
from filesearch.patterns import lazy_pattern
from filesearch.protocols import Embedder
from filesearch.sentences import sentence_spans
from filesearch.support import Support, check_support, check_supports, states_fact
from filesearch.types import Answer, Citation, Location, SearchResult

Locate = Callable[[str, int, int], Location]
"""File id, start and end -> where that stretch of the file's document stands."""

# A sentence is looked for in this many characters before a marker.
_LOOK_BACK = 2_000
# Shorter stretches between two markers say nothing by themselves.
_MIN_CLAIM = 12
# What a verbatim quote may leave behind of its sentence.
_STOP = lazy_pattern(r"(?<![.!?。！？…])[.!?。！？…]+[\"'”’»)\]）】」』]*")
# How JSON begins; {a, b} and {{ name }} are prose.
_JSON_START = lazy_pattern(r"\{\s*(?:[\"}]|$)")
# A quote is what its passage says, whatever else the passage holds.
_QUOTED = Support(1.0, True, 0, 0)


class Draft:
    """One message as it is written.

    Args:
        question: That it answers.
        sources: The passages that were found; None when nothing was searched.
        locate: Finds pages and headings.
        model: Its name.
        is_json: It was asked for JSON, where a number in brackets is an array and no marker.
        wants_sources: Whether facts that cite nothing are reported: there were documents to cite,
            whether or not they were searched and anything was found.
    """

    def __init__(
        self,
        question: str,
        *,
        sources: Sequence[Source] | None,
        locate: Locate,
        model: str,
        is_json: bool = False,
        wants_sources: bool = True,
    ) -> None:
        self._question = question
        self._is_grounded = sources is not None
        self._sources = tuple(sources or ())
        self._locate = locate
        self._model = model
        self._wants_sources = wants_sources
        self._parser = MarkerParser(self._sources, only_full=is_json)
        self._is_json = is_json
        self._start, self._is_begun = "", False
        self._text = ""
        self._places: list[tuple[Citation, Source]] = []
        self._quoted: set[int] = set()  # which of them stand behind a quote
        self._numbers: dict[tuple[str, int, int], tuple[int, str]] = {}
        self._supports: dict[tuple[str, str], Support] = {}

    def give(self, sources: Sequence[Source]) -> None:
        """Say which of the passages the model was given, in order; all of them if never said."""
        self._parser.give(sources)

    def feed(self, text: str) -> list[TextDelta | CitationAdded]:
        """Take the next characters of the model; returns what is certain now."""
        if not self._is_begun and (start := (self._start + text).lstrip()):
            self._start, self._is_begun = start, start.rstrip() != "{"
            # JSON may be asked for in words as well.
            self._parser.only_full = self._is_json or _JSON_START.match(start) is not None
        return self._take(self._parser.feed(text))

    def quote(self, text: str) -> list[TextDelta | CitationAdded]:
        """Take the next characters as a document has them: nothing in them is a marker."""
        return self._take(self._parser.quote(text))

    def cite(self, quote: SourceQuote) -> list[TextDelta | CitationAdded]:
        """Take the marker of a quote that came just before: these very characters are cited."""
        events = self.finish()
        self._quoted.add(len(self._places))
        return [*events, self._add(self._citation(quote, _QUOTED), quote.source)]

    def finish(self) -> list[TextDelta | CitationAdded]:
        """Take the end of the message; returns what was held back."""
        return self._take(self._parser.finish())

    def _take(self, pieces: Sequence[str | Source]) -> list[TextDelta | CitationAdded]:
        events: list[TextDelta | CitationAdded] = []
        for piece in pieces:
            if isinstance(piece, str):
                self._text += piece
                events.append(TextDelta(piece))
            else:
                events.append(self._add(self._looked_for(piece), piece))
        return events

    def _add(self, citation: Citation, source: Source) -> CitationAdded:
        self._places.append((citation, source))
        return CitationAdded(citation)

    def _looked_for(self, source: Source) -> Citation:
        """Return the citation of what supports the words before it best."""
        result = source.result
        found = self._support(_sentence_before(self._text), result.text)
        stop = None if found.end <= found.start else _STOP.match(result.text, found.end)
        end = stop.end() if stop else found.end
        quote = SourceQuote(source, result.start + found.start, result.start + end)
        return self._citation(quote, found)

    def _citation(self, quote: SourceQuote, found: Support) -> Citation:
        result, start, end = quote.source.result, quote.start, quote.end
        number, marker = self._number(quote.source, (result.file_id, start, end))
        where = self._locate(result.file_id, start, end)
        return Citation(
            number=number,
            file_id=result.file_id,
            filename=result.filename,
            start=start,
            end=end,
            quote=quote.text,
            **location_fields(where),
            score=result.score,
            index=len(self._text),
            marker=marker,
            support=found.score,
            is_supported=found.is_supported,
            missing=found.missing,
        )

    def _support(self, sentence: str, passage: str) -> Support:
        """Check a sentence once, however many markers stand behind it."""
        found = self._supports.get((sentence, passage))
        if found is None:
            found = self._supports[sentence, passage] = check_support(sentence, passage)
        return found

    def _number(self, source: Source, quote: tuple[str, int, int]) -> tuple[int, str]:
        """Return number and marker of a quote; programs tell citations by the marker's text.

        So it is none that another quote has, or that stands in a quoted text.
        """
        if quote not in self._numbers:
            taken = {marker for _, marker in self._numbers.values()}
            free, index = source, max(s.index for s in self._sources if s.call == source.call)
            while free.marker in taken or free.marker in self._text:
                index += 1
                free = replace(source, index=index)
            self._numbers[quote] = (len(self._numbers) + 1, free.marker)
        return self._numbers[quote]

    def answer(self, embedder: Embedder | None = None) -> Answer:
        """Return the message with its citations checked.

        Args:
            embedder: Compares meanings; without one the check goes by words, numbers and names.
        """
        sentences = sentence_spans(self._text)
        of_place = [self._sentence_of(c.index, sentences) for c, _ in self._places]
        claims = [
            self._claim(place, sentences[of_place[place]] if of_place[place] >= 0 else (0, 0))
            for place in range(len(self._places))
        ]
        pairs = [
            (claim, _in_context(source.result))
            for claim, (_, source) in zip(claims, self._places, strict=True)
        ]
        written = [place for place in range(len(pairs)) if place not in self._quoted]
        checked = check_supports([pairs[place] for place in written], embedder=embedder)
        of_written = dict(zip(written, checked, strict=True))
        supports = [of_written.get(place, _QUOTED) for place in range(len(pairs))]
        together = self._together(of_place, sentences, supports, embedder)
        citations = [
            _checked(citation, own, is_needed=place in together)
            for place, ((citation, _), own) in enumerate(zip(self._places, supports, strict=True))
        ]
        cited = {*of_place, *self._in_quotes(sentences)}
        uncited = [
            self._text[start:end]
            for i, (start, end) in enumerate(sentences)
            if self._wants_sources and i not in cited and states_fact(self._text[start:end])
        ]
        return Answer(
            question=self._question,
            plain_text=self._text,
            citations=tuple(citations),
            is_answered=bool(citations) or (not self._is_grounded and bool(self._text.strip())),
            results=tuple(source.result for source in self._sources),
            uncited=tuple(uncited),
            dropped_markers=self._parser.dropped,
            model=self._model,
        )

    def _sentence_of(self, index: int, sentences: Sequence[tuple[int, int]]) -> int:
        """Return which sentence a citation belongs to: the last that begins before it, or -1."""
        position = len(self._text[:index].rstrip())
        return max((i for i, (start, _) in enumerate(sentences) if start < position), default=-1)

    def _in_quotes(self, sentences: Sequence[tuple[int, int]]) -> set[int]:
        """Return the sentences that quotes hold: one may have several, each before its marker."""
        found: set[int] = set()
        for place in self._quoted:
            index = self._places[place][0].index
            since = self._places[place - 1][0].index if place else 0
            found |= {i for i, (a, b) in enumerate(sentences) if a < index and b > since}
        return found

    def _claim(self, place: int, sentence: tuple[int, int]) -> str:
        """Return the words that a citation stands behind: back to the one before, or the start."""
        index = self._places[place][0].index
        before = [c.index for c, _ in self._places[:place] if sentence[0] < c.index < index]
        claim = self._text[max([sentence[0], *before]) : index].strip()
        return claim if len(claim) >= _MIN_CLAIM else self._text[slice(*sentence)]

    def _together(
        self,
        of_place: Sequence[int],
        sentences: Sequence[tuple[int, int]],
        supports: Sequence[Support],
        embedder: Embedder | None,
    ) -> set[int]:
        """Return the citations that support their sentence with its others, not alone.

        They do where all quotes of the sentence together support it, and without theirs do not.
        """
        places: list[int] = []
        pairs: list[tuple[str, str]] = []
        for place, sentence in enumerate(of_place):
            quotes = {
                self._places[other][0].quote
                for other in range(len(of_place))
                if of_place[other] == sentence
            }
            if sentence < 0 or supports[place].is_supported or len(quotes) < 2:
                continue
            text = self._text[slice(*sentences[sentence])]
            others = sorted(quotes - {self._places[place][0].quote})
            places.append(place)
            pairs += [(text, " ".join(sorted(quotes))), (text, " ".join(others))]
        found = check_supports(pairs, embedder=embedder)
        return {
            place
            for place, whole, rest in zip(places, found[::2], found[1::2], strict=True)
            if whole.is_supported and not rest.is_supported
        }


def _in_context(result: SearchResult) -> str:
    """Return a passage below its file's name and headings, which say what it is about."""
    about = " › ".join([PurePath(result.filename).stem, *result.heading_path])
    return f"{about}\n\n{result.text}"


def _sentence_before(text: str) -> str:
    tail = text[-_LOOK_BACK:].rstrip()
    spans = sentence_spans(tail)
    return tail[slice(*spans[-1])] if spans else ""


def _checked(citation: Citation, own: Support, *, is_needed: bool) -> Citation:
    is_supported = own.is_supported or is_needed
    return replace(
        citation,
        support=own.score,
        is_supported=is_supported,
        missing=() if is_supported else own.missing,
    )
