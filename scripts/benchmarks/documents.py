"""Documents: what benchmarks read, a folder of Markdown, and the windows that are made of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import BenchError

if TYPE_CHECKING:
    from filesearch.protocols import Embedder


def find_markdown(source: Path, count: int) -> list[Path]:
    """Return the first `count` Markdown files below a folder, sorted by path.

    Raises:
        BenchError: It is no folder, or holds none.
    """
    if not source.is_dir():
        raise BenchError(f"'{source}' is not a folder; give one with Markdown files")
    found = sorted(path for path in source.rglob("*.md") if path.is_file())[:count]
    if not found:
        raise BenchError(f"'{source}' holds no Markdown file; give a folder that does")
    return found


def copy_markdown(source: Path, folder: Path, count: int) -> int:
    """Copy the first `count` Markdown files below `source` into `folder`; returns their bytes.

    Raises:
        BenchError: As `find_markdown` does.
    """
    found = find_markdown(source, count)
    for path in found:
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return sum(path.stat().st_size for path in found)


def read_windows(folder: Path, embedder: Embedder, count: int | None = None) -> list[str]:
    """Return what ingesting the documents of a folder gives the embedder, in their order.

    Args:
        folder: Every file in it is loaded, as `fsearch ingest` would.
        embedder: Says how long windows are.
        count: Stop after so many.
    """
    from filesearch.load import load
    from filesearch.prepare import prepare_document
    from filesearch.types import ChunkSettings
    from filesearch.walk import find_sources

    windows: list[str] = []
    for source in find_sources([folder]):
        document = load(source.path.read_bytes(), source.filename)
        if document.text.strip():
            prepared = prepare_document(document, source.filename, ChunkSettings(), embedder)
            windows += [window.text for window in prepared.window_texts]
        if count is not None and len(windows) >= count:
            break
    return windows[:count]
