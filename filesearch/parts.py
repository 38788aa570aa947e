"""Parts: what an index is worked with, each made when it is first needed.

Settings -> embedder, reranker, retriever, vector stores, background ingest. `FileSearch` stands on
this; nothing here asks or changes anything by itself.
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from filesearch.adapters import make_embedder, make_reranker
from filesearch.config import Settings
from filesearch.index_directory import IndexDirectory
from filesearch.plan import Planner
from filesearch.protocols import Embedder, Reranker
from filesearch.retrieve import Retriever

if TYPE_CHECKING:
    from filesearch.ingest_queue import IngestQueue
    from filesearch.stores import VectorStores


class Parts:
    """The parts of one index; `FileSearch` is one."""

    settings: Settings
    _index: IndexDirectory
    _given_embedder: Embedder | None
    _planner: Planner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give files, threads and database connections back; searches under way go on."""
        queue = self.__dict__.pop("ingest_queue", None)
        if queue is not None:
            queue.stop()
        self.__dict__.pop("stores", None)
        # Not shut down: a search under way has it still, and may give its threads more to do.
        self.__dict__.pop("_retriever", None)
        self._index.close()

    @property
    def embedder(self) -> Embedder:
        """What turns text into vectors."""
        return self._embedder

    @cached_property
    def _embedder(self) -> Embedder:
        if self._given_embedder is not None:
            return self._given_embedder
        return make_embedder(self.settings.embedder, threads=self.settings.embed_threads)

    @cached_property
    def _reranker(self) -> Reranker | None:
        return make_reranker(self.settings.reranker, api_key=self.settings.reranker_api_key)

    @cached_property
    def _retriever(self) -> Retriever:
        return Retriever(
            catalog=lambda: self._index.catalog,
            embedder=lambda: self._embedder,
            reranker=lambda: self._reranker,
            vector_weight=self.settings.vector_weight,
            score_threshold=self.settings.score_threshold,
        )

    @cached_property
    def stores(self) -> VectorStores:
        """The vector stores of the index; makes the directory where it is missing."""
        from filesearch.stores import VectorStores

        self._index.make()
        return VectorStores(
            self._index,
            embedder=lambda: self._embedder,
            retriever=lambda: self._retriever,
            plan=lambda query: self._planner(query),
            on_waiting=lambda: self.ingest_queue.wake(),
        )

    @cached_property
    def ingest_queue(self) -> IngestQueue:
        """What reads the files that vector stores wait for, once it is started."""
        from filesearch.ingest_queue import IngestQueue

        self._index.make()
        return IngestQueue(self._index, embedder=lambda: self._embedder)
