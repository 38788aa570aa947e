"""Reports: what became of the files of an ingest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from filesearch.types import ErrorCode

FileStatus = Literal["added", "updated", "unchanged", "removed", "failed"]


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file of an ingest.

    Attributes:
        error_code, error: Set when `status` is "failed": OpenAI's code and a sentence for people.
    """

    filename: str
    status: FileStatus
    file_id: str = ""
    chunks: int = 0
    windows: int = 0
    error_code: ErrorCode | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()


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
    def removed(self) -> tuple[FileOutcome, ...]:
        """Files that left the store because they are gone from the disk."""
        return self._with("removed")

    @property
    def failed(self) -> tuple[FileOutcome, ...]:
        """Files that could not be read, each with its reason."""
        return self._with("failed")
