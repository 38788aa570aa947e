from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import LoadOptions, load
from filesearch.load.media_types import CSV, JSON, JSONL, MODULES, TSV
from filesearch.load.process import isolation
from filesearch.load.process.isolation import IN_PROCESS_BYTES, Loader, is_plain
from filesearch.load.process.worker import write_frame

MakePdf = Callable[..., bytes]


@pytest.fixture
def loader() -> Iterator[Loader]:
    with Loader() as loader:
        yield loader


@pytest.fixture
def slow_pdf(make_pdf: MakePdf) -> bytes:
    """Seconds of work for the parser in a few kilobytes."""
    return make_pdf([["x"]] * 40, content=lambda _: b"BT /F1 9 Tf (a) Tj ET\n" * 40_000)


def worker_pid(loader: Loader) -> int:
    assert loader._worker is not None
    return loader._worker.pid


def test_a_worker_gives_the_same_document(loader: Loader, make_pdf: MakePdf) -> None:
    data = make_pdf([["First."], [], ["Third."]], title="A report")
    assert loader.load(data, "a.pdf") == load(data, "a.pdf")


def test_the_worker_serves_file_after_file(loader: Loader, make_pdf: MakePdf) -> None:
    loader.load(make_pdf([["One."]]), "a.pdf")
    pid = worker_pid(loader)
    assert loader.load(b"<p>Two.", "b.html").text == "Two."
    assert worker_pid(loader) == pid


def test_the_size_of_this_process_is_not_counted_as_the_workers(
    loader: Loader, make_pdf: MakePdf
) -> None:
    ballast = b"x" * (600 << 20)
    loader.load(make_pdf([["One."]]), "a.pdf")
    assert len(ballast) > loader.peak_bytes > 0
    assert worker_pid(loader)


def test_plain_text_starts_no_worker(loader: Loader) -> None:
    assert loader.load(b"Words.", "a.txt").text == "Words."
    assert loader.load(b"a,b\n1,2\n", "a.csv").media_type == "text/csv"
    assert loader.load(b'{"a": 1}', "a.json").text == "a: 1"
    assert loader._worker is None


def test_plain_text_over_the_bound_goes_to_the_worker(loader: Loader) -> None:
    loader.load(b"Words. " * (IN_PROCESS_BYTES // 7 + 1), "a.txt")
    assert loader._worker is not None


def test_what_has_a_parser_of_its_own_goes_to_the_worker_whatever_its_type_is_called() -> None:
    for media_type in set(MODULES) - {CSV, TSV, JSON, JSONL}:
        assert not is_plain(media_type)


@pytest.mark.parametrize("extension", [".txt", ".md", ".rst", ".tex", ".py", ".csv", ".jsonl"])
@pytest.mark.parametrize(
    "pattern",
    [b"a", b"\n", b"# a\n", b"a\n-\n", b"a:\n", b"[", b'"', b"<!--", b"\xe9 ", b"---\na: b\n",
     "\u0301".encode(), b"\\section{", b"\x00a", b"```\n", b"1.5,"],
)  # fmt: skip
def test_plain_text_takes_time_in_proportion(extension: str, pattern: bytes) -> None:
    """Nothing there may hang: at a sixteenth of the bound, the worst takes 0.2 s."""
    size = IN_PROCESS_BYTES // 16
    start = time.process_time()
    with contextlib.suppress(InvalidFile, UnsupportedFile):
        load((pattern * size)[:size], "a" + extension)
    assert time.process_time() - start < 3


def test_errors_of_the_worker_come_back_as_they_are(loader: Loader, make_pdf: MakePdf) -> None:
    with pytest.raises(InvalidFile, match="nothing on its 1 pages"):
        loader.load(make_pdf([[]]), "a.pdf")
    with pytest.raises(UnsupportedFile, match="holds binary data"):
        loader.load(b"<html>" + bytes(range(1, 9)) * 500, "a.html")


def test_a_file_over_the_time_fails_and_the_next_one_loads(
    make_pdf: MakePdf, slow_pdf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_START_SECONDS", 60)
    with Loader(timeout_s=0.4) as loader:
        loader.load(make_pdf([["warm"]]), "warm.pdf")
        with pytest.raises(InvalidFile, match=r"'slow\.pdf' took over 0\.4 s to read"):
            loader.load(slow_pdf, "slow.pdf")
        assert loader.load(b"<p>next", "b.html").text == "next"


def test_a_page_over_its_time_is_left_out_and_the_others_are_read(make_pdf: MakePdf) -> None:
    def content(lines: Sequence[str]) -> bytes:
        if lines != ["slow"]:
            return b"BT /F1 9 Tf (%s) Tj ET" % lines[0].encode()
        place = b"BT /F1 9 Tf 1 0 0 1 %d %d Tm (w%d) Tj ET\n"
        return b"".join(place % (i * 37 % 600, i * 11 % 790, i) for i in range(200_000))

    data = make_pdf([["first"], ["slow"], ["third"]], content=content)
    with Loader(options=LoadOptions(page_timeout_s=2)) as loader:
        document = loader.load(data, "a.pdf")
        assert [(s.kind, s.number) for s in document.spans] == [("page", 1), ("page", 3)]
        assert document.warnings == ("1 of 3 pages took too long and were left out: 2",)
        assert loader.load(make_pdf([["next"]]), "b.pdf").text == "next"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_a_file_over_the_memory_fails_and_the_next_one_loads(make_pdf: MakePdf) -> None:
    data = make_pdf([["x"]], content=lambda _: b"BT /F1 9 Tf (a) Tj ET\n" * 900_000)
    with Loader(memory_bytes=64 << 20) as loader:
        with pytest.raises(InvalidFile, match=r"out of memory \(64 MiB\)"):
            loader.load(data, "big.pdf")
        assert loader.load(b"<p>next", "b.html").text == "next"


def test_a_crash_is_named_and_the_next_file_loads(
    loader: Loader, make_pdf: MakePdf, slow_pdf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader.load(make_pdf([["warm"]]), "warm.pdf")
    pid = worker_pid(loader)

    def send_and_kill(stream: IO[bytes], body: bytes) -> None:
        write_frame(stream, body)
        os.kill(pid, signal.SIGSEGV)

    with monkeypatch.context() as patched:
        patched.setattr(isolation, "write_frame", send_and_kill)
        with pytest.raises(InvalidFile, match=r"crashed its parser \(signal 11\)"):
            loader.load(slow_pdf, "slow.pdf")
    assert loader.load(b"<p>next", "b.html").text == "next"


def test_a_worker_that_died_between_files_is_replaced(loader: Loader) -> None:
    loader.load(b"<p>one", "a.html")
    os.kill(worker_pid(loader), signal.SIGKILL)
    assert loader._worker is not None
    loader._worker.wait(30)
    assert loader.load(b"<p>two", "a.html").text == "two"


def test_the_worker_ignores_an_interrupt_and_has_no_terminal(loader: Loader) -> None:
    loader.load(b"<p>one", "a.html")
    pid = worker_pid(loader)
    os.kill(pid, signal.SIGINT)
    assert loader.load(b"<p>two", "a.html").text == "two"
    assert worker_pid(loader) == pid
    assert os.getsid(pid) == pid


def test_the_worker_does_not_import_from_the_current_directory(
    loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lxml.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    assert loader.load(b"<p>one", "a.html").text == "one"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_worker_dies_with_its_parent() -> None:
    code = (
        "from filesearch.load.process.isolation import Loader; import time; loader = Loader(); "
        "loader.load(b'<p>x', 'a.html'); print(loader._worker.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
