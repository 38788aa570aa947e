"""Stored chats: completions whose request said `store`, kept with what was asked.

request, completion (or the chunks of its stream) -> a kept object -> what the wire shows of it.
Those that another server answered are kept as well, under the id that it gave them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from filesearch.objects import Record, Transaction
from filesearch.paging import Page, PageQuery
from filesearch.server.errors import ApiError
from filesearch.server.lists import page_of

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

_log = logging.getLogger("filesearch.server")
_PAGE = 100
_PARTS = ("text", "image_url")  # the kinds of content that a stored message shows as parts


@dataclass(frozen=True, slots=True)
class ChatKeeper:
    """Keeps the completion of one request.

    Attributes:
        fields: The request.
    """

    server: Server
    caller: Caller
    fields: Mapping[str, Any]

    def keep(self, completion: Mapping[str, Any]) -> None:
        """Keep a whole completion; what is none, or has not ended, is left out."""
        choices = completion.get("choices")
        if not isinstance(completion.get("id"), str) or not choices:
            return
        if any(choice.get("finish_reason") is None for choice in choices):
            return
        metadata = self.fields.get("metadata")
        body = {
            "completion": dict(completion),
            "messages": [_without_bytes(message) for message in self.fields["messages"]],
            "metadata": metadata if isinstance(metadata, dict) else {},
        }
        try:
            with self.server.objects.writing() as tx:
                tx.insert(
                    "chat",
                    body,
                    object_id=completion["id"],
                    owner=self.caller.owner,
                    status=str(self.fields["model"]),
                )
        except IntegrityError:
            # Some servers give every completion the same id.
            _log.warning("chat completion %s is not stored: its id is taken", completion["id"])

    def keep_stream(self, chunks: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield the chunks of a stream; the completion is kept once all have been taken."""
        taken = []
        for chunk in chunks:
            taken.append(chunk)
            yield chunk
        self.keep(joined(taken))

    def keep_bytes(self, body: bytes, *, is_stream: bool) -> None:
        """Keep what another server answered, as it came; what is no completion is left out."""
        try:
            if not is_stream:
                self.keep(json.loads(body))
                return
            lines = body.replace(b"\r\n", b"\n").split(b"\n")
            data = [line[5:].strip() for line in lines if line.startswith(b"data:")]
            self.keep(joined([json.loads(one) for one in data if one != b"[DONE]"]))
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            _log.warning("an answer of another server is not stored: it is no chat completion")


def _without_bytes(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message as it is kept: of files that came along, what they are called."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_without_data(part) for part in content]}


def _without_data(part: Any) -> Any:  # noqa: ANN401 - whatever a client sent on to another server
    file = part.get("file") if isinstance(part, dict) else None
    if not isinstance(file, dict):
        return part
    return part | {"file": {name: value for name, value in file.items() if name != "file_data"}}


def joined(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the completion that the chunks of a stream make; empty when there are none."""
    if not chunks:
        return {}
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", ()):
            index = choice.get("index", 0)
            held = choices.setdefault(
                index,
                {
                    "index": index,
                    "message": {"role": "assistant", "content": None, "refusal": None},
                    "logprobs": None,
                    "finish_reason": None,
                },
            )
            _add_delta(held["message"], choice.get("delta") or {})
            held["finish_reason"] = choice.get("finish_reason") or held["finish_reason"]
    head = {name: chunks[0][name] for name in ("id", "created", "model")}
    whole = {**head, "object": "chat.completion", "choices": [choices[i] for i in sorted(choices)]}
    return whole if usage is None else whole | {"usage": usage}


def _add_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name in ("content", "refusal"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    if old := delta.get("function_call"):
        _add_function(message.setdefault("function_call", {"name": "", "arguments": ""}), old)
    for call in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        while len(calls) <= call.get("index", 0):
            calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        held = calls[call.get("index", 0)]
        held["id"] = call.get("id") or held["id"]
        _add_function(held["function"], call.get("function") or {})
    for note in delta.get("annotations") or ():
        notes = message.setdefault("annotations", [])
        notes.append({name: value for name, value in note.items() if name != "index"})


def _add_function(held: dict[str, str], delta: Mapping[str, Any]) -> None:
    held["name"] = delta.get("name") or held["name"]
    held["arguments"] += delta.get("arguments") or ""


# What the wire shows


def chat_object(record: Record) -> dict[str, Any]:
    """Return a stored completion."""
    shown: dict[str, Any] = record.body["completion"]
    return shown | {"metadata": record.body["metadata"]}


def find_chat(tx: Transaction, completion_id: str, caller: Caller) -> Record:
    """Return a stored completion.

    Raises:
        ApiError: 404, there is none.
    """
    found = tx.find("chat", completion_id, owner=caller.scope)
    if found is None:
        raise ApiError(
            404,
            f"Chat completion '{completion_id[:200]}' not found. Only those are stored whose "
            "request has 'store': true.",
            param="completion_id",
        )
    return found


def list_chats(
    server: Server,
    caller: Caller,
    query: PageQuery,
    *,
    model: str | None,
    metadata: Mapping[str, str],
) -> Page[Record]:
    """Return a part of the stored completions, of a model and with metadata where given.

    Raises:
        NotFound: The cursor names nothing that is or was in the list.
    """
    wanted = query.limit or _PAGE
    found: list[Record] = []
    with server.objects.reading() as tx:
        after = query.after
        while True:
            page = tx.page(
                "chat",
                PageQuery(_PAGE, query.order, after, None),
                owner=caller.scope,
                statuses=[] if model is None else [model],
            )
            for record in page.items:
                if metadata.items() <= record.body["metadata"].items():
                    found.append(record)
            if len(found) > wanted or not page.has_more:
                return Page(tuple(found[:wanted]), len(found) > wanted)
            after = page.items[-1].id


def list_messages(record: Record, query: PageQuery) -> Page[dict[str, Any]]:
    """Return a part of the messages that were asked.

    Raises:
        ApiError: 404 for a cursor that is not among them.
    """
    shown = []
    for number, message in enumerate(record.body["messages"]):
        content = message.get("content")
        parts = None
        if isinstance(content, list):
            parts = [part for part in content if part.get("type") in _PARTS]
            content = "\n\n".join(part["text"] for part in parts if part["type"] == "text")
        shown.append(
            {
                **message,
                "id": f"{record.id}-{number}",
                "content": content,
                "content_parts": parts,
                "refusal": message.get("refusal"),
            }
        )
    return page_of(shown, query)
