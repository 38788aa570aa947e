"""Engine: `FileSearch`, the library's face, and the one place that puts the parts together.

Opening costs nothing: catalog, embedder and segments are loaded when a call first needs them.
What only some calls need is imported by them, so that a search from a cold process is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from filesearch.adapters import (
    make_blob_store,
    make_chat_model,
    make_extractive_model,
)
from filesearch.cite import locate
from filesearch.config import EXTRACTIVE_MODEL, Settings, check_top_k, load_settings
from filesearch.conversation import check_history
from filesearch.errors import ChatFailed, FilesearchError, InvalidSetting, NotFound
from filesearch.filled import Filled
from filesearch.filters import Filter
from filesearch.index_directory import IndexDirectory
from filesearch.plan import Planner, QueryPlan, make_planner, plan_queries, unplanned
from filesearch.protocols import ChatModel, Embedder
from filesearch.ranking_options import RankingOptions, parse_ranking_options
from filesearch.retrieve import Gathered
from filesearch.types import (
    Answer,
    Location,
    RankedFile,
    SearchResult,
    Stage,
    Turn,
)

if TYPE_CHECKING:
    import threading

    from filesearch.events import RunEvent, RunState
    from filesearch.functions import Function
    from filesearch.memory import MemoryReport
    from filesearch.run import RunOptions
    from filesearch.tool import Tool


class FileSearch(Filled):
    """A searchable, citable index of documents in a directory.

        fs = FileSearch("indexes/handbook")
        fs.ingest("docs/")
        answer = fs.ask("How long do I have to return a mug?")

    Args:
        index: Directory of the index, made at the first ingest; None takes the settings'.
        settings: All settings at once; None reads them as the command line does.
        embedder: An own Embedder instead of the one that the settings name.
        model: An own ChatModel instead of the one that the settings name.
        complete: Prompt -> reply, to plan queries with; None takes the chat model, if it is a
            language model. See plan.py.
        overrides: Single settings by name; see config.Settings.

    Safe to use from several threads, and in a child process that is forked while none of them
    works with it. Close it, or use it as a context manager.

    Raises:
        InvalidSetting: A setting is unknown or cannot be used.
    """

    def __init__(
        self,
        index: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embedder: Embedder | None = None,
        model: ChatModel | None = None,
        complete: Callable[[str], str] | None = None,
        **overrides: object,
    ) -> None:
        if settings is None:
            given = None if index is None else str(index)
            settings = load_settings({**overrides, "index": given})
        elif index is not None or overrides:
            raise InvalidSetting("give either settings or single settings, not both")
        self.settings = settings
        self.directory = Path(settings.index)
        self._given_embedder = embedder
        self._given_model = model
        self._given_complete = complete
        self._planner = self._make_planner()
        self._index = IndexDirectory(
            settings, embedder=lambda: self._embedder, make_blobs=make_blob_store
        )

    # The main job

    def search(
        self,
        query: str | QueryPlan,
        *,
        top_k: int | None = None,
        filters: Filter | None = None,
        ranking_options: RankingOptions | Mapping[str, object] | None = None,
        rewrite_query: bool = True,
        history: Sequence[Turn] = (),
        should_fill: bool = True,
    ) -> list[SearchResult]:
        """Return the passages that match `query`, best first, no two sharing a character.

        Args:
            query: A question or words; blank finds nothing. Or what `plan` made of one, which is
                not planned again.
            top_k: 1..1000, the settings' for None; see Retriever.search on when fewer come back.
            filters: OpenAI's attribute filter; see filters.py.
            ranking_options: OpenAI's; where silent, the settings hold. See ranking_options.py.
            rewrite_query: Search for what `plan` makes of the query, not for the query as it is.
            history: Earlier turns of the conversation, oldest first.
            should_fill: Add what does not match, with score 0, where fewer than `top_k` do.

        Raises:
            NotFound: There is no index yet.
            IndexMismatch: The index was made with another embedder.
            InvalidSetting: `top_k` or `ranking_options` out of bounds, or something of `history` is
                no Turn.
            InvalidFilter: `filters` is not well formed.
            RerankFailed: The reranker that the settings name gave no scores.
        """
        if isinstance(query, QueryPlan):
            plan = query
        else:
            plan = self.plan(query, history=history) if rewrite_query else unplanned(query)
        options = parse_ranking_options(ranking_options)
        snapshot = self._index.snapshot(self._index.open_store())
        return self._retriever.search(
            snapshot,
            plan.queries,
            top_k=self.settings.top_k if top_k is None else top_k,
            filters=filters,
            options=options,
            should_fill=should_fill,
        )

    def plan(
        self,
        query: str,
        *,
        history: Sequence[Turn] = (),
        cancel: threading.Event | None = None,
    ) -> QueryPlan:
        """Return what `search` looks for when it is asked `query`, and why; see plan.py.

        Args:
            cancel: Set by anyone, from any thread, to leave the model that plans to itself: rules
                plan then.

        Raises:
            InvalidSetting: Something of `history` is no Turn.
        """
        check_history(history)
        return self._make_planner(cancel)(query, history=history)

    def memory(self, query: str, store_id: str | None = None) -> MemoryReport:
        """Return what this index costs the process once it was searched for `query`.

        Steps that were taken before cost nothing more: ask a process that has just begun.

        Args:
            query: Finds something, at best.
            store_id: The store to search; None takes the one that `ingest` fills, or, where that
                is empty, the largest.

        Raises:
            What `search` raises, of a store that was named too.
        """
        from filesearch.index_stats import largest_store
        from filesearch.memory import Meter, kind_of_file
        from filesearch.tool import MAX_NUM_RESULTS

        meter = Meter(lambda path: kind_of_file(path, index=self.directory))
        with meter.step("catalog"):
            index = self._index
            store = index.catalog.store(store_id) if store_id else largest_store(index)
        with meter.step("store"):
            self._index.snapshot(store)
        with meter.step("model"):
            self._embedder.embed_query(query)
        with meter.step("first search"):
            top_k = min(self.settings.top_k, MAX_NUM_RESULTS)
            self.stores.search([store.id], [query], top_k=top_k, rewrite_query=True)
        return meter.report()

    def warm_up(self) -> None:
        """Load the embedder now, which the first search would wait for: 0.1 s for the bundled one.

        Raises:
            InvalidSetting: It cannot be loaded.
        """
        self._embedder.embed_query("warm up")

    def rank_files(
        self,
        query: str,
        *,
        stage: Stage,
        top_k: int = 100,
        history: Sequence[Turn] = (),
        rewrite_query: bool = True,
    ) -> list[RankedFile]:
        """Return the files that match `query`, best first, as one stage alone ranks them.

        Args:
            query: A question or words; blank finds nothing.
            stage: "bm25" and "dense" rank by one search alone, "rrf" and "hybrid" by both; only
                "rerank" plans its queries, so that the others are what peers do.
            top_k: How many; at least 1.
            history, rewrite_query: As for `search`.
        """
        is_planned = rewrite_query and stage == "rerank"
        plan = self.plan(query, history=history) if is_planned else unplanned(query)
        snapshot = self._index.snapshot(self._index.open_store())
        return self._retriever.rank_files(snapshot, plan.queries, stage=stage, top_k=top_k)

    def gather(self, query: str, *, max_candidates: int = 50) -> Gathered:
        """Return what ranks the candidates of a question; see retrieve.Gathered."""
        snapshot = self._index.snapshot(self._index.open_store())
        return self._retriever.gather(snapshot, query, max_candidates=max_candidates)

    def ask(
        self,
        question: str,
        *,
        top_k: int | None = None,
        filters: Filter | None = None,
        ranking_options: RankingOptions | Mapping[str, object] | None = None,
        history: Sequence[Turn] = (),
        thread_id: str | None = None,
        functions: Sequence[Callable[..., object]] = (),
        options: RunOptions | None = None,
    ) -> Answer:
        """Answer `question` from the documents, with citations that are checked.

        Args:
            question: Blank gets the answer that nothing was found.
            top_k, filters, ranking_options: As for `search`; a language model is given up to 20
                passages where neither call nor settings say.
            history: Earlier turns of the conversation, oldest first.
            thread_id: Thread that the conversation goes on in; see `threads`.
            functions: Python functions that the model may call; see functions.make_function.
            options: Instructions, limits and more; see run.RunOptions.

        Raises:
            ChatFailed: The chat model gave no answer.
            NotFound: There is no such thread. And what `search` raises.
        """
        from filesearch.assistant import answer_of

        return answer_of(
            self.stream(
                question,
                top_k=top_k,
                filters=filters,
                ranking_options=ranking_options,
                history=history,
                thread_id=thread_id,
                functions=functions,
                options=options,
            )
        )

    def stream(
        self,
        question: str,
        *,
        top_k: int | None = None,
        filters: Filter | None = None,
        ranking_options: RankingOptions | Mapping[str, object] | None = None,
        history: Sequence[Turn] = (),
        thread_id: str | None = None,
        functions: Sequence[Function | Callable[..., object]] = (),
        options: RunOptions | None = None,
        cancel: threading.Event | None = None,
        state: RunState | None = None,
    ) -> Iterator[RunEvent]:
        """Yield what happens while `question` is answered; see events.py and `ask`.

        Args:
            functions: Those without a callable end the events with ActionRequired.
            cancel: Set by anyone, from any thread, to end the answer.
            state: Of that ActionRequired, with the outputs that it asked for, to go on from; all
                the rest as it was given first. See run.with_outputs.

        Raises:
            InvalidSetting: Outputs are missing in `state`, or something was said in the thread
                since then. And what `ask` raises, the model's failures apart, which are events.
        """
        from filesearch.assistant import Assistant, passages_for

        check_history(history)
        self._index.open_store()
        if top_k is None:
            top_k = passages_for(self.chat_model, self.settings)
        count = check_top_k(top_k)  # at once: a model may answer without a search

        def search(query: str, turns: Sequence[Turn]) -> list[SearchResult]:
            # What a model asks for needs no model to plan it.
            own = query == question
            return self.search(
                self.plan(query, history=turns, cancel=cancel) if own else plan_queries(query),
                top_k=count,
                filters=filters,
                ranking_options=ranking_options,
                should_fill=False,  # nothing found is an answer
            )

        assistant = Assistant(
            self.chat_model,
            [search],
            embedder=self._embedder,
            locate=self.locate,
            threads=self.threads,
            context_tokens=self.settings.chat_context_tokens,
        )
        return assistant.stream(
            question,
            history=history,
            thread_id=thread_id,
            functions=functions,
            options=options,
            cancel=cancel,
            state=state,
        )

    def as_tool(self) -> Tool:
        """Return search as a tool for other assistants: JSON schema and callable."""
        from filesearch.tool import make_tool

        return make_tool(self)

    # Parts, made when first needed

    @cached_property
    def chat_model(self) -> ChatModel:
        """What answers."""
        return self._given_model or make_chat_model(
            self.settings,
            extractive=lambda: make_extractive_model(
                self.settings, lambda: self._embedder, self._planner
            ),
        )

    def _make_planner(self, cancel: threading.Event | None = None) -> Planner:
        """Return what plans searches; the chat model is left to itself once `cancel` is set."""
        has_model = self._given_model is not None or self.settings.chat_model != EXTRACTIVE_MODEL
        asked = partial(self._complete, cancel=cancel) if has_model else None
        return make_planner(self._given_complete or asked)

    def _complete(self, prompt: str, *, cancel: threading.Event | None) -> str:
        from filesearch.chat.reading import join_deltas
        from filesearch.functions import describe_error
        from filesearch.interruptible import Interrupted, interruptible
        from filesearch.messages import ChatRequest, Message

        request = ChatRequest((Message("user", prompt),), temperature=0)
        try:
            if cancel is None:
                return self.chat_model.complete(request).message.content
            # A stream, unlike a whole reply, can be closed at any time.
            deltas = interruptible(self.chat_model.stream(request), cancel)
            return join_deltas(deltas).message.content
        except Interrupted:
            raise ChatFailed("the model was still planning when it was cancelled") from None
        except FilesearchError:
            raise
        # The edge to code that may not be ours: whatever it raises, rules can plan.
        except Exception as error:
            said = describe_error(error)
            raise ChatFailed(f"model '{self.chat_model.name}' failed: {said}") from error

    def locate(self, file_id: str, start: int, end: int) -> Location:
        """Return where a stretch of a file stands: page, sheet and rows, headings."""
        try:
            return locate(self.document(file_id).spans, start, end)
        except NotFound:  # replaced since it was found
            return Location()
