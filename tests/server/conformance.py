"""Conformance: whether what the server sends is what OpenAI's own schema promises.

(method, path, status, content type, body) -> list of violations, empty when all is well. Pure but
for `CheckedApp`, which wraps an ASGI application and judges every body that leaves it, streams
event by event.

The schema is `openapi_subset.json` (see its README.md); its key `x-filesearch-patches` says where
it was changed already. `_PATCHES` below holds what the recorded traffic of the hosted service
contradicts beyond that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import jsonschema_rs
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SCHEMA_PATH = Path(__file__).parent / "openapi_subset.json"
_ROOT = "urn:openai"

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_NESTED_ERROR = {
    "type": "object",
    "properties": {"error": {"$ref": "#/components/schemas/Error"}},
    "required": ["error"],
}
_PATCHES: dict[str, dict[str, Any]] = {
    # SPEC: flat. The hosted service sent it nested, and the SDKs raise APIError for that form
    # only; given the flat one, the helper streams of openai-python 1.97.2 on crash.
    "ErrorEvent": {
        "type": "object",
        "properties": {"event": {"const": "error"}, "data": _NESTED_ERROR},
        "required": ["event", "data"],
    },
    # SPEC: flat. Recorded traffic and openai-python: nested, beside a sequence number.
    "ResponseErrorEvent": {
        "type": "object",
        "properties": {
            "type": {"const": "error"},
            "sequence_number": {"type": "integer"},
            "error": {"$ref": "#/components/schemas/Error"},
        },
        "required": ["type", "sequence_number", "error"],
    },
}


@cache
def document() -> dict[str, Any]:
    """Return the schema with our patches; do not change it."""
    loaded: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    schemas = loaded["components"]["schemas"]
    schemas.update(_PATCHES)
    # SPEC takes this purpose at upload, and leaves it out of what it says of the file.
    schemas["OpenAIFile"]["properties"]["purpose"]["enum"].append("evals")
    # SPEC: numbers only, although `encoding_format` may ask for base64; openai-python always does.
    vector = schemas["Embedding"]["properties"]
    vector["embedding"] = {"anyOf": [vector["embedding"], {"type": "string"}]}
    return loaded


def check(method: str, path: str, status: int, content_type: str, body: bytes) -> list[str]:
    """Return how a response differs from its schema, one line each; empty when it does not.

    Paths that the schema does not know, such as /healthz, are not judged.
    """
    operation = find_operation(method, path)
    place = f"{method} {path} -> {status}"
    if status >= 500:
        return [f"{place}: {body[:500]!r}"]
    if status >= 400:
        return _check_error(place, path, content_type, body)
    if status >= 300 or operation is None:
        return []
    content = operation["responses"]["200"].get("content", {})
    media = content_type.split(";")[0].strip()
    if media == "text/event-stream":
        return check_events(place, body.decode("utf-8"))
    if "application/json" not in content:
        return []
    if media != "application/json":
        return [f"{place}: content type {content_type!r}, not JSON"]
    return _check_json(place, content["application/json"]["schema"]["$ref"], body)


def _check_error(place: str, path: str, content_type: str, body: bytes) -> list[str]:
    if not path.startswith("/v1"):
        return []
    if not content_type.startswith("application/json"):
        return [f"{place}: an error as {content_type!r}, not JSON: {body[:200]!r}"]
    return _check_json(place, "#/components/schemas/ErrorResponse", body)


def _check_json(place: str, reference: str, body: bytes) -> list[str]:
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return [f"{place}: no JSON ({error}): {body[:200]!r}"]
    return _check_value(place, reference, value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_value(place: str, reference: str, value: object) -> list[str]:
    if _fast_validator(reference).is_valid(value):
        return []
    found = jsonschema.exceptions.best_match(_explaining_validator(reference).iter_errors(value))
    where = found.json_path if found is not None else "?"
    what = found.message if found is not None else "invalid"
    name = reference.rsplit("/", 1)[-1]
    return [f"{place}: not a {name} at {where}: {what[:600]}"]


def check_events(place: str, text: str) -> list[str]:
    """Return what is wrong with a whole event stream: its framing, its order, each event."""
    found: list[str] = []
    numbers: list[int] = []
    names: list[str] = []
    for name, data in parse_events(text):
        names.append(name or data)
        value = data if data == "[DONE]" else json.loads(data)
        if isinstance(value, dict) and isinstance(value.get("sequence_number"), int):
            numbers.append(value["sequence_number"])
        found += _check_event(place, name, value)
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        found.append(f"{place}: sequence numbers with gaps: {numbers}")
    if any(name.startswith("thread.") for name in names) and names[-1] != "done":
        found.append(f"{place}: the stream ends with {names[-1]}, not with done")
    return found


def parse_events(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield (event name or None, data) of each block; comments such as pings are passed over."""
    for block in re.split(r"\r?\n\r?\n", text):
        name, data = None, []
        for line in block.splitlines():
            field, _, value = line.partition(":")
            if field == "event":
                name = value.removeprefix(" ")
            elif field == "data":
                data.append(value.removeprefix(" "))
        if name is not None or data:
            yield name, "\n".join(data)


