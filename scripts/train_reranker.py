#!/usr/bin/env python3
"""Train the weights of the default reranker, and print what they bring on sets they never saw.

    python scripts/train_reranker.py DATA_DIR [--sets a,b] [--index-cache DIR] [--sample 400]
                                     [--write] [--json]

Every folder of DATA_DIR is a judged set as `fsearch eval` reads it; a second set of source code,
functions of Python's standard library and what their docstrings say first, is made on the spot by
scripts/make_code_set.py. Each is ingested into a cached index; for every judged question the
candidates that fusion gives are taken with their features, exactly as a search does. Trained is a
linear model over the features, with weights that are added where the candidates are source code
(see filesearch/rerank/learned.py), by listwise softmax cross-entropy (ListNet: Cao et al. 2007),
each set weighing the same, with an L2 penalty. Printed is, for each set, nDCG@10 of fusion alone,
and of weights that were trained on all the other sets: leave one set out.

`--write` trains on all sets and writes filesearch/data/rerank/weights.json, with the slope and the
offsets that turn scores into probabilities (Platt 1999), fitted on the same candidates. Printed for
each set as well is how far such a probability, of weights, slope and offsets that never saw the
set, is from the share of passages that answer (expected calibration error, ten bins).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from make_code_set import make_code_set
from scipy.optimize import minimize

from filesearch import FileSearch
from filesearch.adapters import make_embedder
from filesearch.config import load_settings
from filesearch.evaluation.index_cache import cached_index, settings_for
from filesearch.evaluation.reading import read_set, sample_queries
from filesearch.fuse import fusion_signals, normalise
from filesearch.rerank.features import FEATURE_NAMES
from filesearch.rerank.learned import with_code

WEIGHTS = Path(__file__).parents[1] / "filesearch" / "data" / "rerank" / "weights.json"
FloatArray = npt.NDArray[np.float64]
# Stands against weights that only fit noise: with one set left out 0.05 and 0.5 gave the same mean
# to 0.0015, and 0.2 the smallest loss on any set.
PENALTY = 0.2
FUSION_PENALTY = 1e-4


@dataclass(frozen=True)
class Question:
    """One judged question: its candidates in the order of fusion.

    Attributes:
        features: float32 (n, n_features).
        grades: float64 (n,), of the document that each candidate belongs to; 0 for unjudged.
        files: Which file each candidate belongs to.
        ideal: The grades of all judged documents, best first.
    """

    features: npt.NDArray[np.float32]
    grades: FloatArray
    files: list[str]
    ideal: list[float]


@dataclass(frozen=True)
class Lists:
    """The whole of both lists for one question, for the weight of fusion.

    Attributes:
        keyword, vector: float64 (n,), scores; keyword's normalised.
        keyword_share: What the best BM25 score is of the most there could be.
        grades, files, ideal: As in `Question`.
    """

    keyword: FloatArray
    vector: FloatArray
    keyword_share: float
    grades: FloatArray
    files: list[str]
    ideal: list[float]


@dataclass(frozen=True)
class JudgedSet:
    """What was collected of one set."""

    name: str
    questions: list[Question]
    lists: list[Lists]


def main() -> int:
    """Train, measure, and write if asked; returns the exit code."""
    options = _parse()
    names = options.sets.split(",") if options.sets else list(SETS)
    sets = []
    for name in names:
        directory = options.data / name
        if name == CODE_SET:
            directory = options.index_cache / "sets" / CODE_SET
            make_code_set(directory, functions=CODE_FUNCTIONS)
        sets.append(collect(directory, SETS[name], options))
        print(f"collected {name}: {len(sets[-1].questions)} questions", file=sys.stderr)
    report = {
        "fusion": leave_one_out_fusion(sets),
        "rerank": leave_one_out_rerank(sets),
    }
    fusion = fit_fusion(sets)
    print(json.dumps({**report, "fusion_weights": fusion.round(3).tolist()}, indent=1))
    if options.write:
        write_weights(sets)
    return 0


SETS = {
    "scifact_train": "qrels.tsv",
    "cranfield": "qrels_with_source.tsv",
    "cosqa_dev": "qrels.tsv",
    "squad20_dev": "qrels.tsv",
    "hotpotqa_100": "qrels.tsv",
    "mtrag_un_closed_dev": "qrels.tsv",
    "chunk_eval": "qrels.tsv",
    "financebench_dev": "qrels.tsv",
    "drcd_dev": "qrels.tsv",
    "cmrc2018_trial": "qrels.tsv",
    "rgb_zh_fact": "qrels.tsv",
    "stdlib_code": "qrels.tsv",
}
CODE_SET, CODE_FUNCTIONS = "stdlib_code", 2000


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--sets", help="names of folders, comma between (default: all known)")
    parser.add_argument("--index-cache", type=Path, default=Path("indexes/eval"), metavar="DIR")
    parser.add_argument(
        "--indexes", type=Path, metavar="DIR", help="ready indexes by set name, not the cache's"
    )
    parser.add_argument("--sample", type=int, default=400, help="questions a set (%(default)s)")
    parser.add_argument("--write", action="store_true", help="write the packaged weights")
    return parser.parse_args()


def collect(directory: Path, qrels: str, options: argparse.Namespace) -> JudgedSet:
    """Return the candidates of a set's questions, with features and grades."""
    data = sample_queries(read_set(directory, qrels=qrels), options.sample)
    settings = load_settings({})
    path = options.indexes / data.name if options.indexes else None
    if path is None:
        embedder = make_embedder(settings.embedder)
        path = cached_index(data, options.index_cache, settings=settings, embedder=embedder).path
    judged = JudgedSet(data.name, [], [])
    with FileSearch(settings=settings_for(path, settings)) as fs:
        for query in data.queries:
            grades = {
                document: max(0, grade) for document, grade in data.judgments[query.id].items()
            }
            evidence = fs.gather(query.text)
            found = [grades.get(name, 0) for name in evidence.filenames]
            top = len(evidence.request.features)
            ideal: list[float] = sorted(grades.values(), reverse=True)
            judged.lists.append(
                Lists(
                    keyword=evidence.keyword,
                    vector=evidence.vector.astype(np.float64),
                    keyword_share=evidence.keyword_share,
                    grades=np.array(found, np.float64),
                    files=evidence.filenames,
                    ideal=ideal,
                )
            )
            order = evidence.order[:top]
            judged.questions.append(
                Question(
                    features=evidence.request.features,
                    grades=np.array([found[i] for i in order], np.float64),
                    files=[evidence.filenames[i] for i in order],
                    ideal=ideal,
                )
            )
    return judged


