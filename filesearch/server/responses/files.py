"""Response files: files that stand in a message -> their text, for models that read text.

Images stay as they are: only whether they can be there is looked at. server/images.py reads them.

The text is kept with the item, so that later turns have it even when the file is gone. The bytes
that a client sent are kept only for a model that quotes, as a file for a day: it searches what it
quotes, so for it the files of a message become a vector store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from filesearch.errors import InvalidFile, NotFound, UnsupportedFile
from filesearch.grounding import neutralise
from filesearch.load.media_types import BY_EXTENSION, PLAIN
from filesearch.load.process.isolation import make_loader
from filesearch.server.errors import check_id, invalid, not_found
from filesearch.server.given_files import (
    MAX_FILE_BYTES,
    UNNAMED,
    GivenFile,
    check_count,
    check_size,
    decode_file,
)
from filesearch.server.images import check_image_url, require_image_file
from filesearch.server.models import quotes
from filesearch.server.responses.items import Item

if TYPE_CHECKING:
    from filesearch.server.context import Server

Keep = Callable[[GivenFile], str | None]
"""Bytes that came with a request -> the id of a file with them; None where that is not needed."""

_Given = list[tuple[dict[str, Any], GivenFile]]  # parts as they are read, and their bytes


def read_files(
    server: Server, items: Sequence[Item], scope: str | None, *, keep: Keep | None = None
) -> list[Item]:
    """Return items whose files have their text beside them; their images are checked.

    Args:
        server: Whose files and loaders are used.
        items: In order.
        scope: Owner whose files may be read; None for all.
        keep: Keeps the bytes of files that came along, whose ids then stand beside them too, once
            all have been read; None leaves them.

    Raises:
        ApiError: A file that is not there, too large, or cannot be read; or one behind a URL. Or
            there are too many. An image that is not there, or none.
    """
    check_count(sum(len(_file_parts(item)) for item in items), "input")
    given: _Given = []
    read = [_read_item(server, item, f"input[{n}]", scope, given) for n, item in enumerate(items)]
    if keep is not None:
        for part, file in given:
            part["kept_id"] = keep(file)
    return read


def _file_parts(item: Item) -> list[dict[str, Any]]:
    """Return the files of an item."""
    parts = item.get(_content_name(item))
    if not isinstance(parts, list):
        return []
    return [part for part in parts if part.get("type") == "input_file"]


def _content_name(item: Item) -> str:
    """Return what an item calls its parts, if it has some."""
    return "output" if item["type"] == "function_call_output" else "content"


def _read_item(server: Server, item: Item, at: str, scope: str | None, given: _Given) -> Item:
    """Return an item whose files have their text; those that came along are added to `given`."""
    name = _content_name(item)
    if not isinstance(item.get(name), list):
        return item
    parts = [
        _read_part(server, part, f"{at}.{name}[{number}]", scope, given)
        for number, part in enumerate(item[name])
    ]
    return item | {name: parts}


def _read_part(
    server: Server, part: dict[str, Any], at: str, scope: str | None, given: _Given
) -> dict[str, Any]:
    if part.get("type") == "input_file":
        return _read_file(server, part, at, scope, given)
    if part.get("type") == "input_image":
        _check_image(server, part, at, scope)
    return part


def _check_image(server: Server, part: Mapping[str, Any], at: str, scope: str | None) -> None:
    if "image_url" in part:
        check_image_url(part["image_url"], f"{at}.image_url")
    elif "file_id" in part:
        require_image_file(server, part["file_id"], f"{at}.file_id", scope)
    else:
        raise invalid(f"Invalid '{at}': give 'image_url' or 'file_id'.", at)


def _read_file(
    server: Server, part: dict[str, Any], at: str, scope: str | None, given: _Given
) -> dict[str, Any]:
    if "file_id" in part:
        filename, data = _stored_file(server, part["file_id"], at, scope)
    elif "file_data" in part:
        filename = part.get("filename") or UNNAMED
        data = decode_file(part["file_data"], f"{at}.file_data")
    elif "file_url" in part:
        raise invalid(
            f"Invalid '{at}.file_url': nothing is fetched from elsewhere here; send 'file_data', "
            "or upload the file and send its 'file_id'.",
            f"{at}.file_url",
        )
    else:
        raise invalid(f"Invalid '{at}': give 'file_id' or 'file_data'.", at)
    check_size(filename, data, at)
    try:
        with server.reading.core, make_loader(server.settings) as loader:
            text = loader.load(data, filename).text
    except (InvalidFile, UnsupportedFile) as error:
        raise invalid(f"Invalid '{at}': {error}", at) from error
    read = {name: value for name, value in part.items() if name != "file_data"}
    read |= {"filename": filename, "text": f"File '{filename}':\n\n{neutralise(text)}"}
    if "file_id" not in part:
        given.append((read, GivenFile(filename, data)))
    return read


def _stored_file(server: Server, file_id: str, at: str, scope: str | None) -> tuple[str, bytes]:
    check_id("file", file_id, name=f"{at}.file_id")
    try:
        file = server.files.get(file_id, owner=scope)
        with server.files.open(file_id, owner=scope) as stream:
            return file.filename, stream.read(MAX_FILE_BYTES + 1)
    except NotFound as error:
        raise not_found(f"No such File object: {file_id}") from error


# For a model that quotes


def keeper(server: Server, model: str, owner: str) -> Keep:
    """Return what keeps the bytes of files that `model` is to search; for others it keeps none."""

    def keep(file: GivenFile) -> str | None:
        is_searched = quotes(server.model_for(model))
        return server.given_files.keep(file, owner) if is_searched else None

    return keep


def stores_of_files(server: Server, items: Sequence[Item], owner: str) -> list[str]:
    """Return the vector stores of the files in items, one for each item that has some.

    A file that is gone, or whose bytes were never kept, is there as its text.
    """
    file_ids = [[_file_id(server, part, owner) for part in _file_parts(item)] for item in items]
    return server.given_files.stores_of(file_ids, owner, None)


def _file_id(server: Server, part: Mapping[str, Any], owner: str) -> str:
    given = server.given_files
    kept_id: str = part.get("kept_id") or ""
    if given.use(kept_id):
        return kept_id
    file_id: str = part.get("file_id") or ""
    if given.is_there(file_id):
        return file_id
    name: str = part["filename"]
    is_text = BY_EXTENSION.get(PurePath(name).suffix.lower()) == PLAIN
    text = GivenFile(name if is_text else f"{name}.txt", part["text"].encode())
    return given.keep(text, owner)


def without_files(items: Sequence[Item]) -> list[Item]:
    """Return items whose messages hold no files: those are searched instead of being read.

    What functions returned stays whole: a turn that waited for it goes on from its text.
    """
    return [
        item | {"content": [part for part in item["content"] if part["type"] != "input_file"]}
        if item["type"] == "message"
        else item
        for item in items
    ]
