#!/usr/bin/env python3
"""Train the weights that tell whether a passage answers, and print what they bring elsewhere.

    python scripts/train_answerable.py SET [--index DIR] [--sample 6000] [--rows FILE] [--write]

SET is squad20_dev or a set like it: corpus.jsonl, queries.jsonl, and answers.jsonl ({query_id,
corpus_id, is_impossible}), where a corpus_id is "article#paragraph". Its documents are ingested
under their ids, every question is searched, and the evidence of the best passage is taken as an
answer takes it (filesearch/answerable.py). Evidence that is no answer comes in three kinds:
"unanswerable" questions as the set has them; for every fifth question, what is found "without
article" that it is about; for every fifth answerable one, what is found "without passage" that
answers. Trained is logistic regression with an L2 penalty.

Printed is, for weights that never saw the article (five folds of articles), which share of each
kind is declined where 10% and 15% of the answerable ones are, and the area under the ROC curve;
first for all questions, then where those in other words than the passage's are never declined, as
the answer has it. `--write` trains on everything and writes
filesearch/data/answerable/weights.json, with the threshold that declines DECLINED of the
answerable ones in the second way. `--rows` keeps the evidence in a file.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from filesearch import FileSearch
from filesearch.adapters import BUNDLED_EMBEDDER, make_embedder
from filesearch.answerable import FEATURE_NAMES, MAX_MISSING, gather_evidence
from filesearch.evaluation.reading import read_set

WEIGHTS = Path(__file__).parents[1] / "filesearch" / "data" / "answerable" / "weights.json"
FloatArray = npt.NDArray[np.float64]
PENALTY = 10.0
FOLDS = 5
# At 0.08 the answered questions of sample_docs stay answered; at 0.10 one is declined.
DECLINED = 0.08
ANSWERABLE, UNANSWERABLE = "answerable", "unanswerable"


@dataclass(frozen=True)
class Rows:
    """Evidence: float64 (n, n_features), what each passage lacks, its kind and its article."""

    features: FloatArray
    missing: FloatArray
    kinds: npt.NDArray[np.str_]
    articles: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Line:
    """Weights float64 (n_features,) and offset of a logistic model."""

    weights: FloatArray
    offset: float


def article_of(name: str) -> str:
    """Return the article that a paragraph belongs to."""
    return name.rsplit("#", 1)[0]


def gather_rows(source: Path, index: Path, count: int) -> Rows:
    """Return the evidence for `count` questions of a set."""
    texts = {line["_id"]: line["text"] for line in read_lines(source / "queries.jsonl")}
    answers = {line["query_id"]: line for line in read_lines(source / "answers.jsonl")}
    drawn = [query_id for query_id in texts if query_id in answers]
    random.Random(1).shuffle(drawn)
    features, missing, kinds, articles = [], [], [], []
    with FileSearch(index) as fs:
        if not (fs.directory / "catalog.db").exists():
            corpus = read_set(source).corpus
            assert not isinstance(corpus, Path), "the set has no corpus.jsonl"
            fs.ingest_documents(corpus)
        embedder = make_embedder(fs.settings.embedder)
        embed_passage = lru_cache(maxsize=None)(embedder.embed_question)
        for number, query_id in enumerate(drawn[:count]):
            own, question = answers[query_id]["corpus_id"], texts[query_id]
            is_impossible = answers[query_id]["is_impossible"]
            results = fs.search(question)
            kept = {UNANSWERABLE if is_impossible else ANSWERABLE: results}
            if number % 5 == 0:
                article = article_of(own)
                kept["without article"] = [r for r in results if article_of(r.filename) != article]
            if number % 5 == 1 and not is_impossible:
                kept["without passage"] = [r for r in results if r.filename != own]
            embedding = embedder.embed_question(question)
            for kind, found in kept.items():
                if found:
                    text, score = found[0].text, found[0].score
                    row = gather_evidence(
                        question, embedding, text, embed_passage(text), found, score
                    )
                    features.append(row.features)
                    missing.append(row.missing)
                    kinds.append(kind)
                    articles.append(article_of(own))
    return Rows(np.array(features), np.array(missing), np.array(kinds), np.array(articles))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


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


def fit_rows(rows: Rows, is_seen: npt.NDArray[np.bool_]) -> Line:
    """Return the model for the questions that the set has, of these rows."""
    chosen = is_seen & np.isin(rows.kinds, [ANSWERABLE, UNANSWERABLE])
    return fit(rows.features[chosen], rows.kinds[chosen] == ANSWERABLE)


def out_of_fold(rows: Rows) -> FloatArray:
    """Return the logit of every row by weights that did not see its article."""
    names = sorted(set(rows.articles.tolist()))
    random.Random(0).shuffle(names)
    fold_of = {name: number % FOLDS for number, name in enumerate(names)}
    folds = np.array([fold_of[name] for name in rows.articles.tolist()])
    logits = np.zeros(len(folds))
    for fold in range(FOLDS):
        is_seen = folds != fold
        line = fit_rows(rows, is_seen)
        logits[~is_seen] = rows.features[~is_seen] @ line.weights + line.offset
    return logits


def area_under_curve(good: FloatArray, bad: FloatArray) -> float:
    """Return how often a good one scores above a bad one, ties counting half."""
    ordered = np.sort(bad)
    below = np.searchsorted(ordered, good, "left") + np.searchsorted(ordered, good, "right")
    return float(below.mean() / (2 * len(bad)))


def print_table(title: str, logits: FloatArray, kinds: npt.NDArray[np.str_]) -> None:
    """Print what is declined of each kind, by logits of articles not seen."""
    good = logits[kinds == ANSWERABLE]
    print(f"| {title} | rows | declined at 10% | at 15% | AUROC |\n|---|---|---|---|---|")
    for kind in sorted(set(kinds.tolist()) - {ANSWERABLE}):
        bad = logits[kinds == kind]
        limits = [np.quantile(good, share, method="lower") for share in (0.10, 0.15)]
        shares = " | ".join(f"{np.mean(bad < limit):.3f}" for limit in limits)
        print(f"| {kind} | {len(bad)} | {shares} | {area_under_curve(good, bad):.3f} |")
    print()


def main() -> int:
    """Print the table, and write the weights if asked; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("set", type=Path, help="folder of the set")
    parser.add_argument("--index", type=Path, help="index to make or use again [a temporary one]")
    parser.add_argument("--sample", type=int, default=6000, help="questions [6000]")
    parser.add_argument("--rows", type=Path, help="keep the evidence in this file, or use it again")
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    if not (options.set / "answers.jsonl").is_file():
        parser.error(f"no answers.jsonl in '{options.set}'")
    if options.rows and options.rows.is_file():
        found = np.load(options.rows)
        rows = Rows(*(found[name] for name in ("features", "missing", "kinds", "articles")))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            rows = gather_rows(options.set, options.index or Path(scratch), options.sample)
        if options.rows:
            np.savez(options.rows, **vars(rows))
    logits = out_of_fold(rows)
    print_table("all questions", logits, rows.kinds)
    logits = np.where(rows.missing > MAX_MISSING, np.inf, logits)
    print_table("as the answer declines", logits, rows.kinds)
    line = fit_rows(rows, np.ones(len(logits), dtype=np.bool_))
    weights = dict(zip(FEATURE_NAMES, np.round(line.weights, 4).tolist(), strict=True))
    print(json.dumps(weights))
    if options.write:
        least = 1 / (
            1 + np.exp(-np.quantile(logits[rows.kinds == ANSWERABLE], DECLINED, method="lower"))
        )
        model = {
            "made_by": "scripts/train_answerable.py",
            "trained_on": [options.set.resolve().name],
            "embedder": make_embedder(BUNDLED_EMBEDDER).fingerprint,
            "weights": weights,
            "offset": round(line.offset, 4),
            "least": round(float(least), 4),
        }
        WEIGHTS.parent.mkdir(exist_ok=True)
        WEIGHTS.write_text(json.dumps(model, indent=1) + "\n", "utf-8")
        print(f"wrote {WEIGHTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
