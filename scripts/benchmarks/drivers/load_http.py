"""Ask a server over HTTP with many clients at once: SPEC.json. Runs with ours.

The specification: base_url, path, bodies (each is asked once, by whichever client is free),
clients, seconds (no request starts later), and optionally `upload`: files (paths), store_id and
uploaders, which take files into that vector store meanwhile, one at a time each. Printed: the
latencies in order of their ends, how long all took, and how many files were taken in.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from wire_client import WireClient

POLL_S = 0.05


async def ask(spec: dict[str, Any], waiting: list[bytes], until: float, found: list[float]) -> None:
    """Be one client: ask what is waiting until time is up."""
    async with WireClient(spec["base_url"]) as client:
        while waiting and time.perf_counter() < until:
            body = waiting.pop()
            started = time.perf_counter()
            status, answer = await client.request("POST", spec["path"], body)
            found.append(time.perf_counter() - started)
            if status != 200:
                raise RuntimeError(f"POST {spec['path']} answered {status}: {answer}")


async def upload(spec: dict[str, Any], waiting: list[str], taken: list[str]) -> None:
    """Take files into the store, one after another."""
    path = f"/vector_stores/{spec['upload']['store_id']}/files"
    async with WireClient(spec["base_url"]) as client:
        while waiting:
            file = Path(waiting.pop())
            _, uploaded = await client.upload(file.name, file.read_bytes())
            status, attached = await client.request("POST", path, {"file_id": uploaded["id"]})
            if status != 200:
                raise RuntimeError(f"POST {path} answered {status}: {attached}")
            while attached["status"] == "in_progress":
                await asyncio.sleep(POLL_S)
                _, attached = await client.request("GET", f"{path}/{uploaded['id']}")
            if attached["status"] != "completed":
                raise RuntimeError(f"'{file.name}' is {attached['status']}: {attached}")
            taken.append(file.name)


async def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured."""
    waiting = [json.dumps(body).encode() for body in reversed(spec["bodies"])]
    found: list[float] = []
    taken: list[str] = []
    uploads = spec.get("upload") or {"files": [], "uploaders": 0}
    files = list(reversed(uploads["files"]))
    uploaders = [
        asyncio.create_task(upload(spec, files, taken)) for _ in range(uploads["uploaders"])
    ]
    started = time.perf_counter()
    until = started + spec["seconds"]
    await asyncio.gather(*(ask(spec, waiting, until, found) for _ in range(spec["clients"])))
    seconds = time.perf_counter() - started
    files_meanwhile = len(taken)
    for task in uploaders:
        if task.done():
            task.result()  # raises what went wrong
        task.cancel()
    return {"latencies_s": found, "seconds": seconds, "files": files_meanwhile}


print(json.dumps(asyncio.run(run(json.loads(Path(sys.argv[1]).read_text())))))
