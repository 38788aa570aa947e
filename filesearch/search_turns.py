"""Search turns: which of many searches computes, and who embeds its question.

Python runs one thread at a time, and every call of numpy lets go of it and waits to get it back.
Two searches at once lose by that what a second core gives: of 16 clients of a server with 300
files, on 2 cores, one search at a time had 103 to 113 answered a second, two at a time 95, and
each cost 10.0 ms of processor in place of 12.5. On 69,000 windows both answered 62. What runs
without the interpreter for long is embedding a question, so that is done for the next ones
meanwhile, on another core; and for a lone one beside its keyword search, which takes 1.2 ms off a
search of 100,000 windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import TypeVar

from filesearch.candidates import Embedded, embed_question
from filesearch.cores import usable_cores
from filesearch.forked import tell_in_child
from filesearch.protocols import Embedder
from filesearch.turns import Errand, Turns
from filesearch.work_sharing import submit

# Longest that a search keeps its turn while its question is embedded: the bundled model takes 0.6
# ms for 9 word pieces, 2.3 for 51, and to give a turn away and wait for the next one costs as much.
PATIENCE_S = 0.005

_Asked = TypeVar("_Asked")
_Result = TypeVar("_Result")


class SearchTurns:
    """Lets the searches of one retriever compute one after another; safe to use from threads.

    Its threads end when nobody has it any more.
    """

    def __init__(self) -> None:
        self.begin_anew()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Have threads of its own, in a forked child as well; see forked.py."""
        self._computing = Turns(1)
        self._embedding = Turns(usable_cores())
        # Apart, because a query waits for the embedding that it began.
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="filesearch-question")
        self._query_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="filesearch-query")

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for a turn."""
        return self._computing.is_wanted

    def search(self) -> AbstractContextManager[Errand]:
        """Return what one search takes its turns by."""
        return self._computing.errand()

    def embed(
        self, search: Errand, question: str, embedder: Callable[[], Embedder] | None
    ) -> Callable[[], Embedded]:
        """Take a turn; return what gives the question's embedding, and has a turn then.

        Args:
            search: Has no turn yet.
            question, embedder: See candidates.embed_question. That is done before the turn where
                one has to be waited for, and beside it otherwise; the turn is given away where it
                takes long.
        """
        if embedder is not None and self._computing.is_taken:
            with self._embedding.turn():
                done = embed_question(question, embedder)
            search.take()
            return lambda: done
        search.take()
        begun = submit(self._pool, embed_question, question, embedder)

        def embedded() -> Embedded:
            if not wait([begun], timeout=PATIENCE_S).done:
                # A model that loads, or a server that embeds: others compute meanwhile.
                search.give_back()
                wait([begun])
                search.take()
            return begun.result()

        return embedded

    def map(self, search: Callable[[_Asked], _Result], asked: Iterable[_Asked]) -> list[_Result]:
        """Return what `search`, which waits for its turn, gives for several questions."""
        begun = [submit(self._query_pool, search, question) for question in asked]
        try:
            return [future.result() for future in begun]
        finally:  # one has failed: the others are of no use
            for future in begun:
                future.cancel()
