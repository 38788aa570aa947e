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
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.durable import sync_directory, sync_file
from filesearch.errors import IndexDamaged
from filesearch.index.postings import Postings
from filesearch.index.postings_merge import merge_postings
from filesearch.index.vectors import VectorIndex
from filesearch.records import SegmentRecord
from filesearch.types import BitMatrix, FloatMatrix, IntArray, TokenSigns

Table: TypeAlias = npt.NDArray[np.int32]

FORMAT = 1
MANIFEST = "manifest.json"
SIGNS_FILE, SIGN_OFFSETS_FILE = "signs.npy", "sign_offsets.npy"
_INCOMING = "incoming-"
_BLOCK_BYTES = 1 << 20

# Columns of the chunk table. Windows of a chunk are rows first_window..last_window - 1.
SLOT, START, END, FIRST_WINDOW, LAST_WINDOW = range(5)


class _File(msgspec.Struct, frozen=True):
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a segment holds, and what its files must hash to."""

    format: int
    embedder: str
    dimension: int
    slots: int
    chunks: int
    windows: int
    files: dict[str, _File]


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


def write_segment(root: Path, content: SegmentContent) -> SegmentRecord:
    """Write a segment under `root` and make it durable; returns the record for the catalog."""
    root.mkdir(parents=True, exist_ok=True)
    name = secrets.token_hex(8)
    incoming = root / f"{_INCOMING}{name}"
    incoming.mkdir()
    np.save(incoming / "chunks.npy", content.chunk_table)
    np.save(incoming / "windows.npy", content.window_table)
    VectorIndex.build(content.vectors).write(incoming)
    content.postings.write(incoming)
    if content.signs is not None:
        np.save(incoming / SIGNS_FILE, content.signs.bits)
        np.save(incoming / SIGN_OFFSETS_FILE, _offsets(content.signs.counts))
    files = {path.name: _describe(path) for path in sorted(incoming.iterdir())}
    manifest = msgspec.json.encode(
        Manifest(
            format=FORMAT,
            embedder=content.embedder,
            dimension=content.vectors.shape[1],
            slots=content.slot_count,
            chunks=len(content.chunk_table),
            windows=len(content.window_table),
            files=files,
        )
    )
    (incoming / MANIFEST).write_bytes(manifest)
    for path in incoming.iterdir():
        sync_file(path)
    sync_directory(incoming)
    incoming.rename(root / name)
    sync_directory(root)
    return SegmentRecord(
        name=name,
        manifest_hash=hashlib.sha256(manifest).hexdigest(),
        slot_count=content.slot_count,
        chunk_count=len(content.chunk_table),
        window_count=len(content.window_table),
        size_bytes=len(manifest) + sum(file.size_bytes for file in files.values()),
    )


def _offsets(counts: IntArray) -> IntArray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _describe(path: Path) -> _File:
    return _File(size_bytes=path.stat().st_size, sha256=_digest(path))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sweep_segments(root: Path, keep: Collection[str]) -> int:
    """Delete every segment directory but those named in `keep`; returns how many.

    Only the holder of the writer lock may call it: what it deletes is left over from a killed
    writer or a merge. Processes that still have such a segment mapped keep reading it.
    """
    if not root.is_dir():
        return 0
    orphans = [path for path in root.iterdir() if path.is_dir() and path.name not in keep]
    for path in orphans:
        shutil.rmtree(path, ignore_errors=True)
    return len(orphans)


class Segment:
    """A segment on disk, memory-mapped part by part when first used.

    Raises:
        IndexDamaged: A file is missing, of another size, or not readable.
    """

    def __init__(self, root: Path, record: SegmentRecord) -> None:
        self.record = record
        self._directory = root / record.name
        try:
            raw = (self._directory / MANIFEST).read_bytes()
            if hashlib.sha256(raw).hexdigest() != record.manifest_hash:
                raise _damaged(record, "its manifest is not the one that the catalog names")
            self.manifest = msgspec.json.decode(raw, type=Manifest)
            for name, file in self.manifest.files.items():
                size = (self._directory / name).stat().st_size
                if size != file.size_bytes:
                    raise _damaged(record, f"{name} has {size} bytes, not {file.size_bytes}")
        except (OSError, msgspec.MsgspecError) as error:
            raise _damaged(record, str(error)) from error

    @cached_property
    def chunk_table(self) -> Table:
        """int32 (n_chunks, 5), columns SLOT, START, END, FIRST_WINDOW, LAST_WINDOW."""
        return self._table("chunks.npy")

    @cached_property
    def window_table(self) -> Table:
        """int32 (n_windows, 3), columns SLOT, START, END."""
        return self._table("windows.npy")

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
            raise _damaged(self.record, f"FAISS: {error}") from error

    @cached_property
    def postings(self) -> Postings:
        """The chunks' terms."""
        try:
            return Postings.open(self._directory)
        except (OSError, ValueError) as error:
            raise _damaged(self.record, str(error)) from error

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
        if not self.has_signs:
            empty = np.empty((0, self.manifest.dimension // 8), np.uint8)
            return TokenSigns(empty, np.zeros(len(window_rows), np.int64))
        first, past = self._sign_offsets[window_rows], self._sign_offsets[window_rows + 1]
        counts: IntArray = past - first
        starts = np.cumsum(counts) - counts
        rows = np.arange(int(counts.sum())) + np.repeat(first - starts, counts)
        return TokenSigns(self._signs[rows], counts)

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
            # mmap_mode keeps start-up short: pages are read when they are looked at.
            array: npt.NDArray[Any] = np.load(
                self._directory / name, mmap_mode="r", allow_pickle=False
            )
        except (OSError, ValueError) as error:
            raise _damaged(self.record, str(error)) from error
        return array

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
                if _digest(self._directory / name) != file.sha256:
                    found.append(f"{name} does not match its SHA-256")
            except OSError as error:
                found.append(f"{name}: {error.strerror}")
        return found


def _damaged(record: SegmentRecord, why: str) -> IndexDamaged:
    return IndexDamaged(f"segment {record.name} is damaged: {why}; run: fsearch verify --repair")


def merge_contents(
    parts: Sequence[tuple[Segment, npt.NDArray[np.bool_]]],
) -> SegmentContent:
    """Join segments, leaving out dead slots, without embedding or tokenizing anything again.

    Args:
        parts: Segments of one embedder, each with a mask of its live slots, bool (n_slots,).

    Returns:
        Content whose slots are the live slots of the parts in order.
    """
    chunk_tables, window_tables, vectors, postings, signs = [], [], [], [], []
    slot_count = window_count = 0
    for segment, live in parts:
        new_slots = np.cumsum(live, dtype=np.int32) - 1 + slot_count
        windows, chunks = np.asarray(segment.window_table), np.asarray(segment.chunk_table)
        keep_windows, keep_chunks = live[windows[:, SLOT]], live[chunks[:, SLOT]]
        new_windows = np.cumsum(keep_windows, dtype=np.int32) - 1 + window_count
        windows, chunks = windows[keep_windows].copy(), chunks[keep_chunks].copy()
        windows[:, SLOT] = new_slots[windows[:, SLOT]]
        chunks[:, SLOT] = new_slots[chunks[:, SLOT]]
        chunks[:, FIRST_WINDOW] = new_windows[chunks[:, FIRST_WINDOW]]
        chunks[:, LAST_WINDOW] = new_windows[chunks[:, LAST_WINDOW] - 1] + 1
        chunk_tables.append(chunks)
        window_tables.append(windows)
        kept = np.flatnonzero(keep_windows)
        vectors.append(segment.vectors.vectors(kept))
        signs.append(segment.signs(kept))
        postings.append((segment.postings, keep_chunks))
        slot_count += int(live.sum())
        window_count += len(windows)
    return SegmentContent(
        embedder=parts[0][0].manifest.embedder,
        slot_count=slot_count,
        chunk_table=np.concatenate(chunk_tables),
        window_table=np.concatenate(window_tables),
        vectors=np.concatenate(vectors),
        postings=_merged_postings(postings),
        signs=TokenSigns.join(signs) if all(part.has_signs for part, _ in parts) else None,
    )


def _merged_postings(parts: Sequence[tuple[Postings, npt.NDArray[np.bool_]]]) -> Postings:
    with tempfile.TemporaryDirectory() as directory:
        merge_postings(parts, Path(directory))
        mapped = Postings.open(Path(directory)).arrays()
        return Postings(**{name: array.copy() for name, array in mapped.items()})
