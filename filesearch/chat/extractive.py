"""The extractive chat model: answers with quotes, and needs no language model.

It asks for a search with the user's own words, then quotes the sentences that answer, each with
the marker of its passage. Where the documents hold no answer it says so. It calls a function only
when it is told to, with what the user's words give for its arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from filesearch.answer import Quote, quote_answers
from filesearch.chat.arguments import fill_arguments
from filesearch.chat.reading import join_deltas
from filesearch.decompose import split_clauses
from filesearch.errors import ChatFailed
from filesearch.functions import FILE_SEARCH
from filesearch.ids import new_id
from filesearch.messages import (
    ChatDelta,
    ChatReply,
    ChatRequest,
    FinishReason,
    Message,
    NamedTool,
    Source,
    SourceQuote,
    ToolCallDelta,
    Usage,
)
from filesearch.patterns import lazy_pattern
from filesearch.protocols import Embedder
from filesearch.tokens import count_tokens, token_boundaries
from filesearch.types import Turn

NAME = "extractive"
_NO_ANSWER = {
    "en": "The documents hold no answer to this question.",
    "zh": "文档中没有找到这个问题的答案。",
}
_NEEDS_SEARCH = {
    "en": "I answer by quoting what file_search finds, and this request does not offer it to me.",
    "zh": "我只引用 file_search 找到的内容来回答，而此请求没有提供这个工具。",
}
# Questions in one that are answered one by one: the first so many, since each takes its time.
MAX_PARTS = 5
_HAN = lazy_pattern(r"\p{Script=Han}")

WantedQuestion = Callable[[str, Sequence[Turn]], str]
"""A question and the turns before it -> the question as it is understood and searched for."""


class ExtractiveChatModel:
    """A ChatModel that quotes.

    Args:
        embedder: Makes the Embedder that compares sentences with the question.
        wanted: Makes a question of a conversation understandable by itself.
        answer_threshold: How probably passages must answer, 0..1; None means the calibrated one.
    """

    name = NAME
    calls_tools = True

    def __init__(
        self,
        embedder: Callable[[], Embedder],
        wanted: WantedQuestion,
        *,
        answer_threshold: float | None = None,
    ) -> None:
        self._embedder = embedder
        self._wanted = wanted
        self._answer_threshold = answer_threshold

    def complete(self, request: ChatRequest) -> ChatReply:
        """Return the whole reply; see `stream`."""
        return join_deltas(self.stream(request))

    def stream(self, request: ChatRequest) -> Iterator[ChatDelta]:
        """Yield a call of a tool, or quotes and their markers, as far as the limit goes.

        Raises:
            ChatFailed: Another format than text is wanted.
        """
        kind = (request.response_format or {}).get("type", "text")
        if kind != "text":
            raise ChatFailed(
                f"the extractive model quotes documents, it does not write '{kind}'; leave "
                "response_format out, or ask a language model"
            )
        question = _last_of("user", request.messages)
        call = _wanted_call(request, question)
        finish: FinishReason = "stop" if call is None else "tool_calls"
        written = ""
        if call is not None:
            written = call.arguments
            yield ChatDelta(tool_calls=(call,))
        else:
            for delta in self._answer(request, question):
                fits = _fitting(written, delta, request.max_completion_tokens)
                written += fits
                if fits:
                    yield replace(delta, text=fits)
                if fits != delta.text:
                    finish = "length"
                    break
        yield ChatDelta(
            finish_reason=finish,
            usage=Usage(
                sum(count_tokens(message.content) for message in request.messages),
                count_tokens(written),
                is_counted=True,
            ),
        )

    def _answer(self, request: ChatRequest, question: str) -> Iterator[ChatDelta]:
        since = _since_question(request.messages)
        outputs = [m.content for m in since if m.role == "tool"]
        is_searched = bool(request.sources) or any(
            call.name == FILE_SEARCH for message in since for call in message.tool_calls
        )
        if not is_searched:
            said = "\n\n".join(outputs)
            if not said and not question.strip() and _can_search(request):
                said = _in_language_of(question, _NO_ANSWER)
            yield ChatDelta(said or _in_language_of(question, _NEEDS_SEARCH))
            return
        turns = [
            Turn(message.role, message.content)
            for message in request.messages[: len(request.messages) - len(since) - 1]
            if message.role in ("user", "assistant") and message.content
        ]
        sources = request.sources
        wanted = self._wanted(question, turns)
        parts = self._parts(question, wanted, turns)
        quotes = self._quotes(question, parts, sources) or self._quotes(question, [wanted], sources)
        if not quotes:
            yield ChatDelta(_in_language_of(question, _NO_ANSWER))
        for number, quote in enumerate(quotes):
            space = " " if number else ""
            yield ChatDelta(space + " ".join(quote.text.split()), is_quote=True)
            source = sources[quote.passage]
            yield ChatDelta(source.marker, cites=SourceQuote(source, quote.start, quote.end))

    def _parts(self, question: str, wanted: str, turns: Sequence[Turn]) -> list[str]:
        """Return the questions in one, each with what `wanted` took from the conversation."""
        parts = split_clauses(wanted)
        if not parts or not turns:
            return list(parts[:MAX_PARTS])
        alone = self._wanted(question, ())
        if not wanted.startswith(alone):  # in other words, by a language model
            return []
        taken = wanted[len(alone) :]
        return [part + taken for part in split_clauses(alone)[:MAX_PARTS]]

    def _quotes(
        self, question: str, wanted: Sequence[str], sources: Sequence[Source]
    ) -> list[Quote]:
        """Return the quotes for each question that is wanted, one after another, each once."""
        results = [source.result for source in sources]
        found = (
            quote_answers(
                question,
                results,
                wanted=each,
                embedder=self._embedder(),
                threshold=self._answer_threshold,
            )
            for each in wanted
        )
        return list({(q.passage, q.start): q for quotes in found for q in quotes}.values())


def _in_language_of(question: str, sentences: Mapping[str, str]) -> str:
    """Return the one of `sentences`, by language ("en", "zh"), that suits a question."""
    return sentences["zh" if _HAN.search(question) else "en"]


def _fitting(written: str, delta: ChatDelta, limit: int | None) -> str:
    """Return as much of a piece as `limit` tokens of the whole text hold; a marker never in part.

    A character that takes several tokens and does not fit whole is left out.
    """
    text = written + delta.text
    if limit is None or count_tokens(text) <= limit:
        return delta.text
    if delta.cites is not None:
        return ""
    end = max(len(written), int(token_boundaries(text)[limit]))
    return text[len(written) : end].rstrip()


def _last_of(role: str, messages: Sequence[Message]) -> str:
    return next((m.content for m in reversed(messages) if m.role == role), "")


def _since_question(messages: Sequence[Message]) -> Sequence[Message]:
    """Return what came after the last message of the user."""
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
    return messages[last + 1 :]


def _can_search(request: ChatRequest) -> bool:
    return any(spec.name == FILE_SEARCH for spec in request.tools)


def _wanted_call(request: ChatRequest, question: str) -> ToolCallDelta | None:
    """Return the call to make before answering: one that is asked for, or a search, once."""
    has_called = any(m.tool_calls or m.role == "tool" for m in _since_question(request.messages))
    if request.tool_choice == "none" or has_called:
        return None
    specs = {spec.name: spec for spec in request.tools}
    if isinstance(request.tool_choice, NamedTool):
        spec = specs.get(request.tool_choice.name)
    elif _can_search(request):
        spec = specs[FILE_SEARCH] if question.strip() else None
    else:
        spec = next(iter(specs.values()), None) if request.tool_choice == "required" else None
    if spec is None:
        return None
    is_search = spec.name == FILE_SEARCH
    arguments = {"queries": [question]} if is_search else fill_arguments(spec.parameters, question)
    text = json.dumps(arguments, ensure_ascii=False)
    return ToolCallDelta(0, new_id("call"), spec.name, text)
