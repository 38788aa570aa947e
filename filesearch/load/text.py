"""Text: plain text, Markdown, reStructuredText, TeX and source code -> Document.

The text stays as it is, apart from `clean_text`: a position in the Document is a position in the
file. Headings (and Python's classes and functions) become heading spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import ordered, require_length
from filesearch.load.decode import decode
from filesearch.load.media_types import MARKDOWN, PYTHON, RST, TEX
from filesearch.load.options import LoadOptions
from filesearch.types import Document, Span

_MAX_HEADING_LINE = 1000
"""A longer line is no heading; it also bounds what the patterns below may have to try."""


class _Heading(NamedTuple):
    level: int
    start: int
    label: str


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a text file.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: Blank, or longer than is taken.
    """
    decoded = decode(data, filename)
    text = clean_text(decoded.text)
    require_length(len(text), filename)
    if not text or text.isspace():
        raise InvalidFile(f"{filename!r} is empty; there is nothing to search in it")
    title = ""
    headings: list[_Heading] = []
    if media_type == MARKDOWN:
        title, body_start = _front_matter(text)
        headings = list(_markdown_headings(text, body_start))
    elif media_type == RST:
        headings = list(_rst_headings(text))
    elif media_type == TEX:
        title = _tex_title(text)
        headings = list(_tex_headings(text))
    elif media_type == PYTHON:
        headings = list(_python_headings(text))
    if not title and headings and media_type != PYTHON:
        title = headings[0].label
    return Document(
        text=text,
        spans=_sections(headings, len(text)),
        title=title,
        media_type=media_type,
        warnings=(decoded.warning,) if decoded.warning else (),
    )


def _sections(headings: list[_Heading], end: int) -> tuple[Span, ...]:
    """Return a span per heading, up to the next heading of its level or above."""
    spans: list[Span] = []
    open_headings: list[_Heading] = []
    for heading in [*headings, _Heading(0, end, "")]:
        while open_headings and open_headings[-1].level >= heading.level:
            last = open_headings.pop()
            spans.append(Span("heading", last.start, heading.start, last.level, last.label))
        open_headings.append(heading)
    return ordered(spans)


def _lines(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield (position, line without its end)."""
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1


_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


def _front_matter(text: str) -> tuple[str, int]:
    """Return the title in YAML or TOML front matter (or "") and where the body starts."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return "", 0
    title = _FRONT_TITLE.search(found[2])
    return (clean_line(title[1]).strip("\"' ") if title else ""), found.end()


# CommonMark 0.31: ATX headings (4.2), setext headings (4.3), fenced code (4.5).
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_NOT_PARAGRAPH = re.compile(r"\s*$| {4}|\t| {0,3}(?:[-*+>|#]|\d+[.)]\s|```|~~~)")
_INLINE = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]+>|[*`]+|\{#[^}]*\}")


def _markdown_headings(text: str, start: int) -> Iterator[_Heading]:
    fence = ""
    before: tuple[int, str] | None = None
    for position, line in _lines(text, start):
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
            yield _Heading(len(atx[1]), position, label)
            before = None
        elif before is not None and (setext := _SETEXT.match(line)):
            yield _Heading(1 if setext[1][0] == "=" else 2, before[0], _plain(before[1]))
            before = None
        else:
            before = None if _NOT_PARAGRAPH.match(line) else (before or (position, line))


def _plain(markup: str) -> str:
    """Return a heading's words without links, emphasis and code marks."""
    return clean_line(_INLINE.sub(r"\1", markup)) or clean_line(markup)


_RST_RULE = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")


def _rst_headings(text: str) -> Iterator[_Heading]:
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
        yield _Heading(styles.index(style) + 1, start, clean_line(title))


_TEX_SECTION = re.compile(
    r"^[ \t]*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?"
    r"(?:\[[^\]]{0,200}\])?\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}",
    re.MULTILINE,
)
_TEX_LEVELS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5}
_TEX_TITLE = re.compile(r"\\title(?:\[[^\]]{0,200}\])?\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}")
_TEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?|[{}~\\]")


def _tex_headings(text: str) -> Iterator[_Heading]:
    for found in _TEX_SECTION.finditer(text):
        label = clean_line(_TEX_COMMAND.sub(" ", found[2]))
        if label:
            yield _Heading(_TEX_LEVELS.get(found[1], 6), found.start(), label)


def _tex_title(text: str) -> str:
    found = _TEX_TITLE.search(text)
    return clean_line(_TEX_COMMAND.sub(" ", found[1])) if found else ""


_PYTHON_NAME = re.compile(r"(?P<indent>[ \t]*)(?P<label>(?:class|(?:async[ ]+)?def)[ ]+\w+)")
_TRIPLE = re.compile(r'"""|\'\'\'')


def _python_headings(text: str) -> Iterator[_Heading]:
    """Yield classes and functions: top level is 1, what is defined inside a class is 2.

    Read line by line, so that code with syntax errors (or of Python 2) still has its parts.
    """
    quote = ""
    in_class: str | None = None
    decorators_start: int | None = None
    for position, line in _lines(text):
        if not quote and (found := _PYTHON_NAME.match(line)):
            indent = found["indent"]
            start = position if decorators_start is None else decorators_start
            label = " ".join(found["label"].split())
            if not indent:
                in_class = "" if label.startswith("class") else None
                yield _Heading(1, start, label)
            elif in_class is not None and in_class in ("", indent):
                in_class = indent
                yield _Heading(2, start, label)
        if not quote and line.lstrip().startswith("@"):
            decorators_start = position if decorators_start is None else decorators_start
        else:
            decorators_start = None
        for mark in _TRIPLE.findall(line):
            quote = "" if quote == mark else quote or mark
