"""Errors: one tree, split by what the caller does next.

    FilesearchError
    ├── InputError              fix the input
    │   ├── UnsupportedFile     a format that is not read here        (unsupported_file)
    │   ├── InvalidFile         empty, encrypted, broken, too costly  (invalid_file)
    │   ├── InvalidSetting      a setting, flag or variable
    │   ├── InvalidFilter       an attribute filter
    │   ├── InvalidValue        a text or a number that the database cannot hold
    │   ├── NotFound            no such file, store or index
    │   └── StoreExpired        a vector store past its time
    ├── IndexBusy               retry: another process is writing
    ├── DatabaseAway            retry: PostgreSQL does not answer
    ├── DiskFull                free space, then retry: what was kept so far is whole
    ├── TooManyOpenFiles        raise the limit (ulimit -n), or close some, then retry
    ├── IndexReplaced           retry: it was removed, or made anew, while it was open
    ├── RerankFailed            retry, or search without a reranker
    ├── ChatFailed              retry, or ask another chat model
    │   ├── ContextExceeded     ask with fewer or shorter messages
    │   └── RateLimited         wait: it answers no more requests for now
    └── IndexProblem            rebuild or repair
        ├── IndexMismatch       made with another embedder or other chunk settings
        └── IndexDamaged        a segment or the catalog does not hold together

Every message gives what happened, the value, and the way out. `exit_code` is what the command
line returns.
"""

from __future__ import annotations


class FilesearchError(Exception):
    """Anything this package raises on purpose."""

    exit_code = 1


class InputError(FilesearchError):
    """The caller gave something that cannot be used; other input will work."""

    exit_code = 2


class UnsupportedFile(InputError):
    """The file's format is not one that is read here."""


class InvalidFile(InputError):
    """The format is known but this file cannot be read: empty, encrypted, broken or too costly."""


class InvalidSetting(InputError):
    """A setting, flag or environment variable has a value that cannot be used."""


class InvalidFilter(InputError):
    """An attribute filter is not well formed.

    Args:
        message: What is wrong.
        place: Where in the filter, such as `filters[1].key`; empty for the whole.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


class InvalidValue(InputError):
    """The database cannot hold a value: PostgreSQL no NUL in text, and no number beyond 64 bits."""


class NotFound(InputError):
    """The named file, vector store or index does not exist."""


class StoreExpired(InputError):
    """The vector store was to be kept for a time only, and that is over."""


class IndexBusy(FilesearchError):
    """Another process holds the index's writer lock; try again when it is done."""

    exit_code = 3


class DatabaseAway(FilesearchError):
    """PostgreSQL was away, busy or gone in the middle; nothing was kept unless the message says so.

    The next call makes a new connection.
    """

    exit_code = 3


class DiskFull(FilesearchError, OSError):
    """Nothing more can be written where the index lies, or to the disk of its database.

    What was kept before stays whole. An OSError too, for whoever tries again after any of those.
    """

    exit_code = 3


class TooManyOpenFiles(FilesearchError, OSError):
    """The process, or the system, has as many files and connections open as it may.

    Nothing is wrong with what was to be opened. An OSError too, as DiskFull is.
    """

    exit_code = 3


class IndexReplaced(FilesearchError):
    """What was open is not the index any more: it was removed, or another one took its place.

    The next call of `FileSearch` opens what is there now.
    """

    exit_code = 3


class RerankFailed(FilesearchError):
    """A reranker did not answer, or not with a score for each passage."""

    exit_code = 4


class ChatFailed(FilesearchError):
    """A chat model did not answer, or not with something that can be understood."""

    exit_code = 4


class ContextExceeded(ChatFailed):
    """The messages are longer than the chat model can read."""


class RateLimited(ChatFailed):
    """The chat model's server takes no more requests for now, or a quota is used up."""


class IndexProblem(FilesearchError):
    """The index on disk cannot be used as it is."""

    exit_code = 3


class IndexMismatch(IndexProblem):
    """The index was made with another embedder, dimension or other chunk settings."""


class IndexDamaged(IndexProblem):
    """A segment or the catalog is missing, altered or inconsistent."""
