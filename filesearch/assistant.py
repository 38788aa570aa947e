"""Assistant: questions to the documents, alone or within a thread -> events, or the answer.

Puts a `Run` together from the parts of an index. Within a thread the question is stored before
the model is asked and the answer when it is there, so that a failure leaves a thread to go on in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from filesearch.cite import content_part
from filesearch.config import EXTRACTIVE_MODEL, Settings
from filesearch.draft import Locate
from filesearch.errors import ChatFailed, InvalidSetting
from filesearch.events import (
    ActionRequired,
    Cancelled,
    Completed,
    Failed,
    Incomplete,
    RunEnd,
    RunEvent,
    RunState,
)
from filesearch.functions import Function, make_function
from filesearch.grounding import MAX_RESULTS
from filesearch.messages import Message
from filesearch.protocols import ChatModel, Embedder
from filesearch.run import Run, RunOptions
from filesearch.surrogates import join_surrogates
from filesearch.threads import Threads
from filesearch.types import Answer, SearchResult, Turn

# Kept free for the answer, at most, where a model's context is known.
_ANSWER_TOKENS = 4096

SearchWithHistory = Callable[[str, Sequence[Turn]], Sequence[SearchResult]]


@dataclass(frozen=True, slots=True)
class Assistant:
    """Answers questions from one index.

    Attributes:
        model: What answers.
        searches: Stores: a query and the turns before it -> passages, best first.
        embedder: Helps to check citations.
        locate: Finds pages and headings of quotes.
        threads: Where conversations are kept.
        context_tokens: What the model reads and writes together; None leaves it to its server.
    """

    model: ChatModel
    searches: Sequence[SearchWithHistory]
    embedder: Embedder
    locate: Locate
    threads: Threads
    context_tokens: int | None = None

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        thread_id: str | None = None,
        functions: Sequence[Function | Callable[..., object]] = (),
        options: RunOptions | None = None,
        cancel: threading.Event | None = None,
        state: RunState | None = None,
    ) -> Iterator[RunEvent]:
        """Yield what happens while `question` is answered; the last event is a `RunEnd`.

        Args:
            question: The newest message of the user; halves of characters in it, or in `history`,
                are joined or replaced.
            history: Turns before it; with `thread_id`, before those of the thread.
            thread_id: Thread that question and answer are added to.
            functions: Tools beside the search: callables, or `Function`s.
            options: See run.RunOptions.
            cancel: Set by anyone to end it.
            state: Of an ActionRequired, with the outputs that it asked for (run.with_outputs), to
                go on from; all the rest as it was given first. None begins.

        Raises:
            NotFound: There is no such thread.
            InvalidSetting: A function cannot be a tool, outputs are missing in `state`, or
                something was said in the thread since then.
        """
        question = join_surrogates(question)
        turns = [replace(turn, text=join_surrogates(turn.text)) for turn in history]
        if thread_id is not None:
            turns += self._said(thread_id, question, is_begun=state is not None)
        if state is not None and state.pending:
            raise InvalidSetting(
                f"outputs of {[call.id for call in state.pending]} are missing; give them with "
                "run.with_outputs"
            )
        tools = [f if isinstance(f, Function) else make_function(f) for f in functions]
        run = Run(
            self.model,
            [*(Message(turn.role, turn.text) for turn in turns), Message("user", question)],
            # The user's own words may lean on what was said before; a model's queries do not.
            searches=[
                lambda query, search=search: search(query, turns if query == question else ())  # type: ignore[misc]
                for search in self.searches
            ],
            functions=tools,
            locate=self.locate,
            embedder=self.embedder,
            options=within_context(options or RunOptions(), self.context_tokens),
            cancel=cancel,
        )
        if thread_id is None:
            return run.events(state)
        if state is None:
            self.threads.append(thread_id, "user", question)
        return self._recorded(thread_id, run.events(state))

    def _said(self, thread_id: str, question: str, *, is_begun: bool) -> list[Turn]:
        """Return the turns of a thread before `question`, which it holds already if that is begun.

        Raises:
            InvalidSetting: It is begun, and not the last message.
        """
        messages = self.threads.messages(thread_id)
        # One without text is a picture, which no model of ours is shown.
        turns = [Turn(m.role, m.text) for m in messages if m.text.strip()]
        if not is_begun:
            return turns
        if not turns or turns[-1] != Turn("user", question):
            raise InvalidSetting(
                f"the last message of thread '{thread_id}' is not {question!r}, which is to be "
                "gone on with; ask anew"
            )
        return turns[:-1]

    def _recorded(self, thread_id: str, events: Iterator[RunEvent]) -> Iterator[RunEvent]:
        """Store the answer before its last event is seen."""
        for event in events:
            if isinstance(event, (Completed, Incomplete, Cancelled)) and event.answer.plain_text:
                self.threads.append(
                    thread_id,
                    "assistant",
                    [content_part(event.answer)],
                    status="completed" if isinstance(event, Completed) else "incomplete",
                )
            yield event


def within_context(options: RunOptions, context_tokens: int | None) -> RunOptions:
    """Return options whose prompt leaves room for an answer in what the model reads.

    Args:
        options: As they were asked for; a limit of their own on the prompt stays.
        context_tokens: What the model reads and writes together; None changes nothing.
    """
    if context_tokens is None or options.budget.max_prompt_tokens is not None:
        return options
    room = min(context_tokens // 4, _ANSWER_TOKENS)
    budget = replace(options.budget, max_prompt_tokens=context_tokens - room)
    return replace(options, budget=budget)


def answer_of(events: Iterator[RunEvent]) -> Answer:
    """Return the answer that events end with, a cut one as well.

    Raises:
        FilesearchError: What ended the run without one: ChatFailed for the model, or what the
            search raised.
    """
    end: RunEnd | None = None
    for event in events:
        if isinstance(event, (Completed, Incomplete, ActionRequired, Cancelled, Failed)):
            end = event
    if isinstance(end, Failed):
        raise end.error
    if isinstance(end, (Completed, Incomplete, Cancelled)):
        return end.answer
    raise ChatFailed(
        "the model calls a function that cannot be called here; register a callable for it, or "
        "stream the answer, and go on with the outputs"
    )


def passages_for(model: ChatModel, settings: Settings) -> int:
    """Return how many passages an answer is made from, where the call does not say.

    The settings' `top_k`, where it was set; else OpenAI's 20 for a model that reads. Quotes come
    from the first few.
    """
    is_set = settings.top_k != Settings().top_k
    return settings.top_k if is_set or model.name == EXTRACTIVE_MODEL else MAX_RESULTS
