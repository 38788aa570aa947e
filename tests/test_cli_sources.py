"""The command line: what `fsearch ingest` takes, foresees, and watches."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import filesearch
from filesearch.cli import cli
from filesearch.testing import HashingEmbedder


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    monkeypatch.setattr(
        "filesearch.parts.make_embedder", lambda *_args, **_named: HashingEmbedder()
    )


def run(*args, stdin=None):
    return CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin)


def names(index):
    return [record["filename"] for record in json.loads(run("files", "--json", *index).stdout)]


@pytest.fixture
def index(tmp_path):
    return ("--index", tmp_path / "index")


def test_standard_input_is_ingested_under_a_name(index):
    done = run("ingest", "-", "--name", "notes.md", *index, stdin="# Glazes\n\nCeladon is green.")
    assert done.exit_code == 0, done.output
    assert names(index) == ["notes.md"]


def test_standard_input_needs_a_name_and_a_name_needs_standard_input(index, docs):
    assert run("ingest", "-", *index, stdin="x").exit_code == 2
    assert "needs a name" in run("ingest", docs, "--name", "notes.md", *index).output


def test_a_url_is_refused_without_the_flag(index):
    done = run("ingest", "https://example.com/a.md", *index)
    assert done.exit_code == 2
    assert "--allow-url" in done.output
    assert "Traceback" not in done.output


def test_a_url_of_a_private_address_fails_and_says_why(index):
    done = run("ingest", "--allow-url", "http://127.0.0.1:9/a.md", *index)
    assert done.exit_code == 1
    assert "not a public address" in done.output


def test_a_pattern_in_quotes_is_ours_to_expand(index, docs):
    assert run("ingest", f"{docs}/**/*.md", *index).exit_code == 0
    assert names(index) == ["mugs.md", "staff.md"]


def test_a_dry_run_says_what_would_happen(index, docs):
    run("ingest", docs, *index)
    (docs / "kiln.txt").rename(docs / "oven.txt")
    (docs / "staff.md").unlink()
    done = run("ingest", docs, "--prune", "--dry-run", *index)
    assert done.stdout.splitlines() == [
        "  renamed  kiln.txt -> oven.txt",
        "  removed  staff.md",
        "nothing was changed; an ingest would give: 1 unchanged, 1 renamed, 1 removed",
    ]
    assert names(index) == ["kiln.txt", "mugs.md", "staff.md"]
    told = json.loads(run("ingest", docs, "--prune", "--dry-run", "--json", *index).stdout)
    statuses = [outcome["status"] for outcome in told["outcomes"]]
    assert statuses == ["unchanged", "renamed", "removed"]


@pytest.mark.parametrize("other", ["--dry-run", "--json", "--rebuild"])
def test_watching_does_not_go_with_what_ends(index, docs, other):
    assert run("ingest", docs, "--watch", other, *index).exit_code == 2


def test_watching_tells_what_it_does_and_ends_with_an_interrupt(tmp_path, docs):
    root = Path(filesearch.__file__).parent.parent
    command = [sys.executable, "-m", "filesearch", "ingest", docs, "--watch", "--json-lines"]
    with subprocess.Popen(
        [*command, "--index", tmp_path / "index"],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watch:
        events = map(json.loads, watch.stdout)
        first = next(event for event in events if event["event"] == "end")
        assert first["added"] == 3
        (docs / ".new.md.swp").write_text("A new file.")
        (docs / ".new.md.swp").replace(docs / "new.md")  # it is there whole or not at all
        changed = next(event for event in events if event["event"] == "file")
        assert (changed["status"], changed["filename"]) == ("added", "new.md")
        watch.send_signal(signal.SIGINT)
        _out, err = watch.communicate(timeout=60)
    assert watch.returncode == 0
    assert "stopped watching" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("together", "times"), [(True, 1), (False, 2)])
def test_a_failure_is_named_once_where_output_and_errors_are_read_together(
    tmp_path, together, times
):
    (tmp_path / "empty.md").touch()
    done = subprocess.run(
        [sys.executable, "-m", "filesearch", "ingest", ".", "--index", "index"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (done.stdout + (done.stderr or "")).count("is empty (0 bytes)") == times


def run_in_shell(words):
    """Run the real command, its streams closed as a shell does it."""
    code = f"{sys.executable} -m filesearch {words}"
    return subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """An index of one file, made by the real command; the file lies beside it."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "a.md").write_text("A kiln.")
    done = run_in_shell(f"ingest {folder / 'a.md'} --index {folder / 'index'}")
    assert done.returncode == 0, done.stderr
    return folder / "index"


@pytest.mark.parametrize(
    "command",
    [
        "files --index {index} >&-",
        "chat --index {index} <&- 2>&-",
        "ask kiln --index {index} >&- 2>&-",
        "ask kiln --stream --index {index} 2>&-",
        "ingest {index}/../a.md --index {index} --json-lines >&-",
        "ingest --rebuild --index {index} 2>&-",
    ],
)
def test_a_stream_that_was_closed_is_no_error(filled, command):
    done = run_in_shell(command.format(index=filled))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_chat_without_input_ends(filled):
    done = run_in_shell(f"chat --index {filled} <&-")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("extractive answers from ")


def test_a_standard_input_that_was_closed_is_an_empty_one(tmp_path):
    done = run_in_shell(f"ingest - --name a.md --index {tmp_path / 'index'} <&-")
    assert done.returncode == 1
    assert "a.md: 'a.md' is empty (0 bytes)" in done.stdout


def shown(*args, stdin=None):
    """Run a command as on a terminal: what it prints keeps its colours."""
    done = CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, color=True)
    return done.stdout + done.stderr


@pytest.fixture
def odd(tmp_path):
    """A folder with names that a terminal would obey; one of the files is empty."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "\x1b[31mred\n.md").write_text("The kiln reaches 1280 degrees.")
    (folder / "\u202efdp\x9b2J.md").write_text("")
    return folder


def test_a_terminal_shows_the_names_of_files_and_does_not_obey_them(odd, index):
    red, turned = "\\x1b[31mred\\n.md", "\\u202efdp\\x9b2J.md"
    new = ("--index", index[1].with_name("new"))
    for command, names_of in [
        (("ingest", odd, "--dry-run", *new), [red, turned]),
        (("ingest", odd, *index), [turned]),
        (("files", *index), [red, turned]),
        (("search", "kiln", *index), [red]),
        (("ask", "How hot is the kiln?", *index), [red]),
        (("summarize", "--all", *index), [red]),
        (("remove", "*.md", *index), [red, turned]),
    ]:
        text = shown(*command)
        assert all(name in text for name in names_of), (command, text)
        assert not re.search("\x1b.31m|[\u202e\x9b]", text), (command, text)


def test_a_chat_shows_the_names_of_files_and_does_not_obey_them(odd, index):
    run("ingest", odd, *index)
    said = shown("chat", *index, stdin="How hot is the kiln?\n/sources\n/sources 1\n/files\n")
    assert said.count("\\x1b[31mred\\n.md") == 4
    assert "\x1b[31m" not in said


def test_programs_are_told_names_as_they_are(odd, index):
    run("ingest", odd, *index)
    assert "\x1b[31mred\n.md" in names(index)


def test_a_blank_name_for_standard_input_is_refused(tmp_path):
    done = run("ingest", "-", "--name", "", "--index", tmp_path / "index", stdin="A kiln.")
    assert done.exit_code != 0
    assert "cannot be named" in done.output
