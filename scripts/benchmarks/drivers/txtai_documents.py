"""txtai: one Embeddings database with content, indexed and saved."""

from pathlib import Path

import peer_driver
from peer_driver import Chunk


def ingest(folder: Path, store: Path, weights: str) -> list[Chunk]:
    """Index every chunk under its id and save the database."""
    from txtai import Embeddings

    chunks = peer_driver.cut_chunks(folder)
    embeddings = Embeddings(path=weights, content=True)
    embeddings.index((chunk.id, chunk.text, None) for chunk in chunks)
    embeddings.save(str(store))
    return chunks


def open_store(store: Path, weights: str) -> peer_driver.Search:
    """Load the database again; it remembers where its weights lie."""
    from txtai import Embeddings

    embeddings = Embeddings()
    embeddings.load(str(store))

    def search(query: str, top_k: int) -> list[str]:
        return [found["id"].rpartition("#")[0] for found in embeddings.search(query, top_k)]

    return search


if __name__ == "__main__":
    peer_driver.main(ingest, open_store)
