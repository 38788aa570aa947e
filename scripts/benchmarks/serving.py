"""Serving: a server as a process of its own, from its start until it answers to its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchError

_START_S = 120.0
_END_S = 30.0


@contextmanager
def served(
    command: Callable[[int], Sequence[str | Path]], ready_path: str, variables: Mapping[str, str]
) -> Iterator[str]:
    """Run a server; yields its URL without a path once it answers.

    Args:
        command: Port -> words that start it.
        ready_path: Answers 200 when it can work.
        variables: Its environment.

    Raises:
        BenchError: It ended, or did not answer in time.
    """
    port = _free_port()
    words = [str(part) for part in command(port)]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile("w+") as said:
        # A session of its own, so that its end takes along what it started.
        process = subprocess.Popen(
            words, stdout=said, stderr=said, env=dict(variables), start_new_session=True
        )
        try:
            until = time.monotonic() + _START_S
            while not _answers(url + ready_path):
                if process.poll() is not None or time.monotonic() > until:
                    said.seek(0)
                    raise BenchError(f"'{' '.join(words)[:200]}' does not serve: {said.read()}")
                time.sleep(0.1)
            yield url
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def get_json(url: str) -> Any:
    """Return what a server answers to GET.

    Raises:
        BenchError: It answers with an error.
    """
    try:
        with urllib.request.urlopen(url, timeout=_END_S) as answer:  # noqa: S310 - our own URL
            return json.load(answer)
    except OSError as error:
        raise BenchError(f"GET {url} failed: {error}") from error


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)
    except OSError:  # not yet
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
