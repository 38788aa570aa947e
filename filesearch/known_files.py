"""Known files: what a store holds, compared with the sources of an ingest.

A source is known by its key. One that is not may be a file that was moved: its content is that of
a file whose path has gone. Shared by the threads that read.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from filesearch.records import FileRecord
from filesearch.sections import whole_key
from filesearch.sources import FileSource, Source, is_path
from filesearch.walk import Root


class KnownFiles:
    """The files of a store, as an ingest looks them up.

    Args:
        records: All of them.
        sources: All that the ingest is given: none of them is gone.
        checksum: Trust no size and no time, compare contents.
    """

    def __init__(
        self, records: Iterable[FileRecord], sources: Iterable[Source], *, checksum: bool = False
    ) -> None:
        self._by_key = {record.path: record for record in records if record.path is not None}
        self._given = {source.key for source in sources}
        self._checksum = checksum
        self._by_content: dict[str, list[FileRecord]] = defaultdict(list)
        for record in self._by_key.values():
            if record.status == "completed":
                self._by_content[record.content_hash].append(record)
        self._lock = threading.Lock()
        self.renamed: set[str] = set()
        """Ids of the files that `take_renamed` has returned."""

    def find(self, source: Source) -> FileRecord | None:
        """Return what the store holds under the key of a source."""
        return self._by_key.get(source.key)

    def is_untouched(self, source: Source) -> bool:
        """Return whether a file need not be read: the store holds it, and no stamp of it changed.

        False where that is not sure; see file_stamp.py.
        """
        known = self.find(source)
        return (
            isinstance(source, FileSource)
            and not self._checksum
            and known is not None
            and known.status == "completed"
            and not known.error
            and known.modified_ns is not None
            and known.modified_ns == source.modified_ns
            and known.size_bytes == source.size_bytes
        )

    def take_renamed(self, source: Source, digest: str) -> FileRecord | None:
        """Return the file that has become `source`: of its content, and gone from its own path.

        Each is returned once, one with the same name first. None when there is none.

        Args:
            source: One that `find` does not know.
            digest: SHA-256 of its content.
        """
        if not isinstance(source, FileSource) or not is_path(source.key):
            return None
        with self._lock:
            gone = [record for record in self._by_content.get(digest, ()) if self._is_gone(record)]
            if not gone:
                return None
            name = Path(source.key).name
            found = next((one for one in gone if Path(one.path or "").name == name), gone[0])
            self.renamed.add(found.id)
            return found

    def _is_gone(self, record: FileRecord) -> bool:
        key = record.path or ""
        return (
            record.id not in self.renamed
            and key not in self._given
            and is_path(key)
            and "\\" not in key  # an escape: what the file is called is not known
            and not os.path.lexists(key)
        )

    def gone(self, keys: Collection[str]) -> list[FileRecord]:
        """Return the files that the store holds under some keys, sections of them too.

        Those that were renamed are left out.
        """
        wanted = set(keys)
        return [
            record
            for key, record in (self._by_key.items() if wanted else ())
            if whole_key(key) in wanted and record.id not in self.renamed
        ]

    @property
    def records(self) -> Collection[FileRecord]:
        """All files that have a key."""
        return self._by_key.values()

    def below(self, roots: Sequence[Root], unreadable: Sequence[Path] = ()) -> list[FileRecord]:
        """Return the files that some roots mean and that no source is for any more.

        Args:
            roots: Where to look.
            unreadable: Folders that could not be listed: what is below them is not gone.
        """
        return [
            record
            for record in self._by_key.values()
            if record.path not in self._given
            and record.id not in self.renamed
            and any(root.covers(Path(record.path or "")) for root in roots)
            and not any(folder in Path(record.path or "").parents for folder in unreadable)
        ]
