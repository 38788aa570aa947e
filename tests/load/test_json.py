from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from filesearch.errors import InvalidFile
from filesearch.load import load
from filesearch.types import Document


def test_json_leaves_become_lines_with_their_path() -> None:
    data = b'{"title": "Shop", "a": {"b": [1, 2], "c": [{"d": null}, {"d": true}]}, "e": []}'
    document = load(data, "a.json")
    assert document.text == "title: Shop\na.b: 1, 2\na.c[0].d: null\na.c[1].d: true"
    assert document.title == "Shop"


def test_jsonl_has_a_row_per_object(keeps_promises: Callable[[Document], None]) -> None:
    data = '{"q": "Mugs?", "n": 1.5}\n\n{"q": "é"}\nbroken\n'.encode()
    document = load(data, "a.jsonl")
    keeps_promises(document)
    rows = [(s.number, document.text[s.start : s.end]) for s in document.spans]
    assert rows == [(1, "q: Mugs?\nn: 1.5"), (3, "q: é"), (4, "broken")]
    assert document.warnings == ("1 lines are not JSON: 4",)


def test_a_list_of_objects_is_read_as_rows(keeps_promises: Callable[[Document], None]) -> None:
    document = load(b'[{"a": 1}, {"a": 2}]', "a.json")
    keeps_promises(document)
    assert [s.number for s in document.spans] == [1, 2]


NUMBERS = [
    "29.00",
    "0.000001",
    "100000000000000000000.50",
    "1e400",
    "1E5",
    "-0",
    "-0.0",
    "0.1",
    "7",
]


@pytest.mark.parametrize("number", [*NUMBERS, "9" * 5000])
def test_numbers_stand_as_the_file_writes_them(number: str) -> None:
    data = f'{{"a": {number}, "b": [{number}, {number}]}}'.encode()
    listed = f"b: {number}, {number}" if len(number) < 80 else f"b[0]: {number}\nb[1]: {number}"
    for name in ("a.json", "a.jsonl"):
        document = load(data, name)
        assert document.text == f"a: {number}\n{listed}"
        assert not document.warnings


def test_long_strings_stay_whole() -> None:
    text = "A long story.\nWith two lines. " * 50
    assert text.strip() in load(json.dumps({"story": text}).encode(), "a.json").text


def test_json_that_is_none_is_read_as_text_with_a_warning() -> None:
    document = load(b"{'a': 1} // comment", "a.json")
    assert document.text == "{'a': 1} // comment"
    assert "not valid JSON" in document.warnings[0]


def test_escaped_surrogates_do_not_reach_the_text(
    keeps_promises: Callable[[Document], None],
) -> None:
    document = load(b'{"a": "x\\ud800y", "b": "\\u0000z"}', "a.json")
    keeps_promises(document)
    assert document.text == "a: x\ufffdy\nb: z"


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(InvalidFile, match="nested too deeply"):
        load(b'{"a":' * depth + b"1" + b"}" * depth, "a.json")


@pytest.mark.parametrize("data", [b"{}", b"[]", b"[[]]"])
def test_json_without_a_leaf_is_empty(data: bytes) -> None:
    with pytest.raises(InvalidFile, match="is empty"):
        load(data, "a.json")
