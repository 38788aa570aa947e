#!/usr/bin/env python3
"""Pack tiktoken's rank files as the package holds them.

    python scripts/pack_ranks.py DIR [--out DIR]

DIR holds cl100k_base.tiktoken and o200k_base.tiktoken, lines "base64 rank", as tiktoken downloads
them; their digests are compared with those in filesearch/tokens.py. Written is, packed by zlib, the
length of every token in order of rank, a byte each, and then the tokens. Printed is the SHA-256 of
that, which filesearch/tokens.py compares.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zlib
from binascii import a2b_base64, b2a_base64
from pathlib import Path

from filesearch.tokens import RECIPES, read_ranks

OUT = Path(__file__).parents[1] / "filesearch" / "data" / "tiktoken"


def pack(lines: bytes) -> bytes:
    """Return lengths and tokens of a rank file.

    Raises:
        ValueError: The ranks do not count from 0, or a token has over 255 bytes.
    """
    fields = lines.split()
    if [int(rank) for rank in fields[1::2]] != list(range(len(fields) // 2)):
        raise ValueError("the ranks do not count from 0")
    tokens = [a2b_base64(token) for token in fields[::2]]
    return bytes(map(len, tokens)) + b"".join(tokens)


def rank_file(name: str) -> bytes:
    """Return the rank file of an encoding as tiktoken downloads it, from the packaged one."""
    ranks = read_ranks(name, RECIPES[name])
    return b"".join(b"%s %d\n" % (b2a_base64(t, newline=False), r) for t, r in ranks.items())


def main() -> int:
    """Write both files; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("source", type=Path, metavar="DIR", help="folder with the rank files")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="[%(default)s]")
    options = parser.parse_args()
    for name, recipe in RECIPES.items():
        path = options.source / f"{name}.tiktoken"
        if not path.is_file():
            parser.error(f"no file '{path}'")
        lines = path.read_bytes()
        if hashlib.sha256(lines).hexdigest() != recipe.sha256:
            parser.error(f"'{path}' is not the file that tiktoken downloads: SHA-256 differs")
        packed = pack(lines)
        target = options.out / f"{name}.ranks"
        target.write_bytes(zlib.compress(packed, 9))
        print(
            f"{hashlib.sha256(packed).hexdigest()}  {target.name}  {target.stat().st_size:,} bytes"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