def ndcg(scores: FloatArray, grades: FloatArray, files: list[str], ideal: Sequence[float]) -> float:
    """Return nDCG@10 over files, each by its best candidate; gain is the grade."""
    gain, seen = 0.0, set()
    for i in np.argsort(-scores, kind="stable"):
        if files[i] in seen:
            continue
        gain += grades[i] / np.log2(len(seen) + 2)
        seen.add(files[i])
        if len(seen) == 10:
            break
    best = sum(grade / np.log2(rank + 2) for rank, grade in enumerate(ideal[:10]))
    return gain / best if best else 0.0


# The weight of fusion

STEPS = np.linspace(0, 1, 21)


def _curves(judged: JudgedSet) -> tuple[FloatArray, FloatArray]:
    """Return signals (n, k) and nDCG@10 at each step of the vector weight (n, 21)."""
    signals, curves = [], []
    for one in judged.lists:
        if not one.vector.any():
            continue  # the embedder does not know the language: nothing to weigh
        signals.append(fusion_signals(one.keyword, one.vector, one.keyword_share))
        vector = normalise(one.vector)
        curves.append(
            [
                ndcg(w * vector + (1 - w) * one.keyword, one.grades, one.files, one.ideal)
                for w in STEPS
            ]
        )
    return np.array(signals), np.array(curves)


