#!/usr/bin/env python3
"""Kill a server in the midst of its work, start it again, and check that all it promised holds.

Each round uploads files, starts batches of them and runs (streamed, polled, and waiting for
the output of a function), sends SIGKILL after a random time (every other round to the server
alone, so that its children are left behind), starts the server on the same index, and checks what
was answered before the kill: every file is there byte for byte, every batch ends with every file
searchable, every run has ended or goes on, no thread is locked, no step and no message is left
half-way, and the index verifies.

    scripts/crash_server.py --rounds 5

Exit code 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from server_process import ServerProcess
from wire_client import WireClient

from filesearch import FileSearch
from filesearch.testing import HashingEmbedder

FILES_PER_BATCH = 6
DEADLINE_S = 120.0
TERMINAL = ("completed", "failed", "cancelled", "expired", "incomplete")
FUNCTION = {"type": "function", "function": {"name": "get_weather"}}
QUESTIONS = ("Count to 300", "Count to 40", "weather in Paris and Rome")


@dataclass(frozen=True)
class Size:
    """How much is under way when the server is killed."""

    batches: int
    runs: int


@dataclass
class Promised:
    """What the server answered before it was killed.

    Attributes:
        files: Id -> bytes.
        batches: (store id, batch id, file ids).
        runs: (thread id, run id).
        interrupted: How many batches and runs had not ended when the server was there again.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    batches: list[tuple[str, str, list[str]]] = field(default_factory=list)
    runs: list[tuple[str, str]] = field(default_factory=list)
    interrupted: int = 0

    @property
    def count(self) -> int:
        """How many batches and runs there are."""
        return len(self.batches) + len(self.runs)


async def ask(client: WireClient, method: str, path: str, body: Any = None) -> Any:
    """Return the answer to a request that must succeed."""
    status, answer = await client.request(method, path, body)
    if status != 200:
        raise RuntimeError(f"{method} {path} answered {status}: {answer}")
    return answer


def document(word: str, rng: random.Random) -> bytes:
    """Return a text with a word that no other has, long enough to take a moment."""
    filler = " ".join(rng.choice("kiln mug clay glaze fire wheel".split()) for _ in range(4000))
    return f"# The {word}\n\nThe {word} stands in the hall. {filler}.\n".encode()


async def upload_all(
    base_url: str, promised: Promised, count: int, tag: str, rng: random.Random
) -> None:
    """Upload files of their own kind each."""
    async with WireClient(base_url) as client:
        for number in range(count):
            data = document(f"thing{tag}n{number}", rng)
            status, made = await client.upload(f"{tag}-{number}.md", data)
            assert status == 200, made
            promised.files[made["id"]] = data


async def start_batch(base_url: str, promised: Promised, ids: list[str]) -> None:
    """Make a store and put files into it."""
    async with WireClient(base_url) as client:
        store = (await ask(client, "POST", "/vector_stores", {"name": "crash"}))["id"]
        body = {"file_ids": ids}
        batch = await ask(client, "POST", f"/vector_stores/{store}/file_batches", body)
        promised.batches.append((store, batch["id"], ids))


async def start_run(base_url: str, promised: Promised, number: int, assistant: str) -> None:
    """Start a run, streamed or not, and follow it until the server is gone."""
    question = QUESTIONS[number % len(QUESTIONS)]
    async with WireClient(base_url) as client:
        message = {"role": "user", "content": question}
        thread = (await ask(client, "POST", "/threads", {"messages": [message]}))["id"]
        path, body = f"/threads/{thread}/runs", {"assistant_id": assistant}
        if number % 2:
            promised.runs.append((thread, (await ask(client, "POST", path, body))["id"]))
            return
        async for name, data in client.events(path, {**body, "stream": True}):
            if name == "thread.run.created":
                promised.runs.append((thread, data["id"]))


