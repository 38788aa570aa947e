"""Examples: they run, with a scripted model and as a program."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from filesearch import FileSearch
from filesearch.testing import HashingEmbedder, ScriptedChatModel

SCRIPT = Path(__file__).parents[1] / "scripts" / "examples" / "six_hats.py"


@pytest.fixture(scope="module")
def six_hats():
    spec = importlib.util.spec_from_file_location("six_hats", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["six_hats"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["six_hats"]


@pytest.fixture
def docs(tmp_path):
    (tmp_path / "studio.txt").write_text("The studio opens on weekdays. Sundays are for firing.")
    return tmp_path


def test_six_hats_take_turns_on_one_thread_and_hear_each_other(six_hats, docs):
    model = ScriptedChatModel([f"Turn {number}." for number in range(12)])
    with FileSearch(docs / "index", embedder=HashingEmbedder(), model=model) as fs:
        fs.ingest(docs / "studio.txt")
        turns = list(six_hats.discuss(fs, "Open on Sundays?", rounds=2))
        [thread] = fs.threads.list()
        assert thread.message_count == 24
    names = [hat.name for hat, _ in turns]
    order = ["white", "red", "black", "yellow", "green"]
    assert names == ["blue", *order, *order, "blue"]
    last = model.requests[-1].messages
    assert "you moderate" in last[0].content
    assert [m.content for m in last if m.role == "assistant"] == [f"Turn {n}." for n in range(11)]
    assert "you name risks" in model.requests[3].messages[0].content


def test_six_hats_run_as_a_program_without_a_model(docs):
    index = docs / "index"
    for command in (
        ["-m", "filesearch", "ingest", docs / "studio.txt", "--index", index],
        [SCRIPT, "When does the studio open?", "--index", index],
    ):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("BLUE: The studio opens on weekdays. [1]")
    assert done.stdout.count("\n\n") == 7
