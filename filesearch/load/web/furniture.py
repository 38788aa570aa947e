"""Furniture: what stands on a web page beside its text: navigation, banners, menus, share buttons.

tree -> the elements to leave out. Tags and roles say it; names of classes and ids suggest it, and
then the share of link text decides, so that a list that is the page's own text stays. When more
than half of the running text would go, the page is built differently and nothing goes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

_ROLES = frozenset(
    "navigation banner contentinfo search complementary menu menubar toolbar alertdialog".split()
)
_TAGS = frozenset(("nav", "aside", "header", "footer"))
_MAIN = frozenset(("main", "article"))
_CONSENT = frozenset("cookie cookies consent gdpr ccpa onetrust".split())
_MENUS = frozenset(
    "nav navbar navigation menu submenu megamenu sidebar sidenav breadcrumb breadcrumbs pagination "
    "pager toc share sharing social related recommended footer topbar toolbar "
    "headerbar masthead relbar sphinxsidebar edit newsletter promo".split()
)
_SKIP_LINKS = frozenset(("skip", "skiplink"))
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_LINK_SHARE = 0.6
"""Menus are links nearly throughout; prose with many references stays under a third."""
_CONSENT_CHARACTERS = 3000
_ENOUGH_CHARACTERS = 200


class _Seen(NamedTuple):
    node: etree._Element
    words: int
    links: int
    in_main: bool
    mains: int


def find_furniture(root: etree._Element, hidden: frozenset[str]) -> set[etree._Element]:
    """Return the outermost elements that are no part of the page's text.

    Args:
        root: Of the whole page.
        hidden: Tags whose text is never shown; it does not count.
    """
    return _Search(hidden).run(root)


class _Search:
    """One pass over the tree; counts characters so far, so that an element's are a difference."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.words = self.links = self.mains = 0
        self.in_main = self.in_link = self.in_hidden = 0
        self.candidates: list[_Seen] = []
        self.found: set[etree._Element] = set()
        self.lost = 0
        self.is_titled = self.has_main = False

    def run(self, root: etree._Element) -> set[etree._Element]:
        self.is_titled = any(root.find(f".//{tag}//h1") is not None for tag in _MAIN)
        self.has_main = any(root.find(f".//{tag}") is not None for tag in _MAIN)
        for event, node in etree.iterwalk(root, events=("start", "end")):
            tag = node.tag if isinstance(node.tag, str) else ""
            step = 1 if event == "start" else -1
            if event == "end":
                self._end(node, tag)
            if tag in _MAIN:
                self.in_main += step
            self.in_link += step * (tag == "a")
            self.in_hidden += step * (tag in self.hidden)
            if event == "start":
                self.mains += tag in _MAIN or tag == "h1"
                if _may_be_furniture(node, tag):
                    self.candidates.append(
                        _Seen(node, self.words, self.links, self.in_main > 0, self.mains)
                    )
                self._count(node.text)
            elif node is not root:
                self._count(node.tail)
        prose = self.words - self.links
        if self.lost > _ENOUGH_CHARACTERS and 2 * self.lost > prose:
            return set()
        return self.found

    def _count(self, text: str | None) -> None:
        if text and not self.in_hidden:
            size = len(text.strip())
            self.words += size
            self.links += size if self.in_link else 0

    def _end(self, node: etree._Element, tag: str) -> None:
        if not self.candidates or self.candidates[-1].node is not node:
            return
        seen = self.candidates.pop()
        words, links = self.words - seen.words, self.links - seen.links
        holds_main = self.mains > seen.mains
        if self._is_furniture(seen, tag, words, links, holds_main):
            self.found.add(node)
            if not self.candidates and not _names(node) & _CONSENT:
                self.lost += words - links

    def _is_furniture(
        self, seen: _Seen, tag: str, words: int, links: int, holds_main: bool
    ) -> bool:
        node = seen.node
        is_menu = links >= _LINK_SHARE * max(words, 1)
        if tag in _MAIN or node.find(".//main") is not None:
            return False
        if tag in ("header", "footer"):
            # The name of the site is an h1 on many pages; then the article has one of its own.
            holds = node.find(".//article") is not None if self.is_titled else holds_main
            return not seen.in_main and not holds and not _is_of_section(node)
        if tag == "nav" or node.get("role") in _ROLES - {"complementary", "banner"}:
            return not holds_main or is_menu
        if tag == "aside" or node.get("role") in ("complementary", "banner"):
            # Beside the text or, where none is marked as such, a note within it.
            return not holds_main and (is_menu or (self.has_main and not seen.in_main))
        if holds_main:
            return False
        if tag == "a":
            return str(node.get("href") or "").startswith("#")
        if _names(node) & _CONSENT:
            return not seen.in_main and words <= _CONSENT_CHARACTERS
        return is_menu


def _is_of_section(node: etree._Element) -> bool:
    return any(parent.tag == "section" for parent in node.iterancestors())


def _may_be_furniture(node: etree._Element, tag: str) -> bool:
    if tag in _TAGS or node.get("role") in _ROLES:
        return True
    if tag == "a":
        return bool(_names(node) & _SKIP_LINKS)
    return tag in ("div", "ul", "ol", "section", "p", "form") and bool(
        _names(node) & (_CONSENT | _MENUS)
    )


def _names(node: etree._Element) -> set[str]:
    """Return the words in an element's class and id: "site-navBar" gives site, nav and bar."""
    stated = f"{node.get('class') or ''} {node.get('id') or ''}"
    pieces = re.split(r"[\s_:-]+", stated[:500])
    return {piece.lower() for piece in pieces} | {w.lower() for w in _WORDS.findall(stated[:500])}
