"""Sources: which files a folder, a path or a pattern gives."""

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from filesearch.errors import InvalidFile, NotFound
from filesearch.source_reader import read_bytes
from filesearch.walk import find_files, find_root, find_sources, list_files


def names(*paths):
    return [source.filename for source in find_sources(paths)]


def make(folder, *paths, text="x"):
    for name in paths:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_folder_is_walked_in_order_with_names_below_it(tmp_path):
    make(tmp_path, "b.md", "a/z.md", "a/c.md")
    assert names(tmp_path) == ["a/c.md", "a/z.md", "b.md"]


def test_hidden_files_and_links_are_left_out(tmp_path):
    make(tmp_path, ".secret", ".git/config", "a.md")
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == ["a.md"]


@pytest.mark.parametrize("name", [".gitignore", ".fsearchignore", "docs/.fsearchignore"])
def test_a_pipe_in_the_place_of_an_ignore_file_is_not_waited_for(tmp_path, name):
    make(tmp_path, "docs/a.md")
    os.mkfifo(tmp_path / name)
    assert names(tmp_path) == ["docs/a.md"]


def test_a_pattern_of_many_stars_is_matched_in_linear_time(tmp_path):
    make(tmp_path, "a" * 120 + ".txt", "a" * 20 + "b")
    make(tmp_path, ".gitignore", text="*a" * 15 + "*b\n")
    assert names(tmp_path) == ["a" * 120 + ".txt"]  # without end where every way was tried


def test_what_has_become_a_link_since_it_was_listed_is_not_read(tmp_path):
    make(tmp_path, "docs/a.md", "secret.md")
    [source] = find_sources([tmp_path / "docs"])
    source.path.unlink()
    source.path.symlink_to(tmp_path / "secret.md")
    with pytest.raises(InvalidFile, match="symbolic link"):
        read_bytes(source)


def test_a_file_given_twice_comes_once(tmp_path):
    make(tmp_path, "a.md")
    assert names(tmp_path / "a.md", tmp_path) == ["a.md"]


def test_a_missing_path_is_refused_with_its_name(tmp_path):
    with pytest.raises(NotFound, match="no/such"):
        find_sources([tmp_path / "no/such"])


def test_a_folder_that_cannot_be_listed_is_told_apart_from_an_empty_one(tmp_path, monkeypatch):
    make(tmp_path, "a.md", "shut/b.md")
    scan = os.scandir

    def refuse(folder):
        if folder.name == "shut":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr("os.scandir", refuse)
    found = find_files([str(tmp_path)])
    assert [file.filename for file in found.files] == ["a.md"]
    assert [(one.filename, one.reason) for one in found.unreadable] == [
        ("shut/", "Permission denied")
    ]


# Ignore files


