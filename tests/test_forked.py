"""Forked: a child process goes on with what its parent had open, and the parent with its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Run in processes of their own, which have no threads but those that they begin.
START = """
import os, signal, sys, threading
from filesearch import FileSearch
from filesearch.plan import QueryPlan
from filesearch.testing import HashingEmbedder

def in_child(deed):
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        signal.alarm(60)  # ends a child that waits for what never comes
        deed()
        sys.exit()
    status = os.waitpid(process, 0)[1]
    assert status == 0, status

def names(results):
    return [(hit.filename, hit.start, hit.score) for hit in results]
"""


@pytest.fixture
def run(tmp_path):
    """Runs code with a folder of its own and further arguments in sys.argv."""

    def run(code, *arguments):
        folder = tmp_path / "index"
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", START + code, str(folder), *map(str, arguments)],
            check=True,
        )

    return run


def test_a_child_finds_what_its_parent_does(run, docs):
    run(
        """
index, docs = sys.argv[1:]
fs = FileSearch(index)
fs.ingest(docs + "/kiln.txt")
with fs._index.merging():
    fs.ingest(docs + "/mugs.md")  # another segment, searched by another thread
plan = QueryPlan("hot", ("How hot is the kiln?", "May a mug go back?"))
found = names(fs.search(plan))

def search():
    assert names(fs.search(plan)) == found
    fs.close()
    assert names(fs.search(plan)) == found

in_child(search)
assert names(fs.search(plan)) == found
""",
        docs,
    )


def test_a_child_writes_what_its_parent_reads(run, docs, url):
    run(
        """
index, docs, db = sys.argv[1:]
fs = FileSearch(index, embedder=HashingEmbedder(), db=db)
fs.ingest(docs + "/kiln.txt")
fs.search("kiln")
threads = fs.threads

def write():
    assert len(fs.ingest(docs + "/mugs.md").added) == 1
    assert fs.search("mug")[0].filename == "mugs.md"
    threads.create()

in_child(write)
assert fs.search("mug")[0].filename == "mugs.md"
assert len(threads.list()) == 1
threads.create()
assert fs.verify().damages == ()
""",
        docs,
        url,
    )


def test_a_child_waits_for_no_search_of_its_parents_threads(run, docs):
    run(
        """
index, docs = sys.argv[1:]
# Pipes: a lock of the test's own, held by another thread at the fork, would never be free again.
(begun, begins), (may_go_on, goes_on) = os.pipe(), os.pipe()
must_wait = False

class Waiting(HashingEmbedder):
    def embed_question(self, text):
        os.write(begins, b".")
        if must_wait:
            os.read(may_go_on, 1)
        return super().embed_question(text)

fs = FileSearch(index, embedder=Waiting())
fs.ingest(docs)
for _ in range(3):  # what is made once is made, or the other threads might be amid it
    fs.search("mug")
    os.read(begun, 1)
must_wait = True
searches = [threading.Thread(target=fs.search, args=("mug",)) for _ in range(2)]
for search in searches:
    search.start()
    os.read(begun, 1)  # both have their turn: a third would wait for one

def search():
    global must_wait
    must_wait = False
    assert fs.search("kiln")[0].filename == "kiln.txt"

in_child(search)
os.write(goes_on, b"..")
for search in searches:
    search.join()
""",
        docs,
    )


def test_a_child_opens_a_model_that_runs_on_several_threads_anew(run):
    """At its end it would wait for threads of the session that are its parent's."""
    run(
        """
from filesearch.embed.onnx import OnnxEmbedder

embedder = OnnxEmbedder(threads=2)
before = embedder._wide_session
in_child(lambda: embedder._wide_session.get_inputs())
assert embedder._wide_session is before
"""
    )


def test_vectors_are_written_in_a_child_of_a_process_that_wrote_some(run):
    """FAISS shares them out to threads of OpenMP, which the child has not."""
    run(
        """
from pathlib import Path
import faiss, numpy
from filesearch.faiss_threads import use_all_cores
from filesearch.index.float16_file import write_float16

folder = Path(sys.argv[1])
folder.mkdir()
faiss.omp_set_num_threads(2)  # also where there is one core

def write():
    block = numpy.ones((5000, 64), numpy.float32)
    write_float16(folder, [block], count=len(block), dimension=64)

def write_in_any_thread():
    use_all_cores()
    write()
    other = threading.Thread(target=write)
    other.start()
    other.join()

write()
in_child(write_in_any_thread)
write()
"""
    )
