"""Server process: a real server with a scripted model, to be measured, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tests" / "sdk" / "scripted_server.py"


class ServerProcess:
    """One process over an index directory, with the children it starts.

    Args:
        index: Directory of the index.
        arguments: For tests/sdk/scripted_server.py, besides.

    Attributes:
        base_url: With /v1.
    """

    def __init__(self, index: Path, *arguments: str) -> None:
        self.base_url = ""
        self._command = [sys.executable, str(SCRIPT), "--index", str(index), *arguments]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and read where it listens.

        Raises:
            RuntimeError: It ended instead.
        """
        environ = {k: v for k, v in os.environ.items() if not k.startswith("FSEARCH_")}
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            env={**environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,  # so that a kill takes its children along
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        if not self.base_url:
            raise RuntimeError("the server did not start")

    def stop(self) -> int:
        """End it as a service manager would; returns its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(60)
        self._process = None
        return code

    def kill(self, *, with_children: bool = True) -> None:
        """End it at once, without any warning."""
        if self._process is not None:
            (os.killpg if with_children else os.kill)(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def memory_mb(self) -> float:
        """Return the resident memory of the process and its children, in MiB."""
        if self._process is None:
            return 0.0
        group = os.getpgid(self._process.pid)
        total = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:  # gone meanwhile
                continue
            if int(fields[2]) == group:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        return total / (1 << 20)
