"""Visible: whether something lies at a path, where that can be seen.

`Path.exists` and its kin raise PermissionError before Python 3.14 where a folder on the way may not
be entered; what cannot be seen is simply not there for whoever lists files.
"""

from __future__ import annotations

from pathlib import Path


def is_visible(path: Path) -> bool:
    """Return whether there is anything at `path`."""
    try:
        return path.exists()
    except OSError:
        return False


def is_visible_dir(path: Path) -> bool:
    """Return whether there is a folder at `path`, or a link to one."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_visible_file(path: Path) -> bool:
    """Return whether there is a file at `path` that is no link."""
    try:
        return path.is_file() and not path.is_symlink()
    except OSError:
        return False
