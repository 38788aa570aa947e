"""Ask chromadb's server through its own client with many threads: SPEC.json.

The specification: host, port, weights, queries (each is asked once), clients, processes, seconds
(no request starts later). The client embeds each query itself, with the collection's
SentenceTransformerEmbeddingFunction; each process has one, on one core. Printed: the latencies and
how long all took.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import time
from pathlib import Path


def be_clients(number: int, spec: dict, barrier, answers) -> None:  # noqa: ANN001 - of the context
    """Be one process: `clients / processes` threads that share a model and what is to be asked."""
    import chromadb
    import torch
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    torch.set_num_threads(1)
    collection = chromadb.HttpClient(host=spec["host"], port=spec["port"]).get_collection(
        "documents",
        embedding_function=SentenceTransformerEmbeddingFunction(spec["weights"], device="cpu"),
    )
    waiting = spec["queries"][number :: spec["processes"]]
    collection.query(query_texts=["warm up"], n_results=10)
    found: list[float] = []
    barrier.wait()
    started = time.perf_counter()

    def ask() -> None:
        while time.perf_counter() < started + spec["seconds"]:
            try:
                query = waiting.pop()
            except IndexError:  # another thread took the last
                return
            asked = time.perf_counter()
            collection.query(query_texts=[query], n_results=10)
            found.append(time.perf_counter() - asked)

    threads = [threading.Thread(target=ask) for _ in range(spec["clients"] // spec["processes"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((found, time.perf_counter() - started))


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text())
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(spec["processes"]), context.Queue()
    processes = [
        context.Process(target=be_clients, args=(number, spec, barrier, answers))
        for number in range(spec["processes"])
    ]
    for process in processes:
        process.start()
    while all(process.is_alive() or process.exitcode == 0 for process in processes):
        if answers.qsize() == len(processes):
            break
        time.sleep(0.1)
    else:
        sys.exit("a client process failed; see above")
    parts = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    latencies = [latency for found, _ in parts for latency in found]
    print(json.dumps({"latencies_s": latencies, "seconds": max(s for _, s in parts), "files": 0}))


if __name__ == "__main__":
    main()
