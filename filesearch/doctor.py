"""Doctor: check that what filesearch needs is there and works."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from filesearch import __version__
from filesearch.adapters import make_embedder
from filesearch.answer_reader import Excerpt, packaged_reader
from filesearch.config import Settings, load_settings
from filesearch.engine import FileSearch
from filesearch.errors import FilesearchError, NotFound
from filesearch.load import LoadOptions
from filesearch.load.ocr.engine import INSTALL, describe_engine
from filesearch.load.process.isolation import make_loader
from filesearch.tokens import count_tokens

MIN_FREE_BYTES = 1 << 30
_LIBRARIES = ("numpy", "faiss-cpu", "onnxruntime", "tokenizers", "tiktoken", "SQLAlchemy", "pypdf")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_ok: bool
    detail: str


def examine(index: str | None) -> list[Check]:
    """Return every check, for the index that the settings name or `index`.

    A missing index is not a fault: it is made by the first ingest.
    """
    checks = [
        Check(
            "filesearch",
            sys.version_info >= (3, 11),
            f"{__version__} on Python {platform.python_version()}, {platform.platform()}",
        ),
        _check("libraries", lambda: ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)),
        _check("tokenizer", lambda: f"cl100k_base, {count_tokens('hello world')} tokens in a test"),
    ]
    try:
        settings = load_settings({"index": index})
    except FilesearchError as error:
        return [*checks, Check("settings", False, str(error))]
    checks.append(Check("settings", True, f"index {settings.index}, embedder {settings.embedder}"))
    checks.append(_check("embedder", lambda: _try_embedder(settings.embedder)))
    checks.append(_check("answer reader", _try_reader))
    checks.append(_check("isolation", lambda: _confinement(settings)))
    checks.append(_check("ocr", lambda: _ocr(settings)))
    checks.append(_check("disk", lambda: _free_space(Path(settings.index))))
    checks.append(_check("index", lambda: _try_index(settings.index)))
    return checks


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    # Whatever a library raises is the finding.
    except Exception as error:  # noqa: BLE001
        return Check(name, False, f"{type(error).__name__}: {error}")


def _try_embedder(name: str) -> str:
    embedder = make_embedder(name)
    verify = getattr(embedder, "verify", None)  # the bundled model knows its hashes
    if verify is not None:
        verify()
    near, far = embedder.embed_texts(["A cat sat on the mat.", "Quarterly revenue rose."])
    query = embedder.embed_query("Where is the cat?")
    if float(query @ near) <= float(query @ far):
        raise RuntimeError(f"'{name}' finds a cat in a report on revenue")
    return f"{embedder.name}, {embedder.dimension} dimensions, tells a cat from revenue"


def _try_reader() -> str:
    reader = packaged_reader()
    reader.verify()
    text = "The kiln was built by Tomas Reyes in 1991."
    [known] = reader.read("Who built the kiln?", [Excerpt(text)])
    [unknown] = reader.read("Who sold the boat?", [Excerpt(text)])
    if known.judged <= unknown.judged:
        raise RuntimeError("it finds an answer where there is none")
    return "tells an answer from none"


def _confinement(settings: Settings) -> str:
    with make_loader(settings) as loader:
        held = loader.confinement().describe()
    limits = f"{settings.parse_timeout_s:g} s and {settings.parse_memory_mb} MiB a file"
    return f"parsers run in a process of their own, {limits}; {held}"


def _ocr(settings: Settings) -> str:
    if settings.ocr == "off":
        return "off; scans and pictures are not read"
    engine = describe_engine(LoadOptions(ocr=settings.ocr))
    return engine or f"no engine, so scans and pictures are not read; {INSTALL}"


def _free_space(directory: Path) -> str:
    existing = next(path for path in (directory, *directory.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        raise RuntimeError(f"{free >> 20} MiB free at {existing}; an ingest may run out of space")
    return f"{free >> 30} GiB free at {existing}"


def _try_index(index: str) -> str:
    with FileSearch(index) as fs:
        try:
            stats = fs.stats()
        except NotFound as error:
            return str(error)
        fs.search("test", top_k=1)
        return f"{stats.files} files, {stats.chunks} chunks, {stats.segments} segments, searchable"
