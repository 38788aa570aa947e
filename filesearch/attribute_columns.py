"""Attribute columns: the attributes of many files, laid out so that a filter costs next to nothing.

JSON of each file -> distinct sets of attributes -> a column of value numbers for each key. A
comparison is looked up once among the sorted values of its key, then compared as numbers; files
with the same set share one decision. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.filters import Comparison, Compound, Predicate, typed_value
from filesearch.types import Attributes, AttributeValue, IntArray

_MISSING, _UNKNOWN = -1, -2


class AttributeColumns:
    """The attributes of n files. Safe to use from several threads.

    Args:
        sets: Distinct sets of attributes.
        set_of: int64 (n,), number of each file's set; -1 for a file that passes no filter.
    """

    def __init__(self, sets: Sequence[Attributes], set_of: IntArray) -> None:
        self._sets = sets
        self._set_of = set_of

    @classmethod
    def decode(cls, raw: Sequence[str | None]) -> AttributeColumns:
        """Return the columns of attributes stored as JSON; None passes no filter."""
        numbers: dict[str, int] = {}
        set_of = np.fromiter(
            (-1 if one is None else numbers.setdefault(one, len(numbers)) for one in raw),
            dtype=np.int64,
            count=len(raw),
        )
        decoder = msgspec.json.Decoder(Attributes)
        return cls([decoder.decode(one) for one in numbers], set_of)

    @property
    def size_bytes(self) -> int:
        """Of the arrays; the values themselves come on top."""
        columns = self.__dict__.get("_columns", {})
        return int(self._set_of.nbytes + sum(one.codes.nbytes for one in columns.values()))

    def passing(self, keep: Predicate) -> npt.NDArray[np.bool_]:
        """Return which files pass a filter: bool (n,).

        Args:
            keep: What `compile_filter` returns is answered by columns; any other function is
                asked once for each distinct set.
        """
        # One more for the files of set -1.
        passed = np.zeros(len(self._sets) + 1, dtype=bool)
        passed[:-1] = self._passing_sets(keep)
        return passed[self._set_of]

    def _passing_sets(self, keep: Predicate) -> npt.NDArray[np.bool_]:
        if isinstance(keep, Compound):
            parts = [self._passing_sets(part) for part in keep.parts]
            join = np.logical_and if keep.kind == "and" else np.logical_or
            found: npt.NDArray[np.bool_] = join.reduce(parts) if parts else self._all(keep)
            return found
        if isinstance(keep, Comparison):
            return self._compare(keep)
        return np.fromiter(map(keep, self._sets), dtype=bool, count=len(self._sets))

    def _all(self, keep: Compound) -> npt.NDArray[np.bool_]:
        return np.full(len(self._sets), keep.kind == "and")

    def _compare(self, comparison: Comparison) -> npt.NDArray[np.bool_]:
        column = self._columns.get(comparison.key)
        if column is None:
            return np.full(len(self._sets), comparison.kind in ("ne", "nin"))
        codes, values = column.codes, comparison.values
        if comparison.kind in ("eq", "in"):
            return np.isin(codes, [column.code(value) for value in values])
        if comparison.kind in ("ne", "nin"):
            return ~np.isin(codes, [column.code(value) for value in values])
        first, past = column.between(comparison.kind, values[0])
        return (codes >= first) & (codes < past)

    @cached_property
    def _columns(self) -> Mapping[str, _Column]:
        places: dict[str, list[int]] = {}
        values: dict[str, list[AttributeValue]] = {}
        for number, attributes in enumerate(self._sets):
            for key, value in attributes.items():
                places.setdefault(key, []).append(number)
                values.setdefault(key, []).append(value)
        return {key: _Column(len(self._sets), places[key], values[key]) for key in places}


class _Column:
    """The values of one key as numbers that ascend as the values of each kind do.

    Args:
        count: How many sets there are.
        places: Numbers of the sets that have the key.
        values: What each of those has.

    Attributes:
        codes: int32 (count,); -1 where the key is missing.
    """

    def __init__(self, count: int, places: Sequence[int], values: Sequence[AttributeValue]) -> None:
        kinds: dict[str, set[AttributeValue]] = {}
        typed = [typed_value(value) for value in values]
        for kind, value in typed:
            kinds.setdefault(kind, set()).add(value)
        self._code_of: dict[tuple[str, AttributeValue], int] = {}
        self._sorted: dict[str, tuple[int, list[AttributeValue]]] = {}
        for kind, members in kinds.items():
            ascending = sorted(members)
            first = len(self._code_of)
            self._sorted[kind] = first, ascending
            for code, value in enumerate(ascending, start=first):
                self._code_of[kind, value] = code
        self.codes = np.full(count, _MISSING, dtype=np.int32)
        self.codes[places] = [self._code_of[one] for one in typed]

    def code(self, value: AttributeValue) -> int:
        """Return the number of a value; one that no set has where there is none."""
        return self._code_of.get(typed_value(value), _UNKNOWN)

    def between(self, kind: str, value: AttributeValue) -> tuple[int, int]:
        """Return first and past-the-last number of the values that stand so to `value`."""
        sort, _value = typed_value(value)
        first, ascending = self._sorted.get(sort, (0, []))
        is_ordered = value == value
        if not is_ordered:
            return first, first
        at = {
            "gt": (bisect_right(ascending, value), len(ascending)),
            "gte": (bisect_left(ascending, value), len(ascending)),
            "lt": (0, bisect_left(ascending, value)),
            "lte": (0, bisect_right(ascending, value)),
        }[kind]
        return first + at[0], first + at[1]
