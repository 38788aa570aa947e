"""XML trees: elements and attributes of office formats, by their names without namespaces.

The strict and the transitional form of a format, and its versions, differ in namespaces only.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from lxml import etree

from filesearch.load.containers.archives import parse_xml, read_part


def name_of(node: etree._Element) -> str:
    """Return the tag without its namespace; empty for what is no element."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def attribute(node: etree._Element | None, name: str) -> str:
    """Return an attribute by its name without namespace; empty when it or the node is missing."""
    if node is None:
        return ""
    return next((str(v) for k, v in node.attrib.items() if str(k).rpartition("}")[2] == name), "")


def child(node: etree._Element | None, *names: str) -> etree._Element | None:
    """Return the first child at a path of names, or None."""
    for name in names:
        if node is None:
            return None
        node = next((found for found in node if name_of(found) == name), None)
    return node


def all_named(node: etree._Element | None, *names: str) -> Iterator[etree._Element]:
    """Yield every element below (and including) `node` that has one of the names."""
    if node is not None:
        yield from (found for found in node.iter() if name_of(found) in names)


def is_on(node: etree._Element | None) -> bool:
    """Whether a switch of WordprocessingML is there and not turned off by its value."""
    return node is not None and attribute(node, "val") not in ("0", "false", "off", "none")


def document_title(archive: zipfile.ZipFile) -> str:
    """Return the title that an Office file's properties give, or an empty string."""
    core = parse_xml(read_part(archive, "docProps/core.xml") or b"")
    return next((node.text or "" for node in all_named(core, "title")), "")
