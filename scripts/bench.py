#!/usr/bin/env python3
"""Measure filesearch beside its peers in one run: a table and JSON, medians and ratios.

    scripts/bench.py environments                     install all peers (some 8 GB; minutes, once)
    scripts/bench.py SUBCOMMAND ... [--peers none] [--turns N] [--json] [--save FILE]
    scripts/bench.py SUBCOMMAND --help                what it measures, its sizes, its minutes

Peers are installed from PyPI in environments of their own, at pinned versions, and run there.
Contestants take turns; a ratio is the median of the ratios within turns. `--save` writes the JSON
after every turn, so that an interrupted run is not lost. Exit code 1 when anything failed; a
target that is not reached is shown and is no failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import bm25, cold, embed, ingest, load, scale, search
from benchmarks.environments import DEFAULT_FOLDER, PEERS, Environments, choose_peers
from benchmarks.errors import BenchError
from benchmarks.machine import describe_machine, our_versions
from benchmarks.report import Report, check_plot, draw_charts, save_json
from benchmarks.subcommand import Session, Subcommand

SUBCOMMANDS: tuple[Subcommand, ...] = (
    embed.SUBCOMMAND,
    ingest.SUBCOMMAND,
    bm25.SUBCOMMAND,
    search.SUBCOMMAND,
    scale.SUBCOMMAND,
    cold.SUBCOMMAND,
    load.SUBCOMMAND,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        if options.subcommand is None:
            return make_environments(options)
        return run(options.subcommand, options)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog="bench.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chosen = parser.add_subparsers(required=True, metavar="SUBCOMMAND")
    for subcommand in SUBCOMMANDS:
        own = chosen.add_parser(
            subcommand.name,
            help=subcommand.summary,
            description=subcommand.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subcommand.add_arguments(own)
        _add_shared(own, subcommand)
        own.set_defaults(subcommand=subcommand)
    environments = chosen.add_parser("environments", help="install the peers and do no more")
    _add_environments(environments)
    environments.add_argument("--peers", default="all", help="some of: " + ", ".join(PEERS))
    environments.add_argument("--json", action="store_true", help="print versions as JSON")
    environments.set_defaults(subcommand=None)
    return parser


def _add_shared(parser: argparse.ArgumentParser, subcommand: Subcommand) -> None:
    shared = parser.add_argument_group("shared by all subcommands")
    shared.add_argument(
        "--peers",
        default="all",
        metavar="NAMES",
        help=f"all, none, or some of: {', '.join(subcommand.peers)} [default: all]",
    )
    _add_environments(shared)
    shared.add_argument(
        "--turns",
        type=int,
        default=subcommand.turns,
        help="runs of each contestant [default: %(default)s]",
    )
    shared.add_argument("--json", action="store_true", help="print one JSON object instead")
    shared.add_argument("--save", type=Path, metavar="FILE", help="write the JSON, turn by turn")
    shared.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the growth, if any")


def _add_environments(parser: Any) -> None:
    parser.add_argument(
        "--environments",
        type=Path,
        default=DEFAULT_FOLDER,
        metavar="DIR",
        help="where the peers are installed, once [default: %(default)s]",
    )
    parser.add_argument(
        "--torch-index",
        metavar="URL",
        help="package index with CPU builds of torch, such as https://download.pytorch.org/whl/cpu;"
        " needed where PyPI's own would bring CUDA, which is refused",
    )


def make_environments(options: argparse.Namespace) -> int:
    """Make the environments and name what is in them; returns the exit code."""
    environments = Environments(options.environments, options.torch_index)
    found = {n: environments.versions(n) for n in choose_peers(options.peers, tuple(PEERS))}
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for name, versions in found.items():
            print(f"{name}: {_main_versions(name, versions)}")
    return 0


def run(subcommand: Subcommand, options: argparse.Namespace) -> int:
    """Measure, keep what there is after each turn, and print the last; returns the exit code.

    Raises:
        BenchError: A flag is wrong, or nothing could be measured.
    """
    if options.turns < 1:
        raise BenchError(f"--turns must be at least 1, not {options.turns}")
    if options.plot:
        check_plot(options.plot)
    if options.save and not options.save.parent.is_dir():
        raise BenchError(f"--save: the folder of '{options.save}' does not exist; make it first")
    environments = Environments(options.environments, options.torch_index)
    peers = choose_peers(options.peers, subcommand.peers)
    installed = {name: environments.versions(name) for name in peers}
    machine, ours = describe_machine(), our_versions()
    head = {
        "subcommand": subcommand.name,
        "arguments": {k: v for k, v in vars(options).items() if isinstance(v, str | int | float)},
        "machine": asdict(machine),
        "versions": ours,
        "peers": installed,
    }
    shown = [f"`bench.py {subcommand.name}` on {machine}."]
    shown.append("Ours: " + ", ".join(f"{k} {v}" for k, v in ours.items()) + ".")
    shown += [f"{name}: {_main_versions(name, found)}." for name, found in installed.items()]
    report: Report | None = None
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        session = Session(environments, peers, options.turns, Path(scratch))
        try:
            for report in subcommand.measure(options, session):
                if options.save:
                    save_json({**head, "is_complete": False, **report.as_json()}, options.save)
        except KeyboardInterrupt:
            if report is None:
                raise BenchError("interrupted before anything was measured") from None
            print(report.render())
            raise BenchError("interrupted; above is what was measured until then") from None
    if report is None:
        raise BenchError(f"{subcommand.name} measured nothing")
    whole = {**head, "is_complete": True, **report.as_json()}
    if options.save:
        save_json(whole, options.save)
    if options.plot:
        draw_charts(report.charts, options.plot)
    print(json.dumps(whole, indent=1) if options.json else "\n\n".join([*shown, report.render()]))
    for name, why in report.errors.items():
        print(f"error: {name}: {why}", file=sys.stderr)
    return 1 if report.errors else 0


def _main_versions(name: str, versions: dict[str, str]) -> str:
    return ", ".join(f"{package} {versions[package]}" for package in PEERS[name].main_packages)


if __name__ == "__main__":
    sys.exit(main())
