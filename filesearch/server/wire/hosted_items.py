"""Wire of what tools that are not run here did in earlier answers: kept and echoed, not read.

Programs that keep a conversation themselves give back all of it, also what came from elsewhere.
What is required is what an answer of OpenAI's schema cannot be without.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Tag

from filesearch.server.wire.common import Items, RequestModel

_Objects: TypeAlias = Items[dict[str, Any]]
_Status: TypeAlias = Literal["in_progress", "completed", "incomplete"]
_FINISHED: dict[str, Any] = {"status": "completed"}


class HostedItem(RequestModel):
    """What each of these items may hold.

    Attributes:
        always: What stands in an answer where the item is silent.
    """

    always: ClassVar[dict[str, Any]] = {}
    id: str | None = None
    caller: dict[str, Any] | None = None
    created_by: str | None = None

    def echo(self) -> dict[str, Any]:
        """Return the item as it is shown, its id and type left out."""
        return self.always | self.model_dump(exclude_none=True, exclude={"id", "type"})


class WebSearchCallItem(HostedItem):
    """A search of the web; early clients know no action."""

    always = _FINISHED | {"action": {"type": "search", "query": ""}}
    type: Literal["web_search_call"]
    action: dict[str, Any] | None = None
    status: Literal["in_progress", "searching", "completed", "failed"] | None = None


class CodeInterpreterCallItem(HostedItem):
    """Code that was run."""

    always = _FINISHED | {"code": None, "outputs": None}
    type: Literal["code_interpreter_call"]
    container_id: str
    code: str | None = None
    outputs: _Objects | None = None
    status: Literal["in_progress", "completed", "incomplete", "interpreting", "failed"] | None = (
        None
    )


class ImageGenerationCallItem(HostedItem):
    """An image that was made."""

    always = _FINISHED | {"result": None}
    type: Literal["image_generation_call"]
    result: str | None = None
    status: Literal["in_progress", "completed", "generating", "failed"] | None = None


class McpListToolsItem(HostedItem):
    """What a server of tools offered."""

    type: Literal["mcp_list_tools"]
    server_label: str
    tools: _Objects
    error: str | None = None


class McpApprovalRequestItem(HostedItem):
    """A call that was to be allowed."""

    type: Literal["mcp_approval_request"]
    server_label: str
    name: str
    arguments: str


class McpApprovalResponseItem(HostedItem):
    """Whether it was."""

    type: Literal["mcp_approval_response"]
    approval_request_id: str
    approve: bool
    reason: str | None = None

    def echo(self) -> dict[str, Any]:
        """See HostedItem; OpenAI's schema asks for a request_id, and describes none."""
        return {"request_id": self.approval_request_id} | super().echo()


class McpCallItem(HostedItem):
    """A call of a tool on such a server."""

    type: Literal["mcp_call"]
    server_label: str
    name: str
    arguments: str
    output: str | None = None
    error: Any = None
    approval_request_id: str | None = None
    status: Literal["in_progress", "completed", "incomplete", "calling", "failed"] | None = None


class CustomToolCallItem(HostedItem):
    """A call of a tool that takes any text."""

    always = _FINISHED
    type: Literal["custom_tool_call"]
    call_id: str
    name: str
    input: str
    namespace: str | None = None
    status: _Status | None = None


class CustomToolCallOutputItem(HostedItem):
    """What it returned."""

    always = _FINISHED
    type: Literal["custom_tool_call_output"]
    call_id: str
    output: str | _Objects
    status: _Status | None = None


class ComputerCallItem(HostedItem):
    """What was done on a screen."""

    always = _FINISHED
    type: Literal["computer_call"]
    call_id: str
    pending_safety_checks: _Objects
    action: dict[str, Any] | None = None
    actions: _Objects | None = None
    status: _Status | None = None


class ComputerCallOutputItem(HostedItem):
    """The screen after it."""

    always = _FINISHED
    type: Literal["computer_call_output"]
    call_id: str
    output: dict[str, Any]
    acknowledged_safety_checks: _Objects | None = None
    status: _Status | None = None


class LocalShellCallItem(HostedItem):
    """A command."""

    always = _FINISHED
    type: Literal["local_shell_call"]
    call_id: str
    action: dict[str, Any]
    status: _Status | None = None


class LocalShellCallOutputItem(HostedItem):
    """What it printed."""

    type: Literal["local_shell_call_output"]
    call_id: str | None = None
    output: str
    status: _Status | None = None


class ShellCallItem(HostedItem):
    """Commands."""

    always = _FINISHED | {"environment": None}
    type: Literal["shell_call"]
    call_id: str
    action: dict[str, Any]
    environment: dict[str, Any] | None = None
    status: _Status | None = None


class ShellCallOutputItem(HostedItem):
    """What they printed."""

    always = _FINISHED | {"max_output_length": None}
    type: Literal["shell_call_output"]
    call_id: str
    output: _Objects
    max_output_length: int | None = None
    status: _Status | None = None


class ApplyPatchCallItem(HostedItem):
    """A change of a file."""

    always = _FINISHED
    type: Literal["apply_patch_call"]
    call_id: str
    operation: dict[str, Any]
    status: Literal["in_progress", "completed"] | None = None


class ApplyPatchCallOutputItem(HostedItem):
    """What became of it."""

    always = _FINISHED
    type: Literal["apply_patch_call_output"]
    call_id: str
    output: str | None = None
    status: Literal["completed", "failed"] | None = None


HostedInputItem: TypeAlias = (
    Annotated[WebSearchCallItem, Tag("web_search_call")]
    | Annotated[CodeInterpreterCallItem, Tag("code_interpreter_call")]
    | Annotated[ImageGenerationCallItem, Tag("image_generation_call")]
    | Annotated[McpListToolsItem, Tag("mcp_list_tools")]
    | Annotated[McpApprovalRequestItem, Tag("mcp_approval_request")]
    | Annotated[McpApprovalResponseItem, Tag("mcp_approval_response")]
    | Annotated[McpCallItem, Tag("mcp_call")]
    | Annotated[CustomToolCallItem, Tag("custom_tool_call")]
    | Annotated[CustomToolCallOutputItem, Tag("custom_tool_call_output")]
    | Annotated[ComputerCallItem, Tag("computer_call")]
    | Annotated[ComputerCallOutputItem, Tag("computer_call_output")]
    | Annotated[LocalShellCallItem, Tag("local_shell_call")]
    | Annotated[LocalShellCallOutputItem, Tag("local_shell_call_output")]
    | Annotated[ShellCallItem, Tag("shell_call")]
    | Annotated[ShellCallOutputItem, Tag("shell_call_output")]
    | Annotated[ApplyPatchCallItem, Tag("apply_patch_call")]
    | Annotated[ApplyPatchCallOutputItem, Tag("apply_patch_call_output")]
)
