"""Sources: what there is to ingest, one by one: files, or documents at hand.

`walk` finds files in folders, `given` makes sources of all that a caller may name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from filesearch.attributes import check_attributes
from filesearch.errors import InvalidFile
from filesearch.types import Document, NamedDocument

# Every index directory holds this file; see lock.py.
INDEX_MARK = "writer.lock"
_DOCUMENT_SCHEME = "document:"


@dataclass(frozen=True, slots=True)
class FileSource:
    r"""A file to ingest.

    Attributes:
        path: Absolute, resolved: where its bytes lie.
        filename: What citations show: the path below the folder that was given, with "/".
        size_bytes, modified_ns: As the file system has it now; see file_stamp.py. None where the
            bytes lie at `path` for this ingest only.
        sidecar_ns: The same of the file with its attributes beside it; None where there is none.
        given_key: What identifies it where that is not its path: a URL, say.
        given_name: What tells its format where `filename` does not, such as "page.html".

    Bytes of a name that are not UTF-8 show as escapes (`caf\xe9.txt`).
    """

    path: Path
    filename: str
    size_bytes: int
    modified_ns: int | None = None
    sidecar_ns: int | None = None
    given_key: str = ""
    given_name: str = ""

    @property
    def key(self) -> str:
        """What identifies the file from one ingest to the next: its path as text."""
        return self.given_key or printable(str(self.path))

    @property
    def load_name(self) -> str:
        """The name that tells its format."""
        return self.given_name or self.filename


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


def printable(name: str) -> str:
    """Return a name from the file system as text that every database and terminal takes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_path(key: str) -> bool:
    """Return whether the key of a source is the path of a whole file, not a name or a URL."""
    return Path(key).is_absolute() and "//" not in key
