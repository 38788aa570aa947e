"""Reports: what becomes of the files of an ingest, while it runs and when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from filesearch.types import ErrorCode

FileStatus = Literal["added", "updated", "unchanged", "renamed", "removed", "failed"]
FILE_STATUSES: tuple[FileStatus, ...] = (
    "added",
    "updated",
    "unchanged",
    "renamed",
    "removed",
    "failed",
)


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file of an ingest.

    Attributes:
        chunks, windows: What is cited and what was embedded of it.
        error_code, error: Set when `status` is "failed": OpenAI's code and a sentence for people.
        warnings: What was lost of it, one sentence each: pages without text, bytes that are no
            characters.
        pages, tables: How many its format has; 0 where it has none, or where that is not known.
        characters: Of its text.
        renamed_from: Its name before, when `status` is "renamed".
        attributes_changed: When `status` is "unchanged": its attributes are others, or come from
            elsewhere.
        seconds: It took to be read and cut up, its vectors not counted.
    """

    filename: str
    status: FileStatus
    file_id: str = ""
    chunks: int = 0
    windows: int = 0
    error_code: ErrorCode | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()
    pages: int = 0
    tables: int = 0
    characters: int = 0
    seconds: float = 0.0
    renamed_from: str = ""
    attributes_changed: bool = False


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is.

    Attributes:
        files_done, files_total: Counted over the sources; failed and unchanged ones count.
        bytes_done, bytes_total: Of the files that are done, and of all. Of a file that is being
            embedded its share is done.
        windows_done: Embedded so far.
        filename: The file that is at hand, or was taken up last; "" before the first one.
        seconds: Since the ingest began.
        windows_per_s: Over the last half minute.
        seconds_left: At the pace of the last half minute; None as long as that says nothing.
        outcome: What became of the file that was finished just now; None at other times.
    """

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    windows_done: int
    filename: str
    seconds: float = 0.0
    windows_per_s: float = 0.0
    seconds_left: float | None = None
    outcome: FileOutcome | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What an ingest took in: sums over the files that were added or updated."""

    pages: int
    tables: int
    characters: int
    chunks: int
    windows: int
    warnings: int


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, file by file, and how long it took."""

    outcomes: tuple[FileOutcome, ...]
    seconds: float

    def _with(self, status: FileStatus) -> tuple[FileOutcome, ...]:
        return tuple(o for o in self.outcomes if o.status == status)

    @property
    def added(self) -> tuple[FileOutcome, ...]:
        """Files that were not in the store before."""
        return self._with("added")

    @property
    def updated(self) -> tuple[FileOutcome, ...]:
        """Files whose new content took the place of the old."""
        return self._with("updated")

    @property
    def unchanged(self) -> tuple[FileOutcome, ...]:
        """Files whose content is what the store holds."""
        return self._with("unchanged")

    @property
    def renamed(self) -> tuple[FileOutcome, ...]:
        """Files that were moved on the disk and keep their id."""
        return self._with("renamed")

    @property
    def removed(self) -> tuple[FileOutcome, ...]:
        """Files that left the store because they are gone from the disk."""
        return self._with("removed")

    @property
    def failed(self) -> tuple[FileOutcome, ...]:
        """Files that could not be read, each with its reason."""
        return self._with("failed")

    @property
    def counts(self) -> dict[str, int]:
        """How many files there are of each status."""
        return {status: len(self._with(status)) for status in FILE_STATUSES}

    @property
    def totals(self) -> Totals:
        """What was taken in."""
        taken = self.added + self.updated
        return Totals(
            pages=sum(outcome.pages for outcome in taken),
            tables=sum(outcome.tables for outcome in taken),
            characters=sum(outcome.characters for outcome in taken),
            chunks=sum(outcome.chunks for outcome in taken),
            windows=sum(outcome.windows for outcome in taken),
            warnings=sum(len(outcome.warnings) for outcome in taken),
        )
