"""Source reader: a source -> everything that is indexed of it, but for the vectors.

Runs in the reader threads of `ingest`: read, hash, load, chunk, window, terms. Whatever is wrong
with a source becomes a part of what is returned; it never costs the others.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from filesearch.catalog import Catalog
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.extract import Extracted, extract, given_key, is_read_otherwise
from filesearch.file_attributes import AttributeRules, FileAttributes
from filesearch.file_stamp import lasting_stamp
from filesearch.known_files import KnownFiles
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.process.isolation import Loader
from filesearch.prepare import PreparedText, prepare_document
from filesearch.protocols import BlobStore, Embedder, IncomingBlob
from filesearch.records import AttributeLayers, FileRecord, NewFile
from filesearch.row_attributes import has_rows_apart, read_row_attributes
from filesearch.sections import FileSection
from filesearch.sources import DocumentSource, FileSource, Source
from filesearch.stored_vectors import StoredText, StoredVectors
from filesearch.types import ChunkSettings, Document, ErrorCode, WindowEmbeddings
from filesearch.visible import open_file

# What OpenAI takes as one file; a larger one is refused before it is read into memory.
MAX_FILE_BYTES = 512 << 20
_log = logging.getLogger("filesearch.ingest")


@dataclass(frozen=True, slots=True)
class UnchangedSource:
    """A source whose content is what the store holds.

    Attributes:
        described: Its attributes, which may have changed.
        modified_ns: Its stamp, where the store has another one or none.
    """

    source: Source
    known: FileRecord
    described: FileAttributes
    modified_ns: int | None = None


@dataclass(frozen=True, slots=True)
class CopySource:
    """A source with the content of another one of this run, to be read when that is stored."""

    source: Source


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
        warnings: What was lost of it on the way, one sentence each.
        seconds: How long it took to get here.
        embeddings: Its vectors, where the store has them under another name.
        renamed_from: The name of the file that it was before; empty for another file.
        content: Its bytes, on the disk, to be kept with it; None of a document.
    """

    source: Source
    new: NewFile
    text: PreparedText
    seconds: float
    warnings: tuple[str, ...] = ()
    embeddings: WindowEmbeddings | None = None
    renamed_from: str = ""
    content: IncomingBlob | None = None


ReadSource: TypeAlias = UnchangedSource | FailedSource | PreparedSource | CopySource


