from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.types import Document

Promise = Callable[[Document], None]
CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
METADATA = (
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Handbook</dc:title>'
    "<dc:creator>Ada</dc:creator><dc:creator>Bo</dc:creator><dc:language>en</dc:language>"
    "</metadata>"
)


def page(body: str) -> str:
    return (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>{body}</body></html>'
    )


def epub(pages: dict[str, str], spine: str, contents: str = "", **parts: str) -> bytes:
    """Return a book of `pages`, read in the order of `spine` (names without ".xhtml")."""
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in pages
    )
    items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    refs = "".join(f'<itemref idref="{name}"/>' for name in spine.split())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr(
            "OPS/book.opf",
            f'<package>{METADATA}<manifest>{items}</manifest><spine toc="ncx">{refs}</spine>'
            "</package>",
        )
        if contents:
            archive.writestr("OPS/nav.xhtml", page(f'<nav epub:type="toc">{contents}</nav>'))
        for name, text in pages.items():
            archive.writestr(f"OPS/{name}.xhtml", text)
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


def link(name: str, label: str, more: str = "") -> str:
    return f'<ol><li><a href="{name}.xhtml">{label}</a>{more}</li></ol>'


def test_chapters_come_in_reading_order_under_their_headings(keeps_promises: Promise) -> None:
    pages = {
        "two": page("<h2>Fees</h2><p>None&nbsp;at all &amp; ever.</p>"),
        "cover": page('<img src="cover.png"/>'),
        "one": page("<h1>Returns</h1><p>Mugs can go back.</p>"),
    }
    document = load(epub(pages, "nav cover one two one"), "a.epub")
    keeps_promises(document)
    assert document.title == "Handbook"
    assert document.attributes == {"author": "Ada, Bo", "language": "en"}
    assert document.text.split("\n\n") == [
        "Returns", "Mugs can go back.", "Fees", "None at all & ever."
    ]  # fmt: skip
    assert [(s.kind, s.number, s.label) for s in document.spans] == [
        ("heading", 1, "Returns"), ("heading", 2, "Fees"),
    ]  # fmt: skip


def test_a_chapter_without_heading_takes_that_of_the_contents(keeps_promises: Promise) -> None:
    pages = {
        "part": page("<p>Of mugs.</p>"),
        "a": page("<h1>Round ones</h1><p>Roll.</p>"),
        "b": page("<p>Goes on.</p>"),
    }
    contents = link("part", "Part I", link("a", "Round ones"))
    document = load(epub(pages, "part a b", contents), "a.epub")
    keeps_promises(document)
    whole = "Part I\n\nOf mugs.\n\nRound ones\n\nRoll.\n\nGoes on."
    assert document.text == whole
    found = [(s.number, document.text[s.start : s.end]) for s in document.spans]
    assert found == [(1, whole), (2, "Round ones\n\nRoll.\n\nGoes on.")]


def test_the_contents_of_epub_2_are_read() -> None:
    ncx = (
        "<ncx><navMap><navPoint><navLabel><text>One</text></navLabel><content src='a.xhtml#x'/>"
        "</navPoint></navMap></ncx>"
    )
    document = load(epub({"a": page("<p>Text.</p>")}, "a", OPS__toc_ncx=ncx), "a.epub")
    assert document.text == "Text."
    document = load(epub({"a": page("<p>Text.</p>")}, "a", **{"OPS__toc.ncx": ncx}), "a.epub")
    assert document.text == "One\n\nText."


def test_a_title_that_is_only_words_is_not_written_twice() -> None:
    data = epub({"a": page("<p>Round ones</p><p>Roll.</p>")}, "a", link("a", "Round ones"))
    document = load(data, "a.epub")
    assert document.text == "Round ones\n\nRoll."
    assert [(s.kind, s.start, s.label) for s in document.spans] == [("heading", 0, "Round ones")]


def test_notes_in_asides_are_kept() -> None:
    note = '<p>Mugs.</p><aside epub:type="footnote"><p>And plates.</p></aside>'
    assert "And plates." in load(epub({"a": page(note)}, "a"), "a.epub").text


def test_a_broken_page_is_read_as_a_browser_would() -> None:
    broken = "<html><body><p>Mugs<br>and <b>plates</p></body>"
    assert "plates" in load(epub({"a": broken}, "a"), "a.epub").text


def test_a_missing_chapter_is_a_warning() -> None:
    data = epub({"a": page("<p>x</p>"), "b": page("")}, "a b")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if not name.endswith("b.xhtml"):
                new.writestr(name, old.read(name))
    warnings = load(out.getvalue(), "a.epub").warnings
    assert warnings == ("chapters that could not be read: OPS/b.xhtml",)


@pytest.mark.parametrize(
    ("algorithm", "is_read"),
    [("http://www.idpf.org/2008/embedding", True), ("http://w3.org/xmlenc#aes128-cbc", False)],
)
def test_a_protected_book_is_invalid_but_garbled_fonts_do_no_harm(
    algorithm: str, is_read: bool
) -> None:
    method = f'<EncryptionMethod Algorithm="{algorithm}"/>'
    xml = f"<encryption><EncryptedData>{method}</EncryptedData></encryption>"
    data = epub({"a": page("<p>x</p>")}, "a", **{"META-INF__encryption.xml": xml})
    if is_read:
        assert load(data, "a.epub").text == "x"
    else:
        with pytest.raises(InvalidFile, match="protected against copying"):
            load(data, "a.epub")


def test_an_epub_without_a_package_is_invalid() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
    with pytest.raises(InvalidFile, match="list of its chapters is missing"):
        load(out.getvalue(), "a.epub")
