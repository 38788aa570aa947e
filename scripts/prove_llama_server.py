r"""Prove: the chat model adapter against a real OpenAI-compatible server, llama-cpp-python's.

    python -m venv llama && CMAKE_BUILD_PARALLEL_LEVEL=1 llama/bin/pip install \
        "llama-cpp-python[server]" gguf                     (builds for ten minutes or more)
    FSEARCH_LLAMA_PYTHON=llama/bin/python python scripts/prove_llama_server.py

Writes a llama of two small layers with random weights (its words mean nothing), serves it on the
loopback interface, and asks it through OpenAIChatModel, and through `fsearch serve`. Prints what
came of each check; exits 1 when one failed. The server is ended whatever happens.

With llama-cpp-python 0.3.36 and openai 3.57 on two busy cores, 2026-11-25:

    complete     tile glaze cone glaze brush wheel tile c... Usage(prompt_tokens=72, ...)
    stream       13 pieces, Usage(prompt_tokens=19, completion_tokens=15, is_counted=True)
    tools        length, calls_tools True
    cancel       1501 pieces take 4.7 s; the next reply after closing 0.0 s
    too_long     This model's maximum context length is 4096 tokens. However, you requested ...
    refusal      answers 500: 1 validation error: {'type': 'literal_error', 'loc': ('body', ...
    relay        the same bytes but for ids: 303 whole, 2549 streamed

That server streams no usage, and nothing at all when the messages are too long: the adapter counts
the one, and asks for the whole reply to learn the other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filesearch.chat.openai import OpenAIChatModel
    from filesearch.messages import ChatRequest

CONTEXT_TOKENS = 4096
WORDS = (
    "clay kiln mug glaze wheel studio handle slip fire bowl cup plate heat shelf cone bisque "
    "wax brush stamp foot rim lip body neck lid spout jar vase tile sieve rack apron"
).split()
TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
)
START_S = 60


def write_model(path: Path) -> None:
    """Write the model; needs the gguf package."""
    import gguf
    import numpy as np

    width, inner, layers, heads = 64, 128, 2, 4
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256
    first_word = len(tokens)
    tokens += [f"\u2581{word}" for word in WORDS]
    kinds += [gguf.TokenType.NORMAL] * len(WORDS)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("random")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    rng = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        weights = rng.standard_normal(shape, dtype=np.float32) / np.sqrt(shape[-1])
        if name == "output":
            weights[:first_word] = 0  # words always win over bytes and the end of the text
        writer.add_tensor(f"{name}.weight", weights.astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    add("token_embd", len(tokens), width)
    for layer in range(layers):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{part}", width, width)
        add(f"blk.{layer}.ffn_gate", inner, width)
        add(f"blk.{layer}.ffn_up", inner, width)
        add(f"blk.{layer}.ffn_down", width, inner)
        add_norm(f"blk.{layer}.attn_norm")
        add_norm(f"blk.{layer}.ffn_norm")
    add_norm("output_norm")
    add("output", len(tokens), width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextlib.contextmanager
def serve(python: str, folder: Path) -> Iterator[str]:
    """Give the base URL of a server of the model in a folder, until the block is left."""
    model = folder / "random.gguf"
    write = [python, str(Path(__file__).resolve()), "--write-model", str(model)]
    subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [python, "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--n_ctx", str(CONTEXT_TOKENS), "--n_threads", "1"]
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        until = time.monotonic() + START_S
        while not _is_up(url):
            if server.poll() is not None or time.monotonic() > until:
                sys.exit(f"the server does not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=1):  # noqa: S310 - http
            return True
    except (urllib.error.URLError, OSError):
        return False


def request(text: str, **others: object) -> ChatRequest:
    """Return a request of one question after one instruction."""
    from filesearch.messages import ChatRequest, Message

    messages = (Message("system", "Be brief."), Message("user", text))
    return ChatRequest(messages, temperature=0.0, **others)  # type: ignore[arg-type]


def check_complete(model: OpenAIChatModel) -> str:
    """A whole reply, cut by the limit, with the server's own usage."""
    reply = model.complete(request("How hot is the kiln?", max_completion_tokens=12))
    assert reply.finish_reason == "length", reply
    assert set(reply.message.content.split()) <= set(WORDS), reply
    assert reply.usage.completion_tokens in (12, 13), reply.usage
    assert not reply.usage.is_counted
    return f"{reply.message.content.strip()[:40]}... {reply.usage}"


def check_stream(model: OpenAIChatModel) -> str:
    """The same reply in pieces, with a usage."""
    from filesearch.chat.reading import join_deltas

    asked = request("How hot is the kiln?", max_completion_tokens=12)
    deltas = list(model.stream(asked))
    reply = join_deltas(deltas)
    assert reply.message == model.complete(asked).message
    assert reply.finish_reason == "length"
    assert reply.usage.total_tokens > 0
    return f"{len(deltas)} pieces, {reply.usage}"


def check_tools(model: OpenAIChatModel) -> str:
    """Tools and their results are taken by the server, which knows nothing to do with them."""
    from filesearch.messages import Message, ToolCall, ToolSpec

    asked = request("How hot?", tools=(ToolSpec("file_search"),), max_completion_tokens=4)
    call = ToolCall("c1", "file_search", '{"query": "kiln"}')
    rest = (Message("assistant", "", (call,)), Message("tool", "1280 degrees", tool_call_id="c1"))
    asked = type(asked)((*asked.messages, *rest), tools=asked.tools, max_completion_tokens=4)
    return f"{model.complete(asked).finish_reason}, calls_tools {model.calls_tools}"


