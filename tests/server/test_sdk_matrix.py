"""SDK matrix: every method of OpenAI's SDKs of 2024 to today works, and the README says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environments
import matrix
import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "tests" / "sdk" / "scripted_server.py"


@pytest.fixture(scope="module")
def scripted_url(tmp_path_factory):
    """The base URL of a server process with a scripted model; all it answered fits the schema."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FSEARCH_")}
    process = subprocess.Popen(
        [sys.executable, SERVER, "--index", tmp_path_factory.mktemp("sdk") / "index", "--judge"],
        stdout=subprocess.PIPE,
        text=True,
        env={**environ, "PYTHONPATH": str(ROOT)},
    )
    yield process.stdout.readline().strip()
    process.terminate()
    violations = process.communicate(timeout=30)[0].splitlines()
    assert process.returncode == 0
    assert violations == []


@pytest.mark.timeout(600)  # the first time, the environment has to be made
@pytest.mark.parametrize("sdk", environments.SDKS, ids=lambda sdk: sdk.name)
def test_every_method_of_the_sdk_works_as_recorded(scripted_url, sdk):
    try:
        sdk.install()
    except environments.Unavailable as error:
        pytest.skip(f"{sdk.name} cannot be installed here: {error}")
    outcomes = sdk.drive(scripted_url)["methods"]
    assert {m: o for m, o in outcomes.items() if o.startswith("failed")} == {}
    assert outcomes == matrix.load_record()[sdk.name], "run scripts/sdk_matrix.py --record"


def test_the_table_of_the_readme_is_the_recorded_one():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert matrix.replace_table(text, matrix.render(matrix.load_record())) == text


def test_every_sdk_is_recorded():
    assert set(matrix.load_record()) == {sdk.name for sdk in environments.SDKS}
