#!/usr/bin/env python3
"""Measure every stage of search on every evaluation set of a folder, and print one Markdown table.

    python scripts/quality.py DATA_DIR [--sets cranfield,cosqa_dev] [--sample 1000]
                                       [--markdown FILE] [--json FILE] [--index-cache DIR]

DATA_DIR holds folders as `fsearch eval` takes them (see filesearch/evaluation/reading.py). Needs
the extra `eval`. Indexes are kept, so that a second run costs only the queries; `--sample` takes
that many judged queries of each set, the same ones each time (0: all).

The gain of a set is nDCG@10 of hybrid+rerank minus that of the better of BM25 and dense, with the
95% interval of a paired bootstrap over its queries. Below the table stand the means over sets and

- for sets with conversations: the conversation as it is, its last turn alone, and all user turns
  joined into one query;
- for hotpotqa: the share of questions with both supporting paragraphs among the first 10, with
  and without rewriting the query.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from filesearch import FilesearchError
from filesearch.adapters import make_embedder
from filesearch.config import Settings, load_settings
from filesearch.evaluation.bootstrap import Difference, compare, difference_of, draw_means
from filesearch.evaluation.index_cache import DEFAULT_CACHE, cached_index
from filesearch.evaluation.reading import EvaluationSet, read_set, sample_queries
from filesearch.evaluation.running import STAGES, Evaluation, evaluate
from filesearch.progress import show_progress
from filesearch.protocols import Embedder
from filesearch.types import Stage

JUDGMENTS = (
    # cranfield: the papers that the queries were written from count as found, not as wrong.
    ("qrels_with_source.tsv", None),
    # sec10q: judged by file, not by page.
    ("qrels_files.tsv", "pdfs"),
    ("qrels.tsv", None),
)
"""Judgments to prefer, and the corpus that they speak of."""
PAGES = "financebench"  # its documents are pages
PAIRS = "hotpotqa"  # its questions need two documents
NDCG = "nDCG@10"
RECALL = "Recall@100"
RECALL_STAGES: tuple[Stage, ...] = ("bm25", "hybrid", "rerank")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured on one set.

    Attributes:
        label: Its name, and what a document is where that is not plain.
        gain: nDCG@10 of hybrid+rerank minus that of `single`.
        single: The better of BM25 and dense on this set.
        remarks: What is measured on sets of its kind, a Markdown line each.
    """

    label: str
    evaluation: Evaluation
    single: Stage
    gain: Difference
    remarks: tuple[str, ...]


class Measurement:
    """Measures sets, one after another, with one embedder.

    Args:
        sample: Queries of each set; 0 takes all.
        cache: Folder of indexes.
        should_rebuild: Make indexes again.
    """

    def __init__(self, *, sample: int, cache: Path, should_rebuild: bool) -> None:
        self._sample = sample
        self._cache = cache
        self._should_rebuild = should_rebuild
        self._settings: Settings = load_settings()
        self._embedder: Embedder = make_embedder(self._settings.embedder)

    def run(self, directory: Path) -> Outcome:
        """Return what is measured on the set in `directory`."""
        data = read_chosen(directory)
        for warning in data.warnings:
            tell(f"  {warning}")
        if self._sample:
            data = sample_queries(data, self._sample)
        with show_progress(names_problems=False) as bar:
            index = cached_index(
                data,
                self._cache,
                settings=self._settings,
                embedder=self._embedder,
                rebuild=self._should_rebuild,
                on_progress=bar.update,
                on_wait=tell,
            )
        for filename, error in index.failures.items():
            tell(f"  {filename} cannot be found: {error}")
        evaluation = self._evaluate(data, index.path, STAGES)
        single: Stage = max(("bm25", "dense"), key=lambda s: evaluation.outcome(s).mean(NDCG))
        return Outcome(
            label=data.name + unit_of(data),
            evaluation=evaluation,
            single=single,
            gain=difference(evaluation, single, "rerank"),
            remarks=tuple(self._remarks(data, index.path, evaluation)),
        )

    def _evaluate(
        self,
        data: EvaluationSet,
        index: Path,
        stages: tuple[Stage, ...],
        *,
        rewrite_query: bool = True,
    ) -> Evaluation:
        return evaluate(
            data,
            index,
            settings=self._settings,
            embedder=self._embedder,
            stages=stages,
            rewrite_query=rewrite_query,
        )

    def _remarks(self, data: EvaluationSet, index: Path, found: Evaluation) -> Iterator[str]:
        if data.has_conversations:
            whole = found.outcome("rerank")
            yield f"{data.name}, conversation as it is: {NDCG} {whole.mean(NDCG):.4f}"
            for name, variant in (
                ("its last turn alone", last_turns(data)),
                ("all user turns as one query", joined_turns(data)),
            ):
                other = self._evaluate(variant, index, ("rerank",)).outcome("rerank")
                change = compare(other.figures[NDCG], whole.figures[NDCG])
                yield (
                    f"{data.name}, {name}: {other.mean(NDCG):.4f}; the conversation is "
                    f"{signed(change)} above it"
                )
        if data.name.startswith(PAIRS):
            plain = self._evaluate(data, index, ("hybrid", "rerank"), rewrite_query=False)
            for stage in ("hybrid", "rerank"):
                yield (
                    f"{data.name}, both paragraphs among the first 10, {stage}: "
                    f"{share_complete(data, found, stage):.2f} with rewriting, "
                    f"{share_complete(data, plain, stage):.2f} without"
                )


