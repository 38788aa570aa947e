"""Runs on the wire: the requests. What a run leaves out or sets to null, its assistant decides."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Discriminator, Field, Tag

from filesearch.server.wire.assistants import (
    FunctionName,
    RankingOptions,
    ReasoningEffort,
    ResponseFormat,
    Temperature,
    Tool,
    ToolResources,
    TopP,
)
from filesearch.server.wire.common import Items, Metadata, Plain, RequestModel
from filesearch.server.wire.threads import CreateMessage, CreateThread

MAX_TOOLS = 20
MIN_TOKENS = 256

TokenLimit: TypeAlias = Annotated[int, Field(ge=MIN_TOKENS)]


class TruncationStrategy(RequestModel):
    """Which messages of the thread the model is given."""

    type: Literal["auto", "last_messages"]
    last_messages: int | None = Field(default=None, ge=1)


class FunctionChoice(RequestModel):
    """The function that is to be called."""

    name: FunctionName


class NamedFunction(RequestModel):
    """A choice that falls on a function."""

    type: Literal["function"]
    function: FunctionChoice


class NamedTool(RequestModel):
    """A choice that falls on a tool of ours."""

    type: Literal["file_search", "code_interpreter"]


def _kind_of_choice(value: object) -> str:
    if isinstance(value, str):
        return "word"
    kind: Any = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "function" if kind == "function" else "tool"


ToolChoice: TypeAlias = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")]
    | Annotated[NamedFunction, Tag("function")]
    | Annotated[NamedTool, Tag("tool")],
    Discriminator(_kind_of_choice),
]


class RunFields(RequestModel):
    """What all requests for a run can say."""

    assistant_id: Plain
    model: str | None = Field(default=None, min_length=1)
    instructions: str | None = Field(default=None, max_length=256_000)
    tools: Items[Tool] | None = Field(default=None, max_length=MAX_TOOLS)
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_prompt_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    truncation_strategy: TruncationStrategy | None = None
    stream: bool | None = None
    # openai 1.51 sends this here instead of in the query.
    include: Items[str] | None = None


class CreateRun(RunFields):
    """`POST /threads/{id}/runs`."""

    additional_instructions: str | None = None
    additional_messages: Items[CreateMessage] | None = None


class CreateThreadAndRun(RunFields):
    """`POST /threads/runs`: the resources take the place of the assistant's."""

    thread: CreateThread | None = None
    tool_resources: ToolResources | None = None


class UpdateRun(RequestModel):
    """`POST /threads/{id}/runs/{id}`."""

    metadata: Metadata | None = None


class ToolOutput(RequestModel):
    """What a function returned."""

    tool_call_id: str
    output: str | None = None


class SubmitToolOutputs(RequestModel):
    """`POST /threads/{id}/runs/{id}/submit_tool_outputs`."""

    tool_outputs: Items[ToolOutput]
    stream: bool | None = None


# Answers; they are made as JSON, and documented by these.


class CalledFunction(BaseModel):
    """What is to be called; the arguments are JSON, as the model wrote them."""

    name: str
    arguments: str


class WantedCall(BaseModel):
    """A function that the client is to call."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class WantedOutputs(BaseModel):
    """The calls whose outputs a run waits for."""

    tool_calls: list[WantedCall]


class RequiredAction(BaseModel):
    """What a run waits for."""

    type: Literal["submit_tool_outputs"]
    submit_tool_outputs: WantedOutputs


class RunError(BaseModel):
    """Why a run failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteRun(BaseModel):
    """Why a run ended early."""

    reason: Literal["max_completion_tokens", "max_prompt_tokens"]


class TokenUsage(BaseModel):
    """Tokens that the model read and wrote."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class RunBody(BaseModel):
    """A run."""

    id: str
    object: Literal["thread.run"]
    created_at: int
    thread_id: str
    assistant_id: str
    status: Literal[
        "queued",
        "in_progress",
        "requires_action",
        "cancelling",
        "cancelled",
        "failed",
        "completed",
        "incomplete",
        "expired",
    ]
    required_action: RequiredAction | None
    last_error: RunError | None
    expires_at: int | None
    started_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    incomplete_details: IncompleteRun | None
    model: str
    instructions: str
    tools: list[Tool]
    metadata: dict[str, str]
    usage: TokenUsage | None
    temperature: float | None
    top_p: float | None
    max_prompt_tokens: int | None
    max_completion_tokens: int | None
    truncation_strategy: TruncationStrategy
    tool_choice: ToolChoice
    parallel_tool_calls: bool
    response_format: ResponseFormat


class RunPage(BaseModel):
    """A part of the runs of a thread."""

    object: Literal["list"]
    data: list[RunBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class CreatedMessage(BaseModel):
    """The message that a step writes."""

    message_id: str


class MessageCreation(BaseModel):
    """A step that writes a message."""

    type: Literal["message_creation"]
    message_creation: CreatedMessage


class ResultContent(BaseModel):
    """Text of a passage."""

    type: Literal["text"]
    text: str


class FoundPassage(BaseModel):
    """A passage that was found; its content only when it is asked for."""

    file_id: str
    file_name: str
    score: float = Field(ge=0, le=1)
    content: list[ResultContent] | None = None


class SearchDetails(BaseModel):
    """How was searched, and what was found."""

    ranking_options: RankingOptions
    results: list[FoundPassage]


class SearchCall(BaseModel):
    """A search of the documents."""

    id: str
    type: Literal["file_search"]
    file_search: SearchDetails


class AnsweredFunction(CalledFunction):
    """A function that was called, and what it returned."""

    output: str | None


class FunctionCall(BaseModel):
    """A call of a function."""

    id: str
    type: Literal["function"]
    function: AnsweredFunction


class ToolCalls(BaseModel):
    """A step that calls tools."""

    type: Literal["tool_calls"]
    tool_calls: list[Annotated[SearchCall | FunctionCall, Field(discriminator="type")]]


class RunStepBody(BaseModel):
    """A step of a run."""

    id: str
    object: Literal["thread.run.step"]
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]
    step_details: Annotated[MessageCreation | ToolCalls, Field(discriminator="type")]
    last_error: RunError | None
    expired_at: int | None
    expires_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: dict[str, str]
    usage: TokenUsage | None


class RunStepPage(BaseModel):
    """A part of the steps of a run."""

    object: Literal["list"]
    data: list[RunStepBody]
    first_id: str | None
    last_id: str | None
    has_more: bool
