"""Run: one turn of an assistant: model -> tool calls -> what they return -> ... -> answer.

conversation, tools -> events. The loop searches the documents itself, calls registered functions,
and hands the others to its caller: `ActionRequired` ends the run for now, and `with_outputs` makes
of its state one that goes on. Whatever happens, the last event is a `RunEnd`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from filesearch.budget import PromptBudget, fit_messages
from filesearch.draft import Draft, Locate
from filesearch.errors import (
    ChatFailed,
    ContextExceeded,
    FilesearchError,
    InvalidSetting,
    RateLimited,
)
from filesearch.events import (
    ActionRequired,
    Cancelled,
    Completed,
    Failed,
    FunctionCallDelta,
    Incomplete,
    MessageCompleted,
    RunEvent,
    RunState,
)
from filesearch.functions import FILE_SEARCH, Function, describe_error
from filesearch.grounding import INSTRUCTIONS, MAX_RESULTS
from filesearch.interruptible import Interrupted, interruptible
from filesearch.messages import (
    ChatDelta,
    ChatRequest,
    FinishReason,
    Message,
    NamedTool,
    ToolCall,
    ToolChoice,
    Usage,
)
from filesearch.protocols import ChatModel, Embedder
from filesearch.shortfall import incomplete_reason
from filesearch.surrogates import join_surrogates
from filesearch.tool_calls import Search, ToolCalls, add_output

MAX_ROUNDS = 10

_log = logging.getLogger("filesearch.run")
_Reply: TypeAlias = tuple[FinishReason, tuple[ToolCall, ...], Usage]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How one turn is answered; None leaves a value to the model or its server.

    Attributes:
        instructions: For the model, besides what it is told about citing.
        tool_choice: For the first call of the model; a forced one falls back to "auto" then.
        max_rounds: Calls of the model, at least 1; in the last it may call no more tools. With 1
            the question itself is searched for before.
        max_num_results: Passages of one search, at most.
        max_searches: Calls of `file_search` in one turn, at most; None sets no limit of its own.
        budget: What the model may be given to read.
        max_completion_tokens: What it may write, all rounds together.
        response_format: OpenAI's. In JSON only a whole marker, 【4:0†source】, is a citation.

    Raises:
        InvalidSetting: `max_rounds` is below 1, or `tool_choice` is none.
    """

    instructions: str = ""
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_rounds: int = MAX_ROUNDS
    max_num_results: int = MAX_RESULTS
    max_searches: int | None = None
    budget: PromptBudget = field(default_factory=PromptBudget)
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    response_format: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.max_rounds < 1:
            raise InvalidSetting(f"max_rounds is {self.max_rounds}; allow at least 1 round")
        choice = self.tool_choice
        if not isinstance(choice, NamedTool) and choice not in ("auto", "none", "required"):
            raise InvalidSetting(
                f"tool_choice is {choice!r:.80}; give 'auto', 'none', 'required' or NamedTool(NAME)"
            )

    @property
    def is_json(self) -> bool:
        """Whether the answer is to be JSON, or of another form that a program reads."""
        return bool((self.response_format or {}).get("type", "text") != "text")


