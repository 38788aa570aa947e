"""Command line: every command, its JSON, its exit codes, and what goes where."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil

import click
import pytest
from click.testing import CliRunner

from filesearch import Citation, FileOutcome, IngestReport, SearchResult
from filesearch.cli import cli
from filesearch.cli.options import answer_once
from filesearch.doctor import Check
from filesearch.lock import merge_lock
from filesearch.maintain import Verification
from filesearch.memory import SMAPS
from filesearch.model_choices import ModelChoice
from filesearch.records import FileRecord, IndexStats

COMMANDS = (
    "ask chat compact doctor eval files ingest keys mcp models remove search serve stats summarize "
    "verify"
).split()
OPTIONS = {
    "ask": {
        "--index",
        "--model",
        "--top-k",
        "--filter",
        "--ranker",
        "--score-threshold",
        "--vector-weight",
        "--stream",
        "--json",
    },
    "chat": {"--index", "--model", "--thread", "--list", "--json"},
    "compact": {"--index", "--json"},
    "doctor": {"--index", "--json"},
    "eval": {
        "--stages",
        "--sample",
        "--qrels",
        "--corpus",
        "--plot",
        "--index-cache",
        "--rebuild",
        "--json",
    },
    "files": {"--index", "--problems", "--json"},
    "ingest": {
        "--index",
        "--prune",
        "--watch",
        "--dry-run",
        "--checksum",
        "--allow-url",
        "--name",
        "--rebuild",
        "--chunk-size",
        "--chunk-overlap",
        "--attr",
        "--attr-from-path",
        "--attr-from-columns",
        "--ocr",
        "--json",
        "--json-lines",
    },
    "mcp": {"--index", "--http", "--host", "--port"},
    "models": {"--json"},
    "remove": {"--index", "--json"},
    "keys": set(),  # its commands have their own
    "serve": {
        "--index",
        "--host",
        "--port",
        "--workers",
        "--db",
        "--strict",
        "--isolate-keys",
        "--rate",
        "--allow-host",
        "--cors-origin",
        "--max-upload-mb",
        "--max-body-mb",
        "--grace",
        "--log-format",
        "--log-level",
    },
    "search": {
        "--index",
        "--top-k",
        "--filter",
        "--ranker",
        "--score-threshold",
        "--vector-weight",
        "--no-rewrite",
        "--explain",
        "--json",
    },
    "stats": {"--index", "--memory", "--store", "--json"},
    "summarize": {"--index", "--all", "--model", "--sentences", "--json"},
    "verify": {"--index", "--repair", "--json"},
}
TEXTS = {
    "kiln.txt": "The kiln reaches 1280 degrees in nine hours.\n",
    "mugs.md": "# Returns\n\nA mug may be returned within 30 days of delivery.\n",
    "退货.txt": "会员可在收货后三十天内退货。\n",
}


def run(*args):
    return CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="fsearch")


def run_json(*args):
    """Run with --json; returns what was printed, which must be JSON and nothing else."""
    done = run(*args, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def assert_fails(done, exit_code):
    """One line on standard error, nothing on standard output, no traceback."""
    assert done.exit_code == exit_code, done.output
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def names(kind):
    return {field.name for field in dataclasses.fields(kind)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An index of three small files, made by the command with the bundled model; not changed."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text)
    index = folder / "index"
    done = run("ingest", folder / "docs", "--index", index, "--attr", "year=2025")
    assert done.exit_code == 0, done.output
    return index


@pytest.fixture
def index(made, tmp_path):
    """A copy of that index that a test may change."""
    return shutil.copytree(made, tmp_path / "copy")


# Help


def test_the_commands_are_those_that_are_documented():
    assert sorted(cli.commands) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_its_options(name):
    done = run(name, "--help")
    assert done.exit_code == 0
    assert all(option in done.stdout for option in OPTIONS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented_and_explained(name):
    options = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
    assert {opt for option in options for opt in option.opts if opt.startswith("--")} == OPTIONS[
        name
    ]
    assert all(option.help and option.help.endswith((".", "].")) for option in options)
    assert cli.commands[name].help


def test_the_version_is_printed():
    assert run("--version").stdout.startswith("fsearch, version 0.")


# What the commands do


def test_ingest_reports_what_it_did_and_is_quiet_when_piped(made, tmp_path):
    done = run("ingest", made.parent / "docs", "--index", tmp_path / "new")
    assert done.exit_code == 0
    assert done.stdout.startswith("3 added; 3 windows in ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert not {"\r", "\x1b", "%", "|"} & set(done.output)


def test_ingest_says_how_many_files_have_other_attributes(made, index):
    done = run("ingest", made.parent / "docs", "--index", index, "--attr", "year=2026")
    assert done.stdout.startswith("3 unchanged (3 with other attributes); 0 windows in ")


def test_ingest_json_has_the_documented_keys(made, index):
    report = run_json("ingest", made.parent / "docs", "--index", index)
    assert set(report) == names(IngestReport)
    assert [set(outcome) for outcome in report["outcomes"]] == [names(FileOutcome)] * 3
    assert {outcome["status"] for outcome in report["outcomes"]} == {"unchanged"}


def test_ingest_with_a_failed_file_says_why_and_exits_with_1(tmp_path, index):
    (tmp_path / "backup.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    done = run("ingest", tmp_path / "backup.7z", "--index", index)
    assert done.exit_code == 1
    assert "failed   backup.7z: " in done.stdout
    assert "(unsupported_file)" in done.stdout
    done = run("ingest", tmp_path / "backup.7z", "--index", index, "--json")
    assert (done.exit_code, json.loads(done.stdout)["outcomes"][0]["status"]) == (1, "failed")


def test_ingest_tells_programs_line_by_line_what_happens(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "clay.txt").write_text("A note on clay.")
    (docs / "empty.md").write_text("")
    done = run("ingest", docs, "--index", tmp_path / "i", "--json-lines")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert (events[0]["event"], events[0]["files"]) == ("start", 2)
    files = {e["filename"]: e["status"] for e in events if e["event"] == "file"}
    assert files == {"clay.txt": "added", "empty.md": "failed"}
    assert (events[-1]["event"], events[-1]["added"], events[-1]["failed"]) == ("end", 1, 1)
    (docs / "empty.md").unlink()
    done = run("ingest", docs, "--index", tmp_path / "i", "--json-lines", "--prune")
    last = [json.loads(line) for line in done.stdout.splitlines()][-2:]
    assert (last[0]["filename"], last[0]["status"]) == ("empty.md", "removed")
    assert (last[1]["unchanged"], last[1]["removed"]) == (1, 1)


def test_json_and_json_lines_exclude_each_other(tmp_path, index):
    done = run("ingest", tmp_path, "--index", index, "--json", "--json-lines")
    assert done.exit_code == 2
    assert "choose one of --json and --json-lines" in done.stderr


def test_ingest_names_what_failed_before_the_totals(tmp_path, index):
    (tmp_path / "empty.md").write_text("")
    (tmp_path / "latin.txt").write_bytes("Ein Stück \x81\x8d".encode("latin-1"))
    lines = run("ingest", tmp_path, "--index", index).stdout.splitlines()
    assert lines[0].startswith("  failed   empty.md: ")
    assert re.match(r"1 added, .*1 failed; \d windows in ", lines[-1])


def test_ingest_prunes_what_is_gone(made, tmp_path, index):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("A note on clay.")
    run("ingest", docs, "--index", index)
    (docs / "a.txt").unlink()
    assert run("ingest", docs, "--index", index, "--prune").stdout.startswith("1 removed;")


def test_an_index_below_the_folder_is_not_ingested_itself(tmp_path):
    (tmp_path / "a.txt").write_text("A note on clay.")
    for _ in range(2):
        assert run("ingest", tmp_path, "--index", tmp_path / "indexes" / "own").exit_code == 0
    records = run_json("files", "--index", tmp_path / "indexes" / "own")
    assert [record["filename"] for record in records] == ["a.txt"]


def test_a_file_whose_name_is_not_utf_8_does_not_stop_the_rest(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / os.fsdecode(b"caf\xe9.txt")).write_text("A note on coffee.")
    (tmp_path / "docs" / "z.txt").write_text("A note on clay.")
    done = run("ingest", tmp_path / "docs", "--index", tmp_path / "i")
    assert done.exit_code in (0, 1), done.output
    assert "z.txt" in [r["filename"] for r in run_json("files", "--index", tmp_path / "i")]


def test_ingest_without_paths_is_a_usage_error(index):
    done = run("ingest", "--index", index)
    assert done.exit_code == 2
    assert "fsearch ingest docs/" in done.stderr


def test_an_index_without_a_name_is_a_usage_error_and_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("A note on clay.")
    assert "name a directory" in assert_fails(run("ingest", "a.txt", "--index", ""), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("ask", "FSEARCH_CHAT_MODEL", "ollama:m@http://127.0.0.1:9/v1"),
        ("search", "FSEARCH_RERANKER", "tei:http://127.0.0.1:9"),
    ],
)
def test_a_model_that_cannot_be_reached_has_an_exit_code_of_its_own(
    made, monkeypatch, command, variable, value
):
    monkeypatch.setenv(variable, value)
    assert "127.0.0.1" in assert_fails(run(command, "How hot is the kiln?", "--index", made), 4)


def test_rebuilding_changes_the_chunk_settings(index):
    error = assert_fails(run("ingest", index, "--index", index, "--chunk-size", 100), 3)
    assert "fsearch ingest --rebuild --index" in error
    done = run("ingest", "--rebuild", "--chunk-size", 100, "--index", index)
    assert (done.exit_code, done.stdout[:16]) == (0, "rebuilt 3 files ")
    assert run_json("stats", "--index", index)["chunk_size"] == 100


def test_rebuilding_with_json_prints_json(index):
    run_json("ingest", "--rebuild", "--index", index)


def test_ask_prints_the_answer_and_its_sources(made):
    done = run("ask", "How many degrees does the kiln reach?", "--index", made)
    assert done.stdout == (
        "The kiln reaches 1280 degrees in nine hours. [1]\n\n"
        "Sources\n[1] kiln.txt\n    “The kiln reaches 1280 degrees in nine hours.”\n"
    )


def test_ask_json_is_a_message_content_part(made):
    part = run_json("ask", "会员多少天内可以退货?", "--index", made)
    value, [annotation] = part["text"]["value"], part["text"]["annotations"]
    assert value[annotation["start_index"] : annotation["end_index"]] == annotation["text"]
    citation = annotation["file_citation"]
    assert names(Citation) - {"index", "marker"} == set(citation)
    assert (part["is_answered"], part["uncited"], part["model"]) == (True, [], "extractive")
    assert TEXTS["退货.txt"][citation["start"] : citation["end"]] == citation["quote"]


def test_ask_declines_with_the_nearest_passages_and_exit_code_0(made):
    done = run("ask", "Who won the chess championship?", "--index", made)
    assert done.exit_code == 0
    assert done.stdout.startswith("The documents hold no answer to this question.\n\nNearest")


def test_ask_with_an_unknown_model_is_refused(made):
    error = assert_fails(run("ask", "kiln?", "--model", "gpt-9", "--index", made), 2)
    assert "chat model 'gpt-9' is unknown" in error


def test_search_prints_scores_places_and_text(made):
    done = run("search", "mug returned", "--index", made)
    place, text = done.stdout.splitlines()[:2]
    assert re.fullmatch(r" 1\. 0\.\d{3}  mugs\.md, Returns", place)
    assert text == "      # Returns A mug may be returned within 30 days of delivery."


def test_search_json_has_the_documented_keys(made):
    hits = run_json("search", "kiln", "--index", made, "--top-k", 1)
    assert [set(hit) for hit in hits] == [names(SearchResult)]
    assert hits[0]["attributes"] == {"year": 2025}


def test_explain_shows_what_was_searched_for(made):
    question = "Please tell me what is the kiln and how many mugs are there?"
    done = run("search", question, "--index", made, "--explain")
    queries = [line for line in done.stdout.splitlines() if line.startswith("searched for: ")]
    assert len(queries) > 1
    assert "Please" not in done.stdout.split("(")[0]
    given = json.loads(run("search", question, "--index", made, "--explain", "--json").stdout)
    assert [f"searched for: {query}" for query in given["search_query"]] == queries
    as_it_is = run("search", question, "--index", made, "--explain", "--no-rewrite")
    assert as_it_is.stdout.startswith(f"searched for: {question}\n ")


def test_ranking_options_reach_the_search(made):
    assert run("search", "kiln", "--index", made, "--score-threshold", 1).stdout == (
        "No passage matches.\n"
    )
    found = run("search", "kiln", "--index", made, "--vector-weight", 0, "--json").stdout
    assert {hit["vector_share"] for hit in json.loads(found)} == {0.0}
    assert run("search", "kiln", "--index", made, "--ranker", "best").exit_code == 2


def test_explain_shows_the_two_shares_that_make_the_score(made):
    [hit] = run_json("search", "kiln", "--index", made, "--top-k", 1)
    done = run("search", "kiln", "--index", made, "--top-k", 1, "--explain")
    shares = f"keyword {hit['keyword_share']:.3f} + vector {hit['vector_share']:.3f}, "
    assert shares + "characters 0-45, chunk 0 of file-" in done.stdout
    assert "keyword" not in run("search", "kiln", "--index", made).stdout


def test_search_that_finds_nothing_says_so(made):
    done = run("search", "kiln", "--index", made, "--filter", "year=1999")
    assert (done.exit_code, done.stdout) == (0, "No passage matches.\n")
    assert run_json("search", "kiln", "--index", made, "--filter", "year=1999") == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("year=2025", 3),
        ("year='2025'", 0),
        ('{"type": "gte", "key": "year", "value": 2025}', 3),
        ('{"type": "lt", "key": "year", "value": 2025}', 0),
    ],
)
def test_a_filter_is_key_value_or_json(made, text, count):
    assert len(run_json("search", "kiln", "--index", made, "--filter", text)) == count


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("year", "'year' is not of the form key=value"),
        ("{year", "filter is not JSON"),
        ('{"value": ' * 100_000, "filter is not JSON"),
        (f'{{"value": {"9" * 5000}}}', "filter is not JSON"),
        ('{"type": "like"}', "filter type 'like' is unknown"),
    ],
)
def test_a_bad_filter_is_refused_in_one_line(made, text, says):
    assert says in assert_fails(run("search", "kiln", "--index", made, "--filter", text), 2)


@pytest.mark.parametrize("top_k", [0, 1001, "many"])
def test_a_top_k_out_of_bounds_is_a_usage_error(made, top_k):
    assert run("search", "kiln", "--index", made, "--top-k", top_k).exit_code == 2


def test_summarize_quotes_a_file_with_its_sources(made):
    done = run("summarize", "mugs.md", "--index", made)
    assert done.stdout == (
        "mugs.md\n\nA mug may be returned within 30 days of delivery. [1]\n\nSources\n"
        "[1] mugs.md, Returns\n    “A mug may be returned within 30 days of delivery.”\n"
    )


def test_summarize_all_json_has_a_part_for_each_file_and_one_for_all(made):
    found = run_json("summarize", "--all", "--index", made, "--sentences", 3)
    assert [file["filename"] for file in found["files"]] == list(TEXTS)
    keys = {"file_id", "filename", "content", "incomplete_reason"}
    assert [set(file) for file in found["files"]] == [keys] * 3
    value, annotations = found["overall"]["text"]["value"], found["overall"]["text"]["annotations"]
    assert len(annotations) == 3
    for part in annotations:
        assert value[part["start_index"] : part["end_index"]] == part["text"]
        citation = part["file_citation"]
        text = TEXTS[citation["filename"]]
        assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_summarize_wants_files_or_all(made):
    for arguments in ([], ["kiln.txt", "--all"]):
        done = run("summarize", *arguments, "--index", made)
        assert (done.exit_code, "or --all" in done.stderr) == (2, True)
    error = assert_fails(run("summarize", "nothing.pdf", "--index", made), 2)
    assert "no file matches 'nothing.pdf'; see: fsearch files" in error


def test_files_lists_every_file(made):
    done = run("files", "--index", made)
    assert [line.split()[1] for line in done.stdout.splitlines()] == list(TEXTS)
    records = run_json("files", "--index", made)
    assert [set(record) for record in records] == [names(FileRecord)] * 3


def test_files_shows_problems_alone(tmp_path, index):
    (tmp_path / "empty.md").write_text("")
    run("ingest", tmp_path / "empty.md", "--index", index)
    [record] = run_json("files", "--problems", "--index", index)
    assert (record["filename"], record["error_code"]) == ("empty.md", "invalid_file")
    shown = run("files", "--problems", "--index", index).stdout.splitlines()
    assert shown[1].startswith("    invalid_file: ")
    assert shown[-1] == "1 failed, 0 with warnings, of 4 files"


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("2", "2")])
def test_one_answer_takes_one_thread_of_blas_unless_told_otherwise(monkeypatch, given, expected):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    answer_once()
    assert os.environ["OPENBLAS_NUM_THREADS"] == expected


@pytest.mark.skipif(not SMAPS.exists(), reason="this system does not tell what is mapped")
def test_stats_shows_what_a_search_takes_in_memory(made):
    shown = run("stats", "--memory", "--index", made).stdout
    assert "generation" in shown
    assert re.search(r"^memory +[\d.]+ MiB after one search, [\d.]+ MiB of it", shown, re.MULTILINE)
    memory = run_json("stats", "--memory", "--index", made)["memory"]
    assert [step["name"] for step in memory["steps"]] == [
        "program",
        "catalog",
        "store",
        "model",
        "first search",
    ]
    assert {"vectors", "postings", "libraries"} <= {part["kind"] for part in memory["files"]}
    assert memory["own_bytes"] < memory["resident_bytes"] <= memory["peak_bytes"]


def test_stats_shows_what_the_index_holds(made):
    shown = run("stats", "--index", made).stdout
    assert "files       3 searchable, 0 failed\n" in shown
    assert "vectors     exact: 3 windows in 1 segment\n" in shown
    found = run_json("stats", "--index", made)
    assert [one["vector_index"]["kind"] for one in found["segment_stats"]] == ["exact"]
    assert set(found) == names(IndexStats)
    assert (found["files"], found["dimension"], found["chunk_size"]) == (3, 384, 800)
    assert 0 < found["late_interaction_bytes"] < found["segment_bytes"]


def test_remove_takes_patterns_and_names_what_went(index):
    done = run("remove", "*.txt", "--index", index)
    assert (done.exit_code, done.stdout) == (0, "removed kiln.txt\nremoved 退货.txt\n")
    assert run_json("stats", "--index", index)["files"] == 1
    assert [set(record) for record in run_json("remove", "mugs.md", "--index", index)] == [
        {"id", "filename"}
    ]


def test_remove_of_what_is_not_there_removes_nothing(index):
    error = assert_fails(run("remove", "kiln.txt", "*.pdf", "--index", index), 2)
    assert "no file matches '*.pdf'; see: fsearch files" in error
    assert run_json("stats", "--index", index)["files"] == 3


def test_verify_finds_and_repairs_damage(index):
    assert "all holds together" in run("verify", "--index", index).stdout
    path = next((index / "segments").glob("*/vectors.faiss"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    done = run("verify", "--index", index)
    assert done.exit_code == 3
    assert "vectors.faiss does not match its SHA-256" in done.stdout
    assert done.stdout.endswith("run: fsearch verify --repair\n")
    assert run("verify", "--index", index, "--json").exit_code == 3
    done = run("verify", "--repair", "--index", index)
    assert (done.exit_code, "rebuilt 1 segments" in done.stdout) == (0, True)


def test_verify_json_has_the_documented_keys(made):
    assert set(run_json("verify", "--index", made)) == names(Verification)


def test_searching_a_damaged_index_names_the_way_out(index):
    shutil.rmtree(next((index / "segments").iterdir()))
    error = assert_fails(run("search", "kiln", "--index", index), 3)
    assert "run: fsearch verify --repair" in error


def test_compact_says_how_many_segments_were_merged(index, tmp_path):
    assert run("compact", "--index", index).stdout == "nothing to merge\n"
    (tmp_path / "a.txt").write_text("A note on clay.")
    with merge_lock(index, timeout_s=0):  # else the ingest would merge it
        run("ingest", tmp_path / "a.txt", "--index", index)
    assert run_json("compact", "--index", index) == {"merged": 2, "catalog_freed_bytes": 0}


def test_doctor_checks_every_part(made, tmp_path):
    checks = run_json("doctor", "--index", made)
    assert [set(check) for check in checks] == [names(Check)] * len(checks)
    assert all(check["is_ok"] for check in checks)
    assert {"libraries", "tokenizer", "embedder", "disk", "index"} <= {c["name"] for c in checks}
    assert run("doctor", "--index", tmp_path / "none yet").exit_code == 0


def test_doctor_names_what_is_broken_and_exits_with_3(index):
    shutil.rmtree(next((index / "segments").iterdir()))
    done = run("doctor", "--index", index)
    assert done.exit_code == 3
    assert "FAIL  index: IndexDamaged: " in done.stdout


def test_models_marks_what_the_settings_name(monkeypatch):
    monkeypatch.setenv("FSEARCH_CHAT_MODEL", "ollama:qwen2.5")
    found = run_json("models")
    assert [set(choice) for choice in found] == [names(ModelChoice)] * len(found)
    assert next(one["name"] for one in found if one["is_chosen"]) == "ollama:qwen2.5"
    lines = run("models").stdout.splitlines()
    assert lines[0] == "chat_model"
    [marked] = [line for line in lines if line.startswith("* ollama:qwen2.5 ")]
    assert "http://127.0.0.1:11434/v1" in marked
    monkeypatch.setenv("FSEARCH_RERANKER", "worse")
    assert "reranker 'worse' is unknown" in assert_fails(run("models"), 2)


# Errors and settings


@pytest.mark.parametrize(
    "args",
    [
        ("search", "kiln"),
        ("ask", "kiln?"),
        ("files",),
        ("stats",),
        ("verify",),
        ("verify", "--repair"),
        ("remove", "a"),
        ("summarize", "a"),
        ("summarize", "--all"),
        ("mcp",),
        ("mcp", "--http"),
        ("compact",),
        ("ingest", "--rebuild"),
    ],
)
def test_a_missing_index_is_named_with_the_way_out_and_not_made(tmp_path, args):
    error = assert_fails(run(*args, "--index", tmp_path / "typo"), 2)
    assert "typo'; make one: fsearch ingest PATH --index " in error
    assert not (tmp_path / "typo").exists()


def test_an_index_that_is_a_file_is_named(tmp_path):
    (tmp_path / "taken").write_text("x")
    error = run("ingest", tmp_path, "--index", tmp_path / "taken").stderr
    assert "taken" in error
    assert "unexpected" not in error


def test_a_missing_path_is_named(tmp_path):
    error = assert_fails(run("ingest", "nowhere", "--index", tmp_path / "i"), 2)
    assert "'nowhere' does not exist; give a file or a folder" in error
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--chunk-size", 50), "chunk size is 50 tokens; choose 100 to 4096"),
        (("--chunk-size", 200, "--chunk-overlap", 101), "choose 0 to 100, half of"),
        (("--attr", "year"), "attribute 'year' is not of the form key=value"),
        (("--attr", "=1"), "attribute '=1' is not of the form key=value"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(tmp_path, args, says):
    assert says in assert_fails(run("ingest", tmp_path, "--index", tmp_path / "i", *args), 2)


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", "9" * 30, "1e999"])
def test_any_attribute_value_leaves_the_index_usable(index, tmp_path, value):
    (tmp_path / "a.txt").write_text("A note on clay.")
    done = run(
        "ingest",
        tmp_path / "a.txt",
        "--index",
        index,
        "--attr",
        "--attr-from-path",
        f"score={value}",
    )
    assert done.exit_code in (0, 2), done.output
    assert len(run_json("files", "--index", index)) >= 3
    assert run("search", "clay", "--index", index).exit_code == 0


def test_an_unknown_setting_is_named_with_its_place(monkeypatch, tmp_path):
    monkeypatch.setenv("FSEARCH_COLOUR", "red")
    assert "unknown setting 'colour' in the environment" in assert_fails(run("stats"), 2)
    monkeypatch.delenv("FSEARCH_COLOUR")
    (tmp_path / "fsearch.toml").write_text('embeder = "x"')
    error = assert_fails(run("stats"), 2)
    assert "unknown setting 'embeder' in " in error
    assert "fsearch.toml" in error


def test_the_index_comes_from_the_environment_unless_a_flag_says_otherwise(
    made, monkeypatch, tmp_path
):
    monkeypatch.setenv("FSEARCH_INDEX", str(made))
    assert run_json("stats")["files"] == 3
    assert run("stats", "--index", tmp_path / "none").exit_code == 2


def test_an_unknown_embedder_is_refused_with_the_known_ones(made, monkeypatch):
    monkeypatch.setenv("FSEARCH_EMBEDDER", "nonesuch")
    error = assert_fails(run("search", "kiln", "--index", made), 2)
    assert "embedder 'nonesuch' is unknown; use all-MiniLM-L6-v2" in error


def test_an_unknown_command_or_option_is_a_usage_error():
    assert run("serch", "kiln").exit_code == 2
    assert run("search", "kiln", "--topk", 3).exit_code == 2


def test_something_unforeseen_is_one_line_and_a_traceback_only_on_demand(monkeypatch):
    def fail(_self, _store_id):
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr("filesearch.engine.FileSearch.stats", fail)
    error = assert_fails(run("stats"), 1)
    assert "unexpected ZeroDivisionError: nobody thought of this; please report it" in error
    monkeypatch.setenv("FILESEARCH_DEBUG", "1")
    assert isinstance(run("stats").exception, ZeroDivisionError)
