"""llama-index: SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex, persisted."""

import re
from pathlib import Path

import peer_driver
from peer_driver import Chunk


def ingest(folder: Path, store: Path, weights: str) -> list[Chunk]:
    """Read, split at 800 tokens with 400 shared, embed, index and persist."""
    from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.schema import MetadataMode

    reader = SimpleDirectoryReader(
        str(folder), recursive=True, required_exts=[".md"], file_extractor={".md": _reader()}
    )
    splitter = SentenceSplitter(
        chunk_size=peer_driver.CHUNK_TOKENS, chunk_overlap=peer_driver.OVERLAP_TOKENS
    )
    index = VectorStoreIndex.from_documents(
        reader.load_data(), transformations=[splitter], embed_model=_embedding(weights)
    )
    index.storage_context.persist(str(store))
    chunks = []
    for node in index.docstore.docs.values():
        text, whole = node.get_content(), node.get_content(MetadataMode.EMBED)
        path = str(Path(node.metadata["file_path"]).relative_to(folder))
        prefix = whole[: len(whole) - len(text)]
        chunks.append(Chunk(path, *_place(node, text), text, prefix))
    return chunks


def _place(node, text: str) -> tuple[int, int]:  # noqa: ANN001 - a class of the peer's
    """Return start and end of a chunk.

    The splitter says None where it has changed the text on the way; then where its first words
    stand in the file.
    """
    if node.start_char_idx is not None:
        return node.start_char_idx, node.end_char_idx
    whole = Path(node.metadata["file_path"]).read_text("utf-8", errors="replace")
    found = re.search(r"\s+".join(map(re.escape, text.split()[:8])), whole)
    start = found.start() if found else 0
    return start, min(len(whole), start + len(text))


def open_store(store: Path, weights: str) -> peer_driver.Search:
    """Load the index again."""
    from llama_index.core import StorageContext, load_index_from_storage

    context = StorageContext.from_defaults(persist_dir=str(store))
    index = load_index_from_storage(context, embed_model=_embedding(weights))

    def search(query: str, top_k: int) -> list[str]:
        found = index.as_retriever(similarity_top_k=top_k).retrieve(query)
        return [node.metadata["file_path"] for node in found]

    return search


def _reader():  # noqa: ANN202 - a class of the peer's
    """Return a reader of plain text; that for Markdown is in a package of its own."""
    from llama_index.core import Document
    from llama_index.core.readers.base import BaseReader

    class TextReader(BaseReader):
        """Reads a file as it is."""

        def load_data(self, file: Path, extra_info: dict | None = None) -> list[Document]:
            text = Path(file).read_text("utf-8", errors="replace")
            return [Document(text=text, metadata=extra_info or {})]

    return TextReader()


def _embedding(weights: str):  # noqa: ANN202 - a class of the peer's
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    return HuggingFaceEmbedding(model_name=weights, device="cpu")


if __name__ == "__main__":
    peer_driver.main(ingest, open_store)
