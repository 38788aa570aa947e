"""Processes: killed, interrupted and simultaneous ones, as they happen on a real machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from filesearch.lock import writer_lock

# Ingests with one commit every few files, so that a kill may fall between any two of them.
INGEST = """
import sys, pathlib
import filesearch.ingest as ingest
from filesearch import FileSearch
from filesearch.testing import HashingEmbedder
ingest.EMBED_WINDOWS = ingest.COMMIT_WINDOWS = 4
def show(progress):
    print(progress.files_done, flush=True)
with FileSearch(sys.argv[1], embedder=HashingEmbedder()) as fs:
    fs.ingest(sys.argv[2], on_progress=show)
"""
# The same, which says when it has committed and goes on with a line of its input.
INGEST_IN_STEPS = """
import sys
from filesearch.writer import IndexWriter
commit = IndexWriter.commit
def commit_and_wait(self):
    commit(self)
    print(flush=True)
    sys.stdin.readline()
IndexWriter.commit = commit_and_wait
""" + INGEST.replace("print(progress.files_done, flush=True)", "pass")
SEMANTIC = {"hybrid_search": {"embedding_weight": 1, "text_weight": 0}}
N_NOTES = 40
WAIT_S = 120


@pytest.fixture
def notes(tmp_path):
    """A folder of many small files, each about a subject of its own."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(N_NOTES):
        (folder / f"{number:03}.md").write_text(f"# Note\n\nIt is about subject{number}.\n")
    return folder