def _value(weights: FloatArray, signals: FloatArray, curves: FloatArray) -> float:
    share = 1 / (1 + np.exp(-(signals @ weights)))
    position = share * (len(STEPS) - 1)
    low = np.minimum(position.astype(int), len(STEPS) - 2)
    part = position - low
    rows = np.arange(len(curves))
    return float(((1 - part) * curves[rows, low] + part * curves[rows, low + 1]).mean())


def _fit_weight(parts: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
    def loss(weights: FloatArray) -> float:
        gain = np.mean([_value(weights, signals, curves) for signals, curves in parts])
        return float(-gain + FUSION_PENALTY * (weights @ weights))

    starts = [np.zeros(parts[0][0].shape[1])]
    rng = np.random.default_rng(0)
    starts += [rng.normal(0, 2, len(starts[0])) for _ in range(4)]
    found = [
        minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}) for start in starts
    ]
    return np.array(min(found, key=lambda result: result.fun).x)


def fit_fusion(sets: Sequence[JudgedSet]) -> FloatArray:
    """Return the weights of fusion's signals, fitted on all sets."""
    return _fit_weight([part for part in map(_curves, sets) if len(part[0])])


def leave_one_out_fusion(sets: Sequence[JudgedSet]) -> dict[str, dict[str, float]]:
    """Return nDCG@10 at equal weights, at the best fixed weight, and with adaptive ones."""
    parts = {judged.name: _curves(judged) for judged in sets}
    parts = {name: part for name, part in parts.items() if len(part[0])}
    report = {}
    for name, (signals, curves) in parts.items():
        others = [part for other, part in parts.items() if other != name]
        fixed = int(np.argmax(np.mean([c.mean(axis=0) for _, c in others], axis=0)))
        report[name] = {
            "keyword": float(curves[:, 0].mean()),
            "vector": float(curves[:, -1].mean()),
            "equal": float(curves[:, 10].mean()),
            "fixed": float(curves[:, fixed].mean()),
            "adaptive": _value(_fit_weight(others), signals, curves),
            "oracle": float(curves.max(axis=1).mean()),
        }
    return report


# The reranker


def _design(judged: JudgedSet) -> tuple[FloatArray, FloatArray, list[int]]:
    """Return features (N, 2F), targets (N,) and where each question starts."""
    rows, targets, starts, count = [], [], [], 0
    for one in judged.questions:
        if not 0 < (one.grades > 0).sum() < len(one.grades):
            continue
        rows.append(with_code(one.features))
        targets.append(one.grades / one.grades.sum())
        starts.append(count)
        count += len(one.features)
    return np.concatenate(rows), np.concatenate(targets), starts


def _listwise(
    weights: FloatArray, x: FloatArray, targets: FloatArray, starts: list[int]
) -> tuple[float, FloatArray]:
    """Return the mean cross-entropy of softmax scores per question, and its gradient."""
    lengths = np.diff([*starts, len(x)])
    z = x @ weights
    z -= np.repeat(np.maximum.reduceat(z, starts), lengths)
    exp = np.exp(z)
    total = np.add.reduceat(exp, starts)
    loss = -(targets * (z - np.repeat(np.log(total), lengths))).sum() / len(starts)
    gradient = x.T @ (exp / np.repeat(total, lengths) - targets) / len(starts)
    return float(loss), gradient


def fit_rerank(sets: Sequence[JudgedSet]) -> FloatArray:
    """Return weights (2F,), fitted on these sets, each weighing the same; the last F for code."""
    designs = [_design(judged) for judged in sets]
    scale = np.sqrt(np.mean([x.var(axis=0) for x, _, _ in designs], axis=0))
    scale[scale < 1e-6] = np.inf  # says nothing here: weight 0

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = 0.0, np.zeros(len(weights))
        for x, targets, starts in designs:
            part, slope = _listwise(weights / scale, x, targets, starts)
            value += part / len(designs)
            gradient += slope / scale / len(designs)
        penalty = PENALTY * (weights @ weights)
        return value + penalty, gradient + 2 * PENALTY * weights

    found = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B")
    return np.array(found.x / scale)


