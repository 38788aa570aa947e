"""Index cache: the corpus of an evaluation set -> an index of it, made once and used again.

The name of the index holds a digest of all that its content follows from: the documents, the
embedder, the chunk settings, late interaction, how files are read and our own code. A change of any
of them makes another index, so that figures are never those of an old one. A run that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

import filesearch
from filesearch.config import Settings
from filesearch.engine import FileSearch
from filesearch.errors import IndexDamaged
from filesearch.evaluation.reading import EvaluationSet
from filesearch.load.ocr.engine import describe_engine
from filesearch.load.options import LoadOptions
from filesearch.protocols import Embedder
from filesearch.reports import IngestProgress
from filesearch.types import ChunkSettings
from filesearch.walk import find_sources

DEFAULT_CACHE = Path("indexes/eval")
# Written into the index when all of the corpus is in.
_DONE_FILE = "evaluation.json"
# Parts of the package that do not shape an index: a change there keeps what is cached. What is
# not named here counts, so that a new part is on the safe side.
_AFTER_INDEXING = frozenset(
    "__init__ __main__ adapters answer answer_reader answerable asked_names asked_years "
    "candidates cite cli compare config context_cache conversation decompose doctor engine errors "
    "evaluation filters fuse index_rows intake judge late lock maintain model_choices passages "
    "patterns plan ranking ranking_options render repeats rerank results retrieve rewrite scoring "
    "search_turns server sign_product steps stop_words testing tool turns typos upkeep "
    "wording".split()
)


class CachedIndex(msgspec.Struct, frozen=True):
    """An index of a corpus, complete.

    Attributes:
        path: Its directory.
        failures: File name -> why it could not be read.
    """

    path: Path
    failures: dict[str, str]


def cached_index(
    data: EvaluationSet,
    cache: Path,
    *,
    settings: Settings,
    embedder: Embedder,
    rebuild: bool = False,
    on_progress: Callable[[IngestProgress], None] | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> CachedIndex:
    """Return an index of the set's corpus, made when `cache` has none.

    Args:
        data: The set.
        cache: Folder of indexes.
        settings: How documents are cut and files read; `index` and `db` are not used.
        embedder: Makes the vectors.
        rebuild: Make it again even so.
        on_progress, on_wait: As in FileSearch.ingest.

    Raises:
        IndexBusy: Another process is making it.
        IndexProblem: What is there of it cannot be used; `rebuild` makes it again.
    """
    path = cache / f"{data.name}-{_digest(data, settings, embedder)[:12]}"
    done = path / _DONE_FILE
    if rebuild and path.exists():
        shutil.rmtree(path)
    if done.exists():
        return CachedIndex(path, _read_done(done))
    with FileSearch(settings=settings_for(path, settings), embedder=embedder) as fs:
        if isinstance(data.corpus, Path):
            report = fs.ingest(data.corpus, on_progress=on_progress, on_wait=on_wait)
        else:
            report = fs.ingest_documents(data.corpus, on_progress=on_progress, on_wait=on_wait)
    failures = {outcome.filename: outcome.error for outcome in report.failed}
    done.write_bytes(msgspec.json.encode(failures))
    return CachedIndex(path, failures)


def _read_done(done: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(done.read_bytes(), type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise IndexDamaged(f"'{done}' is damaged: {error}; make the index again") from error


def settings_for(path: Path, settings: Settings) -> Settings:
    """Return `settings` for the index at `path`, its catalog inside it."""
    return msgspec.structs.replace(settings, index=str(path), db="")


def _digest(data: EvaluationSet, settings: Settings, embedder: Embedder) -> str:
    digest = hashlib.sha256()
    for part in _parts(data, settings, embedder):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parts(data: EvaluationSet, settings: Settings, embedder: Embedder) -> Iterator[bytes]:
    yield embedder.fingerprint.encode()
    yield msgspec.json.encode(settings.chunk_settings(ChunkSettings()))
    yield msgspec.json.encode(settings.late_interaction is not False)  # as a new index has it
    package = Path(filesearch.__file__).parent
    for module in sorted(package.rglob("*.py")):
        below = module.relative_to(package)
        if below.with_suffix("").parts[0] not in _AFTER_INDEXING:
            yield below.as_posix().encode()
            yield module.read_bytes()
    if isinstance(data.corpus, Path):
        yield msgspec.json.encode(_reading(settings))
        for source in find_sources([data.corpus]):
            yield source.filename.encode()
            with suppress(OSError):  # ingesting it will say so
                yield source.path.read_bytes()
    else:
        yield from (msgspec.msgpack.encode(document) for document in data.corpus)


def _reading(settings: Settings) -> list[str | float]:
    """Return what the text of a file follows from, besides its bytes."""
    return [
        settings.ocr,
        describe_engine(LoadOptions(ocr=settings.ocr)),
        settings.parse_timeout_s,
        settings.parse_memory_mb,
        settings.page_timeout_s,
    ]
