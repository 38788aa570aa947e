"""HTML: a web page or a saved mail -> Document.

Visible text in reading order, without scripts, navigation and page furniture. Headings become
heading spans, the rows of tables one line each with the names of their columns, list items "- ...".
Code stays as it is written.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer
from filesearch.load.options import LoadOptions
from filesearch.load.stated import fit_attributes
from filesearch.load.tables import add_table
from filesearch.load.text.decode import Decoded, decode
from filesearch.load.web.furniture import find_furniture
from filesearch.load.web.html_tables import rows_of_data, table_header
from filesearch.types import Attributes, Document

# Not head: libxml2 puts what it does not know (main, nav) there, on pages that leave out the tags.
_SKIPPED = frozenset(
    "script style noscript template svg math title iframe object embed canvas audio video map "
    "select option datalist input textarea dialog".split()
)
_NAMED_BY_BUTTONS = frozenset("h1 h2 h3 h4 h5 h6 dt summary".split())
"""Where a button is the text: questions that open their answers."""
_LINE_NUMBERS = frozenset("linenos lineno gutter linenodiv headerlink line-numbers".split())
_HEADING_MARKS = frozenset(("¶", "#", "§", "🔗", ""))
_PICTURE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|svg|webp)|data:\S*", re.IGNORECASE)
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
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)  # without \Z: quadratic if never closed


_DESCRIBED = {
    "description": "description",
    "og:description": "description",
    "author": "author",
    "date": "date",
    "article:published_time": "date",
}


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an HTML page, however broken.

    A page that shows nothing without its scripts gives its title and description.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: No visible text.
    """
    decoded = decode_html(data, filename)
    composer = Composer(filename)
    if decoded.warning:
        composer.warn(decoded.warning)
    root, is_whole = _parse(decoded.text)
    if root is None:
        raise InvalidFile(f"{filename!r} is empty; there is nothing to search in it")
    title = clean_line(root.findtext(".//title") or "")
    stated = _stated(root)
    if is_whole:
        add_html(composer, root)
    else:
        composer.warn("it is nested too deeply; its text was read without its structure")
        composer.add(flat_text(decoded.text))
    if not composer.position:
        described = "\n\n".join(filter(None, (title, str(stated.get("description", "")))))
        if not described:
            raise InvalidFile(
                f"{filename!r} has no visible text (only scripts, images or navigation?)"
            )
        composer.warn("it shows nothing without its scripts; only its title was read")
        composer.add(described)
    return composer.build(media_type, title=title, attributes=stated)


def _stated(root: etree._Element) -> Attributes:
    """Return what the page says of itself: language, description, author, date."""
    pairs: list[tuple[str, object]] = []
    html = next(root.iter("html"), None)
    if html is not None and html.get("lang"):
        pairs.append(("language", html.get("lang")))
    for meta in root.iter("meta"):
        said = (meta.get("name") or meta.get("property") or "").lower()
        if said in _DESCRIBED:
            pairs.append((_DESCRIBED[said], meta.get("content") or ""))
    return fit_attributes(pairs)[0]


def decode_html(data: bytes, filename: str) -> Decoded:
    """Decode by mark, by what the bytes are, then by what the page says of itself."""
    # A comment may hold a meta tag that is not meant; a long one may push the real one far down.
    found = _DECLARED.search(_COMMENT.sub(b"", data[: 1 << 20]))
    declared = (found[1] or found[2]).decode("ascii", "replace") if found else ""
    return decode(data, filename, declared=declared)


def parse_html(text: str) -> etree._Element | None:
    """Return the root element, or None when there is not one element."""
    return _parse(text)[0]


def _parse(text: str) -> tuple[etree._Element | None, bool]:
    """Return the root, and whether the parser did not give up at its bound on nesting."""
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(clean_text(text).encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        root = None
    is_whole = not any("depth" in error.message for error in parser.error_log)
    if root is None and not is_whole:
        root = etree.Element("html")
    return root, is_whole


class _Flat(HTMLParser):
    """Collects visible text, blocks on lines of their own, whatever the nesting."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.hidden = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if not self.hidden and tag in ("script", "style", "template", "title", "noscript"):
            self.hidden = tag
        self.pieces.append("\n" if tag in _BLOCKS or tag == "br" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == self.hidden:
            self.hidden = ""
        self.pieces.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.pieces.append(data)


def flat_text(text: str) -> str:
    """Return the text between the tags of HTML or XML, a line per block, whatever the nesting."""
    flat = _Flat()
    flat.feed(clean_text(text))
    flat.close()
    lines = (clean_line(line) for line in "".join(flat.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def add_html(composer: Composer, root: etree._Element, *, keep_furniture: bool = False) -> None:
    """Append the visible text below `root` to `composer`, with its headings and table rows.

    Args:
        composer: Takes the text.
        root: Of a page or a piece of one.
        keep_furniture: Whether to keep navigation and footers too, as in a mail.
    """
    _Walk(composer, root, set() if keep_furniture else find_furniture(root, _SKIPPED)).run()


class _Walk:
    """One pass over the tree, without recursion: deep nesting must not exhaust the stack."""

    def __init__(
        self, composer: Composer, root: etree._Element, furniture: set[etree._Element]
    ) -> None:
        self.composer = composer
        self.root = root
        self.furniture = furniture
        self.line: list[str] = []
        self.list_depth = 0
        self.preformatted = 0
        self.gap = False
        self.tables = 0

    def run(self) -> None:
        skipped: etree._Element | None = None
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
                if tag == "table" and (rows := rows_of_data(node)):
                    self._flush()
                    self._table(node, rows)
                    skipped = node
                    continue
                self._start(node, tag)
            else:
                self._end(node, tag)
                if node is not self.root:
                    self._text(node.tail)
        self._flush()

    def _is_skipped(self, node: etree._Element, tag: str) -> bool:
        if tag in _SKIPPED or node in self.furniture or node.get("hidden") is not None:
            return True
        if tag == "button":
            return not any(parent.tag in _NAMED_BY_BUTTONS for parent in node.iterancestors())
        if tag == "a" and clean_line("".join(map(str, node.itertext()))) in _HEADING_MARKS:
            return node.find(".//img") is None
        if set((node.get("class") or "").split()) & _LINE_NUMBERS:
            return True
        return bool(_HIDDEN_STYLE.search(node.get("style") or ""))

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
            self.line.append("" if _PICTURE_NAME.fullmatch(alt) else f" {alt} ")
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

    def _table(self, node: etree._Element, rows: list[etree._Element]) -> None:
        caption = clean_line(" ".join(str(t) for c in node.iter("caption") for t in c.itertext()))
        if caption:
            self.composer.add(caption, separator="\n\n")
        cells, header_rows = table_header(rows)
        self.tables += 1
        add_table(
            self.composer,
            cells,
            number=self.tables,
            header_rows=header_rows,
            separator="\n" if caption else "\n\n",
        )
        self.gap = True
