"""Sweep: delete the segments that the catalog does not name, but none that is being written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from pathlib import Path

from filesearch.directory_lock import directory_lock
from filesearch.open_files import needing_handles

# Each holds a handle meanwhile.
_SWEPT_AT_ONCE = 100


@needing_handles()
def sweep_segments(root: Path, named: Callable[[], Collection[str]]) -> int:
    """Delete every segment directory that the catalog does not name; returns how many.

    Only the holder of the writer lock may call it: what it deletes is left over from a killed
    writer or a merge. A merge that is under way, in whatever process, keeps what it writes.
    Processes that still have such a segment mapped keep reading it.

    Args:
        root: Directory of the segments.
        named: Returns what the catalog names at that instant.

    Raises:
        TooManyOpenFiles: None can be opened, to look or to hold a lock.
    """
    if not root.is_dir():
        return 0
    found = [path for path in root.iterdir() if path.is_dir()]
    names = named()
    orphans = [path for path in found if path.name not in names]
    swept = 0
    for start in range(0, len(orphans), _SWEPT_AT_ONCE):
        with ExitStack() as locks:
            some = orphans[start : start + _SWEPT_AT_ONCE]
            free = [path for path in some if locks.enter_context(directory_lock(path))]
            # Whoever held one until now may have named it before letting go.
            names = named() if free else names
            doomed = [path.name for path in free if path.name not in names]
            delete_segments(root, doomed)
            swept += len(doomed)
    return swept


def delete_segments(root: Path, names: Iterable[str]) -> None:
    """Delete segments that the catalog does not name any more; one that is gone is fine."""
    for name in names:
        shutil.rmtree(root / name, ignore_errors=True)
