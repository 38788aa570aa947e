"""Tool: search as other assistants call it."""

import json
from dataclasses import replace

import pytest

from filesearch.errors import InvalidSetting, NotFound
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


def test_the_structured_form_is_json_and_points_at_the_text(fs, docs):
    fs.ingest(docs, attributes={"year": 2025})
    [found] = fs.as_tool().search("kiln degrees", max_num_results=1)
    assert json.loads(json.dumps(found)) == found
    assert fs.document(found["file_id"]).text[found["start"] : found["end"]] == found["text"]
    assert (found["filename"], found["page"]) == ("kiln.txt", None)
    assert found["attributes"] == {"year": 2025}
    assert 0 <= found["score"] <= 1
    with pytest.raises(InvalidSetting, match="max_num_results is 0"):
        fs.as_tool().search("kiln", max_num_results=0)


def test_arguments_as_a_model_writes_them_give_the_passages(fs, docs):
    fs.ingest(docs)
    tool = fs.as_tool()
    assert tool.call_json('{"query": "kiln", "max_num_results": 1.0}') == tool("kiln", 1)
    assert tool.call_json('{"query": "kiln", "max_num_results": null}') == tool("kiln")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("", "the arguments are not JSON"),
        ('{"query": "kiln"', "the arguments are not JSON"),
        ("[" * 100_000, "the arguments are not JSON"),
        (b'{"query": "\xff"}', "the arguments are not JSON"),
        (f'{{"query": "kiln", "max_num_results": {"9" * 5000}}}', "the arguments are not JSON"),
        (f'{{"query": "kiln", "max_num_results": {"9" * 4000}}}', "max_num_results is 9999"),
        ('"kiln"', 'the arguments are not an object but "kiln"; give a JSON object such as'),
        ("{}", "query is null, not words to look for"),
        ('{"query": " "}', 'query is " ", not words to look for'),
        ('{"query": ["kiln"]}', 'query is ["kiln"], not words to look for'),
        ('{"query": "kiln", "k": 3}', 'unknown arguments: "k"'),
        ('{"query": "kiln", "max_num_results": 51}', "max_num_results is 51; choose 1 to 50"),
        ('{"query": "kiln", "max_num_results": 2.5}', "max_num_results is 2.5; choose a whole"),
        ('{"query": "kiln", "max_num_results": true}', "max_num_results is true; choose a whole"),
        ('{"query": "kiln", "max_num_results": NaN}', "max_num_results is NaN; choose a whole"),
        ('{"query": "kiln", "max_num_results": "many"}', 'max_num_results is "many"; choose'),
    ],
)
def test_arguments_that_cannot_be_used_come_back_as_text_for_the_model(fs, docs, arguments, says):
    fs.ingest(docs)
    text = fs.as_tool().call_json(arguments)
    assert text.startswith(f"Error: {says}")
    assert len(text) < 300


def test_an_index_that_is_not_there_is_not_the_models_mistake(fs):
    with pytest.raises(NotFound):
        fs.as_tool().call_json('{"query": "kiln"}')


def test_pages_are_named_and_nothing_found_is_said():
    hit = SearchResult("file-1", "a.pdf", " Text \n", 0, 7, 1, 1, 0, page=3)
    assert render_passages([hit, hit]) == "[1] a.pdf, page 3\nText\n\n[2] a.pdf, page 3\nText"
    copied = replace(hit, also_in=("b.pdf",))
    assert render_passages([copied]).startswith("[1] a.pdf, page 3 (also in b.pdf)\n")
    assert render_passages([]) == "No passage matches."
