"""Render costs: what the command line shows of what an index takes, on disk and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from filesearch.free_pages import is_much_free
from filesearch.terminal import escaped

if TYPE_CHECKING:
    from filesearch.memory import MemoryReport
    from filesearch.records import IndexStats

# Of stores, and of segments, that have a line each.
_MAX_LINES = 20


def render_stats(stats: IndexStats) -> str:
    """Return the figures of an index, one a line."""
    rows = {
        "index": stats.index,
        "files": f"{stats.files} searchable, {stats.failed} failed",
        "characters": f"{stats.characters:,}",
        "chunks": f"{stats.chunks:,} of {stats.chunk_size} tokens, {stats.chunk_overlap} shared",
        "windows": f"{stats.windows:,} of {stats.dimension} dimensions",
        "embedder": stats.embedder,
        "segments": f"{stats.segments}, {shown_bytes(stats.segment_bytes)}, of it "
        f"{shown_bytes(stats.late_interaction_bytes)} for late interaction",
        "catalog": _catalog(stats),
        "blobs": shown_bytes(stats.blob_bytes),
        "generation": str(stats.generation),
    }
    lines = [f"{name:<11} {value}" for name, value in rows.items()]
    lines += [f"{'vectors':<11} {line}" for line in _shortened(_vector_indexes(stats))]
    return "\n".join(lines + [f"{'store':<11} {line}" for line in _shortened(_stores(stats))])


def _stores(stats: IndexStats) -> Iterator[str]:
    """Yield a line for each store, the largest first; none for the only one."""
    if len(stats.stores) == 1:
        return
    for one in sorted(stats.stores, key=lambda store: -store.windows):
        failed = f", {one.failed} failed" if one.failed else ""
        yield (
            f"{one.id} {escaped(one.name)}: {one.files} files{failed}, {one.chunks:,} chunks, "
            f"{one.windows:,} windows, {one.segments} segments, {shown_bytes(one.segment_bytes)}"
        )


def _shortened(lines: Iterator[str]) -> Iterator[str]:
    yield from islice(lines, _MAX_LINES)
    if left := sum(1 for _ in lines):
        yield f"and {left} more; see: fsearch stats --json"


def _catalog(stats: IndexStats) -> str:
    if not stats.catalog_bytes:
        return "in a database"
    total, free = stats.catalog_bytes, stats.catalog_free_bytes
    way_out = f", {shown_bytes(free)} of it free; run: fsearch compact"
    return shown_bytes(total) + (way_out if is_much_free(free, of=total) else "")


def _vector_indexes(stats: IndexStats) -> Iterator[str]:
    """Yield a line for all exact segments, then one for each of another kind."""
    exact = [one for one in stats.segment_stats if one.vector_index.get("kind") == "exact"]
    if exact:
        windows = sum(one.windows for one in exact)
        yield f"exact: {windows:,} windows in {len(exact)} segment{'s' * (len(exact) > 1)}"
    for one in stats.segment_stats:
        if one in exact:
            continue
        details = [f"{name} {_shown(value)}" for name, value in one.vector_index.items()]
        of = f" of {one.store_id}" if len(stats.stores) > 1 else ""
        yield f"{one.name}{of}: {one.windows:,} windows, {', '.join(details) or 'cannot be read'}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_shown(one)}" for name, one in value.items())
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def render_memory(memory: MemoryReport) -> str:
    """Return what a search took, one part a line, the process's own before what it shares."""
    if not memory.steps:
        return f"memory      {shown_bytes(memory.peak_bytes)} at most; only Linux tells more"
    lines = [
        f"memory      {shown_bytes(memory.resident_bytes)} after one search, "
        f"{shown_bytes(memory.own_bytes)} of it the process's own:"
    ]
    lines += [f"  {step.name:<24} {shown_bytes(step.own_bytes):>10}" for step in memory.steps]
    lines.append("and of mapped files, which processes share, resident:")
    lines += [
        f"  {part.kind:<24} {shown_bytes(part.resident_bytes):>10} of "
        f"{shown_bytes(part.size_bytes)}"
        for part in memory.files
    ]
    return "\n".join(lines)


def render_compaction(merged: int, freed_bytes: int) -> str:
    """Return what was merged, and what the catalog gave back where it did."""
    lines = [f"merged {merged} segments" if merged else "nothing to merge"]
    if freed_bytes:
        lines.append(f"freed {shown_bytes(freed_bytes)} of the catalog")
    return "\n".join(lines)


def shown_bytes(count: int) -> str:
    """Return a number of bytes in the unit that it is read in."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