def _measure(judged: JudgedSet, weights: FloatArray | None) -> float:
    values = []
    for one in judged.questions:
        if len(one.features) == 0:
            values.append(0.0)
            continue
        order = -np.arange(len(one.features), dtype=np.float64)
        scores = order if weights is None else with_code(one.features) @ weights
        values.append(ndcg(scores, one.grades, one.files, one.ideal))
    return float(np.mean(values))


def leave_one_out_rerank(sets: Sequence[JudgedSet]) -> dict[str, dict[str, float]]:
    """Return nDCG@10 as fused, and reranked by weights that never saw the set."""
    report = {}
    for judged in sets:
        others = [other for other in sets if other.name != judged.name]
        weights = fit_rerank(others)
        report[judged.name] = {
            "fused": _measure(judged, None),
            "reranked": _measure(judged, weights),
            "calibration_error": calibration_error(
                judged, weights, fit_probability(others, weights)
            ),
        }
    for column in ("fused", "reranked", "calibration_error"):
        mean = float(np.mean([row[column] for name, row in report.items() if name != "mean"]))
        report.setdefault("mean", {})[column] = mean
    return report


def fit_probability(sets: Sequence[JudgedSet], weights: FloatArray) -> FloatArray:
    """Return slope, offset and offset for code that make scores probabilities of an answer."""
    parts = [_scores(judged, weights) for judged in sets]

    def loss(line: FloatArray) -> float:
        values = [
            np.logaddexp(0, np.where(answers, -1, 1) * _logit(line, z, code)).mean()
            for z, code, answers in parts
        ]
        return float(np.mean(values) + 1e-4 * line[2] ** 2)

    start = np.array([1.0, 0.0, 0.0])
    return np.array(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 4000}).x)


def _scores(
    judged: JudgedSet, weights: FloatArray
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return for every candidate its score, how far it is of code, and whether it answers."""
    code = FEATURE_NAMES.index("code")
    return (
        np.concatenate([with_code(one.features) @ weights for one in judged.questions]),
        np.concatenate([one.features[:, code].astype(np.float64) for one in judged.questions]),
        np.concatenate([one.grades > 0 for one in judged.questions]),
    )


def _logit(line: FloatArray, z: FloatArray, code: FloatArray) -> FloatArray:
    slope, offset, code_offset = line
    logits: FloatArray = slope * z + offset + code_offset * code
    return logits


def calibration_error(judged: JudgedSet, weights: FloatArray, line: FloatArray) -> float:
    """Return how far scores are from the share that answers: mean over ten bins, by their size."""
    z, code, answers = _scores(judged, weights)
    score = 1 / (1 + np.exp(-_logit(line, z, code)))
    bins = np.minimum((score * 10).astype(int), 9)
    gaps = [
        abs(score[bins == b].mean() - answers[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def _table(weights: FloatArray) -> str:
    return ",\n".join(
        f'  "{name}": {round(float(weight), 4)}'
        for name, weight in zip(FEATURE_NAMES, weights, strict=True)
    )


def write_weights(sets: Sequence[JudgedSet]) -> None:
    """Train on all sets and write the packaged weights."""
    weights = fit_rerank(sets)
    slope, offset, code_offset = fit_probability(sets, weights)
    prose, code = map(_table, np.split(weights, 2))
    WEIGHTS.write_text(
        "{\n"
        f' "made_by": "scripts/train_reranker.py",\n'
        f' "trained_on": {json.dumps([judged.name for judged in sets])},\n'
        f' "weights": {{\n{prose}\n }},\n'
        f' "code_weights": {{\n{code}\n }},\n'
        f' "slope": {slope:.4f},\n "offset": {offset:.4f},\n "code_offset": {code_offset:.4f}\n'
        "}\n",
        encoding="utf-8",
    )
    print(f"wrote {WEIGHTS}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
