"""Response items: what a request gives -> stored items -> messages for a model, and the wire.

A stored item is a wire item with an id; a `file_search_call` holds its passages whole, under
`sources`, so that they can be shown, or given to the model again, later. One that a client gave
holds what the client says of them, under `given_results`. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from filesearch.events import RunState
from filesearch.functions import FILE_SEARCH
from filesearch.ids import new_id
from filesearch.messages import Image, Message, Role, Source, ToolCall, join_parts
from filesearch.server.errors import invalid
from filesearch.server.responses.packing import unpack
from filesearch.server.responses.passages import passages_of
from filesearch.server.wire.hosted_items import HostedItem
from filesearch.server.wire.response_input import (
    Content,
    FunctionCallOutputItem,
    Input,
    InputItem,
    ItemReference,
    MessageItem,
    Output,
)

Item: TypeAlias = dict[str, Any]
SHOW_RESULTS = frozenset(
    {"file_search_call.results", "output[*].file_search_call.search_results"}  # two spellings
)
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fc",
    "file_search_call": "fs",
    "reasoning": "rs",
    "compaction": "cmp",
    # What tools that are not run here did; see wire/hosted_items.py.
    "web_search_call": "ws",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "mcp_approval_response": "mcpa",
    "mcp_call": "mcp",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "computer_call": "cu",
    "computer_call_output": "cuo",
    "local_shell_call": "lsh",
    "local_shell_call_output": "lsho",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
}
IMAGE = "[image]"
_EARLIER = "What was said before, in short:\n\n"
_CALLS = ("function_call", "file_search_call")
# What tools of another service did, and what a model thought, is kept and not read again.
_READ = (*_CALLS, "function_call_output", "message", "compaction")
# Ids of other shapes might be those of objects of other kinds.
_ITEM_ID = re.compile(rf"(?:{'|'.join(set(_PREFIXES.values()))})_[0-9a-f]{{48}}")


# What is given -> stored items


def item_id(kind: str) -> str:
    """Return a new id for an item of a type: a prefix and 48 characters."""
    # Messages of threads have the same prefix and half the length.
    prefix = _PREFIXES[kind]
    return new_id("resp").replace("resp_", f"{prefix}_", 1)


def stored_items(given: Input | None) -> list[Item]:
    """Return what a request gives as items, each with an id of its own; references stay.

    Ids that do not look like ours are replaced.
    """
    if given is None:
        return []
    if isinstance(given, str):
        given = [MessageItem(role="user", content=given)]
    items = [_stored(item) for item in given]
    seen: set[str] = set()
    for item in items:
        is_ours = item["id"] not in seen and _ITEM_ID.fullmatch(item["id"])
        if item["type"] != "item_reference" and not is_ours:
            item["id"] = item_id(item["type"])
        seen.add(item["id"])
    return items


def _stored(item: InputItem) -> Item:
    if isinstance(item, ItemReference):
        return {"type": "item_reference", "id": item.id}
    kind = item.type
    head: Item = {"id": item.id or item_id(kind), "type": kind}
    if isinstance(item, MessageItem):
        is_ours = item.role == "assistant"
        return head | {
            "status": "completed",
            "role": item.role,
            "content": shown_parts(item.content, "output_text" if is_ours else "input_text"),
        }
    if isinstance(item, FunctionCallOutputItem):
        output: Any = item.output
        if not isinstance(output, str):
            output = shown_parts(output, "input_text")
        return head | {"status": "completed", "call_id": item.call_id, "output": output}
    if isinstance(item, HostedItem):
        return head | item.echo()
    fields = item.model_dump(exclude_none=True, exclude={"id", "type"})
    if kind == "function_call":
        fields.setdefault("status", "completed")
    if kind == "file_search_call":
        fields["status"] = "completed"
        if "results" in fields:
            fields["given_results"] = fields.pop("results")
    return head | fields


def shown_parts(content: Content | Output, kind: str) -> list[dict[str, Any]]:
    """Return content as parts of the wire; text takes the type that fits who speaks."""
    if isinstance(content, str):
        return [_text_part(content, kind)]
    parts = []
    for part in content:
        if part.type in ("input_text", "output_text"):
            notes = [note.model_dump() for note in part.annotations or ()]
            parts.append(_text_part(part.text, kind, notes))
        elif part.type == "input_image":
            parts.append({"detail": "auto"} | part.model_dump(exclude_none=True))
        else:
            parts.append(part.model_dump(exclude_none=True))
    return parts


def _text_part(
    text: str, kind: str, annotations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    if kind == "output_text":
        return {"type": kind, "text": text, "annotations": annotations or [], "logprobs": []}
    return {"type": kind, "text": text}


# Stored items -> the wire


def wire_items(items: Iterable[Item], include: Collection[str]) -> list[Item]:
    """Return items as clients see them; the results of searches only where they are asked for."""
    return [_wire_item(item, shows_results=bool(SHOW_RESULTS & set(include))) for item in items]


def _wire_item(item: Item, *, shows_results: bool) -> Item:
    if item["type"] != "file_search_call":
        return {name: _without_file_texts(value) for name, value in item.items()}
    shown = {name: item[name] for name in ("id", "type", "status", "queries")}
    results = item.get("given_results")
    if results is None:
        results = [
            {
                "attributes": source["attributes"],
                "file_id": source["file_id"],
                "filename": source["filename"],
                "score": source["score"],
                "text": source["text"],
            }
            for source in item.get("sources", ())
        ]
    return shown | {"results": results if shows_results else None}


def _without_file_texts(value: object) -> object:
    """Return content or an output as it was given; anything else as it is."""
    if not isinstance(value, list):
        return value
    return [
        {name: v for name, v in part.items() if name not in ("text", "kept_id")}
        if isinstance(part, dict) and part.get("type") == "input_file"
        else part
        for part in value
    ]


# Stored items -> messages


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a run goes on from.

    Attributes:
        history: The messages, oldest first.
        state: What the turn has done already, where the last item answers a call.
    """

    history: tuple[Message, ...]
    state: RunState


