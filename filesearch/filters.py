"""Filters: which files a search may return, by their attributes.

The shape is OpenAI's: comparisons `{"type": "eq", "key": "year", "value": 2025}` and compounds
`{"type": "and", "filters": [...]}`, nested as deep as `MAX_DEPTH`. A file that lacks the key
fails every comparison but `ne` and `nin`. What comes out is a predicate that can be looked into, so
that it can be answered for all files at once; see attribute_columns.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from filesearch.errors import InvalidFilter
from filesearch.types import Attributes, AttributeValue

Filter: TypeAlias = Mapping[str, Any]
Predicate: TypeAlias = Callable[[Attributes], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; called with attributes, it tells whether they pass.

    Attributes:
        key: Name of the attribute.
        kind: eq, ne, gt, gte, lt, lte, in or nin.
        values: What it is compared with: one value, any number for in and nin.
        test: What answers.
    """

    key: str
    kind: str
    values: tuple[AttributeValue, ...]
    test: Predicate

    def __call__(self, attributes: Attributes) -> bool:
        """Return whether `attributes` pass."""
        return self.test(attributes)


@dataclass(frozen=True, slots=True)
class Compound:
    """All (`and`) or any (`or`) of some parts; `and` of none passes everything."""

    kind: str
    parts: tuple[Predicate, ...]

    def __call__(self, attributes: Attributes) -> bool:
        """Return whether `attributes` pass."""
        join = all if self.kind == "and" else any
        return join(part(attributes) for part in self.parts)


MAX_DEPTH = 20
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda found, value: found > value,
    "gte": lambda found, value: found >= value,
    "lt": lambda found, value: found < value,
    "lte": lambda found, value: found <= value,
}
_COMPARISONS = ("eq", "ne", *_ORDERINGS, "in", "nin")


def compile_filter(spec: Filter | None) -> Predicate:
    """Return a function that tells whether attributes pass `spec`; None passes all.

    Strings compare with strings, numbers with numbers, booleans with booleans; values of two
    kinds are never equal and never ordered.

    Raises:
        InvalidFilter: Not one of the shapes above; it names the part and where that stands.
    """
    if spec is None:
        return Compound("and", ())
    return _compile(spec, "", depth=0)


def _compile(spec: object, place: str, *, depth: int) -> Predicate:
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"filters are nested deeper than {MAX_DEPTH} levels")
    if not isinstance(spec, Mapping):
        raise InvalidFilter(f"a filter must be an object with a 'type', not {spec!r}", place)
    kind = spec.get("type")
    if kind in ("and", "or"):
        parts, at = spec.get("filters"), _inside(place, "filters")
        if not isinstance(parts, (list, tuple)) or not parts:
            raise InvalidFilter(f"'{kind}' needs a list of at least one filter in 'filters'", at)
        return Compound(
            kind,
            tuple(
                _compile(part, f"{at}[{number}]", depth=depth + 1)
                for number, part in enumerate(parts)
            ),
        )
    if kind in _COMPARISONS:
        return _compile_comparison(spec, kind, place)
    raise InvalidFilter(
        f"filter type {kind!r} is unknown; use one of {', '.join(_COMPARISONS)}, and, or",
        _inside(place, "type"),
    )


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _compile_comparison(spec: Filter, kind: str, place: str) -> Comparison:
    key, value = spec.get("key"), spec.get("value")
    at = _inside(place, "value")
    if not isinstance(key, str) or not key:
        raise InvalidFilter(
            f"'{kind}' needs the name of an attribute in 'key', not {key!r}", _inside(place, "key")
        )
    if kind in ("in", "nin"):
        if not isinstance(value, (list, tuple)) or not all(_is_value(v) for v in value):
            raise InvalidFilter(f"'{kind}' needs a list of strings or numbers in 'value'", at)
        return Comparison(key, kind, tuple(value), _membership(key, kind, value))
    if not _is_value(value):
        raise InvalidFilter(
            f"'{kind}' needs a string, number or boolean in 'value', not {value!r}", at
        )
    if kind in ("eq", "ne"):
        return Comparison(key, kind, (value,), _membership(key, kind, [value]))
    if isinstance(value, bool):
        raise InvalidFilter(f"'{kind}' orders strings or numbers, not the boolean {value!r}", at)
    return Comparison(key, kind, (value,), _order(key, kind, value))


def _membership(key: str, kind: str, values: Collection[AttributeValue]) -> Predicate:
    wanted = {typed_value(value) for value in values}
    is_in = kind in ("eq", "in")
    return lambda attributes: (
        (key in attributes and typed_value(attributes[key]) in wanted) == is_in
    )


def _order(key: str, kind: str, value: AttributeValue) -> Predicate:
    order, sort = _ORDERINGS[kind], typed_value(value)[0]
    return lambda attributes: (
        key in attributes
        and typed_value(attributes[key])[0] == sort
        and order(attributes[key], value)
    )


def _is_value(value: object) -> TypeGuard[AttributeValue]:
    return isinstance(value, (str, int, float, bool))


def typed_value(value: AttributeValue) -> tuple[str, AttributeValue]:
    """Return the value with its kind, because Python holds True == 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    return ("string", value) if isinstance(value, str) else ("number", value)
