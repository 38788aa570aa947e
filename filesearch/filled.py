"""Filled: bringing an index in step with files, URLs and texts: the part of FileSearch that writes.

Between `kept.py`, which it adds to, and `engine.py`, which adds search and answers.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from filesearch.errors import NotFound
from filesearch.kept import Kept
from filesearch.types import Attributes, NamedDocument

if TYPE_CHECKING:
    from filesearch.fetch import FetchLimits
    from filesearch.given import Given
    from filesearch.reports import FileOutcome, IngestProgress, IngestReport
    from filesearch.watch import WatchTimes


class Filled(Kept):
    """An index that can be filled; `FileSearch` is one."""

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        attributes: Attributes | None = None,
        attributes_from_path: str | Sequence[str] = (),
        attributes_from_columns: bool | None = None,
        prune: bool = False,
        checksum: bool = False,
        allow_url: bool = False,
        fetch_limits: FetchLimits | None = None,
        streams: Mapping[str, BinaryIO] | None = None,
        dry_run: bool = False,
        on_progress: Callable[[IngestProgress], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> IngestReport:
        """Bring the index in step with files and folders.

        A file whose size and times are those of the last ingest is not read, one whose content is
        not changed costs only its hash; a changed one takes the place of its older version in one
        transaction; a file that was moved keeps its id; what cannot be read is reported and does
        not stop the rest. Content that is there under another name is not embedded again.

        Args:
            paths: Files, folders, patterns such as "docs/**/*.md", and URLs; see walk.py on what
                of a folder is taken.
            attributes: Set on every file of this call; existing files keep theirs without. They
                win over the sidecar of a file, its path and its own; see file_attributes.py.
            attributes_from_path: Patterns such as "{year}/{team}/*.pdf"; see path_pattern.py.
                Without, existing files keep what their paths said.
            attributes_from_columns: Let filters choose among the rows of csv, tsv, xlsx, ods, json
                and jsonl by their columns. Each row is then embedded by itself. None leaves
                existing files as they are. See row_attributes.py.
            prune: Remove files below `paths` that are gone from the disk.
            checksum: Compare contents, whatever size and times say.
            allow_url: Fetch URLs; without, one is refused.
            fetch_limits: Of each URL; None takes the defaults of fetch.FetchLimits.
            streams: Further files: name -> what to read to its end.
            dry_run: Report what would happen, and change nothing. Files are not parsed for that:
                one that is broken counts as added.
            on_progress: Called as files and windows are done.
            on_wait: Told when another process is writing and we wait for it.

        Raises:
            NotFound: A path does not exist, or a pattern matches nothing; nothing is changed then.
            InvalidSetting: An attribute or pattern cannot be used, or a URL is not allowed; nothing
                is changed then.
            IndexMismatch: The index was made with another embedder or other chunk settings.
            IndexBusy: Another process kept writing.
        """
        from filesearch.file_attributes import AttributeRules
        from filesearch.given import take_given
        from filesearch.intake import take_in
        from filesearch.reports import IngestReport

        started = time.monotonic()
        rules = AttributeRules.parse(attributes, attributes_from_path, attributes_from_columns)
        with tempfile.TemporaryDirectory(prefix="fsearch-") as scratch:
            given = take_given(
                _names(paths),
                Path(scratch),
                allow_url=allow_url,
                limits=fetch_limits,
                streams=streams,
            )
            if dry_run:
                outcomes = self._foresee(given, prune=prune, checksum=checksum)
            else:
                outcomes = take_in(
                    self._index,
                    given.sources,
                    embedder=self._embedder,
                    rules=rules,
                    prune=given.found.roots if prune else (),
                    unreadable=given.found.unreadable,
                    checksum=checksum,
                    on_progress=on_progress,
                    on_wait=on_wait,
                )
        return IngestReport((*outcomes, *given.failed), time.monotonic() - started)

    def _foresee(self, given: Given, *, prune: bool, checksum: bool) -> list[FileOutcome]:
        from filesearch.dry_run import foresee
        from filesearch.intake import failed_folder
        from filesearch.known_files import KnownFiles
        from filesearch.sections import cut_large_texts
        from filesearch.sources import FileSource

        try:
            records = self.files()
        except NotFound:  # no index yet: all is new
            records = []
        found = given.found
        cut = cut_large_texts(given.sources)
        sources = [source for source in cut if isinstance(source, FileSource)]
        outcomes = foresee(
            sources,
            KnownFiles(records, sources, checksum=checksum),
            prune=found.roots if prune else (),
            unreadable=[folder.path for folder in found.unreadable],
        )
        return [*outcomes, *(failed_folder(folder) for folder in found.unreadable)]

    def ingest_documents(
        self,
        documents: Iterable[NamedDocument],
        *,
        attributes: Attributes | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> IngestReport:
        """Bring the index in step with documents that are at hand as text, without files.

            fs.ingest_documents([NamedDocument("ticket-7", Document("The kiln door sticks."))])

        Unchanged documents cost only their hash; one whose text, title or spans changed takes the
        place of the one with its name. Text is cleaned as that of files; a document without text,
        or whose spans would not fit the cleaned text, fails and does not stop the rest.

        Args:
            documents: Each with a name of its own; one that is left out stays in the index.
            attributes, on_progress, on_wait: As in `ingest`.

        Raises:
            InvalidFile: A name is blank or comes twice; nothing is changed then.
            InvalidSetting, IndexMismatch, IndexBusy: As in `ingest`.
        """
        from filesearch.file_attributes import AttributeRules
        from filesearch.intake import take_in
        from filesearch.reports import IngestReport
        from filesearch.sources import document_sources

        started = time.monotonic()
        outcomes = take_in(
            self._index,
            document_sources(documents),
            embedder=self._embedder,
            rules=AttributeRules.parse(attributes),
            on_progress=on_progress,
            on_wait=on_wait,
        )
        return IngestReport(tuple(outcomes), time.monotonic() - started)

    def watch(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        attributes: Attributes | None = None,
        attributes_from_path: str | Sequence[str] = (),
        attributes_from_columns: bool | None = None,
        stop: threading.Event | None = None,
        on_report: Callable[[IngestReport], None] | None = None,
        on_note: Callable[[str], None] | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
        times: WatchTimes | None = None,
    ) -> None:
        """Bring the index in step with files and folders and keep it so, until told to stop.

        Files that are gone from the disk are removed. A file is taken up when it has stayed as it
        is for half a second; one that cannot be read is tried again when it changes. Others can
        write to the index in between.

        Args:
            paths: Files, folders and patterns. A folder that disappears is waited for; what the
                index holds of it stays.
            attributes: Set on every file that is ingested.
            attributes_from_path, attributes_from_columns: As in `ingest`.
            stop: Ends the watch when it is set, from any thread; None watches for ever.
            on_report: Called with what was done: first for all that is there, then for each
                change, unchanged files left out.
            on_note: Told in a sentence what people should know.
            on_progress: As in `ingest`.
            times: When to look; see watch.WatchTimes.

        Raises:
            NotFound: A path does not exist, or a pattern matches nothing.
            InvalidSetting: A URL is given, or an attribute or pattern cannot be used.
            IndexMismatch, IndexBusy: As in `ingest`, at the beginning.
        """
        from filesearch.file_attributes import AttributeRules
        from filesearch.watch import Watch

        Watch(
            self._index,
            _names(paths),
            embedder=self._embedder,
            rules=AttributeRules.parse(attributes, attributes_from_path, attributes_from_columns),
            stop=stop or threading.Event(),
            on_report=on_report or (lambda _report: None),
            on_note=on_note or (lambda _sentence: None),
            on_progress=on_progress,
            times=times,
        ).run()


def _names(paths: str | Path | Sequence[str | Path]) -> list[str]:
    given = [paths] if isinstance(paths, (str, Path)) else paths
    return [str(path) for path in given]