def check_cancel(model: OpenAIChatModel) -> str:
    """Closing after the first piece frees the server, which has one place, for the next."""
    long = request("Talk.", max_completion_tokens=1500)
    start = time.monotonic()
    pieces = sum(1 for _ in model.stream(long))
    whole_s = time.monotonic() - start
    stream = model.stream(long)
    next(stream)
    start = time.monotonic()
    stream.close()
    assert list(stream) == []
    model.complete(request("Still there?", max_completion_tokens=1))
    freed_s = time.monotonic() - start
    assert freed_s < whole_s / 2, (freed_s, whole_s)
    return f"{pieces} pieces take {whole_s:.1f} s; the next reply after closing {freed_s:.1f} s"


def check_too_long(model: OpenAIChatModel) -> str:
    """More tokens than it reads are a ContextExceeded, and it answers afterwards."""
    from filesearch.errors import ContextExceeded

    said = []
    for how in (model.complete, lambda asked: list(model.stream(asked))):
        try:
            how(request("kiln " * 2 * CONTEXT_TOKENS))
        except ContextExceeded as error:
            said.append(str(error))
    assert len(said) == 2, said
    assert model.complete(request("Hi", max_completion_tokens=1)).message
    return said[0].partition("error: ")[2][:90]


def check_refusal(model: OpenAIChatModel) -> str:
    """A request that is wrong is a ChatFailed with the server's words."""
    from filesearch.errors import ChatFailed

    try:
        model.complete(request("Hi", response_format={"type": "nonsense"}))
    except ChatFailed as error:
        return str(error).partition("/v1 ")[2][:90]
    raise AssertionError


def check_relay(model: OpenAIChatModel) -> str:
    """`fsearch serve` in front of it gives the bytes that it gives, whole and streamed."""
    asked = {
        "messages": [{"role": "user", "content": "How hot is the kiln?"}],
        "max_tokens": 12,
        "temperature": 0,
    }
    sizes = []
    with in_front_of(model.base_url) as url:
        for stream in (False, True):
            direct = _post(model.base_url, {"model": "random", "stream": stream, **asked})
            through = _post(url, {"model": "gpt-4o", "stream": stream, **asked})
            assert through == direct, (through, direct)
            sizes.append(len(through))
        refused: dict[str, object] = {**asked, "response_format": {"type": "nonsense"}}
        statuses = [
            _status(model.base_url, {"model": "random", **refused}),
            _status(url, {"model": "gpt-4o", **refused}),
        ]
        assert statuses[0] == statuses[1] >= 400, statuses
    return f"the same bytes but for ids: {sizes[0]} whole, {sizes[1]} streamed"


@contextlib.contextmanager
def in_front_of(base_url: str) -> Iterator[str]:
    """Give the base URL of a server of ours that passes gpt-4o on to another, until left."""
    import uvicorn

    from filesearch import FileSearch
    from filesearch.server.app import create_app
    from filesearch.server.context import Server
    from filesearch.testing import HashingEmbedder

    mapped = {"gpt-4o": f"llamacpp:random@{base_url}"}
    with (
        tempfile.TemporaryDirectory() as folder,
        FileSearch(folder, chat_models=mapped, embedder=HashingEmbedder()) as fs,
    ):
        config = uvicorn.Config(create_app(Server(fs)), port=0, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.05)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join()


def _post(base_url: str, fields: dict[str, object]) -> bytes:
    """Return an answer's bytes without what differs from one answer to the next."""
    with urllib.request.urlopen(_request(base_url, fields), timeout=60) as answer:  # noqa: S310
        body: bytes = answer.read()
    return re.sub(rb'"(id|created)": ?("chatcmpl-[^"]*"|\d+)', b'"\\1":0', body)


def _status(base_url: str, fields: dict[str, object]) -> int:
    try:
        with urllib.request.urlopen(_request(base_url, fields), timeout=60) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _request(base_url: str, fields: dict[str, object]) -> urllib.request.Request:
    headers = {"Content-Type": "application/json"}
    body = json.dumps(fields).encode()
    return urllib.request.Request(f"{base_url}/chat/completions", body, headers)  # noqa: S310


CHECKS: tuple[Callable[[OpenAIChatModel], str], ...] = (
    check_complete,
    check_stream,
    check_tools,
    check_cancel,
    check_too_long,
    check_refusal,
    check_relay,
)


def main() -> int:
    """Run all checks; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=os.environ.get("FSEARCH_LLAMA_PYTHON", sys.executable))
    parser.add_argument("--write-model", type=Path, help="only write the model, to this file")
    arguments = parser.parse_args()
    if arguments.write_model:
        write_model(arguments.write_model)
        return 0
    from filesearch.chat.openai import OpenAIChatModel
    from filesearch.chat.presets import PRESETS

    failed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(arguments.python, Path(folder)) as url,
    ):
        for check in CHECKS:
            quirks = PRESETS["llamacpp"].quirks
            model = OpenAIChatModel("random", base_url=url, timeout_s=60, quirks=quirks)
            try:
                result = check(model)
            except Exception as error:  # noqa: BLE001 - each check has its row
                failed += 1
                result = f"FAILED: {error!r}"
            print(f"{check.__name__.removeprefix('check_'):<12} {result}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
