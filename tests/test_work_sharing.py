"""Work sharing: other threads help, and where there are none the caller does it all."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from filesearch import FileSearch
from filesearch.testing import HashingEmbedder
from filesearch.work_sharing import share_out, submit

# Prints how many passages are found: for a question in a thread that the main one does not wait
# for, for a question that is split, and for one while the interpreter ends.
OUTLIVES = """
import atexit, sys, threading, time
from filesearch import FileSearch
from filesearch.testing import HashingEmbedder

fs = FileSearch(sys.argv[1], embedder=HashingEmbedder())

def ask(question):
    print(len(fs.search(question)), flush=True)

def work():
    threading.main_thread().join()
    ask("How long is a voucher valid?")
    ask("How long is a voucher valid, and how hot may a mug be washed?")

threading.Thread(target=work).start()
atexit.register(ask, "What may be washed?")
"""


def test_all_items_are_done_once_by_several_threads():
    done = []

    share_out(done.append, range(100), threads=4)

    assert sorted(done) == list(range(100))


def test_the_first_error_is_raised():
    with pytest.raises(ZeroDivisionError):
        share_out(lambda item: 1 // item, [0, 1, 2], threads=2)


def test_an_executor_that_takes_nothing_leaves_the_work_to_who_asks():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    assert submit(executor, int, "77", base=8).result() == 63
    with pytest.raises(ValueError, match="invalid literal"):
        submit(executor, int, "kiln").result()


@pytest.mark.timeout(120)
def test_searches_go_on_after_the_main_thread_has_ended(tmp_path):
    (tmp_path / "care.md").write_text("A voucher is valid for 36 months. Mugs wash at 60 degrees.")
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        fs.ingest(tmp_path / "care.md")

    command = [sys.executable, "-c", OUTLIVES, tmp_path / "index"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)

    assert done.stderr == ""
    assert done.stdout.split() == ["1", "1", "1"]
