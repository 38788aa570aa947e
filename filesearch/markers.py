"""Markers: a model's text, as it streams in -> text without markers, and the passages they name.

Models are told to repeat markers such as 【4:0†source】, and write what they please: 【4:0】, [1],
[^1], (1), [1, 3], 【4:0†source, 4:1†source】. Numbers alone count the passages from 1, as the model
was given them. A marker that points at nothing is dropped and counted; what is no marker stays as
it is, so that nothing else is ever lost: an interval such as [0, 100], what is called, counted or
indexed as in f(2), 12(3) and x[1], and code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import regex

from filesearch.messages import Source
from filesearch.patterns import lazy_pattern

MAX_LABEL_CHARACTERS = 200
MAX_RANGE = 10

# A number alone is at most three digits: [2024] and (1998) are years.
_NUMBER = r"\^?\d{1,3}"
_PAIR = r"\d{1,6}\s{0,2}[:：]\s{0,2}\d{1,4}"
_ITEM = rf"(?:{_PAIR}|{_NUMBER})"
# What follows a first label, further items with labels of their own included, is its tail.
_LABEL = rf"(?:†[^】\]\n]{{0,{MAX_LABEL_CHARACTERS}}})"
_BODY = rf"(?P<body>{_ITEM}(?:\s{{0,2}}[,，;；、–-]\s{{0,2}}{_ITEM}){{0,9}}{_LABEL}?)"
_MARKER = lazy_pattern(
    rf"【\s{{0,2}}{_BODY}\s{{0,2}}】"
    rf"|\[[^\S\n]{{0,2}}{_BODY}[^\S\n]{{0,2}}\]"
    rf"|[(（](?P<round>\d{{1,3}})[)）]"
)
_OPENING = lazy_pattern(r"[【\[(（]")
_FULL_MARKER = lazy_pattern(
    rf"【(?P<body>{_PAIR}(?:\s{{0,2}}[,，;；、]\s{{0,2}}{_PAIR}){{0,9}}{_LABEL})】"
)
_FULL_OPENING = lazy_pattern("【")
# What begins a marker that its text breaks off in, and nothing else.
_BEGUN = lazy_pattern(rf"(?:【\s{{0,2}}(?=\^?\d)|\[\s{{0,2}}(?={_PAIR}†))(?P<body>.*)")
_SPLIT = lazy_pattern(rf"\s*[,，;；、]\s*|\s+(?={_PAIR}†)")
_RANGE = lazy_pattern(r"\s*[–-]\s*")
_PLACE = lazy_pattern(r"(?:(?P<call>\d+)\s*[:：]\s*|\^)?(?P<index>\d+)")
_Place: TypeAlias = tuple[int | None, int]
"""Call and index of a passage, as its marker has them; or None and its number, from 1."""

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
# The same of square brackets, where more is cited than indexed: x[1], = A[1], arr2[1], top_k[1],
# f(x)[1], a[0][1], get()[1]. Not Berg[1], 2024[1], pier C[1], 3.2 m[1], km/h[1], 45 m2[1], v2[1].
_BEFORE_INDEX = lazy_pattern(
    r"(?:(?:^|(?<=[\s(\[{=+*<>]))(?<!\p{N}\s)"
    r"(?:[a-z]|(?<![^(\[{=\s]\s{0,3})[A-Z]|[a-z]\w*_\w*"
    r"|(?!(?:[cdkm]?m[23]|mp[34]|co2|v\d+|utf\d+)\b)[a-z]{1,5}\d{1,2})"
    r"(?:\[[^\[\]\s]{0,20}\]|\([^()\n]{0,40}\))*"
    r"|\w\(\))$"
)
_WIDEST_BEFORE = 80
# What tells a link, [1](https://example.org), from two markers, [1](2).
_ROUND = lazy_pattern(r"\(\d{1,3}\)")

# A line that opens or closes a block of code; one that closes on the same line is a code span.
_FENCE = lazy_pattern(r"(?:[\s>]|[-*+][ \t]|\d{1,3}[.)][ \t])*(?P<run>`{3,}|~{3,})(?P<info>[^`]*)")
_BACKTICKS = lazy_pattern(r"`+")
_STRETCH = lazy_pattern(r"`+|[^`]+")
# A code span ends on its line, so far behind what stands in it at most.
_WIDEST_SPAN = 200


class MarkerParser:
    """Takes markers out of a text that comes piece by piece, however it is cut.

    Args:
        sources: The passages that markers may point at; the model was given all of them, in
            order, if `give` does not say otherwise.

    Attributes:
        only_full: Take 【4:0†source】 alone for a marker: in JSON, [1] is an array.
        dropped: How many markers pointed at no passage.
    """

    def __init__(self, sources: Sequence[Source] = (), *, only_full: bool = False) -> None:
        self._sources = tuple(sources)
        self.only_full = only_full
        self._given = self._sources
        self._by_numbers = {(s.call, s.index): s for s in self._sources}
        self._held = ""
        self._line = ""  # what was passed on of the current line
        self._open: list[int] = []  # its runs of backticks that none closes yet, but the last run
        self._run = 0  # length of the last, where the line ends with it
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
        """Return what was held back in case a marker would follow.

        Of a marker that the text breaks off in nothing is shown; what it names for certain is
        cited.
        """
        return self._take(is_end=True, is_last=True)

    def _take(self, *, is_end: bool, is_last: bool = False) -> list[str | Source]:
        taken: list[str | Source] = []
        position = 0
        opening_of = _FULL_OPENING if self.only_full else _OPENING
        while opening := opening_of.search(self._held, position):
            self._pass(taken, self._held[position : opening.start()])
            position = opening.start()
            found = self._match(position, partial=not is_end)
            if found is not None and found.partial:
                break
            if found is not None and not is_end and self._needs_more(found):
                break
            if found is not None and self._cite(taken, found):
                position = found.end()
            elif found is None and is_last and self._cite_begun(taken, position):
                position = len(self._held)
            else:
                self._pass(taken, self._held[position])
                position += 1
        else:
            self._pass(taken, self._held[position:])
            position = len(self._held)
        self._held = self._held[position:]
        return taken

    def _match(self, position: int, *, partial: bool) -> regex.Match[str] | None:
        """Return the marker that begins at a place of what is held, or might if more follows."""
        marker = _FULL_MARKER if self.only_full else _MARKER
        found: regex.Match[str] | None = marker.match(self._held, position, partial=partial)
        return found

    def _needs_more(self, found: regex.Match[str]) -> bool:
        """Whether what follows decides, and has not come yet."""
        if self.only_full:
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
        return not is_whole and not self._is_code(after.rstrip("`")) and bool(self._unpaired())

    def _cite(self, taken: list[str | Source], found: regex.Match[str]) -> bool:
        """Append what a match cites; False when it is no marker after all."""
        text, after = found.group(), self._held[found.end() :]
        if not self.only_full and found["round"] is not None:
            return self._cite_round(taken, int(found["round"]), after)
        places = _places(found["body"])
        has_pair = any(call is not None for call, _ in places)
        is_sure = has_pair and "†" in text
        if not is_sure and not (self._sources if has_pair else self._given):
            return False
        cited = [self._source(place) for place in places]
        if text.startswith("[") and not is_sure:
            is_link = after.startswith("(") and _ROUND.match(after) is None
            is_plain = not {"†", "^"} & set(text)
            is_interval = is_plain and len(cited) > 1 and None in cited
            is_index = is_plain and _BEFORE_INDEX.search(self._line[-_WIDEST_BEFORE:]) is not None
            if is_link or is_interval or is_index or self._is_code(after):
                return False
        self._append(taken, cited)
        return True

    def _cite_round(self, taken: list[str | Source], number: int, after: str) -> bool:
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

    def _cite_begun(self, taken: list[str | Source], position: int) -> bool:
        """Append what a marker cites that the text breaks off in; False when none begins there."""
        begun = _BEGUN.fullmatch(self._held, position)
        if begun is None or self._match(position, partial=True) is None:
            return False
        body = begun["body"]
        if not self._given and "†" not in body:
            return False
        last = _SPLIT.split(body)[-1]
        if not self._is_whole(last):
            body = body[: len(body) - len(last)]
        self._append(taken, [self._source(place) for place in _places(body)])
        return True

    def _is_whole(self, part: str) -> bool:
        """Whether the last part of a marker that breaks off can mean one passage only."""
        if "†" in part:
            return True
        place = _place(part)
        if place is None or place[0] is None:
            return False
        start = f"【{place[0]}:{place[1]}"
        return sum(source.marker.startswith(start) for source in self._sources) <= 1

    def _source(self, place: _Place) -> Source | None:
        call, number = place
        if call is not None:
            return self._by_numbers.get((call, number))
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
        return bool(self._fence) or not closing.isdisjoint(self._unpaired())

    def _pass(self, taken: list[str | Source], text: str) -> None:
        """Append text to show, and keep count of the code around it."""
        if not text:
            return
        *ended, rest = (self._line + text).split("\n")
        for line in ended:
            if fence := _FENCE.fullmatch(line):
                self._pass_fence(fence["run"], fence["info"])
        if ended:
            self._open, self._run = [], 0
        self._count_backticks(rest if ended else text)
        self._line = rest
        if taken and isinstance(taken[-1], str):
            taken[-1] += text
        else:
            taken.append(text)

    def _count_backticks(self, text: str) -> None:
        for piece in _STRETCH.findall(text):
            if piece[0] == "`":
                self._run += len(piece)
            elif self._run:
                _add_run(self._open, self._run)
                self._run = 0

    def _unpaired(self) -> set[int]:
        """Return the lengths of the current line's runs of backticks that none closes."""
        open_runs = self._open.copy()
        if self._run:
            _add_run(open_runs, self._run)
        return set(open_runs)

    def _pass_fence(self, run: str, info: str) -> None:
        if not self._fence:
            self._fence = run
        elif run.startswith(self._fence) and not info.strip():
            self._fence = ""


