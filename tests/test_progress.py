"""Progress: what people and programs are told while an ingest runs."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, fields, replace

import pytest

from filesearch.pace import RECENT_SECONDS, Pace
from filesearch.progress import JsonLines, ProgressBar, ProgressLines, duration, problem_lines
from filesearch.reports import FileOutcome, IngestProgress, IngestReport

FAILED = FileOutcome("a.pdf", "failed", error_code="invalid_file", error="it is damaged")
WARNED = FileOutcome("b.pdf", "added", warnings=("page 2 has no text", "page 3 has no text"))


def progress(seconds=0.0, *, done=1, outcome=None, seconds_left=None):
    return IngestProgress(
        files_done=done,
        files_total=4,
        bytes_done=1_500_000 * done,
        bytes_total=6_000_000,
        windows_done=10 * done,
        filename="b.pdf",
        seconds=seconds,
        windows_per_s=12.4,
        seconds_left=seconds_left,
        outcome=outcome,
    )


def test_where_nobody_watches_a_line_comes_every_ten_seconds(capsys):
    with ProgressLines() as shown:
        for seconds in range(25):
            shown.update(progress(float(seconds), seconds_left=90.0))
    line = "1/4 files, 1.5 of 6.0 MB, 12 windows/s, 1 min 30 s left, b.pdf\n"
    assert capsys.readouterr().err == 2 * line


def test_what_is_wrong_with_a_file_is_said_when_it_is_done(capsys):
    with ProgressLines() as shown:
        shown.update(progress(outcome=FAILED))
        shown.update(progress(outcome=WARNED))
        shown.update(progress(outcome=FileOutcome("c.pdf", "added")))
    assert capsys.readouterr().err.splitlines() == [
        "  failed   a.pdf: it is damaged (invalid_file)",
        "  warning  b.pdf: page 2 has no text",
        "  warning  b.pdf: page 3 has no text",
    ]


def test_a_terminal_does_not_obey_what_a_file_is_called(capsys):
    with ProgressLines() as shown:
        shown.update(progress(outcome=replace(FAILED, filename="\x1b[2Ja\n.pdf")))
        shown.update(replace(progress(20.0), filename="\x1b[2Ja\n.pdf"))
    failed, line = capsys.readouterr().err.splitlines()
    assert failed == "  failed   \\x1b[2Ja\\n.pdf: it is damaged (invalid_file)"
    assert line.endswith(", \\x1b[2Ja\\n.pdf")


def test_the_bar_shows_files_windows_and_the_time_that_is_left(capsys):
    with ProgressBar() as shown:
        shown.update(progress(outcome=FAILED))
        time.sleep(0.15)  # it moves ten times a second
        shown.update(progress(done=2, seconds_left=4000.0))
    written = capsys.readouterr().err
    assert "a.pdf: it is damaged" in written
    assert "50%|" in written
    assert "2/4 files, 3.0 of 6.0 MB, 12 windows/s, 1 h 6 min left, b.pdf" in written


def test_json_lines_begin_with_what_there_is_and_end_with_totals(capsys):
    with JsonLines() as shown:
        shown.update(progress(done=0))
        shown.update(progress(0.2, outcome=WARNED))
        shown.update(progress(0.3))
        shown.update(progress(0.9))
    shown.end(IngestReport((WARNED, FileOutcome("gone.md", "removed")), 1.5))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == [
        *("start", "file", "progress", "progress", "file", "end")
    ]
    assert events[0] == {"event": "start", "files": 4, "bytes": 6_000_000}
    assert events[1] == {"event": "file", **json.loads(json.dumps(asdict(WARNED)))}
    names = {field.name for field in fields(IngestProgress)} - {"outcome"}
    assert set(events[2]) == names | {"event"}
    assert events[4]["filename"] == "gone.md"
    assert (events[5]["added"], events[5]["removed"], events[5]["warnings"]) == (1, 1, 2)


def test_a_failure_has_its_code_and_an_unharmed_file_no_line():
    assert problem_lines(FAILED) == ["  failed   a.pdf: it is damaged (invalid_file)"]
    assert problem_lines(FileOutcome("c.pdf", "added")) == problem_lines(None) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_durations_are_said_in_their_two_largest_units(seconds, said):
    assert duration(seconds) == said


def test_the_pace_is_that_of_late():
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.per_second == 0
    for second in range(1, 101):
        now[0] = float(second)
        pace.note(10.0 * min(second, 50) + 2.0 * max(0, second - 50))
    assert pace.per_second == pytest.approx(2.0)


def test_the_pace_falls_while_nothing_is_done():
    now = [0.0]
    pace = Pace(lambda: now[0])
    now[0] = 1.0
    pace.note(10)
    now[0] = 2 * RECENT_SECONDS
    pace.note(10)
    assert 0 <= pace.per_second < 10
