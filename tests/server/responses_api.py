"""What the tests of responses and conversations have in common."""

from __future__ import annotations

import json
import time

from filesearch import Document, FileSearch
from filesearch.messages import ChatReply, Message, ToolCall, Usage
from filesearch.paging import PageQuery
from filesearch.testing import HashingEmbedder
from filesearch.types import NamedDocument

MUGS = "Mugs can be returned within 30 days of purchase. Keep the receipt."
KILN = "The kiln reaches 1,260 degrees. It cools down for twelve hours."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    "strict": False,
}


def search_tool(index, db):
    """Make an index with two documents; returns the tool that searches it."""
    with FileSearch(index, embedder=HashingEmbedder(), db=db) as fs:
        fs.ingest_documents(
            [NamedDocument("mugs.txt", Document(MUGS)), NamedDocument("kiln.txt", Document(KILN))]
        )
        (store,) = fs.stores.page(PageQuery()).items
    return {"type": "file_search", "vector_store_ids": [store.id]}


def calls(*named, text=""):
    """A reply that calls tools: (name, arguments) each."""
    made = tuple(
        ToolCall(f"call_{number}", name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(named)
    )
    return ChatReply(Message("assistant", text, tool_calls=made), "tool_calls", Usage(7, 3))


def searches(*queries):
    """A reply that searches."""
    return calls(("file_search", {"queries": list(queries)}))


def cites(request):
    """A reply that cites the first two passages."""
    first, second = request.sources[:2]
    return f"Within 30 days{first.marker}, and it cools{second.marker}."


def conversation(request):
    """What a request gives to read, as (role, text)."""
    return [(message.role, message.content) for message in request.messages]


def outputs_for(response, *outputs):
    """Items with the outputs of a response's calls, in order."""
    made = [item for item in response.output if item.type == "function_call"]
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": output}
        for call, output in zip(made, outputs, strict=True)
    ]


def wait_for(condition, seconds=30):
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
