"""Environments: each version of OpenAI's SDKs installed in a folder of its own, made once.

They lie below the folder that the variable SDK_ENVS names, ~/.cache/filesearch/sdk by default,
and are kept: a version never changes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("SDK_ENVS") or Path.home() / ".cache" / "filesearch" / "sdk")
_INSTALL_S = 300


class Unavailable(Exception):
    """An environment cannot be made here: the message says why."""


@dataclass(frozen=True)
class Sdk:
    """One version of one SDK.

    Attributes:
        language: "python" or "node".
        extra: What has to be installed beside it.
    """

    language: str
    version: str
    extra: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of its folder and its column."""
        return f"openai-{self.language}-{self.version}"

    def install(self) -> Path:
        """Return the folder of the environment, made unless it is there.

        Raises:
            Unavailable: No Node.js, or the registry cannot be reached.
        """
        folder = CACHE / self.name
        ready, wanted = folder / "ready", " ".join(self.extra)
        if ready.exists() and ready.read_text() == wanted:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.language == "python":
            _run([sys.executable, "-m", "venv", folder])
            pip = [folder / "bin" / "python", "-m", "pip", "install", "-q"]
            _run([*pip, f"openai=={self.version}", *self.extra])
        else:
            if shutil.which("npm") is None:
                raise Unavailable("Node.js with npm is not installed")
            (folder / "package.json").write_text('{"private": true}')
            npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder]
            _run([*npm, f"openai@{self.version}"])
        ready.write_text(wanted)
        return folder

    def drive(self, base_url: str) -> dict[str, Any]:
        """Return what the driver of its language printed; see drive.py."""
        folder = self.install()
        if self.language == "python":
            command = [folder / "bin" / "python", "-B", HERE / "drive.py", base_url]
        else:
            command = ["node", HERE / "drive.mjs", base_url, folder]
        printed: dict[str, Any] = json.loads(_run(command))
        return printed


# The old ones pass `proxies` on, which httpx 0.28 took away.
OLD_HTTPX = ("httpx<0.28",)
# What their `responses.connect` asks for.
REALTIME = ("websockets<18",)
SDKS = (
    Sdk("python", "1.30.1", OLD_HTTPX),
    Sdk("python", "1.51.0", OLD_HTTPX),
    Sdk("python", "1.65.0", OLD_HTTPX),
    Sdk("python", "2.54.0", REALTIME),
    Sdk("python", "3.54.0", REALTIME),
    Sdk("node", "4.77.0"),
    Sdk("node", "7.57.0"),
)


def _run(command: list[Any]) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if "OUTER_SSL_CERT_FILE" in environ:  # within our tests; registries are outside
        environ["SSL_CERT_FILE"] = environ.pop("OUTER_SSL_CERT_FILE")
        if not environ["SSL_CERT_FILE"]:
            del environ["SSL_CERT_FILE"]
    try:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=True,
            env=environ,
        )
    except FileNotFoundError as error:
        raise Unavailable(f"{error.filename} is not installed") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = str(error.stderr or error)[-500:]
        raise Unavailable(f"{command[0]} failed: {said}") from error
    return done.stdout
