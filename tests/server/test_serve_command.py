"""`fsearch serve` and `fsearch keys`: real processes on real sockets, ended by real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import openai
import pytest
from click.testing import CliRunner

from filesearch.cli import cli


def fsearch(*args, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "filesearch", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


class Served:
    """A running server: its process, its URL, and what it logs."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        first = process.stdout.readline()
        assert first.startswith("serving the OpenAI API at http://"), process.stderr.read()
        self.url = first.split()[-1]
        self.root = self.url.removesuffix("/v1")
        self.banner = first + process.stdout.readline() + process.stdout.readline()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def get(self, path, **more):
        return httpx.get(self.root + path, trust_env=False, timeout=30, **more)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=40)
        self._reader.join(30)
        return code


@contextmanager
def serving(index, *args, **more):
    process = fsearch("serve", "--index", index, "--port", 0, *args, **more)
    with process:
        try:
            yield Served(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=40)


def workers_of(process):
    """The processes that a supervisor has started, by their parent in /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(encoding="ascii").rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process.pid:
            found.append(int(stat.parent.name))
    return found


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_how_to_use_it_and_ends_in_order(tmp_path, number):
    with serving(tmp_path / "index") as served:
        assert f'OpenAI(base_url="{served.url}", api_key="none")' in served.banner
        assert f"documentation: {served.root}/docs" in served.banner
        client = openai.OpenAI(base_url=served.url, api_key="none", max_retries=0)
        with pytest.raises(openai.NotFoundError):
            client.get("/nothing", cast_to=object)
        assert served.get("/readyz").json()["status"] == "ready"
        assert served.end(number) == 0
    assert served.process.returncode == 0
    (line,) = [line for line in map(json.loads, served.lines) if line.get("path") == "/v1/nothing"]
    assert (line["status"], line["route"], line["method"]) == (404, "unmatched", "GET")
    assert line["request_id"].startswith("req_")


def test_an_open_connection_does_not_keep_it(tmp_path):
    index = tmp_path / "index"
    with serving(index, "--grace", 300) as served, httpx.Client(trust_env=False) as client:
        assert client.get(served.root + "/healthz").status_code == 200
        assert served.end() == 0  # which waits for less than that


def test_more_connections_than_may_be_open_are_outlasted(tmp_path):
    limit = ["bash", "-c", 'ulimit -Sn 200; ulimit -Hn 256; exec "$@"', "-"]
    command = [sys.executable, "-m", "filesearch", "serve", "--port", "0", "--index"]
    process = subprocess.Popen(
        [*limit, *command, tmp_path / "index"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, ExitStack() as stack:
        stack.callback(process.kill)
        served = Served(process)
        if Path("/proc/self/limits").exists():
            limits = Path(f"/proc/{process.pid}/limits").read_text("ascii")
            assert re.search(r"Max open files +256 +256 ", limits)
        host, port = served.root.removeprefix("http://").split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(300)]
        wait_for(lambda: any("accept" in line for line in served.lines))
        for one in idle:
            one.close()
        assert served.get("/healthz").status_code == 200
        assert served.end() == 0
    # One a second; it was thousands, as many as the backlog is long.
    assert sum("Too many open files" in line for line in served.lines) < 100


def test_a_request_that_never_ends_is_cut_after_its_grace(tmp_path):
    with serving(tmp_path / "index", "--grace", 1) as served:
        host, port = served.root.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(
                b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )
            time.sleep(0.3)
            assert served.end() == 0


# A service that streams until it is stopped, as runs do.
STREAMING = """
import filesearch.server.process as process
from filesearch.cli import main
from filesearch.server.sse import event_stream

make = process.create_app

class Service:
    def __init__(self, events):
        self.events = events
    def start(self):
        self.events.append("run_x", "first", "{}")
    def stop(self):
        self.events.append("run_x", "last", "{}")
        self.events.close("run_x")