class SourceReader:
    """Reads sources, several at once: it keeps nothing of them but the digests of their contents.

    Args:
        known: What the store holds already.
        stored: Its vectors.
        catalog, blobs, embedder: Of the index.
        chunk_settings: For new files.
        rules: Where attributes come from.
    """

    def __init__(
        self,
        *,
        known: KnownFiles,
        stored: StoredVectors,
        catalog: Catalog,
        blobs: BlobStore,
        embedder: Embedder,
        chunk_settings: ChunkSettings,
        rules: AttributeRules,
    ) -> None:
        self._known = known
        self._stored = stored
        self._catalog = catalog
        self._blobs = blobs
        self._embedder = embedder
        self._chunk_settings = chunk_settings
        self._rules = rules
        self._seen: dict[str, str] | None = {}
        self._lock = threading.Lock()

    def read(self, source: Source, loader: Loader) -> ReadSource:
        """Return what became of a source; `loader` belongs to the calling thread."""
        started = time.monotonic()
        known = self._known.find(source)
        is_as_asked = known is not None and self._is_as_asked(known, loader)
        if known is not None and is_as_asked and self._known.is_untouched(source):
            return UnchangedSource(source, known, self._describe(source, known))
        reading = _Reading(source, known, is_as_asked)
        try:
            if isinstance(source, DocumentSource):
                found = self._take_document(source, reading)
            else:
                found = self._load_file(source, reading, loader)
            if reading.known is not None and reading.is_unchanged:
                described = self._describe(source, reading.known)
                return UnchangedSource(source, reading.known, described, reading.modified_ns)
            if found is None:
                return CopySource(source)
            apart = self._has_rows_apart(reading.before, found.document.media_type)
            stored = self._stored.find(found.load_key, rows_apart=apart) if found.is_kept else None
            text = self._prepare(found, source, stored, rows_apart=apart)
        except UnsupportedFile as error:
            return self._failed(reading, "unsupported_file", str(error), started)
        except InvalidFile as error:
            return self._failed(reading, "invalid_file", str(error), started)
        # A text that breaks our code must not keep the others from being read.
        except _Unforeseen as error:
            return self._failed(reading, "server_error", str(error), started)
        described = self._describe(source, reading.before, found.document)
        left_out = read_row_attributes(found.document).left_out if apart else ()
        new = replace(
            self._new(reading, described),
            row_attributes=apart,
            load_key=found.load_key,
            document=found.document,
            chunks=text.chunks,
            window_count=len(text.windows),
        )
        return PreparedSource(
            source,
            new,
            text,
            time.monotonic() - started,
            (*found.document.warnings, *described.warnings, *left_out),
            stored.embeddings if stored else None,
            reading.renamed.filename if reading.renamed else "",
            reading.content,
        )

    def _load_file(self, source: FileSource, reading: _Reading, loader: Loader) -> Extracted | None:
        """Return the document of a file, its bytes in hand; None where that is not needed now."""
        data, reading.modified_ns = read_bytes(source)
        reading.size_bytes = len(data)
        reading.digest = hashlib.sha256(data).hexdigest()
        if reading.is_unchanged or self._is_copy(reading):
            return None
        if reading.known is None:
            reading.renamed = self._known.take_renamed(source, reading.digest)
        found = extract(
            data, source.load_name, digest=reading.digest, catalog=self._catalog, loader=loader
        )
        reading.content = self._blobs.receive()
        reading.content.write(data)
        reading.content.finish()
        return found

    def _is_copy(self, reading: _Reading) -> bool:
        """Return whether another source with this content came first; it comes last then."""
        with self._lock:
            if self._seen is None:
                return False
            return self._seen.setdefault(reading.digest, reading.source.key) != reading.source.key

    def take_copies(self) -> None:
        """Read from now on what has the content of another source too: those are stored."""
        with self._lock:
            self._seen = None

    def _take_document(self, source: DocumentSource, reading: _Reading) -> Extracted | None:
        """Return a document that is at hand, cleaned; None where that is not needed now.

        No bytes are kept: the catalog holds all of it.
        """
        given = source.document
        text = clean_text(given.text)
        document = replace(given, text=text, title=clean_line(given.title))
        reading.digest = hashlib.sha256(msgspec.msgpack.encode(document)).hexdigest()
        if reading.is_unchanged or self._is_copy(reading):
            return None
        if not text.strip():
            raise InvalidFile("it holds no text")
        if document.spans and text != given.text:
            raise InvalidFile(
                "its text is not clean and its spans would shift; see load.clean.clean_text"
            )
        return Extracted(given_key(reading.digest), document, is_kept=True)

    def _is_as_asked(self, known: FileRecord, loader: Loader) -> bool:
        """Return whether a file would be read and cut up as it was."""
        apart = self._has_rows_apart(known, known.media_type)
        return known.row_attributes == apart and not is_read_otherwise(known, loader.options)

    def _has_rows_apart(self, known: FileRecord | None, media_type: str) -> bool:
        return has_rows_apart(self._rules.from_columns, known, media_type)

    def _prepare(
        self, found: Extracted, source: Source, stored: StoredText | None, *, rows_apart: bool
    ) -> PreparedText:
        try:
            return prepare_document(
                found.document,
                source.filename,
                self._chunk_settings,
                self._embedder,
                windows=stored.windows if stored else None,
                rows_apart=rows_apart,
            )
        # Pure code of ours over text of anyone's: see `_Unforeseen`.
        except Exception as error:
            _log.exception("'%s' cannot be cut up", source.filename)
            raise _Unforeseen(f"{type(error).__name__}: {error}") from error

    def _describe(
        self, source: Source, known: FileRecord | None, document: Document | None = None
    ) -> FileAttributes:
        """Return the attributes of a file: of a new document, else of the one that is known."""
        layers = known.attribute_layers if known else AttributeLayers()
        return self._rules.apply(
            document.attributes if document else layers.own,
            layers,
            path=source.path if isinstance(source, FileSource) else None,
            filename=source.filename,
        )

    def _new(self, reading: _Reading, described: FileAttributes) -> NewFile:
        new = NewFile(
            filename=reading.source.filename,
            path=reading.source.key,
            content_hash=reading.digest,
            size_bytes=reading.size_bytes,
            attributes=described.merged,
            attribute_layers=described.layers,
            chunk_settings=self._chunk_settings,
            modified_ns=reading.modified_ns,
            replaces=reading.known.id if reading.known else None,
        )
        if (was := reading.renamed) is None:
            return new
        return replace(new, id=was.id, replaces=was.id)

    def _failed(
        self, reading: _Reading, code: ErrorCode, error: str, started: float
    ) -> FailedSource:
        described = self._describe(reading.source, reading.before)
        new = replace(self._new(reading, described), error_code=code, error=error)
        return FailedSource(reading.source, new, reading.known, time.monotonic() - started)


class _Reading:
    """What is known of a source so far, while it is read."""

    def __init__(self, source: Source, known: FileRecord | None, is_as_asked: bool) -> None:
        self.source = source
        self.known = known
        self.is_as_asked = is_as_asked
        self.renamed: FileRecord | None = None
        self.digest = ""
        self.modified_ns: int | None = None
        self.size_bytes = source.size_bytes
        self.content: IncomingBlob | None = None

    @property
    def before(self) -> FileRecord | None:
        """What the store holds of it, under this name or the one that it had."""
        return self.known or self.renamed

    @property
    def is_unchanged(self) -> bool:
        """Whether the store holds this very content, searchable, read and cut as asked."""
        known = self.known
        return (
            known is not None
            and known.content_hash == self.digest
            and known.status == "completed"
            and self.is_as_asked
        )


class _Unforeseen(Exception):
    """A document that breaks our own code."""


def read_bytes(source: FileSource) -> tuple[bytes, int | None]:
    """Return the bytes of a file and its stamp; None where that will not tell the next version.

    Raises:
        InvalidFile: It cannot be read, or holds more than is taken.
    """
    try:
        with open_file(source.path) as stream:
            if isinstance(source, FileSection):
                stream.seek(source.start)
                return stream.read(source.size_bytes), None
            now, before = time.time_ns(), os.fstat(stream.fileno())
            if before.st_size > MAX_FILE_BYTES:
                most = f"{MAX_FILE_BYTES >> 20} MiB"
                raise InvalidFile(f"{source.filename!r} is larger than {most}; split the file")
            data = stream.read(MAX_FILE_BYTES)
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise InvalidFile(f"{error.strerror}") from error
    # A source without a stamp lies at its path for this ingest only.
    return data, lasting_stamp(before, after, now) if source.modified_ns is not None else None
