"""Front matter: the YAML or TOML block before a Markdown text -> title, attributes, and the rest.

text -> FrontMatter. The block is not part of the Document's text: it would be found by every
question about "tags" or "layout" and cited as prose. Its description is, where the text does not
say it anyway: what stands nowhere else must be found.

YAML is composed to nodes, never constructed: aliases are shared there, so that no alias bomb can
unfold, and only scalars and lists of scalars are looked at. Plain scalars are read by the core
schema of YAML 1.2 (10.3), in which `no` and `12:30` are strings.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from filesearch.load.clean import clean_line
from filesearch.load.stated import fit_attributes
from filesearch.types import Attributes

_MAX_CHARACTERS = 64 * 1024
"""Longer blocks are text. It bounds what the parsers can be made to do: under half a second."""
_MAX_DOTS = 300
"""A line of TOML with more is not parsed: the time and memory of a dotted key grow with their
square, and 64 KB of them took 25 s and 4 GB."""
_BLOCK = re.compile(r"(---|\+\+\+)[ \t]*\n(?:(.*?)\n)??(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_DESCRIPTIONS = ("description", "summary", "abstract")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What was found before a text; all but `body` empty where there was nothing.

    Attributes:
        body: The text without it, led by its description where the text does not hold that.
        title: Its title.
        attributes: Its scalars and lists of scalars, within the limits of attributes.py.
        warnings: What was wrong with it or did not fit.
    """

    body: str
    title: str = ""
    attributes: Attributes = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def split_front_matter(text: str) -> FrontMatter:
    """Return the front matter of a clean text, and the text behind it.

    A block that is no mapping (a text between two rules) and one with nothing behind it stay text.
    """
    found = _BLOCK.match(text, 0, _MAX_CHARACTERS)
    if not found:
        return FrontMatter(text)
    block, body = found[2] or "", text[found.end() :].lstrip("\n")
    pairs, problem = (_toml if found[1] == "+++" else _yaml)(block)
    if pairs is None or not body.strip():
        return FrontMatter(text)
    said = {name.lower(): value for name, value in reversed(pairs) if isinstance(value, str)}
    description = next((said[name] for name in _DESCRIPTIONS if said.get(name)), "")
    if description and clean_line(description) not in clean_line(body):
        body = f"{description.strip()}\n\n{body}"
    attributes, left_out = fit_attributes(pairs)
    warnings = (f"its front matter is damaged ({problem})",) if problem else ()
    return FrontMatter(body, clean_line(said.get("title", "")), attributes, warnings + left_out)


_Pairs = list[tuple[str, object]]


def _toml(block: str) -> tuple[_Pairs | None, str]:
    if any(line.count(".") > _MAX_DOTS for line in block.split("\n")):
        return _by_line(block, "="), f"a line has more than {_MAX_DOTS} dots"
    try:
        return list(tomllib.loads(block).items()), ""
    except (ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits too
        return _by_line(block, "="), clean_line(str(error))


def _yaml(block: str) -> tuple[_Pairs | None, str]:
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml: ten times as fast
    try:
        root = yaml.compose(block, Loader=loader)
    except (yaml.YAMLError, RecursionError) as error:
        return _by_line(block, ":"), clean_line(str(getattr(error, "problem", "") or "no YAML"))
    if root is None:
        return [], ""
    if not isinstance(root, yaml.MappingNode):
        return None, ""
    return [(key.value, _value(node)) for key, node in root.value if isinstance(key.value, str)], ""


def _value(node: object) -> object:
    """Return a scalar, a list of scalars, or None for what is nested deeper."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return _scalar(node.value) if not node.style else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value if isinstance(item, yaml.ScalarNode)]
    return None


_INT = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d{1,3})?")


def _scalar(text: str) -> object:
    if text.lower() in ("", "~", "null"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _by_line(block: str, sign: str) -> _Pairs | None:
    """Return the pairs of a block that its language refuses, None when it has none at all."""
    return list(_line_pairs(block, sign)) or None


def _line_pairs(block: str, sign: str) -> Iterator[tuple[str, object]]:
    for line in block.split("\n"):
        name, found, value = line.partition(sign)
        if found and re.fullmatch(r"[A-Za-z][\w.-]{0,63}[ \t]*", name):
            value = value.strip()
            is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            yield name.strip(), value[1:-1] if is_quoted else _scalar(value)
