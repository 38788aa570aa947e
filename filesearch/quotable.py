"""Quotable: passages -> the sentences that may answer, each with what stands above it.

Pure. What is cut from a passage is in `table_rows`, what heads and what states in `headings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from filesearch.context import name_words
from filesearch.headings import BULLET, OpenKeys, has_field, is_fact, is_heading
from filesearch.patterns import lazy_pattern
from filesearch.table_rows import headings_above, quotable_units, values_of
from filesearch.terms import extract_terms
from filesearch.types import SearchResult

MIN_TERMS = 3
# Of a key and its value.
MIN_FIELD_TERMS = 2
# A row of a table says something with two: whose, and what.
MIN_ROW_TERMS = 2

# Marks that open a line without being part of what it says.
_LEADING_MARK = lazy_pattern(
    r"(?:[-*+•·‣▪>|#]+\s+|\d{1,2}[.)]\s+|\[[ xX]\]\s+|[一二三四五六七八九十]{1,3}、)+"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage that may answer.

    Attributes:
        passage: Position of its passage among the results, from 0.
        start, end: Character positions in the document's text.
        text: The characters between.
        heading: The headings above it, the last line that it follows as one or as a question, and
            the row that names its columns; empty when none.
        own_terms: Keyword terms of the text.
        terms: These, and those of the heading and of the file's name.
        is_row: Whether it is a row of a table, or a field of one: it says nothing of those around.
        values: Of a whole row, its terms without the names of its columns.
    """

    passage: int
    start: int
    end: int
    text: str
    heading: str
    own_terms: tuple[str, ...]
    terms: tuple[str, ...]
    is_row: bool = False
    values: tuple[str, ...] = ()

    @property
    def text_in_context(self) -> str:
        """What is embedded: the heading says what the sentence is about."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


def find_sentences(results: Sequence[SearchResult]) -> list[Sentence]:
    """Return the sentences of the passages that are long enough to say something.

    Headings and questions say what follows, not what is so: they become the context of the
    sentences below them. A short line that may be a heading or a fact, as "Driver: Ana", is taken
    for both; it is no heading of other such lines. List marks at the start are left out, so that a
    quote reads as prose.
    """
    found = []
    terms_of = cache(extract_terms)
    for number, result in enumerate(results):
        name = name_words(result.filename)
        keys = OpenKeys(result.text)
        path: tuple[str, ...] = ()
        title = above = ""  # the last line of the section that is a heading and no fact; or any
        for unit in quotable_units(result):
            start, end = unit.start, unit.end
            opening = _LEADING_MARK.match(result.text, start, end)
            mark = opening.group() if opening else ""
            start += len(mark)
            text = result.text[start:end]
            terms = tuple(extract_terms(text))
            sections = headings_above(result, result.start + start)
            if unit.is_setting:
                sections += keys.above(start)
            if sections != path:
                path, title, above = sections, "", ""
            heads = not (unit.is_row or unit.is_setting) and is_heading(text, terms, mark)
            says = not heads or is_fact(text, terms, mark)
            heading = "\n".join(filter(None, (*path, title if heads else above, unit.columns)))
            if heads and not (says and BULLET.match(mark)):
                above = text
                title = title if says else above
            least = MIN_FIELD_TERMS if unit.is_setting or has_field(text) else MIN_TERMS
            if says and len(terms) >= (MIN_ROW_TERMS if unit.is_row else least):
                found.append(
                    Sentence(
                        passage=number,
                        start=result.start + start,
                        end=result.start + end,
                        text=text,
                        heading=heading,
                        own_terms=terms,
                        terms=(*terms, *terms_of(heading), *terms_of(name)),
                        is_row=unit.is_row or unit.is_field,
                        values=tuple(extract_terms(values_of(text))) if unit.is_row else (),
                    )
                )
    return found
