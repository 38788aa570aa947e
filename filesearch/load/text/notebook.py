"""Notebook: a Jupyter notebook (nbformat 3 and 4) -> Document, its cells in order.

Each cell is a span, from its source to the end of its output. Markdown cells have headings.
Pictures are counted, not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_text
from filesearch.load.compose import Composer
from filesearch.load.media_types import JSON, MARKDOWN, NOTEBOOK
from filesearch.load.options import LoadOptions
from filesearch.load.text import json_lines
from filesearch.load.text.decode import decode
from filesearch.load.text.headings import find_headings
from filesearch.load.web.html import add_html, parse_html
from filesearch.types import Document

MAX_OUTPUT_CHARACTERS = 20_000
"""Of one cell; a training log runs to megabytes and says the same all along."""
_CODES = re.compile(r"\x1b\[[0-9;?]{0,30}[A-Za-z]")
"""Colours of a terminal: ECMA-48, 5.4."""
_PLACEHOLDER = re.compile(r"<[\w.]+(?: object)?(?: at 0x[0-9a-f]+| size [^>]*)?[^>]{0,80}>")


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a notebook; one that is JSON of another kind is read as that.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: Nested too deeply, or without a cell that has text.
    """
    decoded = decode(data, filename)
    try:
        book = json.loads(decoded.text)
    except ValueError:
        return json_lines.parse(data, filename, JSON, options)
    cells = _cells(book)
    if cells is None:
        return json_lines.parse(data, filename, JSON, options)
    composer = Composer(filename)
    if decoded.warning:
        composer.warn(decoded.warning)
    pictures = cut = 0
    for number, cell in enumerate(cells, 1):
        start = composer.position + 2 if composer.position else 0
        _add_source(composer, cell)
        output, more_pictures = _output(cell)
        pictures += more_pictures
        cut += len(output) > MAX_OUTPUT_CHARACTERS
        composer.add(output[:MAX_OUTPUT_CHARACTERS], separator="\n\n")
        composer.mark("cell", (start, composer.position), number)
    if pictures:
        composer.warn(f"{pictures} pictures in its output were not read")
    if cut:
        composer.warn(
            f"the output of {cut} cells was cut off after {MAX_OUTPUT_CHARACTERS:,} characters"
        )
    if not composer.position:
        raise InvalidFile(f"{filename!r} is empty; no cell of it holds text")
    return composer.build(NOTEBOOK, title=_title(book))


def _cells(book: object) -> list[Mapping[str, object]] | None:
    """Return the cells of a notebook (nbformat 3 keeps them in worksheets), None for other JSON."""
    if not isinstance(book, dict):
        return None
    found = book.get("cells")
    if not isinstance(found, list):
        sheets = book.get("worksheets")
        if not isinstance(sheets, list):
            return None
        found = [
            cell
            for sheet in sheets
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
    return [cell for cell in found if isinstance(cell, dict)]


def _title(book: Mapping[str, object]) -> str:
    metadata = book.get("metadata")
    title = metadata.get("title") or metadata.get("name") if isinstance(metadata, dict) else ""
    return title if isinstance(title, str) else ""


def _joined(value: object) -> str:
    """Return a multi-line string, which is kept whole or as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(piece for piece in value if isinstance(piece, str))
    return ""


def _add_source(composer: Composer, cell: Mapping[str, object]) -> None:
    kind = cell.get("cell_type")
    source = clean_text(_joined(cell.get("source") or cell.get("input"))).strip("\n")
    if kind == "heading":  # nbformat 3
        level = cell.get("level")
        number = level if isinstance(level, int) and level > 0 else 1
        composer.add_heading(number, source, separator="\n\n")
        return
    added = composer.add(source, separator="\n\n")
    if added is not None and kind == "markdown":
        for heading in find_headings(source, MARKDOWN):
            composer.open_heading(heading.level, heading.label, added[0] + heading.start)


def _output(cell: Mapping[str, object]) -> tuple[str, int]:
    """Return the text of a cell's outputs, and how many pictures were among them."""
    outputs = cell.get("outputs")
    pieces: list[str] = []
    pictures = 0
    for output in outputs if isinstance(outputs, Sequence) else ():
        if not isinstance(output, dict):
            continue
        text = "\n".join(_output_text(output))
        pieces.append(text)
        data = output.get("data", output)
        has_picture = isinstance(data, dict) and any(
            str(key).startswith("image/") or key in ("png", "jpeg", "svg") for key in data
        )
        pictures += has_picture
    joined = _CODES.sub("", "\n".join(piece.strip("\n") for piece in pieces if piece.strip()))
    return clean_text(joined).strip("\n"), pictures


def _output_text(output: Mapping[str, object]) -> Iterator[str]:
    kind = output.get("output_type")
    if kind == "stream":
        yield _overwritten(_joined(output.get("text")))
    elif kind in ("error", "pyerr"):
        yield f"{output.get('ename', '')}: {output.get('evalue', '')}"
    else:
        data = output.get("data", output)  # nbformat 3 keeps the formats beside the type
        if not isinstance(data, dict):
            return
        plain = _joined(data.get("text/plain") or data.get("text"))
        html = _joined(data.get("text/html") or data.get("html"))
        if html and (not plain.strip() or _PLACEHOLDER.fullmatch(plain.strip())):
            yield _html_text(html)
        elif not _PLACEHOLDER.fullmatch(plain.strip()):
            yield plain or _joined(data.get("text/markdown") or data.get("text/latex"))


def _overwritten(text: str) -> str:
    r"""Return what a terminal shows in the end of lines that "\r" starts again: progress bars."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _html_text(html: str) -> str:
    root = parse_html(html[: 10 * MAX_OUTPUT_CHARACTERS])
    composer = Composer("output")
    if root is not None:
        add_html(composer, root, keep_furniture=True)
    return composer.build("text/html").text if composer.position else ""
