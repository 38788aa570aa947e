"""Settling: which changes of some folders are ready to be ingested.

what lies there now, what was ingested -> files that are quiet, files that are gone. Nothing is read
here and the clock is the caller's. A file is taken up when it has kept its size and stamp for a
while: not half-written, not between the two steps of an editor that saves under another name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from filesearch.file_stamp import GRAIN_NS
from filesearch.sources import FileSource
from filesearch.walk import Found

_Stamp: TypeAlias = tuple[int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done about some folders.

    Attributes:
        ready: Files that are new, changed, or to be compared once more.
        gone: Keys of files that were ingested and are not there any more.
        is_pending: There are more, which are not quiet yet.
    """

    ready: tuple[FileSource, ...]
    gone: tuple[str, ...]
    is_pending: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """Something seen: as what, since when like that, and since when at all."""

    stamp: _Stamp | None
    since: float
    first: float


class Settling:
    """Compares what lies in folders with what was ingested of it.

    Args:
        settle_s: How long a file must stay as it is.
        patience_s: A file that never stays as it is is taken up after so long all the same.
    """

    def __init__(self, *, settle_s: float, patience_s: float) -> None:
        self._settle_s = settle_s
        self._patience_s = patience_s
        self._taken: dict[str, _Stamp] = {}
        self._unsure: set[str] = set()
        self._changes: dict[str, _Change] = {}

    def look(self, found: Found, now: float, now_ns: int) -> Changes:
        """Return what is ready.

        Args:
            found: What lies there now. What was ingested of a root that is not there itself, or of
                a folder that cannot be listed, is not gone.
            now: Seconds that only grow.
            now_ns: The time, in ns since 1970.
        """
        sources = {source.key: source for source in found.files}
        changed: dict[str, _Stamp | None] = {
            key: _stamp(source)
            for key, source in sources.items()
            if self._taken.get(key) != _stamp(source)
        }
        missing = [key for key in self._taken if key not in sources]
        if missing:
            hidden = _hidden(found)
            changed.update((key, None) for key in missing if not _is_below(key, hidden))
        self._changes = {key: self._note(key, stamp, now) for key, stamp in changed.items()}
        ready = {key for key, change in self._changes.items() if self._is_ready(change, now)}
        # A stamp from the future is left until its time has come, which may take years.
        again = {
            key: source.modified_ns or 0
            for key, source in sources.items()
            if key in self._unsure
            and key not in changed
            and (source.modified_ns or 0) <= now_ns + GRAIN_NS
        }
        lasting = {key for key, stamp in again.items() if stamp + GRAIN_NS < now_ns}
        return Changes(
            ready=tuple(sources[key] for key in sources if key in ready or key in lasting),
            gone=tuple(key for key in ready if key not in sources),
            is_pending=len(ready) < len(changed) or len(lasting) < len(again),
        )

    def _note(self, key: str, stamp: _Stamp | None, now: float) -> _Change:
        before = self._changes.get(key)
        if before is None:
            return _Change(stamp, now, now)
        return before if before.stamp == stamp else _Change(stamp, now, before.first)

    def _is_ready(self, change: _Change, now: float) -> bool:
        is_quiet = now - change.since >= self._settle_s
        return is_quiet or (change.stamp is not None and now - change.first >= self._patience_s)

    def take(self, sources: Iterable[FileSource], gone: Collection[str], now_ns: int) -> None:
        """Note what was ingested.

        Args:
            sources: As they were found before they were read. A stamp so young that the next
                version could have it too is not relied on: the file comes up once more.
            gone: Keys of files that were removed.
            now_ns: When they were found.
        """
        for source in sources:
            self._taken[source.key] = _stamp(source)
            self._unsure.discard(source.key)
            if (source.modified_ns or 0) + GRAIN_NS >= now_ns:
                self._unsure.add(source.key)
            self._changes.pop(source.key, None)
        for key in gone:
            self._taken.pop(key, None)
            self._unsure.discard(key)
            self._changes.pop(key, None)


def _stamp(source: FileSource) -> _Stamp:
    return (source.size_bytes, source.modified_ns, source.sidecar_ns)


def _hidden(found: Found) -> list[Path]:
    """Return what cannot be seen into just now."""
    missing = [root.path for root in found.roots if root.is_missing]
    return [*missing, *(folder.path for folder in found.unreadable)]


def _is_below(key: str, folders: Collection[Path]) -> bool:
    path = Path(key)
    return any(folder == path or folder in path.parents for folder in folders)
