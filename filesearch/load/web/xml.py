"""XML: any XML file -> Document: prose as prose, data as "name: value", repeated records as rows.

Nothing is known of the schema. Elements that repeat beside each other and hold fields are records
(the items of a feed, the products of a catalogue), one row each; a leaf says its path before its
value; a title that opens an element is a heading; paragraphs and mixed content are running text.
Entities are not resolved, and nothing is fetched.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer
from filesearch.load.media_types import HTML, PLAIN, XML
from filesearch.load.options import LoadOptions
from filesearch.load.text import plain as plain_text
from filesearch.load.web import html as html_format
from filesearch.types import Document

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_PROSE = frozenset("p para simpara formalpara text tspan line l v abstract subtitle".split())
_TITLES = frozenset(("title", "head", "heading"))
_RECORDS = frozenset(("item", "entry", "record", "row"))
_BLOCKS = _PROSE | _RECORDS | {"li"}
"""They begin apart from the text before them, however the file is laid out."""
_UNSAID = frozenset(("class", "style"))
_LINE_CHARACTERS = 400
"""A record up to this length is one line; a longer one has a line per field."""
_MAX_PATH = 3
_MAX_FIELDS = 500
_MARKUP = re.compile(r"</[a-zA-Z]+\s*>|<(?:p|br|img)\b[^>]*>|&(?:[a-z]{2,6}|#\d{2,5});")


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an XML file, mended where it is broken.

    XHTML is read as a web page, what is no XML as plain text, with a warning.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: Without text.
    """
    decoded = html_format.decode_html(data, filename)
    text = clean_text(decoded.text)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, recover=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    root: etree._Element | None
    try:
        root = etree.fromstring(_DECLARATION.sub("", text, count=1).encode(), parser)
    except etree.XMLSyntaxError:
        root = None
    problem = parser.error_log[0].message if len(parser.error_log) else ""
    if root is None:
        document = plain_text.parse(data, filename, PLAIN, options)
        warning = f"it is no XML ({problem}); it was read as plain text"
        return replace(document, warnings=(*document.warnings, warning))
    if _name(root) == "html":
        return html_format.parse(data, filename, HTML, options)
    composer = Composer(filename)
    if decoded.warning:
        composer.warn(decoded.warning)
    if "depth" in problem:
        composer.warn("it is nested too deeply; its text was read without its structure")
        composer.add(html_format.flat_text(text))
    else:
        if problem:
            composer.warn(f"it is damaged ({clean_line(problem)}); it was read as far as it goes")
        _Walk(composer).add_root(root)
    if not composer.position:
        raise InvalidFile(f"{filename!r} has no text; all it holds is markup")
    return composer.build(XML)


