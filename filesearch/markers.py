"""Markers: a model's text, as it streams in -> text without markers, and the passages they name.

Models are told to repeat markers such as 【4:0†source】, and write what they please: 【4:0】, [1],
[^1], (1), [1, 3]. Numbers alone count the passages from 1, as the model was given them. A marker
that points at nothing is dropped and counted; what is no marker stays as it is, so that nothing
else is ever lost: code, an interval such as [0, 100], what is called or counted as in f(2), 12(3).
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from filesearch.messages import Source
from filesearch.patterns import lazy_pattern

MAX_LABEL_CHARACTERS = 200
MAX_RANGE = 10

# A number alone is at most three digits: [2024] and (1998) are years.
_NUMBER = r"\^?\d{1,3}"
_LIST = rf"{_NUMBER}(?:\s{{0,2}}[,，;、–-]\s{{0,2}}{_NUMBER}){{0,9}}"
_PAIR = r"\d{1,6}\s{0,2}[:：]\s{0,2}\d{1,4}"
_LABEL = rf"(?:†[^】\]\n]{{0,{MAX_LABEL_CHARACTERS}}})"
_MARKER = lazy_pattern(
    rf"【\s{{0,2}}(?:(?P<pair>{_PAIR}){_LABEL}?|(?P<list>{_LIST}){_LABEL}?)\s{{0,2}}】"
    rf"|\[(?:(?P<pair>{_PAIR}){_LABEL}|(?P<pair>{_PAIR})|(?P<list>{_LIST}){_LABEL}?)\]"
    rf"|[(（](?P<round>\d{{1,3}})[)）]"
)
_OPENING = lazy_pattern(r"[【\[(（]")
_FULL_MARKER = lazy_pattern(rf"【(?P<pair>{_PAIR}){_LABEL}】")
_FULL_OPENING = lazy_pattern("【")
_SPLIT = lazy_pattern(r"\s*[,，;、]\s*")
# What may follow a number in round brackets that cites: an enumeration goes on with words.
_AFTER_ROUND = lazy_pattern(r"[ \t]*(?:[.,;:!?。，；：！？、\n【\[(（]|$)")
_WIDEST_AFTER = 8
# What such a number belongs to when it stands right behind: section 12(3), 4(1)(2), f(2), B(3),
# sin(1), np.mean(2), top_k(5), toString(2). Not back(2): a word may be followed by its source.
_BEFORE_ARGUMENT = lazy_pattern(
    r"(?:\d(?:[(（]\w{1,4}[)）])*"
    r"|(?<![\p{L}\p{N}_'’])(?:[A-Za-z]|[A-Za-z]\w*\.[A-Za-z]\w*|[a-z]+[A-Z]\w*"
    r"|[A-Za-z0-9]+_\w*[A-Za-z0-9]|(?:arc)?(?:sin|cos|tan)h?|abs|exp|lg|ln|log|sqrt))$"
)
_WIDEST_BEFORE = 80
# What tells a link, [1](https://example.org), from two markers, [1](2).
_ROUND = lazy_pattern(r"\(\d{1,3}\)")

# A line that opens or closes a block of code; one that closes on the same line is a code span.
_FENCE = lazy_pattern(r"(?:[\s>]|[-*+][ \t]|\d{1,3}[.)][ \t])*(?P<run>`{3,}|~{3,})(?P<info>[^`]*)")
_BACKTICKS = lazy_pattern(r"`+")
# A code span ends on its line, so far behind what stands in it at most.
_WIDEST_SPAN = 200


class MarkerParser:
    """Takes markers out of a text that comes piece by piece, however it is cut.

    Args:
        sources: The passages that markers may point at; the model was given all of them, in
            order, if `give` does not say otherwise.
        only_full: Take 【4:0†source】 alone for a marker: in JSON, [1] is an array.

    Attributes:
        dropped: How many markers pointed at no passage.
    """

    def __init__(self, sources: Sequence[Source] = (), *, only_full: bool = False) -> None:
        self._sources = tuple(sources)
        self._only_full = only_full
        self._given = self._sources
        self._by_numbers = {(s.call, s.index): s for s in self._sources}
        self._held = ""
        self._line = ""  # what was passed on of the current line
        self._fence = ""  # what opened the block of code that it stands in
        self.dropped = 0

    def give(self, sources: Sequence[Source]) -> None:
        """Say which passages the model was given, in order: numbers alone count these."""
        self._given = tuple(sources)

    def feed(self, text: str) -> list[str | Source]:
        """Return what is certain after `text`: text to show, and passages cited behind it."""
        self._held += text
        return self._take(is_end=False)

    def quote(self, text: str) -> list[str | Source]:
        """Return what was held back, and `text` as it is, whatever looks like a marker in it."""
        taken = self._take(is_end=True)
        self._pass(taken, text)
        return taken

    def finish(self) -> list[str | Source]:
        """Return what was held back in case a marker would follow."""
        return self._take(is_end=True)

    def _take(self, *, is_end: bool) -> list[str | Source]:
        taken: list[str | Source] = []
        position = 0
        opening_of, marker = (
            (_FULL_OPENING, _FULL_MARKER) if self._only_full else (_OPENING, _MARKER)
        )
        while opening := opening_of.search(self._held, position):
            self._pass(taken, self._held[position : opening.start()])
            position = opening.start()
            found = marker.match(self._held, position, partial=not is_end)
            if found is not None and found.partial:
                break
            if found is not None and not is_end and self._needs_more(found):
                break
            if found is None or not self._cite(taken, found):
                self._pass(taken, self._held[position])
                position += 1
            else:
                position = found.end()
        else:
            self._pass(taken, self._held[position:])
            position = len(self._held)
        self._held = self._held[position:]
        return taken

    def _needs_more(self, found: regex.Match[str]) -> bool:
        """Whether what follows decides, and has not come yet."""
        if self._only_full:
            return False
        after = self._held[found.end() :]
        if found["round"] is not None:
            if not after.strip(" \t") and len(after) < _WIDEST_AFTER:
                return True
        elif found.group().startswith("["):
            second = _ROUND.match(after, partial=True)
            if second is not None and second.partial:
                return True
        else:
            return False
        is_whole = len(after) >= _WIDEST_SPAN or "\n" in after
        return not is_whole and not self._is_code(after.rstrip("`")) and bool(_unpaired(self._line))

    def _cite(self, taken: list[str | Source], found: regex.Match[str]) -> bool:
        """Append what a match cites; False when it is no marker after all."""
        after = self._held[found.end() :]
        if found["pair"] is not None:
            call, index = (int(n) for n in regex.split(r"[:：]", found["pair"]))
            if not self._sources and "†" not in found.group():
                return False
            self._append(taken, [self._by_numbers.get((call, index))])
            return True
        if not self._given:
            return False
        if found["round"] is not None:
            number = int(found["round"])
            is_marker = (
                1 <= number <= len(self._given)
                and bool(self._line.strip())
                and not self._is_code(after)
                and _AFTER_ROUND.match(after[:_WIDEST_AFTER]) is not None
                and _BEFORE_ARGUMENT.search(self._line[-_WIDEST_BEFORE:]) is None
            )
            if is_marker:
                self._append(taken, [self._given[number - 1]])
            return is_marker
        cited = [self._numbered(number) for number in _numbers(found["list"])]
        if found.group().startswith("["):
            is_link = after.startswith("(") and _ROUND.match(after) is None
            is_plain = not {"†", "^"} & set(found.group())
            is_interval = is_plain and len(cited) > 1 and None in cited
            if is_link or is_interval or self._is_code(after):
                return False
        self._append(taken, cited)
        return True

    def _numbered(self, number: int) -> Source | None:
        return self._given[number - 1] if 1 <= number <= len(self._given) else None

    def _append(self, taken: list[str | Source], cited: Sequence[Source | None]) -> None:
        for source in cited:
            if source is None:
                self.dropped += 1
            else:
                taken.append(source)

    def _is_code(self, after: str) -> bool:
        """Whether what stands between the current line and `after` is code."""
        rest_of_line = after[:_WIDEST_SPAN].partition("\n")[0]
        closing = {len(run) for run in _BACKTICKS.findall(rest_of_line)}
        return bool(self._fence) or not closing.isdisjoint(_unpaired(self._line))

    def _pass(self, taken: list[str | Source], text: str) -> None:
        """Append text to show, and keep count of the code around it."""
        if not text:
            return
        *ended, rest = (self._line + text).split("\n")
        for line in ended:
            if fence := _FENCE.fullmatch(line):
                self._pass_fence(fence["run"], fence["info"])
        self._line = rest
        if taken and isinstance(taken[-1], str):
            taken[-1] += text
        else:
            taken.append(text)

    def _pass_fence(self, run: str, info: str) -> None:
        if not self._fence:
            self._fence = run
        elif run.startswith(self._fence) and not info.strip():
            self._fence = ""


def _unpaired(line: str) -> set[int]:
    """Return the lengths of the runs of backticks that no run of their length closes.

    A run of one length opens a code span that the next of the same length closes; without such
    a one it is text (CommonMark 6.1).
    """
    runs = [len(run) for run in _BACKTICKS.findall(line)]
    unpaired = set()
    at = 0
    while at < len(runs):
        try:
            at = runs.index(runs[at], at + 1) + 1
        except ValueError:
            unpaired.add(runs[at])
            at += 1
    return unpaired


def _numbers(text: str) -> list[int]:
    """Return the numbers of a list such as `1, ^3, 5-7`; a long range gives its ends."""
    numbers: list[int] = []
    for part in _SPLIT.split(text):
        ends = [int(end.strip().lstrip("^")) for end in regex.split("[–-]", part)]
        is_range = len(ends) == 2 and 0 < ends[1] - ends[0] < MAX_RANGE
        numbers += range(ends[0], ends[1] + 1) if is_range else ends
    return numbers
