"""Response output: RunEvents -> output items, and the stream events that tell of them.

An item is announced when it begins and told to be done when it ends; between the two come its
pieces. Nothing here is stored or sent: `emit` is told of everything, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from filesearch.events import (
    ActionRequired,
    Cancelled,
    CitationAdded,
    Completed,
    Failed,
    FunctionCallDelta,
    FunctionCompleted,
    Incomplete,
    MessageCompleted,
    RunEvent,
    SearchCompleted,
    SearchStarted,
    TextDelta,
)
from filesearch.ids import new_id
from filesearch.merge_results import merge_results
from filesearch.server.responses.items import Item, item_id, stored_results, wire_items
from filesearch.types import Citation, SearchResult

Emit = Callable[[str, dict[str, Any]], None]
"""Type and fields of the next event of a stream; numbering it is the receiver's."""


@dataclass(slots=True)
class _Open:
    """An item that is not done: its place in the output, and the item."""

    index: int
    item: Item
    pieces: list[str] = field(default_factory=list)

    @property
    def place(self) -> dict[str, Any]:
        """What the events of its pieces say of where they belong."""
        return {"item_id": self.item["id"], "output_index": self.index}


class ResponseOutput:
    """The output of one response as it grows.

    Args:
        functions: Names of the functions that the caller runs; calls of others are not shown.
        include: What the request asked to see besides.
        emit: Told of each event.
        shows_searches: False leaves searches out.

    Attributes:
        items: Stored items, in order; those that are not done as they are announced.
    """

    def __init__(
        self,
        functions: Collection[str],
        include: Collection[str],
        emit: Emit,
        *,
        shows_searches: bool = True,
    ) -> None:
        self.items: list[Item] = []
        self._functions = frozenset(functions)
        self._include = tuple(include)
        self._emit = emit
        self._shows_searches = shows_searches
        self._message: _Open | None = None
        self._is_message_whole = False
        self._calls: dict[str, _Open] = {}
        self._search: _Open | None = None
        self._found: list[list[SearchResult]] = []  # of its queries so far

    def take(self, event: RunEvent) -> None:
        """Take the next event of a run; a `RunEnd` ends every item."""
        is_piece = isinstance(event, (TextDelta, CitationAdded, FunctionCallDelta))
        if self._is_message_whole:
            self._end_message("incomplete" if isinstance(event, Incomplete) else "completed")
        if not is_piece and not isinstance(event, MessageCompleted):
            # A call that is not whole is one that nobody need answer.
            is_cut = isinstance(event, (Incomplete, Failed, Cancelled))
            self._end_calls("incomplete" if is_cut else "completed")
        match event:
            case TextDelta(text):
                self._add_text(text)
            case CitationAdded(citation):
                self._add_citation(citation)
            case FunctionCallDelta():
                self._add_arguments(event)
            case SearchStarted() | SearchCompleted() if not self._shows_searches:
                pass
            case SearchStarted():
                self._search = self._search or self._begin_search()
            case SearchCompleted():
                self._add_found(event)
            case MessageCompleted():
                self._message = self._message or self._begin_message()
                self._is_message_whole = True
            case FunctionCompleted():
                pass  # Functions of a response are the caller's.
            case Completed() | ActionRequired():
                self._end_message("completed")
            case _:
                self.abandon()

    def abandon(self) -> None:
        """End every item that is not done, as far as it came."""
        self._end_message("incomplete")
        self._end_calls("incomplete")
        if self._search is not None:
            self._done(self._search, "failed")
            self._search, self._found = None, []

    # Items as a whole

    def _begin(self, kind: str, **fields: object) -> _Open:
        item: Item = {"id": item_id(kind), "type": kind, "status": "in_progress", **fields}
        opened = _Open(len(self.items), item)
        self.items.append(item)
        self._emit(
            "response.output_item.added", {"output_index": opened.index, "item": self._wire(item)}
        )
        return opened

    def _done(self, opened: _Open, status: str) -> None:
        opened.item["status"] = status
        self._emit(
            "response.output_item.done",
            {"output_index": opened.index, "item": self._wire(opened.item)},
        )

    def _wire(self, item: Item) -> Item:
        """Return a copy as clients see it now."""
        is_fresh_search = item["type"] == "file_search_call" and "sources" not in item
        shown = wire_items([item], () if is_fresh_search else self._include)[0]
        if item["type"] == "message":
            content = [part | {"annotations": [*part["annotations"]]} for part in item["content"]]
            return {**shown, "content": content}
        return dict(shown)

    # Messages

    def _begin_message(self) -> _Open:
        opened = self._begin("message", role="assistant", content=[])
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        opened.item["content"].append(part)
        self._emit(
            "response.content_part.added",
            {**opened.place, "content_index": 0, "part": {**part, "annotations": []}},
        )
        return opened

    def _add_text(self, text: str) -> None:
        self._message = self._message or self._begin_message()
        self._message.pieces.append(text)
        self._emit(
            "response.output_text.delta",
            {**self._message.place, "content_index": 0, "delta": text, "logprobs": []},
        )

    def _add_citation(self, citation: Citation) -> None:
        self._message = self._message or self._begin_message()
        annotation = {
            "type": "file_citation",
            "index": citation.index,
            "file_id": citation.file_id,
            "filename": citation.filename,
        }
        annotations = self._message.item["content"][0]["annotations"]
        if annotation in annotations:
            return  # Two quotes of one file at one place look the same here.
        annotations.append(annotation)
        self._emit(
            "response.output_text.annotation.added",
            {
                **self._message.place,
                "content_index": 0,
                "annotation_index": len(annotations) - 1,
                "annotation": annotation,
            },
        )

    def _end_message(self, status: str) -> None:
        self._is_message_whole = False
        opened, self._message = self._message, None
        if opened is None:
            return
        part = opened.item["content"][0]
        part["text"] = "".join(opened.pieces)
        place = {**opened.place, "content_index": 0}
        self._emit("response.output_text.done", {**place, "text": part["text"], "logprobs": []})
        self._emit("response.content_part.done", {**place, "part": {**part}})
        self._done(opened, status)

    # Calls

    def _add_arguments(self, event: FunctionCallDelta) -> None:
        opened = self._calls.get(event.call_id)
        if opened is None:
            if event.name not in self._functions:
                return
            # Models number their calls anew each time; over a conversation ids must differ.
            call_id = new_id("call")
            opened = self._begin("function_call", call_id=call_id, name=event.name, arguments="")
            self._calls[event.call_id] = opened
        if event.arguments:
            self._add_piece(opened, event.arguments)

    def _add_piece(self, opened: _Open, arguments: str) -> None:
        opened.pieces.append(arguments)
        self._emit("response.function_call_arguments.delta", {**opened.place, "delta": arguments})

    def _end_calls(self, status: str) -> None:
        for opened in self._calls.values():
            if not "".join(opened.pieces).strip() and status == "completed":
                self._add_piece(opened, "{}")  # Clients parse the arguments.
            opened.item["arguments"] = "".join(opened.pieces)
            self._emit(
                "response.function_call_arguments.done",
                {
                    **opened.place,
                    "name": opened.item["name"],
                    "arguments": opened.item["arguments"],
                },
            )
            self._done(opened, status)
        self._calls.clear()

    # Searches: those that one reply asks for are one item, as clients expect it before the message

    def _begin_search(self) -> _Open:
        opened = self._begin("file_search_call", queries=[])
        self._emit("response.file_search_call.in_progress", opened.place)
        self._emit("response.file_search_call.searching", opened.place)
        return opened

    def _add_found(self, event: SearchCompleted) -> None:
        opened = self._search
        assert opened is not None
        self._found.append([source.result for source in event.sources])
        opened.item["queries"] = list(dict.fromkeys([*opened.item["queries"], *event.queries]))
        if not event.is_last:
            return
        count = sum(map(len, self._found))
        opened.item["sources"] = stored_results(merge_results(self._found, count))
        self._emit("response.file_search_call.completed", opened.place)
        self._done(opened, "completed")
        self._search, self._found = None, []
