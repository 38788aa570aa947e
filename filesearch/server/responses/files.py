"""Response files: files that stand in a message -> their text, for models that read text.

The text is kept with the item, so that later turns have it even when the file is gone; the bytes
that a client sent are not.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from filesearch.errors import InvalidFile, NotFound, UnsupportedFile
from filesearch.grounding import neutralise
from filesearch.load.process.isolation import make_loader
from filesearch.server.errors import check_id, invalid, not_found
from filesearch.server.responses.items import Item

if TYPE_CHECKING:
    from filesearch.server.context import Server

MAX_FILE_BYTES = 50 << 20  # OpenAI's, for one file in a request


def read_files(server: Server, items: Sequence[Item], scope: str | None) -> list[Item]:
    """Return items whose files have their text beside them.

    Raises:
        ApiError: A file that is not there, too large, or cannot be read; or one behind a URL.
    """
    return [_read_item(server, item, f"input[{n}]", scope) for n, item in enumerate(items)]


def _read_item(server: Server, item: Item, at: str, scope: str | None) -> Item:
    name = "output" if item["type"] == "function_call_output" else "content"
    content = item.get(name)
    if not isinstance(content, list) or item["type"] == "reasoning":
        return item
    parts = [
        _read_part(server, part, f"{at}.{name}[{number}]", scope)
        if part["type"] == "input_file"
        else part
        for number, part in enumerate(content)
    ]
    return item | {name: parts}


def _read_part(server: Server, part: dict[str, Any], at: str, scope: str | None) -> dict[str, Any]:
    if "file_id" in part:
        filename, data = _stored_file(server, part["file_id"], at, scope)
    elif "file_data" in part:
        filename = part.get("filename") or "upload"
        data = _decoded(part["file_data"], f"{at}.file_data")
    elif "file_url" in part:
        raise invalid(
            f"Invalid '{at}.file_url': nothing is fetched from elsewhere here; send 'file_data', "
            "or upload the file and send its 'file_id'.",
            f"{at}.file_url",
        )
    else:
        raise invalid(f"Invalid '{at}': give 'file_id' or 'file_data'.", at)
    if len(data) > MAX_FILE_BYTES:
        raise invalid(
            f"Invalid '{at}': '{filename}' has {len(data):,} bytes, at most {MAX_FILE_BYTES:,} "
            "fit into a message; put it into a vector store and search that.",
            at,
        )
    try:
        with server.reading.core, make_loader(server.settings) as loader:
            text = loader.load(data, filename).text
    except (InvalidFile, UnsupportedFile) as error:
        raise invalid(f"Invalid '{at}': {error}", at) from error
    kept = {name: value for name, value in part.items() if name != "file_data"}
    return kept | {"filename": filename, "text": f"File '{filename}':\n\n{neutralise(text)}"}


def _stored_file(server: Server, file_id: str, at: str, scope: str | None) -> tuple[str, bytes]:
    check_id("file", file_id, name=f"{at}.file_id")
    try:
        file = server.files.get(file_id, owner=scope)
        with server.files.open(file_id, owner=scope) as stream:
            return file.filename, stream.read(MAX_FILE_BYTES + 1)
    except NotFound as error:
        raise not_found(f"No such File object: {file_id}") from error


def _decoded(given: str, param: str) -> bytes:
    """Return the bytes of `data:TYPE;base64,...`, or of base64 alone."""
    encoded = given.partition(",")[2] if given.startswith("data:") else given
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"Invalid '{param}': it is not base64 ({error}).", param) from error
