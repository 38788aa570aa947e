#!/usr/bin/env python3
"""Train the weights that tell whether passages answer, and print what they bring elsewhere.

    python scripts/train_answerable.py SET [--readings FILE] [--index DIR] [--rows FILE] [--write]

SET is squad20_dev or a set like it: corpus.jsonl, queries.jsonl, and answers.jsonl ({query_id,
corpus_id, is_impossible}), where a corpus_id is "article#paragraph". FILE is what
scripts/train_reader.py wrote, by itself for the packaged reader and squad20_dev: for each question
what the answer reader says of the passages found, when it had no article of theirs in its training.
The set's documents are ingested under their ids, every question is searched, and the evidence of
the best passage is taken as an answer takes it (filesearch/judge.py). Trained is logistic
regression with an L2 penalty, once with the evidence and once on the readings alone.

Printed is, for weights that never saw the article (five folds of articles, the reader's), which
share of the unanswerable questions is declined where 8%, 10% and 15% of the answerable ones are,
and the area under the ROC curve: for the evidence alone, the readings alone, both, and as the
answer weighs them, which gives questions in other words than the passage's the benefit of the
doubt; for those also what is declined at the threshold. `--write` trains on everything and writes
filesearch/data/answerable/weights.json. `--rows` keeps the evidence in a file.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from reader_training.examples import key_of
from reader_training.texts import read_lines
from scipy.optimize import minimize

from filesearch import FileSearch
from filesearch.adapters import BUNDLED_EMBEDDER, make_embedder
from filesearch.answer_reader import Reading
from filesearch.answerable import (
    FEATURE_NAMES,
    LENIENCE,
    READER_NAMES,
    USUALLY_LACKING,
    Asked,
    gather_evidence,
    reader_features,
    share_lacking,
)
from filesearch.evaluation.reading import read_set
from filesearch.judge import MAX_READ

WEIGHTS = Path(__file__).parents[1] / "filesearch" / "data" / "answerable" / "weights.json"
READINGS = Path(__file__).parent / "reader_training" / "readings.npz"
FloatArray = npt.NDArray[np.float64]
PENALTY = 10.0
# Logit below which a question is declined. At -1.4 the answered questions of sample_docs, which
# ask in other words than the documents', stay answered but for one of 22.
LEAST = -1.4


@dataclass(frozen=True)
class Rows:
    """Evidence and readings of questions.

    Attributes:
        features: float64 (n, len(FEATURE_NAMES) + len(READER_NAMES)).
        doubt: float64 (n,): what the answer adds to the logit for the words that a passage lacks.
        is_answer: bool (n,): whether the question has an answer.
        folds: int64 (n,): fold of its article.
    """

    features: FloatArray
    doubt: FloatArray
    is_answer: npt.NDArray[np.bool_]
    folds: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Line:
    """Weights float64 (n_features,) and offset of a logistic model."""

    weights: FloatArray
    offset: float


def gather_rows(source: Path, index: Path, readings: Path) -> Rows:
    """Return evidence and readings of the questions that were read."""
    texts = {line["_id"]: line["text"] for line in read_lines(source / "queries.jsonl")}
    answers = {line["query_id"]: line for line in read_lines(source / "answers.jsonl")}
    read = np.load(readings)
    id_of = {key_of(query_id): query_id for query_id in answers}
    rows = []
    with FileSearch(index) as fs:
        if not (fs.directory / "catalog.db").exists():
            corpus = read_set(source).corpus
            assert not isinstance(corpus, Path), "the set has no corpus.jsonl"
            fs.ingest_documents(corpus)
        embedder = make_embedder(fs.settings.embedder)
        embed_passage = lru_cache(maxsize=None)(embedder.embed_question)
        for key, fold, said in zip(read["keys"], read["folds"], read["readings"], strict=True):
            query_id = id_of[key]
            question = texts[query_id]
            found = fs.search(question)
            if not found:
                continue
            text = found[0].text
            asked, embedding = Asked.of(question, found), embedder.embed_question(question)
            evidence = gather_evidence(asked, embedding, text, embed_passage(text))
            seen = [Reading(float(a), float(b), 0, 0) for a, b in said[: min(MAX_READ, len(found))]]
            features = np.concatenate([evidence, reader_features(seen)])
            lacking = share_lacking(asked, text)
            doubt = 0.0 if lacking is None else LENIENCE * max(0.0, lacking - USUALLY_LACKING)
            is_answer = not answers[query_id]["is_impossible"]
            rows.append((features, doubt, is_answer, int(fold)))
    return Rows(*(np.array(column) for column in zip(*rows, strict=True)))


def fit(features: FloatArray, is_answer: npt.NDArray[np.bool_]) -> Line:
    """Return the model with the least penalised loss; features are standardised on the way."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    z = np.column_stack([(features - mean) / spread, np.ones(len(features))])
    sign = np.where(is_answer, 1.0, -1.0)

    def loss(w: FloatArray) -> tuple[float, FloatArray]:
        margin = sign * (z @ w)
        value = np.logaddexp(0, -margin).sum() + PENALTY / 2 * w[:-1] @ w[:-1]
        slope = -(z.T @ (sign / (1 + np.exp(margin)))) + PENALTY * np.append(w[:-1], 0)
        return float(value), slope

    w = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x
    weights = w[:-1] / spread
    return Line(weights, float(w[-1] - weights @ mean))


