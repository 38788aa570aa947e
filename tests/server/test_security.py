"""What is let in, and what comes back with it: over real sockets, with routes of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import httpx
import openai
import pytest
import uvicorn
from fastapi import Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from filesearch import FileSearch
from filesearch.errors import InvalidSetting
from filesearch.keys import Keys
from filesearch.server.app import create_app
from filesearch.server.context import CallerDep, ServeOptions, Server
from filesearch.server.guard.guard import Access, guard
from filesearch.server.guard.limits import Buckets
from filesearch.server.guard.security import host_policy
from filesearch.testing import HashingEmbedder

KIBIBYTE = 1024


def add_routes(routes):
    @routes.post("/v1/echo")
    async def echo(request: Request):
        return {"size": len(await request.body())}

    @routes.post("/v1/files")
    async def upload(request: Request):
        return {"size": sum([len(part) async for part in request.stream()])}

    @routes.get("/v1/caller")
    def caller(caller: CallerDep):
        return {"owner": caller.owner, "scope": caller.scope}

    @routes.get("/v1/boom/{secret}")
    def boom(secret: str):
        raise RuntimeError(f"cannot {secret}")

    asked_for_more = asyncio.Semaphore(0)

    @routes.get("/v1/more")
    async def more():
        asked_for_more.release()

    @routes.get("/v1/stream")
    async def stream():
        async def parts():
            yield "data: 0\n\n"
            for number in (1, 2):
                await asked_for_more.acquire()
                yield f"data: {number}\n\n"

        return StreamingResponse(parts(), media_type="text/event-stream")

    @routes.get("/v1/torn")
    async def torn():
        async def parts():
            yield "data: 0\n\n"
            raise RuntimeError

        return StreamingResponse(parts(), media_type="text/event-stream")

    @routes.get("/v1/page")
    def page():
        return PlainTextResponse("<script>alert(1)</script>", media_type="text/html")


@pytest.fixture
def start(tmp_path):
    """Starts a guarded server; returns a client whose base URL ends in /v1."""
    with contextlib.ExitStack() as stack:

        def start(*, options=None, api_key="", buckets=None, make_keys=0, **access):
            fs = stack.enter_context(
                FileSearch(tmp_path / "index", embedder=HashingEmbedder(), api_key=api_key)
            )
            server = Server(fs, ServeOptions(**(options or {})))
            made = [Keys(server.objects).create() for _ in range(make_keys)]
            routes = create_app(server)
            add_routes(routes)
            guarded = guard(routes, server, Access(**access), buckets=buckets)
            config = uvicorn.Config(guarded.app, port=0, log_config=None, lifespan="on")
            process = uvicorn.Server(config)
            thread = threading.Thread(target=process.run, daemon=True)
            thread.start()
            stack.callback(thread.join, 20)
            stack.callback(setattr, process, "should_exit", True)
            while not process.started:
                assert thread.is_alive()
                time.sleep(0.01)
            port = process.servers[0].sockets[0].getsockname()[1]
            client = httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", trust_env=False)
            client.made, client.server, client.port = made, server, port
            return stack.enter_context(client)

        yield start


@pytest.fixture
def http(start):
    return start()


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


# Hosts and pages


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:9", "[::1]:8000", "::1"])
def test_the_names_of_this_machine_are_answered(http, host):
    assert http.get("/caller", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7", "", "*"])
def test_a_request_for_another_host_is_refused(http, host):
    """A page's own name may be made to point here (DNS rebinding)."""
    done = http.get("/caller", headers={"Host": host})
    assert (done.status_code, done.json()["error"]["code"]) == (403, "host_not_allowed")


def test_a_host_that_is_allowed_is_answered(start):
    http = start(allow_hosts=("search.example",))
    assert http.get("/caller", headers={"Host": "Search.example:443"}).status_code == 200
    assert http.get("/caller", headers={"Host": "other.example"}).status_code == 403


