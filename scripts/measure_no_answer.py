#!/usr/bin/env python3
"""Print how well the extractive answer knows what it cannot answer.

    python scripts/measure_no_answer.py DATA_DIR [--sample 500] [--index-cache DIR] [--json]

DATA_DIR holds squad20_dev and, for a second look, mtrag_un_closed_dev: corpus.jsonl,
queries.jsonl, answers.jsonl. Of the first, `--sample` answerable and as many unanswerable questions
are asked as `ask` does, over all paragraphs ingested as documents under their ids; of the second,
every question with its history that is marked ANSWERABLE or UNANSWERABLE. Printed is

- for answerable ones of the first set, how often the passage of the first citation, or of any
  citation, holds a gold answer, and how often a quote does; where it declines, nothing is cited;
- which share of either kind is declined as shipped, with precision and recall of declining;
- which share of unanswerable ones is declined where 10% and 15% of the answerable ones are, and the
  area under the ROC curve, by the probability of filesearch/answerable.py in all questions and by
  the support of the best sentence (the rule where there is no probability).

The shipped weights and the answer reader learned from squad20_dev: for articles that had no part in
that see scripts/train_answerable.py. Of the second set the reader has learned from texts, but from
none of the questions.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from filesearch import FileSearch
from filesearch.adapters import make_embedder
from filesearch.answer import MAX_PASSAGES, pick_sentences, rank_sentences
from filesearch.evaluation.reading import read_set
from filesearch.protocols import Embedder
from filesearch.quotable import find_sentences
from filesearch.types import Turn

SQUAD, MTRAG = "squad20_dev", "mtrag_un_closed_dev"


@dataclass(frozen=True)
class Question:
    """A question, what was said before, and its gold answers; none for one without an answer."""

    text: str
    history: tuple[Turn, ...]
    gold: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a question.

    Attributes:
        is_answerable, is_declined: What it is, and what was made of it.
        support, probability: Of the best sentence and of the passages; where those are not judged,
            0 if the support declines it and 1 if not.
        in_first, in_any, in_quote: Whether the passage of the first citation, that of any, or any
            quote holds a gold answer.
    """

    is_answerable: bool
    is_declined: bool
    support: float
    probability: float
    in_first: bool = False
    in_any: bool = False
    in_quote: bool = False


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def draw_squad(folder: Path, count: int) -> list[Question]:
    """Return `count` answerable and as many unanswerable questions."""
    texts = {line["_id"]: line["text"] for line in read_lines(folder / "queries.jsonl")}
    kinds: dict[bool, list[Question]] = {True: [], False: []}
    for line in read_lines(folder / "answers.jsonl"):
        gold = () if line["is_impossible"] else tuple(line["answers"])
        kinds[bool(gold)].append(Question(texts[line["query_id"]], (), gold))
    rng = random.Random(7)
    return [q for found in kinds.values() for q in rng.sample(found, min(count, len(found)))]


def draw_mtrag(folder: Path) -> list[Question]:
    """Return every turn that is marked as answerable or not."""
    lines = {line["_id"]: line for line in read_lines(folder / "queries.jsonl")}
    questions = []
    for answer in read_lines(folder / "answers.jsonl"):
        [mark] = answer["answerability"]
        if mark in ("ANSWERABLE", "UNANSWERABLE"):
            line = lines[answer["query_id"]]
            said = line.get("metadata", {}).get("history", [])
            history = tuple(
                Turn("user" if turn["role"] == "user" else "assistant", turn["text"])
                for turn in said
            )
            gold = tuple(answer["answers"]) if mark == "ANSWERABLE" else ()
            questions.append(Question(line["text"], history, gold))
    return questions


