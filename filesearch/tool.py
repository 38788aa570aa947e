"""Tool: search as a function that other assistants can call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from filesearch.errors import InvalidSetting
from filesearch.types import SearchResult

MAX_NUM_RESULTS = 50  # OpenAI's limit


class Searcher(Protocol):
    """What can be searched: `FileSearch` is one."""

    def search(self, query: str, *, top_k: int = 8) -> list[SearchResult]:
        """Return passages, best first."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function tool in the OpenAI shape, and what it calls.

    Attributes:
        schema: `{"type": "function", "function": {...}}`, for the `tools` of a chat request.
    """

    schema: dict[str, Any]
    searcher: Searcher

    def __call__(self, query: str, max_num_results: int = 8) -> str:
        """Return the passages as numbered text with their sources, for a model to read.

        Raises:
            InvalidSetting: `max_num_results` is not 1 to 50.
        """
        if not 1 <= max_num_results <= MAX_NUM_RESULTS:
            raise InvalidSetting(
                f"max_num_results is {max_num_results}; choose 1 to {MAX_NUM_RESULTS}"
            )
        return render_passages(self.searcher.search(query, top_k=max_num_results))


def make_tool(searcher: Searcher) -> Tool:
    """Return `searcher` as a tool called `file_search`."""
    return Tool(
        schema={
            "type": "function",
            "function": {
                "name": "file_search",
                "description": "Search the user's documents. Returns numbered passages, each "
                "with its file and page. Cite the passages you use by their number.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "query": {"type": "string", "description": "What to look for."},
                        "max_num_results": {
                            "type": "integer",
                            "description": "How many passages to return.",
                            "minimum": 1,
                            "maximum": MAX_NUM_RESULTS,
                            "default": 8,
                        },
                    },
                    "required": ["query"],
                    "additionalProperties": False,
                },
            },
        },
        searcher=searcher,
    )


def render_passages(results: Sequence[SearchResult]) -> str:
    """Return passages as text: `[1] handbook.pdf, page 3` and the passage below it, and so on."""
    if not results:
        return "No passage matches."
    blocks = []
    for number, result in enumerate(results, start=1):
        source = (
            result.filename if result.page is None else f"{result.filename}, page {result.page}"
        )
        if result.also_in:
            source += f" (also in {', '.join(result.also_in)})"
        blocks.append(f"[{number}] {source}\n{result.text.strip()}")
    return "\n\n".join(blocks)