class _Walk:
    """Adds a tree to `composer`; the parser bounds its depth, so that recursion is safe."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.tables = 0

    def add_root(self, root: etree._Element) -> None:
        if _name(root) == "svg":
            for node in root.iter():
                if _name(node) in ("title", "desc", "text"):
                    self.composer.add(_text(node))
            return
        for field, value in _attributes(root):
            self._add_field((field,), value)
        if _has_elements(root) and not (_is_mixed(root) and _is_running_text(root)):
            self._add_children(root, (), 1)
        else:
            self.composer.add(_text(root))

    def _add(self, node: etree._Element, path: tuple[str, ...], level: int) -> None:
        name = _name(node)
        if _is_mixed(node) or name in _PROSE:
            self.composer.add(_text(node), separator="\n\n")
            return
        here = (*path, name)
        for field, value in _attributes(node):
            self._add_field((*here, field), value)
        if _has_elements(node):
            self._add_children(node, here, level)
        else:
            self._add_field(here, _value(node))

    def _add_field(self, path: tuple[str, ...], value: str) -> None:
        if value:
            self.composer.add(f"{'.'.join(path[-_MAX_PATH:])}: {value}")

    def _add_children(self, node: etree._Element, path: tuple[str, ...], level: int) -> None:
        children = [child for child in node if _name(child)]
        loose = _loose_texts(node)
        self.composer.add(loose[0], separator="\n\n")
        if children and _name(children[0]) in _TITLES and not _has_elements(children[0]):
            self.composer.add_heading(level, _text(children[0]), separator="\n\n")
            self.composer.add(loose[1], separator="\n\n")
            children, loose, level = children[1:], loose[1:], level + 1
        counts: dict[str, int] = {}
        for child in children:
            counts[_name(child)] = counts.get(_name(child), 0) + 1
        seen: dict[str, int] = {}
        run: list[tuple[int, etree._Element]] = []
        for child, text_after in zip(children, loose[1:], strict=True):
            name = _name(child)
            seen[name] = seen.get(name, 0) + 1
            is_record = (counts[name] > 1 or name in _RECORDS) and _is_record(child)
            if run and (not is_record or _name(run[0][1]) != name):
                self._add_records(run)
                run = []
            if is_record:
                run.append((seen[name], child))
            else:
                self._add(child, path, level)
            if text_after and run:
                self._add_records(run)
                run = []
            self.composer.add(text_after, separator="\n\n")
        if run:
            self._add_records(run)

    def _add_records(self, run: list[tuple[int, etree._Element]]) -> None:
        """Append records of one kind, a row each, with a table span around them."""
        start = end = -1
        for number, node in run:
            fields = _joined(node)
            pieces = [f"{name}: {value}" if name else value for name, value in fields.items()]
            is_long = sum(map(len, pieces)) > _LINE_CHARACTERS
            text = "\n".join(pieces) if is_long else "; ".join(pieces)
            added = self.composer.add(text, separator="\n\n" if is_long or start < 0 else "\n")
            if added is not None:
                self.composer.mark("row", added, number)
                start, end = (added[0] if start < 0 else start), added[1]
        if start >= 0:
            self.tables += 1
            self.composer.mark("table", (start, end), self.tables, _name(run[0][1]))


def _is_record(node: etree._Element) -> bool:
    """Whether an element that repeats holds fields: attributes or leaves, not prose."""
    if _name(node) in _PROSE or _is_mixed(node):
        return False
    if not _has_elements(node):
        return len(list(_attributes(node))) > 1
    if _name(node) in _RECORDS:
        return True
    below = [child for child in node.iterdescendants() if _name(child)]
    return len(below) <= _MAX_FIELDS and not any(
        _name(child) in _PROSE or _is_mixed(child) for child in below
    )


def _joined(record: etree._Element) -> dict[str, str]:
    """Return the fields of a record by name; the values of one that repeats are joined."""
    found: dict[str, list[str]] = {}
    for name, value in _fields(record, ()):
        values = found.setdefault(name, [])
        if value and value not in values and sum(map(len, found.values())) <= _MAX_FIELDS:
            values.append(value)
    return {name: ", ".join(values) for name, values in found.items() if values}


def _fields(node: etree._Element, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, value in _attributes(node):
        yield ".".join((*path, name)), value
    children = [child for child in node if _name(child)]
    if not children or (path and _is_mixed(node)):
        yield ".".join(path), _value(node)
        return
    for child in children:
        yield from _fields(child, (*path, _name(child)))


def _attributes(node: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield what an element's own attributes say; those of a namespace are technical."""
    for name, value in node.attrib.items():
        said = clean_line(str(value))
        if said and str(name) not in _UNSAID and not str(name).startswith("{"):
            yield str(name), said


def _name(node: etree._Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _has_elements(node: etree._Element) -> bool:
    return any(_name(child) for child in node)


def _is_mixed(node: etree._Element) -> bool:
    """Whether text stands beside elements."""
    if not _has_elements(node):
        return False
    return bool((node.text or "").strip()) or any((child.tail or "").strip() for child in node)


def _is_running_text(node: etree._Element) -> bool:
    """Whether nothing below an element is a title, a paragraph, a record or several fields."""
    return not any(
        _name(child) in _BLOCKS
        or _name(child) in _TITLES
        or (len([one for one in child if _name(one)]) > 1 and not _is_mixed(child))
        for child in node.iterdescendants()
    )


def _loose_texts(node: etree._Element) -> list[str]:
    """Return what an element says before its first child element, and after each of them."""
    found = [[node.text or ""]]
    for child in node:
        if _name(child):
            found.append([])
        else:
            found[-1].append(_entity(child))
        found[-1].append(child.tail or "")
    return [clean_line("".join(pieces)) for pieces in found]


def _value(node: etree._Element) -> str:
    """Return an element's text on one line; HTML that is escaped within it (feeds) as text."""
    text = _text(node)
    if not _MARKUP.search(text):
        return text
    root = html_format.parse_html(text)
    composer = Composer("value")
    if root is not None:
        html_format.add_html(composer, root, keep_furniture=True)
    return clean_line(composer.build(HTML).text) if composer.position else ""


def _text(node: etree._Element) -> str:
    """Return all text below an element on one line, the entities of HTML resolved, others gone."""
    pieces: list[str] = []
    left: list[etree._Element | str] = [node]
    while left:
        inner = left.pop()
        if isinstance(inner, str):
            pieces.append(inner)
        elif not _name(inner):
            pieces.append(_entity(inner))
        else:
            pieces.append(" " if _name(inner) in _BLOCKS else "")
            pieces.append(inner.text or "")
            for child in reversed(inner):
                left += (child.tail or "", child)
    return clean_line("".join(pieces))


def _entity(node: etree._Element) -> str:
    text = node.text or ""
    known = html.unescape(text)
    return known if known != text else ""
