"""Attribute columns: filters answered for all files at once, as if asked file by file."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filesearch.attribute_columns import AttributeColumns
from filesearch.filters import compile_filter

values = st.one_of(
    st.sampled_from(["a", "b", "", "é", 0, 1, -1, 1.5, 2**53, 2**53 + 1, 1.0, -0.0, True, False]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
)
keys = st.sampled_from(["year", "team", "sold"])
attributes = st.lists(st.dictionaries(keys, values, max_size=3), max_size=12)
orderable = values.filter(lambda value: not isinstance(value, bool))
comparisons = st.one_of(
    st.builds(
        lambda kind, key, value: {"type": kind, "key": key, "value": value},
        st.sampled_from(["eq", "ne"]),
        keys,
        values,
    ),
    st.builds(
        lambda kind, key, value: {"type": kind, "key": key, "value": value},
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        keys,
        st.one_of(orderable, st.just(float("nan")), st.just(float("inf"))),
    ),
    st.builds(
        lambda kind, key, value: {"type": kind, "key": key, "value": value},
        st.sampled_from(["in", "nin"]),
        keys,
        st.lists(values, max_size=3),
    ),
)
filters = st.recursive(
    comparisons,
    lambda parts: st.builds(
        lambda kind, members: {"type": kind, "filters": members},
        st.sampled_from(["and", "or"]),
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=5,
)


def columns_of(files):
    return AttributeColumns.decode(
        [None if one is None else msgspec.json.encode(one).decode() for one in files]
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(attributes, filters)
def test_a_filter_by_columns_passes_the_files_that_its_predicate_passes(files, spec):
    keep = compile_filter(spec)
    assert columns_of(files).passing(keep).tolist() == [keep(one) for one in files]


def test_no_filter_passes_every_file():
    assert columns_of([{}, {"year": 1}]).passing(compile_filter(None)).all()


def test_any_other_function_is_asked_once_for_each_set_of_attributes():
    asked = []

    def keep(one):
        asked.append(one)
        return one["year"] > 1

    found = columns_of([{"year": 1}, {"year": 2}, {"year": 1}]).passing(keep)
    assert found.tolist() == [False, True, False]
    assert asked == [{"year": 1}, {"year": 2}]


def test_a_file_without_attributes_to_read_passes_nothing():
    columns = columns_of([None, {}])
    assert columns.passing(compile_filter(None)).tolist() == [False, True]
    keep = compile_filter({"type": "ne", "key": "year", "value": 1})
    assert columns.passing(keep).tolist() == [False, True]


def test_no_files_pass_nothing():
    assert len(columns_of([]).passing(compile_filter({"type": "eq", "key": "a", "value": 1}))) == 0
