"""Dry run: what an ingest would do, without doing it.

sources, known files -> outcomes. Reads and hashes what is new or changed, parses nothing: a file
that turns out to be broken is foreseen as added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from filesearch.errors import InputError
from filesearch.given import failed_outcome
from filesearch.known_files import KnownFiles
from filesearch.load import sniff
from filesearch.reports import FileOutcome
from filesearch.source_reader import read_bytes
from filesearch.sources import FileSource
from filesearch.walk import Root


def foresee(
    sources: Sequence[FileSource],
    known: KnownFiles,
    *,
    prune: Sequence[Root] = (),
    unreadable: Sequence[Path] = (),
) -> Iterator[FileOutcome]:
    """Yield what would become of each source, then what would be removed; see intake.take_in."""
    for source in sources:
        try:
            yield _foresee_file(source, known)
        except InputError as error:
            yield failed_outcome(source.filename, error)
    for record in known.below(prune, unreadable):
        yield FileOutcome(filename=record.filename, status="removed", file_id=record.id)


def _foresee_file(source: FileSource, known: KnownFiles) -> FileOutcome:
    """Return what would become of a file.

    Raises:
        InvalidFile, UnsupportedFile: It cannot be read, or is of no kind that is read.
    """
    record = known.find(source)
    if record is not None and known.is_untouched(source):
        return FileOutcome(source.filename, "unchanged", record.id)
    data, _stamp = read_bytes(source)
    digest = hashlib.sha256(data).hexdigest()
    if record is not None and record.status == "completed" and record.content_hash == digest:
        return FileOutcome(source.filename, "unchanged", record.id)
    sniff(data, source.load_name)
    if record is not None:
        return FileOutcome(source.filename, "updated", record.id)
    was = known.take_renamed(source, digest)
    if was is not None:
        return FileOutcome(source.filename, "renamed", was.id, renamed_from=was.filename)
    return FileOutcome(source.filename, "added")
