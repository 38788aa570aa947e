"""Load: the bytes of one file -> Document, its text and where its parts stand.

bytes -> Document. Pure: no files, no network, no clock. `Loader` in `process.isolation` does the
same behind a time and a memory limit, in a process of its own. sniff, options, compose, clean and
tables serve all formats; each folder holds a family of them.
Importing this package loads no parser; each format's module loads its own on demand.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.media_types import MODULES
from filesearch.load.options import LoadOptions
from filesearch.load.sniff import SUPPORTED_EXTENSIONS, sniff
from filesearch.types import Document

__all__ = ["LOADER_VERSION", "SUPPORTED_EXTENSIONS", "LoadOptions", "load", "sniff"]

LOADER_VERSION = 6
"""Goes up whenever the same bytes give another Document."""
_PLAIN = "text.plain"


class _Format(Protocol):
    def parse(
        self, data: bytes, filename: str, media_type: str, options: LoadOptions
    ) -> Document: ...


def load(data: bytes, filename: str, options: LoadOptions | None = None) -> Document:
    """Return the Document of a file.

    Args:
        data: The whole file.
        filename: Its name, for the extension and for messages; nothing is read from disk.
        options: How; None takes the defaults.

    Raises:
        UnsupportedFile: A format that is not read here.
        InvalidFile: Empty, encrypted, broken, without text, or too large; the message says which
            and what to do.
    """
    media_type = sniff(data, filename)
    module = MODULES.get(media_type, _PLAIN)
    form = cast(_Format, importlib.import_module(f"filesearch.load.{module}"))
    try:
        return form.parse(data, filename, media_type, options or LoadOptions())
    except (InvalidFile, UnsupportedFile):
        raise
    except MemoryError as error:
        raise InvalidFile(
            f"{filename!r} needs more memory than there is; split the file"
        ) from error
    except RecursionError as error:
        raise InvalidFile(f"{filename!r} is nested too deeply to be read") from error
    except Exception as error:
        raise InvalidFile(
            f"{filename!r} is damaged, it cannot be read as {media_type} "
            f"({type(error).__name__}: {error}); save it again"
        ) from error
