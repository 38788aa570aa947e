#!/usr/bin/env python3
"""Kill `fsearch ingest` at random moments and check that nothing is lost or doubled.

Each round changes some files of a folder, starts `fsearch ingest --prune` on it, sends SIGKILL
after a random time, checks that a search still answers, runs the ingest again to its end, and
compares the index with the folder: every file once, with exactly the chunks of its present text,
`verify` clean. A reader in this process searches the same index throughout.

    scripts/crash_test.py --kills 50
    scripts/crash_test.py --kills 50 --documents path/to/markdown --files 60

Prints one line a round and a summary; exit code 1 when anything was wrong, or
nothing was searched meanwhile.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from filesearch import FileSearch
from filesearch.chunk import chunk_document
from filesearch.load import load
from filesearch.prepare import table_rows
from filesearch.types import ChunkSettings

ROOT = Path(__file__).resolve().parent.parent


class Reader(threading.Thread):
    """Searches an index over and over, counts the answers and keeps the errors."""

    def __init__(self, index: Path) -> None:
        super().__init__(daemon=True)
        self.index = index
        self.searches = 0
        self.errors: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        """Search until stopped."""
        with FileSearch(self.index) as fs:
            while not self.stopped.wait(0.2):
                try:
                    if not fs.search("how is it configured", top_k=3):
                        self.errors.append("a search found nothing")
                # The worker loop: an error that nobody foresaw is what this script looks for.
                except Exception as error:  # noqa: BLE001 - as said above
                    self.errors.append(f"{type(error).__name__}: {error}")
                self.searches += 1


def collect_documents(source: Path, folder: Path, count: int, rng: random.Random) -> None:
    """Copy `count` text files below `source`, drawn at random, flat into `folder`."""
    found = sorted(p for p in source.rglob("*") if p.suffix in (".md", ".txt") and p.is_file())
    for number, path in enumerate(rng.sample(found, min(count, len(found)))):
        shutil.copyfile(path, folder / f"{number:04d}-{path.name}")


def change_documents(folder: Path, rng: random.Random, number: int) -> None:
    """Change some files, add one and remove one, so that there is work to be interrupted."""
    paths = sorted(folder.iterdir())
    for path in rng.sample(paths, min(20, len(paths))):
        text = path.read_text(encoding="utf-8", errors="replace")
        path.write_text(f"Revision {number}.\n\n{text}", encoding="utf-8")
    paths[rng.randrange(len(paths))].unlink()
    added = rng.choice(sorted(folder.iterdir())).read_text(encoding="utf-8", errors="replace")
    (folder / f"added-{number}.md").write_text(f"Added {number}.\n\n{added}", encoding="utf-8")


def start_ingest(folder: Path, index: Path) -> subprocess.Popen[bytes]:
    """Start the command as a user would."""
    return subprocess.Popen(
        [sys.executable, "-m", "filesearch", "ingest", str(folder), "--prune", "--index", index],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def compare(folder: Path, index: Path) -> list[str]:
    """Return how the index differs from the folder."""
    wrong = []
    with FileSearch(index) as fs:
        found = fs.verify()
        wrong += [f"verify: {damage}" for damage in found.damages]
        if found.orphans:
            wrong.append(f"{found.orphans} orphan segments after a complete run")
        records = {record.path: record for record in fs.files()}
        if len(records) != len(fs.files()):
            wrong.append("a path is recorded twice")
        paths = {str(path.resolve()) for path in folder.iterdir()}
        wrong += [f"lost {path}" for path in paths - records.keys()]
        wrong += [f"left over {path}" for path in records.keys() - paths]
        chunks = 0
        for path in paths & records.keys():
            document = load(Path(path).read_bytes(), records[path].filename)
            expected = chunk_document(document.text, ChunkSettings(), table_rows(document.spans))
            chunks += len(expected)
            if fs.document(records[path].id).text != document.text:
                wrong.append(f"{path} has the text of another version")
            if records[path].chunk_count != len(expected):
                wrong.append(f"{path} has {records[path].chunk_count} chunks, not {len(expected)}")
        if found.chunks != chunks:
            wrong.append(f"{found.chunks} chunks in segments, {chunks} in the files")
    return wrong


def main() -> int:
    """Run the rounds; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--kills", type=int, default=50, help="kills that must hit a running ingest [default: 50]"
    )
    parser.add_argument(
        "--documents", type=Path, default=ROOT, help="where .md and .txt files are drawn from"
    )
    parser.add_argument("--files", type=int, default=60, help="how many files [default: 60]")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random [default: 1]")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    wrong_rounds = killed = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder, index = Path(scratch) / "docs", Path(scratch) / "index"
        folder.mkdir()
        collect_documents(options.documents, folder, options.files, rng)
        started = time.monotonic()
        if start_ingest(folder, index).wait() not in (0, 1):
            print("the first ingest failed")
            return 1
        longest = time.monotonic() - started
        reader = Reader(index)
        reader.start()
        number = 0
        while killed < options.kills and number < 3 * options.kills:
            number += 1
            change_documents(folder, rng, number)
            delay = rng.uniform(0.0, longest)
            process = start_ingest(folder, index)
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
            started = time.monotonic()
            again = start_ingest(folder, index)
            message = again.communicate()[1].decode().strip()
            # What is left to do after an early kill takes about as long as the whole.
            longest = max(0.8 * longest, time.monotonic() - started)
            wrong = compare(folder, index)
            if again.returncode not in (0, 1):
                wrong.append(f"the second run ended with {again.returncode}: {message}")
            wrong_rounds += bool(wrong)
            print(
                f"round {number:2d}: after {delay:4.1f} s, {reader.searches} searches, "
                + ("; ".join(wrong) or "ok"),
                flush=True,
            )
        reader.stopped.set()
        reader.join()
    print(
        f"{number} rounds, {killed} killed while running, {wrong_rounds} wrong; "
        f"{reader.searches} searches meanwhile, {len(reader.errors)} errors {reader.errors[:3]}"
    )
    is_good = reader.searches and not reader.errors and killed >= options.kills
    return 0 if is_good and not wrong_rounds else 1


if __name__ == "__main__":
    sys.exit(main())
