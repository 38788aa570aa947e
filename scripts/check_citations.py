#!/usr/bin/env python3
"""Ask questions of a folder of real PDFs and check that every citation stands where it says.

    python scripts/check_citations.py FOLDER --questions FILE.jsonl [--limit 200] [--index DIR]

FILE.jsonl has one {"_id", "text"} a line. The folder is ingested (into a temporary index, or into
DIR, which is kept), each question is asked with the defaults, and each citation must keep three
rules:

- quote: `document.text[start:end] == quote`;
- span: the page it names is the page span of the document that holds `start`;
- page: its letters and digits (NFKC, lower case) follow each other in what pypdf's plain
  `extract_text` gives for that page of the PDF itself, or for that page and the next one together.
  In heads of tables pypdf gives the lines of a cell one under the other, we a row at a time: there
  all words of the quote must stand on the page, as often as in the quote; how many quotes needed
  that is counted. This rule knows nothing of our spans.

How sharp the last rule is shows in the control: the share of the quotes that could as well stand
two pages further on. Exit code 1 when any rule is broken, or there was no citation
to check.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import statistics
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

from pypdf import PdfReader

from filesearch import FileSearch, FilesearchError
from filesearch.types import Citation, Document

RULES = ("quote", "span", "page")
_SHOWN_VIOLATIONS = 5
_SHOWN = 160


class PageTexts:
    """The text of PDF pages, as pypdf alone finds it.

    Args:
        folder: Where the PDFs lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = cache(PdfReader)
        self._page = cache(self._read)
        self._squashed = cache(lambda filename, number: squash(self._page(filename, number)))

    def _read(self, filename: str, number: int) -> str:
        pages = self._reader(self._folder / filename).pages
        return pages[number - 1].extract_text() if 1 <= number <= len(pages) else ""

    def holds(self, filename: str, number: int, quote: str) -> bool:
        """Say whether `quote` stands on page `number`, counted from 1, or runs over its end."""
        wanted = squash(quote)
        page = self._squashed(filename, number)
        return wanted in page or wanted in page + self._squashed(filename, number + 1)

    def holds_words(self, filename: str, number: int, quote: str) -> bool:
        """Say whether all words of `quote` stand there, in whatever order."""
        page = f"{self._page(filename, number)}\n{self._page(filename, number + 1)}"
        return words_of(quote) <= words_of(page)


def words_of(text: str) -> Counter[str]:
    """Return the words of `text` under NFKC, in lower case, and how often each stands in it."""
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower()))


