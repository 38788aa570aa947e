"""LangChain: search as a `BaseRetriever`.

query -> FileSearch.search -> LangChain documents, best first. Needs the extra `langchain`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from filesearch.engine import FileSearch
from filesearch.errors import InvalidSetting
from filesearch.tool import passage_fields

try:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise InvalidSetting(
        f"the LangChain retriever needs langchain-core ({error}); "
        "run: pip install 'filesearch[langchain]'"
    ) from error

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun


class FileSearchRetriever(BaseRetriever):
    """Passages of an index as LangChain documents.

        retriever = FileSearchRetriever("indexes/handbook", top_k=4)
        documents = retriever.invoke("How long can a mug be returned?")

    `page_content` is the document's text from `metadata["start"]` to `metadata["end"]`; the other
    keys are `file_id`, `filename`, `score`, `attributes`, `also_in` and the place (`page`, `sheet`,
    `rows`, ...: see types.Location).
    `ainvoke` searches on a thread, so that an event loop goes on.

    Args:
        index: An open FileSearch, or the directory of an index, which this one opens; `close`
            gives it back.
        fs: An open FileSearch, in place of `index`: what LangChain names when it makes a copy, as
            `configurable_fields` does.
        top_k: How many, 1 to 1000; None takes the settings'.
        filters: OpenAI's attribute filter; see filters.py.

    Raises:
        InvalidSetting: A setting cannot be used, or not one of `index` and `fs` is given. Calls
            raise as `FileSearch.search` does.
    """

    fs: FileSearch
    top_k: int | None = None
    filters: dict[str, Any] | None = None

    def __init__(
        self,
        index: FileSearch | str | Path | None = None,
        *,
        fs: FileSearch | None = None,
        top_k: int | None = None,
        filters: dict[str, Any] | None = None,
        **others: Any,  # noqa: ANN401
    ) -> None:
        if (index is None) == (fs is None):
            raise InvalidSetting("give either index, which may be a directory, or fs, not both")
        if index is not None:
            fs = index if isinstance(index, FileSearch) else FileSearch(index)
        given: dict[str, Any] = {"fs": fs, "top_k": top_k, "filters": filters}
        super().__init__(**given, **others)

    def close(self) -> None:
        """Close the FileSearch."""
        self.fs.close()

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = self.fs.search(query, top_k=self.top_k, filters=self.filters)
        documents = []
        for result in found:
            metadata = passage_fields(result)
            text = metadata.pop("text")
            documents.append(
                Document(
                    id=f"{result.file_id}:{result.start}-{result.end}",
                    page_content=text,
                    metadata=metadata,
                )
            )
        return documents
