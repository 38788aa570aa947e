#!/usr/bin/env python3
"""Make a judged set for code search out of Python's standard library.

    python scripts/make_code_set.py DIRECTORY [--functions 2000] [--queries 400]

A document is a function without its docstring; a question is the first sentence of the docstring,
and its function the one answer. The choice is drawn with a fixed seed, so that one version of
Python always gives the same set. It is written as `fsearch eval` reads it: corpus.jsonl,
queries.jsonl, qrels.tsv.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Test suites, other people's code, and what is no library.
SKIPPED = ("site-packages", "test", "idlelib", "lib2to3", "turtle", "pydoc_data", "ensurepip")
MIN_WORDS, MAX_WORDS = 5, 25
MIN_CHARACTERS, MAX_CHARACTERS = 80, 4000


def make_code_set(directory: Path, *, functions: int = 2000, queries: int = 400) -> None:
    """Write the set into `directory`, unless it is there already."""
    if (directory / "qrels.tsv").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    found = list(_functions(Path(sysconfig.get_paths()["stdlib"])))
    random.Random(0).shuffle(found)
    chosen = found[:functions]
    corpus = [{"_id": f"c{i}", "title": "", "text": code} for i, (code, _) in enumerate(chosen)]
    asked = [{"_id": f"q{i}", "text": said} for i, (_, said) in enumerate(chosen[:queries])]
    for name, rows in (("corpus.jsonl", corpus), ("queries.jsonl", asked)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / name).write_text(lines, encoding="utf-8")
    judged = "".join(f"q{i}\tc{i}\t1\n" for i in range(len(asked)))
    (directory / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")


def _functions(library: Path) -> Iterator[tuple[str, str]]:
    """Yield the code of each function and what its docstring says first, all different."""
    seen = set()
    for path in sorted(library.rglob("*.py")):
        if any(part in str(path.relative_to(library)) for part in SKIPPED):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):  # a few files are broken, or encoded oddly, on purpose
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            docstring = ast.get_docstring(node) or ""
            said = " ".join(docstring.split("\n\n")[0].split()).split(". ")[0]
            if said in seen or not MIN_WORDS <= len(said.split()) <= MAX_WORDS:
                continue
            seen.add(said)
            node.body = node.body[1:] or [ast.Pass()]
            code = ast.unparse(node)
            if MIN_CHARACTERS <= len(code) <= MAX_CHARACTERS:
                yield code, said


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path, metavar="DIRECTORY")
    parser.add_argument("--functions", type=int, default=2000)
    parser.add_argument("--queries", type=int, default=400)
    args = parser.parse_args()
    make_code_set(args.directory, functions=args.functions, queries=args.queries)
    print(f"wrote {args.directory}")


if __name__ == "__main__":
    main()
