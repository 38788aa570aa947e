"""Sources: which files a folder gives."""

import os

import pytest

from filesearch.errors import NotFound
from filesearch.sources import find_sources


def names(*paths):
    return [source.filename for source in find_sources(paths)]


def test_a_folder_is_walked_in_order_with_names_below_it(tmp_path):
    for name in ("b.md", "a/z.md", "a/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert names(tmp_path) == ["a/c.md", "a/z.md", "b.md"]


def test_hidden_files_and_links_are_left_out(tmp_path):
    (tmp_path / ".secret").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x")
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == ["a.md"]


def test_an_ignore_file_keeps_out_what_it_names(tmp_path):
    for name in ("keep.md", "notes.tmp", "build/x.md", "sub/build.md", "sub/only.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".fsearchignore").write_text("# comment\n*.tmp\nbuild/\n/sub/only.md\n")
    assert names(tmp_path) == ["keep.md", "sub/build.md"]


def test_a_file_given_twice_comes_once(tmp_path):
    (tmp_path / "a.md").write_text("x")
    assert names(tmp_path / "a.md", tmp_path) == ["a.md"]


def test_a_missing_path_is_refused_with_its_name(tmp_path):
    with pytest.raises(NotFound, match="no/such"):
        find_sources([tmp_path / "no/such"])
