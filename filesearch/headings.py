"""Headings: does a line say what is so, or what the lines below it are about?

line, its terms and its list mark -> bool. Pure rules: by shape, by verbs that join a thing to what
it is, for English, German, French, Spanish, Italian and Chinese, and by length. Not every line can
be told: "Driver: Ana" and "Safety: gloves" look alike, and both functions are true of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from filesearch.patterns import lazy_pattern

# Lines with fewer terms than this, without a figure or a stop at their end, are headings.
_HEADING_TERMS = 8
# Entries of a list with fewer, without a verb, may lead somewhere, as "Rooms and prices" does.
_ENTRY_TERMS = 5

HAS_QUANTITY = lazy_pattern(
    r"\p{Nd}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|"
    r"forty|fifty|hundred|thousand|half|once|twice|daily|weekly|monthly)\b|[一二三四五六七八九十百千万两半]",
    regex.IGNORECASE,
)
_ENDS_AS_SENTENCE = lazy_pattern(r"[.!?:;。！？：；…]['\"”’)\]）】」』]*$")
BULLET = lazy_pattern(r"[-*+•·‣▪]|\[[ xX]\]")
"""A list mark that opens an entry. Numbers and # open sections too."""
_LINK = lazy_pattern(r"!?\[[^\[\]]*\][(\[][^()\[\]]*[)\]]$")
_VERB = lazy_pattern(
    r"\b(?:is|are|was|were|has|have|had|can|cannot|may|must|will|does"
    r"|ist|sind|war|waren|wird|werden|hat|haben|kann|können|muss|müssen|darf|dürfen|soll"
    r"|est|sont|était|ont|peut|doit|es|son|está|están|fue|tiene|puede|debe|è|ha|hanno|può|deve)\b"
    r"|[是由为為]"
)
_JOINS_TOPICS = lazy_pattern(r"\s(?:and|or|und|oder|et|ou|y|o|e|&)\s|[和与與及]")
# "Driver: Ana", "**Driver:** Ana", "司机：孙涛".
_FIELD = lazy_pattern(
    r"^[^:：|\n]*\p{L}[^:：|\n]*(?::[*_]*[ \t]+|：[*_]*[ \t]*)(?=\S)", regex.MULTILINE
)
# "server:", with its indentation.
_KEY = lazy_pattern(r"[ \t]*([\p{L}_][\w.-]*):[ \t]*$", regex.MULTILINE)
_INDENTATION = lazy_pattern(r"[ \t]*")
# "Ana Lopez – driver", "Ana Lopez (driver)", "Ana Lopez, driver".
_PARTS = lazy_pattern(r"\p{L}.*?(?:,\s|\s[–—=-]\s|\s\()")
# "Part II: Safety", "附录：表格", "Bread at home: a short guide".
_TITLE = lazy_pattern(
    r"\W*\p{L}+ (?:[IVX]+|[A-Z]): |附[录件]\p{L}?："
    r"|[^:\n]+: (?:[Aa]n?|[Hh]ow|[Ww]hat|[Ww]hy|[Ww]hen|[Ww]here|[Ww]ho) "
)
# A name of two to five words and what it is: "F. W. Hill, county engineer".
_SIGNATURE = lazy_pattern(
    r"^(?:\p{Lu}[\p{L}'’.-]* ){1,4}\p{Lu}[\p{L}'’-]+, (?!(?:and|or) )[^,;\n]+$", regex.MULTILINE
)


def is_heading(text: str, terms: Sequence[str], mark: str) -> bool:
    """Return whether a line may say what follows it; a question always does.

    Args:
        text: The line without its mark, or some that belong together.
        terms: Its keyword terms.
        mark: What it opens with: "# ", "- ", "2. "; may be empty.
    """
    if _only_heads(text, mark):
        return True
    return (
        len(terms) < _HEADING_TERMS
        and not HAS_QUANTITY.search(text)
        and not _ENDS_AS_SENTENCE.search(text)
    )


def is_fact(text: str, terms: Sequence[str], mark: str) -> bool:
    """Return whether a line that may be a heading may as well say something by itself.

    Args:
        text, terms, mark: As for `is_heading`, of which it is true.
    """
    if _only_heads(text, mark):
        return False
    if not BULLET.match(mark):
        return (has_field(text) and not _TITLE.match(text)) or bool(_SIGNATURE.search(text))
    if _LINK.match(text):
        return False
    if has_field(text) or _PARTS.match(text) or _VERB.search(text):
        return True
    return len(terms) >= _ENTRY_TERMS and not _JOINS_TOPICS.search(text)


def has_field(text: str) -> bool:
    """Return whether a line names something and says what it is: "Driver: Ana"."""
    return _FIELD.search(text) is not None


class OpenKeys:
    """The keys that the lines of a text stand below by indentation, as in YAML.

    Args:
        text: Its lines are asked about in order.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[tuple[int, str]] = []

    def above(self, position: int) -> tuple[str, ...]:
        """Return the keys above the line of a character, outermost first."""
        start = self._text.rfind("\n", 0, position) + 1
        indentation = _INDENTATION.match(self._text, start)
        width = len(indentation.group()) if indentation else 0
        while self._open and self._open[-1][0] >= width:
            self._open.pop()
        keys = tuple(key for _, key in self._open)
        if key := _KEY.match(self._text, start):
            self._open.append((width, key[1]))
        return keys


def _only_heads(text: str, mark: str) -> bool:
    return "#" in mark or text.endswith(("?", "？"))