def create_app(server):
    app = make(server)
    server.services = [*server.services, Service(server.events)]

    @app.get("/v1/follow")
    async def follow():
        async def events():
            async for event in server.events.follow("run_x"):
                yield event.name, event.data
        return event_stream(events(), end="data: [DONE]\\n\\n")

    return app

process.create_app = create_app
main()
"""


def test_open_streams_are_ended_before_the_server_does(tmp_path):
    command = [sys.executable, "-c", STREAMING, "serve", "--index", str(tmp_path / "index")]
    process = subprocess.Popen(
        [*command, "--port", "0", "--grace", "300"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, httpx.Client(trust_env=False, timeout=30) as client:
        served = Served(process)
        with client.stream("GET", served.url + "/follow") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: first"
            process.terminate()
            assert [line for line in lines if line][1:] == [
                "event: last",
                "data: {}",
                "data: [DONE]",
            ]
        assert process.wait(timeout=40) == 0


def test_it_serves_over_postgresql(tmp_path, postgres_url):
    with serving(tmp_path / "index", "--db", postgres_url, "--workers", 2) as served:
        assert served.get("/readyz").json()["status"] == "ready"
        assert served.end() == 0


def run(*args):
    return CliRunner().invoke(cli, [*map(str, args)])


def test_a_key_is_made_used_and_revoked_while_the_server_runs(tmp_path):
    index = tmp_path / "index"
    with serving(index) as served:
        assert served.get("/metrics").status_code == 200
        made = run("keys", "create", "laptop", "--index", index)
        assert made.exit_code == 0
        secret = made.stdout.strip()
        assert re.fullmatch(r"fsk-[\w-]{43}", secret)
        wait_for(lambda: served.get("/metrics").status_code == 401, 5)
        headers = {"Authorization": f"Bearer {secret}"}
        assert served.get("/metrics", headers=headers).status_code == 200
        (key,) = json.loads(run("keys", "list", "--json", "--index", index).stdout)
        assert (key["name"], key["hint"], key["revoked_at"]) == ("laptop", secret[-4:], None)
        assert run("keys", "revoke", key["id"], "--index", index).exit_code == 0
        wait_for(lambda: served.get("/metrics", headers=headers).status_code == 401, 5)
        assert served.end() == 0
    assert secret not in "".join(served.lines)
    assert "REVOKED" in run("keys", "list", "--index", index).stdout


def test_keys_as_json_and_their_errors(tmp_path):
    index = tmp_path / "index"
    made = json.loads(run("keys", "create", "--rate", 5, "--json", "--index", index).stdout)
    assert made["requests_per_minute"] == 5
    assert made["key"].startswith("fsk-")
    done = run("keys", "revoke", "key_x", "--index", index)
    assert (done.exit_code, done.stderr[:7]) == (2, "Error: ")
    assert run("keys", "list", "--index", tmp_path / "none").exit_code == 2


def fails(*args, **more):
    process = fsearch("serve", *args, **more)
    out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err


@pytest.mark.parametrize("workers", [1, 2])
def test_a_host_that_others_can_reach_needs_a_key(tmp_path, workers):
    code, err = fails(
        *("--index", tmp_path / "index", "--host", "0.0.0.0", "--port", 0, "--workers", workers)
    )
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("Error: host '0.0.0.0' can be reached from other machines")


def test_the_key_of_the_settings_opens_a_public_host(tmp_path):
    settings = os.environ | {"FSEARCH_API_KEY": "my-own"}
    with serving(tmp_path / "index", "--host", "0.0.0.0", env=settings) as served:
        assert 'api_key="YOUR_KEY"' in served.banner
        assert served.get("/metrics").status_code == 401
        own = {"Authorization": "Bearer my-own"}
        assert served.get("/metrics", headers=own).status_code == 200
        assert served.end() == 0
    assert "my-own" not in "".join(served.lines)


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, err = fails("--index", tmp_path / "index", "--port", taken.getsockname()[1])
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot be served" in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--host", "nobody.invalid"], "cannot be served"),
        (["--cors-origin", "localhost"], "origin 'localhost' is none"),
        (["--cors-origin", "*"], "every web page could read"),
        (["--db", "nosuch://x"], "database URL"),
        (["--port", "70000"], "70000"),
    ],
)
def test_what_cannot_be_served_is_said(tmp_path, args, says):
    code, err = fails("--index", tmp_path / "index", "--port", 0, *args)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A server of two workers that asks for a key; each has a rate of its own."""
    index = tmp_path_factory.mktemp("pair") / "index"
    made = {}
    for name, rate in (("fast", 1_000_000), ("slow", 4)):
        done = run("keys", "create", name, "--rate", rate, "--index", index)
        made[name] = {"Authorization": f"Bearer {done.stdout.strip()}"}
    with serving(index, "--workers", 2) as served:
        served.fast, served.slow = made["fast"], made["slow"]
        yield served


