"""Mend: the lines of a PDF page -> paragraphs and table rows.

A PDF knows no paragraphs, only lines. Lines of one paragraph are joined into flowing text, so that
sentences are whole; rows of tables, headings and list items stay on lines of their own. Pure
string work; rules were tuned by reading 36 annual and quarterly filings. What the layout of the
page says (this line is a row, there was a gap) comes with the lines and is not guessed again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00ad": "-"}
)
"""Latin presentation forms (U+FB00-FB06) and the soft hyphen; no other compatibility forms."""

_FULL = 0.8
"""A line this long, as a share of the page's usual line, was broken for want of room."""
_ENOUGH_PROSE = 8
"""A page with so many lines that run on shows its own line width; another takes the document's."""
_NUMERIC_CELL = re.compile(
    r"[($€£¥]*[-–—−+]?[($€£¥]*[\d.,]*\d[\d.,]*[%)¢x]*|[-–—−$%€£¥)(*]+|N/?[AM]"
)
_BULLET = re.compile(r"[•◦▪▫■□●○‣⁃∙·➢➤✓☐☑☒\uf0b7\uf0a7]|[-–—*] ")
_MARKER = re.compile(
    r"(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.?) |"
    r"(?:Item|ITEM|Note|NOTE|Section|SECTION|Part|PART|Chapter|CHAPTER|Exhibit|Table|Figure) "
    r"[\dIVX]+|第[\d一二三四五六七八九十百]+[章节節条條部]|[一二三四五六七八九十]+、|（[一二三四五六七八九十]+）"
)
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’)\]）」』]*$")
_OPEN_END = re.compile(
    r"(?:[,;(–—/&-]|\b(?:a|an|and|as|at|by|for|from|in|of|on|or|our|that|the|their|to|with))$"
)
_FOOTNOTE_MARK = re.compile(r"\(\d{1,2}\)$")
_LEADER = re.compile(r"(?:\.{4}|…|(?:\. ){3})[\s.…]*[\dIVXLCivxlc]{1,5}$")
"""An entry of a table of contents ends in its page, after a row of dots."""
_HYPHEN_END = re.compile(r"(\w*[^\W\d_])-$")
_WORD = re.compile(r"\w+(?:-\w+)*")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


class PageLine(NamedTuple):
    """A line of a page as it was found.

    Attributes:
        text: May be blank.
        is_row: Whether it is known to be a table row; where it is not, its numbers tell.
        gap_before: Whether more than the usual space is left above it.
        stands_alone: Whether it is known to be no part of what stands before or after it.
        baseline: Height on the page in points, upwards; None where it is not known.
    """

    text: str
    is_row: bool = False
    gap_before: bool = False
    stands_alone: bool = False
    baseline: float | None = None


class MendedLine(NamedTuple):
    """A paragraph, heading, list item or table row.

    Attributes:
        text: One line, without spaces at its ends, not blank.
        gap_before: Whether a blank line stands before it; never before the first.
        sources: Positions in the page's list of the lines it was made of, ascending.
    """

    text: str
    gap_before: bool
    sources: tuple[int, ...]


class _Line(NamedTuple):
    text: str
    width: int
    is_row: bool
    gap_before: bool
    source: int
    stands_alone: bool = False
    is_open_row: bool = False  # a label, then nothing but lines of numbers


def mend_pages(pages: Sequence[str]) -> list[str]:
    r"""Return the text of each page with its paragraphs joined.

    Args:
        pages: Lines in reading order, as the PDF library found them. All pages of a document
            together, because a page of tables does not show how wide its full lines are.

    Returns:
        As many pages: one paragraph, heading, list item or table row per line, a blank line
        only where the page had some, no spaces at line ends; empty for a blank page.
    """
    lines = [[PageLine(line) for line in page.split("\n")] for page in pages]
    return [text_of(page) for page in mend_lines(lines)]


def text_of(lines: Sequence[MendedLine]) -> str:
    """Return the lines of a page as its text; empty for none."""
    return "".join(
        ("\n\n" if line.gap_before else "\n" if i else "") + line.text
        for i, line in enumerate(lines)
    )


