"""Real windows: the vectors and token signs that drawn ones are placed around.

an index filled before, or a folder of documents -> RealWindows, kept in a file for the next time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.documents import read_windows
from benchmarks.drawn_vectors import RealWindows
from filesearch.catalog import Catalog
from filesearch.database import sqlite_url
from filesearch.errors import IndexDamaged, NotFound
from filesearch.index.segment import Segment
from filesearch.index_directory import CATALOG_FILE, DEFAULT_STORE
from filesearch.protocols import Embedder
from filesearch.types import TokenSigns

_TRIES = 5
_EMBEDDED_AT_ONCE = 512


def read_index(directory: Path, count: int) -> RealWindows:
    """Return up to `count` windows of an index, spread evenly; nothing is written there.

    Another process may be filling it: a merge that deletes a segment while it is read is met by
    reading again.

    Raises:
        NotFound: There is no index with windows.
        IndexDamaged: A segment cannot be read.
    """
    if not (directory / CATALOG_FILE).exists():
        raise NotFound(f"no index at '{directory}'; give one that `fsearch ingest` filled")
    catalog = Catalog(sqlite_url(directory / CATALOG_FILE))
    try:
        for attempt in range(_TRIES):
            try:
                return _read(catalog, directory, count)
            except (IndexDamaged, OSError):
                if attempt == _TRIES - 1:
                    raise
    finally:
        catalog.close()
    raise AssertionError("the last attempt returns or raises")


def _read(catalog: Catalog, directory: Path, count: int) -> RealWindows:
    store = catalog.find_store(DEFAULT_STORE)
    records = catalog.picture(store.id).segments if store else ()
    total = sum(record.window_count for record in records)
    if not total:
        raise NotFound(f"the index '{directory}' holds no windows; fill it: fsearch ingest PATH")
    wanted = np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
    vectors, signs = [], []
    base = 0
    for record in records:
        segment = Segment(directory / "segments", record)
        segment.map_all()
        rows = wanted[(wanted >= base) & (wanted < base + record.window_count)] - base
        vectors.append(segment.vectors.vectors(rows))
        if segment.has_signs:
            signs.append(segment.signs(rows))
        base += record.window_count
    joined = TokenSigns.join(signs) if len(signs) == len(records) else None
    return RealWindows(np.concatenate(vectors), joined)


def embed_folder(folder: Path, embedder: Embedder, count: int) -> RealWindows:
    """Return what the model makes of the first `count` windows of a folder's documents.

    Raises:
        InvalidFile: A document cannot be read.
    """
    texts = read_windows(folder, embedder, count)
    embed = getattr(embedder, "embed_windows", None)
    if embed is None:
        return RealWindows(embedder.embed_texts(texts))
    parts = [
        embed(texts[start : start + _EMBEDDED_AT_ONCE])
        for start in range(0, len(texts), _EMBEDDED_AT_ONCE)
    ]
    return RealWindows(
        np.concatenate([part.vectors for part in parts]),
        TokenSigns.join([part.signs for part in parts]),
    )


def save_real(real: RealWindows, path: Path) -> None:
    """Keep windows in an .npz file; vectors in float16."""
    arrays: dict[str, Any] = {"vectors": real.vectors.astype(np.float16)}
    if real.signs is not None:
        arrays |= {"bits": real.signs.bits, "counts": real.signs.counts}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    np.savez(partial, **arrays)
    partial.replace(path)


def load_real(path: Path) -> RealWindows:
    """Return what `save_real` kept; vectors have unit length again."""
    with np.load(path) as kept:
        vectors = kept["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        signs = TokenSigns(kept["bits"], kept["counts"]) if "bits" in kept else None
    return RealWindows(vectors, signs)
