#!/usr/bin/env python3
"""Write the table of formats, as tests/load/test_formats.py holds it, into the README.

scripts/formats_table.py                      prints the table
scripts/formats_table.py --write README.md    puts it between its two markers
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "load")]

import formats  # noqa: E402


def main() -> int:
    """Print or write the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", type=Path, metavar="FILE", help="Markdown with the markers")
    options = parser.parse_args()
    if options.write is None:
        print(formats.render(), end="")
    else:
        formats.write_table(options.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
