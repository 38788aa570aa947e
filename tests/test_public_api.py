"""Public API: the names we promise, what importing costs, and which way imports point."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import filesearch

PROMISED = [
    "Answer",
    "ChatFailed",
    "Citation",
    "ContextExceeded",
    "DatabaseAway",
    "Document",
    "FileOutcome",
    "FileSearch",
    "FilesearchError",
    "IndexBusy",
    "IndexDamaged",
    "IndexMismatch",
    "IndexProblem",
    "IndexReplaced",
    "IngestReport",
    "InputError",
    "InvalidFile",
    "InvalidFilter",
    "InvalidSetting",
    "InvalidValue",
    "NamedDocument",
    "NotFound",
    "RateLimited",
    "RerankFailed",
    "RunOptions",
    "SearchResult",
    "Settings",
    "Span",
    "StoreExpired",
    "Turn",
    "UnsupportedFile",
]
HEAVY = [
    "torch",
    "openai",
    "fastapi",
    "pydantic",
    "faiss",
    "onnxruntime",
    "numpy",
    "sqlalchemy",
    "tokenizers",
    "tiktoken",
    "pypdf",
    "pypdfium2",
]

# Lower layers know nothing of higher ones; a module may import its own layer and those below.
LAYERS = [
    ["types", "errors", "ids"],
    ["messages", "pieces", "reports", "visible", "surrogates", "terminal"],
    ["protocols", "shortfall", "config", "records", "store_records"],
    [
        "languages",
        "stop_words",
        "memory",
        "merge_policy",
        "address",
        "attributes",
        "path_pattern",
        "file_attributes",
        "filters",
        "index_rows",
        "fuse",
        "ranking",
        "context",
        "commits",
        "cores",
        "digests",
        "heap",
        "document_cache",
        "durable",
        "directory_lock",
        "disk_space",
        "file_identity",
        "forked",
        "free_pages",
        "incoming",
        "open_files",
        "priority",
        "signs",
        "sqlite_file",
        "work_sharing",
    ],
    ["attribute_columns", "onnx_session", "steps", "faiss_threads", "turns"],
    ["roster", "sign_product", "answer_reader"],
    ["late"],
    ["tokens", "terms", "sentences", "patterns"],
    ["wording", "ranking_options", "centrality", "headings", "number_words"],
    ["rewrite", "compare", "figure_patterns", "figures", "names"],
    ["claims", "evidence", "denial", "figure_match", "row_answers", "table_rows", "typos"],
    ["opposites"],
    ["support"],
    ["conversation", "decompose"],
    ["plan"],
    [
        "schema",
        "numbering",
        "rows",
        "file_notes",
        "store_names",
        "lock",
        "sources",
        "ignore",
        "file_stamp",
        "pace",
        "cite",
        "chunk",
        "repeats",
    ],
    ["walk", "public_addresses"],
    ["settling", "change_signal", "database_errors"],
    ["migrate", "pictures"],
    ["database", "paging", "queue_rows", "segment_rows"],
    ["objects"],
    ["functions", "interruptible", "keys", "markers", "merge_results", "threads", "event_log"],
    ["catalog", "blobs", "load", "embed", "index", "rerank", "batch_counts", "index_id"],
    ["prepare", "testing", "extract", "store_rows", "loader_threads", "row_attributes", "sections"],
    ["known_files", "stored_vectors", "context_cache"],
    ["reader_pool", "store_batches", "store_expiry", "read_ahead", "source_reader"],
    ["fetch"],
    ["writer", "tool", "grounding", "given"],
    ["dry_run"],
    ["events"],
    ["budget", "draft"],
    ["tool_calls"],
    ["run"],
    ["candidates", "passages", "answerable"],
    ["search_turns"],
    ["scoring", "judge", "results"],
    ["merging", "asked_names", "asked_years", "quotable"],
    ["background_merges"],
    ["ingest", "maintain", "retrieve", "answer", "map_reduce"],
    ["chat"],
    ["snapshot_cache", "adapters", "assistant"],
    ["index_directory"],
    ["store_search"],
    ["intake", "upkeep", "index_stats", "stores", "ingest_worker", "file_objects", "uploads"],
    ["ingest_queue", "watch"],
    ["parts"],
    ["kept"],
    ["filled"],
    ["engine"],
    ["mcp_shapes"],
    ["evaluation", "mcp_server", "integrations", "summarize"],
    ["server"],
    ["progress", "doctor", "model_choices"],
    ["render_costs"],
    ["render"],
    ["cli"],
    ["__main__"],
]
# One job in several modules, or adapters of one seam: they never import each other.
STRANGERS = [
    ["merging"],
    ["background_merges"],
    ["ingest", "maintain", "retrieve", "answer", "tool"],
    ["blobs", "embed", "index", "rerank", "chat"],
    ["blobs", "embed", "load", "catalog"],
]
PACKAGE = Path(filesearch.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(module):
    """filesearch.index.segment -> index; filesearch itself -> the empty name."""
    return [*module.split("."), ""][1]


def imports_of(path):
    """The parts of the package that a module imports, those only for type checking left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {part_of(a.name) for a in node.names if a.name.startswith("filesearch.")}
        if isinstance(node, ast.ImportFrom) and node.module == "filesearch":
            found |= {alias.name for alias in node.names if not alias.name.startswith("__")}
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("filesearch."):
            found.add(part_of(node.module))
    return found


