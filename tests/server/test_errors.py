"""What is wrong with a request, in OpenAI's words; one table over a request of every shape."""

import asyncio
import errno
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filesearch.database import Database
from filesearch.errors import DatabaseAway, DiskFull, TooManyOpenFiles
from filesearch.server.error_handlers import add_error_handlers
from filesearch.server.lists import ListDep
from filesearch.server.routing import make_router
from filesearch.server.wire.common import IS_STRICT, Metadata, RequestModel


class Named(RequestModel):
    name: Annotated[str, Field(max_length=5, pattern="^[a-z]*$")]


class Search(RequestModel):
    type: Literal["search"]
    share: Annotated[float, Field(le=1)] = 0


class Call(RequestModel):
    type: Literal["call"]
    function: Named


class Body(RequestModel):
    model: str
    count: Annotated[int, Field(ge=1, le=9)] = 1
    ids: Annotated[list[str], Field(min_length=1, max_length=2)] = Field(
        default_factory=lambda: ["x"]
    )
    content: str | list[Named] = ""
    tools: list[Annotated[Search | Call, Field(discriminator="type")]] = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)
    is_on: bool = False


router = make_router("test")


@router.post("/things")
def make(body: Body) -> Body:
    return body


@router.get("/things")
def things(page: ListDep) -> dict[str, object]:
    return {"limit": page.limit}


def asked(method, path, **kwargs):
    answer = answer_of(router, method, path, **kwargs)
    return answer.status_code, answer.json().get("error")


def answer_of(router, method, path, **kwargs):
    async def main():
        app = FastAPI()
        add_error_handlers(app)
        app.include_router(router)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **kwargs)

    return asyncio.run(main())


def answer_to(method, error):
    """What is answered where a route meets an error."""
    failing = make_router("failing")

    @failing.api_route("/fail", methods=[method])
    def fail() -> None:
        raise error

    return answer_of(failing, method, "/fail")


CASES = [
    ({}, "model", "missing_required_parameter", "Missing required parameter: 'model'."),
    ({"model": 3}, "model", "invalid_type", "expected a string, but got an integer instead."),
    ({"count": 99}, "count", "integer_above_max_value", "Expected a value <= 9, but got 99"),
    ({"count": 0}, "count", "integer_below_min_value", "Expected a value >= 1, but got 0"),
    ({"ids": []}, "ids", "empty_array", "Invalid 'ids': empty array."),
    (
        {"ids": ["a"] * 7},
        "ids",
        "array_above_max_length",
        "Invalid 'ids': array too long. Expected an array with maximum length 2, but got an array "
        "with length 7 instead.",
    ),
    ({"content": 3}, "content", "invalid_type", "expected one of a string or an array"),
    (
        {"content": [{"name": "abcdefgh"}]},
        "content[0].name",
        "string_above_max_length",
        "maximum length 5, but got a string with length 8",
    ),
    ({"content": [{"name": "A1"}]}, "content[0].name", "invalid_value", "'A1' does not match"),
    ({"tools": [{"type": "walk"}]}, "tools[0].type", "invalid_value", "Invalid value: 'walk'."),
    ({"tools": [{}]}, "tools[0].type", "missing_required_parameter", "'tools[0].type'"),
    (
        {"tools": [{"type": "call", "function": {}}]},
        "tools[0].function.name",
        "missing_required_parameter",
        "'tools[0].function.name'",
    ),
    (
        {"tools": [{"type": "search", "share": 1.5}]},
        "tools[0].share",
        "decimal_above_max_value",
        "<= 1.0, but got 1.5",
    ),
    (
        {"metadata": {str(n): "" for n in range(17)}},
        "metadata",
        "object_above_max_properties",
        "at most 16 properties, but got an object with 17",
    ),
    ({"metadata": {"k": "v" * 513}}, "metadata", "string_above_max_length", "'metadata.k'"),
    ({"metadata": {"k": 1}}, "metadata.k", "invalid_type", "expected a string"),
    ({"is_on": "maybe"}, "is_on", "invalid_type", "expected a boolean"),
]


