"""Check what the load stage does with every file of a directory: loaded, or failed with a reason.

    scripts/check_nasty.py DIR [--json] [--timeout 60]

One line per file, then totals. Exit status 1 when a file took over the time, crashed the worker or
passed 2 GiB, or ended as neither; 0 otherwise. Files may be anything; none is changed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.process.isolation import Loader

MAX_PEAK_BYTES = 2 << 30


def check(path: Path, timeout_s: float) -> dict[str, object]:
    """Return what became of one file, in a worker of its own (so that its peak is the file's)."""
    data = path.read_bytes()
    row: dict[str, object] = {"file": path.name, "status": "crashed", "pages": 0, "chars": 0}
    start = time.perf_counter()
    with Loader(timeout_s=timeout_s) as loader:
        try:
            document = loader.load(data, path.name)
            row["status"] = "ok"
            row["chars"] = len(document.text)
            row["pages"] = sum(span.kind in ("page", "slide", "sheet") for span in document.spans)
            row["warnings"] = document.warnings
        except (InvalidFile, UnsupportedFile) as error:
            row["status"] = "failed"
            row["code"] = "invalid_file" if isinstance(error, InvalidFile) else "unsupported_file"
            row["reason"] = str(error)
        except Exception as error:  # noqa: BLE001 - anything else is what this script looks for
            row["reason"] = f"{type(error).__name__}: {error}"
        row["seconds"] = round(time.perf_counter() - start, 2)
        row["peak_mib"] = loader.peak_bytes >> 20
    reason = str(row.get("reason", ""))
    row["bad"] = (
        row["status"] == "crashed"
        or "crashed its parser" in reason
        or f"took over {timeout_s:g} s" in reason
        or loader.peak_bytes > MAX_PEAK_BYTES
    )
    return row


def line(row: dict[str, object]) -> str:
    """Return one file's outcome for people."""
    if row["status"] == "ok":
        warnings = "; ".join(row["warnings"]) if isinstance(row["warnings"], tuple) else ""
        what = f"ok      {row['chars']:>8} chars {row['pages']:>4} pages  {warnings}"
    else:
        what = f"{row['status']}  {row.get('code', '')}: {row.get('reason', '')}"
    mark = "BAD " if row["bad"] else ""
    return f"{mark}{row['file']:<48} {row['seconds']:>6} s {row['peak_mib']:>5} MiB  {what}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds per file")
    arguments = parser.parse_args()
    rows = []
    for path in sorted(p for p in arguments.directory.rglob("*") if p.is_file()):
        row = check(path, arguments.timeout)
        rows.append(row)
        print(json.dumps(row, ensure_ascii=False) if arguments.json else line(row), flush=True)
    bad = [row for row in rows if row["bad"]]
    seconds = sum(float(str(row["seconds"])) for row in rows)
    pages = sum(int(str(row["pages"])) for row in rows)
    totals = {
        "files": len(rows),
        "ok": sum(row["status"] == "ok" for row in rows),
        "failed": sum(row["status"] == "failed" for row in rows),
        "bad": len(bad),
        "seconds": round(seconds, 1),
        "pages": pages,
        "slowest_s": max((float(str(row["seconds"])) for row in rows), default=0.0),
        "peak_mib": max((int(str(row["peak_mib"])) for row in rows), default=0),
    }
    if arguments.json:
        print(json.dumps({"totals": totals}))
    else:
        print("  ".join(f"{key} {value}" for key, value in totals.items()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