def squash(text: str) -> str:
    """Return the letters and digits of `text`."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def ask(fs: FileSearch, embedder: Embedder, question: Question) -> Outcome:
    """Answer a question as `FileSearch.ask` does, and look at what it decides by."""
    plan = fs.plan(question.text, history=question.history)
    results = fs.search(plan)
    sentences = find_sentences(results[:MAX_PASSAGES])
    if not sentences:
        return Outcome(bool(question.gold), True, 0.0, 0.0)
    wanted = plan.queries[0] if plan.queries else question.text
    ranking = rank_sentences(wanted, sentences, results, embedder)
    picked = pick_sentences(sentences, ranking)
    gold = [squash(answer) for answer in question.gold]
    passages = [squash(results[sentences[i].passage].text) for i in picked]
    quotes = [squash(sentences[i].text) for i in picked]
    return Outcome(
        is_answerable=bool(gold),
        is_declined=not picked,
        support=float(ranking.support[ranking.scores.argmax()]),
        probability=float(bool(picked)) if ranking.probability is None else ranking.probability,
        in_first=any(answer in passage for answer in gold for passage in passages[:1]),
        in_any=any(answer in passage for answer in gold for passage in passages),
        in_quote=any(answer in quote for answer in gold for quote in quotes),
    )


def run(folder: Path, index: Path, questions: list[Question]) -> list[Outcome]:
    """Ingest the set, unless the index has it, and ask every question."""
    with FileSearch(index) as fs:
        if not (fs.directory / "catalog.db").exists():
            corpus = read_set(folder).corpus
            assert not isinstance(corpus, Path), "the set has no corpus.jsonl"
            fs.ingest_documents(corpus)
        embedder = make_embedder(fs.settings.embedder)
        return [ask(fs, embedder, question) for question in questions]


def figures(outcomes: list[Outcome]) -> dict[str, float]:
    """Return the figures of a set; see the module."""
    good = [o for o in outcomes if o.is_answerable]
    bad = [o for o in outcomes if not o.is_answerable]
    declined = [o for o in outcomes if o.is_declined]
    found = {
        "answerable": len(good),
        "unanswerable": len(bad),
        "gold in passage of first citation": np.mean([o.in_first for o in good]),
        "gold in passage of any citation": np.mean([o.in_any for o in good]),
        "gold in a quote": np.mean([o.in_quote for o in good]),
        "answerable declined": np.mean([o.is_declined for o in good]),
        "unanswerable declined (recall)": np.mean([o.is_declined for o in bad]),
        "precision of declining": np.mean([not o.is_answerable for o in declined or good]),
    }
    for name in ("probability", "support"):
        yes = np.array([getattr(o, name) for o in good])
        no = np.array([getattr(o, name) for o in bad])
        for share in (0.10, 0.15):
            limit = np.quantile(yes, share, method="lower")
            found[f"unanswerable declined at {share:.0%} by {name}"] = np.mean(no < limit)
        above = np.mean(yes[:, None] > no) + np.mean(yes[:, None] == no) / 2
        found[f"AUROC of {name}"] = above
    return {name: round(float(value), 3) for name, value in found.items()}


def main() -> int:
    """Print the figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the sets")
    parser.add_argument("--sample", type=int, default=500, help="questions of a kind [500]")
    parser.add_argument(
        "--index-cache", type=Path, help="keep the indexes in this folder, or use them again"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    options = parser.parse_args()
    if not (options.data / SQUAD / "answers.jsonl").is_file():
        parser.error(f"no {SQUAD}/answers.jsonl in '{options.data}'")
    sets = {SQUAD: draw_squad(options.data / SQUAD, options.sample)}
    if (options.data / MTRAG / "answers.jsonl").is_file():
        sets[MTRAG] = draw_mtrag(options.data / MTRAG)
    report = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, questions in sets.items():
            index = (options.index_cache or Path(scratch)) / name
            report[name] = run(options.data / name, index, questions)
    if options.json:
        print(json.dumps({name: [asdict(o) for o in found] for name, found in report.items()}))
        return 0
    for name, outcomes in report.items():
        print(f"\n| {name} | |\n|---|---|")
        for label, value in figures(outcomes).items():
            if name == SQUAD or not label.startswith("gold"):
                print(f"| {label} | {value:g} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
