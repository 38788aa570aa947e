"""Metrics: what the server counts, for Prometheus.

Counters and times are kept in this process, or, with several workers, in files that all of them
share (prometheus_client's multiprocess mode), so that whichever worker is asked answers for all.
How much waits and how much is there is asked of the database at that moment, the same everywhere.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from filesearch.messages import ChatDelta, ChatReply, ChatRequest, Usage
from filesearch.protocols import ChatModel

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# prometheus_client reads it when it is imported: set before a worker process starts.
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Polling takes a millisecond, a streamed answer of a large model minutes.
_REQUEST_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_QUERY_S = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_INGEST_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 1800)

# Name of a gauge -> what it tells, and its values by the value of its label.
Sample = tuple[str, str, str, Mapping[str, float]]


class FileRead(Protocol):
    """What the background ingest says of a file that waits no longer."""

    @property
    def is_failed(self) -> bool:
        """Whether it could not be read."""

    @property
    def seconds(self) -> float:
        """Since it was taken up."""


class Metrics:
    """The server's own registry; nothing of other programs in the process is in it.

    Args:
        sample: Asked at each scrape for what the database knows: (name, help, label, values).
    """

    def __init__(self, sample: Callable[[], Iterable[Sample]] | None = None) -> None:
        self._sample = sample
        self._is_shared = DIRECTORY_VARIABLE in os.environ
        self.registry = own = CollectorRegistry()
        self.requests = Histogram(
            "filesearch_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route", "status"),
            registry=own,
            buckets=_REQUEST_S,
        )
        self.requests_in_progress = Gauge(
            "filesearch_requests_in_progress",
            "Requests that are being answered.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.queries = Histogram(
            "filesearch_query_seconds",
            "Searches in vector stores, from query to passages.",
            registry=own,
            buckets=_QUERY_S,
        )
        self.ingests = Histogram(
            "filesearch_ingest_seconds",
            "Files that went into a vector store, from being taken up to searchable.",
            ("status",),
            registry=own,
            buckets=_INGEST_S,
        )
        self.tokens = Counter(
            "filesearch_tokens", "Tokens of chat models.", ("direction",), registry=own
        )
        self.errors = Counter(
            "filesearch_errors", "Exceptions that nobody foresaw.", ("type",), registry=own
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = method if method in _METHODS else "other"  # a caller may send any word
        self.requests.labels(known, route, str(status)).observe(seconds)

    def count_tokens(self, usage: Usage) -> None:
        """Count what a chat model read and wrote."""
        self.tokens.labels("prompt").inc(usage.prompt_tokens)
        self.tokens.labels("completion").inc(usage.completion_tokens)

    def observe_file(self, done: FileRead) -> None:
        """Count a file of the background ingest."""
        status = "failed" if done.is_failed else "completed"
        self.ingests.labels(status).observe(done.seconds)

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format; may read the database."""
        shown = CollectorRegistry()
        if self._is_shared:
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        else:
            shown.register(_Through(self.registry))
            ProcessCollector(registry=shown)
        if self._sample is not None:
            shown.register(_Sampled(self._sample))
        return generate_latest(shown)


_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


class CountedModel:
    """A chat model whose tokens are counted; as that otherwise.

    Args:
        model: What answers.
        metrics: What counts.
    """

    def __init__(self, model: ChatModel, metrics: Metrics) -> None:
        self._model = model
        self._metrics = metrics

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the model has
        return getattr(self._model, name)

    @property
    def name(self) -> str:
        """See ChatModel."""
        return self._model.name

    @property
    def calls_tools(self) -> bool:
        """See ChatModel."""
        return self._model.calls_tools

    def complete(self, request: ChatRequest) -> ChatReply:
        """See ChatModel."""
        reply = self._model.complete(request)
        self._metrics.count_tokens(reply.usage)
        return reply

    def stream(self, request: ChatRequest) -> Iterator[ChatDelta]:
        """See ChatModel."""
        with contextlib.closing(_generator(self._model.stream(request))) as deltas:
            for delta in deltas:
                if delta.usage is not None:
                    self._metrics.count_tokens(delta.usage)
                yield delta


def _generator(deltas: Iterator[ChatDelta]) -> Generator[ChatDelta]:
    """Return an iterator that can be closed, which closes `deltas` if that can be."""
    try:
        yield from deltas
    finally:
        close = getattr(deltas, "close", None)
        if close is not None:
            close()


class TimedStores:
    """Vector stores whose searches are timed; as those otherwise.

    Args:
        stores: What is searched.
        metrics: What counts.
    """

    def __init__(self, stores: Any, metrics: Metrics) -> None:  # noqa: ANN401 - by shape
        self._stores = stores
        self._metrics = metrics

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stores have
        return getattr(self._stores, name)

    def search(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - passed on as they are
        """See VectorStores."""
        with self._metrics.queries.time():
            return self._stores.search(*args, **more)


class _Through(Collector):
    """What another registry has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()


class _Sampled(Collector):
    """Gauges whose values are asked for at each scrape."""

    def __init__(self, sample: Callable[[], Iterable[Sample]]) -> None:
        self._sample = sample

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()  # else registering would ask the database once more

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for name, text, label, values in self._sample():
            family = GaugeMetricFamily(name, text, labels=[label])
            for value, number in values.items():
                family.add_metric([value], number)
            yield family


def forget_worker(directory: Path, pid: int) -> None:
    """Take the gauges of a worker that has ended out of the shared files; its counts stay."""
    mark_process_dead(pid, path=str(directory))  # type: ignore[no-untyped-call]
