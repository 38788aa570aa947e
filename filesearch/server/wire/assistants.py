"""Assistants on the wire: tools, what they work on, answer formats, and the requests.

Threads and runs carry the same tools, resources and formats. In a request to change something, a
field that is absent keeps its value, and one that is present replaces it whole.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from filesearch.server.wire.common import Items, Metadata, Plain, RequestModel
from filesearch.server.wire.vector_stores import ChunkingStrategy

MAX_TOOLS = 128
MAX_CODE_FILES = 20
# Of the helper that makes a store together with an assistant or a thread.
MAX_STORE_FILES = 10_000

FunctionName: TypeAlias = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=64)]
Temperature: TypeAlias = Annotated[float, Field(ge=0, le=2)]
TopP: TypeAlias = Annotated[float, Field(ge=0, le=1)]
ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class CodeInterpreterTool(RequestModel):
    """Running code."""

    type: Literal["code_interpreter"]


class RankingOptions(RequestModel):
    """How passages are scored; filled in where none are given, as the hosted service does."""

    ranker: Literal["auto", "default_2024_08_21"] = "default_2024_08_21"
    score_threshold: float = Field(ge=0, le=1)


def _default_ranking(value: object) -> object:
    return {"score_threshold": 0.0} if value is None else value


class FileSearchSettings(RequestModel):
    """Settings of file search."""

    max_num_results: int | None = Field(default=None, ge=1, le=50)
    ranking_options: Annotated[RankingOptions, BeforeValidator(_default_ranking)] = RankingOptions(
        score_threshold=0.0
    )


def _default_settings(value: object) -> object:
    return {} if value is None else value


class FileSearchTool(RequestModel):
    """Searching in vector stores."""

    type: Literal["file_search"]
    file_search: Annotated[FileSearchSettings, BeforeValidator(_default_settings)] = (
        FileSearchSettings()
    )


class FunctionDefinition(RequestModel):
    """A function of the client's program."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(RequestModel):
    """Calling a function of the client's program."""

    type: Literal["function"]
    function: FunctionDefinition


Tool: TypeAlias = Annotated[
    CodeInterpreterTool | FileSearchTool | FunctionTool, Field(discriminator="type")
]
Tools: TypeAlias = Annotated[Items[Tool], Field(max_length=MAX_TOOLS)]


class CodeInterpreterResources(RequestModel):
    """Files that code may read."""

    file_ids: Items[Plain] = Field(default=[], max_length=MAX_CODE_FILES)


class FileSearchResources(RequestModel):
    """The vector store that is searched."""

    vector_store_ids: Items[Plain] = Field(default=[], max_length=1)

    @model_validator(mode="before")
    @classmethod
    def _refuse_new_stores(cls, given: Any) -> Any:  # noqa: ANN401
        # To ignore it would take the store away that is there.
        if isinstance(given, dict) and "vector_stores" in given:
            raise PydanticCustomError("unknown_parameter", "", {"name": "vector_stores"})
        return given


class ToolResources(RequestModel):
    """What the tools work on; a tool that is absent keeps what it has."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: FileSearchResources | None = None


class NewStore(RequestModel):
    """A vector store to make together with an assistant or a thread."""

    file_ids: Items[Plain] = Field(default=[], max_length=MAX_STORE_FILES)
    chunking_strategy: ChunkingStrategy | None = None
    metadata: Metadata | None = None


class NewFileSearchResources(RequestModel):
    """The vector store that is searched: one that exists, or one to make."""

    vector_store_ids: Items[Plain] = Field(default=[], max_length=1)
    vector_stores: Items[NewStore] = Field(default=[], max_length=1)


class NewToolResources(RequestModel):
    """What the tools of a new assistant or thread work on."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: NewFileSearchResources | None = None


class TextFormat(RequestModel):
    """Any text."""

    type: Literal["text"]


class JsonObjectFormat(RequestModel):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchema(RequestModel):
    """A named JSON schema."""

    name: FunctionName
    description: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class JsonSchemaFormat(RequestModel):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


def _format_type(value: object) -> object:
    if isinstance(value, dict):
        return value.get("type")
    return getattr(value, "type", value)


ResponseFormat: TypeAlias = Annotated[
    Annotated[Literal["auto"], Tag("auto")]
    | Annotated[TextFormat, Tag("text")]
    | Annotated[JsonObjectFormat, Tag("json_object")]
    | Annotated[JsonSchemaFormat, Tag("json_schema")],
    Discriminator(_format_type),
]


class _AssistantFields(RequestModel):
    name: str | None = Field(default=None, max_length=256)
    description: str | None = Field(default=None, max_length=512)
    instructions: str | None = Field(default=None, max_length=256_000)
    tools: Tools = Field(default=[])
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class CreateAssistant(_AssistantFields):
    """`POST /assistants`."""

    model: str = Field(min_length=1)
    tool_resources: NewToolResources | None = None


class UpdateAssistant(_AssistantFields):
    """`POST /assistants/{id}`: `model_fields_set` says what is to change."""

    model: str = Field(default="", min_length=1)
    tool_resources: ToolResources | None = None


# Answers; they are made as JSON, and documented by these.


class AssistantBody(BaseModel):
    """An assistant."""

    id: str
    object: Literal["assistant"]
    created_at: int
    name: str | None
    description: str | None
    model: str
    instructions: str | None
    tools: list[Tool]
    tool_resources: ToolResources
    metadata: dict[str, str]
    temperature: float
    top_p: float
    response_format: ResponseFormat
    reasoning_effort: ReasoningEffort | None


class AssistantPage(BaseModel):
    """A part of the list of assistants."""

    object: Literal["list"]
    data: list[AssistantBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class AssistantDeleted(BaseModel):
    """Says that an assistant is gone."""

    id: str
    object: Literal["assistant.deleted"]
    deleted: Literal[True]
