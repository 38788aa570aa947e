"""Row answers: is a row of a table about what a question names?

The rows of a table are alike but for what they are about. The row of order PO-10007 covers all but
one word of a question about order PO-10014, and comes as near to it in meaning as the right one.
That for 50 to 199 pieces covers no word of a question about 120.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import regex

from filesearch.figures import Figure, figures_of
from filesearch.names import PassageNames, names_in
from filesearch.patterns import lazy_pattern
from filesearch.stop_words import language_of
from filesearch.terms import extract_terms
from filesearch.wording import is_function_word, words_of

# Terms with a digit in them that are this long name something: an order, a part, a year.
_CODE_LENGTH = 3
_YEAR = lazy_pattern(r"(?:19|20)\d\d")
_COUNTED_IN_CHINESE = lazy_pattern(r"[件个個只隻张張本台套人位名次份瓶箱包袋条條部辆輛间間岁歲]")
# What `figures` reads that counts and measures nothing.
_NO_MEASURES = frozenset(("", "calendar", "month name", "date", "weekday", "clock", "version"))

_FIRST_CELL = lazy_pattern(r"[|\s]*(?:[^|:;]*:\s)?(?P<value>[^|;]*)")
_TO = lazy_pattern(r"\s*(?:-|–|—|~|to|bis(?: zu)?|à|a|至|到)\s*", regex.IGNORECASE)
_ABOVE = lazy_pattern(
    r"\b(?:above|over|more|from|at least|ab|über|mehr|mindestens|plus|dès|más|desde)\b"
    r"|[>≥+]|以上|超过",
    regex.IGNORECASE,
)
_BELOW = lazy_pattern(
    r"\b(?:below|under|up to|less|at most|unter|bis|weniger|höchstens|jusqu|moins|hasta|menos)\b"
    r"|[<≤]|以下|不超过|少于",
    regex.IGNORECASE,
)


def names_same(
    question: str,
    row: str,
    row_terms: Collection[str],
    *,
    values: Collection[str] = (),
    around: str = "",
) -> bool:
    """Return whether a row holds every code, year and name of a question.

    An amount, such as "120 pieces", is none of these: a row that is for 50 to 199 does not hold it.

    Args:
        question: As asked; its names are looked for in any form that `names` knows.
        row: The text of the row.
        row_terms: Its keyword terms, and those of the heading above it.
        values: Those of `row_terms` that no heading and no name of a column holds.
        around: What the whole table is about, such as the file's name: names may stand there, and
            years where no column says another; codes may not.
    """
    asked = set(_codes(question))
    years = {term for term in asked if _YEAR.fullmatch(term)}
    held = set(row_terms)
    if not asked - years <= held:
        return False
    if not years <= held and (
        any(_YEAR.fullmatch(term) for term in held.difference(values))
        or not years <= held.union(extract_terms(around))
    ):
        return False
    passage = f"{around}. {row}"
    language = language_of(question, language_of(passage))
    names = PassageNames(passage)
    return all(names.hold(name.text) for name in names_in(question, language))


def _codes(question: str) -> Iterator[str]:
    """Yield the terms of a question that name by digits what it is about."""
    amounts = [range(found.start, found.past) for found in amounts_of(question)]
    for word in words_of(question):
        if not any(word.start in amount for amount in amounts):
            for term in extract_terms(word.text):
                if len(term) >= _CODE_LENGTH and any(map(str.isdigit, term)):
                    yield term


def amounts_of(question: str) -> list[Figure]:
    """Return the figures of a question that count or measure: "120 pieces", "£500", "12 kg".

    Of bare numbers only those before what they count: "room 214" and "order 10014" name something.
    """
    language, words = language_of(question, "en"), words_of(question)
    found = []
    for figure in figures_of(question, language=language):
        if figure.unit not in _NO_MEASURES:
            found.append(figure)
            continue
        before = next((w for w in reversed(words) if w.end <= figure.start), None)
        after = next((w for w in words if w.start >= figure.past), None)
        if figure.unit or after is None:
            continue
        names = before and before.kind == "word" and not is_function_word(before.lower, language)
        if after.kind == "han":
            counts = _COUNTED_IN_CHINESE.match(after.text) is not None
        else:
            counts = after.kind == "word" and not is_function_word(after.lower, language)
        if counts and not names:
            found.append(figure)
    return found


def is_outside(amounts: Sequence[Figure], row: str) -> bool:
    """Return whether a row is for a range, and none of the amounts of a question lies in it.

    "50-199 | 9%" has no word of "120 pieces", nor have the rows beside it, which are for others.

    Args:
        amounts: As `amounts_of` finds them.
        row: Its first cell tells what it is for. One that holds an amount besides is not outside.
    """
    if not amounts:
        return False
    bounds = _range_of(_FIRST_CELL.match(row)["value"])  # type: ignore[index]
    if bounds is None:
        return False
    unit, low, high = bounds
    asked = [a for a in amounts if a.unit != "%" and a.unit in ("", unit.unit)]
    held = {(figure.unit, figure.value) for figure in figures_of(row)}
    if any((amount.unit, amount.value) in held for amount in asked):
        return False
    values = [a.value * (a.factor if a.unit else unit.factor) for a in asked]
    return bool(values) and not any(low <= value <= high for value in values)


def _range_of(cell: str) -> tuple[Figure, float, float] | None:
    """Return the range that a cell is: a figure with its unit, and the bounds in its base."""
    figures = [f for f in figures_of(cell) if f.unit not in _NO_MEASURES - {""}]
    if not 1 <= len(figures) <= 2:
        return None
    unit = figures[-1]
    low, high = figures[0].value * unit.factor, unit.value * unit.factor
    if len(figures) == 2:
        between = cell[figures[0].past : unit.start]
        return (unit, low, high) if _TO.fullmatch(between) and low < high else None
    if _ABOVE.search(cell):
        return unit, low, math.inf
    return (unit, -math.inf, high) if _BELOW.search(cell) else None