def read_items(before: Sequence[Item], given: Sequence[Item]) -> Conversation:
    """Return what stands before a request, and its own items, as what a run is given.

    A turn that waited for functions goes on where it stood, its passages still at hand; the
    searches of earlier turns are left out, as what they brought stands in the answers.

    Raises:
        ApiError: A call without its output, an output without its call, or no message at all.
    """
    items = [*before, *given]
    calls = {i["call_id"] for i in items if i["type"] == "function_call"}
    outputs = {i["call_id"]: _output(i) for i in items if i["type"] == "function_call_output"}
    # Where a response was deleted meanwhile, outputs may be left of calls that it made.
    for item in given:
        if item["type"] == "function_call_output" and item["call_id"] not in calls:
            raise invalid(
                f"No tool call found for function call output with call_id {item['call_id']}.",
                "input",
            )
    for item in items:
        is_whole = item.get("status") != "incomplete"
        if item["type"] == "function_call" and is_whole and item["call_id"] not in outputs:
            raise invalid(f"No tool output found for function call {item['call_id']}.", "input")
    read = [item["type"] for item in items if item["type"] in _READ]
    goes_on = read[-1:] == ["function_call_output"]
    turn = turn_start(items) if goes_on else len(items)
    earlier = [item for item in items[:turn] if item["type"] != "file_search_call"]
    history, _ = _messages(earlier, outputs, first=0)
    # That a search found nothing is said only where it is known.
    known = [item for item in items[turn:] if item["type"] != "file_search_call" or _is_told(item)]
    own, sources = _messages(known, outputs, first=len(history))
    if not history and not own:
        raise invalid("There is nothing to answer; give an 'input'.", "input")
    return Conversation(tuple(history), RunState(messages=tuple(own), sources=tuple(sources)))


def turn_start(items: Sequence[Item]) -> int:
    """Return where what follows the last message of the user begins, 0 where there is none."""
    return max((i for i, item in enumerate(items, 1) if item.get("role") == "user"), default=0)


def _is_told(search: Item) -> bool:
    """Return whether what a search found, be it nothing, stands in its item."""
    return "sources" in search or search.get("given_results") == [] or bool(passages_of(search))


