"""Peer driver: the command line of the programs that ingest and search with a peer.

    NAME_documents.py ingest FOLDER STORE WEIGHTS CHUNKS.jsonl
    NAME_documents.py search STORE WEIGHTS QUERIES.json TOP_K

`ingest` prints the seconds from the start of this module (imports of the peer included) until the
store is on disk, and then lists the chunks: path, start and end in the file's text, and what was
put before it. `search` opens the store and prints the paths found for each query, best first.

Peers without a splitter that counts tokens get the chunks of `cut_chunks`: 800 tokens of
cl100k_base, 400 of them shared, as ours are and OpenAI's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

STARTED = time.perf_counter()
CHUNK_TOKENS, OVERLAP_TOKENS = 800, 400


@dataclass(frozen=True)
class Chunk:
    """What a peer embeds as one text: `prefix` and then `text`.

    Attributes:
        path: Relative to the folder.
        start, end: Of `text` in the text of the file, in characters.
    """

    path: str
    start: int
    end: int
    text: str = ""
    prefix: str = ""

    @property
    def id(self) -> str:
        """Unique in the folder."""
        return f"{self.path}#{self.start}"


Ingest = Callable[[Path, Path, str], list[Chunk]]
"""Folder, store, weights -> the chunks that were embedded and stored."""
Search = Callable[[str, int], list[str]]
"""Query, top_k -> paths, best first."""
Open = Callable[[Path, str], Search]
"""Store, weights -> search."""


def main(ingest: Ingest, open_store: Open) -> None:
    """Run what the command line says."""
    command, *given = sys.argv[1:]
    if command == "ingest":
        folder, store, weights, listing = given
        chunks = ingest(Path(folder), Path(store), weights)
        print(json.dumps({"seconds": time.perf_counter() - STARTED, "chunks": len(chunks)}))
        with Path(listing).open("w") as lines:
            for chunk in chunks:
                lines.write(json.dumps(asdict(chunk) | {"text": ""}) + "\n")
    else:
        store, weights, queries, top_k = given
        search = open_store(Path(store), weights)
        print(json.dumps([search(q, int(top_k)) for q in json.loads(Path(queries).read_text())]))


def read_texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of every Markdown file below a folder, sorted by path."""
    for path in sorted(folder.rglob("*.md")):
        yield str(path.relative_to(folder)), path.read_text("utf-8", errors="replace")


def cut_chunks(folder: Path) -> list[Chunk]:
    """Return the chunks of all files; the last of a file may be shorter, a blank file has none."""
    import tiktoken

    encoding = tiktoken.get_encoding("cl100k_base")
    chunks: list[Chunk] = []
    for path, text in read_texts(folder):
        if not text.strip():
            continue
        tokens = encoding.encode_ordinary(text)
        _, starts = encoding.decode_with_offsets(tokens)
        edges = [*starts, len(text)]
        for first in range(0, max(1, len(tokens) - OVERLAP_TOKENS), CHUNK_TOKENS - OVERLAP_TOKENS):
            start, end = edges[first], edges[min(first + CHUNK_TOKENS, len(tokens))]
            chunks.append(Chunk(path, start, end, text[start:end]))
    return chunks
