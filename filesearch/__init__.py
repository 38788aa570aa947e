"""filesearch: OpenAI's file_search on your own machine.

    from filesearch import FileSearch

    fs = FileSearch("indexes/handbook")
    fs.ingest("docs/")
    answer = fs.ask("How long do I have to return a mug?")
    answer.text, answer.citations[0].filename, answer.citations[0].quote

Importing this loads none of the heavy libraries; a call loads what it uses.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from filesearch.config import Settings as Settings
    from filesearch.engine import FileSearch as FileSearch
    from filesearch.errors import ChatFailed as ChatFailed
    from filesearch.errors import ContextExceeded as ContextExceeded
    from filesearch.errors import DatabaseAway as DatabaseAway
    from filesearch.errors import FilesearchError as FilesearchError
    from filesearch.errors import IndexBusy as IndexBusy
    from filesearch.errors import IndexDamaged as IndexDamaged
    from filesearch.errors import IndexMismatch as IndexMismatch
    from filesearch.errors import IndexProblem as IndexProblem
    from filesearch.errors import IndexReplaced as IndexReplaced
    from filesearch.errors import InputError as InputError
    from filesearch.errors import InvalidFile as InvalidFile
    from filesearch.errors import InvalidFilter as InvalidFilter
    from filesearch.errors import InvalidSetting as InvalidSetting
    from filesearch.errors import InvalidValue as InvalidValue
    from filesearch.errors import NotFound as NotFound
    from filesearch.errors import RateLimited as RateLimited
    from filesearch.errors import RerankFailed as RerankFailed
    from filesearch.errors import StoreExpired as StoreExpired
    from filesearch.errors import UnsupportedFile as UnsupportedFile
    from filesearch.reports import FileOutcome as FileOutcome
    from filesearch.reports import IngestReport as IngestReport
    from filesearch.run import RunOptions as RunOptions
    from filesearch.types import Answer as Answer
    from filesearch.types import Citation as Citation
    from filesearch.types import Document as Document
    from filesearch.types import NamedDocument as NamedDocument
    from filesearch.types import SearchResult as SearchResult
    from filesearch.types import Span as Span
    from filesearch.types import Turn as Turn

_HOME = {
    "FileSearch": "engine",
    "Settings": "config",
    "FileOutcome": "reports",
    "IngestReport": "reports",
    "RunOptions": "run",
    **dict.fromkeys(
        (
            "ChatFailed",
            "ContextExceeded",
            "DatabaseAway",
            "FilesearchError",
            "IndexBusy",
            "IndexDamaged",
            "IndexMismatch",
            "IndexProblem",
            "IndexReplaced",
            "InputError",
            "InvalidFile",
            "InvalidFilter",
            "InvalidSetting",
            "InvalidValue",
            "NotFound",
            "RateLimited",
            "RerankFailed",
            "StoreExpired",
            "UnsupportedFile",
        ),
        "errors",
    ),
    **dict.fromkeys(
        (
            "Answer",
            "Citation",
            "Document",
            "NamedDocument",
            "SearchResult",
            "Span",
            "Turn",
        ),
        "types",
    ),
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOME:
        raise AttributeError(f"module 'filesearch' has no attribute '{name}'")
    return getattr(import_module(f"filesearch.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