class Run:
    """One turn of an assistant.

    Args:
        model: What answers.
        history: The conversation, oldest first; the last message is the one to answer.
        searches: Stores that `file_search` covers, all of them at once; none, no such tool.
        functions: Other tools. Those without a callable are the caller's.
        locate: Finds pages and headings of quotes.
        embedder: Helps to check citations.
        options: See RunOptions.
        cancel: Set by anyone to end the run at the next event.

    Raises:
        InvalidSetting: Two tools of one name.
    """

    def __init__(
        self,
        model: ChatModel,
        history: Sequence[Message],
        *,
        searches: Sequence[Search] = (),
        functions: Sequence[Function] = (),
        locate: Locate,
        embedder: Embedder | None = None,
        options: RunOptions | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        self._model = model
        self._history = tuple(history)
        self._has_searches = bool(searches)
        self._locate = locate
        self._embedder = embedder
        self._options = options or RunOptions()
        self._cancel = cancel or threading.Event()
        self._tools = ToolCalls(
            searches,
            functions,
            history_length=len(history),
            max_num_results=self._options.max_num_results,
            max_searches=self._options.max_searches,
            cancel=self._cancel,
        )
        self._question = next((m.content for m in reversed(history) if m.role == "user"), "")

    def events(self, state: RunState | None = None) -> Iterator[RunEvent]:
        """Yield what happens, a `RunEnd` last.

        Args:
            state: To go on from; None begins. Closing the iterator ends the model's request.
        """
        state = state or RunState()
        draft = self._draft(state)
        try:
            if self._must_search_first(state):
                state = yield from self._search_first(state)
            while True:
                draft = self._draft(state)
                reply = yield from self._ask(state, draft)
                if reply is None:
                    state = yield from self._search_first(state)
                    continue
                finish, calls, usage = reply
                state = replace(state, usage=state.usage + usage, rounds=state.rounds + 1)
                cut = incomplete_reason(finish)
                answer = replace(draft.answer(self._embedder), incomplete_reason=cut)
                if answer.plain_text or not calls:
                    yield MessageCompleted(answer)
                if cut is not None:
                    yield Incomplete(cut, answer, state)
                    return
                if not calls:
                    yield Completed(answer, state)
                    return
                if state.rounds >= self._options.max_rounds:
                    error = ChatFailed(self._in_circles())
                    yield Failed("server_error", str(error), answer, state, error)
                    return
                state = yield from self._tools.call(state, answer.plain_text, calls)
                if state.pending:
                    yield ActionRequired(state)
                    return
        except Interrupted:
            yield from draft.finish()  # what was held back because a marker might have begun
            yield Cancelled(draft.answer(), state)
        except _PromptTooLong:
            answer = replace(draft.answer(), incomplete_reason="max_prompt_tokens")
            yield Incomplete("max_prompt_tokens", answer, state)
        except ContextExceeded as error:
            yield Failed("invalid_prompt", str(error), draft.answer(), state, error)
        except RateLimited as error:
            yield Failed("rate_limit_exceeded", str(error), draft.answer(), state, error)
        except FilesearchError as error:
            yield Failed("server_error", str(error), draft.answer(), state, error)

    def _must_search_first(self, state: RunState) -> bool:
        """Whether the model cannot, or not any more, ask for a search, and nothing was searched."""
        is_unable = self._options.max_rounds == 1 or not self._model.calls_tools
        is_wanted = self._has_searches and self._options.tool_choice != "none"
        return is_unable and is_wanted and not state.messages

    def _in_circles(self) -> str:
        return (
            f"model '{self._model.name}' was asked {self._options.max_rounds} times and still "
            "calls tools; ask again, or allow more rounds"
        )

    def _draft(self, state: RunState) -> Draft:
        searched = any(m.role == "tool" and not m.content for m in state.messages)
        # Nothing is searched for a blank question, and nothing found.
        searched = searched or bool(self._has_searches and not self._question.strip())
        return Draft(
            self._question,
            sources=state.sources if searched else None,
            locate=self._locate,
            model=self._model.name,
            is_json=self._options.is_json,
            wants_sources=self._wants_sources(state),
        )

    def _wants_sources(self, state: RunState) -> bool:
        """Whether a fact must rest on the documents: not where functions alone were asked."""
        called = {call.name for message in state.messages for call in message.tool_calls}
        return self._has_searches and (
            FILE_SEARCH in called or called.isdisjoint(self._tools.functions)
        )

    # The model

    def _ask(self, state: RunState, draft: Draft) -> Generator[RunEvent, None, _Reply | None]:
        """Ask the model once, with less to read each time it says that it cannot read so much.

        Once words of it are out it is not asked again: they would come twice.

        Returns:
            None when it turns out that the model calls no tools. What it says then it says
            without having read anything, so none of it is out.
        """
        budget = self._options.budget
        for is_last in (False, False, True):
            request = self._request(state, budget)
            try:
                return (yield from self._read(request, state, draft))
            except ContextExceeded:
                smaller = budget.smaller(request)
                if is_last or smaller is None:
                    raise
                budget = smaller
        raise AssertionError("unreachable")

    def _request(self, state: RunState, budget: PromptBudget) -> ChatRequest:
        options = self._options
        is_last = state.rounds + 1 >= options.max_rounds
        if self._tools.functions and options.tool_choice != "none" and not self._model.calls_tools:
            raise ChatFailed(
                f"model '{self._model.name}' calls no tools, and was given "
                f"{', '.join(self._tools.functions)} to call; ask another model, or leave them out"
            )
        tools = self._tools.specs(state) if self._model.calls_tools else ()
        choice = options.tool_choice if state.rounds == 0 else "auto"
        if options.tool_choice == "none" or is_last:
            choice = "none"
        given = join_surrogates(options.instructions)
        instructions = "\n\n".join(
            part for part in (given, INSTRUCTIONS if self._has_searches else "") if part
        )
        messages, sources = fit_messages(instructions, self._history, state, budget, tools=tools)
        if messages is None:
            raise _PromptTooLong
        left = options.max_completion_tokens
        return ChatRequest(
            messages=messages,
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=options.parallel_tool_calls,
            temperature=options.temperature,
            top_p=options.top_p,
            max_completion_tokens=left and max(1, left - state.usage.completion_tokens),
            response_format=options.response_format,
            sources=sources,
        )

    def _read(
        self, request: ChatRequest, state: RunState, draft: Draft
    ) -> Generator[RunEvent, None, _Reply | None]:
        calls: dict[int, ToolCall] = {}
        finish: FinishReason | None = None
        usage = Usage()
        is_heard = False
        draft.give(request.sources)
        deltas = self._deltas(request)
        try:
            for delta in deltas:
                if not is_heard and self._must_search_first(state):
                    return None
                if delta.cites is not None:
                    yield from draft.cite(delta.cites)
                elif delta.text:
                    is_heard = True
                    take = draft.quote if delta.is_quote else draft.feed
                    yield from take(delta.text)
                for piece in delta.tool_calls:
                    if piece.index not in calls:
                        yield from draft.finish()  # no marker goes on behind a call
                    call = calls.get(piece.index) or ToolCall(
                        piece.id or f"call_{state.rounds}_{piece.index}", piece.name, ""
                    )
                    calls[piece.index] = replace(call, arguments=call.arguments + piece.arguments)
                    if call.name != FILE_SEARCH:
                        is_heard = True
                        yield FunctionCallDelta(call.id, piece.name, piece.arguments)
                finish = delta.finish_reason or finish
                usage = delta.usage or usage
        except ContextExceeded:
            if not is_heard:
                raise
            finish = "length"  # no room is left to write in, as where the server says so itself
        finally:
            deltas.close()  # the model is not to write on for nobody
        yield from draft.finish()
        if finish is None:
            raise ChatFailed(
                f"the reply of model '{self._model.name}' broke off half-way; ask again"
            )
        return finish, tuple(calls[index] for index in sorted(calls)), usage

    def _deltas(self, request: ChatRequest) -> Generator[ChatDelta, None, None]:
        try:
            yield from interruptible(self._model.stream(request), self._cancel)
        except (FilesearchError, Interrupted, KeyboardInterrupt, GeneratorExit):
            raise
        # The edge to code that may not be ours: whatever it raises, the run ends as runs do.
        except BaseException as error:
            says = f"model '{self._model.name}' failed: {describe_error(error)}"
            _log.exception(says)
            raise ChatFailed(f"{says}; ask again, or ask another model") from error

    # Tools

    def _search_first(self, state: RunState) -> Generator[RunEvent, None, RunState]:
        """For a model that cannot ask for a search: the question is what is searched for."""
        arguments = json.dumps({"queries": [self._question]}, ensure_ascii=False)
        call = ToolCall("call_0_0", FILE_SEARCH, arguments)
        return (yield from self._tools.call(state, "", (call,)))


class _PromptTooLong(Exception):
    """What must be given does not fit the budget."""


def with_outputs(state: RunState, outputs: Mapping[str, str]) -> RunState:
    """Return a state that goes on with the outputs of all pending calls, by call id.

    Raises:
        InvalidSetting: An output is missing, or belongs to no pending call.
    """
    wanted = [call.id for call in state.pending]
    if set(wanted) != set(outputs):
        raise InvalidSetting(f"expected tool outputs for {wanted}, got {list(outputs)}")
    for call in state.pending:
        state = add_output(state, call, outputs[call.id])
    return replace(state, pending=())
