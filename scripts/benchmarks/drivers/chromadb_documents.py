"""chromadb: a persistent client, its SentenceTransformerEmbeddingFunction, one collection."""

from pathlib import Path

import peer_driver
from peer_driver import Chunk

BATCH = 1_000  # of one `add`; the embedding function makes its own batches of 32


def ingest(folder: Path, store: Path, weights: str) -> list[Chunk]:
    """Add every chunk with its path as metadata."""
    import chromadb

    chunks = peer_driver.cut_chunks(folder)
    collection = chromadb.PersistentClient(path=str(store)).create_collection(
        "documents", embedding_function=_embedding(weights)
    )
    for first in range(0, len(chunks), BATCH):
        batch = chunks[first : first + BATCH]
        collection.add(
            ids=[chunk.id for chunk in batch],
            documents=[chunk.text for chunk in batch],
            metadatas=[{"path": chunk.path} for chunk in batch],
        )
    return chunks


def open_store(store: Path, weights: str) -> peer_driver.Search:
    """Open the collection again."""
    import chromadb

    collection = chromadb.PersistentClient(path=str(store)).get_collection(
        "documents", embedding_function=_embedding(weights)
    )

    def search(query: str, top_k: int) -> list[str]:
        found = collection.query(query_texts=[query], n_results=top_k, include=["metadatas"])
        return [str(metadata["path"]) for metadata in (found["metadatas"] or [[]])[0]]

    return search


def _embedding(weights: str):  # noqa: ANN202 - a class of the peer's
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    return SentenceTransformerEmbeddingFunction(model_name=weights, device="cpu")


if __name__ == "__main__":
    peer_driver.main(ingest, open_store)