def start_ingest(index, folder):
    return subprocess.Popen(
        [sys.executable, "-c", INGEST, str(index), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_for(process, files):
    """Read the progress until so many files are done."""
    while (line := process.stdout.readline()) and int(line) < files:
        pass


def assert_holds_every_note_once(fs):
    assert sorted(record.filename for record in fs.files()) == [
        f"{number:03}.md" for number in range(N_NOTES)
    ]
    found = fs.verify()
    assert (found.files, found.chunks, found.damages) == (N_NOTES, N_NOTES, ())
    for number in range(0, N_NOTES, 7):
        hits = [hit for hit in fs.search(f"subject{number}") if f"ct{number}." in hit.text]
        assert [hit.filename for hit in hits] == [f"{number:03}.md"]


def test_killed_ingests_lose_and_double_nothing(make_fs, notes, tmp_path):
    for files in (1, 13, 25):
        process = start_ingest(tmp_path / "index", notes)
        wait_for(process, files)
        time.sleep(0.003 * files)  # not always right after a report
        process.kill()
        process.communicate()
        with make_fs() as fs:
            assert fs.verify().damages == ()  # whatever was committed holds
    fs = make_fs()
    fs.ingest(notes)
    assert_holds_every_note_once(fs)
    assert fs.verify().orphans == 0


def test_killed_while_replacing_files_old_or_new_is_there_but_not_both(make_fs, notes, tmp_path):
    make_fs().ingest(notes)
    for path in notes.iterdir():
        path.write_text(path.read_text().replace("about", "on"))
    process = start_ingest(tmp_path / "index", notes)
    wait_for(process, 20)
    process.kill()
    process.communicate()
    fs = make_fs()
    assert len(fs.files()) == fs.verify().files == N_NOTES
    fs.ingest(notes)
    assert_holds_every_note_once(fs)


def test_a_reader_sees_what_another_process_commits(make_fs, notes, tmp_path):
    make_fs().ingest(notes / "000.md")
    reader = make_fs()
    assert len(reader.search("note", top_k=100, ranking_options=SEMANTIC)) == 1
    counts = []
    with subprocess.Popen(
        [sys.executable, "-c", INGEST_IN_STEPS, str(tmp_path / "index"), str(notes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for _committed in process.stdout:
            counts.append(len(reader.search("note", top_k=100, ranking_options=SEMANTIC)))
            process.stdin.write("\n")
            process.stdin.flush()
    assert process.returncode == 0
    assert all(a <= b for a, b in pairwise(counts))
    assert counts[-1] == N_NOTES
    assert len(set(counts)) > 2  # seen growing, not only at its end


@contextlib.contextmanager
def fsearch(*args, **more):
    """Run the real command, in a process group as a shell does; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "filesearch", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **more,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_ends_an_ingest_with_one_line_and_an_index_in_order(tmp_path):
    folder, index = tmp_path / "many", tmp_path / "own"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.txt").write_text(f"Subject {number} is one of many. " * 60)
    with fsearch("ingest", folder, "--index", index) as process:
        deadline = time.monotonic() + WAIT_S
        while not list(index.glob("blobs/??/*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.3)  # any moment will do
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (130, "")
    assert err == "Error: interrupted; what was finished is kept\n"
    with fsearch("verify", "--index", index) as check:
        out, err = check.communicate(timeout=WAIT_S)
    assert (check.returncode, err) == (0, ""), out + err


def test_a_pipe_that_closes_early_is_no_error(make_fs, tmp_path):
    """As in `fsearch files | head -1`."""
    folder = tmp_path / "f"
    folder.mkdir()
    for number in range(900):
        (folder / f"a-rather-long-name-to-fill-the-pipe-{number}.bin").write_bytes(b"\x00\x01")
    make_fs().ingest(folder)
    with fsearch("files", "--index", tmp_path / "index") as process:
        assert process.stdout.readline().startswith("file-")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=WAIT_S) == 0


def test_a_second_ingest_says_for_whom_it_waits_and_then_gets_in(docs, tmp_path):
    with contextlib.ExitStack() as stack:
        with writer_lock(tmp_path / "index", timeout_s=0):
            ingest = fsearch("ingest", docs, "--index", tmp_path / "index")
            process = stack.enter_context(ingest)
            assert process.stderr.readline().startswith(f"process {os.getpid()} is writing to ")
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out[:8], err) == (0, "3 added;", "")


def test_a_busy_index_is_exit_code_3(docs, tmp_path):
    settings = os.environ | {"FSEARCH_LOCK_TIMEOUT_S": "0.1"}
    with (
        writer_lock(tmp_path / "index", timeout_s=0),
        fsearch("ingest", docs, "--index", tmp_path / "index", env=settings) as process,
    ):
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (3, "")
    assert err.startswith(f"Error: process {os.getpid()} is still writing to index ")
    assert err.count("\n") == 1


def run_into(output, *args, errors=subprocess.PIPE):
    """Run the real command to its end, with its standard output, or its errors too, to a file."""
    command = [sys.executable, "-m", "filesearch", *map(str, args)]
    return subprocess.run(command, stdout=output, stderr=errors, check=False, text=True)


@pytest.fixture
def unread():
    """The end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("command", ["files", "files --json", "ask kiln --stream", "--help"])
def test_a_reader_that_has_left_is_no_error(docs, tmp_path, unread, command):
    index = ["--index", tmp_path / "index"]
    assert run_into(subprocess.DEVNULL, "ingest", docs, *index).returncode == 0
    done = run_into(unread, *command.split(), *([] if command == "--help" else index))
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_that_nobody_reads_is_one_even_so(tmp_path, unread):
    missing = ["files", "--index", tmp_path / "none"]
    assert run_into(unread, *missing, errors=unread).returncode == 2
    assert run_into(unread, "nonsense", errors=unread).returncode != 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", ["files", "files --json", "--help"])
def test_output_that_cannot_be_written_is_an_error(make_fs, docs, tmp_path, command):
    make_fs().ingest(docs)
    index = [] if command == "--help" else ["--index", tmp_path / "index"]
    with Path("/dev/full").open("w") as full:
        done = run_into(full, *command.split(), *index)
    says = "Error: the output could not be written: [Errno 28] No space left on device\n"
    assert (done.returncode, done.stderr) == (1, says)


def test_output_arrives_whole_and_the_exit_code_with_it(make_fs, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(600):
        (folder / f"a-rather-long-name-to-fill-the-pipe-{number}.bin").write_bytes(b"\x00\x01")
    command = [sys.executable, "-m", "filesearch", "ingest", str(folder), "--json"]
    command += ["--index", str(tmp_path / "index")]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    assert len(done.stdout) > 100_000
    assert len(json.loads(done.stdout)["outcomes"]) == 600


def test_an_index_that_is_there_is_opened_while_another_process_writes(make_fs, docs, tmp_path):
    make_fs().ingest(docs)
    with writer_lock(tmp_path / "index", timeout_s=0):
        make_fs(lock_timeout_s=0).open(create=True)
