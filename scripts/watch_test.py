#!/usr/bin/env python3
"""Change a folder at random while it is watched, and check that the index becomes what it is.

Makes a folder, watches it with `FileSearch.watch`, and meanwhile makes random changes: new files,
edits in place and through a temporary name, files written in two halves, renames, moved and deleted
folders, copies, ignore files. Then waits until the watch is idle and compares: every file once,
under its name, with its text, and nothing else.

    scripts/watch_test.py --operations 100
    scripts/watch_test.py --operations 100 --seed 7 --fast     (an embedder without a model)

Prints what was done and how long the last change took; exit code 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from filesearch import FileSearch, IngestReport, NotFound
from filesearch.ignore import IGNORE_FILES
from filesearch.testing import HashingEmbedder
from filesearch.walk import find_sources
from filesearch.watch import WatchTimes

WORDS = (
    "glaze kiln clay wheel mug bowl slip cone ash salt iron cobalt bisque foot rim handle".split()
)


class Actor:
    """Changes a folder at random.

    Args:
        folder: Exists.
        seed: The same one makes the same changes.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._draw = random.Random(seed)
        self._made = 0
        self.done: Counter[str] = Counter()

    def fill(self, count: int) -> None:
        """Make some files to begin with."""
        for _ in range(count):
            self._new_place().write_text(self._text())

    def act(self) -> None:
        """Make one change."""
        actions: list[Callable[[], bool]] = [
            self._add,
            self._add,
            self._edit,
            self._edit,
            self._save_beside,
            self._write_in_halves,
            self._rename,
            self._rename,
            self._copy,
            self._delete,
            self._move_folder,
            self._delete_folder,
            self._ignore,
        ]
        while True:
            action = self._draw.choice(actions)
            if action():
                self.done[action.__name__.strip("_").replace("_", " ")] += 1
                return

    def _text(self) -> str:
        self._made += 1
        words = " ".join(self._draw.choices(WORDS, k=self._draw.randint(5, 60)))
        return f"# Note {self._made}\n\n{words.capitalize()}.\n"

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.rglob("*.md") if path.is_file())

    def _folders(self) -> list[Path]:
        return sorted(path for path in self._folder.rglob("*") if path.is_dir())

    def _new_place(self) -> Path:
        folders = [self._folder, *self._folders()]
        folder = self._draw.choice(folders)
        if self._draw.random() < 0.3 and len(folders) < 12:
            folder = folder / f"{self._draw.choice(WORDS)}-{self._made}"
            folder.mkdir(exist_ok=True)
        return folder / f"{self._draw.choice(WORDS)}-{self._made}-{self._draw.randint(0, 999)}.md"

    def _any_file(self) -> Path | None:
        files = self._files()
        return self._draw.choice(files) if files else None

    def _add(self) -> bool:
        self._new_place().write_text(self._text())
        return True

    def _edit(self) -> bool:
        path = self._any_file()
        if path is not None:
            path.write_text(self._text())
        return path is not None

    def _save_beside(self) -> bool:
        path = self._any_file()
        if path is not None:
            beside = path.with_name(f".{path.name}.swp")
            beside.write_text(self._text())
            beside.replace(path)
        return path is not None

    def _write_in_halves(self) -> bool:
        path, text = self._new_place(), self._text()
        with path.open("w") as out:
            out.write(text[: len(text) // 2])
            out.flush()
            time.sleep(0.05)
            out.write(text[len(text) // 2 :])
        return True

    def _rename(self) -> bool:
        path = self._any_file()
        if path is not None:
            path.rename(self._new_place())
        return path is not None

    def _copy(self) -> bool:
        path = self._any_file()
        if path is not None:
            shutil.copy(path, self._new_place())
        return path is not None

    def _delete(self) -> bool:
        path = self._any_file()
        if path is not None:
            path.unlink()
        return path is not None

    def _move_folder(self) -> bool:
        folders = self._folders()
        if not folders:
            return False
        folder = self._draw.choice(folders)
        places = [place for place in [self._folder, *folders] if not place.is_relative_to(folder)]
        self._made += 1
        folder.rename(self._draw.choice(places) / f"moved-{self._made}")
        return True

    def _delete_folder(self) -> bool:
        folders = self._folders()
        # Seldom, or nothing is left to change.
        if not folders or self._draw.random() < 0.7:
            return False
        shutil.rmtree(self._draw.choice(folders))
        return True

    def _ignore(self) -> bool:
        folder = self._draw.choice([self._folder, *self._folders()])
        path = folder / self._draw.choice(IGNORE_FILES)
        if path.exists():
            path.unlink()
        else:
            path.write_text(f"{self._draw.choice(WORDS)}*\n")
        return True


def differences(fs: FileSearch, folder: Path) -> list[str]:
    """Return in what the index is not what the folder is; none when it is."""
    there = {str(source.path): source for source in find_sources([folder])}
    held = {record.path: record for record in fs.files()}
    found = [f"{path} is not in the index" for path in there.keys() - held.keys()]
    found += [f"{path} is not in the folder" for path in held.keys() - there.keys()]
    if len(fs.files()) != len(held):
        found.append("a path is there twice")
    for path in there.keys() & held.keys():
        record = held[path]
        text = Path(path).read_text()
        if record.filename != there[path].filename:
            found.append(f"{path} is called {record.filename}")
        try:
            if fs.document(record.id).text.strip() != text.strip():
                found.append(f"{path} has another text")
        except NotFound:
            found.append(f"{path} has no text")
    return found


def watch_and_change(
    fs: FileSearch,
    folder: Path,
    *,
    operations: int,
    seed: int,
    times: WatchTimes,
    longest_pause_s: float,
    timeout_s: float,
) -> tuple[list[str], Counter[str], Counter[str], float]:
    """Watch a folder while it is changed.

    Returns:
        What was wrong at the end, what was done to the folder, what the watch reported, and how
        many seconds after the last change all was right.
    """
    actor = Actor(folder, seed)
    actor.fill(12)
    pauses = random.Random(seed + 1)
    stop, begun = threading.Event(), threading.Event()
    statuses: Counter[str] = Counter()
    errors: list[str] = []

    def note(report: IngestReport) -> None:
        if begun.is_set():
            statuses.update(outcome.status for outcome in report.outcomes)
        begun.set()

    def run() -> None:
        try:
            fs.watch(folder, stop=stop, on_report=note, times=times)
        # Whatever ends the watch is what this looks for.
        except Exception as error:  # noqa: BLE001
            errors.append(f"the watch ended: {error!r}")
        begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    for _ in range(operations):
        actor.act()
        if pauses.random() < 0.5:
            time.sleep(pauses.random() * longest_pause_s)
    changed = time.monotonic()
    wrong = ["not compared"]
    while wrong and time.monotonic() - changed < timeout_s and not errors:
        time.sleep(0.1)
        wrong = differences(fs, folder)
    seconds = time.monotonic() - changed
    time.sleep(2 * times.settle_s)  # and it must stay so
    wrong = differences(fs, folder)
    stop.set()
    thread.join()
    wrong += [damage.problem for damage in fs.verify().damages]
    return [*errors, *wrong], actor.done, statuses, seconds


def main() -> int:
    """Run the test; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--operations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fast", action="store_true", help="an embedder without a model")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watch-test-") as place:
        folder = Path(place) / "docs"
        folder.mkdir()
        embedder = HashingEmbedder() if given.fast else None
        with FileSearch(Path(place) / "index", embedder=embedder) as fs:
            wrong, done, statuses, seconds = watch_and_change(
                fs,
                folder,
                operations=given.operations,
                seed=given.seed,
                times=WatchTimes(),
                longest_pause_s=0.6,
                timeout_s=120,
            )
            files = len(fs.files())
    for name, counts in (("changes", done), ("reported", statuses)):
        print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in counts.most_common()))
    print(f"{files} files in the index; right {seconds:.1f} s after the last change")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
