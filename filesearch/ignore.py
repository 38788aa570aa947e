"""Ignore: what a folder's `.gitignore` and `.fsearchignore` files keep out of the index.

Their lines mean what they mean to git (gitignore(5)): the last line that matches decides, lines of
a deeper folder win over those above it, `!` takes back, and nothing below a folder that is kept out
can be taken back. Where a folder has both files, `.fsearchignore` has the last word: `!*.pdf` in it
brings back the documents that git does not keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filesearch.visible import is_visible, open_file

IGNORE_FILES = (".gitignore", ".fsearchignore")
_EXCLUDE_FILE = ".git/info/exclude"
# How pathspec says that a match may go on below a folder.
_BELOW = "(?P<ps_d>/)"
# How it says `*`, and what may stand between two of them within one name.
_STAR = "[^/]*"
_BETWEEN_STARS = re.compile(
    r"\[\^/\]\*((?:\\.|\[\^/\](?!\*)|\[(?!\^/\])\^?\]?[^\]]*\]|[^/\\\[\]()|.*+?^$])+)(?=\[\^/\]\*)"
)
# Longer ones are no lists of patterns that anybody wrote.
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Line:
    """A pattern: what it matches below its folder, and whether that is kept out or taken back."""

    regex: re.Pattern[str]
    keeps_out: bool


@dataclass(frozen=True, slots=True)
class _Level:
    """The patterns of one folder, for what lies below it, in order."""

    folder: Path
    lines: Sequence[_Line]


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns that hold within a folder; `within` gives those of its folders.

    Attributes:
        levels: The patterns of each folder that has any, outermost first.
    """

    levels: tuple[_Level, ...] = ()

    def within(self, folder: Path) -> IgnoreRules:
        """Return the rules that hold within `folder`: these, and those of its own files."""
        lines = _read(folder, IGNORE_FILES)
        return IgnoreRules((*self.levels, _Level(folder, lines))) if lines else self

    def keep_out(self, path: Path, *, is_dir: bool) -> bool:
        """Return whether a file or folder is kept out; the folders above it are not.

        Args:
            path: Below the folders that the rules are from.
            is_dir: Patterns that end in a slash mean folders alone.
        """
        for level in reversed(self.levels):
            below = path.relative_to(level.folder).as_posix() + ("/" if is_dir else "")
            for line in reversed(level.lines):
                if line.regex.search(below):
                    return line.keeps_out
        return False


def rules_above(folder: Path) -> IgnoreRules:
    """Return the rules that a folder given for ingest is under, but for its own.

    Within a git repository those of the folders above it, up to the repository's, hold in it too.
    They are left aside when they keep out the folder itself: whoever names it wants it.

    Args:
        folder: Absolute, resolved.
    """
    root = next((place for place in folder.parents if is_visible(place / ".git")), None)
    if root is None or is_visible(folder / ".git"):
        return _repository_rules(folder)
    rules = _repository_rules(root)
    for place in _from(root, folder):
        if place != root and rules.keep_out(place, is_dir=True):
            return IgnoreRules()
        if place != folder:
            rules = rules.within(place)
    return rules


def _repository_rules(root: Path) -> IgnoreRules:
    lines = _read(root, (_EXCLUDE_FILE,))
    return IgnoreRules((_Level(root, lines),) if lines else ())


def _from(root: Path, folder: Path) -> Iterator[Path]:
    """Yield `root`, the folders on the way, and `folder`."""
    yield from (place for place in reversed(folder.parents) if place.is_relative_to(root))
    yield folder


def _read(folder: Path, names: Sequence[str]) -> list[_Line]:
    found = (_compile(line) for name in names for line in _read_lines(folder / name))
    return [line for line in found if line is not None]


def _read_lines(path: Path) -> list[str]:
    try:
        with open_file(path) as stream:  # a link in its place is not followed; nor does git
            raw = stream.read(_MAX_BYTES + 1)
    except OSError:
        return []
    if len(raw) > _MAX_BYTES:
        return []
    text = raw.decode("utf-8-sig", "surrogateescape")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _compile(text: str) -> _Line | None:
    """Return a line as a pattern; None for comments, blank lines and what git takes for nothing.

    pathspec's expressions match what lies below a folder along with the folder. Here each folder is
    asked for before what it holds, as git does, so that they are made to match nothing but the
    thing itself: a taken-back folder must not be kept out again by the line that it was taken from.
    """
    from pathspec.patterns.gitignore import GitIgnorePatternError
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    if text.rstrip().endswith("/**/"):
        text = f"{text.rstrip()}*/"  # the folders in it, which pathspec takes for the folder
    try:
        pattern, keeps_out = GitIgnoreSpecPattern.pattern_to_regex(text)
    except GitIgnorePatternError:
        return None
    if pattern is None or keeps_out is None:
        return None
    if pattern.endswith("/"):  # from "folder/**": all that is in it, not the folder
        pattern += "."
    # The first place for what stands between two stars is as good as any: without looking for
    # others, a name that does not match `*a*a*a*b` is refused in linear time.
    pattern = pattern.replace(_STAR * 2, _STAR)
    pattern = _BETWEEN_STARS.sub(rf"(?>{_STAR}?\1)", pattern)
    return _Line(re.compile(pattern.replace(_BELOW, "/$")), keeps_out)
