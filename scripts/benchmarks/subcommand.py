"""Subcommand: what scripts/bench.py asks of each of its modules.

A module defines `SUBCOMMAND`; its docstring is the subcommand's `--help` and says what is measured
and how many minutes it takes at its default sizes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import Environments
from benchmarks.report import Report


@dataclass(frozen=True, slots=True)
class Session:
    """What all subcommands share in one run.

    Attributes:
        peers: Those to compare with; their environments are made.
        turns: How often each contestant runs, at least 1.
        scratch: An empty folder, deleted at the end.
    """

    environments: Environments
    peers: tuple[str, ...]
    turns: int
    scratch: Path


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One benchmark.

    Attributes:
        summary: One line for the list of subcommands.
        description: For its `--help`; the module's docstring.
        peers: Names among `environments.PEERS` that it can be compared with.
        turns: Default of `--turns`.
        add_arguments: Adds what it takes besides the shared flags.
        measure: Yields the report so far after every turn, the whole one last.

    `measure` raises BenchError for what ends the run; a contestant that fails alone goes into
    `Report.errors`.
    """

    name: str
    summary: str
    description: str
    peers: tuple[str, ...]
    turns: int
    add_arguments: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[argparse.Namespace, Session], Iterator[Report]]
