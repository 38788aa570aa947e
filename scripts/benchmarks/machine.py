"""Machine: what figures depend on besides the code, to be named beside them.

Reads /proc on Linux; elsewhere what cannot be found is left empty.
"""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_FLAGS = {"avx2": "avx2", "avx512f": "avx512", "avx512_vnni": "vnni", "avx_vnni": "avx_vnni"}
"""As /proc/cpuinfo names them -> as the report does: those that int8 and float32 kernels use."""
_OUR_PACKAGES = ("filesearch", "numpy", "onnxruntime", "tokenizers", "faiss-cpu", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and its interpreter.

    Attributes:
        cpu: Model name.
        flags: Vector instructions among avx2, avx512, vnni (AVX-512's) and avx_vnni.
        cores: Those this process may use.
        memory_gb: In GiB.
        load: Mean length of the run queue over the last minute; above 0.5 before a run means that
            something else is running.
    """

    cpu: str
    flags: tuple[str, ...]
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float

    def __str__(self) -> str:
        flags = " ".join(self.flags) or "no AVX2"
        return (
            f"{self.cpu} ({flags}), {self.cores} cores, {self.memory_gb:.0f} GiB, {self.system}, "
            f"Python {self.python}, load {self.load:.1f} at the start"
        )


def describe_machine() -> Machine:
    """Return what this machine is."""
    info = _read("/proc/cpuinfo")
    found = set(_field(info, "flags").split())
    total_kb = re.search(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))
    affinity = getattr(os, "sched_getaffinity", None)
    return Machine(
        cpu=_field(info, "model name") or platform.processor() or platform.machine(),
        flags=tuple(shown for flag, shown in _FLAGS.items() if flag in found),
        cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
        memory_gb=round(int(total_kb[1]) / (1 << 20), 1) if total_kb else 0.0,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def our_versions() -> dict[str, str]:
    """Return package -> version of ours and what it computes with."""
    return {name: metadata.version(name) for name in _OUR_PACKAGES}


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # another system than Linux
        return ""


def _field(info: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*)$", info, re.MULTILINE)
    return found[1] if found else ""
