"""Run: every query of a set through every stage of search -> figures, times and differences.

Times are those of one call of `FileSearch.rank_files`, the embedding of the query included, after
one call that is not counted. The stages of a query run one after the other, so that noise of the
machine hits all alike, and each query begins with another stage. Each stage has an engine of its
own over the same index: what an engine remembers of a query (its embedding, for one) must not make
the stage that comes second look faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np

from filesearch.config import Settings
from filesearch.engine import FileSearch
from filesearch.errors import InvalidSetting
from filesearch.evaluation.bootstrap import Difference, FloatArray, compare
from filesearch.evaluation.index_cache import settings_for
from filesearch.evaluation.measures import MEASURES, RANKED_DOCUMENTS, measure
from filesearch.evaluation.reading import EvaluationSet, Query
from filesearch.protocols import Embedder
from filesearch.types import Stage

STAGES: tuple[Stage, ...] = get_args(Stage)
_WARM_UP = "a question that nobody asks"


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What one stage did with every query.

    Attributes:
        figures: Name of the measure -> float64 (n_queries,).
        times_s: float64 (n_queries,), seconds.
        rankings: Query id -> names of documents or files, best first.
    """

    stage: Stage
    figures: dict[str, FloatArray]
    times_s: FloatArray
    rankings: dict[str, list[str]]

    def mean(self, name: str) -> float:
        """Return the mean of a measure over the queries."""
        return float(self.figures[name].mean())

    def percentile_ms(self, percent: float) -> float:
        """Return the time, in milliseconds, that this share of the queries stays within."""
        return float(np.percentile(self.times_s, percent) * 1000)


@dataclass(frozen=True, slots=True)
class Step:
    """How a measure changes from one stage to the next."""

    first: Stage
    second: Stage
    measure: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of every stage on one set, in the order of `STAGES`."""

    dataset: str
    document_count: int
    query_count: int
    outcomes: tuple[StageOutcome, ...]

    def outcome(self, stage: Stage) -> StageOutcome:
        """Return the outcome of a stage that was run."""
        return next(outcome for outcome in self.outcomes if outcome.stage == stage)

    def steps(self) -> list[Step]:
        """Return the differences between neighbouring stages, in each measure."""
        return [
            Step(
                first.stage,
                second.stage,
                name,
                compare(first.figures[name], second.figures[name]),
            )
            for first, second in pairwise(self.outcomes)
            for name in MEASURES
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `fsearch eval --json` prints them."""
        return {
            "dataset": self.dataset,
            "queries": self.query_count,
            "stages": {
                outcome.stage: {
                    **{name: outcome.mean(name) for name in MEASURES},
                    "p50_ms": outcome.percentile_ms(50),
                    "p95_ms": outcome.percentile_ms(95),
                }
                for outcome in self.outcomes
            },
            "documents": self.document_count,
            "significance": [
                {
                    "from": step.first,
                    "to": step.second,
                    "measure": step.measure,
                    "difference": step.difference.mean,
                    "low": step.difference.low,
                    "high": step.difference.high,
                    "p": step.difference.p,
                }
                for step in self.steps()
            ],
        }


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Return the stages in a list such as "bm25,hybrid", in the order of `STAGES`.

    Raises:
        InvalidSetting: A name is not one of them, or there is none.
    """
    given = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in given if name not in STAGES]
    if unknown or not given:
        named = f"stage '{unknown[0]}' is unknown" if unknown else "no stage is given"
        raise InvalidSetting(f"{named}; choose from {','.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in given)


def evaluate(
    data: EvaluationSet,
    index: Path,
    *,
    settings: Settings,
    embedder: Embedder,
    stages: Sequence[Stage] = STAGES,
    rewrite_query: bool = True,
    on_query: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Run the set's queries through `stages` and measure them.

    Args:
        data: The set.
        index: An index of its corpus; see index_cache.cached_index.
        settings: Of search; `index` and `db` are not used.
        embedder: The index's.
        stages: Which, at least one.
        rewrite_query: As in FileSearch.rank_files.
        on_query: Told queries done and queries in all.

    Raises:
        InvalidSetting: The extra `eval` is not installed.
        IndexProblem: The index cannot be searched.
    """
    rankings: dict[Stage, dict[str, list[str]]] = {stage: {} for stage in stages}
    times: dict[Stage, list[float]] = {stage: [] for stage in stages}
    with ExitStack() as stack:
        engines = {
            stage: stack.enter_context(
                FileSearch(settings=settings_for(index, settings), embedder=embedder)
            )
            for stage in stages
        }
        for stage, engine in engines.items():
            engine.rank_files(_WARM_UP, stage=stage)
        for number, query in enumerate(data.queries):
            turn = number % len(stages)
            for stage in (*stages[turn:], *stages[:turn]):
                ranking, seconds = _rank(engines[stage], query, stage, rewrite_query)
                rankings[stage][query.id] = ranking
                times[stage].append(seconds)
            if on_query is not None:
                on_query(number + 1, len(data.queries))
    return Evaluation(
        dataset=data.name,
        document_count=data.document_count,
        query_count=len(data.queries),
        outcomes=tuple(
            StageOutcome(
                stage=stage,
                figures=measure(data.judgments, rankings[stage]),
                times_s=np.array(times[stage]),
                rankings=rankings[stage],
            )
            for stage in stages
        ),
    )


def _rank(
    engine: FileSearch, query: Query, stage: Stage, rewrite_query: bool
) -> tuple[list[str], float]:
    started = time.perf_counter()
    files = engine.rank_files(
        query.text,
        stage=stage,
        top_k=RANKED_DOCUMENTS,
        history=query.history,
        rewrite_query=rewrite_query,
    )
    return [file.filename for file in files], time.perf_counter() - started