async def work_until_killed(
    server: ServerProcess,
    promised: Promised,
    size: Size,
    rng: random.Random,
    *,
    with_children: bool,
) -> None:
    """Start everything at once; kill the server a moment after some or all of it was promised."""
    async with WireClient(server.base_url) as client:
        body = {"model": "m", "tools": [FUNCTION]}
        assistant = (await ask(client, "POST", "/assistants", body))["id"]
    ids = list(promised.files)
    groups = [ids[n :: size.batches] for n in range(size.batches)]
    tasks = [
        asyncio.create_task(start_batch(server.base_url, promised, group)) for group in groups
    ] + [
        asyncio.create_task(start_run(server.base_url, promised, number, assistant))
        for number in range(size.runs)
    ]
    everything = size.batches + size.runs
    enough = rng.choice((everything // 2, everything, everything))
    deadline = time.monotonic() + DEADLINE_S
    while promised.count < enough and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    await asyncio.sleep(rng.uniform(0.0, 2.0))
    server.kill(with_children=with_children)
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, RuntimeError):  # the rest is a connection that ended
            raise outcome


async def check_all(base_url: str, promised: Promised, words: dict[str, str]) -> list[str]:
    """Return what of the promises does not hold."""
    wrong: list[str] = []
    async with WireClient(base_url) as client:
        batches = [f"/vector_stores/{s}/file_batches/{b}" for s, b, _ in promised.batches]
        runs = [f"/threads/{t}/runs/{r}" for t, r in promised.runs]
        for path in batches + runs:
            status = (await ask(client, "GET", path))["status"]
            promised.interrupted += status in ("queued", "in_progress")
        for store, batch, ids in promised.batches:
            wrong += await check_batch(client, store, batch, ids, words)
        for thread, run in promised.runs:
            wrong += await check_run(client, thread, run)
        for file, data in promised.files.items():
            if (await ask(client, "GET", f"/files/{file}"))["bytes"] != len(data):
                wrong.append(f"file {file} has another length")
    return wrong


async def check_batch(
    client: WireClient, store: str, batch: str, ids: list[str], words: dict[str, str]
) -> list[str]:
    """Return what is wrong with a batch once it has ended."""
    wrong = []
    path = f"/vector_stores/{store}/file_batches/{batch}"
    found = await wait_for(client, path, lambda b: b["status"] != "in_progress")
    counts = found["file_counts"]
    if found["status"] != "completed" or counts["completed"] != len(ids):
        wrong.append(f"batch {batch} is {found['status']}: {counts}")
    listed = await ask(client, "GET", f"/vector_stores/{store}/files?limit=100")
    if {file["id"] for file in listed["data"]} != set(ids):
        wrong.append(f"store {store} does not list its files")
    whole = await ask(client, "GET", f"/vector_stores/{store}")
    if whole["status"] != "completed" or whole["file_counts"]["total"] != len(ids):
        wrong.append(f"store {store} is {whole['status']}: {whole['file_counts']}")
    for file in ids[:2]:
        body = {"query": f"Where is the {words[file]}?", "max_num_results": 3}
        results = (await ask(client, "POST", f"/vector_stores/{store}/search", body))["data"]
        if file not in {result["file_id"] for result in results}:
            wrong.append(f"file {file} is not found in {store}")
    return wrong


async def check_run(client: WireClient, thread: str, run: str) -> list[str]:
    """Return what is wrong with a run once it has ended, or waits for its caller."""
    wrong = []
    path = f"/threads/{thread}/runs/{run}"
    settled = (*TERMINAL, "requires_action")
    found = await wait_for(client, path, lambda r: r["status"] in settled)
    if found["status"] == "requires_action":
        calls = found["required_action"]["submit_tool_outputs"]["tool_calls"]
        body = {"tool_outputs": [{"tool_call_id": c["id"], "output": "sunny"} for c in calls]}
        await ask(client, "POST", f"{path}/submit_tool_outputs", body)
        found = await wait_for(client, path, lambda r: r["status"] in TERMINAL)
        if found["status"] != "completed":
            wrong.append(f"run {run} did not go on with its outputs: {found['status']}")
    steps = (await ask(client, "GET", f"{path}/steps"))["data"]
    wrong += [f"step {s['id']} of {run} is left" for s in steps if s["status"] == "in_progress"]
    messages = (await ask(client, "GET", f"/threads/{thread}/messages"))["data"]
    wrong += [f"message {m['id']} is left" for m in messages if m["status"] == "in_progress"]
    if found["status"] == "completed" and len(messages) < 2:
        wrong.append(f"run {run} completed without a message")
    body = {"role": "user", "content": "Still there?"}
    status, answer = await client.request("POST", f"/threads/{thread}/messages", body)
    if status != 200:
        wrong.append(f"thread {thread} is locked: {answer}")
    return wrong


async def wait_for(client: WireClient, path: str, is_done: Any) -> Any:
    """Return the object at `path` once it is done.

    Raises:
        RuntimeError: It takes too long.
    """
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = await ask(client, "GET", path)
        if is_done(found):
            return found
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} is still {found['status']}")
        await asyncio.sleep(0.1)


async def run_round(
    server: ServerProcess, promised: Promised, size: Size, number: int, rng: random.Random
) -> list[str]:
    """Return what was wrong after a kill."""
    server.start()
    count = size.batches * FILES_PER_BATCH
    await upload_all(server.base_url, promised, count, f"r{number}", rng)
    await work_until_killed(server, promised, size, rng, with_children=number % 2 == 0)
    server.start()
    words = {
        file: data.decode().split("\n", 1)[0].removeprefix("# The ")
        for file, data in promised.files.items()
    }
    wrong = await check_all(server.base_url, promised, words)
    code = server.stop()
    if code != 0:
        wrong.append(f"the server ended with {code}")
    return wrong


def main() -> int:
    """Run the rounds; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how many kills [default: 5]")
    parser.add_argument("--batches", type=int, default=20, help="under way [default: 20]")
    parser.add_argument("--runs", type=int, default=20, help="under way [default: 20]")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random [default: 1]")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    size = Size(options.batches, options.runs)
    bad_rounds = 0
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        server = ServerProcess(index, "--delay", "0.02")
        for number in range(1, options.rounds + 1):
            promised = Promised()
            try:
                wrong = asyncio.run(run_round(server, promised, size, number, rng))
            finally:
                server.kill()
            with FileSearch(index, embedder=HashingEmbedder()) as fs:
                wrong += [f"verify: {damage}" for damage in fs.verify().damages]
            bad_rounds += bool(wrong)
            print(
                f"round {number}: killed with {len(promised.batches)} batches and "
                f"{len(promised.runs)} runs, {promised.interrupted} of them not ended; "
                + ("; ".join(wrong[:10]) or "ok"),
                flush=True,
            )
    print(f"{options.rounds} rounds, {bad_rounds} wrong")
    return 1 if bad_rounds else 0


if __name__ == "__main__":
    sys.exit(main())
