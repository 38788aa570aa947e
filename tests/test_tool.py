"""Tool: search as other assistants call it."""

import json
from dataclasses import replace

import pytest

from filesearch.errors import InvalidSetting
from filesearch.tool import render_passages
from filesearch.types import SearchResult


def test_the_schema_is_a_function_tool(fs):
    schema = fs.as_tool().schema
    assert (schema["type"], schema["function"]["name"]) == ("function", "file_search")
    parameters = schema["function"]["parameters"]
    assert parameters["required"] == ["query"]
    assert set(parameters["properties"]) == {"query", "max_num_results"}
    assert json.loads(json.dumps(schema)) == schema


def test_calling_it_with_the_arguments_of_a_model_returns_numbered_passages(fs, docs):
    fs.ingest(docs)
    arguments = json.loads('{"query": "kiln degrees", "max_num_results": 2}')
    text = fs.as_tool()(**arguments)
    assert text.startswith("[1] kiln.txt\nThe kiln reaches 1280 degrees in nine hours.")
    assert "[3]" not in text


@pytest.mark.parametrize("count", [0, 51])
def test_a_number_of_results_out_of_bounds_is_refused(fs, docs, count):
    fs.ingest(docs)
    with pytest.raises(InvalidSetting, match=f"max_num_results is {count}; choose 1 to 50"):
        fs.as_tool()("kiln", max_num_results=count)


def test_pages_are_named_and_nothing_found_is_said():
    hit = SearchResult("file-1", "a.pdf", " Text \n", 0, 7, 1, 1, 0, page=3)
    assert render_passages([hit, hit]) == "[1] a.pdf, page 3\nText\n\n[2] a.pdf, page 3\nText"
    copied = replace(hit, also_in=("b.pdf",))
    assert render_passages([copied]).startswith("[1] a.pdf, page 3 (also in b.pdf)\n")
    assert render_passages([]) == "No passage matches."
