"""Progress: how an ingest goes on, told while it does: on a terminal, in lines, or to a program.

Each of the three is a context manager whose `update` is given to `FileSearch.ingest` as
`on_progress`. What goes wrong with a file is said when it does, not only in the report.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Never, Protocol, Self

import click

from filesearch.terminal import escaped

if TYPE_CHECKING:
    from tqdm import tqdm

    from filesearch.reports import FileOutcome, IngestProgress, IngestReport

# Where nobody watches, a line now and then says that it goes on.
LINE_SECONDS = 10.0
# A program is told of progress at most this often, besides what becomes of each file.
EVENT_SECONDS = 0.5
_NAME_CHARACTERS = 40


class Progress(Protocol):
    """Shows how far an ingest is."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clean up what is on the screen."""

    def update(self, progress: IngestProgress) -> None:
        """Show how far the ingest is."""


def show_progress(*, names_problems: bool = True) -> Progress:
    """Return what people see on standard error: a bar on a terminal, else lines.

    Args:
        names_problems: Say what is wrong with a file when it is done.
    """
    return ProgressBar(names_problems) if sys.stderr.isatty() else ProgressLines(names_problems)


class _Quiet:
    """What the three have in common: nothing is cleaned up by most."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class ProgressBar(_Quiet):
    """A bar at the bottom of a terminal; what is wrong with files scrolls above it."""

    def __init__(self, names_problems: bool = True) -> None:
        self._names_problems = names_problems
        self._bar: tqdm[Never] | None = None

    def __enter__(self) -> Self:
        from tqdm import tqdm

        self._bar = tqdm(
            total=0,
            file=sys.stderr,
            leave=False,
            miniters=1,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {postfix} [{elapsed}]",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, progress: IngestProgress) -> None:
        """Move the bar."""
        bar = self._bar
        if bar is None:
            return
        if self._names_problems:
            for line in problem_lines(progress.outcome):
                bar.write(line, file=sys.stderr)
        bar.total = progress.bytes_total
        bar.set_postfix_str(_line(progress), refresh=False)
        bar.update(progress.bytes_done - bar.n)


class ProgressLines(_Quiet):
    """A line every ten seconds, none for what takes less; for logs."""

    def __init__(self, names_problems: bool = True) -> None:
        self._names_problems = names_problems
        self._next = LINE_SECONDS

    def update(self, progress: IngestProgress) -> None:
        """Print a line when it is time."""
        if self._names_problems:
            for line in problem_lines(progress.outcome):
                click.echo(line, err=True)
        if progress.seconds >= self._next:
            self._next = progress.seconds + LINE_SECONDS
            click.echo(_line(progress), err=True)


class JsonLines(_Quiet):
    """One JSON object a line on standard output, each with its `event`.

    start     files, bytes: what there is to do
    file      what became of one: the fields of reports.FileOutcome
    progress  the fields of reports.IngestProgress but the outcome, at most twice a second
    end       files by status, totals and seconds; it is missing when the ingest did not finish
    """

    def __init__(self) -> None:
        self._has_started = False
        self._next = 0.0

    def update(self, progress: IngestProgress) -> None:
        """Print the events."""
        if not self._has_started:
            self._has_started = True
            self._print("start", {"files": progress.files_total, "bytes": progress.bytes_total})
        if progress.outcome is not None:
            self._print("file", asdict(progress.outcome))
        if progress.seconds >= self._next and progress.files_done + progress.windows_done:
            self._next = progress.seconds + EVENT_SECONDS
            fields = asdict(progress)
            del fields["outcome"]
            self._print("progress", fields)

    def tell(self, report: IngestReport) -> None:
        """Print what became of each file of a report, and its end."""
        for outcome in report.outcomes:
            if outcome.status != "removed":
                self._print("file", asdict(outcome))
        self.end(report)

    def end(self, report: IngestReport) -> None:
        """Print what was removed after all was read, and the end."""
        for outcome in report.removed:
            self._print("file", asdict(outcome))
        self._print(
            "end",
            {
                "files": len(report.outcomes),
                **report.counts,
                **asdict(report.totals),
                "seconds": report.seconds,
            },
        )

    def _print(self, event: str, fields: dict[str, object]) -> None:
        click.echo(json.dumps({"event": event, **fields}, ensure_ascii=False))


def problem_lines(outcome: FileOutcome | None) -> list[str]:
    """Return a line for what is wrong with a file: its failure, or each thing that was lost."""
    if outcome is None:
        return []
    if outcome.status == "failed":
        said = escaped(f"{outcome.filename}: {outcome.error} ({outcome.error_code})")
        return [f"  failed   {said}"]
    return [f"  warning  {escaped(f'{outcome.filename}: {said}')}" for said in outcome.warnings]


def _line(progress: IngestProgress) -> str:
    parts = [
        f"{progress.files_done}/{progress.files_total} files",
        f"{megabytes(progress.bytes_done)} of {megabytes(progress.bytes_total)} MB",
        f"{progress.windows_per_s:.0f} windows/s",
    ]
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return ", ".join([*parts, escaped(progress.filename)[-_NAME_CHARACTERS:]])


def megabytes(size_bytes: int) -> str:
    """Return a size in MB of a million bytes, with one decimal."""
    return f"{size_bytes / 1e6:,.1f}"


def duration(seconds: float) -> str:
    """Return a length of time as people say it, in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