def count_of(served, route):
    text = served.get("/metrics", headers=served.fast).text
    found = re.findall(
        rf'^filesearch_request_seconds_count{{.*route="{route}".*}} (\S+)', text, re.MULTILINE
    )
    return sum(map(float, found))


def test_workers_share_the_rate_of_a_key(pair):
    codes = [pair.get("/v1/nothing", headers=pair.slow).status_code for _ in range(10)]
    assert codes.count(404) in (4, 5)  # one may have run into the bucket meanwhile
    assert codes.count(429) == 10 - codes.count(404)


def connections_of(pid, port):
    """How many connections of clients a process holds."""
    established = {
        f"socket:[{fields[9]}]"
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[3] == "01" and int(fields[1].rpartition(":")[2], 16) == port
    }
    held = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(name in established for name in held)


@needs_proc
def test_clients_that_keep_their_connection_are_shared_out_among_workers(pair):
    """A process that gets no core for a while gets fewer clients as well: one try may be uneven."""
    assert any(min(shares_of_clients(pair, 24)) >= 6 for _ in range(3))


def shares_of_clients(pair, count):
    """How many of `count` clients that come at once and stay each worker has."""
    port = int(pair.root.rpartition(":")[2])
    clients = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]
    for client in clients:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert all(client.recv(4096).startswith(b"HTTP/1.1 200") for client in clients)
    counts = [connections_of(pid, port) for pid in workers_of(pair.process)]
    for client in clients:
        client.close()
    assert sum(counts) >= count
    return counts


@needs_proc
def test_whichever_worker_is_asked_counts_for_all_and_a_dead_one_is_replaced(pair):
    before = count_of(pair, "/healthz")
    for _ in range(40):
        assert pair.get("/healthz").status_code == 200
    wait_for(lambda: count_of(pair, "/healthz") == before + 40)
    assert {count_of(pair, "/healthz") for _ in range(10)} == {before + 40}
    first = workers_of(pair.process)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    wait_for(lambda: len(set(workers_of(pair.process)) - {first[0]}) == 2)
    assert any("a worker died and is replaced" in line for line in pair.lines)
    assert count_of(pair, "/healthz") == before + 40  # counts do not die with who counted
    assert pair.end() == 0
    assert workers_of(pair.process) == []


@needs_proc
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    with serving(tmp_path / "index", "--workers", 2) as served:
        pids = workers_of(served.process)
        served.process.kill()
        served.process.wait()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 30)
        port = int(served.root.rpartition(":")[2])
        socket.create_server(("127.0.0.1", port)).close()


def test_the_help_names_every_option_with_its_default():
    text = " ".join(run("serve", "--help").stdout.split())
    for (
        name
    ) in "index host port workers db strict isolate-keys rate allow-host cors-origin".split():
        assert f"--{name} " in text
    for name in "max-upload-mb max-body-mb grace log-format log-level".split():
        assert f"--{name} " in text
    assert "[default: 8000]" in text.replace("[default: 8000;", "[default: 8000]")
