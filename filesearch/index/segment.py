"""Segment: immutable files with the vectors and postings of some documents.

A segment is one directory: a manifest with the size and SHA-256 of every other file, a FAISS
index of the windows, BM25 postings of the chunks, and two tables that tie both to documents.
It names documents by slot (0, 1, ...); the catalog says which file fills which slot. It is
written beside its place, fsynced and renamed; it counts once the catalog names it.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.digests import file_sha256
from filesearch.directory_lock import directory_lock
from filesearch.disk_space import needing_space
from filesearch.durable import sync_directory, sync_file
from filesearch.errors import IndexDamaged
from filesearch.index.array_file import map_array, save_array
from filesearch.index.postings import Postings
from filesearch.index.stretches import offsets
from filesearch.index.vector_description import VectorDescription
from filesearch.index.vectors import VectorIndex, write_vectors
from filesearch.open_files import check_handles
from filesearch.records import SegmentRecord
from filesearch.types import BitMatrix, FloatMatrix, IntArray, TokenSigns

Table: TypeAlias = npt.NDArray[np.int32]

# Format 1 did not say how the vectors are indexed; it is still read.
FORMAT, _EARLIER_FORMATS = 2, (1,)
MANIFEST = "manifest.json"
CHUNKS_FILE, WINDOWS_FILE = "chunks.npy", "windows.npy"
SIGNS_FILE, SIGN_OFFSETS_FILE = "signs.npy", "sign_offsets.npy"
_INCOMING = "incoming-"

# Columns of the chunk table. Windows of a chunk are rows first_window..last_window - 1.
SLOT, START, END, FIRST_WINDOW, LAST_WINDOW = range(5)


class _File(msgspec.Struct, frozen=True):
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a segment holds, and what its files must hash to.

    Attributes:
        vectors: How they are indexed; None in format 1, where all were exact.
    """

    format: int
    embedder: str
    dimension: int
    slots: int
    chunks: int
    windows: int
    files: dict[str, _File]
    vectors: VectorDescription | None = None


@dataclass(frozen=True)
class SegmentContent:
    """What goes into a segment.

    Attributes:
        embedder: Fingerprint of what made the vectors.
        slot_count: Number of documents.
        chunk_table: int32 (n_chunks, 5): slot, start, end, first window, last window (exclusive),
            ordered by slot, then start.
        window_table: int32 (n_windows, 3): slot, start, end, in the same order.
        vectors: float32 (n_windows, dimension).
        postings: Over the chunks, row by row.
        signs: Of the windows; None in a store without late interaction.
    """

    embedder: str
    slot_count: int
    chunk_table: Table
    window_table: Table
    vectors: FloatMatrix
    postings: Postings
    signs: TokenSigns | None = None


