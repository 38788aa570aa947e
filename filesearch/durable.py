"""Durable: make written files survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    """Force the content of a file to the disk."""
    _sync(path)


def sync_directory(directory: Path) -> None:
    """Make what was created or renamed inside `directory` durable: POSIX asks for this too."""
    _sync(directory)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
