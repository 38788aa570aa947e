#!/usr/bin/env python3
"""Ask the questions of `sample_docs/` and count how many are found and answered right.

    python scripts/sample_questions.py [--index DIR] [--documents DIR] [--json]

`sample_docs/` is ingested into a temporary index (or into DIR, which is kept), then each line of
its `questions.jsonl` is searched and asked with the defaults. Counted are questions

- found: the right file is among the first three results;
- file: the answer cites the right file;
- page: the answer cites the right file on the right page; the file alone where it has no pages;
- fact: a quote from the right file holds the words that answer (for information: no gate).

Misses are listed with what came instead. Exit code 1 below 28 found or 25 with the right page.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path

from filesearch import FileSearch, FilesearchError
from filesearch.types import Answer

SAMPLE_DOCS = Path(__file__).resolve().parent.parent / "sample_docs"
FOUND_WITHIN = 3
MIN_FOUND = 28
MIN_PAGE = 25
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one question went.

    Attributes:
        id, question, language: As in the questions file.
        want: The file (and page) that answers.
        is_found, is_file_cited, is_page_cited, is_fact_quoted: See the module.
        found: The first results, as "file p. page", best first.
        cited: The citations, as "file p. page: quote"; empty when it declined.
    """

    id: str
    question: str
    language: str
    want: str
    is_found: bool
    is_file_cited: bool
    is_page_cited: bool
    is_fact_quoted: bool
    found: tuple[str, ...]
    cited: tuple[str, ...]


def judge(question: dict[str, str | int | None], answer: Answer) -> Verdict:
    """Compare an answer and its results with what the questions file says."""
    file, page = str(question["file"]), question["page"]
    fact = squash(str(question["answer"]))
    right = [citation for citation in answer.citations if citation.filename == file]
    return Verdict(
        id=str(question["id"]),
        question=str(question["question"]),
        language=str(question["language"]),
        want=place(file, page),
        is_found=file in [result.filename for result in answer.results[:FOUND_WITHIN]],
        is_file_cited=bool(right),
        is_page_cited=any(page is None or citation.page == page for citation in right),
        is_fact_quoted=any(fact in squash(citation.quote) for citation in right),
        found=tuple(place(r.filename, r.page) for r in answer.results[:FOUND_WITHIN]),
        cited=tuple(
            f"{place(c.filename, c.page)}: {' '.join(c.quote.split())[:_SHOWN]}"
            for c in answer.citations
        ),
    )


def place(file: str, page: object) -> str:
    """Return how a file and its page are shown."""
    return file if page is None else f"{file} p. {page}"


def squash(text: str) -> str:
    """Return the letters and digits of `text`, so that line breaks and marks do not count."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def ask_all(documents: Path, index: Path) -> list[Verdict]:
    """Ingest `documents` into `index` and ask every question.

    Raises:
        SystemExit: A document cannot be read.
    """
    lines = (documents / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines if line.strip()]
    with FileSearch(index) as fs:
        report = fs.ingest(documents)
        for outcome in report.failed:
            sys.exit(f"error: {outcome.filename} was not ingested: {outcome.error}")
        return [judge(question, fs.ask(question["question"])) for question in questions]


def render(verdicts: list[Verdict]) -> str:
    """Return the counts as a Markdown table and, below it, what missed."""
    rows = [
        ("right file among the first three", [v.is_found for v in verdicts], f">= {MIN_FOUND}"),
        ("answer cites the right file", [v.is_file_cited for v in verdicts], ""),
        ("... on the right page", [v.is_page_cited for v in verdicts], f">= {MIN_PAGE}"),
        ("... and quotes the fact", [v.is_fact_quoted for v in verdicts], ""),
    ]
    lines = ["| of all questions | count | of | target |", "|---|---|---|---|"]
    lines += [f"| {name} | {sum(hits)} | {len(hits)} | {target} |" for name, hits, target in rows]
    for verdict in verdicts:
        if verdict.is_found and verdict.is_page_cited and verdict.is_fact_quoted:
            continue
        missed = [
            name
            for name, is_hit in (
                ("not found", verdict.is_found),
                ("page not cited" if verdict.is_file_cited else "not cited", verdict.is_page_cited),
                ("fact not quoted", verdict.is_fact_quoted),
            )
            if not is_hit
        ]
        lines += ["", f"{verdict.id} {', '.join(missed)}: {verdict.question}"]
        lines.append(f"  wanted {verdict.want}")
        lines.append(f"  found  {' | '.join(verdict.found) or 'nothing'}")
        lines += [f"  cited  {cited}" for cited in verdict.cited or ("nothing: it declined",)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--index", type=Path, metavar="DIR", help="keep the index in DIR instead of a temporary one"
    )
    parser.add_argument(
        "--documents",
        type=Path,
        default=SAMPLE_DOCS,
        metavar="DIR",
        help="folder with the documents and questions.jsonl [default: sample_docs]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    if not (args.documents / "questions.jsonl").is_file():
        sys.exit(f"error: '{args.documents}' has no questions.jsonl; give the folder that has one")

    try:
        if args.index:
            verdicts = ask_all(args.documents, args.index)
        else:
            with tempfile.TemporaryDirectory() as directory:
                verdicts = ask_all(args.documents, Path(directory) / "index")
    except FilesearchError as error:
        sys.exit(f"error: {error}")
    found = sum(verdict.is_found for verdict in verdicts)
    pages = sum(verdict.is_page_cited for verdict in verdicts)
    if args.json:
        figures = {
            "questions": len(verdicts),
            "found": found,
            "file_cited": sum(verdict.is_file_cited for verdict in verdicts),
            "page_cited": pages,
            "fact_quoted": sum(verdict.is_fact_quoted for verdict in verdicts),
            "verdicts": [asdict(verdict) for verdict in verdicts],
        }
        print(json.dumps(figures, ensure_ascii=False))
    else:
        print(render(verdicts))
    if found < MIN_FOUND or pages < MIN_PAGE:
        sys.exit(1)


if __name__ == "__main__":
    main()