class SegmentDraft:
    """A segment that is being written, in a directory beside its place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = secrets.token_hex(8)
        self.directory = root / f"{_INCOMING}{self._name}"
        self.is_published = False

    def publish(
        self,
        *,
        embedder: str,
        slot_count: int,
        chunk_count: int,
        window_count: int,
        dimension: int,
        vectors: VectorDescription,
    ) -> SegmentRecord:
        """Seal what lies in the directory, make it durable and put it into its place.

        Args:
            embedder: Fingerprint of what made the vectors.
            slot_count, chunk_count, window_count: What it holds.
            dimension: Length of a vector.
            vectors: How they are indexed.

        Returns:
            The record for the catalog.
        """
        files = {path.name: _describe(path) for path in sorted(self.directory.iterdir())}
        manifest = msgspec.json.encode(
            Manifest(
                format=FORMAT,
                embedder=embedder,
                dimension=dimension,
                slots=slot_count,
                chunks=chunk_count,
                windows=window_count,
                files=files,
                vectors=vectors,
            )
        )
        (self.directory / MANIFEST).write_bytes(manifest)
        for path in self.directory.iterdir():
            sync_file(path)
        sync_directory(self.directory)
        self.directory = self.directory.rename(self._root / self._name)
        self.is_published = True
        sync_directory(self._root)
        return SegmentRecord(
            name=self._name,
            manifest_hash=hashlib.sha256(manifest).hexdigest(),
            slot_count=slot_count,
            chunk_count=chunk_count,
            window_count=window_count,
            size_bytes=len(manifest) + sum(file.size_bytes for file in files.values()),
        )


@contextmanager
def segment_draft(root: Path) -> Iterator[SegmentDraft]:
    """Write a segment under `root`; no sweep takes it before the end of the block.

    Name a published segment in the catalog within the block. One that was not published is deleted
    at its end; one that was published and not named is left to a sweep.

    Raises:
        DiskFull: There is no room for it.
    """
    draft = SegmentDraft(root)
    with needing_space(root), _locked_directory(draft.directory):
        try:
            yield draft
        finally:
            if not draft.is_published:
                shutil.rmtree(draft.directory, ignore_errors=True)


@contextmanager
def _locked_directory(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True)
    with directory_lock(directory):
        yield


def write_segment(root: Path, content: SegmentContent) -> SegmentRecord:
    """Write a segment under `root` and make it durable; returns the record for the catalog.

    The caller holds the writer lock until the catalog names it.
    """
    window_count, dimension = content.vectors.shape
    with segment_draft(root) as draft:
        save_array(draft.directory / CHUNKS_FILE, content.chunk_table)
        save_array(draft.directory / WINDOWS_FILE, content.window_table)
        vectors = write_vectors(
            draft.directory, [content.vectors], count=window_count, dimension=dimension
        )
        content.postings.write(draft.directory)
        if content.signs is not None:
            save_array(draft.directory / SIGNS_FILE, content.signs.bits)
            save_array(draft.directory / SIGN_OFFSETS_FILE, offsets(content.signs.counts))
        return draft.publish(
            embedder=content.embedder,
            slot_count=content.slot_count,
            chunk_count=len(content.chunk_table),
            window_count=window_count,
            dimension=dimension,
            vectors=vectors,
        )


def _describe(path: Path) -> _File:
    return _File(size_bytes=path.stat().st_size, sha256=file_sha256(path))


class Segment:
    """A segment on disk, memory-mapped part by part when first used.

    Raises:
        IndexDamaged: A file is missing, of another size, or not readable.
        TooManyOpenFiles: None can be opened now; so do all methods that open one.
    """

    def __init__(self, root: Path, record: SegmentRecord) -> None:
        self.record = record
        self._directory = root / record.name
        try:
            raw = (self._directory / MANIFEST).read_bytes()
            if hashlib.sha256(raw).hexdigest() != record.manifest_hash:
                raise _damaged(record, "its manifest is not the one that the catalog names")
            self.manifest = msgspec.json.decode(raw, type=Manifest)
            if self.manifest.format not in (FORMAT, *_EARLIER_FORMATS):
                raise _damaged(record, f"format {self.manifest.format} is not known here")
            for name, file in self.manifest.files.items():
                size = (self._directory / name).stat().st_size
                if size != file.size_bytes:
                    raise _damaged(record, f"{name} has {size} bytes, not {file.size_bytes}")
        except (OSError, msgspec.MsgspecError) as error:
            check_handles(error)
            raise _damaged(record, str(error)) from error

    @cached_property
    def chunk_table(self) -> Table:
        """int32 (n_chunks, 5), columns SLOT, START, END, FIRST_WINDOW, LAST_WINDOW."""
        return self._table(CHUNKS_FILE)

    @cached_property
    def window_table(self) -> Table:
        """int32 (n_windows, 3), columns SLOT, START, END."""
        return self._table(WINDOWS_FILE)

    # Columns that every search looks into, apart from their tables: numpy copies a column of a
    # table each time that it searches in it.

    @cached_property
    def chunk_counts(self) -> IntArray:
        """int64 (n_slots,), how many chunks each document has."""
        return np.bincount(self.chunk_table[:, SLOT], minlength=self.record.slot_count)

    @cached_property
    def window_counts(self) -> IntArray:
        """int64 (n_slots,), how many windows each document has."""
        return np.bincount(self.window_table[:, SLOT], minlength=self.record.slot_count)

    @cached_property
    def window_bounds(self) -> Table:
        """int32 (2, n_chunks), first window of each chunk and the one behind its last."""
        return np.ascontiguousarray(self.chunk_table[:, [FIRST_WINDOW, LAST_WINDOW]].T)

    @cached_property
    def vectors(self) -> VectorIndex:
        """The windows' vectors."""
        try:
            return VectorIndex.open(self._directory)
        except RuntimeError as error:
            check_handles(error)
            raise _damaged(self.record, f"FAISS: {error}") from error

    @cached_property
    def postings(self) -> Postings:
        """The chunks' terms."""
        try:
            return Postings.open(self._directory)
        except (OSError, ValueError) as error:
            check_handles(error)
            raise _damaged(self.record, str(error)) from error

    @property
    def vector_description(self) -> VectorDescription:
        """How the vectors are indexed."""
        return self.manifest.vectors or self.vectors.description

    def reopened(self) -> Segment:
        """Return the segment opened anew: what it maps is given back with it."""
        return Segment(self._directory.parent, self.record)

    @property
    def column_bytes(self) -> int:
        """What those columns take that were looked into so far."""
        names = ("chunk_counts", "window_counts", "window_bounds")
        return sum(self.__dict__[name].nbytes for name in names if name in self.__dict__)

    @property
    def has_signs(self) -> bool:
        """Whether the windows' token signs are kept."""
        return SIGNS_FILE in self.manifest.files

    @property
    def sign_bytes(self) -> int:
        """What the token signs take on disk; 0 without."""
        files = self.manifest.files
        return sum(files[n].size_bytes for n in (SIGNS_FILE, SIGN_OFFSETS_FILE) if n in files)

    def signs(self, window_rows: IntArray) -> TokenSigns:
        """Return the token signs of some windows, in the order given; without any, empty ones."""
        if not self.has_signs or len(window_rows) == 0:
            empty = np.empty((0, self.manifest.dimension // 8), np.uint8)
            return TokenSigns(empty, np.zeros(len(window_rows), np.int64))
        first, past = self._sign_offsets[window_rows], self._sign_offsets[window_rows + 1]
        counts: IntArray = past - first
        # The windows of a chunk lie side by side: few stretches are copied, not many rows.
        begins = np.flatnonzero(first[1:] != past[:-1]) + 1
        starts = first[np.append(0, begins)].tolist()
        ends = past[np.append(begins - 1, len(past) - 1)].tolist()
        stretches = [self._signs[a:b] for a, b in zip(starts, ends, strict=True)]
        return TokenSigns(np.concatenate(stretches), counts)

    @property
    def sign_counts(self) -> IntArray:
        """Rows of token signs that each window has: int64 (n_windows,); only if it has signs."""
        return np.diff(self._sign_offsets)

    @cached_property
    def _signs(self) -> BitMatrix:
        return self._map(SIGNS_FILE)

    @cached_property
    def _sign_offsets(self) -> IntArray:
        return self._map(SIGN_OFFSETS_FILE)

    def _table(self, name: str) -> Table:
        table: Table = self._map(name)
        return table

    def _map(self, name: str) -> npt.NDArray[Any]:
        try:
            return map_array(self._directory / name)
        except (OSError, ValueError) as error:
            check_handles(error)
            raise _damaged(self.record, str(error)) from error

    def map_all(self) -> None:
        """Open every file now: what is mapped stays readable when a merge deletes the segment.

        Raises:
            IndexDamaged: A file is missing or not readable.
        """
        _ = self.chunk_table, self.window_table, self.vectors, self.postings
        if self.has_signs:
            _ = self._signs, self._sign_offsets

    def damages(self) -> list[str]:
        """Compare every file with its hash in the manifest; returns what is wrong."""
        found = []
        for name, file in self.manifest.files.items():
            try:
                if file_sha256(self._directory / name) != file.sha256:
                    found.append(f"{name} does not match its SHA-256")
            except OSError as error:
                check_handles(error)
                found.append(f"{name}: {error.strerror}")
        return found


def _damaged(record: SegmentRecord, why: str) -> IndexDamaged:
    return IndexDamaged(f"segment {record.name} is damaged: {why}; run: fsearch verify --repair")
