"""Measuring: programs run and timed, contestants in turn, medians and ratios.

contestants -> turns (one figure of each a turn) -> medians, and the median of the turns' ratios.
Contestants of one turn run right after one another and every other turn runs backwards, so that
what disturbs the machine disturbs all; hence ratios are taken within turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.errors import BenchError

Found = TypeVar("Found")
TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has run.

    Attributes:
        wall_s: Its whole life.
        output: What it printed, standard error apart.
        peak_mb: The largest resident size of the process or of a child it waited for, in MiB.
        cpu_s: User and system time of the process and of the children it waited for.
    """

    wall_s: float
    output: str
    peak_mb: float
    cpu_s: float


def child_environment(**additions: str) -> dict[str, str]:
    """Return the environment variables for a contestant: no settings of ours, bytecode kept."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FSEARCH_")}
    # An installed package has its bytecode; a checkout that may not write any would be compiled
    # anew by every process.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir()) / "bench-pyc"))
    return environment | additions


def run_program(
    command: Sequence[str | Path],
    *,
    timeout_s: float = TIMEOUT_S,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end.

    Raises:
        BenchError: It fails, or takes longer than `timeout_s`.
    """
    words = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(
            words, stdout=output, stderr=errors, env=environment or child_environment()
        )
        timer = threading.Timer(timeout_s, child.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:  # also Ctrl-C: no contestant runs on
            child.kill()
            raise
        finally:
            timer.cancel()
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode != 0:
            late = f" after {timeout_s:.0f} s" if wall_s >= timeout_s else ""
            said = errors.read()[-2000:].strip() or output.read()[-2000:].strip()
            shown = " ".join(words)[:200]
            raise BenchError(f"'{shown}' ended with {child.returncode}{late}: {said}")
        # Linux counts in KiB, macOS in bytes.
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        cpu_s = usage.ru_utime + usage.ru_stime
        return Finished(wall_s, output.read(), usage.ru_maxrss / unit, cpu_s)


def alternate(
    contestants: Mapping[str, Callable[[], Found]], turns: int, errors: dict[str, str]
) -> Iterator[dict[str, Found]]:
    """Yield what each contestant gave in each turn, after the turn.

    Args:
        contestants: Name -> what runs and measures it.
        turns: At least 1.
        errors: Filled with the message of each contestant that failed, which has no more turns.
    """
    for turn in range(turns):
        names = list(contestants) if turn % 2 == 0 else list(contestants)[::-1]
        found: dict[str, Found] = {}
        for name in names:
            if name in errors:
                continue
            say(f"turn {turn + 1} of {turns}: {name}")
            try:
                found[name] = contestants[name]()
            except BenchError as error:
                errors[name] = str(error)
                say(f"  failed: {error}")
        yield found


def figures_of(
    turns: Sequence[Mapping[str, Found]], name: str, figure: Callable[[Found], float]
) -> list[float]:
    """Return one figure of one contestant, turn by turn, where it has any."""
    return [figure(turn[name]) for turn in turns if name in turn]


def median(figures: Sequence[float]) -> float | None:
    """Return the median, None of nothing."""
    return statistics.median(figures) if figures else None


def median_ratio(
    turns: Sequence[Mapping[str, Found]],
    above: str,
    below: str,
    figure: Callable[[Found], float],
) -> float | None:
    """Return the median of the ratios `above / below` within each turn that has both.

    None when no turn has, or the figure below is 0.
    """
    ratios = [
        figure(turn[above]) / figure(turn[below])
        for turn in turns
        if above in turn and below in turn and figure(turn[below])
    ]
    return median(ratios)


def percentile(figures: Sequence[float], share: float) -> float | None:
    """Return the smallest figure that at least `share` (0 to 1) of all do not exceed."""
    if not figures:
        return None
    ordered = sorted(figures)
    rank = max(1, -int(-share * len(ordered) // 1))  # ceiling: the nearest rank
    return ordered[min(rank, len(ordered)) - 1]


def say(line: str) -> None:
    """Tell whoever waits."""
    print(line, file=sys.stderr, flush=True)
