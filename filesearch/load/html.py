"""HTML: a web page or a saved mail -> Document.

Visible text in reading order, without scripts, navigation and page furniture. Headings become
heading spans, table rows one line each ("a | b | c"), list items "- ...".
"""

from __future__ import annotations

import re

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer
from filesearch.load.decode import Decoded, decode
from filesearch.load.options import LoadOptions
from filesearch.types import Document

_SKIPPED = frozenset(
    "script style noscript template svg math head iframe object embed canvas audio video map "
    "button select option datalist input textarea dialog nav aside".split()
)
_FURNITURE_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu ol p pre section summary "
    "table tbody td tfoot th thead tr ul caption".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml[^>]+encoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an HTML page, however broken.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: No visible text.
    """
    decoded = _decode(data, filename)
    composer = Composer(filename)
    if decoded.warning:
        composer.warn(decoded.warning)
    root = parse_html(decoded.text)
    if root is None:
        raise InvalidFile(f"{filename!r} is empty; there is nothing to search in it")
    title = root.findtext(".//title") or ""
    add_html(composer, root)
    if not composer.position:
        if not title.strip():
            raise InvalidFile(
                f"{filename!r} has no visible text (only scripts, images or navigation?)"
            )
        composer.add(clean_line(title))
    return composer.build(media_type, title=title)


def _decode(data: bytes, filename: str) -> Decoded:
    """Decode by mark, by what the bytes are, then by what the page says of itself."""
    # A comment may hold a meta tag that is not meant; a long one may push the real one far down.
    found = _DECLARED.search(_COMMENT.sub(b"", data[: 1 << 20]))
    declared = (found[1] or found[2]).decode("ascii", "replace") if found else ""
    return decode(data, filename, declared=declared)


def parse_html(text: str) -> etree._Element | None:
    """Return the root element, or None when there is not one element."""
    data = clean_text(text).encode("utf-8")
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return None


def add_html(composer: Composer, root: etree._Element) -> None:
    """Append the visible text below `root` to `composer`, with its headings and table rows."""
    _Walk(composer, root).run()


class _Walk:
    """One pass over the tree, without recursion: deep nesting must not exhaust the stack."""

    def __init__(self, composer: Composer, root: etree._Element) -> None:
        self.composer = composer
        self.root = root
        self.line: list[str] = []
        self.list_depth = 0
        self.preformatted = 0
        self.gap = False
        self.tables = 0
        self.has_main = root.find(".//main") is not None or root.find(".//article") is not None

    def run(self) -> None:
        skipped: etree._Element | None = None
        rows: list[etree._Element] = []
        for event, node in etree.iterwalk(self.root, events=("start", "end")):
            tag = node.tag if isinstance(node.tag, str) else ""
            if skipped is not None:
                if event == "end" and node is skipped:
                    skipped = None
                    self._text(node.tail)
                continue
            if event == "start":
                if self._is_skipped(node, tag):
                    skipped = node
                    continue
                if tag == "tr" and not rows and _is_data_row(node):
                    self._flush()
                    self._row(node)
                    skipped = node
                    continue
                self._start(node, tag)
            else:
                self._end(node, tag)
                if node is not self.root:
                    self._text(node.tail)
        self._flush()

    def _is_skipped(self, node: etree._Element, tag: str) -> bool:
        if tag in _SKIPPED or (tag in ("header", "footer") and self._is_furniture(node)):
            return True
        if node.get("hidden") is not None or node.get("role") in _FURNITURE_ROLES:
            return True
        return bool(_HIDDEN_STYLE.search(node.get("style") or ""))

    def _is_furniture(self, node: etree._Element) -> bool:
        """Whether a header or footer is the page's own, not an article's."""
        if any(parent.tag in ("article", "main", "section") for parent in node.iterancestors()):
            return False
        return node.tag == "footer" or (self.has_main and node.find(".//h1") is None)

    def _start(self, node: etree._Element, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush()
        if tag in ("p", "ul", "ol", "table", "pre", "blockquote", "dl"):
            self.gap = self.gap or not self.list_depth
        if tag in ("ul", "ol", "menu"):
            self.list_depth += 1
        elif tag == "li":
            self.line.append("  " * max(self.list_depth - 1, 0) + "- ")
        elif tag == "pre":
            self.preformatted += 1
        elif tag == "br":
            self._flush()
        elif tag == "img" and (alt := clean_line(node.get("alt") or "")):
            self.line.append(f" {alt} ")
        elif tag == "table":
            self.tables += 1
        self._text(node.text)

    def _end(self, node: etree._Element, tag: str) -> None:
        if tag in ("ul", "ol", "menu"):
            self.list_depth = max(self.list_depth - 1, 0)
        if tag in _HEADINGS:
            text = clean_line("".join(self.line))
            self.line.clear()
            if text:
                self.composer.add_heading(_HEADINGS[tag], text, separator="\n\n")
                self.gap = False
        elif tag in _BLOCKS:
            self._flush()
        if tag == "pre":
            self.preformatted = max(self.preformatted - 1, 0)
        if tag in ("p", "ul", "ol", "table", "pre", "blockquote", "dl"):
            self.gap = self.gap or not self.list_depth

    def _text(self, text: str | None) -> None:
        if not text:
            return
        if self.preformatted:
            self.line.append(text)
        else:
            self.line.append(re.sub(r"[ \t\n\r\f]+", " ", text))

    def _flush(self) -> None:
        text = "".join(self.line)
        self.line.clear()
        if self.preformatted:
            text = text.strip("\n")
        else:
            indent = len(text) - len(text.lstrip()) if text.lstrip().startswith("- ") else 0
            text = " " * indent + clean_line(text)
        if text.strip() in ("", "-"):
            if text.strip() == "-":
                self.line.append(text + " ")  # the item's words come in a block of their own
            return
        self.composer.add(text, separator="\n\n" if self.gap else "\n")
        self.gap = False

    def _row(self, node: etree._Element) -> None:
        cells = [clean_line(_cell_text(cell)) for cell in node if cell.tag in ("td", "th")]
        if sum(map(bool, cells)) == 1:  # layout, not a table
            self.composer.add("".join(cells), separator="\n\n" if self.gap else "\n")
            self.gap = False
        elif any(cells):
            while cells and not cells[-1]:
                cells.pop()
            self.composer.mark(
                "row",
                self.composer.add(" | ".join(cells), separator="\n\n" if self.gap else "\n"),
                sum(1 for _ in node.itersiblings("tr", preceding=True)) + 1,
            )
            self.gap = False


def _is_data_row(node: etree._Element) -> bool:
    """Whether a row holds cells of text, not the layout of a page (blocks, other tables)."""
    cells = [cell for cell in node if cell.tag in ("td", "th")]
    if len(cells) < 2:
        return False
    layout = ("table", "h1", "h2", "h3", "h4", "ul", "ol", "form", "pre")
    return not any(node.find(f".//{tag}") is not None for tag in layout) and all(
        len(cell.findall(".//p")) < 3 for cell in cells
    )


def _cell_text(cell: etree._Element) -> str:
    pieces: list[str] = []
    for node in cell.iter():
        tag = node.tag if isinstance(node.tag, str) else ""
        if tag in _BLOCKS or tag == "br":
            pieces.append(" ")
        if tag not in ("script", "style"):
            pieces.append(node.text or "")
        if node is not cell:
            pieces.append((" " if tag in _BLOCKS else "") + (node.tail or ""))
    return "".join(pieces)
