"""Memory: what an open index costs the process that searches it.

/proc/self/smaps -> a `MemoryReport`: what each step on the way to a first answer took for itself,
and how much of each mapped file is resident. Mapped files belong to the page cache: processes share
them, and the system takes the memory back where it is short. Only Linux tells; elsewhere the report
is empty but for the process's peak.
"""

from __future__ import annotations

import re
import resource
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

SMAPS = Path("/proc/self/smaps")
# Address range, rights, offset, device, inode, path: proc_pid_smaps(5).
_PACKAGED = Path(str(resources.files("filesearch") / "data")).resolve()
_HEAD = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)")
_DELETED = " (deleted)"
_KIB = 1024
# What the files of a segment hold, by their names; those of FAISS are vectors, the rest postings.
_SEGMENT_KINDS = {
    "signs.npy": "late interaction",
    "sign_offsets.npy": "late interaction",
    "chunks.npy": "chunk and window tables",
    "windows.npy": "chunk and window tables",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a bare process to a first answer.

    Attributes:
        name: Such as "model".
        own_bytes: By how much the process's own memory (anonymous pages) grew meanwhile; it may
            have shrunk.
    """

    name: str
    own_bytes: int


@dataclass(frozen=True, slots=True)
class MappedFiles:
    """The files of one kind that the process has mapped.

    Attributes:
        kind: What they hold, such as "vectors".
        size_bytes: Of what is mapped.
        resident_bytes: Of that, what is in memory, whoever else uses it; at most `size_bytes`.
    """

    kind: str
    size_bytes: int
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What a process holds after a first answer.

    Attributes:
        steps: In order; their sum is `own_bytes`, but for what measuring takes. Empty where the
            system does not tell.
        files: Largest part in memory first. Empty where the system does not tell.
        own_bytes: Memory of the process alone; 0 where the system does not tell.
        resident_bytes: That and the resident part of mapped files.
        peak_bytes: The most that was resident so far.
    """

    steps: tuple[Step, ...]
    files: tuple[MappedFiles, ...]
    own_bytes: int
    resident_bytes: int
    peak_bytes: int


def kind_of_file(path: Path, *, index: Path) -> str:
    """Return what a mapped file holds.

    Args:
        path: Absolute.
        index: Directory of the index.
    """
    index = index.resolve()
    if path.is_relative_to(index / "segments"):
        rest = "vectors" if path.suffix == ".faiss" else "postings"
        return _SEGMENT_KINDS.get(path.name, rest)
    if path.is_relative_to(index):
        return "catalog"
    if path.is_relative_to(_PACKAGED):
        return "bundled model"
    return "libraries" if ".so" in path.suffixes else "other files"


class Meter:
    """Measures this process, step by step; the first step is what it held before.

    Args:
        kind_of: Path of a mapped file -> its kind.
        smaps: Where the system tells.
    """

    def __init__(self, kind_of: Callable[[Path], str], *, smaps: Path = SMAPS) -> None:
        self._kind_of = kind_of
        self._smaps = smaps
        self._last = self._own_bytes()
        self._steps = [Step("program", self._last)]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count what happens within as the step `name`."""
        yield
        now = self._own_bytes()
        self._steps.append(Step(name, now - self._last))
        self._last = now

    def report(self) -> MemoryReport:
        """Return what the process holds now."""
        sizes: defaultdict[str, int] = defaultdict(int)
        resident: defaultdict[str, int] = defaultdict(int)
        own = 0
        for mapping in _mappings(self._smaps):
            own += mapping.own_bytes
            if mapping.path:
                kind = self._kind_of(Path(mapping.path.removesuffix(_DELETED)))
                sizes[kind] += mapping.size_bytes
                resident[kind] += mapping.resident_bytes - mapping.own_bytes
        kinds = sorted(sizes, key=lambda kind: (-resident[kind], kind))
        # Kilobytes on Linux, bytes on macOS: getrusage(2) of each.
        unit = 1 if sys.platform == "darwin" else _KIB
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        now = own + sum(resident.values())
        return MemoryReport(
            steps=tuple(self._steps) if own else (),
            files=tuple(MappedFiles(kind, sizes[kind], resident[kind]) for kind in kinds),
            own_bytes=own,
            resident_bytes=now,
            peak_bytes=max(peak, now),  # the kernel counts it in strides, and may lag
        )

    def _own_bytes(self) -> int:
        return sum(mapping.own_bytes for mapping in _mappings(self._smaps))


@dataclass(slots=True)
class _Mapping:
    """One stretch of the address space; `path` is empty where no file is mapped."""

    path: str
    size_bytes: int = 0
    resident_bytes: int = 0
    own_bytes: int = 0


_FIELDS = {"Size:": "size_bytes", "Rss:": "resident_bytes", "Anonymous:": "own_bytes"}


def _mappings(smaps: Path) -> list[_Mapping]:
    """Return every mapping of this process; none where the system does not tell."""
    try:
        lines = smaps.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found: list[_Mapping] = []
    for line in lines:
        head = _HEAD.fullmatch(line)
        if head:
            found.append(_Mapping(head[1] if head[1].startswith("/") else ""))
            continue
        name, *rest = line.split()
        if name in _FIELDS:
            setattr(found[-1], _FIELDS[name], int(rest[0]) * _KIB)
    return found