@pytest.fixture
def docs_of_another():
    """A folder to list as a user who has no right but those of its files."""
    folder = Path(tempfile.mkdtemp())  # not tmp_path, which nobody else may enter
    folder.chmod(0o755)
    was = os.geteuid()
    for name in ("docs/shut", "docs/open"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.txt").write_text("kiln")
    if was == 0:
        for path in (folder / "docs", *(folder / "docs").rglob("*")):
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder / "docs"
    finally:
        os.seteuid(was)
        for path in (folder / "docs", folder / "docs/shut"):
            path.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_that_may_not_be_entered_is_reported_and_the_rest_found(docs_of_another, mode):
    (docs_of_another / "shut").chmod(mode)
    found = list_files([find_root(str(docs_of_another))])
    assert [file.filename for file in found.files] == ["open/a.txt"]
    assert [(one.filename, one.reason) for one in found.unreadable] == [
        ("shut/", "Permission denied")
    ]


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_what_lies_in_a_shut_folder_is_hidden_and_not_gone(docs_of_another, mode):
    roots = [
        find_root(str(docs_of_another / name)) for name in ("shut", "shut/a.txt", "shut/*.txt")
    ]
    docs_of_another.chmod(mode)
    found = list_files(roots)
    assert found.files == ()
    assert roots[0].is_missing
    assert all(
        folder.path in (docs_of_another / "shut/a.txt").parents for folder in found.unreadable
    )
    assert found.unreadable
    with pytest.raises(NotFound, match="may not be looked at"):
        find_root(str(docs_of_another / "shut"))


def test_an_ignore_file_keeps_out_what_it_names(tmp_path):
    make(tmp_path, "keep.md", "notes.tmp", "build/x.md", "sub/build.md", "sub/only.md")
    make(tmp_path, ".fsearchignore", text="# comment\n*.tmp\nbuild/\n/sub/only.md\n")
    assert names(tmp_path) == ["keep.md", "sub/build.md"]


def test_a_deeper_ignore_file_and_a_later_line_have_the_last_word(tmp_path):
    make(tmp_path, "a.log", "keep.log", "sub/b.log", "sub/c.md")
    make(tmp_path, ".gitignore", text="*.log\n!keep.log\n")
    make(tmp_path, "sub/.gitignore", text="!b.log\nc.md\n")
    assert names(tmp_path) == ["keep.log", "sub/b.log"]


def test_our_ignore_file_takes_back_what_git_leaves_out(tmp_path):
    make(tmp_path, "report.pdf", "a.o")
    make(tmp_path, ".gitignore", text="*.pdf\n*.o\n")
    make(tmp_path, ".fsearchignore", text="!*.pdf\n")
    assert names(tmp_path) == ["report.pdf"]


def test_nothing_is_taken_back_from_a_folder_that_is_kept_out(tmp_path):
    make(tmp_path, "build/keep.md", "logs/keep.md", "logs/drop.md")
    make(tmp_path, ".gitignore", text="build/\n!build/keep.md\nlogs/**\n!logs/keep.md\n")
    assert names(tmp_path) == ["logs/keep.md"]


def test_a_folder_of_a_repository_is_under_the_rules_of_the_whole(tmp_path):
    make(tmp_path, ".git/info/exclude", text="*.private\n")
    make(tmp_path, ".gitignore", text="*.log\n/docs/drafts/\n")
    make(tmp_path, "docs/a.md", "docs/b.log", "docs/c.private", "docs/drafts/d.md")
    assert names(tmp_path / "docs") == ["a.md"]
    assert names(tmp_path / "docs" / "drafts") == ["d.md"]  # named, so wanted
    assert names(tmp_path / "docs" / "b.log") == ["b.log"]


def test_an_ignore_file_outside_a_repository_holds_in_its_folder_alone(tmp_path):
    make(tmp_path, ".gitignore", text="*.md\n")
    make(tmp_path, "docs/a.md")
    assert names(tmp_path) == []
    assert names(tmp_path / "docs") == ["a.md"]


WORDS = ["a", "b", "foo", "bar", "build", "doc.md", "x.tmp", "y.md", "a b", "[z]", "#h"]
PARTS = r"a b foo ba* *.md * ** ? [a-f]* build *.tmp !x doc.md [!a]* fo*o **o \#h [z] \[z\]".split()


def draw_pattern(draw):
    pattern = "/".join(draw.choice(PARTS) for _ in range(draw.randint(1, 3)))
    pattern = ("/" if draw.random() < 0.25 else "") + pattern
    pattern += ("/" if draw.random() < 0.3 else "") + (" " if draw.random() < 0.1 else "")
    return ("!" if draw.random() < 0.3 else "") + pattern


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_out_is_what_git_ignores(tmp_path, seed):
    draw = random.Random(seed)
    folders = [tmp_path]
    for _ in range(6):
        folders.append(draw.choice(folders) / draw.choice(WORDS[:5]))
        folders[-1].mkdir(exist_ok=True)
    for _ in range(25):
        place = draw.choice(folders) / draw.choice(WORDS)
        if not place.exists():
            place.write_text("x")
    every = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    for folder in set(folders[:3]):
        lines = [draw_pattern(draw) for _ in range(draw.randint(1, 5))]
        (folder / ".gitignore").write_text("\n".join(lines) + "\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    asked = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", "--no-index", "-z", "--stdin"],
        input="\0".join(every),
        capture_output=True,
        text=True,
    )
    assert set(names(tmp_path)) == set(every) - set(asked.stdout.split("\0"))


# Patterns


def matching(folder, pattern):
    return sorted(file.filename for file in find_files([f"{folder}/{pattern}"]).files)


def test_a_pattern_gives_the_files_that_match_it(tmp_path):
    make(tmp_path, "a.md", "b.txt", "sub/c.md", "sub/deep/d.md", ".hidden.md")
    assert matching(tmp_path, "*.md") == ["a.md"]
    assert matching(tmp_path, "**/*.md") == ["a.md", "sub/c.md", "sub/deep/d.md"]
    assert matching(tmp_path, "sub/**") == ["c.md", "deep/d.md"]
    assert matching(tmp_path, "[ab].*") == ["a.md", "b.txt"]
    assert matching(tmp_path, "?.txt") == ["b.txt"]


def test_a_folder_that_a_pattern_matches_is_taken_whole(tmp_path):
    make(tmp_path, "one/a.md", "two/deep/b.md", "c.md")
    assert matching(tmp_path, "t*") == ["two/deep/b.md"]


def test_a_pattern_heeds_ignore_files(tmp_path):
    make(tmp_path, "a.md", "drop.md")
    make(tmp_path, ".gitignore", text="drop.md\n")
    assert matching(tmp_path, "*.md") == ["a.md"]


def test_a_pattern_that_matches_nothing_is_refused(tmp_path):
    make(tmp_path, "a.md")
    with pytest.raises(NotFound, match=r"no file matches '.*\*\.pdf'"):
        find_files([f"{tmp_path}/*.pdf"])
    with pytest.raises(NotFound, match="is no folder"):
        find_files([f"{tmp_path}/nowhere/*.pdf"])


def test_a_name_with_a_wildcard_in_it_is_the_file_it_names(tmp_path):
    make(tmp_path, "notes[1].md", "notes1.md")
    assert matching(tmp_path, "notes[1].md") == ["notes[1].md"]


def test_a_root_knows_which_files_it_would_mean(tmp_path):
    make(tmp_path, "docs/a.md")
    pattern = find_root(f"{tmp_path}/docs/**/*.md")
    assert pattern.covers(tmp_path / "docs" / "gone" / "b.md")
    assert not pattern.covers(tmp_path / "docs" / "b.txt")
    assert not find_root(str(tmp_path / "docs")).covers(tmp_path / "docs2" / "b.md")
