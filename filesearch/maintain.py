"""Maintain: verify an index against its catalog, rebuild what is damaged.

All that lies in segments can be derived again from the catalog's text; nothing here loses a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from filesearch.catalog import Catalog
from filesearch.errors import IndexDamaged, NotFound
from filesearch.index.builder import SegmentBuilder
from filesearch.index.segment import (
    END,
    SLOT,
    START,
    Segment,
    write_segment,
)
from filesearch.index.sweep import sweep_segments
from filesearch.open_files import needing_handles
from filesearch.prepare import embed_windows, prepare_document
from filesearch.protocols import Embedder, TokenEmbedder
from filesearch.records import Entry, FileRecord, Picture, SegmentRecord, StoreRecord
from filesearch.types import Chunk, Document

REBUILD_WINDOWS = 2000


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that does not hold together.

    Attributes:
        segment: Name of the segment; empty when it is in the catalog itself.
        problem: One sentence.
        can_be_rebuilt: Whether `repair` mends it from the catalog.
    """

    segment: str
    problem: str
    can_be_rebuilt: bool = True


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` looked at and found.

    Attributes:
        segments, files, chunks: How many were checked.
        orphans: Segment directories that no catalog row names; harmless, swept by a writer.
        damages: Empty when all holds together.
        repaired: Segments that were rebuilt.
        without_bytes: Files whose bytes are gone: they are searched, but cannot be downloaded, nor
            read anew.
    """

    segments: int
    files: int
    chunks: int
    orphans: int
    damages: tuple[Damage, ...]
    repaired: int = 0
    without_bytes: int = 0


def match_files(known: Sequence[FileRecord], targets: Sequence[str]) -> list[FileRecord]:
    """Return the files that are named by id, file name, path, or a shell pattern of these.

    Raises:
        NotFound: A target matches none.
    """
    found: dict[str, FileRecord] = {}
    for target in targets:
        matches = [record for record in known if _is_meant(record, target)]
        if not matches:
            raise NotFound(f"no file matches '{target}'; see: fsearch files")
        found.update((record.id, record) for record in matches)
    return list(found.values())


def _is_meant(record: FileRecord, target: str) -> bool:
    names = [record.id, record.filename, *([record.path] if record.path else [])]
    if target in names or (record.path and str(Path(target).resolve()) == record.path):
        return True
    return any(fnmatchcase(name, target) for name in names)


# A segment's name, and the slot and row of each file in it: the same again, the same found.
_PartKey = tuple[str, tuple[tuple[int, int], ...]]


@needing_handles()
def verify(
    root: Path, catalog: Catalog, store: StoreRecord, *, needs_signs: bool = False
) -> Verification:
    """Compare the segments with the catalog, and every offset with the text it points into.

    Looks at the hash of every file, the tables and the counts. Changes nothing. Others may write
    and merge meanwhile: what they replaced is not damaged, and what they put there is checked.

    Args:
        root: Directory of the segments.
        catalog, store: Of the index.
        needs_signs: Whether a segment without token signs is damaged; see `makes_signs`.

    Raises:
        TooManyOpenFiles: What cannot be opened for that is not called damaged.
    """
    checked: dict[_PartKey, tuple[list[Damage], int]] = {}
    while True:
        picture = catalog.picture(store.id)
        parts = _parts(picture)
        for key, (record, entries) in parts.items():
            if key not in checked:
                checked[key] = _verify_segment(
                    root, catalog, store, record, entries, needs_signs=needs_signs
                )
        suspects = {key for key in parts if checked[key][0]}
        if not suspects or suspects <= _parts(catalog.picture(store.id)).keys():
            break
    damages = [damage for key in parts for damage in checked[key][0]]
    damages.extend(
        Damage("", f"'{entry.filename}' has text but no segment holds it")
        for entry in picture.unplaced
    )
    named = {record.name for record in catalog.segments()}
    on_disk = {path.name for path in root.iterdir()} if root.is_dir() else set()
    return Verification(
        segments=len(parts),
        files=len(picture.entries),
        chunks=sum(checked[key][1] for key in parts),
        orphans=len(on_disk - named),
        damages=tuple(damages),
    )


def _parts(picture: Picture) -> dict[_PartKey, tuple[SegmentRecord, list[Entry]]]:
    live: dict[int, list[Entry]] = {record.id: [] for record in picture.segments}
    for entry in picture.entries:
        live[entry.segment_id].append(entry)
    return {
        (record.name, tuple((entry.slot, entry.store_file_id) for entry in live[record.id])): (
            record,
            live[record.id],
        )
        for record in picture.segments
    }


def _verify_segment(
    root: Path,
    catalog: Catalog,
    store: StoreRecord,
    record: SegmentRecord,
    entries: list[Entry],
    *,
    needs_signs: bool,
) -> tuple[list[Damage], int]:
    try:
        segment = Segment(root, record)
        problems = segment.damages()
        made_by = segment.manifest.embedder, segment.manifest.dimension
        if made_by != (store.embedder, store.dimension):
            problems.append(
                f"{made_by[1]}-dimensional vectors of '{made_by[0]}', not "
                f"{store.dimension}-dimensional ones of '{store.embedder}'"
            )
        if needs_signs and not segment.has_signs:
            problems.append("lacks the token signs that late interaction needs")
        counts = {
            "chunks": (len(segment.chunk_table), record.chunk_count),
            "chunks with postings": (segment.postings.n_rows, record.chunk_count),
            "windows": (len(segment.window_table), record.window_count),
            "vectors": (len(segment.vectors), record.window_count),
        }
        problems.extend(
            f"holds {found} {what}, the catalog says {expected}"
            for what, (found, expected) in counts.items()
            if found != expected
        )
        if problems:
            return [Damage(record.name, problem) for problem in problems], 0
        checks = list(_verify_entries(catalog, segment, entries))
    except IndexDamaged as error:
        return [Damage(record.name, str(error))], 0
    return [damage for found, _count in checks for damage in found], sum(n for _d, n in checks)


def _verify_entries(
    catalog: Catalog, segment: Segment, entries: list[Entry]
) -> Iterator[tuple[list[Damage], int]]:
    name = segment.record.name
    chunk_slots = np.asarray(segment.chunk_table[:, SLOT])
    window_slots = np.asarray(segment.window_table[:, SLOT])
    for entry in entries:
        low, high = np.searchsorted(chunk_slots, [entry.slot, entry.slot + 1])
        stored = [(c.start, c.end) for c in catalog.chunks(entry.store_file_id)]
        in_segment = [
            (int(start), int(end)) for start, end in segment.chunk_table[low:high, [START, END]]
        ]
        damages = []
        if stored != in_segment or not stored:
            damages.append(Damage(name, f"chunks of '{entry.filename}' differ from the catalog's"))
        try:
            length = len(catalog.document(entry.document_id).text)
        except NotFound:
            damages.append(
                Damage("", f"'{entry.filename}' has no text; ingest it again", can_be_rebuilt=False)
            )
            length = 0
        first, last = np.searchsorted(window_slots, [entry.slot, entry.slot + 1])
        window_ends = segment.window_table[first:last, END]
        ends = [end for _start, end in stored] + [int(end) for end in window_ends]
        if length and (max(ends, default=0) > length or (stored and stored[-1][1] != length)):
            damages.append(
                Damage(name, f"offsets of '{entry.filename}' do not fit its {length} characters")
            )
        yield damages, len(stored)


def makes_signs(store: StoreRecord, embedder: Embedder) -> bool:
    """Return whether `embedder` makes the vectors of a store, and token signs that this keeps."""
    return (
        store.late_interaction
        and isinstance(embedder, TokenEmbedder)  # first: a fingerprint may load a model
        and store.embedder == embedder.fingerprint
    )


@needing_handles()
def repair(
    root: Path,
    catalog: Catalog,
    store: StoreRecord,
    embedder: Embedder,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Verify, rebuild every damaged segment from the catalog's text, and verify again.

    The caller holds the writer lock and the merge lock.

    Returns:
        The second verification, with the number of segments that were rebuilt.
    """
    needs_signs = makes_signs(store, embedder)
    found = verify(root, catalog, store, needs_signs=needs_signs)
    bad = {damage.segment for damage in found.damages if damage.can_be_rebuilt}
    picture = catalog.picture(store.id)
    damaged = [record for record in picture.segments if record.name in bad]
    ids = {record.id for record in damaged}
    entries = [entry for entry in picture.entries if entry.segment_id in ids]
    if entries or picture.unplaced:
        entries.extend(picture.unplaced)
        rebuild(root, catalog, store, embedder, damaged, entries, on_progress=on_progress)
    sweep_segments(root, catalog.segment_names)
    after = verify(root, catalog, store, needs_signs=needs_signs)
    return Verification(
        segments=after.segments,
        files=after.files,
        chunks=after.chunks,
        orphans=after.orphans,
        damages=after.damages,
        repaired=len(damaged),
    )


def _document_of(catalog: Catalog, entry: Entry) -> Document | None:
    """Return the text of a file; None where the file was removed or read anew since."""
    now = catalog.entries([entry.store_file_id]).get(entry.store_file_id)
    if now is None or (now.segment_id, now.slot) != (entry.segment_id, entry.slot):
        return None
    return catalog.find_document(now.load_key)


def rebuild(
    root: Path,
    catalog: Catalog,
    store: StoreRecord,
    embedder: Embedder,
    old: Sequence[SegmentRecord],
    entries: Sequence[Entry],
    *,
    new_store: StoreRecord | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Chunk, embed and index `entries` again from their stored text, in the place of `old`.

    The old segments serve searches until one transaction puts the new ones in their place. The
    caller holds the writer lock and the merge lock.

    Args:
        root: Directory of the segments.
        catalog, store, embedder: Of the index.
        old: Segments that go.
        entries: Every live file of those segments.
        new_store: Embedder, dimension and chunk settings to record, when they changed; entries
            that had the store's chunk settings then take the new ones.
        on_progress: Told files done and files in all.
    """
    target = new_store or store
    builder = SegmentBuilder(target.embedder, target.dimension)
    written: list[tuple[SegmentRecord, list[int]]] = []
    owners: list[int] = []
    rechunked: dict[int, tuple[Sequence[Chunk], int]] = {}

    def write() -> None:
        nonlocal builder, owners
        if owners:
            written.append((write_segment(root, builder.build()), owners))
            builder, owners = SegmentBuilder(target.embedder, target.dimension), []

    for number, entry in enumerate(entries, start=1):
        document = _document_of(catalog, entry)
        if document is None:
            continue
        is_usual = entry.chunk_settings == store.chunk_settings
        settings = target.chunk_settings if is_usual else entry.chunk_settings
        prepared = prepare_document(
            document, entry.filename, settings, embedder, rows_apart=entry.row_attributes
        )
        embeddings = embed_windows(
            embedder, prepared.window_texts, late_interaction=target.late_interaction
        )
        prepared.add_to(builder, embeddings)
        owners.append(entry.store_file_id)
        rechunked[entry.store_file_id] = (prepared.chunks, len(prepared.windows))
        if builder.window_count >= REBUILD_WINDOWS:
            write()
        if on_progress is not None:
            on_progress(number, len(entries))
    write()
    catalog.replace_segments(
        store.id, [record.id for record in old], written, rechunked=rechunked, store=new_store
    )
    sweep_segments(root, catalog.segment_names)
