"""Tool: search as a function that other assistants can call.

A model's arguments -> passages, as numbered text with sources or as plain values for programs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from filesearch.cite import place_fields, place_name
from filesearch.errors import InvalidSetting
from filesearch.types import SearchResult

MAX_NUM_RESULTS = 50  # OpenAI's limit
DEFAULT_NUM_RESULTS = 8


class Searcher(Protocol):
    """What can be searched: `FileSearch` is one."""

    def search(self, query: str, *, top_k: int = 8) -> list[SearchResult]:
        """Return passages, best first."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function tool in the OpenAI shape, and what it calls.

        tool = fs.as_tool()
        reply = client.chat.completions.create(tools=[tool.schema], ...)
        for call in reply.choices[0].message.tool_calls:
            text = tool.call_json(call.function.arguments)

    Attributes:
        schema: `{"type": "function", "function": {...}}`, for the `tools` of a chat request.
    """

    schema: dict[str, Any]
    searcher: Searcher

    def __call__(self, query: str, max_num_results: int = DEFAULT_NUM_RESULTS) -> str:
        """Return the passages as numbered text with their sources, for a model to read.

        Raises:
            InvalidSetting: `max_num_results` is not 1 to 50.
        """
        return render_passages(self._found(query, max_num_results))

    def search(
        self, query: str, max_num_results: int = DEFAULT_NUM_RESULTS
    ) -> list[dict[str, Any]]:
        """Return the same passages as values that JSON takes, best first; see `passage_fields`.

        Raises:
            InvalidSetting: `max_num_results` is not 1 to 50.
        """
        return [passage_fields(result) for result in self._found(query, max_num_results)]

    def call_json(self, arguments: str) -> str:
        """Return the passages for the arguments as a model wrote them: a JSON object.

        Arguments that cannot be used give a text that begins with "Error: " and says what to
        write instead, for the model to read, so that a loop goes on. What the model cannot mend
        (no index, a damaged one) raises as `FileSearch.search` does.
        """
        try:
            query, count = _read_arguments(arguments)
        except InvalidSetting as error:
            return f"Error: {error}"
        return self(query, count)

    def _found(self, query: str, max_num_results: int) -> list[SearchResult]:
        return self.searcher.search(query, top_k=check_num_results(max_num_results))


def check_num_results(count: int) -> int:
    """Return `count`.

    Raises:
        InvalidSetting: It is not 1 to 50.
    """
    if not 1 <= count <= MAX_NUM_RESULTS:
        raise InvalidSetting(f"max_num_results is {_short(count)}; choose 1 to {MAX_NUM_RESULTS}")
    return count


def _read_arguments(text: str) -> tuple[str, int]:
    example = 'give a JSON object such as {"query": "opening hours"}'
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of over 4300 digits, bytes, depth
        raise InvalidSetting(f"the arguments are not JSON ({error}); {example}") from error
    if not isinstance(given, dict):
        raise InvalidSetting(f"the arguments are not an object but {_short(given)}; {example}")
    unknown = sorted(given.keys() - {"query", "max_num_results"})
    if unknown:
        raise InvalidSetting(f"unknown arguments: {', '.join(map(_short, unknown))}; {example}")
    query = given.get("query")
    if not isinstance(query, str) or not query.strip():
        raise InvalidSetting(f"query is {_short(query)}, not words to look for; {example}")
    count = given.get("max_num_results")
    if count is None:
        return query, DEFAULT_NUM_RESULTS
    if isinstance(count, float) and count.is_integer():
        count = int(count)  # JSON has one sort of number
    if not isinstance(count, int) or isinstance(count, bool):
        raise InvalidSetting(
            f"max_num_results is {_short(count)}; choose a whole number, 1 to {MAX_NUM_RESULTS}"
        )
    return query, check_num_results(count)


def _short(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


def make_tool(searcher: Searcher) -> Tool:
    """Return `searcher` as a tool called `file_search`."""
    return Tool(
        schema={
            "type": "function",
            "function": {
                "name": "file_search",
                "description": "Search the user's documents. Returns numbered passages, each "
                "with its file and place. Cite the passages you use by their number.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "query": {"type": "string", "description": "What to look for."},
                        "max_num_results": {
                            "type": "integer",
                            "description": "How many passages to return.",
                            "minimum": 1,
                            "maximum": MAX_NUM_RESULTS,
                            "default": DEFAULT_NUM_RESULTS,
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
        source = place_name(result.filename, result)
        if result.also_in:
            source += f" (also in {', '.join(result.also_in)})"
        blocks.append(f"[{number}] {source}\n{result.text.strip()}")
    return "\n\n".join(blocks)


def passage_fields(result: SearchResult) -> dict[str, Any]:
    """Return a passage as values that JSON takes.

    Returns:
        `file_id`, `filename`, the place (`page`, `end_page`, `slide`, `sheet`, `rows`, `cell`,
        `part_path`, `heading_path`, `ocr_confidence`: see types.Location), `start`, `end`, `score`,
        `attributes`, `also_in`, and `text`, which is `document.text[start:end]`.
    """
    return {
        "file_id": result.file_id,
        "filename": result.filename,
        **place_fields(result),
        "start": result.start,
        "end": result.end,
        "score": float(result.score),
        "attributes": dict(result.attributes),
        "also_in": list(result.also_in),
        "text": result.text,
    }
