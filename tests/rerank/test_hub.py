"""Rerankers by their name on the Hugging Face hub, with a hub of our own on the loopback interface.

Each case runs in a process of its own, because the hub's client reads where the hub is at import.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

NAME = "pottery/overlap"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CODE = """
import sys, numpy as np
from filesearch.adapters import make_reranker
from filesearch.errors import InvalidSetting
from filesearch.types import RerankRequest
reranker = make_reranker("onnx:" + sys.argv[1])
assert "huggingface_hub" not in sys.modules
try:
    print(reranker.rerank(RerankRequest("kiln", ["the kiln", "mugs"], np.zeros((2, 1)))).tolist())
except InvalidSetting as error:
    print(error)
"""


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, *, with_body):
        folder = self.server.folder
        file = folder / self.path.removeprefix(f"/{NAME}/resolve/main/").split("?")[0]
        status, body = 404, b"{}"
        if self.path.startswith(f"/api/models/{NAME}"):
            names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
            siblings = [{"rfilename": name} for name in sorted(names)]
            status, body = (
                200,
                json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode(),
            )
        elif "/resolve/main/" in self.path and file.is_file():
            status, body = 200, file.read_bytes()
            if with_body:
                self.server.downloaded.append(file.relative_to(folder).as_posix())
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_about):
        """Silence."""


@pytest.fixture
def hub(make_onnx_folder):
    """A hub with one model, exported as most are: the graph in onnx/, beside what is not needed."""
    folder = make_onnx_folder(graph="onnx/model.onnx")
    (folder / "model.safetensors").write_bytes(bytes(100))
    (folder / "onnx" / "model_quantized.onnx").write_bytes(bytes(100))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.daemon_threads, server.block_on_close = True, False
    server.folder, server.downloaded = folder, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def rerank(tmp_path):
    """What a process prints that reranks with a model of the hub at this port."""

    def rerank(port, name=NAME):
        own = {
            "HF_ENDPOINT": f"http://127.0.0.1:{port}",
            "HF_HOME": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [sys.executable, "-c", CODE, name],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **own},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return rerank


def test_a_model_is_downloaded_once_and_then_used_without_the_hub(hub, rerank):
    first = rerank(hub.server_port)
    assert json.loads(first) == pytest.approx([0.5, 0.1192], abs=1e-3)
    assert hub.downloaded[-1] == "onnx/model.onnx"
    assert sorted(hub.downloaded) == [
        "config.json",
        "onnx/model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert rerank(1) == first


def test_without_a_network_the_way_out_is_named(rerank):
    said = rerank(1)
    assert said.startswith(f"reranker '{NAME}' is no folder here, and cannot be downloaded")
    assert said.endswith("download it where there is a network and give its folder: onnx:FOLDER")


def test_a_model_without_an_exported_graph_is_refused(hub, rerank):
    for graph in hub.folder.glob("onnx/*"):
        graph.unlink()
    assert "has no ONNX graph" in rerank(hub.server_port)
    assert hub.downloaded == []


def test_a_model_that_the_hub_does_not_have_is_refused(hub, rerank):
    said = rerank(hub.server_port, "pottery/other")
    assert said.startswith("reranker 'pottery/other' is no folder here, and cannot be downloaded")
