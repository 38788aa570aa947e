"""Bad requests: each is refused in OpenAI's envelope, with a message that names the value."""

from __future__ import annotations

import io
import socket
import zipfile
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from bad_assistants import ASSISTANTS, RUNS, THREADS
from bad_requests import ANY, FILES, LISTS, STORES, TRANSPORT, Case
from bad_responses import CHAT, RESPONSES
from scripted_model import RuleModel
from world import make_world

CASES = [*TRANSPORT, *LISTS, *FILES, *STORES, *ASSISTANTS, *THREADS, *RUNS, *RESPONSES, *CHAT]


@pytest.fixture(scope="module")
def bad(serve_module):
    """A server with small limits, and a client of bytes."""
    live = serve_module(RuleModel(), max_file_bytes=1 << 20, max_body_bytes=1 << 20)
    with httpx.Client(base_url=live.base_url, timeout=30) as http:
        live.http = http
        yield live


@pytest.fixture(scope="module")
def world(bad):
    return make_world(bad.client)


def fill(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a value with `{name}` replaced by the id of that name, all through."""
    if isinstance(value, str):
        for name, found in ids.items():
            value = value.replace(f"{{{name}}}", found)
        return value
    if isinstance(value, list):
        return [fill(item, ids) for item in value]
    if isinstance(value, dict):
        return {fill(key, ids): fill(item, ids) for key, item in value.items()}
    return value


def send(bad, case: Case, ids: Mapping[str, str]) -> httpx.Response:
    more: dict[str, Any] = {"headers": dict(case.headers)}
    if case.files is not None or case.form is not None:
        fields = {name: (None, value) for name, value in (case.form or {}).items()}
        more["files"] = {**fields, **(case.files or {})}
    elif isinstance(case.body, bytes):
        more["content"] = case.body
    elif case.body is not None:
        more["json"] = fill(case.body, ids)
    return bad.http.request(case.method, bad.base_url + fill(case.path, ids), **more)


def test_the_table_is_as_long_as_it_should_be():
    assert len(CASES) >= 120


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_request_is_refused_in_words_that_help(bad, world, case):
    answer = send(bad, case, world)
    assert answer.status_code == case.status, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error", error
    assert fill(case.says, world) in error["message"], error
    assert case.param in (ANY, error["param"]), error
    assert case.code in (ANY, error["code"]), error
    assert bad.violations == []


HOST = b"\r\nHost: 127.0.0.1\r\n"
BODY = HOST + b"Content-Type: application/json\r\n"
HARDLY_HTTP = {
    "garbage": b"\x00\x01\x02garbage\r\n\r\n",
    "no path": b"OPTIONS * HTTP/1.1" + HOST + b"\r\n",
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
    "another's host": b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a long URL": b"GET /v1/models?x=" + b"a" * 70_000 + b" HTTP/1.1" + HOST + b"\r\n",
    "a path of other bytes": b"GET /v1/files/%ff%fe HTTP/1.1" + HOST + b"\r\n",
    "a query of other bytes": b"GET /v1/assistants?order=\xff HTTP/1.1" + HOST + b"\r\n",
    "no chunk": b"POST /v1/assistants HTTP/1.1"
    + BODY
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "less than nothing": b"POST /v1/assistants HTTP/1.1" + BODY + b"Content-Length: -5\r\n\r\n",
    "too much": b"POST /v1/assistants HTTP/1.1" + BODY + b"Content-Length: 99999999\r\n\r\n",
    "packed": b"POST /v1/assistants HTTP/1.1"
    + BODY
    + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    "a method of its own": b"BREW /v1/models HTTP/1.1" + HOST + b"\r\n",
}


@pytest.mark.parametrize("sort", HARDLY_HTTP)
def test_what_is_hardly_http_is_refused(bad, sort):
    port = httpx.URL(bad.base_url).port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(HARDLY_HTTP[sort])
        assert raw.recv(1 << 16).startswith(b"HTTP/1.1 4")
    assert bad.violations == []


NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system.ini",
    "/etc/passwd",
    "C:\\secret.txt",
    "..",
    "a/b/c.txt",
    "nul\x00byte.txt",
    "line\nbreak.txt",
    "right\u202eto-left.txt",
    "n" * 5000 + ".txt",
    "\U0001f600.txt",
    "'; DROP TABLE files; --.txt",
    "<script>.txt",
    "%2e%2e%2fpasswd",
    " ",
]


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:30] for name in NAMES])
def test_a_file_name_is_never_a_path(bad, world, name, tmp_path):
    answer = bad.http.post(
        "/files", files={"file": (name, b"tricky")}, data={"purpose": "assistants"}
    )
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        made = answer.json()
        content = bad.http.get(f"/files/{made['id']}/content")
        assert content.content == b"tricky"
        shown = content.headers.get("content-disposition", "")
        assert "\n" not in shown
        store = bad.client.vector_stores.create(file_ids=[made["id"]])
        ended = bad.client.vector_stores.files.poll(made["id"], vector_store_id=store.id)
        assert ended.status in ("completed", "failed")


def test_a_file_name_that_is_no_utf8_is_not_an_error_of_ours(bad):
    head = b'Content-Disposition: form-data; name="file"; filename="\xff\xfe.txt"'
    body = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b\r\n'
        + head
        + b"\r\n\r\nx\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert bad.http.post("/files", content=body, headers=headers).status_code in (200, 400)


def _bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as document:
            for _ in range(300):
                document.write(b" " * (1 << 20))
    return made.getvalue()


BROKEN = {
    "bomb.docx": _bomb,
    "empty.docx": lambda: b"",
    "cut.docx": lambda: b"PK\x03\x04" + b"\x00" * 40,
    "cut.pdf": lambda: b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog",
    "laughs.xml": lambda: (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
        + b"]><x>&j;</x>"
    ),
    "program.bin": lambda: b"\x7fELF" + bytes(range(256)) * 8,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_fails_alone(bad, name):
    """It ends, whatever it is, and the file beside it is searched."""
    good = bad.client.files.create(file=("good.txt", b"The kiln is hot."), purpose="assistants")
    broken = bad.client.files.create(file=(name, BROKEN[name]()), purpose="assistants")
    store = bad.client.vector_stores.create()
    batch = bad.client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[broken.id, good.id]
    )
    ended = bad.client.vector_stores.files.retrieve(broken.id, vector_store_id=store.id)
    assert batch.file_counts.in_progress == 0
    if ended.status == "failed":
        assert ended.last_error.code in ("unsupported_file", "invalid_file")
        assert ended.last_error.message
    found = bad.client.vector_stores.search(store.id, query="Is the kiln hot?")
    assert "good.txt" in {result.filename for result in found}


def test_what_was_refused_left_nothing_behind(bad, world):
    """The thread, the run and the store are as they were made."""
    c = bad.client
    assert len(list(c.beta.threads.messages.list(world["thread"]))) == 2
    assert len(list(c.beta.threads.runs.list(world["thread"]))) == 1
    waiting = c.beta.threads.runs.retrieve(world["busy_run"], thread_id=world["busy_thread"])
    assert waiting.status == "requires_action"
    assert c.vector_stores.retrieve(world["store"]).file_counts.total == 1
