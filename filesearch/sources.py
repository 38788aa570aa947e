"""Sources: what the caller gives -> what to ingest, one by one: files, or documents at hand.

Folders are walked in sorted order. Hidden files and folders are skipped, symbolic links inside a
folder are not followed, and an `.fsearchignore` file keeps out what its patterns name: one
shell pattern a line, matched against the name and against the path below its folder; a trailing
slash means a folder; `#` starts a comment. A sidecar (`NAME.ext.meta.json`, see file_attributes.py)
is no source of its own; given by name it stands for the file that it describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

from filesearch.attributes import check_attributes
from filesearch.errors import InvalidFile, NotFound
from filesearch.file_attributes import described_by
from filesearch.types import Document, NamedDocument

IGNORE_FILE = ".fsearchignore"
# Every index directory holds this file; see lock.py.
INDEX_MARK = "writer.lock"
_DOCUMENT_SCHEME = "document:"


@dataclass(frozen=True, slots=True)
class FileSource:
    r"""A file to ingest.

    Attributes:
        path: Absolute, resolved.
        filename: What citations show: the path below the folder that was given, with "/".
        size_bytes: As the file system has it now.

    Bytes of a name that are not UTF-8 show as escapes (`caf\xe9.txt`).
    """

    path: Path
    filename: str
    size_bytes: int

    @property
    def key(self) -> str:
        """What identifies the file from one ingest to the next: its path as text."""
        return printable(str(self.path))


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """A document to ingest that is at hand as text.

    Attributes:
        document: As the caller gave it.
        filename: What citations show. An id, not words to be searched.
        size_bytes: Of its text in UTF-8.
    """

    document: Document
    filename: str
    size_bytes: int

    @property
    def key(self) -> str:
        """What identifies it from one ingest to the next; no path of a file looks like this."""
        return _DOCUMENT_SCHEME + self.filename


Source: TypeAlias = FileSource | DocumentSource


def document_sources(documents: Iterable[NamedDocument]) -> list[DocumentSource]:
    """Return what to ingest for `documents`, in their order.

    Raises:
        InvalidFile: A name is blank, comes twice, or is not text that a database takes.
        InvalidSetting: An attribute of a document cannot be stored.
    """
    found: dict[str, DocumentSource] = {}
    for given in documents:
        name = given.name
        if not name.strip() or "\0" in name or not _is_unicode(name):
            raise InvalidFile(f"a document cannot be named {name!r}; give it a name in plain text")
        if name in found:
            raise InvalidFile(f"the name '{name}' is given to two documents; make them differ")
        check_attributes(given.document.attributes)
        size = len(given.document.text.encode("utf-8", "replace"))
        found[name] = DocumentSource(given.document, name, size)
    return list(found.values())


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def find_sources(paths: Sequence[Path]) -> list[FileSource]:
    """Return the files under `paths`, each once, in the order given and sorted within folders.

    Raises:
        NotFound: A path does not exist; nothing is returned then.
    """
    found: dict[Path, FileSource] = {}
    for path in paths:
        if not path.exists():
            raise NotFound(f"'{path}' does not exist; give a file or a folder")
        named = described_by(path) or path
        resolved = named.resolve()
        if resolved.is_dir():
            for file in _walk(resolved, []):
                filename = printable(file.relative_to(resolved).as_posix())
                found.setdefault(file, FileSource(file, filename, _size(file)))
        else:
            found.setdefault(resolved, FileSource(resolved, printable(named.name), _size(resolved)))
    return list(found.values())


def printable(name: str) -> str:
    """Return a name from the file system as text that every database and terminal takes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # gone or unreadable: reading it will say so


def _walk(folder: Path, patterns: list[tuple[Path, str]]) -> Iterator[Path]:
    patterns = patterns + [(folder, pattern) for pattern in _read_patterns(folder)]
    try:
        children = sorted(folder.iterdir())
    except OSError:
        return
    for child in children:
        if child.name.startswith(".") or child.is_symlink():
            continue
        is_dir = child.is_dir()
        if any(_matches(child, is_dir, root, pattern) for root, pattern in patterns):
            continue
        if is_dir and (child / INDEX_MARK).exists():
            continue  # an index of ours is not a document
        if is_dir:
            yield from _walk(child, patterns)
        elif described_by(child):
            continue
        elif child.is_file():  # not a socket, pipe or device
            yield child


def _read_patterns(folder: Path) -> list[str]:
    try:
        lines = (folder / IGNORE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _matches(path: Path, is_dir: bool, root: Path, pattern: str) -> bool:
    if pattern.endswith("/"):
        if not is_dir:
            return False
        pattern = pattern[:-1]
    below = path.relative_to(root).as_posix()
    return fnmatchcase(below, pattern.lstrip("/")) or (
        "/" not in pattern and fnmatchcase(path.name, pattern)
    )
