"""Lock: one writer at a time, also when the other one is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from filesearch.errors import IndexBusy
from filesearch.lock import writer_lock

HOLD = """
import sys, pathlib
from filesearch.lock import writer_lock
with writer_lock(pathlib.Path(sys.argv[1]), timeout_s=30):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other_writer(tmp_path):
    """A process that holds the lock of tmp_path/index until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "index")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_after_the_timeout_and_told_who_writes(tmp_path, other_writer):
    started = time.monotonic()
    with (
        pytest.raises(IndexBusy, match=rf"process {other_writer.pid} .*'.*index' after 0.2 s"),
        writer_lock(tmp_path / "index", timeout_s=0.2),
    ):
        pass
    assert time.monotonic() - started >= 0.2
    assert IndexBusy.exit_code == 3


def test_a_timeout_of_zero_does_not_wait(tmp_path, other_writer):
    waits = []
    with (
        pytest.raises(IndexBusy),
        writer_lock(tmp_path / "index", timeout_s=0, on_wait=waits.append),
    ):
        pass
    assert waits == []


def test_a_second_writer_says_once_for_whom_it_waits_and_gets_in(tmp_path, other_writer):
    waits = []

    def note(sentence):
        waits.append(sentence)
        other_writer.stdin.write("\n")  # now the first one ends
        other_writer.stdin.flush()

    with writer_lock(tmp_path / "index", timeout_s=30, on_wait=note):
        assert (tmp_path / "index" / "writer.pid").read_text() == str(os.getpid())
    assert len(waits) == 1
    assert waits[0].startswith(f"process {other_writer.pid} is writing to ")


def test_a_killed_writer_leaves_no_lock(tmp_path, other_writer):
    other_writer.kill()
    other_writer.wait()
    waits = []
    with writer_lock(tmp_path / "index", timeout_s=30, on_wait=waits.append):
        pass
    assert waits == []


def test_an_error_inside_lets_the_lock_go(tmp_path):
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path, timeout_s=0):
        raise ZeroDivisionError
    with writer_lock(tmp_path, timeout_s=0):
        pass
    assert not (tmp_path / "writer.pid").exists()


def test_two_threads_write_one_after_the_other(tmp_path):
    inside, most = [], []

    def write():
        with writer_lock(tmp_path, timeout_s=30):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_searching_and_merging_need_no_writer_lock_and_ingesting_does(
    make_fs, docs, tmp_path, request
):
    make_fs().ingest(docs)
    request.getfixturevalue("other_writer")
    fs = make_fs(lock_timeout_s=0.1)
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"
    assert fs.verify().damages == ()
    assert fs.compact() == 0
    for write in (lambda: fs.ingest(docs), lambda: fs.remove(["*"]), fs.rebuild):
        with pytest.raises(IndexBusy):
            write()
    assert len(fs.files()) == 3