def own_part(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def loaded_by(code):
    """The heavy libraries in sys.modules after running `code` in a new process."""
    report = f"import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()


def test_the_public_names_are_those_we_promise():
    assert sorted(filesearch.__all__) == PROMISED


@pytest.mark.parametrize("name", PROMISED)
def test_a_public_name_is_there_and_documented(name):
    assert getattr(filesearch, name).__doc__
    assert name in dir(filesearch)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Filesearch'"):
        _ = filesearch.Filesearch


def test_a_type_checker_sees_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    [block] = [n for n in tree.body if isinstance(n, ast.If)]
    assert sorted(alias.asname for node in block.body for alias in node.names) == PROMISED


def test_the_package_is_typed():
    assert resources.files("filesearch").joinpath("py.typed").is_file()


def packages_loaded_by(code):
    """The top-level packages beyond Python's own that a new process has loaded after `code`."""
    report = (
        "import sys\n"
        "print(*{name.split('.')[0] for name, module in list(sys.modules.items())\n"
        "    if getattr(getattr(module, '__spec__', None), 'origin', None)} - {'filesearch'}\n"
        "    - sys.stdlib_module_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    # What starts with an underscore belongs to Python or to what made the environment.
    return {name for name in done.stdout.splitlines()[-1].split() if not name.startswith("_")}


def packages_loaded_by_command(*arguments):
    return packages_loaded_by(
        "from filesearch.cli import cli\n"
        f"assert not cli({list(arguments)!r}, standalone_mode=False)"
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """An index of one file, and the packages that a process loaded to make it."""
    folder = tmp_path_factory.mktemp("budget")
    (folder / "mugs.md").write_text("# Mugs\n\nA mug may be sent back within 30 days.\n")
    index = str(folder / "index")
    return index, packages_loaded_by_command(
        "ingest", str(folder / "mugs.md"), "--index", index, "--json"
    )


# The import budget. A package that is added here makes every such command slower to start.
STATS = {"click", "faiss", "msgspec", "numpy", "regex", "sqlalchemy", "typing_extensions"}
STATS |= {"Stemmer", "packaging"}  # packaging comes with faiss
SEARCH = STATS | {"onnxruntime", "tokenizers"}


def test_importing_the_package_loads_no_other_package():
    assert packages_loaded_by("import filesearch; print()") == set()


@pytest.mark.parametrize("command", ["", "search", "ingest", "serve"])
def test_asking_for_help_loads_the_command_line_alone(command):
    assert packages_loaded_by_command(*command.split(), "--help") == {"click"}


@pytest.mark.parametrize("options", ["", "--json", "--explain", "--no-rewrite", "--ranker none"])
def test_a_search_loads_what_searches_and_nothing_else(filled, options):
    loaded = packages_loaded_by_command(
        "search", "mugs sent back", "--index", filled[0], *options.split()
    )
    assert loaded <= SEARCH
    assert {"faiss", "onnxruntime", "tokenizers", "sqlalchemy"} <= loaded


def test_an_answer_adds_what_picks_sentences(filled):
    loaded = packages_loaded_by_command("ask", "When may a mug go back?", "--index", filled[0])
    assert loaded <= SEARCH | {"rank_bm25", "tiktoken"}


def test_an_ingest_leaves_parsers_to_other_processes(filled):
    assert filled[1] <= SEARCH | {"filelock", "tiktoken"}


def test_listing_what_is_there_loads_no_model(filled):
    for command in ("stats", "files"):
        assert packages_loaded_by_command(command, "--index", filled[0]) <= STATS


def test_opening_an_index_loads_neither_models_nor_parsers():
    code = "from filesearch import FileSearch; FileSearch('nowhere').close()"
    assert not {"torch", "onnxruntime", "tokenizers", "pypdf", "pypdfium2"} & set(loaded_by(code))


def test_every_module_has_its_layer():
    known = {part for layer in LAYERS for part in layer}
    assert {own_part(path) for path in MODULES} - {"__init__"} == known


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    rank = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    own = own_part(path)
    if own == "__init__":
        return
    above = {part for part in imports_of(path) if rank[part] > rank[own]}
    assert not above, f"{own} imports {above}"


@pytest.mark.parametrize("group", STRANGERS, ids=lambda group: "-".join(group))
def test_strangers_do_not_import_each_other(group):
    for path in MODULES:
        own = own_part(path)
        if own in group:
            others = set(group) - {own}
            assert not imports_of(path) & others, path


def test_what_ranks_knows_an_index_by_its_protocol_alone():
    for path in MODULES:
        if own_part(path) in ("candidates", "scoring", "passages", "retrieve", "late"):
            assert "index" not in imports_of(path), path


def test_only_one_module_chooses_adapters():
    """Others take them through the protocols."""
    chosen = {"filesearch.blobs", "filesearch.embed"}
    chosen |= {f"filesearch.chat.{name}" for name in ("openai", "presets")}
    chosen |= {
        f"filesearch.rerank.{name}"
        for name in ("http", "learned", "onnx_cross_encoder", "sentence_transformers")
    }
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if own_part(path) not in ("adapters", "blobs", "embed", "rerank", "chat"):
            assert not [name for name in chosen if f"from {name}" in text], path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_opens_with_its_place_and_stays_short(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 400
