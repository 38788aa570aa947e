"""Events: what happens while an assistant answers, in order, for whoever shows it as it happens.

SearchStarted, SearchCompleted         the loop searches the documents
FunctionCallDelta, FunctionCompleted   the model calls functions
TextDelta, CitationAdded               the answer is written
MessageCompleted                       one message is whole: before tools are called, or last
Completed | Incomplete | ActionRequired | Cancelled | Failed    exactly one of these, last
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from filesearch.errors import FilesearchError
from filesearch.messages import Message, Source, ToolCall, Usage
from filesearch.types import Answer, Citation, IncompleteReason


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """The documents are searched."""

    call_id: str
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchCompleted:
    """What a search brought; `sources` go to the model, best first.

    Attributes:
        is_last: No other search follows that the same reply of the model asked for.
    """

    call_id: str
    queries: tuple[str, ...]
    sources: tuple[Source, ...]
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class FunctionCallDelta:
    """A piece of a call to a function; `name` comes with the first piece, `arguments` add up."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class FunctionCompleted:
    """A registered function was called and gave `output`."""

    call: ToolCall
    output: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next characters of the message, markers left out."""

    text: str


@dataclass(frozen=True, slots=True)
class CitationAdded:
    """A citation behind the text so far. Its support is known at MessageCompleted."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class MessageCompleted:
    """A message is whole: its citations are checked."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run has done so far: all it takes to go on later, or elsewhere.

    Attributes:
        messages: Added to the conversation by the run: calls and what they returned. The content
            of a search's message is left empty; its passages are in `sources`.
        sources: Passages of all searches, in order.
        usage: Of all calls of the model.
        rounds: Calls of the model.
        pending: Calls whose outputs the caller owes.
    """

    messages: tuple[Message, ...] = ()
    sources: tuple[Source, ...] = ()
    usage: Usage = field(default_factory=Usage)
    rounds: int = 0
    pending: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """The answer is whole."""

    answer: Answer
    state: RunState


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The answer was cut, for the reason that it says itself. `answer` is what there is of it."""

    reason: IncompleteReason
    answer: Answer
    state: RunState


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The caller is to run `state.pending`, and to go on from what `run.with_outputs` returns."""

    state: RunState


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller wanted no more. `answer` is what there is of it."""

    answer: Answer
    state: RunState


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer: the model failed or went in circles. The conversation can go on.

    Attributes:
        code: OpenAI's.
        message: What happened, and the way out.
        answer: What was written before.
        error: What went wrong, for callers who want it raised.
    """

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str
    answer: Answer
    state: RunState
    error: FilesearchError


RunEnd: TypeAlias = Completed | Incomplete | ActionRequired | Cancelled | Failed
RunEvent: TypeAlias = (
    SearchStarted
    | SearchCompleted
    | FunctionCallDelta
    | FunctionCompleted
    | TextDelta
    | CitationAdded
    | MessageCompleted
    | RunEnd
)
