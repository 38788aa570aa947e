"""Headings: where the sections of marked-up plain text begin, its markup left as it is.

text -> Heading[], in order, line by line: Markdown, reStructuredText, AsciiDoc, Org, TeX, Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from filesearch.load.clean import clean_line
from filesearch.load.compose import ordered
from filesearch.load.media_types import ASCIIDOC, MARKDOWN, ORG, PYTHON, RST, TEX
from filesearch.types import Span

_MAX_HEADING_LINE = 1000
"""A longer line is no heading; it also bounds what the patterns below may have to try."""


class Heading(NamedTuple):
    """A heading: its level (1 is highest), where its line starts, and its words.

    Without words it begins no section; it ends those of its level and below.
    """

    level: int
    start: int
    label: str


def find_headings(text: str, media_type: str) -> list[Heading]:
    """Return the headings of a clean text, in order; none for a type that has none."""
    finder = _FINDERS.get(media_type)
    return list(finder(text)) if finder else []


def sections(headings: Iterable[Heading], end: int) -> tuple[Span, ...]:
    """Return a span per heading, up to the next heading of its level or above."""
    spans: list[Span] = []
    open_headings: list[Heading] = []
    for heading in [*headings, Heading(0, end, "")]:
        while open_headings and open_headings[-1].level >= heading.level:
            last = open_headings.pop()
            if last.label:
                spans.append(Span("heading", last.start, heading.start, last.level, last.label))
        open_headings.append(heading)
    return ordered(spans)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (position, line without its end)."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1


# CommonMark 0.31: ATX headings (4.2), setext headings (4.3), fenced code (4.5), comments (4.6).
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_HTML_COMMENT = re.compile(r" {0,3}<!--")
_NOT_PARAGRAPH = re.compile(r"\s*$| {4}|\t| {0,3}(?:[-*+>|#]|\d+[.)]\s|```|~~~)")
_INLINE = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]+>|[*`]+|\{#[^}]*\}")


def _markdown_headings(text: str) -> Iterator[Heading]:
    fence = ""
    before: tuple[int, str] | None = None
    comment_end, last_end = -1, text.rfind("-->")
    for position, line in _lines(text):
        if not fence and position < last_end and _HTML_COMMENT.match(line):
            comment_end = max(comment_end, text.find("-->", text.find("<!--", position) + 2))
        if position <= comment_end:
            before = None
            continue
        if len(line) > _MAX_HEADING_LINE:
            before = None
            continue
        fenced = _FENCE.match(line)
        if fence:
            if fenced and fenced[1].startswith(fence) and not fenced[2].strip():
                fence = ""
            before = None
            continue
        if fenced and not (fenced[1][0] == "`" and "`" in fenced[2]):
            fence, before = fenced[1], None
            continue
        if (atx := _ATX.match(line)) and (label := _plain(atx[2] or "")):
            yield Heading(len(atx[1]), position, label)
            before = None
        elif before is not None and (setext := _SETEXT.match(line)):
            yield Heading(1 if setext[1][0] == "=" else 2, before[0], _plain(before[1]))
            before = None
        else:
            before = None if _NOT_PARAGRAPH.match(line) else (before or (position, line))


def _plain(markup: str) -> str:
    """Return a heading's words without links, emphasis and code marks."""
    return clean_line(_INLINE.sub(r"\1", markup)) or clean_line(markup)


_RST_RULE = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")


def _rst_headings(text: str) -> Iterator[Heading]:
    """Yield section titles; levels go by order of appearance, as docutils counts them."""
    styles: list[tuple[str, bool]] = []
    lines = list(_lines(text))
    for i in range(len(lines) - 1):
        position, title = lines[i]
        rule = lines[i + 1][1]
        if (
            len(title) > _MAX_HEADING_LINE
            or not title.strip()
            or not _RST_RULE.match(rule)
            or _RST_RULE.match(title)
        ):
            continue
        above = lines[i - 1][1] if i else ""
        over = bool(_RST_RULE.match(above)) and above.rstrip() == rule.rstrip()
        if (title[0].isspace() and not over) or len(rule.rstrip()) < min(len(title.strip()), 3):
            continue
        if not over and above.strip():
            continue  # the last line of a table or a paragraph, not a title
        style = (rule[0], over)
        if style not in styles:
            styles.append(style)
        start = lines[i - 1][0] if over else position
        yield Heading(styles.index(style) + 1, start, clean_line(title))


_ASCIIDOC = re.compile(r"(={1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_ASCIIDOC_FENCE = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|```)[ \t]*$")


def _asciidoc_headings(text: str) -> Iterator[Heading]:
    """Yield section titles; what stands between delimiters of blocks is code or a comment."""
    fence = ""
    for position, line in _lines(text):
        if len(line) > _MAX_HEADING_LINE:
            continue
        if fenced := _ASCIIDOC_FENCE.match(line):
            fence = "" if fence == fenced[1] else fence or fenced[1]
        elif not fence and (found := _ASCIIDOC.match(line)):
            yield Heading(len(found[1]), position, clean_line(found[2]))


