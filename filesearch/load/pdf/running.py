"""PDF running lines: the lines of all pages -> those that run along at the head or foot of pages.

Pure. Such a line stands at the same height on three pages or more that follow each other, or on
every other one, as one of the highest or lowest two; it says the same but for the number of the
page. Two pages are enough where it numbers them 1 and 2, one where it calls its number that of the
page. Lines of tables, whose names of columns come again on each page, are none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from filesearch.load.pdf.pages import PageText

_OUTERMOST = 2
_FEWEST_PAGES = 3
_STEP = 2
"""Even and odd pages have lines of their own."""
_FROM_ONE = "<1>"
"""What stands in a key for the number of a page where the first is 1."""
_MOST_NUMBERS = 4
_FACT = re.compile(r"(?:\d[\s().-]*){5}|@|[.!]$|: |(?:\S+\s+){5}\S")
"""A telephone number, an address, a date, a sentence; a title says nothing that one asks for."""
_OFFSET = re.compile(r"<-?\d+>")
"""What stands in a key for the number of a page."""
_CALLS_PAGE = re.compile(
    r"[^.!?]{0,80}(?:(?<!\w)(?:page|seite|página|pagina)|第)\s?(\d{1,5})(?!\d)[^.!?]{0,40}",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:\b(?:page|seite|página|pagina)|第)\s?\d+(?:\s?(?:of|von|de|di|/)\s?\d+)?", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\d.,])\d{1,5}(?![\d.,]*\d)")


class RunningLine(NamedTuple):
    """A line that runs along.

    Attributes:
        page: Position of its page, from 0.
        line: Position among the lines of the page.
        is_repeated: Whether it says nothing, or what a page before has said, but for its number.
    """

    page: int
    line: int
    is_repeated: bool


class _Key(NamedTuple):
    """What running lines of one kind have in common."""

    height: int
    text: str
    has_page_number: bool


def find_running_lines(pages: Sequence[PageText]) -> list[RunningLine]:
    """Return the running lines of a document, by page and line; none where heights are unknown."""
    places: defaultdict[_Key, list[tuple[int, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        for i, height in _outermost(page):
            for key in _keys(page.lines[i].text, height, number):
                places[key].append((number, i))
    found: dict[tuple[int, int], bool] = {}
    for number, i in _called_pages(pages):
        text = _without_page(pages[number].lines[i].text)
        found[number, i] = not _FACT.search(text)
    for key, group in places.items():
        for run in _runs(group, 2 if _FROM_ONE in key.text else _FEWEST_PAGES):
            for place in run:
                is_new = place == run[0] and _FACT.search(_without_page(key.text))
                found[place] = found.get(place, False) or not is_new
    return [RunningLine(*place, found[place]) for place in sorted(found)]


def _outermost(page: PageText) -> list[tuple[int, int]]:
    """Return the lines at the head and foot of a page with their heights, without tables."""
    heights = [
        (i, round(line.baseline))
        for i, line in enumerate(page.lines)
        if line.baseline is not None
        and not any(table.first <= i <= table.last for table in page.tables)
    ]
    places = sorted({height for _, height in heights})
    outermost = {*places[:_OUTERMOST], *places[-_OUTERMOST:]}
    return [(i, height) for i, height in heights if height in outermost]


def _called_pages(pages: Sequence[PageText]) -> Iterator[tuple[int, int]]:
    """Yield page and line of "Guide · page 3" at the head or foot of the third page."""
    for number, page in enumerate(pages):
        for i, _ in _outermost(page):
            called = _CALLS_PAGE.fullmatch(page.lines[i].text)
            if called is not None and int(called[1]) == number + 1:
                yield number, i


def _without_page(text: str) -> str:
    """Return a line, or a key, without the number of its page."""
    return _CALL.sub("", _OFFSET.sub("0", text)).strip(" -|·,0")


def _is_within(text: str, number: re.Match[str]) -> bool:
    """Whether a number stands in the middle of what is said: "Room 2 seats 12 people"."""
    called = _CALL.search(text)
    if called and called.start() <= number.start() < called.end():
        return False
    before, after = text[: number.start()], text[number.end() :]
    return any(map(str.isalnum, before)) and any(map(str.isalnum, after))


def _keys(text: str, height: int, page: int) -> Iterator[_Key]:
    """Yield what a line has in common with its likes, taking each number for that of the page."""
    numbers = list(_NUMBER.finditer(text))[:_MOST_NUMBERS]
    for count in range(len(numbers) + 1):
        for chosen in combinations(numbers, count):
            if any(_is_within(text, number) for number in chosen):
                continue
            key = text
            for number in reversed(chosen):
                offset = f"<{int(number.group()) - page}>"
                key = key[: number.start()] + offset + key[number.end() :]
            yield _Key(height, key, bool(chosen))


def _runs(group: Sequence[tuple[int, int]], fewest: int) -> Iterator[list[tuple[int, int]]]:
    """Yield the stretches of pages that follow each other, where they are enough."""
    run = list(group[:1])
    for before, place in pairwise(group):
        if place[0] - before[0] > _STEP:
            if len(run) >= fewest:
                yield run
            run = []
        run.append(place)
    if len(run) >= fewest:
        yield run
