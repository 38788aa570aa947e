"""Confinement: what a parser tries in the real worker, and what is left of the attempt.

The parser of HTML is replaced by one that runs the file as Python. It gets into the worker by
`sitecustomize`, from outside: the package has no door for it.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filesearch.doctor import examine
from filesearch.errors import InvalidFile
from filesearch.load.process.confinement import Confinement
from filesearch.load.process.isolation import Loader
from filesearch.load.process.scratch import Scratch

HOSTILE = """
from filesearch.types import Document

def parse(data, filename, media_type, options):
    found = {}
    try:
        exec(data.decode(), found)
        text = str(found.get("text", "done"))
    except OSError as error:
        text = type(error).__name__
    return Document(text=text, spans=(), title="", media_type=media_type)
"""
SITE = """
import importlib.util, pathlib, sys

class Finder:
    def find_spec(name, path=None, target=None):
        if name == "filesearch.load.web.html":
            hostile = pathlib.Path(__file__).with_name("hostile.py")
            return importlib.util.spec_from_file_location(name, hostile)

sys.meta_path.insert(0, Finder)
"""
Attempt = Callable[[str], str]


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loader]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    (folder / "hostile.py").write_text(HOSTILE)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    with Loader(timeout_s=20) as loader:
        yield loader


@pytest.fixture
def attempt(loader: Loader) -> Attempt:
    """Runs Python in the worker: what it left in `text`, or the name of the OSError."""
    return lambda code: loader.load(code.encode(), "attempt.html").text


@pytest.fixture
def held(loader: Loader) -> Confinement:
    return loader.confinement()


@pytest.fixture
def no_network(held: Confinement) -> None:
    if not held.network:
        pytest.skip(held.describe())


@pytest.fixture
def no_writes(held: Confinement) -> None:
    if not held.writes:
        pytest.skip(held.describe())


@pytest.mark.usefixtures("no_network")
def test_a_parser_cannot_connect_to_a_server_on_this_machine(attempt: Attempt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert attempt(code) == "PermissionError"
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="has no filter")
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("kind", ["AF_INET6, socket.SOCK_DGRAM", "AF_UNIX, socket.SOCK_STREAM"])
def test_a_parser_gets_no_socket_of_any_kind(attempt: Attempt, kind: str) -> None:
    assert attempt(f"import socket; socket.socket(socket.{kind})") == "PermissionError"


@pytest.mark.usefixtures("no_writes")
@pytest.mark.parametrize(
    "deed",
    [
        "open(target / 'new', 'w')",
        "open(target / 'kept', 'a')",
        "os.open(target / 'kept', os.O_RDONLY | os.O_TRUNC)",
        "os.truncate(target / 'kept', 0)",
        "os.unlink(target / 'kept')",
        "os.rename(target / 'kept', target / 'moved')",
        "os.link(target / 'kept', 'link')",
        "os.mkdir(target / 'folder')",
        "os.symlink('/', target / 'link')",
        "os.mkfifo(target / 'pipe')",
        "os.chmod(target / 'kept', 0o777)",
        "os.utime(target / 'kept', (0, 0))",
        "subprocess.run(['sh', '-c', f'echo x > {target}/kept']).check_returncode()",
    ],
)
def test_a_parser_changes_nothing_outside_its_scratch_folder(
    attempt: Attempt, tmp_path: Path, deed: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").write_text("as it was")
    before = (target / "kept").stat()
    prelude = f"import os, pathlib, subprocess; target = pathlib.Path({str(target)!r})\n"
    try:
        assert attempt(prelude + deed) in ("PermissionError", "OSError")
    except InvalidFile as error:
        assert "CalledProcessError" in str(error)  # noqa: PT017 - the shell says it its way
    after = (target / "kept").stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert (target / "kept").read_text() == "as it was"
    assert [entry.name for entry in target.iterdir()] == ["kept"]


def test_a_parser_writes_and_runs_programs_in_its_scratch_folder(attempt: Attempt) -> None:
    code = (
        "import tempfile, subprocess, pathlib\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    made = pathlib.Path(folder, 'x'); made.write_text('words')\n"
        "    text = subprocess.run(['cat', made], stdout=-1, stderr=-3, check=True).stdout.decode()"
    )
    assert attempt(code) == "words"


def test_relative_names_lie_in_the_scratch_folder(attempt: Attempt) -> None:
    found = attempt("import os, tempfile; text = [os.getcwd(), tempfile.gettempdir()]")
    scratch, temporary = eval(found)
    assert scratch == temporary
    assert Path(scratch).name.startswith("fsearch-scratch-")


def test_what_a_file_leaves_in_the_scratch_folder_is_gone_at_the_next(attempt: Attempt) -> None:
    attempt("import os; open('left', 'w').close(); os.makedirs('a/b')")
    assert attempt("import os; text = os.listdir('.')") == "[]"


def test_the_scratch_folder_goes_with_the_worker(loader: Loader, attempt: Attempt) -> None:
    scratch = Path(attempt("import os; text = os.getcwd()"))
    assert scratch.is_dir()
    loader.close()
    assert not scratch.exists()


def test_the_scratch_folder_goes_when_the_worker_is_killed(
    loader: Loader, attempt: Attempt
) -> None:
    scratch = Path(attempt("import os; text = os.getcwd()"))
    with pytest.raises(InvalidFile, match="out of memory"):
        attempt("import os, signal; open('left', 'w').close(); os.kill(os.getpid(), 9)")
    assert not scratch.exists()
    assert attempt("text = 'the next file'") == "the next file"


def test_a_scratch_folder_whose_owner_was_killed_is_removed_by_the_next(tmp_path: Path) -> None:
    code = (
        "from filesearch.load.process.scratch import Scratch; import time; scratch = Scratch(); "
        "print(scratch.path, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        left = Path(owner.stdout.readline().decode().strip())
        old = time.time() - 3600
        os.utime(left, (old, old))
        Scratch().close()
        assert left.exists()  # its owner lives
        owner.send_signal(signal.SIGKILL)
    Scratch().close()
    assert not left.exists()


def test_what_a_parser_started_ends_with_the_worker(loader: Loader, attempt: Attempt) -> None:
    child = attempt("import subprocess; text = subprocess.Popen(['sleep', '60']).pid")
    loader.close()
    deadline = time.monotonic() + 30
    state = Path("/proc", child, "stat")
    while state.exists() and " Z " not in state.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not state.exists() or " Z " in state.read_text()


@pytest.mark.usefixtures("no_writes")
def test_a_parser_learns_no_secret_of_the_environment(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, loader: Loader
) -> None:
    loader.close()
    monkeypatch.setenv("FSEARCH_CHAT_BASE_URL", "private")
    monkeypatch.setenv("OPENAI_API_KEY", "private")
    assert "private" not in attempt("import os; text = dict(os.environ)")
    code = f"text = open('/proc/{os.getpid()}/environ').read()"
    assert attempt(code) == "PermissionError"


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
@pytest.mark.usefixtures("no_network")
def test_tesseract_still_runs(attempt: Attempt) -> None:
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not installed")
    code = "import subprocess; text = subprocess.check_output(['tesseract', '--list-langs'])"
    assert "List of available languages" in attempt(code)


def test_doctor_says_what_holds(held: Confinement) -> None:
    [check] = [check for check in examine(None) if check.name == "isolation"]
    assert check.is_ok
    assert held.describe() in check.detail


def test_threads_that_escape_are_said(tmp_path: Path) -> None:
    code = (
        "import sys, threading; from pathlib import Path\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "from filesearch.load.process.confinement import confine\n"
        "print(confine(Path(sys.argv[1])).missing)"
    )
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    found = subprocess.check_output([sys.executable, "-c", code, tmp_path], text=True, env=env)
    assert "threads that ran before are not confined (there are 1)" in found


def test_what_does_not_hold_is_said() -> None:
    held = Confinement(network="seccomp", missing=("writes are not confined (Landlock: why)",))
    assert held.describe() == "no network (seccomp); writes are not confined (Landlock: why)"


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_without_a_filter_a_namespace_closes_the_network(tmp_path: Path) -> None:
    """Machines whose numbers of calls are not known here have the namespace alone."""
    code = (
        "import platform, socket, sys; from pathlib import Path\n"
        "platform.machine = lambda: 'riscv64'\n"
        "from filesearch.load.process.confinement import confine\n"
        "print(confine(Path(sys.argv[1])).network)\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[2])), 5)\n"
        "except OSError as error: print(type(error).__name__)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path, port],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # as a worker has it: one thread
        )
    if not done.stdout.strip().startswith("network"):
        pytest.skip("this machine grants no user namespace")
    assert done.stdout.split("\n")[:2] == ["network namespace", "PermissionError"]


def test_temporary_files_of_this_process_stay_where_they_were(loader: Loader) -> None:
    before = tempfile.gettempdir()
    loader.confinement()
    assert tempfile.gettempdir() == before
