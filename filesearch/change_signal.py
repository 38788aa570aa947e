"""Change signal: the operating system says that something below some folders has changed.

What it was is not asked: events come late, twice, in part, or, when there are too many, not at all.
Whoever waits here looks for himself.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filesearch.visible import is_visible_dir
from filesearch.walk import Root

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

# Reading a file is no change of it; our own look at a folder would call for the next one.
_NO_CHANGES = ("opened", "closed_no_write")


class ChangeSignal:
    """Is set when something has changed below some roots, or may have.

    Args:
        roots: What to watch; those that are not there are left out.
        but: A folder whose changes do not count: that of the index.

    Attributes:
        changed: Set by a change; whoever waits clears it.
        failure: Why the system does not say when something changes; empty when it does.
    """

    def __init__(self, roots: Sequence[Root], but: Path) -> None:
        self.changed = threading.Event()
        self.failure = ""
        self._but = str(but.resolve())
        self._observer: BaseObserver | None = None
        self._start(roots)

    def _start(self, roots: Sequence[Root]) -> None:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        # It warns of folders that were moved, whose paths it then has wrong, and of lost events;
        # neither is used.
        logging.getLogger("watchdog").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        signal = self

        class Handler(FileSystemEventHandler):
            def dispatch(self, event: FileSystemEvent) -> None:
                signal.note(event)

        observer = Observer()
        # A file is watched through its folder: an editor may put another one in its place.
        folders = {root.path: True for root in roots if root.is_dir and not root.is_missing}
        for root in roots:
            if not root.is_dir and is_visible_dir(root.path.parent):
                folders.setdefault(root.path.parent, False)
        try:
            for folder, is_recursive in folders.items():
                observer.schedule(Handler(), str(folder), recursive=is_recursive)
            observer.start()
        except OSError as error:
            # Most systems watch a limited number of folders.
            self.failure = error.strerror or str(error)
            observer.unschedule_all()
        else:
            self._observer = observer

    def note(self, event: FileSystemEvent) -> None:
        """Take an event of the system."""
        path = str(event.src_path)
        is_ours = path == self._but or path.startswith(f"{self._but}/")
        if event.event_type not in _NO_CHANGES and not is_ours:
            self.changed.set()

    def close(self) -> None:
        """Watch no longer."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()
