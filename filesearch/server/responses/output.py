"""Response output: RunEvents -> output items, and the stream events that tell of them.

An item is announced when it begins and told to be done when it ends; between the two come its
pieces, and nothing of another. Nothing here is stored or sent: `emit` is told of everything, in
order.
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
from filesearch.server.responses.item_order import ItemOrder, Piece
from filesearch.server.responses.items import Item, item_id, wire_items
from filesearch.server.responses.passages import stored_results
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


def _status(*, is_cut: bool) -> str:
    return "incomplete" if is_cut else "completed"


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
        self._order = ItemOrder(functions)
        self._include = tuple(include)
        self._emit = emit
        self._shows_searches = shows_searches
        # Of the reply that is being written:
        self._message: _Open | None = None
        self._call: _Open | None = None
        self._calls: list[_Open] = []  # `_call` and those before it
        self._call_id = ""  # the model's, of `_call`
        self._said = 0  # characters of its text
        self._said_before = 0  # and those of them before `_message`
        self._is_reply_whole = False
        self._search: _Open | None = None
        self._found: list[list[SearchResult]] = []  # of its queries so far

    def take(self, event: RunEvent) -> None:
        """Take the next event of a run; a `RunEnd` ends every item."""
        if isinstance(event, (TextDelta, CitationAdded, FunctionCallDelta)):
            if self._is_reply_whole:
                self._end_reply("completed", "completed")
            for piece in self._order.take(event):
                self._add(piece)
            return
        if self._is_reply_whole or not isinstance(event, MessageCompleted):
            is_cut = isinstance(event, (Incomplete, Failed, Cancelled))
            is_text_cut = isinstance(event, Incomplete) or (is_cut and not self._is_reply_whole)
            # A call that is not whole is one that nobody need answer.
            self._end_reply(_status(is_cut=is_text_cut), _status(is_cut=is_cut))
        match event:
            case SearchStarted() | SearchCompleted() if not self._shows_searches:
                pass
            case SearchStarted():
                self._search = self._search or self._begin_search()
            case SearchCompleted():
                self._add_found(event)
            case MessageCompleted(answer):
                if not answer.plain_text:
                    self._message = self._message or self._begin_message()
                self._is_reply_whole = True
            case FunctionCompleted():
                pass  # Functions of a response are the caller's.
            case Completed() | ActionRequired():
                pass
            case _:
                self.abandon()

    def abandon(self) -> None:
        """End every item that is not done, as far as it came."""
        self._end_reply("incomplete", "incomplete")
        if self._search is not None:
            self._done(self._search, "failed")
            self._search, self._found = None, []

    # Pieces of a reply, those of one item after those of another

    def _add(self, piece: Piece, call_status: str = "completed") -> None:
        """Add a piece to its item; the item before it ends."""
        if isinstance(piece, FunctionCallDelta):
            self._end_message("completed")
            self._add_arguments(piece, call_status)
            return
        self._end_call(call_status)
        if isinstance(piece, TextDelta):
            self._add_text(piece.text)
        else:
            self._add_citation(piece.citation)

    def _end_reply(self, message_status: str, call_status: str) -> None:
        for piece in self._order.rest():
            self._add(piece, call_status)
        self._end_message(message_status)
        self._end_call(call_status)
        if call_status == "incomplete":  # also those that ended before the reply was cut
            for opened in self._calls:
                opened.item["status"] = call_status
        self._calls, self._said, self._is_reply_whole = [], 0, False

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
        self._said_before = self._said
        opened = self._begin("message", role="assistant", content=[])
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        opened.item["content"].append(part)
        self._emit(
            "response.content_part.added",
            {**opened.place, "content_index": 0, "part": {**part, "annotations": []}},
        )
        return opened

    def _add_text(self, text: str) -> None:
        # Blank text between calls, or behind them, is no message.
        if self._message is not None or not self._calls or not text.isspace():
            self._message = self._message or self._begin_message()
            self._message.pieces.append(text)
            self._emit(
                "response.output_text.delta",
                {**self._message.place, "content_index": 0, "delta": text, "logprobs": []},
            )
        self._said += len(text)

    def _add_citation(self, citation: Citation) -> None:
        self._message = self._message or self._begin_message()
        annotation = {
            "type": "file_citation",
            "index": citation.index - self._said_before,
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

    def _add_arguments(self, event: FunctionCallDelta, status: str) -> None:
        if self._call is None or self._call_id != event.call_id:
            self._end_call(status)
            # Models number their calls anew each time; over a conversation ids must differ.
            call_id = new_id("call")
            self._call = self._begin(
                "function_call", call_id=call_id, name=event.name, arguments=""
            )
            self._calls.append(self._call)
            self._call_id = event.call_id
        if event.arguments:
            self._add_piece(self._call, event.arguments)

    def _add_piece(self, opened: _Open, arguments: str) -> None:
        opened.pieces.append(arguments)
        self._emit("response.function_call_arguments.delta", {**opened.place, "delta": arguments})

    def _end_call(self, status: str) -> None:
        opened, self._call = self._call, None
        if opened is None:
            return
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
