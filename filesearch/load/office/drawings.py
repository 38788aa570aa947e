"""Drawings: the charts and diagrams of docx and pptx -> rows and lines of their words and numbers.

Both stand in parts of their own (DrawingML, ECMA-376 part 1, 21), outside of the text.
"""

from __future__ import annotations

import re
import zipfile

from lxml import etree

from filesearch.load.clean import clean_line
from filesearch.load.containers.archives import parse_xml, read_part
from filesearch.load.office.xml_tree import all_named, attribute, child, name_of
from filesearch.load.tables import Cell

_MAX_POINTS = 10_000
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)", re.IGNORECASE)


def drawing_paragraphs(node: etree._Element) -> list[str]:
    """Return the text below a node of DrawingML, a line per paragraph that is not blank."""
    lines = []
    for paragraph in all_named(node, "p"):
        words = "".join(
            (part.text or "") if name_of(part) == "t" else "\n"
            for part in all_named(paragraph, "t", "br")
        )
        if words.strip():
            lines.append(words.strip())
    return lines


def alternative_text(node: etree._Element | None) -> str:
    """Return the words that stand for a picture, from its wp:docPr or p:cNvPr; no file names."""
    words = clean_line(attribute(node, "descr"))
    return "" if _FILE_NAME.fullmatch(words) else words


def read_diagram(archive: zipfile.ZipFile, part: str) -> list[str]:
    """Return the lines of a SmartArt diagram, from the part with its data."""
    root = parse_xml(read_part(archive, part) or b"")
    return drawing_paragraphs(root) if root is not None else []


def read_chart(archive: zipfile.ZipFile, part: str) -> tuple[str, list[list[Cell]]]:
    """Return (title, rows) of a chart: the names of its series, then a row per category."""
    root = parse_xml(read_part(archive, part) or b"")
    title = next(all_named(root, "title"), None)
    series = [_read_series(node) for node in all_named(root, "ser")]
    series = [(name, labels, values) for name, labels, values in series if values]
    words = clean_line(" ".join(drawing_paragraphs(title))) if title is not None else ""
    if not series:
        return words, []
    labels = max((labels for _, labels, _ in series), key=len)
    points = sorted({point for _, _, values in series for point in values})[:_MAX_POINTS]
    rows = [[Cell(""), *(Cell(name) for name, _, _ in series)]]
    for point in points:
        label = labels.get(point, str(point + 1))
        rows.append([Cell(label), *(Cell(values.get(point, "")) for _, _, values in series)])
    return words, rows


def _read_series(node: etree._Element) -> tuple[str, dict[int, str], dict[int, str]]:
    """Return (name, labels, values) of a series; both by the position of the point, from 0."""
    name = " ".join(_points(child(node, "tx")).values())
    labels = _points(child(node, "cat")) or _points(child(node, "xVal"))
    return name, labels, _points(child(node, "val")) or _points(child(node, "yVal"))


def _points(node: etree._Element | None) -> dict[int, str]:
    found: dict[int, str] = {}
    for point in all_named(node, "pt"):
        index, value = str(point.get("idx", "")), child(point, "v")
        if index.isdecimal() and value is not None and (value.text or "").strip():
            number = int(index)
            # Categories of several levels come from the innermost to the outermost.
            text = _plain_number(value.text or "")
            found[number] = f"{text} {found[number]}" if number in found else text
    return found


def _plain_number(text: str) -> str:
    """Return "4.2999999999999998" as "4.3", as the chart shows it; words as they are."""
    try:
        return f"{float(text):.12g}" if len(text) > 15 else text.strip()
    except ValueError:
        return text.strip()
