"""Wire: what a wrong request costs, for every shape that one may have."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from filesearch.server.routes import ROUTERS
from filesearch.server.wire.chat import OwnChatRequest, OwnCompletionRequest
from filesearch.server.wire.common import RequestModel
from filesearch.server.wire.conversations import AddItems
from filesearch.server.wire.embeddings import EmbeddingRequest
from filesearch.server.wire.responses import CreateResponse
from filesearch.server.wire.threads import CreateThread
from filesearch.server.wire.vector_stores import AddFile

MANY = 1000


def request_shapes():
    """Return what a body is read as: by the routes, and by what they read once more themselves."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    shapes = {route.body_field.field_info.annotation for route in routes if route.body_field}
    left = [RequestModel]
    while left:
        shapes.add(model := left.pop())
        left += model.__subclasses__()
    ours = [shape for shape in shapes if not getattr(shape, "__module__", "").startswith("tests.")]
    return sorted(ours, key=str)


def unbounded(schema, at="", is_counted=False):
    """Yield where pydantic would gather an error for each item of an array or object."""
    if isinstance(schema, list | tuple):
        for child in schema:
            yield from unbounded(child, at)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "list" and not schema.get("fail_fast"):
        yield f"{at}: use Items"
    if kind == "dict" and schema["values_schema"]["type"] != "any" and not is_counted:
        yield f"{at}: use at_most"
    if kind == "function-before":
        is_counted = schema["function"]["function"].__qualname__.startswith("at_most.")
    elif kind != "function-after":
        is_counted = False
    for name, child in schema.items():
        if name != "metadata":
            yield from unbounded(child, f"{at}/{name}", is_counted)


@pytest.mark.parametrize("shape", request_shapes(), ids=str)
def test_no_array_of_a_request_is_gone_through_for_all_its_errors(shape):
    assert list(unbounded(TypeAdapter(shape).core_schema)) == []


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (EmbeddingRequest, {"input": [{}] * MANY}),
        (EmbeddingRequest, {"input": [[{}] * MANY] * MANY}),
        (CreateResponse, {"input": [{}] * MANY, "include": ["x"] * MANY}),
        (CreateResponse, {"metadata": dict.fromkeys(map(str, range(MANY)), 1)}),
        (AddItems, {"items": [{"role": "user", "content": [{}] * MANY}]}),
        (OwnChatRequest, {"messages": [7] * MANY}),
        (OwnChatRequest, {"logit_bias": dict.fromkeys(map(str, range(2 * MANY)), "x")}),
        (OwnCompletionRequest, {"prompt": [[{}] * MANY] * MANY}),
        (CreateThread, {"messages": [{}] * MANY}),
        (AddFile, {"attributes": {key: [] for key in map(str, range(MANY))}}),
    ],
)
def test_a_thousand_wrong_items_are_few_errors(model, fields):
    with pytest.raises(ValidationError) as refused:
        model.model_validate(fields)
    assert refused.value.error_count() < 10
