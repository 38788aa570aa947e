"""Figure match: does a passage hold a number of a sentence, or another in its place?

Figure, Figure[] -> bool. Used by `support`. A number is held where the passage has the same; days
of the week, which are listed in many ways, where it names the first and the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import regex

from filesearch.figures import Figure
from filesearch.patterns import lazy_pattern

_WEEK = 7
_ALL_DAYS = (1 << _WEEK) - 1
_SAYS_DAYS = lazy_pattern(
    r"\b(?:daily|every ?day|all week|(?:7|seven) days|week-?ends?|weekdays"
    r"|täglich|werktags|wochenende\w*|tous les jours|fins? de semaine|todos los días"
    r"|fin(?:es)? de semana|tutti i giorni|fine settimana)\b"
    r"|每[天日]|[周週]末|工作日|平日",
    regex.IGNORECASE,
)


def is_held(figure: Figure, figures: Sequence[Figure]) -> bool:
    """Return whether `figures` of a passage say the number `figure` of a sentence."""
    if figure.unit == "weekday" and _names_ends(figures, int(figure.value)):
        return True
    return any(figure.is_same(other) for other in figures)


def has_rival(figure: Figure, ours: Sequence[Figure], quoted: Sequence[Figure]) -> bool:
    """Return whether the quote, instead of this number, has another of its kind that is not ours.

    Args:
        ours: All numbers of the sentence.
        quoted: All numbers of the quote.
    """
    is_held_here = is_held(figure, quoted)
    if is_held_here and figure.unit == "weekday":
        return False
    wanted = sum(other.is_same(figure) and other.kind == figure.kind for other in ours)
    if is_held_here and sum(figure.is_same(other) for other in quoted) >= wanted:
        return False
    return any(
        other.kind == figure.kind and not other.is_weak and not any(f.is_same(other) for f in ours)
        for other in quoted
    )


def says_days(text: str) -> bool:
    """Return whether `text` says which days without naming them: "daily", "at weekends"."""
    return _SAYS_DAYS.search(text) is not None


def _names_ends(figures: Iterable[Figure], days: int) -> bool:
    """Whether weekdays among `figures` are the first and the last of `days`, a bit for each."""
    named = 0
    for figure in figures:
        if figure.unit == "weekday":
            named |= int(figure.value)
    before = (days << 1 | days >> _WEEK - 1) & _ALL_DAYS
    after = (days >> 1 | days << _WEEK - 1) & _ALL_DAYS
    # The whole week has no ends.
    ends = days & ~(before & after) or days
    return ends & ~named == 0
