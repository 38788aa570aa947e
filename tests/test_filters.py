"""Filters: OpenAI's attribute filters, and what is refused."""

import pytest

from filesearch.errors import InvalidFilter
from filesearch.filters import MAX_DEPTH, compile_filter

BOOK = {"year": 2025, "kind": "book", "price": 12.5, "sold": True}


@pytest.mark.parametrize(
    ("kind", "key", "value", "passes"),
    [
        ("eq", "year", 2025, True),
        ("eq", "year", 2025.0, True),
        ("eq", "year", "2025", False),
        ("eq", "sold", True, True),
        ("eq", "sold", 1, False),
        ("eq", "missing", 1, False),
        ("ne", "kind", "book", False),
        ("ne", "kind", "film", True),
        ("ne", "missing", "x", True),
        ("gt", "year", 2024, True),
        ("gt", "year", 2025, False),
        ("gte", "year", 2025, True),
        ("lt", "price", 13, True),
        ("lte", "price", 12.5, True),
        ("gt", "kind", "apple", True),
        ("gt", "kind", 5, False),
        ("lt", "missing", 5, False),
        ("gt", "sold", 0, False),
        ("in", "kind", ["film", "book"], True),
        ("in", "kind", [], False),
        ("in", "missing", ["x"], False),
        ("nin", "kind", ["film"], True),
        ("nin", "missing", ["x"], True),
    ],
)
def test_a_comparison_passes_what_it_says(kind, key, value, passes):
    assert compile_filter({"type": kind, "key": key, "value": value})(BOOK) is passes


def test_compounds_nest():
    year = {"type": "gte", "key": "year", "value": 2025}
    film = {"type": "eq", "key": "kind", "value": "film"}
    either = {"type": "or", "filters": [film, year]}
    assert compile_filter({"type": "and", "filters": [either, year]})(BOOK)
    assert not compile_filter({"type": "and", "filters": [either, film]})(BOOK)


def test_no_filter_passes_everything():
    assert compile_filter(None)({})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ([], "must be an object"),
        ({"type": "like", "key": "a", "value": "b"}, "'like' is unknown"),
        ({"type": "eq", "value": 1}, "name of an attribute"),
        ({"type": "eq", "key": "a", "value": None}, "string, number or boolean"),
        ({"type": "gt", "key": "a", "value": True}, "not the boolean"),
        ({"type": "in", "key": "a", "value": "abc"}, "needs a list"),
        ({"type": "and", "filters": []}, "at least one filter"),
        ({"type": "or"}, "at least one filter"),
    ],
)
def test_a_malformed_filter_is_refused_with_its_fault(spec, says):
    with pytest.raises(InvalidFilter, match=says):
        compile_filter(spec)


def test_a_fault_deep_inside_is_located():
    sound = {"type": "eq", "key": "a", "value": 1}
    inner = {"type": "or", "filters": [sound, {"type": "eq", "key": "", "value": 1}]}
    with pytest.raises(InvalidFilter) as caught:
        compile_filter({"type": "and", "filters": [sound, inner]})
    assert caught.value.place == "filters[1].filters[1].key"
    assert str(caught.value).startswith(caught.value.place)


def test_nesting_is_bounded():
    spec = {"type": "eq", "key": "a", "value": 1}
    for _ in range(MAX_DEPTH + 1):
        spec = {"type": "and", "filters": [spec]}
    with pytest.raises(InvalidFilter, match="nested deeper"):
        compile_filter(spec)
