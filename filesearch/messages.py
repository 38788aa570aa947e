"""Messages: what travels between the assistant loop and a chat model, in the OpenAI chat shape.

The names are those of OpenAI's chat completions, so that an adapter for a server that speaks them
copies fields, and one for anything else has one known shape to translate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from filesearch.types import SearchResult

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to be called.

    Attributes:
        id: Unique within one answer; what the tool's message refers to.
        name: Of the tool.
        arguments: As the model wrote them: meant to be a JSON object, not always one.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message, for models that see; all else reads the text alone.

    Attributes:
        url: An http(s) or data URL; nothing is fetched from it here.
        file_id: In place of `url`, a file of the server's, whose bytes become a data URL before a
            model is asked.
        detail: OpenAI's: "auto", "low" or "high".
        at: Where it stands: before this character of the message's content.
    """

    url: str = ""
    file_id: str = ""
    detail: str = "auto"
    at: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation as a model reads it.

    Attributes:
        role: Who speaks; `tool` gives what a call returned.
        content: Text; may be empty when there are `tool_calls`.
        tool_calls: Of an assistant's message only.
        tool_call_id: Of a tool's message only: the call that it answers.
        images: Ordered by where they stand; no trace of them is in `content`.
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    images: tuple[Image, ...] = ()


def join_parts(role: Role, parts: Iterable[str | Image], *, between: str = "\n\n") -> Message:
    """Return a message of texts and images as they follow each other; empty texts are left out."""
    text, images = "", []
    for part in parts:
        if isinstance(part, Image):
            images.append(replace(part, at=len(text)))
        elif part:
            text += f"{between if text else ''}{part}"
    return Message(role, text, images=tuple(images))


def parts_of(message: Message) -> list[str | Image]:
    """Return the texts and images of a message as they follow each other, no text empty."""
    if not message.images:
        return [message.content] if message.content else []
    parts: list[str | Image] = []
    start = 0
    for image in message.images:
        parts += [message.content[start : image.at].strip("\n"), image]
        start = image.at
    parts.append(message.content[start:].strip("\n"))
    return [part for part in parts if part != ""]


def replace_images(message: Message, shown: Callable[[Image], Image | str]) -> Message:
    """Return a message with something else in the place of each image: another one, or a text."""
    if not message.images:
        return message
    parts = [part if isinstance(part, str) else shown(part) for part in parts_of(message)]
    joined = join_parts(message.role, parts)
    return replace(message, content=joined.content, images=joined.images)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that the model may call.

    Attributes:
        name: Letters, digits, `_` and `-`, at most 128; servers may take no more than 64.
        description: What it does, for the model.
        parameters: JSON schema of its arguments, of type object.
        strict: Ask the server to hold the model to the schema.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    strict: bool = False


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A `tool_choice`: the model must call this tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that was given to the model, and how it is told to cite it.

    Attributes:
        call: First number of the marker: the position of the tool's message in the request.
        index: Second number of the marker: the position among the passages of that call.
        result: The passage.
    """

    call: int
    index: int
    result: SearchResult

    @property
    def marker(self) -> str:
        """What cites it, as the hosted service writes it: `【4:0†source】`."""
        return f"【{self.call}:{self.index}†source】"


@dataclass(frozen=True, slots=True)
class SourceQuote:
    """Characters of a passage that a model has quoted as they stand.

    Attributes:
        source: The passage.
        start, end: Character positions in the document's text, within the passage.
    """

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters between."""
        result = self.source.result
        return result.text[self.start - result.start : self.end - result.start]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were read and written.

    Attributes:
        is_counted: Counted here with a known tokenizer, because the server sent no figures.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_counted: bool = False

    @property
    def total_tokens(self) -> int:
        """Both together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.is_counted or other.is_counted,
        )


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a chat model is asked; None leaves a value to the model or its server.

    Attributes:
        messages: At least one. The instructions, if any, are the first and of role system.
        tools: What the model may call.
        sources: The passages that the tools' messages hold, for models that quote instead of
            reading; all others ignore them.
        response_format: OpenAI's, such as `{"type": "json_object"}`.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    max_completion_tokens: int | None = None
    response_format: Mapping[str, Any] | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call.

    Attributes:
        index: Which call of the message, from 0. `id` and `name` come whole, with its first piece.
        arguments: The next characters of its arguments.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """The next piece of a reply that is streamed.

    Attributes:
        finish_reason: Why the reply ends; set once, near the end.
        usage: Set once, in the last piece, whether the server sent it or it was counted here.
        is_quote: `text` stands as it is in a document: no marker is looked for in it.
        cites: What `text`, a marker, stands for, where the model knows the very characters that it
            has quoted before it. None for models that write in their own words: what supports these
            is looked for.
    """

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    is_quote: bool = False
    cites: SourceQuote | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole reply.

    Attributes:
        message: Of role assistant.
    """

    message: Message
    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """Where a chat model is served by OpenAI's chat completions.

    Attributes:
        base_url: Up to and without /chat/completions, no slash at its end.
        model: The server's name for it.
        api_key: For that address alone; empty for none.
        timeout_s: Longest silence of the server.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    timeout_s: float = 120.0
