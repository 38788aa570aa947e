"""LlamaIndex: search as a `BaseRetriever`.

query -> FileSearch.search -> LlamaIndex nodes with scores, best first. Needs the extra
`llamaindex`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from filesearch.engine import FileSearch
from filesearch.errors import InvalidSetting
from filesearch.filters import Filter
from filesearch.tool import passage_fields
from filesearch.types import SearchResult

try:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ImportError as error:
    raise InvalidSetting(
        f"the LlamaIndex retriever needs llama-index-core ({error}); "
        "run: pip install 'filesearch[llamaindex]'"
    ) from error

# What a language model is shown of the metadata; the rest is for programs.
_SHOWN = ("filename", "page", "slide", "sheet", "rows", "cell", "part_path", "heading_path")


class FileSearchRetriever(BaseRetriever):
    """Passages of an index as LlamaIndex nodes.

        retriever = FileSearchRetriever("indexes/handbook", top_k=4)
        nodes = retriever.retrieve("How long can a mug be returned?")

    `node.text` is the document's text from `metadata["start"]` to `metadata["end"]`; the other
    keys are `file_id`, `filename`, `score`, `attributes`, `also_in` and the place (`page`, `sheet`,
    `rows`, ...: see types.Location). A language model is shown file name and place. `aretrieve`
    searches on a thread, so that an event loop goes on.

    Args:
        index: An open FileSearch, or the directory of an index, which this one opens; `close`
            gives it back.
        top_k: How many, 1 to 1000; None takes the settings'.
        filters: OpenAI's attribute filter; see filters.py.

    Raises:
        InvalidSetting: A setting cannot be used. Calls raise as `FileSearch.search` does.
    """

    def __init__(
        self,
        index: FileSearch | str | Path,
        *,
        top_k: int | None = None,
        filters: Filter | None = None,
        **others: Any,  # noqa: ANN401
    ) -> None:
        self.fs = index if isinstance(index, FileSearch) else FileSearch(index)
        self.top_k = top_k
        self.filters = filters
        super().__init__(**others)

    def close(self) -> None:
        """Close the FileSearch."""
        self.fs.close()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self.fs.search(query_bundle.query_str, top_k=self.top_k, filters=self.filters)
        return [_node(result) for result in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(result: SearchResult) -> NodeWithScore:
    metadata = passage_fields(result)
    text = metadata.pop("text")
    hidden = [name for name in metadata if name not in _SHOWN or metadata[name] in (None, [])]
    node = TextNode(
        id_=f"{result.file_id}:{result.start}-{result.end}",
        text=text,
        metadata=metadata,
        start_char_idx=result.start,
        end_char_idx=result.end,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=hidden,
        # Without a source, LlamaIndex takes equal passages of two files for one.
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=result.file_id)},
    )
    return NodeWithScore(node=node, score=metadata["score"])