def _check_event(place: str, name: str | None, value: object) -> list[str]:
    if name is None:  # chat completions name no events
        if value == "[DONE]":
            return []
        schema = "CreateChatCompletionStreamResponse"
        if isinstance(value, dict) and value.get("object") == "text_completion":
            schema = "CreateCompletionResponse"
        if isinstance(value, dict) and "error" in value:
            schema = "ErrorResponse"
        if schema not in document()["components"]["schemas"]:
            return []
        return _check_value(f"{place} chunk", f"#/components/schemas/{schema}", value)
    if name.startswith("response.") or (isinstance(value, dict) and "sequence_number" in value):
        if not isinstance(value, dict) or value.get("type") != name:
            return [f"{place}: event {name} with data of another type: {str(value)[:200]}"]
        wrapped: object = value
    else:
        wrapped = {"event": name, "data": value}
    reference = _event_references().get((name, name.startswith("response.") or wrapped is value))
    if reference is None:
        return [f"{place}: event {name!r} is not in the schema"]
    return _check_value(f"{place} event {name}", reference, wrapped)


@cache
def _event_references() -> dict[tuple[str, bool], str]:
    """Return where each event's schema stands, by its name and whether it is of a response.

    By name instead of trying them all: the message then tells what is wrong with this event.
    """
    schemas = document()["components"]["schemas"]
    found: dict[tuple[str, bool], str] = {}
    for reference in schemas["ResponseStreamEvent"]["anyOf"]:
        schema = _resolve(reference)
        found[_constant(schema["properties"]["type"]), True] = reference["$ref"]
    for group in schemas["AssistantStreamEvent"]["oneOf"]:
        schema = _resolve(group)
        if "oneOf" not in schema:
            found[_constant(schema["properties"]["event"]), False] = group["$ref"]
        for number, event in enumerate(schema.get("oneOf", [])):
            name = _constant(event["properties"]["event"])
            found[name, False] = f"{group['$ref']}/oneOf/{number}"
    return found


def _resolve(reference: dict[str, str]) -> dict[str, Any]:
    name = reference["$ref"].rsplit("/", 1)[-1]
    resolved: dict[str, Any] = document()["components"]["schemas"][name]
    return resolved


def _constant(schema: dict[str, Any]) -> str:
    return str(schema["const"] if "const" in schema else schema["enum"][0])


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation that a request is for, with or without the prefix /v1; None: unknown."""
    path = path.removeprefix("/v1")
    for pattern, operations in _patterns():
        if pattern.fullmatch(path) and method.lower() in operations:
            operation: dict[str, Any] = operations[method.lower()]
            return operation
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Return a pattern per path; those without parameters first, so that they win."""
    paths = sorted(document()["paths"].items(), key=lambda pair: ("{" in pair[0], pair[0]))
    return [
        (
            re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path).replace("/models/[^/]+", "/models/.+")),
            ops,
        )
        for path, ops in paths
    ]


@cache
def _fast_validator(reference: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": _ROOT + reference}, registry=_fast_registry(), validate_formats=False
    )


@cache
def _fast_registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(_ROOT, document())], draft=jsonschema_rs.Draft202012)


@cache
def _explaining_validator(reference: str) -> jsonschema.Draft202012Validator:
    """Return the slow twin, asked only for what the fast one refused: its errors say more."""
    resource = Resource.from_contents(document(), default_specification=DRAFT202012)
    registry = Registry().with_resource(_ROOT, resource)
    return jsonschema.Draft202012Validator({"$ref": _ROOT + reference}, registry=registry)


class CheckedApp:
    """An ASGI application around another, which judges every HTTP response that leaves it.

    Attributes:
        violations: What was wrong, in order; streams that a client left early are not judged.
        checked: How many responses were judged.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.violations: list[str] = []
        self.checked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and judge what comes back once it is whole."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: MutableMapping[str, Any] = {}
        body = bytearray()
        is_whole = False

        async def record(message: MutableMapping[str, Any]) -> None:
            nonlocal is_whole
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                if is_whole:  # before the client has it, and may end the test
                    self._judge(scope, start, bytes(body))
            await send(message)

        await self.app(scope, receive, record)

    def _judge(self, scope: Scope, start: MutableMapping[str, Any], body: bytes) -> None:
        headers = {name.lower(): value for name, value in start.get("headers", [])}
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        self.checked += 1
        self.violations += check(
            scope["method"], scope["path"], start["status"], content_type, body
        )
