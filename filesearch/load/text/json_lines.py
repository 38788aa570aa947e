"""JSON: json and jsonl -> Document of "key: value" lines.

Nested keys are joined with dots, list positions stand in brackets ("items[0].price: 12"), so that
each line says what it is about wherever a chunk begins. In jsonl every object is one row span.
Numbers stand as the file writes them (29.00, 1e400).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer
from filesearch.load.media_types import JSONL, PLAIN
from filesearch.load.options import LoadOptions
from filesearch.load.text import plain as plain_text
from filesearch.load.text.decode import decode
from filesearch.types import Document

_MAX_DEPTH = 100
_MAX_DIGITS = 18
"""A longer integer stays text; Python refuses those of thousands of digits."""
_TITLE_KEYS = ("title", "name", "headline", "subject")


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a JSON or JSON Lines file.

    Lines of jsonl that are not JSON are kept as they are, with a warning. A json file that is not
    JSON (comments, several values) is read as JSON Lines or else as plain text, with a warning.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: Blank, nested deeper than 100, or longer than is taken.
    """
    decoded = decode(data, filename)
    composer = Composer(filename)
    if decoded.warning:
        composer.warn(decoded.warning)
    try:
        if media_type == JSONL:
            _add_lines(composer, decoded.text)
            return composer.build(media_type)
        value = _read(decoded.text)
    except RecursionError:
        raise InvalidFile(f"{filename!r} is nested too deeply (over {_MAX_DEPTH} levels)") from None
    except ValueError as error:
        document = plain_text.parse(data, filename, PLAIN, options)
        warning = f"it is not valid JSON ({error}); it was read as plain text"
        return Document(
            document.text, document.spans, document.title, media_type, (*document.warnings, warning)
        )
    _add_value(composer, value, filename)
    return composer.build(media_type, title=_title(value))


@dataclass(frozen=True, slots=True)
class _Literal:
    """A number that Python would write otherwise than the file does."""

    text: str


def _read(text: str) -> object:
    return json.loads(text, parse_float=_fraction, parse_int=_integer)


def _fraction(text: str) -> float | _Literal:
    number = float(text)
    return number if repr(number) == text else _Literal(text)


def _integer(text: str) -> int | _Literal:
    return int(text) if len(text) <= _MAX_DIGITS and text != "-0" else _Literal(text)


def _add_lines(composer: Composer, text: str) -> None:
    broken: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            continue
        try:
            pairs = [f"{key}: {value}" if key else value for key, value in _flat(_read(line))]
        except ValueError:
            broken.append(str(number))
            pairs = [line]
        composer.mark("row", composer.add("\n".join(pairs), separator="\n\n"), number)
    if broken:
        composer.warn(f"{len(broken)} lines are not JSON: {', '.join(broken[:10])}")


def _add_value(composer: Composer, value: object, filename: str) -> None:
    """Add a whole JSON file: a list of objects as rows, anything else line by line."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for number, item in enumerate(value, 1):
            pairs = [f"{key}: {text}" for key, text in _flat(item)]
            composer.mark("row", composer.add("\n".join(pairs), separator="\n\n"), number)
        return
    for key, text in _flat(value):
        composer.add(f"{key}: {text}" if key else text)


def _flat(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (path of keys, value) for every leaf, in order; short lists of scalars are one leaf."""
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        for key, item in value.items():
            name = clean_line(str(key))
            yield from _flat(item, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list):
        scalars = [item for item in value if not isinstance(item, dict | list)]
        if len(scalars) == len(value) and all(len(_scalar(item)) <= 80 for item in scalars):
            if scalars:
                yield path, ", ".join(_scalar(item) for item in scalars)
            return
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{index}]", depth + 1)
    else:
        yield path, _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, _Literal):
        return value.text
    return json.dumps(value)


def _title(value: object) -> str:
    if isinstance(value, dict):
        for key in _TITLE_KEYS:
            if isinstance(value.get(key), str):
                return clean_line(str(value[key]))
    return ""
