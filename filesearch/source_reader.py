"""Source reader: a source -> everything that is indexed of it, but for the vectors.

Runs in the reader threads of `ingest`: read, hash, load, chunk, window, terms. Whatever is wrong
with a source becomes a part of what is returned; it never costs the others.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from filesearch.catalog import Catalog
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.extract import Extracted, extract, given_key
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.isolation import Loader
from filesearch.prepare import PreparedText, prepare_document
from filesearch.protocols import BlobStore, Embedder
from filesearch.records import FileRecord, NewFile
from filesearch.sections import FileSection
from filesearch.sources import DocumentSource, FileSource, Source
from filesearch.types import Attributes, ChunkSettings, ErrorCode

# What OpenAI takes as one file; a larger one is refused before it is read into memory.
MAX_FILE_BYTES = 512 << 20
_log = logging.getLogger("filesearch.ingest")


@dataclass(frozen=True, slots=True)
class UnchangedSource:
    """A source whose content is what the store holds."""

    source: Source
    known: FileRecord


@dataclass(frozen=True, slots=True)
class FailedSource:
    """A source that could not be read; `new` says why, `known` is what the store has of it."""

    source: Source
    new: NewFile
    known: FileRecord | None
    seconds: float


@dataclass(frozen=True, slots=True)
class PreparedSource:
    """A source that waits for its vectors.

    Attributes:
        seconds: How long it took to get here.
    """

    source: Source
    new: NewFile
    text: PreparedText
    seconds: float


ReadSource: TypeAlias = UnchangedSource | FailedSource | PreparedSource


class SourceReader:
    """Reads sources, several at once: it keeps nothing of them.

    Args:
        known: What the store holds already, by key of the source.
        catalog, blobs, embedder: Of the index.
        chunk_settings, attributes: For new files.
    """

    def __init__(
        self,
        *,
        known: Mapping[str, FileRecord],
        catalog: Catalog,
        blobs: BlobStore,
        embedder: Embedder,
        chunk_settings: ChunkSettings,
        attributes: Attributes,
    ) -> None:
        self._known = known
        self._catalog = catalog
        self._blobs = blobs
        self._embedder = embedder
        self._chunk_settings = chunk_settings
        self._attributes = attributes

    def read(self, source: Source, loader: Loader) -> ReadSource:
        """Return what became of a source; `loader` belongs to the calling thread."""
        started = time.monotonic()
        reading = _Reading(source, self._known.get(source.key))
        try:
            if isinstance(source, DocumentSource):
                found = self._take_document(source, reading)
            else:
                found = self._load_file(source, reading, loader)
            if found is None:
                assert reading.known is not None, "what is unchanged is known"
                return UnchangedSource(source, reading.known)
            text = self._prepare(found, source)
        except UnsupportedFile as error:
            return self._failed(reading, "unsupported_file", str(error), started)
        except InvalidFile as error:
            return self._failed(reading, "invalid_file", str(error), started)
        # A text that breaks our code must not keep the others from being read.
        except _Unforeseen as error:
            return self._failed(reading, "server_error", str(error), started)
        new = replace(
            self._new(reading),
            load_key=found.load_key,
            document=found.document,
            chunks=text.chunks,
            window_count=len(text.windows),
        )
        return PreparedSource(source, new, text, time.monotonic() - started)

    def _load_file(self, source: FileSource, reading: _Reading, loader: Loader) -> Extracted | None:
        """Return the document of a file and keep its bytes; None when it is unchanged."""
        data = _read_bytes(source)
        reading.size_bytes = len(data)
        reading.digest = hashlib.sha256(data).hexdigest()
        if reading.is_unchanged:
            return None
        found = extract(
            data, source.filename, digest=reading.digest, catalog=self._catalog, loader=loader
        )
        self._blobs.put(io.BytesIO(data))
        return found

    def _take_document(self, source: DocumentSource, reading: _Reading) -> Extracted | None:
        """Return a document that is at hand, cleaned; None when it is unchanged.

        No bytes are kept: the catalog holds all of it.
        """
        given = source.document
        text = clean_text(given.text)
        document = replace(given, text=text, title=clean_line(given.title))
        reading.digest = hashlib.sha256(msgspec.msgpack.encode(document)).hexdigest()
        if reading.is_unchanged:
            return None
        if not text.strip():
            raise InvalidFile("it holds no text")
        if document.spans and text != given.text:
            raise InvalidFile(
                "its text is not clean and its spans would shift; see load.clean.clean_text"
            )
        return Extracted(given_key(reading.digest), document)

    def _prepare(self, found: Extracted, source: Source) -> PreparedText:
        try:
            return prepare_document(
                found.document, source.filename, self._chunk_settings, self._embedder
            )
        # Pure code of ours over text of anyone's: see `_Unforeseen`.
        except Exception as error:
            _log.exception("'%s' cannot be cut up", source.filename)
            raise _Unforeseen(f"{type(error).__name__}: {error}") from error

    def _new(self, reading: _Reading) -> NewFile:
        return NewFile(
            filename=reading.source.filename,
            path=reading.source.key,
            content_hash=reading.digest,
            size_bytes=reading.size_bytes,
            attributes=self._attributes,
            chunk_settings=self._chunk_settings,
            replaces=reading.known.id if reading.known else None,
        )

    def _failed(
        self, reading: _Reading, code: ErrorCode, error: str, started: float
    ) -> FailedSource:
        new = replace(self._new(reading), error_code=code, error=error)
        return FailedSource(reading.source, new, reading.known, time.monotonic() - started)


class _Reading:
    """What is known of a source so far, while it is read."""

    def __init__(self, source: Source, known: FileRecord | None) -> None:
        self.source = source
        self.known = known
        self.digest = ""
        self.size_bytes = source.size_bytes

    @property
    def is_unchanged(self) -> bool:
        """Whether the store holds this very content, searchable."""
        known = self.known
        return (
            known is not None and known.content_hash == self.digest and known.status == "completed"
        )


class _Unforeseen(Exception):
    """A document that breaks our own code."""


def _read_bytes(source: FileSource) -> bytes:
    """Return the bytes of a file.

    Raises:
        InvalidFile: It cannot be read, or holds more than is taken.
    """
    try:
        with source.path.open("rb") as stream:
            if isinstance(source, FileSection):
                stream.seek(source.start)
                return stream.read(source.size_bytes)
            if os.fstat(stream.fileno()).st_size > MAX_FILE_BYTES:
                most = f"{MAX_FILE_BYTES >> 20} MiB"
                raise InvalidFile(f"{source.filename!r} is larger than {most}; split the file")
            return stream.read(MAX_FILE_BYTES)
    except OSError as error:
        raise InvalidFile(f"{error.strerror}") from error
