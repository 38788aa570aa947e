"""Path pattern: the path of a file -> attributes, by a pattern with named fields.

    {year}/{team}/*.pdf       2024/kiln/firing.pdf -> year 2024 (a number), team "kiln"
    **/{client}-{number:str}.md    a/b/acme-007.md -> client "acme", number "007"

Pure. Like a shell pattern over the whole path, case and all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from filesearch.attributes import check_attributes, parse_value
from filesearch.errors import InvalidSetting
from filesearch.types import Attributes

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}|\*\*|.", re.DOTALL)
# Of several ways to match, a field takes as little as it can: "a-b-c" by "{x}-{y}" is "a", "b-c".
_FIELD_KINDS = {"": "[^/]+?", "str": "[^/]+?", "int": "[0-9]+"}


@dataclass(frozen=True, slots=True)
class PathPattern:
    """What a path says, by a pattern; see `parse_path_pattern`."""

    text: str
    expression: re.Pattern[str]
    fields: tuple[tuple[str, str], ...]

    def match(self, filename: str, path: Path) -> Attributes:
        """Return the named fields of a path; none when the pattern does not match.

        Args:
            filename: The path below the folder that was ingested, with "/".
            path: The whole path, which patterns that begin with "/" are held against.
        """
        whole = self.text.startswith("/")
        found = self.expression.fullmatch(path.as_posix() if whole else filename)
        if found is None:
            return {}
        return {
            name: text if kind == "str" else parse_value(text)
            for (name, kind), text in zip(self.fields, found.groups(), strict=True)
        }


def parse_path_pattern(text: str) -> PathPattern:
    """Return the pattern that `text` describes.

    `{name}` is an attribute: at least one character up to the next "/", read as `--attr` reads a
    value (true, 12, 1.5, else a string); `{name:str}` stays a string, `{name:int}` matches digits
    alone. `*` and `?` are any characters and one character within a folder's or file's name, `**`
    any number of folders, `{{` and `}}` braces. The pattern holds for the path below the folder
    that is ingested (for a single file, its name), or for the whole path where it begins with "/".

    Raises:
        InvalidSetting: It names no attribute, or one twice, or one that cannot be stored; `**`
            stands beside other characters; a brace is open; a field has an unknown kind.
    """
    fields: list[tuple[str, str]] = []
    pieces: list[str] = []
    components = text.split("/")
    for number, component in enumerate(components):
        is_last = number == len(components) - 1
        if component == "**":
            pieces.append(".*" if is_last else "(?:[^/]+/)*")
            continue
        pieces += [_piece(found.group(), text, fields) for found in _PIECE.finditer(component)]
        pieces += [] if is_last else ["/"]
    if not fields:
        raise InvalidSetting(
            f"path pattern '{text}' names no attribute; write one such as '{{year}}/*.pdf'"
        )
    return PathPattern(text, re.compile("".join(pieces), re.DOTALL), tuple(fields))


def _piece(piece: str, text: str, fields: list[tuple[str, str]]) -> str:
    """Return a piece as a regular expression; a field is added to `fields`."""
    if piece in ("{{", "}}"):
        return re.escape(piece[0])
    if piece == "**":
        raise InvalidSetting(f"path pattern '{text}': '**' must stand alone between slashes")
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece in ("{", "}"):
        raise InvalidSetting(
            f"path pattern '{text}' has a single '{piece}'; write {piece * 2} for the character"
        )
    if not piece.startswith("{"):
        return re.escape(piece)
    name, _, kind = (part.strip() for part in piece[1:-1].partition(":"))
    if kind not in _FIELD_KINDS:
        raise InvalidSetting(
            f"path pattern '{text}': kind '{kind}' of '{name}' is unknown; use str, int or none"
        )
    if name in dict(fields):
        raise InvalidSetting(f"path pattern '{text}' names '{name}' twice; choose another name")
    check_attributes({name: ""})
    fields.append((name, kind))
    return f"({_FIELD_KINDS[kind]})"