def _add_run(open_runs: list[int], length: int) -> None:
    """Add a run of backticks to those that none closes.

    A run of one length opens a code span that the next of the same length closes; without such
    a one it is text (CommonMark 6.1).
    """
    if length in open_runs:
        del open_runs[open_runs.index(length) :]
    else:
        open_runs.append(length)


def _places(body: str) -> list[_Place]:
    """Return what is named by `1, ^3, 5-7` or `4:0†a.pdf, 4:1†b.pdf`; a long range gives its ends.

    Numbers behind a label are its own words if they have no label themselves.
    """
    places: list[_Place] = []
    is_labelled = False
    for part in _SPLIT.split(body):
        named, dagger, _ = part.partition("†")
        ends = [place for end in _RANGE.split(named.strip()) if (place := _place(end))]
        if not ends or (is_labelled and not dagger and ends[0][0] is None):
            continue
        is_labelled = is_labelled or bool(dagger)
        (call, first), (other_call, last) = ends[0], ends[-1]
        is_range = len(ends) == 2 and call == other_call and 0 < last - first < MAX_RANGE
        places += [(call, index) for index in range(first, last + 1)] if is_range else ends
    return places


def _place(text: str) -> _Place | None:
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        return None
    return None if found["call"] is None else int(found["call"]), int(found["index"])