def out_of_fold(rows: Rows, columns: slice) -> FloatArray:
    """Return the logit of every row, of these features, by weights that did not see its article."""
    features = rows.features[:, columns]
    logits = np.zeros(len(features))
    for fold in np.unique(rows.folds):
        is_seen = rows.folds != fold
        line = fit(features[is_seen], rows.is_answer[is_seen])
        logits[~is_seen] = features[~is_seen] @ line.weights + line.offset
    return logits


def area_under_curve(good: FloatArray, bad: FloatArray) -> float:
    """Return how often a good one scores above a bad one, ties counting half."""
    ordered = np.sort(bad)
    below = np.searchsorted(ordered, good, "left") + np.searchsorted(ordered, good, "right")
    return float(below.mean() / (2 * len(bad)))


def print_row(title: str, logits: FloatArray, is_answer: npt.NDArray[np.bool_]) -> None:
    """Print what is declined, by logits of articles not seen."""
    good, bad = logits[is_answer], logits[~is_answer]
    limits = [np.quantile(good, share, method="lower") for share in (0.08, 0.10, 0.15)]
    shares = " | ".join(f"{np.mean(bad < limit):.3f}" for limit in limits)
    print(f"| {title} | {shares} | {area_under_curve(good, bad):.3f} |")


def line_for(rows: Rows, names: tuple[str, ...], columns: slice) -> dict[str, Any]:
    """Return weights of all rows, with the threshold by articles not seen."""
    line = fit(rows.features[:, columns], rows.is_answer)
    weights = dict(zip(names, np.round(line.weights, 4).tolist(), strict=True))
    return {
        "weights": weights,
        "offset": round(line.offset, 4),
        "least": round(1 / (1 + math.exp(-LEAST)), 4),
    }


def main() -> int:
    """Print the table, and write the weights if asked; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("set", type=Path, help="folder of the set")
    parser.add_argument("--readings", type=Path, default=READINGS, help="[%(default)s]")
    parser.add_argument("--index", type=Path, help="index to make or use again [a temporary one]")
    parser.add_argument("--rows", type=Path, help="keep the evidence in this file, or use it again")
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    for path in (options.set / "answers.jsonl", options.readings):
        if not path.is_file():
            parser.error(f"no file '{path}'")
    if options.rows and options.rows.is_file():
        rows = Rows(**np.load(options.rows))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            rows = gather_rows(options.set, options.index or Path(scratch), options.readings)
        if options.rows:
            np.savez(options.rows, **vars(rows))
    own = len(FEATURE_NAMES)
    every, evidence, reading = slice(None), slice(own), slice(own, None)
    print(f"{rows.is_answer.sum()} answerable questions, {(~rows.is_answer).sum()} not\n")
    print("| | declined at 8% | at 10% | at 15% | AUROC |\n|---|---|---|---|---|")
    for title, columns in (("evidence", evidence), ("readings", reading), ("both", every)):
        print_row(title, out_of_fold(rows, columns), rows.is_answer)
    for title, columns in (("readings", reading), ("both", every)):
        logits = out_of_fold(rows, columns) + rows.doubt
        print_row(f"{title}, as the answer weighs them", logits, rows.is_answer)
        shares = (np.mean(logits[kind] < LEAST) for kind in (rows.is_answer, ~rows.is_answer))
        print(
            "| ... declined at the threshold | {:.3f} of the answerable | {:.3f} | | |".format(
                *shares
            )
        )
    if options.write:
        model = {
            "made_by": "scripts/train_answerable.py",
            "trained_on": [options.set.resolve().name],
            "embedder": make_embedder(BUNDLED_EMBEDDER).fingerprint,
            "with_evidence": line_for(rows, (*FEATURE_NAMES, *READER_NAMES), every),
            "by_reading": line_for(rows, READER_NAMES, reading),
        }
        WEIGHTS.write_text(json.dumps(model, indent=1) + "\n", "utf-8")
        print(f"wrote {WEIGHTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