def _messages(
    items: Sequence[Item], outputs: Mapping[str, Message], *, first: int
) -> tuple[list[Message], list[Source]]:
    """Return messages, each group of calls followed by what they returned, and the passages.

    Calls are of one group until the output of one of them comes, or anything else.

    Args:
        items: In order.
        outputs: What functions returned, by call id.
        first: How many messages stand before.
    """
    messages: list[Message] = []
    sources: list[Source] = []
    group: list[Item] = []
    is_answered = False  # an output of the group has come
    said = ""

    def close() -> None:
        nonlocal said, is_answered
        if not group and not said:
            return
        calls = tuple(_call(item) for item in group)
        messages.append(Message("assistant", said, tool_calls=calls))
        for item, call in zip(group, calls, strict=True):
            if item["type"] == "file_search_call":
                position = first + len(messages)
                sources.extend(_sources(item, position))
                # Blank content marks a search, whose passages stand apart.
                messages.append(Message("tool", tool_call_id=call.id))
            else:
                messages.append(outputs[item["call_id"]])
        group.clear()
        is_answered = False
        said = ""

    for item in items:
        if item["type"] in _CALLS and item.get("status") != "incomplete":
            if is_answered:
                close()
            group.append(item)
        elif item["type"] == "function_call_output":
            is_answered = bool(group)
        elif item["type"] == "message":
            waits = not is_answered and any(one["type"] == "function_call" for one in group)
            if item["role"] == "assistant" and waits:  # It was said beside the calls.
                said = "\n\n".join(text for text in (said, text_of(item)) if text)
                continue
            close()
            if item["role"] == "assistant":
                said = text_of(item)
            else:
                messages += _said(item)
        elif item["type"] == "compaction":
            close()
            said = _EARLIER + unpack(item["encrypted_content"])
    close()
    return messages, sources


def _said(item: Item) -> list[Message]:
    """Return a message, those with its files before it: what is asked stands alone and last."""
    role: Role = "user" if item["role"] == "user" else "system"
    files = [part["text"] for part in item["content"] if part["type"] == "input_file"]
    own = join_parts(role, _parts(p for p in item["content"] if p["type"] != "input_file"))
    is_all = files and not own.content and not own.images
    return [*(Message(role, said) for said in files), *([] if is_all else [own])]


def _output(item: Item) -> Message:
    """Return what a function returned."""
    given = item["output"]
    said = join_parts("tool", [given] if isinstance(given, str) else _parts(given))
    # Blank content would mark a search.
    content = said.content or ("(no text)" if said.images else "(no output)")
    return replace(said, content=content, tool_call_id=item["call_id"])


def _parts(parts: Iterable[Mapping[str, Any]]) -> list[str | Image]:
    """Return parts of the wire as texts and images."""
    return [_image(p) if p["type"] == "input_image" else _text(p) for p in parts]


def _image(part: Mapping[str, Any]) -> Image:
    # "original" is what chat completions have no word for.
    detail = "high" if part["detail"] == "original" else part["detail"]
    if url := part.get("image_url"):
        return Image(url, detail=detail)
    return Image(file_id=part.get("file_id") or "", detail=detail)


def _text(part: Mapping[str, Any]) -> str:
    return part.get("text") or part.get("refusal") or ""


def _call(item: Item) -> ToolCall:
    if item["type"] == "file_search_call":
        arguments = json.dumps({"queries": item["queries"]}, ensure_ascii=False)
        return ToolCall(item["id"], FILE_SEARCH, arguments)
    return ToolCall(item["call_id"], item["name"], item["arguments"])


def _sources(item: Item, position: int) -> list[Source]:
    return [Source(position, index, result) for index, result in enumerate(passages_of(item))]


def text_of(item: Item) -> str:
    """Return the text of an item's content or output, with a mark where an image stands."""
    content = item["content"] if item["type"] == "message" else item["output"]
    if isinstance(content, str):
        return content
    texts = (IMAGE if part["type"] == "input_image" else _text(part) for part in content)
    return "\n\n".join(text for text in texts if text)
