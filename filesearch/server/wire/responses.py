"""Wire of the Responses API: what requests hold, with OpenAI's limits and defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from filesearch.server.wire.common import (
    MAX_PROPERTIES,
    Items,
    Metadata,
    Plain,
    RequestModel,
    at_most,
)
from filesearch.server.wire.response_input import Input, InputPart

NAME = r"^[a-zA-Z0-9_-]+$"


def _id_or_object(value: object) -> str:
    return "id" if isinstance(value, str) else "object"


# Tools


class HybridSearch(RequestModel):
    """What either search weighs."""

    embedding_weight: Annotated[float, Field(ge=0)]
    text_weight: Annotated[float, Field(ge=0)]


class RankingOptions(RequestModel):
    """How the passages of a search are ranked."""

    ranker: Literal["auto", "none", "default-2024-11-15", "default_2024_08_21"] = "auto"
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0
    hybrid_search: HybridSearch | None = None


def _shown_filter(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a filter, whose shape is checked already, without what it does not need."""
    if given is None:
        return None
    if "filters" in given:
        parts = [_shown_filter(part) for part in given["filters"]]
        return {"type": given["type"], "filters": parts}
    return {name: given[name] for name in ("type", "key", "value")}


class FileSearchTool(RequestModel):
    """The search of vector stores."""

    type: Literal["file_search"]
    vector_store_ids: Annotated[Items[Plain], Field(min_length=1)]
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None
    filters: dict[str, Any] | None = None

    def searches_as(self, other: FileSearchTool) -> bool:
        """Return whether both search alike, though perhaps other stores."""
        own, others = self.echo(), other.echo()
        return own | {"vector_store_ids": ()} == others | {"vector_store_ids": ()}

    def echo(self) -> dict[str, Any]:
        """Return the tool as it was given, so that the settings hold where it is silent."""
        ranking = self.ranking_options
        return {
            "type": "file_search",
            "filters": _shown_filter(self.filters),
            "max_num_results": self.max_num_results,
            "ranking_options": ranking
            and ranking.model_dump(exclude_unset=True, exclude_none=True),
            "vector_store_ids": self.vector_store_ids,
        }


class FunctionTool(RequestModel):
    """A function that the caller runs."""

    type: Literal["function"]
    name: Annotated[str, Field(min_length=1, max_length=128, pattern=NAME)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def echo(self) -> dict[str, Any]:
        """Return the tool as it is shown."""
        return {
            "type": "function",
            "description": self.description,
            "name": self.name,
            "parameters": self.parameters,
            "strict": True if self.strict is None else self.strict,
        }


class Container(RequestModel):
    """Where code would run."""

    type: Literal["auto"]
    file_ids: Annotated[Items[Plain], Field(max_length=50)] | None = None
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None = None


ContainerGiven: TypeAlias = Annotated[
    Annotated[str, Tag("id")] | Annotated[Container, Tag("object")], Discriminator(_id_or_object)
]


class CodeInterpreterTool(RequestModel):
    """Code that the model would run; accepted and not offered to it."""

    type: Literal["code_interpreter"]
    container: ContainerGiven | None = None

    def echo(self) -> dict[str, Any]:
        """Return the tool as it is shown."""
        given = self.container or Container(type="auto")
        shown = given if isinstance(given, str) else given.model_dump(exclude_none=True)
        return {"type": "code_interpreter", "container": shown}


Tool: TypeAlias = Annotated[
    FileSearchTool | FunctionTool | CodeInterpreterTool, Field(discriminator="type")
]


class HostedToolChoice(RequestModel):
    """The model must call this tool of ours."""

    type: Literal["file_search", "code_interpreter"]


class FunctionToolChoice(RequestModel):
    """The model must call this function."""

    type: Literal["function"]
    name: str


class AllowedTool(RequestModel):
    """One of the tools that may be called."""

    type: Literal["file_search", "code_interpreter", "function"]
    name: str | None = None


class AllowedToolsChoice(RequestModel):
    """The model may, or must, call one of these."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"] = "auto"
    tools: Items[AllowedTool]


NamedToolChoice: TypeAlias = Annotated[
    HostedToolChoice | FunctionToolChoice | AllowedToolsChoice, Field(discriminator="type")
]


def _choice_shape(value: object) -> str:
    return "word" if isinstance(value, str) else "tool"


ToolChoice: TypeAlias = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")]
    | Annotated[NamedToolChoice, Tag("tool")],
    Discriminator(_choice_shape),
]


# The rest


class TextFormat(RequestModel):
    """Plain text, or any JSON."""

    type: Literal["text", "json_object"]


class JsonSchemaFormat(RequestModel):
    """JSON of a schema."""

    type: Literal["json_schema"]
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: str | None = None
    strict: bool | None = None


Format: TypeAlias = Annotated[TextFormat | JsonSchemaFormat, Field(discriminator="type")]


class TextSettings(RequestModel):
    """Shape and length of the answer's text."""

    format: Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(RequestModel):
    """How much a model thinks; passed on to none."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class Prompt(RequestModel):
    """A stored prompt; echoed, since none are stored here."""

    id: str
    version: str | None = None
    variables: Annotated[dict[str, str | InputPart], at_most(MAX_PROPERTIES)] | None = None


class StreamOptions(RequestModel):
    """What a stream carries besides."""

    include_obfuscation: bool | None = None


class ConversationReference(RequestModel):
    """A conversation by its id."""

    id: Plain


ConversationGiven: TypeAlias = Annotated[
    Annotated[Plain, Tag("id")] | Annotated[ConversationReference, Tag("object")],
    Discriminator(_id_or_object),
]
Include: TypeAlias = Literal[
    "file_search_call.results",
    "output[*].file_search_call.search_results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


class CountTokens(RequestModel):
    """What of a request decides how much a model reads."""

    model: str | None = None
    input: Input | None = None
    instructions: str | None = None
    tools: Annotated[Items[Tool], Field(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: Plain | None = None
    conversation: ConversationGiven | None = None
    text: TextSettings | None = None
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None

    @property
    def conversation_id(self) -> str | None:
        """The conversation that is gone on with."""
        given = self.conversation
        return given.id if isinstance(given, ConversationReference) else given


class CompactResponse(CountTokens):
    """`POST /responses/compact`."""

    model: Annotated[str, Field(min_length=1)]


class CreateResponse(CountTokens):
    """`POST /responses`."""

    model: Annotated[str, Field(min_length=1)]
    include: Items[Include] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    background: bool | None = None
    metadata: Metadata | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    max_tool_calls: Annotated[int, Field(ge=1)] | None = None
    user: str | None = None
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    prompt: Prompt | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    service_tier: (
        Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None
    ) = None
