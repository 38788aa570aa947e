"""haystack: sentence-transformers embedders, DocumentWriter, InMemoryDocumentStore on disk."""

from pathlib import Path

import peer_driver
from peer_driver import Chunk


def ingest(folder: Path, store: Path, weights: str) -> list[Chunk]:
    """Embed every chunk, write the documents and save the store."""
    from haystack import Document, Pipeline
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack.utils import ComponentDevice
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )

    chunks = peer_driver.cut_chunks(folder)
    documents = InMemoryDocumentStore(embedding_similarity_function="cosine")
    pipeline = Pipeline()
    pipeline.add_component(
        "embedder",
        SentenceTransformersDocumentEmbedder(
            model=weights, device=ComponentDevice.from_str("cpu"), progress_bar=False
        ),
    )
    pipeline.add_component("writer", DocumentWriter(documents))
    pipeline.connect("embedder", "writer")
    made = [
        Document(content=chunk.text, meta={"path": chunk.path}, id=chunk.id) for chunk in chunks
    ]
    pipeline.run({"embedder": {"documents": made}})
    documents.save_to_disk(str(store))
    return chunks


def open_store(store: Path, weights: str) -> peer_driver.Search:
    """Load the store again."""
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack.utils import ComponentDevice
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersTextEmbedder,
    )

    documents = InMemoryDocumentStore.load_from_disk(str(store))
    embedder = SentenceTransformersTextEmbedder(
        model=weights, device=ComponentDevice.from_str("cpu"), progress_bar=False
    )
    embedder.warm_up()

    def search(query: str, top_k: int) -> list[str]:
        vector = embedder.run(text=query)["embedding"]
        return [found.meta["path"] for found in documents.embedding_retrieval(vector, top_k=top_k)]

    return search


if __name__ == "__main__":
    peer_driver.main(ingest, open_store)
