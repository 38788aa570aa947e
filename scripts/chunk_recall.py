#!/usr/bin/env python3
"""Measure how much of the gold text search brings back, beside what peers do with the same chunks.

    python scripts/chunk_recall.py DATA_DIR [--by-file] [--limit N] [--json]

DATA_DIR holds `corpora/*.md`, `queries.jsonl` ({"_id", "text"}) and `answers.jsonl` ({"query_id",
"file", "references": [{"content", "start_index", "end_index"}]}): the general evaluation data of
github.com/brandonstarxel/chunking_evaluation, as lines of JSON.

The files are ingested as files into a temporary index. For each question, recall at k is the share
of its gold characters that the first k results cover together; shown is the mean over questions,
for three systems over the same chunks of 800 tokens, 400 of them shared:

- ours: `FileSearch.search`, which cuts its passages to what is new;
- truncated: each chunk embedded once with the same embedder, which reads only its first word
  pieces; ranked by cosine similarity;
- BM25: `rank_bm25.BM25Okapi` over the terms of the chunks.

Beside it stand the characters that the first k results hold: the context that would be spent.
The interval is a paired bootstrap over questions of the difference in recall at 5.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rank_bm25 import BM25Okapi

from filesearch import FileSearch, FilesearchError
from filesearch.adapters import make_embedder
from filesearch.chunk import chunk_document
from filesearch.config import BUNDLED_EMBEDDER
from filesearch.load.clean import clean_text
from filesearch.protocols import Embedder
from filesearch.terms import extract_terms, query_terms
from filesearch.types import ChunkSettings, FloatMatrix

DEPTHS = (3, 5)
RESAMPLES = 10_000
EMBED_TEXTS = 256


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters start..end - 1 of a file's document."""

    file: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the stretches that answer it, all of one file."""

    text: str
    file: str
    gold: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one system: recall and characters returned, float64 (n_questions,) for each depth."""

    recall: dict[int, npt.NDArray[np.float64]]
    characters: dict[int, npt.NDArray[np.float64]]


