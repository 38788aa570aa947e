"""Asked years: is a passage about the year that a question names?

"In 2021 the fair had 4,200 visitors" has every word of a question about 2019 but the year, and in a
language that the answer reader does not know nothing else tells that it is no answer.
"""

from __future__ import annotations

import regex

from filesearch.patterns import lazy_pattern
from filesearch.row_answers import amounts_of

_YEAR = lazy_pattern(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# What is asked about the time before or after a year need not name it.
_RELATING = lazy_pattern(
    r"\b(?:since|after|before|until|till|from|between|by|than|to|through|and"
    r"|seit|nach|vor|bis|ab|von|zwischen|und|depuis|après|avant|entre|et|jusqu'en"
    r"|desde|después de|antes de|hasta|y)\s+(?:the\s+year\s+)?$"
    r"|[-–—~/至到和与]\s*$",
    regex.IGNORECASE,
)
_RELATED = lazy_pattern(
    r"\s*(?:[-–—~/至到和与]|年?\s*(?:[以之][后後前来來]|[后後前起至到])|年?(?:开始|開始)"
    r"|(?:to|until|through|and|or|onwards)\b)",
    regex.IGNORECASE,
)


def is_of_asked_year(question: str, sentence: str, passage: str) -> bool:
    """Return whether a sentence may be about the year that a question names.

    It may not where it names others, the one asked about does not lie between them, and nothing of
    its passage names that one.

    Args:
        question: One that names several years, or asks about the time before or after one, is
            left out.
        sentence: What would answer.
        passage: What it stands in, with headings and the file's name.
    """
    amounts = [range(found.start, found.past) for found in amounts_of(question)]
    asked = [
        found
        for found in _YEAR.finditer(question)
        if not any(found.start() in amount for amount in amounts)
    ]
    if len(asked) != 1:
        return True
    [found] = asked
    is_related = _RELATING.search(question[: found.start()]) is not None
    if is_related or _RELATED.match(question[found.end() :]):
        return True
    year = found.group()
    if _names(passage, year):
        return True
    others = [int(other.group()) for other in _YEAR.finditer(sentence)]
    return not others or min(others) < int(year) < max(others)


def _names(passage: str, year: str) -> bool:
    """Return whether a passage names a year, in whole or by its last two digits."""
    short = regex.search(rf"(?:['’]|\bFY\s?|[-–/]){year[2:]}(?!\d)", passage)
    return short is not None or any(year == found.group() for found in _YEAR.finditer(passage))
