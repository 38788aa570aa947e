"""EPUB: a book -> Document, its chapters in the order of reading, under the headings they have.

The package file names the chapters; each is read as a web page. A chapter without a heading of
its own takes the one that the table of contents gives it. Author and language become attributes.
"""

from __future__ import annotations

import dataclasses
import re
import zipfile
from collections.abc import Iterator
from html.entities import html5
from urllib.parse import unquote, urlsplit

from lxml import etree

from filesearch.attributes import MAX_VALUE_CHARS
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.containers.archives import open_archive, parse_xml, read_part
from filesearch.load.media_types import HTML
from filesearch.load.office.xml_tree import all_named, attribute, child, name_of
from filesearch.load.options import LoadOptions
from filesearch.load.web import html
from filesearch.types import Document

_FONT_OBFUSCATION = frozenset(
    ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
)
"""Fonts are garbled with these (EPUB 3.3, 4.3); the text stays readable."""
_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/xml"))
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
_XML_ENTITIES = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))
_MAX_DEPTH = 8


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a book.

    Raises:
        InvalidFile: Damaged, too large unpacked, protected against copying, or without text.
    """
    archive = open_archive(data, filename)
    _require_open(archive, filename)
    book = _Book(archive, filename)
    composer = Composer(filename)
    missing: list[str] = []
    for name in book.chapters:
        page = read_part(archive, name)
        if page is None:
            missing.append(name)
            continue
        try:
            chapter = html.parse(_as_html(page), name, HTML, options)
        except (InvalidFile, UnsupportedFile):
            continue  # nothing but a picture, such as the cover
        _add_chapter(composer, chapter, book.contents.get(name))
        for warning in chapter.warnings:
            composer.warn(f"{name}: {warning}")
    if missing:
        composer.warn(f"chapters that could not be read: {', '.join(missing[:10])}")
    document = composer.build(media_type, title=book.title)
    return dataclasses.replace(document, attributes=dict(book.attributes))


def _require_open(archive: zipfile.ZipFile, filename: str) -> None:
    root = parse_xml(read_part(archive, "META-INF/encryption.xml") or b"")
    for method in all_named(root, "EncryptionMethod"):
        owner = method.getparent()
        is_data = owner is not None and name_of(owner) == "EncryptedData"
        if is_data and attribute(method, "Algorithm") not in _FONT_OBFUSCATION:
            raise InvalidFile(
                f"{filename!r} is protected against copying (its parts are encrypted); "
                "give a copy without protection"
            )


class _Book:
    """What the package file says of a book.

    Attributes:
        title: Of the book.
        chapters: Names of the parts with text, in the order of reading, each once.
        contents: Part -> (depth from 1, label) of its first entry in the table of contents.
        attributes: Names and values for (author, language), those that there are.
    """

    def __init__(self, archive: zipfile.ZipFile, filename: str) -> None:
        container = parse_xml(read_part(archive, "META-INF/container.xml") or b"")
        named = (attribute(node, "full-path") for node in all_named(container, "rootfile"))
        found = (name for name in archive.namelist() if name.lower().endswith(".opf"))
        self.package = next(named, "") or next(found, "")
        root = parse_xml(read_part(archive, self.package) or b"")
        if root is None:
            raise InvalidFile(
                f"{filename!r} is damaged: the list of its chapters is missing; save it again"
            )
        metadata = child(root, "metadata")
        self.title = next(_texts(metadata, "title"), "")
        author = ", ".join(_texts(metadata, "creator"))[:MAX_VALUE_CHARS]
        language = next(_texts(metadata, "language"), "")[:MAX_VALUE_CHARS]
        self.attributes = [
            (name, value) for name, value in (("author", author), ("language", language)) if value
        ]
        items = {attribute(node, "id"): node for node in all_named(root, "item")}
        navigation = {
            identifier
            for identifier, node in items.items()
            if "nav" in attribute(node, "properties").split()
        }
        spine = [attribute(node, "idref") for node in all_named(root, "itemref")]
        self.chapters = list(
            dict.fromkeys(
                self._resolve(self.package, attribute(items[identifier], "href"))
                for identifier in spine
                if identifier in items
                and identifier not in navigation
                and attribute(items[identifier], "media-type") in _PAGES
            )
        )
        self.contents: dict[str, tuple[int, str]] = {}
        tables = [*navigation, attribute(next(all_named(root, "spine"), None), "toc")]
        for identifier in tables:
            if identifier in items and not self.contents:
                name = self._resolve(self.package, attribute(items[identifier], "href"))
                self._read_contents(name, parse_xml(read_part(archive, name) or b""))

    def _read_contents(self, part: str, root: etree._Element | None) -> None:
        """Take the entries of a navigation document (EPUB 3) or of an NCX (EPUB 2)."""
        for point in all_named(root, "navPoint"):
            depth = sum(name_of(parent) == "navPoint" for parent in point.iterancestors()) + 1
            label = " ".join(_texts(child(point, "navLabel"), "text"))
            self._enter(part, attribute(child(point, "content"), "src"), depth, label)
        for nav in all_named(root, "nav"):
            if attribute(nav, "type") not in ("toc", ""):
                continue
            for link in all_named(nav, "a"):
                depth = sum(name_of(parent) == "ol" for parent in link.iterancestors())
                label = "".join(str(text) for text in link.itertext())
                self._enter(part, attribute(link, "href"), depth, label)

    def _enter(self, part: str, target: str, depth: int, label: str) -> None:
        if label.strip():
            level = min(max(depth, 1), _MAX_DEPTH)
            self.contents.setdefault(self._resolve(part, target), (level, clean_line(label)))

    @staticmethod
    def _resolve(part: str, reference: str) -> str:
        """Return the name of the part that a reference within `part` points at."""
        try:
            path = unquote(urlsplit(reference).path)
        except ValueError:
            return ""
        steps = [] if path.startswith("/") else part.split("/")[:-1]
        for step in path.split("/"):
            if step == "..":
                steps = steps[:-1]
            elif step not in (".", ""):
                steps.append(step)
        return "/".join(steps)


def _texts(parent: etree._Element | None, name: str) -> Iterator[str]:
    for node in all_named(parent, name):
        if text := clean_line("".join(str(piece) for piece in node.itertext())):
            yield text


def _add_chapter(composer: Composer, chapter: Document, entry: tuple[int, str] | None) -> None:
    """Append a chapter, its highest heading as deep as the table of contents puts it."""
    levels = [span.number for span in chapter.spans if span.kind == "heading"]
    if entry is None:
        composer.add_document(chapter, ends_sections=False)
        return
    depth, label = entry
    start = composer.position + 2 if composer.position else 0
    has_label = clean_line(chapter.text.partition("\n")[0]) == label
    if not levels and not has_label:
        composer.add_heading(depth, label, separator="\n\n")
    deeper = depth - min(levels, default=depth)
    composer.add_document(chapter, deeper=deeper, ends_sections=False)
    if not levels and has_label:  # in words, though not in the markup
        composer.open_heading(depth, label, start)


def _as_html(page: bytes) -> bytes:
    """Return an XHTML page as HTML that says the same, or as it is when it is not well-formed.

    `<title/>` swallows a page that is read as HTML; notes stand in asides, which on other pages
    are not part of the text.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(_ENTITY.sub(_numeric, page), parser)
    except etree.XMLSyntaxError:
        return page
    for node in root.iter():
        if isinstance(node.tag, str):
            name = name_of(node)
            node.tag = "div" if name in ("aside", "header", "footer") else name
    head = child(root, "head")
    if head is not None:
        root.remove(head)
    etree.cleanup_namespaces(root)
    return etree.tostring(root, method="html", encoding="utf-8")


def _numeric(match: re.Match[bytes]) -> bytes:
    """Return a named character of HTML, which XML does not know, by its number."""
    name = match[1].decode("ascii")
    if name in _XML_ENTITIES or name not in html5:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in html5[name]).encode("ascii")
