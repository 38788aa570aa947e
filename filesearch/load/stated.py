"""Stated: what a file says of itself (front matter, mail headers) -> attributes for filters.

(name, value) pairs -> Attributes and the names of what did not fit. The limits are those of
attributes.py; a file that says more is read all the same.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable

from filesearch.attributes import MAX_ATTRIBUTES, MAX_NAME_CHARS, MAX_VALUE_CHARS
from filesearch.load.clean import clean_line
from filesearch.types import Attributes, AttributeValue

_MAX_NAMED = 5
"""How many names a warning lists."""


def fit_attributes(pairs: Iterable[tuple[str, object]]) -> tuple[Attributes, tuple[str, ...]]:
    """Return the attributes that a file can carry, and a warning of what was left out.

    Args:
        pairs: In the order in which the file states them. Dates and times become ISO 8601; the
            items of a list are joined with ", "; empty values and nested ones are ignored.

    Returns:
        The first `MAX_ATTRIBUTES` pairs that fit, each name once (the first time), and at most one
        sentence that names the others.
    """
    attributes: Attributes = {}
    left_out: list[str] = []
    for stated, value in pairs:
        name, fitting = clean_line(stated), _flat(value)
        if fitting is None or not name or name in attributes:
            continue
        is_long = isinstance(fitting, str) and len(fitting) > MAX_VALUE_CHARS
        if is_long or len(name) > MAX_NAME_CHARS or len(attributes) == MAX_ATTRIBUTES:
            left_out.append(name[:MAX_NAME_CHARS])
        else:
            attributes[name] = fitting
    if not left_out:
        return attributes, ()
    more = f" and {len(left_out) - _MAX_NAMED} more" if len(left_out) > _MAX_NAMED else ""
    return attributes, (
        f"{len(left_out)} of its own attributes were left out ({', '.join(left_out[:_MAX_NAMED])}"
        f"{more}): a file carries {MAX_ATTRIBUTES}, of at most {MAX_VALUE_CHARS} characters",
    )


def _flat(value: object) -> AttributeValue | None:
    """Return a value as an attribute holds it, or None for one that is nested or says nothing."""
    if isinstance(value, str):
        return clean_line(value) or None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, list | tuple):
        items = [_flat(item) for item in value if not isinstance(item, list | tuple)]
        return ", ".join(_shown(item) for item in items if item is not None) or None
    return None


def _shown(value: AttributeValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
