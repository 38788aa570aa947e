"""Health, metrics, logs and documentation of a guarded server."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import subprocess
import time
from importlib.resources import files
from shutil import which
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from filesearch import FileSearch
from filesearch.messages import ChatRequest, Usage
from filesearch.server.app import create_app
from filesearch.server.context import Server
from filesearch.server.guard.guard import Access, guard
from filesearch.server.guard.logs import set_up_logging
from filesearch.server.guard.metrics import CountedModel, Metrics, TimedStores
from filesearch.testing import HashingEmbedder


@pytest.fixture
def server(tmp_path):
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        yield Server(fs)


@pytest.fixture
def routes(server):
    return create_app(server)


@pytest.fixture
def http(routes, server):
    app = guard(routes, server, Access()).app
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def logged():
    """Standard error's lines, as JSON; logging is as before afterwards."""
    root = logging.getLogger()
    before, level, stream = root.handlers[:], root.level, io.StringIO()
    set_up_logging("json", "info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)


def values(http, name):
    families = text_string_to_metric_families(http.get("/metrics").text)
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def test_a_server_that_can_work_is_ready(http):
    assert http.get("/healthz").json() == {"status": "ok"}
    done = http.get("/readyz")
    assert (done.status_code, done.json()["status"]) == (200, "ready")
    checks = done.json()["checks"]
    assert {checks[name] for name in ("database", "index", "accepting")} == {"ok"}


def test_it_is_told_whether_anybody_reads_waiting_files(http, server):
    def said():
        return http.get("/readyz").json()["checks"]["ingest"]

    deadline = time.monotonic() + 20
    while said() != "led":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    server.fs.ingest_queue.stop()
    assert said() != "led"


def test_a_server_without_its_database_lives_but_is_not_ready(http, server, monkeypatch):
    def refuse():
        raise OSError("postgresql://user:password@host is away")

    monkeypatch.setattr(server.objects, "reading", refuse)
    monkeypatch.setattr("filesearch.keys._REFRESH_S", 0)  # keys are asked for at each request
    done = http.get("/readyz")
    assert (done.status_code, done.json()["checks"]["database"]) == (503, "failed")
    assert "password" not in done.text
    assert http.get("/healthz").status_code == 200
    assert http.get("/metrics").status_code == 200


@pytest.fixture
def idle(routes, server, monkeypatch):
    """A client of the same server, without what works in the background."""
    monkeypatch.setattr("filesearch.keys._REFRESH_S", 0)  # keys are asked for at each request
    app = guard(routes, server, Access()).app
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def test_a_server_whose_index_was_removed_refuses_everything(idle, server):
    assert idle.get("/v1/models").status_code == 200
    shutil.rmtree(server.fs.directory)
    assert idle.get("/readyz").status_code == 503
    done = idle.get("/v1/models")
    assert (done.status_code, done.json()["error"]["type"]) == (503, "server_error")
    assert "start it again" in done.json()["error"]["message"]
    assert not server.fs.directory.exists()


def test_an_index_made_anew_is_not_shown_to_those_who_had_keys_of_another(idle, server):
    shutil.rmtree(server.fs.directory)
    with FileSearch(server.fs.directory, embedder=HashingEmbedder()) as other:
        other.open(create=True)
    assert idle.get("/v1/vector_stores").status_code == 503
    assert idle.get("/readyz").status_code == 503
    assert idle.get("/healthz").status_code == 200


def test_a_server_that_ends_is_not_ready(http, routes):
    routes.state.is_ending = True
    assert http.get("/readyz").status_code == 503


def test_requests_are_counted_by_route_and_status(http):
    for path in ("/healthz", "/healthz", "/nothing/1", "/nothing/2", "/v1/nothing"):
        http.get(path)
    http.request("BREW", "/healthz")
    counted = values(http, "filesearch_request_seconds_count")
    name = lambda method, route, status: (  # noqa: E731
        ("method", method),
        ("route", route),
        ("status", status),
    )
    assert counted[name("GET", "/healthz", "200")] == 2
    assert counted[name("GET", "unmatched", "404")] == 3  # however many paths they are
    assert counted[name("other", "/healthz", "405")] == 1


def test_runs_and_the_queue_are_counted_in_the_database(http, server):
    assert values(http, "filesearch_vector_store_files") == {(("status", "in_progress"),): 0}
    with server.objects.writing() as tx:
        for status in ("queued", "completed", "completed"):
            tx.insert("run", {}, status=status)
    assert values(http, "filesearch_runs") == {
        (("status", "completed"),): 2,
        (("status", "queued"),): 1,
    }


def test_tokens_of_every_model_are_counted(http, server):
    request = ChatRequest(messages=())

    class Model:
        name, calls_tools, other = "m", False, 7

        def stream(self, request):
            from filesearch.messages import ChatDelta

            yield ChatDelta(text="a")
            yield ChatDelta(usage=Usage(5, 2))

    metrics = Metrics()
    model = CountedModel(Model(), metrics)
    assert (model.name, model.other, len(list(model.stream(request)))) == ("m", 7, 2)
    text = metrics.render().decode()
    assert 'filesearch_tokens_total{direction="prompt"} 5.0' in text
    assert 'filesearch_tokens_total{direction="completion"} 2.0' in text
    assert isinstance(server.model_for("any"), CountedModel)


def test_searches_and_ingested_files_are_timed():
    class Stores:
        other = 7

        def search(self, stores, *, top_k):
            return [stores, top_k]

    metrics = Metrics()
    stores = TimedStores(Stores(), metrics)
    assert (stores.search("s", top_k=3), stores.other) == (["s", 3], 7)
    for is_failed in (True, False, False):
        metrics.observe_file(SimpleNamespace(is_failed=is_failed, seconds=0.2))
    text = metrics.render().decode()
    assert "filesearch_query_seconds_count 1.0" in text
    assert 'filesearch_ingest_seconds_count{status="completed"} 2.0' in text
    assert 'filesearch_ingest_seconds_bucket{le="0.25",status="failed"} 1.0' in text


def test_unforeseen_errors_are_counted_and_logged_without_what_was_asked(routes, http, logged):
    @routes.get("/v1/boom")
    def boom():
        raise KeyError("x" * 5000)

    done = http.get("/v1/boom?question=swordfish", headers={"Authorization": "Bearer sword"})
    assert done.status_code == 500
    assert values(http, "filesearch_errors_total") == {(("type", "KeyError"),): 1}
    lines = [line for line in logged() if line.get("route") == "/boom"]
    assert [line["message"] for line in lines] == ["unforeseen KeyError", "request"]
    assert {line["request_id"] for line in lines} == {done.headers["x-request-id"]}
    assert 'raise KeyError("x" * 5000)' in lines[0]["traceback"]
    assert "x" * 300 not in lines[0]["traceback"]
    assert "sword" not in json.dumps(logged())


def test_a_line_per_request_names_who_asked_for_what(http, logged):
    asked = {"X-Client-Request-Id": "mine\x1b[2J"}
    done = http.get("/nothing", headers=asked)
    (line,) = [line for line in logged() if line["message"] == "request"]
    assert line["request_id"] == done.headers["x-request-id"]
    assert line["client_request_id"] == "mine?[2J"
    assert (line["method"], line["route"], line["path"]) == ("GET", "unmatched", "/nothing")
    assert line["status"] == 404
    assert line["ms"] >= 0


def test_the_documentation_loads_nothing_from_elsewhere(http):
    page = http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    parts = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert sorted(parts) == ["docs/docs.css", "docs/docs.js", "openapi.json", "openapi.json"]
    for part in parts:
        assert http.get(f"/{part}").status_code == 200
    everything = page.text + "".join(http.get(f"/{part}").text for part in parts[:2])
    assert "http" + "://" not in everything
    assert "https://" not in everything
    assert "innerHTML" not in everything


@pytest.mark.parametrize("name", ["docs.html", "../guard.py", "..%2fguard.py", "nothing.js"])
def test_no_other_file_is_served(http, name):
    assert http.get(f"/docs/{name}").status_code == 404


@pytest.mark.skipif(which("node") is None, reason="needs node")
def test_the_documentation_s_script_is_well_formed():
    script = str(files("filesearch.server").joinpath("static", "docs.js"))
    subprocess.run(["node", "--check", script], check=True)


def test_the_openapi_document_describes_the_operations(http):
    document = http.get("/openapi.json").json()
    assert {"/healthz", "/readyz", "/metrics"} <= set(document["paths"])
    assert "/" not in document["paths"]


def test_a_browser_is_led_to_the_documentation(http):
    done = http.get("/", follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (307, "/docs")