def read_chosen(directory: Path) -> EvaluationSet:
    """Return the set with the judgments that its README asks for."""
    for qrels, corpus in JUDGMENTS:
        if (directory / qrels).exists():
            return read_set(directory, qrels=qrels, corpus=corpus)
    return read_set(directory)


def unit_of(data: EvaluationSet) -> str:
    """Return what a document of the set is, where its name does not say so."""
    if isinstance(data.corpus, Path):
        return ", by file"
    return ", by page" if data.name.startswith(PAGES) else ""


def last_turns(data: EvaluationSet) -> EvaluationSet:
    """Return the set without what was said before each query."""
    return replace(data, queries=tuple(replace(query, history=()) for query in data.queries))


def joined_turns(data: EvaluationSet) -> EvaluationSet:
    """Return the set with all that the user said as the query."""
    queries = []
    for query in data.queries:
        said = [turn.text for turn in query.history if turn.role == "user"]
        queries.append(replace(query, text="\n".join([*said, query.text]), history=()))
    return replace(data, queries=tuple(queries))


def share_complete(data: EvaluationSet, evaluation: Evaluation, stage: Stage) -> float:
    """Return the share of queries all of whose relevant documents are among the first 10."""
    rankings = evaluation.outcome(stage).rankings
    complete = [
        {name for name, grade in data.judgments[query_id].items() if grade > 0} <= set(ranking[:10])
        for query_id, ranking in rankings.items()
    ]
    return sum(complete) / len(complete)


def difference(evaluation: Evaluation, first: Stage, second: Stage) -> Difference:
    """Return how nDCG@10 differs between two stages."""
    return compare(
        evaluation.outcome(first).figures[NDCG], evaluation.outcome(second).figures[NDCG]
    )


def mean_difference(outcomes: list[Outcome], first: Stage, second: Stage) -> Difference:
    """Return the mean over sets of the difference in nDCG@10, each set's queries drawn again."""
    drawn, means = [], []
    for seed, outcome in enumerate(outcomes):
        figures = [outcome.evaluation.outcome(stage).figures[NDCG] for stage in (first, second)]
        drawn.append(draw_means(figures[1] - figures[0], seed=seed))
        means.append(float((figures[1] - figures[0]).mean()))
    return difference_of(np.mean(drawn, axis=0), np.array(means))


def markdown(outcomes: list[Outcome]) -> str:
    """Return the table, the means and the remarks."""
    header = [
        "set",
        "queries",
        *(f"{stage} {NDCG}" for stage in STAGES),
        *(f"{stage} {RECALL}" for stage in RECALL_STAGES),
        "gain over the better single",
    ]
    rows = [
        [
            outcome.label,
            str(outcome.evaluation.query_count),
            *(f"{figure:.4f}" for figure in figures_of(outcome)),
            f"{signed(outcome.gain)} over {outcome.single}",
        ]
        for outcome in outcomes
    ]
    means = np.mean([figures_of(outcome) for outcome in outcomes], axis=0)
    mean_gain = float(np.mean([outcome.gain.mean for outcome in outcomes]))
    queries = sum(outcome.evaluation.query_count for outcome in outcomes)
    rows.append(["mean", str(queries), *(f"{figure:.4f}" for figure in means), f"{mean_gain:+.4f}"])
    rrf = mean_difference(outcomes, "rrf", "rerank")
    lines = [
        f"| {' | '.join(header)} |",
        f"|---|{'---:|' * (len(header) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        f"- mean over sets of rerank minus rrf: {signed(rrf)}",
        *(f"- {remark}" for outcome in outcomes for remark in outcome.remarks),
    ]
    return "\n".join(lines)


def figures_of(outcome: Outcome) -> list[float]:
    """Return the figures of a row, in the order of the columns."""
    found = outcome.evaluation
    return [
        *(found.outcome(stage).mean(NDCG) for stage in STAGES),
        *(found.outcome(stage).mean(RECALL) for stage in RECALL_STAGES),
    ]


def signed(found: Difference) -> str:
    """Return a difference with its interval."""
    return f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def as_json(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return all figures by set, and what the lines below the table say."""
    rrf = mean_difference(outcomes, "rrf", "rerank")
    return {
        "sets": {
            outcome.evaluation.dataset: {
                **outcome.evaluation.as_json(),
                "better_single": outcome.single,
                "gain": [outcome.gain.mean, outcome.gain.low, outcome.gain.high],
                "remarks": list(outcome.remarks),
            }
            for outcome in outcomes
        },
        "rerank_minus_rrf": [rrf.mean, rrf.low, rrf.high],
    }


def tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--sets", default="", help="names of folders, separated by commas")
    parser.add_argument("--sample", type=int, default=1000, help="judged queries of each set")
    parser.add_argument("--markdown", type=Path, help="file for what is printed")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--index-cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--rebuild", action="store_true", help="make the indexes again")
    options = parser.parse_args()
    chosen = [name for name in options.sets.split(",") if name] or sorted(
        folder.name for folder in options.data.iterdir() if (folder / "queries.jsonl").exists()
    )
    measurement = Measurement(
        sample=options.sample, cache=options.index_cache, should_rebuild=options.rebuild
    )
    outcomes = []
    for name in chosen:
        started = time.monotonic()
        tell(f"{name} ...")
        try:
            outcomes.append(measurement.run(options.data / name))
        except FilesearchError as error:
            sys.exit(f"error: {name}: {error}")
        tell(f"{name}: {time.monotonic() - started:.0f} s")
    if not outcomes:
        sys.exit(f"error: no folder of {options.data} holds an evaluation set")
    table = markdown(outcomes)
    print(table)
    if options.markdown:
        options.markdown.write_text(table + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(as_json(outcomes), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
