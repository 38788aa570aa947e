#!/usr/bin/env python3
"""Drive every method of OpenAI's SDKs, old and new, against a server, and write down what works.

Each version is installed in an environment of its own (below ~/.cache/filesearch/sdk, or the
folder that SDK_ENVS names) and drives one real server process with a scripted model.

    scripts/sdk_matrix.py                          all of them; prints what does not work
    scripts/sdk_matrix.py --only openai-node-7.57.0
    scripts/sdk_matrix.py --record --write-table README.md

Exit code 1 when a method fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "sdk"))

import environments  # noqa: E402
import matrix  # noqa: E402


@contextmanager
def scripted_server(index: Path, *arguments: str) -> Iterator[str]:
    """Run a server of the scripted model; yields its base URL."""
    script = ROOT / "tests" / "sdk" / "scripted_server.py"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FSEARCH_")}
    process = subprocess.Popen(
        [sys.executable, script, "--index", index, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit("the server did not start")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def main() -> int:
    """Run the drivers; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    names = [sdk.name for sdk in environments.SDKS]
    parser.add_argument("--only", choices=names, action="append", help="may be given again")
    parser.add_argument("--record", action="store_true", help="keep the outcome for the table")
    parser.add_argument("--write-table", type=Path, metavar="FILE", help="Markdown with markers")
    options = parser.parse_args()
    found: matrix.Matrix = {}
    for sdk in environments.SDKS:
        if options.only and sdk.name not in options.only:
            continue
        with (
            tempfile.TemporaryDirectory() as scratch,
            scripted_server(Path(scratch) / "index") as url,
        ):
            found[sdk.name] = sdk.drive(url)["methods"]
        outcomes = found[sdk.name]
        worked = sum(outcome == "ok" for outcome in outcomes.values())
        print(f"{sdk.name}: {worked} methods ok", flush=True)
        for method, outcome in outcomes.items():
            if outcome.startswith("failed"):
                print(f"  {method}: {outcome}", flush=True)
    if options.record:
        matrix.save_record(found)
    if options.write_table:
        matrix.write_table(options.write_table, found)
    failed = [o for outcomes in found.values() for o in outcomes.values() if o.startswith("fail")]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
