"""Schemathesis: requests drawn from OpenAI's schema and from our own, good and bad.

Whatever is asked, nothing breaks and every answer keeps to its schema. The same requests each
time. Schemathesis makes ten thousand of them at the bounds of what OpenAI's schema allows; the
suite sends the first of each operation, some of the rest, and a few that are drawn at random. With
SCHEMATHESIS_EXAMPLES, the number of the last, all are sent, and those at our own bounds too.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from types import SimpleNamespace

import conformance
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)
from scripted_model import RuleModel
from world import make_world

from filesearch.server.app import create_app
from filesearch.server.context import ServeOptions

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "0"))
FIRST, EVERY = 20, 30
DRAWN = settings(
    max_examples=EXAMPLES or 3,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),  # what fails is small enough as it is
    suppress_health_check=list(HealthCheck),
)
AT_BOUNDS = settings(DRAWN, phases=(Phase.explicit, Phase.generate))
# Parameters of paths -> what world.py calls such an object.
KNOWN = {
    "assistant_id": "assistant",
    "thread_id": "thread",
    "message_id": "message",
    "run_id": "run",
    "file_id": "file",
    "upload_id": "upload",
    "vector_store_id": "store",
    "batch_id": "batch",
    "response_id": "response",
    "conversation_id": "conversation",
}


# Parts of requests that are about tools which the server has not. Drawing from all of them takes
# minutes for one request, and says nothing more of it.
FOREIGN = re.compile(
    "ApplyPatch|Computer|CodeInterpreterTool|Auto|Container|Custom|FunctionShell|Local|ImageGen|MCP"
    "|WebSearch|ToolSearch|Program|Namespace|Compact|AdditionalTools|Skill|InlineSkill|Url|FilePath"
    "|Reasoning|Allowed|Specific|HTTPError|InputImage|InputFile|InputAudio|Audio|Prediction"
)


def without_foreign_tools(schema):
    """Return a schema whose unions have no members about foreign tools, but one at least."""
    if isinstance(schema, list):
        return [without_foreign_tools(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: without_foreign_tools(value) for key, value in schema.items()}
    for union in ("anyOf", "oneOf"):
        members = kept.get(union)
        if isinstance(members, list):
            names = [member.get("$ref", "").rsplit("/", 1)[-1] for member in members]
            ours = [m for m, n in zip(members, names, strict=True) if not FOREIGN.match(n)]
            kept[union] = ours or members
    return kept


@pytest.fixture(scope="module")
def served(serve_module):
    """A server, whose objects it also holds by name."""
    live = serve_module(RuleModel())
    live.world, live.drawn = make_world(live.client), Counter()
    return live


def own_document():
    """Return what /openapi.json says, which no server is needed for."""
    app = create_app(SimpleNamespace(options=ServeOptions()))
    return app.openapi()


def point_to_what_is_there(case, world):
    """Let about half of the requests ask for objects that there are; none of them is deleted."""
    for name, value in (case.path_parameters or {}).items():
        if name in KNOWN and case.method != "DELETE" and len(str(value)) % 2 == 0:
            case.path_parameters[name] = world[KNOWN[name]]


def is_sent(served, case):
    """Return whether there is time for a request."""
    served.drawn[case.operation.label] += 1
    number = served.drawn[case.operation.label]
    return EXAMPLES or number <= FIRST or number % EVERY == 0


def new_violations(served):
    """Return what was wrong with the last answer; a server error is."""
    found = list(served.violations)
    served.violations.clear()
    return found


@schemathesis.openapi.from_dict(without_foreign_tools(conformance.document())).parametrize()
@AT_BOUNDS
def test_nothing_drawn_from_openais_schema_breaks_the_server(served, case):
    if is_sent(served, case):
        point_to_what_is_there(case, served.world)
        case.call(base_url=served.base_url, timeout=20)
        assert new_violations(served) == []


@schemathesis.openapi.from_dict(own_document()).parametrize()
@(AT_BOUNDS if EXAMPLES else DRAWN)
def test_nothing_drawn_from_our_own_schema_breaks_it(served, case):
    if is_sent(served, case):
        point_to_what_is_there(case, served.world)
        checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
        url = served.base_url.removesuffix("/v1")
        case.call_and_validate(base_url=url, checks=checks, timeout=20)
        assert new_violations(served) == []