def read_questions(data: Path, texts: dict[str, str], limit: int | None) -> list[Question]:
    """Return the questions with gold stretches in the documents' characters.

    Args:
        data: The data folder.
        texts: Document text by file name.
        limit: Take this many, spread evenly over all; None takes all.

    Raises:
        SystemExit: A gold stretch is not in its document.
    """
    wording = {line["_id"]: line["text"] for line in read_lines(data / "queries.jsonl")}
    answers = read_lines(data / "answers.jsonl")
    if limit is not None and limit < len(answers):
        answers = [answers[i * len(answers) // limit] for i in range(limit)]
    questions = []
    for answer in answers:
        file = answer["file"]
        gold = []
        for reference in answer["references"]:
            start = find_gold(texts[file], reference["content"], reference["start_index"])
            if start < 0:
                sys.exit(f"error: {file} lacks the gold text {reference['content'][:80]!r}")
            gold.append(Stretch(file, start, start + len(clean_text(reference["content"]))))
        questions.append(Question(wording[answer["query_id"]], file, tuple(gold)))
    return questions


def read_lines(path: Path) -> list[dict[str, object]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def find_gold(text: str, content: str, start: int) -> int:
    """Return where `content` stands in a document's text, nearest to `start`; -1 if nowhere.

    Positions count characters of the raw file; loading may have moved them a little.
    """
    content = clean_text(content)
    if text.startswith(content, start):
        return start
    before = text.rfind(content, 0, start + len(content))
    after = text.find(content, start)
    found = [position for position in (before, after) if position >= 0]
    return min(found, key=lambda position: abs(position - start), default=-1)


def covered(gold: Sequence[Stretch], returned: Sequence[Stretch]) -> float:
    """Return the share of the gold characters that lie in `returned`; a character counts once."""
    wanted = np.zeros(max(stretch.end for stretch in gold), dtype=bool)
    for stretch in gold:
        wanted[stretch.start : stretch.end] = True
    missing = wanted.copy()
    for stretch in returned:
        if stretch.file == gold[0].file:
            missing[stretch.start : stretch.end] = False
    return 1.0 - missing.sum() / wanted.sum()


def judge(questions: Sequence[Question], returned: Sequence[Sequence[Stretch]]) -> Outcome:
    """Return recall and characters of one system's results, best first for each question."""
    pairs = list(zip(questions, returned, strict=True))
    return Outcome(
        recall={k: np.array([covered(q.gold, found[:k]) for q, found in pairs]) for k in DEPTHS},
        characters={
            k: np.array([float(sum(s.end - s.start for s in found[:k])) for _, found in pairs])
            for k in DEPTHS
        },
    )


def search_chunks(
    questions: Sequence[Question], texts: dict[str, str], embedder: Embedder
) -> dict[str, list[list[Stretch]]]:
    """Return what truncated-chunk embeddings and BM25 bring back, by system."""
    chunks = [
        Stretch(file, chunk.start, chunk.end)
        for file, text in texts.items()
        for chunk in chunk_document(text, ChunkSettings())
    ]
    bodies = [texts[chunk.file][chunk.start : chunk.end] for chunk in chunks]
    vectors: FloatMatrix = np.concatenate(
        [
            embedder.embed_texts(bodies[i : i + EMBED_TEXTS])
            for i in range(0, len(bodies), EMBED_TEXTS)
        ]
    )
    bm25 = BM25Okapi([extract_terms(body) for body in bodies])
    truncated, keyword = [], []
    for question in questions:
        for scores, returned in (
            (vectors @ embedder.embed_query(question.text), truncated),
            (bm25.get_scores(query_terms(question.text)), keyword),
        ):
            best = np.argsort(-scores, kind="stable")[: max(DEPTHS)]
            returned.append([chunks[i] for i in best])
    return {"truncated": truncated, "BM25": keyword}


def interval(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> list[float]:
    """Return mean and 95% interval of ours minus theirs, by a paired bootstrap over questions."""
    difference = ours - theirs
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(difference), size=(RESAMPLES, len(difference)))
    means = difference[drawn].mean(axis=1)
    return [float(difference.mean()), *map(float, np.quantile(means, (0.025, 0.975)))]


def measure(data: Path, embedder: Embedder, limit: int | None) -> dict[str, object]:
    """Return all figures: over all questions and by file."""
    files = sorted((data / "corpora").glob("*.md"))
    with (
        tempfile.TemporaryDirectory() as directory,
        FileSearch(Path(directory) / "index", embedder=embedder) as fs,
    ):
        report = fs.ingest(files)
        for outcome in report.failed:
            sys.exit(f"error: {outcome.filename} was not ingested: {outcome.error}")
        texts = {record.filename: fs.document(record.id).text for record in fs.files()}
        questions = read_questions(data, texts, limit)
        ours, latencies = [], []
        for question in questions:
            started = time.perf_counter()
            results = fs.search(question.text, top_k=max(DEPTHS))
            latencies.append(time.perf_counter() - started)
            ours.append([Stretch(r.filename, r.start, r.end) for r in results])
    returned = {"ours": ours, **search_chunks(questions, texts, embedder)}
    outcomes = {system: judge(questions, found) for system, found in returned.items()}
    groups = {"all": np.ones(len(questions), dtype=bool)}
    for file in texts:
        mine = np.array([question.file == file for question in questions])
        if mine.any():
            groups[file] = mine
    return {
        "files": len(texts),
        "characters": sum(map(len, texts.values())),
        "windows": sum(outcome.windows for outcome in report.outcomes),
        "chunks": sum(outcome.chunks for outcome in report.outcomes),
        "search_p50_ms": float(np.median(latencies)) * 1e3,
        "groups": {name: figures(outcomes, mine) for name, mine in groups.items()},
    }


def figures(outcomes: dict[str, Outcome], mine: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Return the means over the questions of `mine`, and ours minus each of the others."""
    deepest = max(DEPTHS)
    ours = outcomes["ours"].recall[deepest][mine]
    return {
        "questions": int(mine.sum()),
        "systems": {
            system: {
                **{f"recall@{k}": float(outcome.recall[k][mine].mean()) for k in DEPTHS},
                **{f"characters@{k}": float(outcome.characters[k][mine].mean()) for k in DEPTHS},
            }
            for system, outcome in outcomes.items()
        },
        f"ours_minus_at_{deepest}": {
            system: interval(ours, outcome.recall[deepest][mine])
            for system, outcome in outcomes.items()
            if system != "ours"
        },
    }


def render(result: dict[str, object], *, by_file: bool) -> str:
    """Return the figures as one Markdown table."""
    lines = [
        "| questions of | n | system | recall@3 | recall@5 | characters@3 | characters@5 "
        "| ours - it, @5 [95%] |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, group in result["groups"].items():
        if name != "all" and not by_file:
            continue
        for system, row in group["systems"].items():
            gap = group["ours_minus_at_5"].get(system)
            shown = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gap) if gap else ""
            lines.append(
                f"| {name} | {group['questions']} | {system} | {row['recall@3']:.3f} "
                f"| {row['recall@5']:.3f} | {row['characters@3']:,.0f} "
                f"| {row['characters@5']:,.0f} | {shown} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder with the test data")
    parser.add_argument("--by-file", action="store_true", help="show each file on its own as well")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="ask only N questions, spread over all of them"
    )
    parser.add_argument(
        "--embedder",
        default=BUNDLED_EMBEDDER,
        metavar="NAME",
        help="what embeds, for ours and for truncated chunks [default: %(default)s]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    for name in ("corpora", "queries.jsonl", "answers.jsonl"):
        if not (args.data / name).exists():
            sys.exit(f"error: '{args.data}' has no '{name}'; --help says what it should hold")
    if args.limit is not None and args.limit < 1:
        sys.exit(f"error: --limit is {args.limit}; choose at least 1")

    try:
        result = measure(args.data, make_embedder(args.embedder), args.limit)
    except FilesearchError as error:
        sys.exit(f"error: {error}")
    print(json.dumps(result) if args.json else render(result, by_file=args.by_file))


if __name__ == "__main__":
    main()