def squash(text: str) -> str:
    """Return the letters and digits of `text` under NFKC, in lower case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def broken_rules(citation: Citation, document: Document, pages: PageTexts) -> list[str]:
    """Return which of `RULES` the citation breaks."""
    broken = []
    if document.text[citation.start : citation.end] != citation.quote or not citation.quote:
        broken.append("quote")
    spans = [
        span.number
        for span in document.spans
        if span.kind == "page" and span.start <= citation.start < span.end
    ]
    if spans != [citation.page]:
        broken.append("span")
    where = (citation.filename, citation.page or 0, citation.quote)
    if not pages.holds(*where) and not pages.holds_words(*where):
        broken.append("page")
    return broken


def check(folder: Path, questions: list[str], index: Path) -> dict[str, object]:
    """Ingest `folder`, ask `questions`, check all citations; returns the figures."""
    pages = PageTexts(folder)
    documents: dict[str, Document] = {}
    latencies: list[float] = []
    cited_places: set[tuple[str, int, int]] = set()
    violations: list[dict[str, object]] = []
    answered = citations = rearranged = elsewhere = 0
    with FileSearch(index) as fs:
        report = fs.ingest(folder)
        for record in fs.files():
            if record.status == "completed":
                documents[record.id] = fs.document(record.id)
        if not documents:
            sys.exit(f"error: nothing in '{folder}' could be ingested")
        for question in questions:
            started = time.perf_counter()
            answer = fs.ask(question)
            latencies.append(time.perf_counter() - started)
            answered += answer.is_answered
            for citation in answer.citations:
                citations += 1
                cited_places.add((citation.file_id, citation.start, citation.end))
                broken = broken_rules(citation, documents[citation.file_id], pages)
                violations += [
                    {
                        "rule": rule,
                        "question": question,
                        "file": citation.filename,
                        "page": citation.page,
                        "start": citation.start,
                        "end": citation.end,
                        "quote": citation.quote,
                    }
                    for rule in broken
                ]
                page = citation.page or 0
                rearranged += not pages.holds(citation.filename, page, citation.quote)
                further = (citation.filename, page + 2, citation.quote)
                elsewhere += pages.holds(*further) or pages.holds_words(*further)
    by_rule = Counter(str(violation["rule"]) for violation in violations)
    spans = [span for document in documents.values() for span in document.spans]
    return {
        "ingest_s": report.seconds,
        "files": len(documents),
        "failed": [f"{outcome.filename}: {outcome.error}" for outcome in report.failed],
        "pages": sum(span.kind == "page" for span in spans),
        "characters": sum(len(document.text) for document in documents.values()),
        "windows": sum(outcome.windows for outcome in report.outcomes),
        "questions": len(questions),
        "answered": answered,
        "declined": len(questions) - answered,
        "citations": citations,
        "distinct_places": len(cited_places),
        "files_cited": len({file_id for file_id, _, _ in cited_places}),
        "broken": {rule: by_rule[rule] for rule in RULES},
        "rearranged": rearranged,
        "control_share": elsewhere / citations if citations else 0.0,
        "ask_p50_ms": statistics.median(latencies) * 1e3,
        "ask_max_ms": max(latencies) * 1e3,
        "violations": violations,
    }


def render(figures: dict[str, object]) -> str:
    """Return the figures as a Markdown table and, below it, the first violations."""
    shown = {
        "ingest, s": f"{figures['ingest_s']:.1f}",
        "files searchable": f"{figures['files']}",
        "files failed": f"{len(figures['failed'])}",
        "pages with text": f"{figures['pages']:,}",
        "characters": f"{figures['characters']:,}",
        "windows": f"{figures['windows']:,}",
        "questions": f"{figures['questions']}",
        "answered / declined": f"{figures['answered']} / {figures['declined']}",
        "citations": f"{figures['citations']}",
        "distinct places cited": f"{figures['distinct_places']}",
        "files cited": f"{figures['files_cited']}",
        **{f"rule '{rule}' broken": f"{count}" for rule, count in figures["broken"].items()},
        "on its page in another order": f"{figures['rearranged']}",
        "control: also stands 2 pages on": f"{figures['control_share']:.1%}",
        "ask, median ms": f"{figures['ask_p50_ms']:.0f}",
        "ask, longest ms": f"{figures['ask_max_ms']:.0f}",
    }
    lines = ["| what | figure |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in shown.items()]
    lines += [f"failed: {failure}" for failure in figures["failed"]]
    for rule in RULES:
        broken = [found for found in figures["violations"] if found["rule"] == rule]
        for found in broken[:_SHOWN_VIOLATIONS]:
            lines += [
                "",
                f"rule '{rule}': {found['file']} p. {found['page']}, "
                f"{found['start']}-{found['end']}: {found['quote'][:_SHOWN]!r}",
                f"  asked: {found['question'][:_SHOWN]}",
            ]
    return "\n".join(lines)


def read_questions(path: Path, limit: int) -> list[str]:
    """Return the text of the first `limit` lines."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [json.loads(line)["text"] for line in lines[:limit]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder with the PDFs")
    parser.add_argument(
        "--questions",
        type=Path,
        required=True,
        metavar="FILE.jsonl",
        help='what to ask: one {"_id", "text"} a line',
    )
    parser.add_argument(
        "--limit", type=int, default=200, help="ask at most so many [default: %(default)s]"
    )
    parser.add_argument(
        "--index", type=Path, metavar="DIR", help="keep the index in DIR instead of a temporary one"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    if not args.folder.is_dir():
        sys.exit(f"error: '{args.folder}' is not a folder; give one with PDFs")
    if not args.questions.is_file():
        sys.exit(f"error: '{args.questions}' does not exist; give a file of JSON lines")
    if args.limit < 1:
        sys.exit(f"error: --limit is {args.limit}; choose at least 1")
    questions = read_questions(args.questions, args.limit)
    if not questions:
        sys.exit(f"error: '{args.questions}' holds no question")

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        if args.index:
            figures = check(args.folder, questions, args.index)
        else:
            with tempfile.TemporaryDirectory() as directory:
                figures = check(args.folder, questions, Path(directory) / "index")
    except FilesearchError as error:
        sys.exit(f"error: {error}")
    print(json.dumps(figures, ensure_ascii=False) if args.json else render(figures))
    if not figures["citations"]:
        sys.exit("error: no answer had a citation, so that nothing was checked")
    if figures["violations"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
