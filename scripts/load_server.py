#!/usr/bin/env python3
"""Put many clients at once to a server with a scripted model, and check all that they are sent.

Of ten clients three stream runs, one of them with a search in files, three stream responses, three
poll runs, and one searches now and then. Every stream must be complete, in order, and add up to
the text that the server stores; every request must succeed; the memory of the server must not grow.

    scripts/load_server.py                                200 clients for 60 s
    scripts/load_server.py --clients 50 --seconds 10 --json

Prints latencies and memory; exit code 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from server_process import ServerProcess
from wire_client import WireClient

COUNT = 20
TEXT = " ".join(str(number) for number in range(1, COUNT + 1))
ASK = {"role": "user", "content": f"Count to {COUNT}"}
QUESTION = {"role": "user", "content": "When may a mug be returned?"}
DOCUMENT = b"A mug may be returned within 30 days of delivery. Wholesale orders are final.\n"
ALLOWED_GROWTH_MB = 48.0


@dataclass
class Tally:
    """What all clients saw.

    Attributes:
        latencies_s: Of each sort of request.
        events: How many events were read.
        errors: What was wrong.
        assistant, searcher, store: Ids that the clients share.
        until: When to stop, in monotonic seconds.
    """

    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    events: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    assistant: str = ""
    searcher: str = ""
    store: str = ""
    until: float = 0.0

    def took(self, sort: str, started: float) -> None:
        """Note the time since `started`."""
        self.latencies_s.setdefault(sort, []).append(time.monotonic() - started)

    def check(self, is_right: bool, what: str) -> None:
        """Note an error unless it is right."""
        if not is_right:
            self.errors[what] += 1


async def ask(client: WireClient, tally: Tally, method: str, path: str, body: Any = None) -> Any:
    """Return the answer to a request that must succeed."""
    started = time.monotonic()
    status, answer = await client.request(method, path, body)
    tally.took("request", started)
    if status != 200:
        raise RuntimeError(f"{method} {path} answered {status}: {answer}")
    return answer


async def stream_run(client: WireClient, tally: Tally, assistant: str, message: Any) -> None:
    """Stream a run and compare it with what is stored afterwards."""
    thread = await ask(client, tally, "POST", "/threads", {"messages": [message]})
    started = time.monotonic()
    names, pieces, completed = [], [], None
    body = {"assistant_id": assistant, "stream": True}
    async for name, data in client.events(f"/threads/{thread['id']}/runs", body):
        if not names:
            tally.took("first event", started)
        names.append(name)
        if name == "thread.message.delta":
            pieces += [part["text"].get("value", "") for part in data["delta"]["content"]]
        elif name == "thread.message.completed":
            completed = data["content"][0]["text"]
    tally.took("run stream", started)
    tally.events += len(names)
    start = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    tally.check(names[:3] == start, f"a run began with {names[:3]}")
    tally.check(names[-2:] == ["thread.run.completed", "done"], f"a run ended with {names[-2:]}")
    single = [name for name in names if "delta" not in name and "step" not in name]
    tally.check(len(single) == len(set(single)), "an event came twice")
    if completed is None:
        tally.errors["a run without a message"] += 1
        return
    text = completed["value"]
    tally.check("".join(pieces) == text, "deltas do not add up to the message")
    tally.check(text == TEXT or bool(completed["annotations"]), f"a run said {text[:80]!r}")
    for found in completed["annotations"]:
        slices = text[found["start_index"] : found["end_index"]] == found["text"]
        tally.check(slices, "an annotation does not slice its marker")
    path = f"/threads/{thread['id']}/messages?limit=1"
    [stored] = (await ask(client, tally, "GET", path))["data"]
    tally.check(stored["content"][0]["text"] == completed, "the stored message differs")


async def count_in_a_run(client: WireClient, tally: Tally) -> None:
    """Stream a run without tools."""
    await stream_run(client, tally, tally.assistant, ASK)


async def search_in_a_run(client: WireClient, tally: Tally) -> None:
    """Stream a run that searches files."""
    await stream_run(client, tally, tally.searcher, QUESTION)


async def stream_response(client: WireClient, tally: Tally) -> None:
    """Stream a response and compare it with what is stored afterwards."""
    started = time.monotonic()
    numbers, pieces, final = [], [], None
    body = {"model": "m", "input": [ASK], "stream": True}
    async for name, data in client.events("/responses", body):
        if not numbers:
            tally.took("first event", started)
        if data == "[DONE]":
            continue
        numbers.append(data["sequence_number"])
        if name == "response.output_text.delta":
            pieces.append(data["delta"])
        elif name == "response.completed":
            final = data["response"]
    tally.took("response stream", started)
    tally.events += len(numbers)
    tally.check(numbers == list(range(len(numbers))), "sequence numbers with gaps")
    tally.check("".join(pieces) == TEXT, f"a response said {''.join(pieces)[:80]!r}")
    if final is None:
        tally.errors["a response that did not complete"] += 1
        return
    stored = await ask(client, tally, "GET", f"/responses/{final['id']}")
    tally.check(stored["output"] == final["output"], "the stored response differs")


async def poll_run(client: WireClient, tally: Tally) -> None:
    """Start a run and ask for it until it has ended."""
    body = {"assistant_id": tally.assistant, "thread": {"messages": [ASK]}}
    started = time.monotonic()
    run = await ask(client, tally, "POST", "/threads/runs", body)
    path = f"/threads/{run['thread_id']}"
    while run["status"] in ("queued", "in_progress"):
        await asyncio.sleep(0.1)
        run = await ask(client, tally, "GET", f"{path}/runs/{run['id']}")
    tally.took("polled run", started)
    tally.check(run["status"] == "completed", f"a polled run is {run['status']}")
    listed = await ask(client, tally, "GET", f"{path}/messages?limit=1")
    said = listed["data"][0]["content"][0]["text"]["value"]
    tally.check(said == TEXT, f"a polled run said {said[:80]!r}")


async def search(client: WireClient, tally: Tally) -> None:
    """Search the store, at the pace of a person who reads what was found."""
    body = {"query": "When may a mug be returned?", "max_num_results": 3}
    found = await ask(client, tally, "POST", f"/vector_stores/{tally.store}/search", body)
    tally.check(len(found["data"]) > 0, "a search found nothing")
    await asyncio.sleep(2.0)


WORK: tuple[Callable[[WireClient, Tally], Awaitable[None]], ...] = (
    *(count_in_a_run, count_in_a_run, search_in_a_run),
    *(stream_response, stream_response, stream_response),
    *(poll_run, poll_run, poll_run),
    search,
)


async def be_client(number: int, base_url: str, tally: Tally) -> None:
    """Do one sort of work until time is up."""
    work = WORK[number % len(WORK)]
    async with WireClient(base_url) as client:
        while time.monotonic() < tally.until:
            try:
                await work(client, tally)
            except (RuntimeError, OSError, EOFError, KeyError, ValueError) as error:
                tally.errors[f"{work.__name__}: {type(error).__name__} {error}"[:300]] += 1
                client.close()


async def prepare(base_url: str, tally: Tally) -> None:
    """Make what the clients share."""
    async with WireClient(base_url) as client:
        ids = [(await client.upload(f"{n}.txt", DOCUMENT))[1]["id"] for n in range(3)]
        store = await ask(client, tally, "POST", "/vector_stores", {"file_ids": ids})
        while store["status"] != "completed":
            await asyncio.sleep(0.1)
            store = await ask(client, tally, "GET", f"/vector_stores/{store['id']}")
        resources = {"file_search": {"vector_store_ids": [store["id"]]}}
        plain = {"model": "m"}
        searching = {**plain, "tools": [{"type": "file_search"}], "tool_resources": resources}
        tally.store = store["id"]
        tally.assistant = (await ask(client, tally, "POST", "/assistants", plain))["id"]
        tally.searcher = (await ask(client, tally, "POST", "/assistants", searching))["id"]
    tally.latencies_s.clear()


async def load(server: ServerProcess, clients: int, seconds: float) -> dict[str, Any]:
    """Return what was measured."""
    tally = Tally()
    await prepare(server.base_url, tally)
    memory = [server.memory_mb()]
    started = time.monotonic()
    tally.until = started + seconds
    tasks = [
        asyncio.create_task(be_client(number, server.base_url, tally)) for number in range(clients)
    ]
    while time.monotonic() < tally.until:
        await asyncio.sleep(min(1.0, seconds / 10))
        memory.append(server.memory_mb())
    await asyncio.gather(*tasks)
    took = time.monotonic() - started
    third = memory[len(memory) // 3]
    growth = memory[-1] - third
    if growth > ALLOWED_GROWTH_MB:
        tally.errors[f"memory grew by {growth:.0f} MB after the first third"] += 1
    return {
        "clients": clients,
        "seconds": round(took, 1),
        "events": tally.events,
        "latencies": {sort: _summary(times) for sort, times in sorted(tally.latencies_s.items())},
        "memory_mb": {
            "before": round(memory[0], 1),
            "after_a_third": round(third, 1),
            "at_the_end": round(memory[-1], 1),
        },
        "errors": dict(tally.errors),
    }


def _summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "count": len(ordered),
        "p50_ms": round(1000 * ordered[len(ordered) // 2], 1),
        "p99_ms": round(1000 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 1),
    }


def main() -> int:
    """Run the load; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clients", type=int, default=200, help="at once [default: 200]")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long [default: 60]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, ServerProcess(Path(scratch) / "index") as server:
        found = asyncio.run(load(server, options.clients, options.seconds))
    if options.json:
        print(json.dumps(found))
    else:
        print(f"{found['clients']} clients, {found['seconds']} s, {found['events']} events")
        for sort, times in found["latencies"].items():
            print(f"  {sort}: {times['count']}, p50 {times['p50_ms']} ms, p99 {times['p99_ms']} ms")
        print("  memory, MB: " + ", ".join(f"{k} {v}" for k, v in found["memory_mb"].items()))
        for error, times in found["errors"].items():
            print(f"  WRONG, {times} times: {error}")
    return 1 if found["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