def test_on_all_interfaces_addresses_are_answered_and_other_names_are_not(start):
    http = start(host="0.0.0.0", api_key="secret")
    for host, status in (("10.1.2.3:80", 200), (socket.gethostname(), 200), ("evil.example", 403)):
        assert http.get("/caller", headers={"Host": host} | bearer("secret")).status_code == status


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_cannot_call(http, origin):
    done = http.post("/echo", headers={"Origin": origin}, content=b"x")
    assert (done.status_code, done.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in done.headers


def test_our_own_page_may_call(http):
    for scheme in ("http", "https"):  # behind a proxy it may be the other one
        origin = {"Origin": f"{scheme}://127.0.0.1:{http.port}"}
        assert http.post("/echo", headers=origin).status_code == 200


def test_a_page_that_is_named_may_call_and_read_the_answer(start):
    http = start(cors_origins=("http://localhost:3000",), make_keys=1)
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,x-stainless-os"
    before = http.options("/echo", headers=asked)  # a browser sends no key with this one
    assert before.status_code == 200
    assert "x-stainless-os" in before.headers["access-control-allow-headers"]
    done = http.post("/echo", headers={"Origin": "http://localhost:3000"})
    assert done.status_code == 401
    assert done.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_open_to_all_pages_needs_a_key(start):
    with pytest.raises(InvalidSetting, match="every web page could read"):
        start(cors_origins=("*",))


@pytest.mark.parametrize("origin", ["localhost:3000", "http://", "http://a/b"])
def test_what_is_no_origin_is_said(origin):
    with pytest.raises(InvalidSetting, match="origin"):
        host_policy("127.0.0.1", cors_origins=[origin])


# Keys


def test_without_keys_any_authorization_is_accepted(http):
    for headers in (
        {},
        bearer("sk-anything"),
        {"Authorization": "Basic eDp5"},
        {"Authorization": ""},
    ):
        assert http.get("/caller", headers=headers).json() == {"owner": "", "scope": None}


def test_with_a_key_only_that_is_accepted(start):
    http = start(make_keys=2)
    (key, secret), _ = http.made
    assert http.get("/caller", headers=bearer(secret)).json()["owner"] == key.id
    assert http.get("/caller", headers={"Authorization": f"bearer  {secret}"}).status_code == 200
    for value in ("", "Bearer", secret, f"Basic {secret}"):
        done = http.get("/caller", headers={"Authorization": value})
        assert (done.status_code, done.json()["error"]["code"]) == (401, None)
        assert done.headers["www-authenticate"] == "Bearer"


def test_the_key_of_the_settings_may_have_any_letters(start):
    http = start(api_key="schlüssel-钥匙")
    sent = {"schlüssel-钥匙".encode(): 200, b"schlussel": 401, b"\xff" * 40: 401}
    for secret, status in sent.items():
        done = http.get("/caller", headers={b"Authorization": b"Bearer " + secret})
        assert done.status_code == status


def test_a_wrong_key_is_not_repeated_in_full(start):
    http = start(make_keys=1)
    wrong = http.made[0][1][:-3] + "xyz"
    done = http.get("/caller", headers=bearer(wrong))
    assert (done.status_code, done.json()["error"]["code"]) == (401, "invalid_api_key")
    assert f"{wrong[:4]}***{wrong[-4:]}" in done.text
    assert wrong[4:-4] not in done.text


def test_the_official_client_names_its_error(start):
    http = start(make_keys=1)
    wrong = openai.OpenAI(base_url=str(http.base_url), api_key="sk-no", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        wrong.models.list()


def test_health_and_documentation_need_no_key_and_metrics_do(start):
    http = start(make_keys=1)
    for path in ("healthz", "readyz", "docs", "docs/docs.js", "openapi.json"):
        assert http.get(f"http://127.0.0.1:{http.port}/{path}").status_code == 200
    url = f"http://127.0.0.1:{http.port}/metrics"
    assert http.get(url).status_code == 401
    assert http.get(url, headers=bearer(http.made[0][1])).status_code == 200


def test_isolated_keys_see_only_their_own(start):
    http = start(make_keys=1, options={"isolates_keys": True})
    key, secret = http.made[0]
    assert http.get("/caller", headers=bearer(secret)).json() == {"owner": key.id, "scope": key.id}


def test_the_use_of_a_key_is_kept(start):
    http = start(make_keys=1)
    http.get("/caller", headers=bearer(http.made[0][1]))
    deadline = time.monotonic() + 30
    while Keys(http.server.objects).list()[0].last_used_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
def test_a_host_that_others_can_reach_needs_a_key(start, host):
    with pytest.raises(InvalidSetting, match="fsearch keys create"):
        start(host=host)


def test_a_revoked_key_does_not_open_a_public_server(start, tmp_path):
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        fs.open(create=True)
        keys = Keys(fs.objects)
        keys.revoke(keys.create()[0].id)
    with pytest.raises(InvalidSetting, match="there is no API key"):
        start(host="0.0.0.0")


# Rates


def test_beyond_its_rate_a_key_is_told_when_to_come_back(start):
    http = start(requests_per_minute=3, make_keys=2)
    (_, secret), (_, other) = http.made
    left = [http.get("/caller", headers=bearer(secret)) for _ in range(4)]
    assert [done.status_code for done in left] == [200, 200, 200, 429]
    shown = [done.headers["x-ratelimit-remaining-requests"] for done in left]
    assert shown == ["2", "1", "0", "0"]
    assert left[0].headers["x-ratelimit-limit-requests"] == "3"
    refused = left[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert http.get("/caller", headers=bearer(other)).status_code == 200
    assert http.get(f"http://127.0.0.1:{http.port}/healthz").status_code == 200


def test_buckets_fill_up_again_evenly(tmp_path):
    for directory in (None, tmp_path):
        now = [100.0]
        buckets = Buckets(directory, clock=lambda now=now: now[0])
        assert [buckets.take("a", 60).is_allowed for _ in range(61)] == [True] * 60 + [False]
        assert buckets.take("a", 60).retry_in_s == pytest.approx(1)
        now[0] += 2
        assert [buckets.take("a", 60).is_allowed for _ in range(3)] == [True, True, False]
        now[0] += 3600
        assert buckets.take("a", 60).remaining == 59


def test_processes_share_their_buckets(tmp_path):
    one, two = Buckets(tmp_path), Buckets(tmp_path)
    assert [b.take("a", 3).is_allowed for b in (one, two, one, two)] == [True] * 3 + [False]


def test_a_bucket_from_an_earlier_boot_does_not_lock_out(tmp_path):
    Buckets(tmp_path, clock=lambda: 1e9).take("a", 1)
    buckets = Buckets(tmp_path, clock=lambda: 5.0)
    assert not buckets.take("a", 1).is_allowed
    assert buckets.take("a", 1).retry_in_s <= 60


# Sizes


SMALL = {"max_body_bytes": 100 * KIBIBYTE, "max_file_bytes": 1024 * KIBIBYTE}


def in_pieces(size):
    for _ in range(size // KIBIBYTE):
        yield b"x" * KIBIBYTE


@pytest.mark.parametrize("form", [bytes, iter], ids=["announced", "chunked"])
def test_a_body_that_is_too_large_is_refused(start, form):
    http = start(options=SMALL)
    for size, status in ((100, 200), (101, 413), (3000, 413)):
        pieces = in_pieces(size * KIBIBYTE)
        done = http.post("/echo", content=b"".join(pieces) if form is bytes else pieces)
        assert done.status_code == status, size
    assert done.json()["error"]["code"] == "request_too_large"
    assert "larger than 0.0976562 MB" in done.json()["error"]["message"]


def test_uploads_have_a_limit_of_their_own(start):
    """Chunked ones are in test_files.py: the route reads them, and stops where it must."""
    http = start(options=SMALL)
    # The form adds up to 1 MiB; what is let in is refused by the route, since it is no form.
    for size, status in ((2048, 400), (2049, 413), (9000, 413)):
        done = http.post("/files", content=b"".join(in_pieces(size * KIBIBYTE)))
        assert done.status_code == status, size


def test_the_official_client_reads_why_its_upload_was_refused(start):
    http = start(options=SMALL)
    client = openai.OpenAI(base_url=str(http.base_url), api_key="none", max_retries=0)
    with pytest.raises(openai.APIStatusError) as caught:
        client.files.create(file=("a.txt", b"x" * (4 << 20)), purpose="assistants")
    assert caught.value.status_code == 413


def test_a_refused_body_is_not_taken_for_the_next_request(start):
    http = start(options=SMALL)
    with socket.create_connection(("127.0.0.1", http.port)) as raw:
        head = b"POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
        raw.sendall(head + b"GET /v1/caller HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw.settimeout(10)
        answer = raw.recv(65536)
        raw.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while part := raw.recv(65536):
                answer += part
    assert answer.count(b"HTTP/1.1") == 1
    assert b"413" in answer


# What comes back


def test_every_answer_is_named_and_timed(http):
    for path in ("/caller", "/nothing", "/boom/x"):
        headers = http.get(path).headers
        assert len(headers["x-request-id"]) == 36
        assert headers["x-request-id"].startswith("req_")
        assert headers["openai-version"] == "2020-10-01"
        assert int(headers["openai-processing-ms"]) >= 1


def test_no_answer_is_a_page(http):
    headers = http.get("/page").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_what_nobody_foresaw_is_told_to_the_log_alone(http, caplog):
    done = http.get("/boom/swordfish", headers={"X-Client-Request-Id": "mine"})
    assert (done.status_code, done.headers["x-should-retry"]) == (500, "false")
    assert set(done.json()["error"]) == {"message", "type", "param", "code"}
    assert done.json()["error"]["type"] == "server_error"
    assert "swordfish" not in done.text
    assert "Traceback" not in done.text
    deadline = time.monotonic() + 30
    while not (told := [r for r in caplog.records if hasattr(r, "fields") and r.exc_info]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert told[0].fields["request_id"] == done.headers["x-request-id"]


def test_a_stream_arrives_piece_by_piece(http):
    """Each piece is sent once the one before has arrived: whoever collects them waits forever."""
    pieces = []
    with http.stream("GET", "/stream") as done:
        for piece in done.iter_raw():
            pieces.append(piece)
            http.get("/more")
    assert pieces == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]


def test_a_stream_that_breaks_is_cut_and_not_ended(http):
    with pytest.raises(httpx.RemoteProtocolError):
        http.get("/torn")
    assert http.get("/caller").status_code == 200


def test_the_first_version_of_assistants_is_refused(http):
    done = http.get("/caller", headers={"OpenAI-Beta": "assistants=v1"})
    assert (done.status_code, done.json()["error"]["code"]) == (400, "invalid_beta")
    for beta in ("assistants=v2", "realtime=v1", ""):
        assert http.get("/caller", headers={"OpenAI-Beta": beta}).status_code == 200


def test_a_method_that_a_route_has_not_is_said_in_the_envelope(http):
    done = http.delete("/caller")
    assert (done.status_code, done.json()["error"]["type"]) == (405, "invalid_request_error")
