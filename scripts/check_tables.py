"""Check that rows of financial tables come out of PDFs whole: the label and its numbers on a line.

    scripts/check_tables.py DIR [--json] [--count 50] [--least 45]

DIR is laid out as FinanceBench is kept for development: `answers.jsonl` (questions with the text of
their evidence, as people marked it in the filing), `queries.jsonl` and `pdfs/`. Which rows count is
settled by that data alone, before any PDF is read:

1. evidence whose PDF is there and whose text is a table: at least three rows of a label with two
   or more numbers, not all of them years (such a row is a header);
2. of each table the rows that the answer is about: those whose numbers stand in the answer or its
   justification, then those that share most words with question and justification;
3. one row of every table in the order of the file, then a second of every table, until there are
   `--count`.

A row is found when one line of the page holds its label and after it its numbers in order, brackets
of negative ones included. Spaces within a label do not count: some of the evidence has lost its
own. Exit status 1 when fewer than `--least` are found.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from filesearch.errors import InvalidFile
from filesearch.load.process.isolation import Loader
from filesearch.types import Document

_NUMBER = re.compile(r"\(?\d[\d,]*(?:\.\d+)?\)?")
_CELL = re.compile(r"[$€£]?\s*\(?[$€£]?\s*\d[\d,]*(?:\.\d+)?\s*\)?\s*%?\)?|[-–—$€£%)]+|\)\s*%")
_TOKEN = re.compile(r"\(?\d[\d,]*(?:\.\d+)?\)?|[^\W\d_]+")
_TRAILING = re.compile(
    r"(?P<label>.*?[^\W\d_].*?)\s+(?P<cells>(?:[$€£(]*\s?\d[\d,.]*[)%]*\s*|[-–—]\s+)+)$"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_STOP = frozenset("the a an of in and for to is are was from on by as at or with what".split())


class Row(NamedTuple):
    """A row of a table as the evidence has it, and where."""

    question: str
    document: str
    page: int  # from 1
    label: str
    numbers: tuple[str, ...]


def rows_of(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the rows of a table whose cells stand on lines of their own, or all on one line."""
    found: list[tuple[str, list[str]]] = []
    label, cells = "", list[str]()
    for raw in [*text.split("\n"), "end of the table"]:
        line = " ".join(raw.split())
        if not line:
            continue
        if _CELL.fullmatch(line):
            cells += _NUMBER.findall(line)
            continue
        if cells and label:
            found.append((label, cells))
        whole = _TRAILING.fullmatch(line)
        goes_on = not cells and label and line[0].islower()
        name = whole["label"] if whole else line
        label = f"{label} {name}" if goes_on else name
        cells = _NUMBER.findall(whole["cells"]) if whole else []
    return [
        (label, tuple(cells))
        for label, cells in found
        if len(cells) >= 2 and _words(label) and not all(map(_YEAR.fullmatch, cells))
    ]


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[^\W\d_]{2,}", text)} - _STOP


def choose(directory: Path, count: int) -> list[Row]:
    """Return the rows to look for, by the rule at the top of this file."""
    lines = (directory / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    questions = {entry["_id"]: entry["text"] for entry in map(json.loads, lines)}
    tables: list[list[Row]] = []
    seen: set[tuple[str, int, str]] = set()
    for line in (directory / "answers.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        about = " ".join([*entry["answers"], entry["justification"] or ""])
        for evidence in entry["evidence"]:
            if not (directory / "pdfs" / f"{evidence['doc']}.pdf").is_file():
                continue
            rows = rows_of(evidence["text"])
            if len(rows) < 3:
                continue
            told = set(_NUMBER.findall(about))
            words = _words(f"{about} {questions[entry['query_id']]}")
            ranked = sorted(
                rows,
                key=lambda row: (
                    -len(told & set(row[1])),
                    -len(words & _words(row[0])) / len(_words(row[0])),
                ),
            )
            place = evidence["doc"], evidence["page"] + 1
            fresh = [row for row in ranked if (*place, row[0]) not in seen]
            seen |= {(*place, row[0]) for row in fresh}
            tables.append([Row(entry["query_id"], *place, *row) for row in fresh])
    by_turns = [t[turn] for turn in range(max(map(len, tables))) for t in tables if turn < len(t)]
    return by_turns[:count]


def is_found(row: Row, lines: Iterator[str]) -> bool:
    """Whether one of the lines holds the label and then the numbers."""
    label = "".join(_tokens(row.label))
    numbers = [_plain(number) for number in row.numbers]
    for line in lines:
        tokens = _tokens(line)
        for start in range(len(tokens)):
            name = "".join(tokens[start:])
            if not name.startswith(label):
                continue
            end = start
            while len("".join(tokens[start:end])) < len(label):
                end += 1
            rest = iter(tokens[end:])
            if all(number in rest for number in numbers):
                return True
    return False


def _tokens(text: str) -> list[str]:
    closed = re.sub(r"\(\s*[$€£]?\s*(?=\d)", "(", re.sub(r"(?<=\d)\s+\)", ")", text))
    return [_plain(token) for token in _TOKEN.findall(closed)]


def _plain(token: str) -> str:
    """Return a token without the differences that say nothing: case, one bracket of a pair."""
    if token.startswith("(") != token.endswith(")"):
        token = token.strip("()")
    return token.lower()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--least", type=int, default=45)
    arguments = parser.parse_args()
    rows = choose(arguments.directory, arguments.count)
    missed: list[Row] = []
    with Loader(timeout_s=120) as loader:

        @functools.cache
        def load(name: str) -> Document | None:
            path = arguments.directory / "pdfs" / f"{name}.pdf"
            try:
                return loader.load(path.read_bytes(), path.name)
            except InvalidFile:
                return None

        for row in rows:
            document = load(row.document)
            spans = document.spans if document else ()
            pages = [s for s in spans if s.kind == "page" and s.number == row.page]
            text = document.text[pages[0].start : pages[0].end] if document and pages else ""
            if not is_found(row, iter(text.split("\n"))):
                missed.append(row)
    found = len(rows) - len(missed)
    if arguments.json:
        print(
            json.dumps({"rows": len(rows), "found": found, "missed": [m._asdict() for m in missed]})
        )
    else:
        for row in missed:
            print(f"missed  {row.document} p. {row.page}: {row.label} {' '.join(row.numbers)}")
        tables = len({(row.document, row.page) for row in rows})
        print(f"{found} of {len(rows)} rows found, of {tables} tables in the filings")
    return 0 if found >= min(arguments.least, arguments.count) else 1


if __name__ == "__main__":
    sys.exit(main())
