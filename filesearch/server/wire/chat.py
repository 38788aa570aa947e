"""Chat and completions: requests as they are read where we answer ourselves.

A request for a model behind another server is passed on as it came; of that one only the model's
name and the messages' presence are checked, because its server knows best what else it takes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from filesearch.server.wire.common import (
    MAX_PROPERTIES,
    Items,
    Metadata,
    Plain,
    RequestModel,
    at_most,
)

MAX_TOOLS = 128
MAX_STOPS = 4
MAX_STORES = 20
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class ChatCompletionBody(BaseModel):
    """A request for a chat completion, OpenAI's, before it is known who answers.

    Beside OpenAI's fields: `vector_store_ids`, and a tool
    `{"type": "file_search", "vector_store_ids": [...]}`, search those vector stores; a content part
    `{"type": "file", "file": {"file_id": "..."}}` searches that file.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: Plain = Field(min_length=1)
    messages: Items[dict[str, Any]] = Field(min_length=1)
    stream: bool | None = None


class CompletionBody(BaseModel):
    """A request for a legacy completion, OpenAI's, before it is known who answers."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: Plain = Field(min_length=1)
    prompt: str | Items[str] | Items[int] | Items[Items[int]] | None = None
    stream: bool | None = None


# Content


class TextPart(RequestModel):
    """Words."""

    type: Literal["text"]
    text: str


class RefusalPart(RequestModel):
    """Words of an assistant that refused."""

    type: Literal["refusal"]
    refusal: str


class GivenFile(RequestModel):
    """A file: one that was uploaded, or its bytes."""

    file_id: Plain | None = None
    filename: str | None = None
    file_data: str | None = None


class FilePart(RequestModel):
    """A file to answer from."""

    type: Literal["file"]
    file: GivenFile


class MediaPart(RequestModel):
    """What a model that reads text cannot take."""

    type: Literal["image_url", "input_audio"]


UserPart = Annotated[TextPart | FilePart | MediaPart, Field(discriminator="type")]
AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


# Messages


class SystemMessage(RequestModel):
    """Instructions."""

    role: Literal["system", "developer"]
    content: str | Items[TextPart]
    name: str | None = None


class UserMessage(RequestModel):
    """What the user says."""

    role: Literal["user"]
    content: str | Items[UserPart]
    name: str | None = None


class CalledFunction(RequestModel):
    """Name and arguments of a call."""

    name: str
    arguments: str


class CalledTool(RequestModel):
    """A call that the assistant made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class AssistantMessage(RequestModel):
    """What the assistant said or called."""

    role: Literal["assistant"]
    content: str | Items[AssistantPart] | None = None
    refusal: str | None = None
    name: str | None = None
    tool_calls: Items[CalledTool] | None = None
    function_call: CalledFunction | None = None
    annotations: Items[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None


class ToolMessage(RequestModel):
    """What a call returned."""

    role: Literal["tool"]
    content: str | Items[TextPart]
    tool_call_id: str


class FunctionMessage(RequestModel):
    """What a call returned, as it was said before there were tools."""

    role: Literal["function"]
    content: str | None
    name: str


ChatMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage,
    Field(discriminator="role"),
]


# Tools


class FunctionDefinition(RequestModel):
    """A function that the client runs."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(RequestModel):
    """A function that the client runs."""

    type: Literal["function"]
    function: FunctionDefinition


class SearchSettings(RequestModel):
    """How `file_search` searches: of the tool itself, or of its `file_search` as in Assistants."""

    vector_store_ids: Items[Plain] = Field(default=[], max_length=MAX_STORES)
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    filters: dict[str, Any] | None = None
    ranking_options: dict[str, Any] | None = None


class FileSearchTool(SearchSettings):
    """Search vector stores, and answer from what is found."""

    type: Literal["file_search"]
    file_search: SearchSettings | None = None

    @property
    def settings(self) -> SearchSettings:
        """Those that were given, wherever they stand."""
        return self.file_search or self


ChatTool = Annotated[FunctionTool | FileSearchTool, Field(discriminator="type")]


class ChosenName(RequestModel):
    """Names a function."""

    name: str


class ChosenFunction(RequestModel):
    """A tool choice: this function."""

    type: Literal["function"]
    function: ChosenName


class ChosenSearch(RequestModel):
    """A tool choice: the search."""

    type: Literal["file_search"]


class AllowedTools(RequestModel):
    """Some of the tools."""

    mode: Literal["auto", "required"]
    tools: Items[ChosenFunction | ChosenSearch]


class ChosenTools(RequestModel):
    """A tool choice: some of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ToolChoice = (
    Literal["none", "auto", "required"]
    | Annotated[ChosenFunction | ChosenSearch | ChosenTools, Field(discriminator="type")]
)


class JsonSchema(RequestModel):
    """A schema that an answer is to follow."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: FunctionName
    description: str | None = None
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextFormat(RequestModel):
    """Plain text."""

    type: Literal["text"]


class JsonFormat(RequestModel):
    """Any JSON object."""

    type: Literal["json_object"]


class SchemaFormat(RequestModel):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonFormat | SchemaFormat, Field(discriminator="type")]


class StreamOptions(RequestModel):
    """What is streamed besides the answer."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


Stops = str | Annotated[Items[str], Field(max_length=MAX_STOPS)]


class _Answered(RequestModel):
    """What both kinds of completion take. What has no field here is taken and changes nothing."""

    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=None, ge=1, le=128)
    stop: Stops | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: Annotated[dict[str, float], at_most(MAX_PROPERTIES)] | None = None
    seed: int | None = None
    user: str | None = None
    vector_store_ids: Items[Plain] = Field(default=[], max_length=MAX_STORES)


class OwnChatRequest(_Answered):
    """A request for a chat completion that we answer."""

    messages: Items[ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    tools: Items[ChatTool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Items[FunctionDefinition] | None = Field(default=None, max_length=MAX_TOOLS)
    function_call: Literal["none", "auto"] | ChosenName | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    metadata: Metadata | None = None
    store: bool | None = None
    modalities: Items[Literal["text", "audio"]] | None = None
    reasoning_effort: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    service_tier: str | None = None
    prediction: dict[str, Any] | None = None
    audio: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    moderation: dict[str, Any] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None


class UpdateChatCompletion(RequestModel):
    """A change of a stored chat completion."""

    metadata: Metadata | None


class OwnCompletionRequest(_Answered):
    """A request for legacy completions that we answer."""

    prompt: str | Items[str] | Items[int] | Items[Items[int]] | None = None
    best_of: int | None = Field(default=None, ge=1, le=20)
    echo: bool | None = None
    suffix: str | None = None
    logprobs: int | None = Field(default=None, ge=0, le=5)
