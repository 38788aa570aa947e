"""Priority: what embeds files in the background steps back behind searches, with its threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from filesearch import FileSearch
from filesearch.priority import step_back
from filesearch.testing import HashingEmbedder

from .support_stores import fill, upload

QUESTION = "Is there a mug?"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have none of their own")


def priority():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(30)
    return found[0]


def test_a_thread_that_steps_back_takes_along_what_it_starts_and_nobody_else():
    before = priority()

    def work():
        step_back()
        of_child = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"],
            capture_output=True,
            text=True,
            check=True,
        )
        return priority(), in_thread(priority), int(of_child.stdout)

    assert in_thread(work) == (before + 10,) * 3
    assert priority() == before


def test_the_lowest_priority_stays():
    def work():
        for _ in range(3):
            step_back()
        return priority()

    assert in_thread(work) == 19


class Noted(HashingEmbedder):
    """Notes the priority of the threads that embed windows, and of those that embed questions."""

    def __init__(self):
        super().__init__()
        self.of_windows, self.of_questions = set(), set()

    def embed_windows(self, texts):
        self.of_windows.add(priority())
        return super().embed_windows(texts)

    def embed_query(self, text):
        if text == QUESTION:
            self.of_questions.add(priority())
        return super().embed_query(text)


def test_files_that_are_read_in_the_background_leave_the_processor_to_searches(tmp_path):
    noted = Noted()
    with FileSearch(tmp_path / "index", embedder=noted) as fs:
        fs.open(create=True)
        store = fs.stores.create(name="mugs").id
        fill(fs, store, upload(fs, "mug.txt", "A mug."))
        assert fs.stores.search([store], [QUESTION], top_k=3).results
    assert noted.of_windows == {priority() + 10}
    assert noted.of_questions == {priority()}


def test_an_ingest_that_somebody_waits_for_keeps_its_priority(tmp_path):
    (tmp_path / "mug.txt").write_text("A mug.")
    noted = Noted()
    with FileSearch(tmp_path / "index", embedder=noted) as fs:
        fs.ingest(tmp_path / "mug.txt")
    assert noted.of_windows == {priority()}
