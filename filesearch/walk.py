"""Walk: paths and patterns as the caller gives them -> the files they stand for.

    'docs/', 'notes.md', 'docs/**/*.pdf' -> Found: roots, files

Folders are walked in sorted order. Hidden files and folders are skipped, symbolic links inside a
folder are not followed, and `.gitignore` and `.fsearchignore` files keep out what they name; see
ignore.py. A file that is given by its own path is taken whatever those say. A sidecar
(`NAME.ext.meta.json`, see file_attributes.py) is no source; given by name it stands for its file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from filesearch.errors import NotFound
from filesearch.file_attributes import SIDECAR_SUFFIX, described_by, sidecar_of
from filesearch.file_stamp import modified_ns
from filesearch.ignore import IgnoreRules, rules_above
from filesearch.sources import INDEX_MARK, FileSource, printable
from filesearch.visible import is_visible, is_visible_dir

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Root:
    """A path or pattern that was given.

    Attributes:
        path: Absolute, resolved: a file or folder; of a pattern, the folder above its first
            wildcard.
        is_dir: Whether that is a folder; it may be gone for a time.
        pattern: What stands below that folder, such as "**/*.md"; empty for a path.
    """

    path: Path
    is_dir: bool = True
    pattern: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether the folder is not there, or hidden: nothing can be said of what was in it."""
        return self.is_dir and not is_visible_dir(self.path)

    def covers(self, path: Path) -> bool:
        """Return whether a file at `path` would be meant, were it there."""
        if path != self.path and self.path not in path.parents:
            return False
        below = path.relative_to(self.path).parts
        return not self.pattern or _matches(self.pattern.split("/"), below)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder that could not be listed or entered: what the index holds below it is left alone."""

    path: Path
    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The files that some paths and patterns stand for.

    Attributes:
        roots: What was given, in order.
        files: Each once, in the order given and sorted within folders.
        unreadable: Folders that could not be listed or entered.
    """

    roots: tuple[Root, ...]
    files: tuple[FileSource, ...]
    unreadable: tuple[Unreadable, ...] = ()


def find_sources(paths: Sequence[Path]) -> list[FileSource]:
    """Return the files under `paths`; see `find_files`."""
    return list(find_files([str(path) for path in paths]).files)


def find_files(given: Sequence[str]) -> Found:
    """Return the files that paths and patterns stand for.

    Args:
        given: Paths of files and folders, and patterns with `*`, `?`, `[a-z]`, and `**` for any
            folders between. A name that holds such a sign is taken for the file it names, if
            there is one. A folder that a pattern matches is taken with all that is in it.

    Raises:
        NotFound: A path does not exist, or a pattern matches no file.
    """
    roots = [find_root(name) for name in given]
    found = list_files(roots)
    for name, root in zip(given, roots, strict=True):
        if root.pattern and not any(root.covers(file.path) for file in found.files):
            raise NotFound(
                f"no file matches '{name}'; hidden files, and what a .gitignore or .fsearchignore "
                "names, are left out"
            )
    return found


def find_root(given: str) -> Root:
    """Return a path or pattern as a root.

    Raises:
        NotFound: There is no such path, or no folder to look for the pattern in.
    """
    path = described_by(Path(given)) or Path(given)
    if os.path.lexists(path) or not _MAGIC.search(given):
        try:
            path.stat()
        except PermissionError:
            raise NotFound(
                f"'{given}' may not be looked at; allow its folder to be entered"
            ) from None
        except OSError:
            raise NotFound(f"'{given}' does not exist; give a file or a folder") from None
        return Root(path.resolve(), is_visible_dir(path))
    parts = path.parts
    first = next(number for number, part in enumerate(parts) if _MAGIC.search(part))
    folder = Path(*parts[:first])
    if not is_visible_dir(folder):
        raise NotFound(f"'{folder}', where '{given}' would be, is no folder; give one that is")
    return Root(folder.resolve(), pattern="/".join(parts[first:]))


def list_files(roots: Sequence[Root]) -> Found:
    """Return the files that are there now under `roots`; a root that is gone gives none."""
    files: dict[Path, FileSource] = {}
    unreadable: dict[Path, Unreadable] = {}
    for root in roots:
        walk = _Walk(root)
        for source in walk.files():
            files.setdefault(source.path, source)
        unreadable.update((folder.path, folder) for folder in walk.unreadable)
    return Found(tuple(roots), tuple(files.values()), tuple(unreadable.values()))


class _Walk:
    """Finds the files of one root."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self.unreadable: list[Unreadable] = []

    def files(self) -> Iterator[FileSource]:
        root = self._root.path
        try:
            stat = root.stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:  # the folder around it may not be entered
            self._cannot_see(root if self._root.is_dir else root.parent, error)
            return
        if is_visible_dir(root):
            yield from self._walk(root, rules_above(root))
        else:
            has_sidecar = is_visible(sidecar_of(root))
            yield _source(root, printable(root.name), stat, has_sidecar)

    def _cannot_see(self, folder: Path, error: OSError) -> None:
        name = printable(os.path.relpath(folder, self._root.path))
        self.unreadable.append(Unreadable(folder, f"{name}/", error.strerror or str(error)))

    def _walk(self, folder: Path, rules: IgnoreRules) -> Iterator[FileSource]:
        rules = rules.within(folder)
        try:
            with os.scandir(folder) as entries:
                children = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return  # gone since its parent was listed
        except OSError as error:
            self._cannot_see(folder, error)
            return
        may_enter = True
        sidecars = {child.name for child in children if child.name.endswith(SIDECAR_SUFFIX)}
        for child in children:
            if child.name.startswith(".") or child.is_symlink():
                continue
            path = Path(child.path)
            is_dir = child.is_dir(follow_symlinks=False)
            if rules.levels and rules.keep_out(path, is_dir=is_dir):
                continue
            if is_dir:
                # An index of ours is not a document.
                if not is_visible(path / INDEX_MARK):
                    yield from self._walk(path, rules)
            elif described_by(path):
                continue
            elif child.is_file(follow_symlinks=False) and self._root.covers(path):
                try:
                    stat = child.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # gone
                except OSError as error:  # a folder that may be listed and not entered
                    if may_enter:
                        self._cannot_see(folder, error)
                    may_enter = False
                    continue
                name = printable(path.relative_to(self._root.path).as_posix())
                yield _source(path, name, stat, child.name + SIDECAR_SUFFIX in sidecars)


def _source(path: Path, name: str, stat: os.stat_result, has_sidecar: bool) -> FileSource:
    sidecar_ns = None
    if has_sidecar:
        with suppress(OSError):  # gone
            sidecar_ns = modified_ns(sidecar_of(path).lstat())
    return FileSource(path, name, stat.st_size, modified_ns(stat), sidecar_ns)


def _matches(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether the segments of a path match those of a pattern, or lie below what does."""
    if not parts:
        return True
    if parts[0] == "**":
        rest = parts[1:]
        return any(_matches(rest, names[skip:]) for skip in range(len(names)))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _matches(parts[1:], names[1:])
