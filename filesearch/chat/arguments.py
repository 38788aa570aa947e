"""Arguments: a function's JSON schema and what a user said -> arguments to call it with.

For a model that cannot think of any: the user's words give figures, choices and text, the schema
the rest. Schemas come from clients and may be anything; whatever they are, something is returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from filesearch.patterns import lazy_pattern

# Schemas may refer to themselves, and a short one may stand for very many values.
_MAX_DEPTH = 8
_MAX_VALUES = 1000
_FIGURE = lazy_pattern(r"-?\d{1,15}(?:\.\d{1,15})?")
_PLAIN: dict[object, object] = {"boolean": False, "integer": 0, "number": 0.0, "array": []}


def fill_arguments(parameters: Mapping[str, Any], said: str) -> dict[str, Any]:
    """Return a value for each required parameter, and for no other.

    What may be null is, where the words do not say it.

    Args:
        parameters: Schema of the function's arguments.
        said: The user's words.
    """
    filling = _Filling(parameters, said)
    option = next(filling.options(parameters), {})
    return filling.fill(option)


class _Filling:
    def __init__(self, root: Mapping[str, Any], said: str) -> None:
        self._root = root
        self._said = said
        self._left = _MAX_VALUES

    def fill(self, schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        """Return a value for each parameter that a schema of kind object requires."""
        properties = schema.get("properties")
        known = properties if isinstance(properties, Mapping) else {}
        names = [name for name in _list(schema.get("required")) if isinstance(name, str)]
        return {name: self._value(known.get(name, {}), depth + 1) for name in names}

    def _value(self, schema: object, depth: int) -> object:
        """Return a value of a schema: the first kind that the words say, null, or the first."""
        options = list(self.options(schema, depth))
        for option in options:
            said = self._from_words(option)
            if said is not None:
                return said
        if not options or any(_may_be_null(option) for option in options):
            return None
        return self._plain(options[0], depth)

    def options(
        self, schema: object, depth: int = 0, seen: frozenset[str] = frozenset()
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what a schema stands for: alternatives and kinds one by one, references found."""
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            return
        known = schema if isinstance(schema, Mapping) else {}
        ref = known.get("$ref")
        if isinstance(ref, str):
            if ref not in seen:
                yield from self.options(self._find(ref), depth + 1, seen | {ref})
            return
        for name in ("anyOf", "oneOf", "allOf"):
            if alternatives := _list(known.get(name)):
                rest = {key: value for key, value in known.items() if key != name}
                for alternative in alternatives:
                    whole = {**rest, **(alternative if isinstance(alternative, Mapping) else {})}
                    yield from self.options(whole, depth + 1, seen)
                return
        for kind in _list(known.get("type")) or [known.get("type")]:
            yield {**known, "type": kind if isinstance(kind, str) else None}

    def _find(self, ref: str) -> object:
        """Return what a reference such as `#/$defs/Address` points at; None for nothing."""
        found: object = self._root
        for step in ref.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    def _from_words(self, schema: Mapping[str, Any]) -> object:
        """Return what the words say for a schema of one kind, None where they say nothing."""
        kind = schema["type"]
        if "const" in schema or kind in ("null", "boolean", "array", "object"):
            return None
        if choices := _list(schema.get("enum")):
            said = self._said.lower()
            return next((c for c in choices if c is not None and str(c).lower() in said), None)
        if kind in ("integer", "number"):
            figure = _FIGURE.search(self._said)
            as_kind = int if kind == "integer" else float
            return as_kind(float(figure.group())) if figure else None
        return None if "properties" in schema else self._said

    def _plain(self, schema: Mapping[str, Any], depth: int) -> object:
        """Return a value of one kind that the words say nothing about."""
        if "const" in schema:
            return schema["const"]
        if choices := _list(schema.get("enum")):
            return choices[0]
        if schema["type"] == "object" or "properties" in schema:
            return self.fill(schema, depth)
        return _PLAIN.get(schema["type"])


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return schema["type"] == "null" or None in _list(schema.get("enum"))


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
