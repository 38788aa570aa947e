#!/usr/bin/env python3
"""Measure what an installation takes on the disk: a table of packages, largest first.

    python scripts/install_size.py                     # installs this checkout, as README says
    python scripts/install_size.py --extra eval --json
    python scripts/install_size.py --environment .venv # measures one that is there

A package is charged the files that it installed, byte code left out: Python writes that for what
it imports, not for what is there. pip and setuptools came with the environment and are not
counted. A file counts what it holds, not the blocks that it lies on. Of a checkout that was
installed in place, what a wheel would take along is counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
NOT_OURS = {"pip", "setuptools", "wheel"}
MEGABYTE = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    if options.environment:
        sizes = package_sizes(options.environment)
    else:
        with tempfile.TemporaryDirectory(prefix="fsearch-size-") as scratch:
            install(Path(scratch), options.extra)
            sizes = package_sizes(Path(scratch))
    total = sum(sizes.values())
    if options.json:
        print(json.dumps({"total_bytes": total, "packages": sizes}, indent=2))
        return 0
    for name, size in sizes.items():
        if size >= MEGABYTE:
            print(f"{size / MEGABYTE:8.1f} MB  {name}")
    small = [size for size in sizes.values() if size < MEGABYTE]
    print(f"{sum(small) / MEGABYTE:8.1f} MB  {len(small)} packages of less than 1 MB each")
    print(f"{total / MEGABYTE:8.1f} MB  in all, the model and the tokenizers included")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="install_size.py", description="Measure what an installation takes on the disk."
    )
    parser.add_argument(
        "--extra", action="append", default=[], metavar="NAME", help="with an extra; repeatable"
    )
    parser.add_argument(
        "--environment", type=Path, metavar="DIR", help="measure this one; nothing is installed"
    )
    parser.add_argument("--json", action="store_true", help="print JSON: bytes by package")
    options = parser.parse_args(arguments)
    if options.environment and not (options.environment / "pyvenv.cfg").is_file():
        parser.error(f"'{options.environment}' is no virtual environment")
    return options


def install(environment: Path, extras: Sequence[str]) -> None:
    """Make an environment with this checkout in it, as scripts/environment.sh does."""
    wanted = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    python = environment / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-compile", wanted],
    ):
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"install_size: this failed, see above: {' '.join(command)}")


def package_sizes(environment: Path) -> dict[str, int]:
    """Return the bytes of each package in an environment, largest first."""
    [site] = environment.glob("lib/python3*/site-packages")
    found = {
        each.metadata["Name"]: _size(each)
        for each in distributions(path=[str(site)])
        if each.metadata["Name"] not in NOT_OURS
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _size(package: Distribution) -> int:
    paths = {Path(str(file.locate())) for file in package.files or ()}
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        checkout = Path(unquote(urlsplit(origin["url"]).path))
        paths |= set((checkout / package.metadata["Name"]).rglob("*"))
    paths = {path for path in paths if path.suffix != ".pyc"}
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