def mend_lines(pages: Sequence[Sequence[PageLine]]) -> list[list[MendedLine]]:
    """Return the paragraphs, headings, list items and rows of each page, as `mend_pages` does.

    Args:
        pages: The lines of all pages of a document, in reading order.
    """
    read = [_read_lines(page) for page in pages]
    prose = sorted(_usual_width(lines) for lines in read if _prose_lines(lines) >= _ENOUGH_PROSE)
    usual = prose[len(prose) // 2] if prose else 0
    return [
        _mend(
            lines,
            _usual_width(lines)
            if _prose_lines(lines) >= _ENOUGH_PROSE
            else max(usual, _usual_width(lines)),
        )
        for lines in read
    ]


def _prose_lines(lines: list[_Line]) -> int:
    """Return how many lines go on in the next, which begins with a small letter or ideograph."""
    return sum(
        1
        for line, following in pairwise(lines)
        if not line.is_row and (following.text[0].islower() or _CJK.match(following.text[0]))
    )


def _mend(lines: list[_Line], usual: int) -> list[MendedLine]:
    if not lines:
        return []
    known: set[str] = set()
    if any(line.text.endswith("-") for line in lines):
        known.update(*(_WORD.findall(line.text) for line in lines))
    mended: list[MendedLine] = []
    pieces, sources = [lines[0].text], [lines[0].source]
    last = lines[0]  # what the current output line ends with
    gap = False

    def finish() -> None:
        mended.append(MendedLine("".join(pieces), gap, tuple(sources)))

    for i, line in enumerate(lines[1:], 1):
        following = lines[i + 1] if i + 1 < len(lines) else None
        is_last = following is None
        if _continues(last, line, following, usual, is_last=is_last):
            pieces.append(_joint(pieces, line.text, known))
            pieces.append(line.text)
            sources.append(line.source)
            last = line._replace(
                is_row=line.is_row or _is_row(f"{last.text} {line.text}"),
                is_open_row=_is_numbers_only(line.text),
            )
        else:
            finish()
            pieces, sources, gap = [line.text], [line.source], line.gap_before
            last = line
    finish()
    return mended


def _read_lines(page: Sequence[PageLine]) -> list[_Line]:
    lines: list[_Line] = []
    gap = False
    for number, line in enumerate(page):
        text = " ".join(line.text.translate(LIGATURES).split())
        gap = gap or line.gap_before
        if text:
            is_row = line.is_row or line.stands_alone or _is_row(text)
            has_gap = gap and bool(lines)
            lines.append(_Line(text, _width(text), is_row, has_gap, number, line.stands_alone))
        gap = not text
    return lines


def _width(text: str) -> int:
    """Return the columns a line takes: ideographs are two wide."""
    return len(text) + len(_CJK.findall(text))


def _usual_width(lines: list[_Line]) -> int:
    """Return the width of a full line: the 90th percentile of lines that are prose."""
    widths = sorted(line.width for line in lines if not line.is_row)
    return max(widths[int(0.9 * (len(widths) - 1))], 20) if widths else 20


def _is_row(text: str) -> bool:
    """Whether a line is a table row: it ends in numbers, and they are a good part of it."""
    words = text.split(" ")
    if not _NUMERIC_CELL.fullmatch(words[-1]):
        return False
    numeric = sum(1 for word in words if _NUMERIC_CELL.fullmatch(word))
    trailing = 0
    for word in reversed(words):
        if not _NUMERIC_CELL.fullmatch(word):
            break
        trailing += 1
    return (
        trailing >= 2 or numeric == len(words) or (len(words) <= 12 and not _OPEN_END.search(text))
    )


def _is_numbers_only(text: str) -> bool:
    return all(_NUMERIC_CELL.fullmatch(word) for word in text.split(" "))


def _continues(
    last: _Line, line: _Line, following: _Line | None, usual: int, *, is_last: bool
) -> bool:
    """Whether `line` belongs to the same paragraph or row as `last`."""
    a, b = last.text, line.text
    if last.stands_alone or line.stands_alone:
        return False
    if _BULLET.match(b) or _LEADER.search(a):
        return False
    if len(a) == 1 and _BULLET.match(a + " "):
        return True  # a bullet set as a line of its own
    ends_sentence = bool(_SENTENCE_END.search(a))
    if _FOOTNOTE_MARK.fullmatch(b) and not ends_sentence:
        return True
    if _is_numbers_only(b):
        if is_last and len(b) <= 4:
            return False  # the page number
        return _takes_numbers(last, ends_sentence=ends_sentence)
    if line.gap_before and not b[0].islower():
        return False
    if last.is_row:
        # A full line of prose may end in two numbers, and its sentence go on.
        return b[0].islower() and last.width >= _FULL * usual and not _is_numbers_only(a)
    if _MARKER.match(b) and (ends_sentence or a[-1] in ":;" or last.width < _FULL * usual):
        return False
    if b[0].islower():
        return not (ends_sentence and last.width < _FULL * usual) and a[-1] != ":"
    if line.is_row and last.width < _FULL * usual:
        return False
    if _OPEN_END.search(a) and not line.is_row:
        return True
    if last.width < _FULL * usual or a[-1] == ":":
        return False
    if a.isupper() != b.isupper() and (a.isupper() or line.width < _FULL * usual):
        return False
    return not (ends_sentence and _is_heading(line, following, usual))


def _takes_numbers(last: _Line, *, ends_sentence: bool) -> bool:
    """Whether numbers on a line of their own are the cells of the label before them."""
    if last.is_open_row:
        return True
    return not last.is_row and not ends_sentence and last.text[-1] != ":"


def _is_heading(line: _Line, following: _Line | None, usual: int) -> bool:
    """Whether a short line after a full sentence opens something new."""
    return (
        line.width < 0.6 * usual
        and following is not None
        and not following.text[0].islower()
        and not _SENTENCE_END.search(line.text)
    )


def _joint(pieces: list[str], following: str, known: set[str]) -> str:
    """Return what stands between two joined lines; a hyphen of division is taken off `pieces`.

    "retrie-" + "val" lose their hyphen; "shelter-" + "in-place", and compounds that the page
    writes with a hyphen elsewhere, keep it; lines of ideographs join without a space.
    """
    before = pieces[-1]
    if _CJK.match(before[-1]) and _CJK.match(following[0]):
        return ""
    hyphenated = _HYPHEN_END.search(before) if before.endswith("-") else None
    if not hyphenated or not following[0].isalpha():
        return "" if hyphenated else " "
    word = _FIRST_WORD.match(following)
    second = word[0] if word else ""
    first = hyphenated[1]
    is_compound = (
        not second[:1].islower()
        or following[len(second) :].startswith("-")
        or before[: hyphenated.start()].endswith("-")
        or (f"{first}-{second}" in known and f"{first}{second}" not in known)
    )
    if not is_compound:
        pieces[-1] = before[:-1]
    return ""
