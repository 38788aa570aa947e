"""Attributes: names and values that files carry for filters.

At most 16 a file, names of 1 to 64 characters, strings of at most 512: the limits of OpenAI's
vector stores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from filesearch.errors import InvalidSetting
from filesearch.types import Attributes, AttributeValue

MAX_ATTRIBUTES = 16
MAX_NAME_CHARS = 64
MAX_VALUE_CHARS = 512


def parse_attribute(text: str) -> tuple[str, AttributeValue]:
    """Return the name and value of `key=value`: true and false, finite numbers, else a string.

    Raises:
        InvalidSetting: No "=", or no name before it.
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise InvalidSetting(f"attribute '{text}' is not of the form key=value")
    return key.strip(), parse_value(value.strip())


def parse_value(value: str) -> AttributeValue:
    """Return what a text stands for: true and false, finite numbers, else the text itself."""
    if "_" in value:
        return value  # Python reads 2024_10 as 202410
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return int(value)
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value


def check_attributes(attributes: Mapping[str, object]) -> Attributes:
    """Return a copy of `attributes` that can be stored.

    Raises:
        InvalidSetting: Too many, a name or value too long or not encodable, or a value that is
            not a string, boolean or finite number.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidSetting(f"{len(attributes)} attributes; a file carries {MAX_ATTRIBUTES}")
    return {_check_name(name): _check_value(name, v) for name, v in attributes.items()}


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARS or not _encodes(name):
        raise InvalidSetting(f"attribute {name!r} needs a name of 1 to {MAX_NAME_CHARS} characters")
    return name


def _check_value(name: str, value: object) -> AttributeValue:
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str) and len(value) <= MAX_VALUE_CHARS and _encodes(value):
        return value
    raise InvalidSetting(
        f"attribute '{name}' is {value!r}; give a string of at most {MAX_VALUE_CHARS} characters, "
        "a finite number, true or false"
    )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
