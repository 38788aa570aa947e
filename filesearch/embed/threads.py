"""Threads: how texts are shared out among them, measured on the machine and remembered.

What suits a machine depends on its caches, on whether two cores are one, and on the runtime: many
texts at once with a thread each, or one text at a time with all threads. Vectors do not depend on
it. The first long call of `embed_windows` on a machine tries what there is, on its own texts, so
that no work is wasted; what was fastest is written to `embedding.json` in the user's cache folder
and holds until processor, number of cores, runtime or model change. A machine that is busy with
other things says the wrong thing: what is not usual must win in three processes before it is used.
Searches measure nothing and write nothing.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filesearch.onnx_session import refuse_telemetry

_log = logging.getLogger("filesearch.embed")

# Each way is tried in so many turns, on at least so many word pieces a core and turn (four
# windows, 0.2 s): a quarter of a percent of an ingest of a thousand files.
TURNS = 3
MIN_PIECES_PER_CORE = 800
# Another way than the usual one is taken where it is this much faster: less is noise.
MIN_GAIN = 1.05
# ... and was so in so many processes. One that ran beside an installation found one text at a time
# a third faster; the machine was then left with 75 windows a second, where it does 120.
CONFIRMATIONS = 3
# So many machines share one home directory, at most; the ones measured first are forgotten first.
_MAX_MACHINES = 16


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How cores are used.

    Attributes:
        runs: Texts embedded at the same time.
        threads: Threads that work on each of them; above 1 only where `runs` is 1.
    """

    runs: int
    threads: int = 1


def usual(cores: int) -> Arrangement:
    """Return what is used where nothing was measured: a text for each core.

    No thread waits for another one then, whatever else the machine is doing.
    """
    return Arrangement(runs=cores)


def choices(cores: int) -> list[Arrangement]:
    """Return what is worth trying, the usual first; on one core there is no choice.

    Half of the cores wins where two of them share one's arithmetic (hyper-threads).
    """
    found = [usual(cores)]
    if cores >= 4:
        found.append(Arrangement(runs=cores // 2))
    if cores > 1:
        found.append(Arrangement(runs=1, threads=cores))
    return found


class Trial:
    """Times the choices on real work, some of it for each, and says which is fastest.

    Args:
        cores: As `usable_cores` says.
    """

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.choices = choices(cores)
        self.min_pieces = MIN_PIECES_PER_CORE * cores * len(self.choices)
        self._paces: dict[Arrangement, list[float]] = {choice: [] for choice in self.choices}

    def note(self, choice: Arrangement, *, pieces: int, seconds: float) -> None:
        """Take how long `choice` took for so many word pieces."""
        self._paces[choice].append(pieces / max(seconds, 1e-9))

    @property
    def is_over(self) -> bool:
        """Whether every choice had its turns."""
        return all(len(paces) >= TURNS for paces in self._paces.values())

    @property
    def paces(self) -> dict[Arrangement, float]:
        """Word pieces a second of each choice: its best turn, which was disturbed least."""
        return {choice: max(paces, default=0.0) for choice, paces in self._paces.items()}

    @property
    def best(self) -> Arrangement:
        """The fastest choice; the usual one unless another is clearly faster."""
        paces = self.paces
        first = self.choices[0]
        best = max(self.choices, key=lambda choice: paces[choice])
        return best if paces[best] > MIN_GAIN * paces[first] else first


def describe_machine(model: str, cores: int) -> str:
    """Return what a measurement holds for: processor, cores, runtime and model, as one line."""
    refuse_telemetry()
    import onnxruntime

    return f"{_processor()}; {cores} cores; onnxruntime {onnxruntime.__version__}; {model}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def choice_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return where choices are remembered: below XDG_CACHE_HOME, else ~/.cache.

    None for a user without a home directory, such as a container is given by number alone: nothing
    is remembered then, and each process measures anew.

    Args:
        environ: Variables; the process's own when None.
    """
    values = os.environ if environ is None else environ
    folder = Path(values.get("XDG_CACHE_HOME", ""))
    # The specification has relative paths ignored.
    if not folder.is_absolute():
        try:
            folder = Path.home() / ".cache"
        except RuntimeError:
            return None
    return folder / "filesearch" / "embedding.json"


def recall(path: Path | None, machine: str, cores: int) -> Arrangement | None:
    """Return what holds for this machine; None where that is still to be measured.

    Args:
        path: As `choice_file` says.
        machine, cores: As `describe_machine` and `usable_cores` say.
    """
    if path is None:
        return None
    best, wins = _kept(_read(path).get(machine), cores)
    return best if best == usual(cores) or wins >= CONFIRMATIONS else None


def remember(path: Path | None, machine: str, trial: Trial) -> Arrangement:
    """Write down what won, and return what is to be used from now on.

    A folder that cannot be written, or is not there, costs a measurement each time.
    """
    if path is None:
        return trial.choices[0]  # what won once is not sure
    known, first, best = _read(path), trial.choices[0], trial.best
    before, wins = _kept(known.get(machine), trial.cores)
    wins = wins + 1 if best == before else 1
    kept = {name: value for name, value in known.items() if name != machine}
    for name in list(kept)[: max(0, len(kept) + 1 - _MAX_MACHINES)]:
        del kept[name]
    kept[machine] = {
        "runs": best.runs,
        "threads": best.threads,
        "wins": wins,
        "pieces_per_s": {f"{c.runs}x{c.threads}": round(p) for c, p in trial.paces.items()},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        written = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(kept, out, indent=2)
            written.replace(path)
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        _log.debug("'%s' cannot be written: %s", path, error)
    return best if wins >= CONFIRMATIONS else first


def _kept(entry: object, cores: int) -> tuple[Arrangement | None, int]:
    """Return what won last on a machine, None where nothing did, and how often in a row."""
    if not isinstance(entry, dict):
        return None, 0
    named = (entry.get("runs"), entry.get("threads"))
    best = next((c for c in choices(cores) if (c.runs, c.threads) == named), None)
    wins = entry.get("wins")
    return best, wins if isinstance(wins, int) else 0


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    # Not there, or not ours any more: measured again.
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
