#!/usr/bin/env python3
"""Feed mutated files of all formats to the real pipeline and see that each ends as it should.

    scripts/fuzz_load.py --count 2000 --seed 1
    scripts/fuzz_load.py --seed 1 --only 137          that file alone, written to --keep

What has to hold is in tests/load/fuzzing.py. Files that ended otherwise are kept in --keep, named
by seed and number, with their reason. Exit code 1 when there was any.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "load")]

import fuzzing  # noqa: E402
import mutations  # noqa: E402


def main() -> int:
    """Fuzz; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="how many files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one file, written to --keep")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds per file")
    options = parser.parse_args()
    keep = options.keep.resolve()
    if options.only is not None:
        *_, mutant = fuzzing.mutants(options.only + 1, options.seed, mutations.corpus())
        print(save(keep, options.seed, mutant, ""))
        return 0
    start = time.monotonic()

    def show(mutant: fuzzing.Mutant, end: str) -> None:
        if end == "found":
            print(f"found: {mutant.number} {mutant.name}", flush=True)
        if mutant.number % 200 == 199:
            print(f"{mutant.number + 1} files, {time.monotonic() - start:.0f} s", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        findings = fuzzing.run(
            options.count, options.seed, Path(folder), timeout_s=options.timeout, on_file=show
        )
    for mutant, reason in findings.found:
        print(f"{save(keep, options.seed, mutant, reason)}: {reason}")
    for path in findings.written:
        print(f"written outside the scratch folder: {path}")
    ends = ", ".join(f"{count} {end}" for end, count in findings.ends.most_common())
    print(
        f"seed {options.seed}: {ends}; {findings.ingested} also ingested; "
        f"{findings.out_of_memory} ran into the limit of memory; "
        f"slowest {findings.seconds[0][0]:.1f} s ({findings.seconds[0][1]})"
    )
    return 1 if findings.found or findings.written else 0


def save(keep: Path, seed: int, mutant: fuzzing.Mutant, reason: str) -> Path:
    """Write a file and why it was kept; returns its path."""
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"{seed}-{mutant.number}-{mutant.name}"
    path.write_bytes(mutant.data)
    if reason:
        path.with_name(path.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