@pytest.mark.parametrize(("body", "param", "code", "words"), CASES, ids=lambda v: str(v)[:40])
def test_a_wrong_value_is_named(body, param, code, words):
    status, error = asked("POST", "/things", json={"model": "m", **body} if body else {})
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)
    assert words in error["message"]


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"model": NaN}', b"\xff", b'{"model": "\\ud800"}', b"[" * 10_000, b'{"a":' * 300],
)
def test_what_is_not_json_is_refused(body):
    headers = {"content-type": "application/json"}
    status, error = asked("POST", "/things", content=body, headers=headers)
    assert (status, error["param"]) == (400, None)
    assert "could not parse the JSON body" in error["message"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_json_that_does_not_say_so_is_refused_with_the_header_to_send(kind):
    """As curl -d sends it; taking it would let any page in a browser write here."""
    headers = {"content-type": kind}
    status, error = asked("POST", "/things", content=b'{"model": "m"}', headers=headers)
    assert (status, error["code"]) == (400, "invalid_type")
    assert "'Content-Type: application/json'" in error["message"]


@pytest.mark.parametrize(
    ("limit", "code"), [("0", "integer_below_min_value"), ("x", "invalid_type")]
)
def test_a_wrong_query_is_named(limit, code):
    status, error = asked("GET", "/things", params={"limit": limit})
    assert (status, error["param"], error["code"]) == (400, "limit", code)


def test_another_method_is_refused():
    assert asked("DELETE", "/things")[0] == 405


def test_unknown_fields_are_refused_only_when_strict():
    assert asked("POST", "/things", json={"model": "m", "extra": 1})[0] == 200
    token = IS_STRICT.set(True)
    try:
        body = {"model": "m", "tools": [{"type": "search", "extra": 1}]}
        status, error = asked("POST", "/things", json=body)
    finally:
        IS_STRICT.reset(token)
    assert (status, error["code"], error["param"]) == (400, "unknown_parameter", "tools[0].extra")


@pytest.mark.parametrize("name", ["limt", "limt[]", "limit[]", "before[id]"])
def test_unknown_parameters_of_the_query_are_refused_only_when_strict(name):
    assert asked("GET", "/things", params={name: "1"})[0] == 200
    token = IS_STRICT.set(True)
    try:
        status, error = asked("GET", "/things", params={"limit": "1", name: "1"})
        assert asked("GET", "/things", params={"limit": "1", "order": "asc"})[0] == 200
    finally:
        IS_STRICT.reset(token)
    assert (status, error["code"], error["param"]) == (400, "unknown_parameter", name)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT secret", {}, Exception("the connection is closed")),
        InterfaceError("SELECT secret", {}, Exception("the connection is closed")),
        PoolTimeout("QueuePool limit of size 8 overflow 0 reached"),
        DatabaseAway("the database is away (SELECT secret, of the Pool)"),
    ],
)
def test_a_database_that_is_away_may_be_asked_again(error, method):
    answer = answer_to(method, error)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    assert answer.json()["error"]["type"] == "server_error"
    assert "SELECT" not in answer.text
    assert "Pool" not in answer.text


def test_what_may_have_been_stored_is_not_to_be_sent_again(postgres_url):
    database, other = Database(postgres_url), Database(postgres_url)

    def lose_connection_before_commit():
        with database.writing() as sql, other.reading() as beside:
            pid = sql.scalar(text("SELECT pg_backend_pid()"))
            beside.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})

    with pytest.raises(DatabaseAway, match="what was being stored may be") as failed:
        lose_connection_before_commit()
    for one in (database, other):
        one.close()
    answer = answer_to("POST", failed.value)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "false")
    assert answer_to("GET", failed.value).status_code == 503


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_full_disk_is_told_and_not_asked_again_at_once(method):
    answer = answer_to(method, DiskFull("no space left in '/srv/x' (full); free some"))
    assert (answer.status_code, answer.headers["x-should-retry"]) == (507, "false")
    said = answer.json()["error"]["message"]
    assert said == "There is no space left on the server to keep this; its log says where."


@pytest.mark.parametrize("error", [TooManyOpenFiles("ulimit -n"), OSError(errno.EMFILE, "many")])
def test_too_many_open_files_are_told_and_may_be_fewer_soon(error):
    answer = answer_to("GET", error)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    assert "ulimit -n" in answer.json()["error"]["message"]
