"""Llama server: the adapter against a real one, where a Python with llama-cpp-python is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = os.environ.get("FSEARCH_LLAMA_PYTHON")
SCRIPT = Path(__file__).parents[2] / "scripts" / "prove_llama_server.py"


@pytest.mark.skipif(
    not PYTHON, reason="FSEARCH_LLAMA_PYTHON names no Python with llama-cpp-python[server] and gguf"
)
def test_a_real_server_is_understood():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--python", PYTHON], capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
