"""PDF layout: the words of a page -> its lines in reading order, cells of a row together.

list[Word] -> list[Line]. Pure. The order of the content stream is kept, since programs write
columns of prose in the order they are read; what stands apart on one line is brought together only
where it is a row: a label and its numbers, however the program drew them. Two columns of prose
that were drawn line by line across both are told from a row and parted again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from filesearch.load.pdf.words import Word

_APART = 1.0
"""A space this wide, as a share of the line's height, parts cells or columns; a space between words
is a quarter of it, and twice that where a line is set flush."""
_SAME_LINE = 0.3
"""Baselines of one line differ by no more than this share of the height (not counting raised
signs)."""
_RAISED = 0.5
"""Footnote signs are raised or lowered by no more than this share."""
_SAME_SPOT = 0.12
"""Two prints of the same words this close, as a share of the height, are one printed twice."""
_CLOSE = 0.45
"""Ideographs no further apart are set wide, not parted: they are written without spaces."""
_PROSE_WORDS = 4
_ALIGNED = 2.5
"""The last digits of a column end within so many points of each other."""
_GAP = 1.4
"""A space between lines this many times the usual one parts paragraphs."""
_FEW_LINES = 3
_NUMBER = re.compile(
    r"[($€£¥]*[-–—−+]?[($€£¥]*[\d.,]*\d[\d.,]*[%)¢x*]*|[-–—−$%€£¥)(*]+|N/?[AM]|nm|NM|(?:US|C|A)?\$"
)
_SIGN_BEFORE = re.compile(r"(?:US|C|A)?[$€£¥]\s*\(?|\(")
_SIGN_AFTER = re.compile(r"[%)]+|x|bps|pts|pp")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")  # not Hangul, which has spaces
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def is_number(text: str) -> bool:
    """Whether a word is what cells of figures hold: a number, a dash for none, a currency sign."""
    return bool(_NUMBER.fullmatch(text))


@dataclass(slots=True)
class Cell:
    """Words that stand together on one line.

    Attributes:
        index: Position in the order of the content stream.
        is_number: Whether all of its words are figures.
    """

    text: str
    left: float
    right: float
    baseline: float
    height: float
    index: int
    is_number: bool
    is_upright: bool = True
    pdfium_line: int = 0

    @property
    def edge(self) -> float:
        """Where its last digit ends: a bracket or percent sign hangs over the column."""
        over = len(self.text) - len(self.text.rstrip(" )%"))
        return self.right - over * (self.right - self.left) / max(len(self.text), 1)

    @property
    def has_figure(self) -> bool:
        """Whether it has a digit, or a dash that stands for one."""
        return any(character.isdigit() or character in "-–—" for character in self.text)

    @property
    def is_prose(self) -> bool:
        """Whether it has words enough to be part of a sentence."""
        return len(_LETTERS.findall(self.text)) >= _PROSE_WORDS


@dataclass(slots=True)
class Line:
    """A line of text, or a row of cells from left to right.

    Attributes:
        gap_before: Whether more than the usual space is left above it.
        is_header: Whether its cells name the columns of a table.
        is_of_words: Whether it is a row of a table of words; a bar parts its cells.
        stands_alone: Whether it is known to be no part of what stands before or after it.
    """

    cells: list[Cell]
    gap_before: bool = False
    is_header: bool = False
    is_of_words: bool = False
    stands_alone: bool = False
    text: str = field(init=False)

    def __post_init__(self) -> None:
        between = " | " if self.is_of_words else " "
        self.text = between.join(cell.text for cell in self.cells)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.cells[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.cells[-1].right

    @property
    def baseline(self) -> float:
        """How high it stands on the page."""
        return self.cells[0].baseline

    @property
    def height(self) -> float:
        """How high its tallest cell is."""
        return max(cell.height for cell in self.cells)

    @property
    def is_row(self) -> bool:
        """Whether it has cells of figures beside another cell."""
        return len(self.cells) > 1 and any(cell.is_number for cell in self.cells[1:])


def lay_out(words: Sequence[Word]) -> list[Line]:
    """Return the lines of a page in reading order; empty for no words."""
    cells = _cells(words)
    rows = _visual_rows(cells)
    parted = _parted_columns(cells)
    supported = _columns_of_figures(rows)
    lines: list[tuple[int, Line]] = []
    for row in rows:
        together = [row[0]]
        for left, right in pairwise(row):
            if _belongs(left, right, parted, supported):
                together.append(right)
            else:
                lines.append((together[0].index, Line(_with_signs(together))))
                together = [right]
        lines.append((together[0].index, Line(_with_signs(together))))
    lines += [(cell.index, Line([cell])) for cell in cells if not cell.is_upright]
    lines.sort(key=lambda entry: entry[0])
    ordered = _one_column_at_a_time([line for _, line in lines], parted)
    _find_gaps(ordered)
    return ordered


def _cells(words: Sequence[Word]) -> list[Cell]:
    """Join words that stand together, in the order of the content stream.

    What is printed twice on the same spot (a shadow, a bold face made of two strokes) comes once.
    """
    cells: list[Cell] = []
    spots: dict[str, list[Cell]] = {}

    def add(run: list[Word]) -> None:
        cell = _cell(run, len(cells))
        earlier = spots.setdefault(cell.text, [])
        reach = _SAME_SPOT * cell.height
        if not any(
            abs(other.left - cell.left) <= reach and abs(other.baseline - cell.baseline) <= reach
            for other in earlier
        ):
            earlier.append(cell)
            cells.append(cell)

    run: list[Word] = []
    for word in words:
        if run and not _goes_on(run, word):
            add(run)
            run = []
        run.append(word)
    if run:
        add(run)
    return cells


def _goes_on(run: list[Word], word: Word) -> bool:
    last = run[-1]
    space = word.left - last.right
    is_plain = word.is_upright and last.is_upright
    if word.text[-1] in "$€£¥" and is_number(last.text) and space > 0 and not word.is_joined:
        return False  # the sign of the next number, however close the columns stand
    if is_plain and word.baseline == last.baseline and 0 <= space <= _APART * last.height:
        return True
    if not is_plain:
        return word.line == last.line and not word.is_upright and not last.is_upright
    height = max(word.height, last.height)
    lead = max(run[-8:], key=lambda w: w.height)  # raised signs are smaller
    if abs(word.baseline - lead.baseline) > _RAISED * max(height, lead.height):
        return False
    if word.line == last.line and _RIGHT_TO_LEFT.search(word.text + last.text):
        return True  # logical order; the places go the other way
    return -_RAISED * height <= space <= _APART * height


def _cell(run: list[Word], index: int) -> Cell:
    pieces = [run[0].text]
    for last, word in pairwise(run):
        space = word.left - last.right
        is_one_word = (
            word.is_joined
            or (word.line != last.line and abs(space) < 0.08 * word.height)
            or (
                space < _CLOSE * word.height and _CJK.match(last.text[-1]) and _CJK.match(word.text)
            )
        )
        pieces.append(word.text if is_one_word else f" {word.text}")
    lead = max(run, key=lambda word: (word.height, len(word.text)))
    return Cell(
        "".join(pieces),
        min(word.left for word in run),
        max(word.right for word in run),
        lead.baseline,
        lead.height,
        index,
        is_number=all(is_number(word.text) for word in run),
        is_upright=run[0].is_upright,
        pdfium_line=run[0].line,
    )


def _visual_rows(cells: list[Cell]) -> list[list[Cell]]:
    """Return the cells that share a baseline, from left to right, the highest row first."""
    rows: list[list[Cell]] = []
    for cell in sorted((c for c in cells if c.is_upright), key=lambda c: (-c.baseline, c.left)):
        if rows:
            first = rows[-1][0]
            if first.baseline - cell.baseline <= _SAME_LINE * min(first.height, cell.height):
                rows[-1].append(cell)
                continue
        rows.append([cell])
    for row in rows:
        row.sort(key=lambda c: (c.left, c.index))
    return rows


def _columns_of_figures(rows: list[list[Cell]]) -> set[int]:
    """Return the indexes of cells of figures that stand in a column under each other.

    Most cells of such a column have something to their left on the same line; the scale of a
    chart, which meets the lines of text beside it by chance only, does not.
    """
    placed = [
        (cell.edge, i > 0, cell)
        for row in rows
        for i, cell in enumerate(row)
        if cell.is_number and cell.has_figure
    ]
    placed.sort(key=lambda entry: entry[0])
    columns: list[tuple[float, float]] = []
    start = 0
    for end in range(1, len(placed) + 1):
        if end < len(placed) and placed[end][0] - placed[end - 1][0] <= _ALIGNED:
            continue
        column = placed[start:end]
        beside = sum(has_left for _, has_left, _ in column)
        if len(column) >= _FEW_LINES and beside >= 0.7 * len(column):
            left = min(cell.left for _, _, cell in column)
            columns.append((left, max(cell.right for _, _, cell in column)))
        start = end
    # A dash for nothing stands in the middle of its column.
    return {
        cell.index
        for _, _, cell in placed
        if any(left <= (cell.left + cell.right) / 2 <= right for left, right in columns)
    }


def _belongs(left: Cell, right: Cell, parted: set[int], supported: set[int]) -> bool:
    """Whether two neighbours on one line are cells of one row, or words of one line."""
    if right.left < left.right - _SAME_LINE * right.height:
        return False  # printed over each other
    if right.index == left.index + 1:
        return right.index not in parted
    if right.is_number:
        return right.index in supported or not right.has_figure
    return False


def _parted_columns(cells: list[Cell]) -> set[int]:
    """Return the indexes of cells that begin the right half of two columns drawn line by line.

    Such halves are prose that flows on: the next line of a column goes on with a small letter more
    often than not. Rows of a table of words begin anew in each cell.
    """
    parted: set[int] = set()
    run: list[tuple[Cell, Cell]] = []
    for left, right in pairwise(cells):
        is_pair = (
            left.is_upright
            and right.is_upright
            and abs(left.baseline - right.baseline) <= _SAME_LINE * right.height
            and left.right < right.left
            and not right.is_number
        )
        if not is_pair:
            continue
        if run and not _follows(run[-1], (left, right)):
            parted |= _parted_run(run)
            run = []
        run.append((left, right))
    return parted | _parted_run(run)


def _follows(above: tuple[Cell, Cell], below: tuple[Cell, Cell]) -> bool:
    height = above[1].height
    return (
        0 < above[1].baseline - below[1].baseline <= 4 * height
        and max(above[0].right, below[0].right) < min(above[1].left, below[1].left)
        and abs(above[1].left - below[1].left) <= 3 * height
    )


def _parted_run(run: list[tuple[Cell, Cell]]) -> set[int]:
    if len(run) < _FEW_LINES:
        return set()
    for side in (0, 1):
        halves = [pair[side] for pair in run]
        if sum(half.is_prose for half in halves) < 0.6 * len(halves):
            return set()
        flowing = sum(half.text[:1].islower() for half in halves[1:])
        if flowing < 0.4 * (len(halves) - 1):
            return set()
    return {right.index for _, right in run}


def _one_column_at_a_time(lines: list[Line], parted: set[int]) -> list[Line]:
    """Put the left halves of columns that were drawn line by line before the right ones."""
    if not parted:
        return lines
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    edge = 0.0  # where the right column begins
    for i, line in enumerate(lines):
        is_right = line.cells[0].index in parted
        is_left = i + 1 < len(lines) and lines[i + 1].cells[0].index in parted
        if is_left and not right:
            edge = lines[i + 1].left
        near = bool(right) and abs(right[-1].baseline - line.baseline) <= 4 * line.height
        if is_right or (near and line.left >= edge - line.height):
            right.append(line)
        elif is_left or (near and line.right < edge):
            left.append(line)
        else:
            ordered += [*left, *right, line]
            left, right = [], []
    return [*ordered, *left, *right]


def _with_signs(cells: list[Cell]) -> list[Cell]:
    """Join currency signs and brackets that stand alone with the number they belong to."""
    joined: list[Cell] = []
    for cell in cells:
        last = joined[-1] if joined else None
        if last is not None and (
            (_SIGN_BEFORE.fullmatch(last.text) and cell.is_number)
            or (_SIGN_AFTER.fullmatch(cell.text) and last.is_number)
        ):
            joined[-1] = Cell(
                f"{last.text} {cell.text}",
                last.left,
                cell.right,
                last.baseline,
                max(last.height, cell.height),
                last.index,
                is_number=True,
            )
        else:
            joined.append(cell)
    return joined


def _find_gaps(lines: list[Line]) -> None:
    """Mark the lines above which more space is left than usual."""
    steps = [
        above.baseline - line.baseline
        for above, line in pairwise(lines)
        if 0 < above.baseline - line.baseline < 3 * line.height
    ]
    if len(steps) < _FEW_LINES:
        return
    usual = median(steps)
    for above, line in pairwise(lines):
        step = above.baseline - line.baseline
        is_inside = above.is_row or line.is_row  # rows of a table are often set wide
        line.gap_before = not is_inside and step > max(_GAP * usual, 1.3 * line.height)
