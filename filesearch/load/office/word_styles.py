"""Word styles: which paragraphs of a docx are headings, and what numbers its lists show.

The parts styles.xml and numbering.xml -> heading levels by style, and the label ("2.1", "a)")
of each paragraph in turn, as Word counts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from filesearch.load.office.numerals import format_number
from filesearch.load.office.xml_tree import all_named, attribute, child, is_on, name_of

_HEADING_NAME = re.compile(
    r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|overskrift|otsikko|nadpis|címsor|başlık|"
    r"nagłówek|заголовок|标题|標題|見出し|제목)\s*([1-9])",
    re.IGNORECASE,
)
"""Names of the built-in heading styles; Word stores the English one, other programs their own."""
_TITLE_NAMES = frozenset(
    "title titel titre título titolo tytuł название 标题 標題 表題 제목".split()
)
_LEVELS = 9


@dataclass
class _Style:
    level: int | None
    """Heading level, 0 for the title of the document, None for text."""
    number_id: str
    list_level: str
    is_list: bool
    names_columns: bool
    """A table style that sets its first row apart."""
    parent: str


class Styles:
    """The styles of a document, each with what it inherits.

    Args:
        root: Of styles.xml; None when there is none.
    """

    def __init__(self, root: etree._Element | None) -> None:
        self._styles: dict[str, _Style] = {}
        for node in root if root is not None else ():
            if name_of(node) == "style":
                self._styles[attribute(node, "styleId")] = _read_style(node)

    def _chain(self, identifier: str) -> list[_Style]:
        """Return a style and those it is based on; a circle ends where it closes."""
        found: list[_Style] = []
        seen: set[str] = set()
        while identifier in self._styles and identifier not in seen:
            seen.add(identifier)
            found.append(self._styles[identifier])
            identifier = found[-1].parent
        return found

    def heading_level(self, identifier: str) -> int | None:
        """Return the level of a paragraph style: 0 for the title, None for body text."""
        for position, style in enumerate(self._chain(identifier)):
            if style.level is not None:
                return style.level if style.level or not position else None
        if identifier not in self._styles and (found := _HEADING_NAME.match(identifier)):
            return int(found[1])  # files without a styles part
        return None

    def numbering(self, identifier: str) -> tuple[str, str]:
        """Return (id of the numbering, level in it) of a paragraph style, empty when none."""
        chain = self._chain(identifier)
        number_id = next((style.number_id for style in chain if style.number_id), "")
        return number_id, next((style.list_level for style in chain if style.list_level), "")

    def is_list(self, identifier: str) -> bool:
        """Whether a paragraph style is one of lists, by its name."""
        return any(style.is_list for style in self._chain(identifier))

    def names_columns(self, identifier: str) -> bool:
        """Whether a table style sets the first row apart."""
        return any(style.names_columns for style in self._chain(identifier))


def named_level(name: str) -> int | None:
    """Return the heading level that a style's name means: 0 for the title, None for body text."""
    if found := _HEADING_NAME.match(name):
        return int(found[1])
    return 0 if name.lower() in _TITLE_NAMES else None


def _read_style(node: etree._Element) -> _Style:
    name = attribute(child(node, "name"), "val").lower()
    outline = attribute(child(node, "pPr", "outlineLvl"), "val")
    level = named_level(name)
    if level is None and outline.isdecimal() and int(outline) < _LEVELS:
        level = int(outline) + 1
    numbering = child(node, "pPr", "numPr")
    return _Style(
        level=level,
        number_id=attribute(child(numbering, "numId"), "val"),
        list_level=attribute(child(numbering, "ilvl"), "val"),
        is_list=name.startswith("list ") and not name.startswith("list paragraph"),
        names_columns=any(
            attribute(part, "type") == "firstRow" for part in all_named(node, "tblStylePr")
        ),
        parent=attribute(child(node, "basedOn"), "val"),
    )


@dataclass
class _Level:
    start: int = 1
    form: str = "decimal"
    text: str = ""
    style: str = ""
    is_legal: bool = False


@dataclass
class _List:
    """A w:num: levels, and the counters that it shares with others of the same abstract one."""

    levels: dict[int, _Level]
    counters: dict[int, int]
    restarts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the numbered paragraphs of a document, in order.

    Args:
        root: Of numbering.xml; None when there is none.
    """

    def __init__(self, root: etree._Element | None) -> None:
        abstract: dict[str, tuple[dict[int, _Level], dict[int, int]]] = {}
        for node in all_named(root, "abstractNum"):
            abstract[attribute(node, "abstractNumId")] = (_read_levels(node), {})
        self._lists: dict[str, _List] = {}
        for node in all_named(root, "num"):
            levels, counters = abstract.get(
                attribute(child(node, "abstractNumId"), "val"), ({}, {})
            )
            found = _List(dict(levels), counters)
            for override in all_named(node, "lvlOverride"):
                level = _number(attribute(override, "ilvl"), 0)
                found.levels.update(_read_levels(override))
                start = attribute(child(override, "startOverride"), "val")
                if start.isdecimal():
                    found.restarts[level] = int(start)
            self._lists[attribute(node, "numId")] = found

    def label(self, number_id: str, level: str, style: str) -> tuple[str, int]:
        """Count a paragraph and return what stands before it ("2.1", "-", "") and its depth.

        Args:
            number_id: Of the numbering that the paragraph or its style names; "0" takes it away.
            level: Its level there as written, empty to find it by the paragraph's style.
            style: The paragraph's style.
        """
        found = self._lists.get(number_id)
        if found is None:
            return ("-" if number_id not in ("", "0") else ""), _number(level, 0)
        depth = (
            min(_number(level, 0), _LEVELS - 1)
            if level
            else next((n for n, known in found.levels.items() if known.style == style), 0)
        )
        counters = found.counters
        for number, start in list(found.restarts.items()):
            if number <= depth:
                counters.pop(number, None)
                found.levels[number] = _restarted(found.levels.get(number, _Level()), start)
                del found.restarts[number]
        for number in range(depth):
            counters.setdefault(number, found.levels.get(number, _Level()).start)
        own = found.levels.get(depth, _Level(form="bullet"))
        counters[depth] = counters[depth] + 1 if depth in counters else own.start
        for deeper in [number for number in counters if number > depth]:
            del counters[deeper]
        if own.form == "bullet":
            return "-", depth
        return _fill(own, found.levels, counters), depth


def _read_levels(parent: etree._Element) -> dict[int, _Level]:
    return {
        _number(attribute(node, "ilvl"), 0): _Level(
            start=_number(attribute(child(node, "start"), "val"), 1),
            form=attribute(child(node, "numFmt"), "val") or "decimal",
            text=attribute(child(node, "lvlText"), "val"),
            style=attribute(child(node, "pStyle"), "val"),
            is_legal=is_on(child(node, "isLgl")),
        )
        for node in all_named(parent, "lvl")
    }


def _restarted(level: _Level, start: int) -> _Level:
    return _Level(start, level.form, level.text, level.style, level.is_legal)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else otherwise


def _fill(own: _Level, levels: dict[int, _Level], counters: dict[int, int]) -> str:
    def numeral(match: re.Match[str]) -> str:
        number = int(match[1]) - 1
        form = "decimal" if own.is_legal else levels.get(number, _Level()).form
        return format_number(counters.get(number, 1), form)

    return re.sub(r"%([1-9])", numeral, own.text).strip()