_ORG = re.compile(r"(\*+)[ \t]+(?:(?:TODO|DONE)[ \t]+)?(\S.*?)(?:[ \t]+:[\w@#%:]+:)?[ \t]*$")
_ORG_BLOCK = re.compile(r"[ \t]*#\+(begin|end)_", re.IGNORECASE)
_ORG_TITLE = re.compile(r"^#\+title:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)


def _org_headings(text: str) -> Iterator[Heading]:
    """Yield headlines without their keyword and tags; `#+begin_` blocks hold none."""
    in_block = False
    for position, line in _lines(text):
        if len(line) > _MAX_HEADING_LINE:
            continue
        if block := _ORG_BLOCK.match(line):
            in_block = block[1].lower() == "begin"
        elif not in_block and (found := _ORG.match(line)):
            yield Heading(len(found[1]), position, clean_line(found[2]))


def org_title(text: str) -> str:
    """Return the title that an Org file states, or an empty string."""
    found = _ORG_TITLE.search(text)
    return clean_line(found[1]) if found else ""


_TEX_SECTION = re.compile(
    r"^[ \t]*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?"
    r"(?:\[[^\]]{0,200}\])?\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}",
    re.MULTILINE,
)
_TEX_LEVELS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5}
_TEX_TITLE = re.compile(r"\\title(?:\[[^\]]{0,200}\])?\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}")
_TEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?|[{}~\\]")


_TEX_VERBATIM = re.compile(
    r"^[ \t]*\\begin\{((?:verbatim|Verbatim|lstlisting|minted|comment)\*?)\}", re.MULTILINE
)


def _tex_headings(text: str) -> Iterator[Heading]:
    """Yield sections; what stands in code and in environments of comments is none."""
    end = 0
    unclosed: set[str] = set()
    for begin in _TEX_VERBATIM.finditer(text):
        if begin.start() < end or begin[1] in unclosed:
            continue
        closing = text.find(f"\\end{{{begin[1]}}}", begin.end())
        if closing < 0:
            unclosed.add(begin[1])
            continue
        yield from _tex_sections(text, end, begin.start())
        end = closing
    yield from _tex_sections(text, end, len(text))


def _tex_sections(text: str, start: int, end: int) -> Iterator[Heading]:
    for found in _TEX_SECTION.finditer(text, start, end):
        label = clean_line(_TEX_COMMAND.sub(" ", found[2]))
        if label:
            yield Heading(_TEX_LEVELS.get(found[1], 6), found.start(), label)


def tex_title(text: str) -> str:
    """Return the title that a TeX file states, or an empty string."""
    found = _TEX_TITLE.search(text)
    return clean_line(_TEX_COMMAND.sub(" ", found[1])) if found else ""


_PYTHON_NAME = re.compile(r"(?P<indent>[ \t]*)(?P<label>(?:class|(?:async[ ]+)?def)[ ]+\w+)")
_PYTHON_TOKEN = re.compile(
    r"""\"{3}|'{3}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\#.*|\\.?|[()\[\]{}]"""
)
_PYTHON_QUOTED = {quote: re.compile(rf"\\.|{quote}") for quote in ('"""', "'''")}


def _python_headings(text: str) -> Iterator[Heading]:
    """Yield classes and functions: top level is 1, what is defined inside a class is 2.

    What stands in an "if" or "try" at the top is at the top level, too.
    Read line by line, so that code with syntax errors (or of Python 2) still has its parts.
    """
    in_class: str | None = None
    open_widths: list[int] = []
    decorators_start: int | None = None
    for position, line in _python_statements(text):
        if line.lstrip().startswith("@"):
            decorators_start = position if decorators_start is None else decorators_start
            continue
        start = position if decorators_start is None else decorators_start
        decorators_start = None
        found = _PYTHON_NAME.match(line)
        indent = found["indent"] if found else ""
        label = " ".join(found["label"].split()) if found else ""
        width = _width(line)
        if found and (not open_widths or width <= open_widths[0]):
            in_class = "" if label.startswith("class") else None
            open_widths = [width]
            yield Heading(1, start, label)
        elif found and in_class in ("", indent):
            in_class = indent
            open_widths[1:] = [width]
            yield Heading(2, start, label)
        elif open_widths and width <= open_widths[-1]:
            open_widths = [one for one in open_widths if one < width]
            in_class = in_class if open_widths else None
            yield Heading(len(open_widths) + 1, position, "")


def _python_statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield (position, line) of the lines that begin a statement or a decorator."""
    quote = ""
    depth = 0
    goes_on = False
    for position, line in _lines(text):
        if not quote and _PYTHON_NAME.match(line):
            depth, goes_on = 0, False  # no bracket holds one: it was never closed
        is_blank = not line.strip() or line.lstrip().startswith("#")
        if not (quote or depth or goes_on or is_blank):
            yield position, line
        goes_on = False
        place = 0
        while found := (_PYTHON_QUOTED[quote] if quote else _PYTHON_TOKEN).search(line, place):
            place = found.end()
            if quote:
                quote = "" if found[0] == quote else quote
            elif found[0] in _PYTHON_QUOTED:
                quote = found[0]
            elif found[0] == "\\":
                goes_on = True
            else:
                depth = max(depth + (found[0] in "([{") - (found[0] in ")]}"), 0)


def _width(line: str) -> int:
    line = line.expandtabs()
    return len(line) - len(line.lstrip())


_FINDERS: dict[str, Callable[[str], Iterator[Heading]]] = {
    MARKDOWN: _markdown_headings,
    RST: _rst_headings,
    ASCIIDOC: _asciidoc_headings,
    ORG: _org_headings,
    TEX: _tex_headings,
    PYTHON: _python_headings,
}
