"""Evaluation: what a set's directory holds, what is measured, and what the command prints."""

import itertools
import json
import math
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from filesearch import FileSearch, InvalidFile, InvalidSetting, NotFound
from filesearch.cli import cli
from filesearch.config import Settings
from filesearch.evaluation.bootstrap import compare, draw_means
from filesearch.evaluation.index_cache import cached_index
from filesearch.evaluation.measures import measure
from filesearch.evaluation.reading import read_set, sample_queries
from filesearch.evaluation.running import STAGES, evaluate, parse_stages
from filesearch.testing import HashingEmbedder
from filesearch.types import Turn

CORPUS = {
    "d1": "The kiln reaches 1280 degrees in nine hours.",
    "d2": "A mug may be returned within 30 days of delivery.",
    "d3": "Noor runs the studio. Tomas teaches the evening class.",
    "d4": "Porcelain clay shrinks more than stoneware.",
    "d5": "The glaze is mixed in buckets of ten litres.",
    "d6": "Vouchers are valid for three years.",
    "d7": "The studio is closed on Mondays.",
    "d8": "A kiln shelf is coated with a wash of alumina.",
    "d9": "会员可在收货后三十天内退货。",
    "d10": "The wheel turns up to 240 times a minute.",
    "d11": "Bags of clay weigh 12.5 kilograms.",
    "d12": "Shipping to islands takes a week longer.",
}
QUERIES = {
    "q1": "How hot does the kiln get?",
    "q2": "Can I return a mug?",
    "q3": "Who teaches in the evening?",
    "q4": "退货",
    "q5": "nobody judged this",
}
QRELS = [("q1", "d1", 2), ("q1", "d8", 1), ("q2", "d2", 1), ("q3", "d3", 1), ("q4", "d9", 1)]
MEASURES = ["nDCG@10", "Recall@100", "MRR@10", "Success@5"]


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_qrels(path, rows):
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def make_set(folder, *, corpus=CORPUS, queries=QUERIES, qrels=QRELS):
    """Write an evaluation set; `corpus` and `queries` are texts by id, or whole lines."""
    folder.mkdir(parents=True)
    documents = [
        value if isinstance(value, dict) else {"_id": key, "title": "", "text": value}
        for key, value in corpus.items()
    ]
    write_lines(folder / "corpus.jsonl", documents)
    questions = [
        value if isinstance(value, dict) else {"_id": key, "text": value}
        for key, value in queries.items()
    ]
    write_lines(folder / "queries.jsonl", questions)
    write_qrels(folder / "qrels.tsv", qrels)
    return folder


@pytest.fixture
def pottery(tmp_path):
    return make_set(tmp_path / "pottery")


def run(*args):
    return CliRunner().invoke(cli, ["eval", *map(str, args)], prog_name="fsearch")


def assert_fails(done, says):
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert says in done.stderr


def evaluate_with_hashing(data, tmp_path, **options):
    embedder, settings = HashingEmbedder(), Settings()
    index = cached_index(data, tmp_path / "cache", settings=settings, embedder=embedder)
    return evaluate(data, index.path, settings=settings, embedder=embedder, **options)


# The command


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set and a cache with its index, made by the command with the bundled model."""
    folder = tmp_path_factory.mktemp("made")
    make_set(folder / "pottery")
    done = run(folder / "pottery", "--json", "--index-cache", folder / "cache")
    assert done.exit_code == 0, done.output
    return folder, done


def test_json_has_the_documented_shape_and_nothing_else_is_printed(made):
    found = json.loads(made[1].stdout)
    assert (found["dataset"], found["queries"], found["documents"]) == ("pottery", 4, 12)
    assert list(found["stages"]) == ["bm25", "dense", "rrf", "hybrid", "rerank"]
    for figures in found["stages"].values():
        assert list(figures) == [*MEASURES, "p50_ms", "p95_ms"]
        assert all(0 <= figures[name] <= 1 for name in MEASURES)
        assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert found["stages"]["bm25"]["Success@5"] == 1.0
    assert len(found["significance"]) == 4 * len(MEASURES)
    assert set(found["significance"][0]) == {
        "from", "to", "measure", "difference", "low", "high", "p",
    }  # fmt: skip
    assert made[1].stderr == ""


def test_a_second_run_uses_the_index_of_the_first(made, monkeypatch):
    folder, first = made
    monkeypatch.setattr(FileSearch, "ingest_documents", None)  # calling it would fail
    done = run(folder / "pottery", "--json", "--index-cache", folder / "cache")
    assert done.exit_code == 0, done.output
    again, before = json.loads(done.stdout), json.loads(first.stdout)
    for stage in STAGES:
        assert [again["stages"][stage][m] for m in MEASURES] == [
            before["stages"][stage][m] for m in MEASURES
        ]


def test_rebuilding_makes_the_index_again(made):
    folder, _done = made
    [index] = (folder / "cache").iterdir()
    before = (index / "catalog.db").stat().st_ino, index.stat().st_mtime_ns
    assert run(folder / "pottery", "--rebuild", "--index-cache", folder / "cache").exit_code == 0
    assert [index] == list((folder / "cache").iterdir())
    assert ((index / "catalog.db").stat().st_ino, index.stat().st_mtime_ns) != before


def test_the_table_shows_every_stage_and_every_step(made):
    folder, _done = made
    done = run(folder / "pottery", "--index-cache", folder / "cache")
    lines = done.stdout.splitlines()
    assert lines[0] == "pottery: 4 queries, 12 documents"
    assert lines[2].split() == ["stage", *MEASURES, "p50", "ms", "p95", "ms"]
    labels = ["bm25", "dense", "rrf", "hybrid", "hybrid+rerank"]
    assert [line.split()[0] for line in lines[3:8]] == labels
    assert [line.split()[0] for line in lines[10:]] == labels[:-1]
    assert all(" p 0." in line or " p 1." in line for line in lines[10:])


def test_stages_can_be_chosen_and_keep_their_order(made):
    folder, _done = made
    done = run(
        folder / "pottery", "--json", "--stages", "hybrid,bm25", "--index-cache", folder / "cache"
    )
    found = json.loads(done.stdout)
    assert list(found["stages"]) == ["bm25", "hybrid"]
    assert {(s["from"], s["to"]) for s in found["significance"]} == {("bm25", "hybrid")}


def test_the_plot_is_a_png(made, tmp_path):
    folder, _done = made
    plot = tmp_path / "figures.png"
    done = run(folder / "pottery", "--plot", plot, "--index-cache", folder / "cache")
    assert done.exit_code == 0, done.output
    assert plot.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert plot.stat().st_size > 10_000


def test_the_index_settings_of_the_machine_are_not_touched(made, monkeypatch, tmp_path):
    folder, _done = made
    monkeypatch.setenv("FSEARCH_INDEX", str(tmp_path / "mine"))
    monkeypatch.setenv("FSEARCH_DB", f"sqlite:///{tmp_path / 'mine.db'}")
    done = run(folder / "pottery", "--sample", 1, "--index-cache", folder / "cache")
    assert done.exit_code == 0, done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--stages", "bm25,best"], "stage 'best' is unknown; choose from bm25,dense,rrf"),
        (["--stages", ","], "no stage is given"),
        (["--plot", "nowhere/x.png"], "the folder of 'nowhere/x.png' does not exist"),
        (["--plot", "x.pdf"], "'x.pdf' should end in .png"),
        (["--qrels", "other.tsv"], "other.tsv' does not exist"),
    ],
)
def test_a_usage_error_is_one_line_and_makes_no_index(pottery, tmp_path, args, says):
    assert_fails(run(pottery, "--index-cache", tmp_path / "cache", *args), says)
    assert not (tmp_path / "cache").exists()


def test_without_the_extra_the_command_names_it(pottery):
    code = (
        "import sys; sys.modules[{0!r}] = None\n"
        "from filesearch.cli import main; sys.argv = ['fsearch', 'eval', *{1!r}]; main()"
    )
    for module, args, extra in (
        ("ir_measures", [str(pottery)], "evaluation needs an extra"),
        ("matplotlib", [str(pottery), "--plot", "a.png"], "drawing a plot needs an extra"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code.format(module, args)],
            capture_output=True,
            text=True,
            env=os.environ,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{extra}; run: pip install 'filesearch[eval]'" in done.stderr


# Measures


def test_measures_are_those_computed_by_hand():
    grades = {"q": {"a": 3, "b": 1, "c": 0, "gone": 1}}
    figures = measure(grades, {"q": ["x", "a", "c", "b"]})
    dcg = 3 / math.log2(3) + 1 / math.log2(5)
    ideal = 3 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert figures["nDCG@10"] == pytest.approx([dcg / ideal])
    assert figures["Recall@100"] == pytest.approx([2 / 3])
    assert figures["MRR@10"] == pytest.approx([1 / 2])
    assert figures["Success@5"] == pytest.approx([1])


def test_measures_stop_at_their_depth():
    ranking = [f"x{i}" for i in range(120)]
    figures = measure(
        {"five": {"x5": 1}, "ten": {"x10": 1}, "deep": {"x100": 1}},
        {"five": ranking, "ten": ranking, "deep": ranking},
    )
    assert figures["Success@5"].tolist() == [0, 0, 0]
    assert figures["MRR@10"] == pytest.approx([1 / 6, 0, 0])
    assert figures["nDCG@10"] == pytest.approx([1 / math.log2(7), 0, 0])
    assert figures["Recall@100"].tolist() == [1, 1, 0]


def test_a_query_that_finds_nothing_counts_as_0():
    figures = measure({"a": {"d": 1}, "b": {"d": 1}}, {"a": [], "b": ["d"]})
    assert all(values.tolist() == [0, 1] for values in figures.values())


# Bootstrap


def test_the_bootstrap_agrees_with_all_resamples_of_six_queries():
    differences = np.array([0.513, -0.107, 0.211, -0.419, 0.307, 0.05])
    every = sorted(sum(draw) / 6 for draw in itertools.product(differences, repeat=6))
    found = compare(np.zeros(6), differences, resamples=20_000)
    assert found.mean == pytest.approx(sum(differences) / 6)
    assert found.low == pytest.approx(every[len(every) // 40], abs=0.01)
    assert found.high == pytest.approx(every[-len(every) // 40], abs=0.01)
    deviating = sum(abs(mean - found.mean) >= found.mean for mean in every)
    assert found.p == pytest.approx(deviating / len(every), abs=0.01)


def test_draws_that_deviate_by_exactly_the_mean_count():
    """Rounding would lose them: 8 of the 27 draws of three figures."""
    differences = np.array([0.5, -0.1, 0.2])
    assert compare(np.zeros(3), differences).p == pytest.approx(8 / 27, abs=0.02)


def test_the_bootstrap_agrees_with_one_draw_at_a_time():
    values = np.random.default_rng(5).standard_normal(40)
    generator = np.random.default_rng(0)
    slow = [sum(values[i] for i in generator.integers(0, 40, size=40)) / 40 for _draw in range(300)]
    assert draw_means(values, resamples=300) == pytest.approx(slow)


def test_a_clear_difference_is_significant_and_none_is_not():
    generator = np.random.default_rng(1)
    first = generator.random(200)
    clear = compare(first, first + 0.1 + 0.05 * generator.standard_normal(200))
    assert clear.p < 0.001
    assert 0.08 < clear.low < clear.mean < clear.high < 0.12
    same = compare(first, first)
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)


# Reading a set


def test_only_judged_queries_are_kept_with_their_judgments(pottery):
    data = read_set(pottery)
    assert [query.id for query in data.queries] == ["q1", "q2", "q3", "q4"]
    assert data.judgments["q1"] == {"d1": 2, "d8": 1}
    assert data.warnings == ()


def test_a_sample_is_the_same_every_time_and_keeps_the_order(pottery):
    data = read_set(pottery)
    two = sample_queries(data, 2)
    assert two == sample_queries(data, 2)
    assert len(two.queries) == len(two.judgments) == 2
    assert [q for q in data.queries if q in two.queries] == list(two.queries)
    assert sample_queries(data, 99) == data
    assert {sample_queries(data, 1, seed=seed).queries for seed in range(20)} > {two.queries[:1]}


@pytest.mark.parametrize(
    "extra",
    [
        {"metadata": {"history": [{"role": "user", "text": "A"}, {"role": "agent", "text": "B"}]}},
        {"history": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]},
        {
            "conversations": [
                {"role": "system", "content": "Be kind."},
                {"role": "User", "content": "A"},
                {"role": "assistant", "content": "B"},
                {"role": "user", "content": "And the mug?"},
            ]
        },
    ],
    ids=["metadata", "history", "conversations"],
)
def test_earlier_turns_are_read_from_each_known_shape(tmp_path, extra):
    queries = {"q2": {"_id": "q2", "text": "And the mug?", **extra}}
    data = read_set(make_set(tmp_path / "s", queries=queries, qrels=[("q2", "d2", 1)]))
    assert data.queries[0].history == (Turn("user", "A"), Turn("assistant", "B"))
    assert data.has_conversations


def test_earlier_turns_reach_the_search(tmp_path, monkeypatch):
    turns = [{"role": "user", "text": "I broke a mug."}]
    queries = {"q2": {"_id": "q2", "text": "Can I return it?", "history": turns}}
    data = read_set(make_set(tmp_path / "s", queries=queries, qrels=[("q2", "d2", 1)]))
    seen = []
    real = FileSearch.rank_files

    def spy(self, query, **options):
        seen.append(options.get("history"))
        return real(self, query, **options)

    monkeypatch.setattr(FileSearch, "rank_files", spy)
    evaluate_with_hashing(data, tmp_path)
    assert seen.count((Turn("user", "I broke a mug."),)) == len(STAGES)


def test_a_folder_of_files_is_judged_by_file_name(tmp_path):
    folder = make_set(tmp_path / "s", qrels=[("q1", "2022 Q3", 1), ("q2", "sub/mugs.md", 1)])
    (folder / "corpus.jsonl").unlink()
    (folder / "files" / "sub").mkdir(parents=True)
    (folder / "files" / "2022 Q3.txt").write_text(CORPUS["d1"])
    (folder / "files" / "sub" / "mugs.md").write_text("# Returns\n\n" + CORPUS["d2"])
    (folder / "files" / "empty.md").write_text("")
    (folder / "qrels.tsv").rename(folder / "qrels_files.tsv")
    done = run(folder, "--json", "--stages", "bm25", "--index-cache", tmp_path / "cache")
    assert json.loads(done.stdout)["stages"]["bm25"]["MRR@10"] == 1.0
    assert done.stderr.startswith("warning: empty.md cannot be found: ")


def test_a_document_without_text_is_its_title(tmp_path):
    corpus = {
        "d1": {"_id": "d1", "title": "Kiln temperatures", "text": " "},
        "d2": {"_id": "d2", "title": None, "text": None},
        "d3": {"_id": "d3", "text": "No title."},
    }
    data = read_set(make_set(tmp_path / "s", corpus=corpus, qrels=[("q1", "d1", 1)]))
    assert [(d.name, d.document.text) for d in data.corpus] == [
        ("d1", "Kiln temperatures"),
        ("d3", "No title."),
    ]
    assert data.warnings == ("1 documents hold no text and cannot be found: 'd2'",)
    assert data.document_count == 3


def test_what_is_wrong_with_a_set_is_left_out_and_said(tmp_path):
    folder = make_set(
        tmp_path / "s",
        queries={**QUERIES, "blank": " "},
        qrels=[
            *QRELS,
            ("q1", "d99", 1),
            ("q2", "d1", -1),
            ("q9", "d1", 1),
            ("blank", "d1", 1),
            ("q5", "d98", 1),
            ("q3", "d3", 2),
        ],
    )
    with (folder / "corpus.jsonl").open("a") as stream:
        stream.write('\n{"_id": "d1", "text": "again"}\n')
    data = read_set(folder)
    assert data.warnings == (
        "1 documents have the id of an earlier one and are left out: 'd1' in line 14",
        "1 judgments repeat an earlier one and take its place: 'd3' for query 'q3' in line 12",
        "1 judgments have a grade below 0, which counts as 0: 'd1' for query 'q2'",
        "1 judged queries are not in queries.jsonl and are left out: 'q9'",
        "2 judgments name documents that are not there and are left out: 'd99', 'd98'",
        "1 judged queries have no relevant document left and are left out: 'q5'",
        "1 judged queries have no text and are left out: 'blank'",
    )
    assert data.judgments["q2"] == {"d2": 1, "d1": 0}
    assert data.judgments["q3"] == {"d3": 2}


def test_warnings_go_to_standard_error(tmp_path):
    folder = make_set(tmp_path / "s", qrels=[*QRELS, ("q1", "d99", 1)])
    done = run(folder, "--json", "--stages", "bm25", "--index-cache", tmp_path / "cache")
    assert json.loads(done.stdout)["queries"] == 4
    assert done.stderr.startswith("warning: 1 judgments name documents that are not there")


def test_other_judgments_beside_the_default_are_pointed_out(pottery):
    write_qrels(pottery / "qrels_strict.tsv", [("q1", "d1", 1)])
    assert "choose other judgments with --qrels: qrels_strict.tsv" in read_set(pottery).warnings[0]
    chosen = read_set(pottery, qrels="qrels_strict.tsv")
    assert (list(chosen.judgments), chosen.warnings) == (["q1"], ())


def test_judgments_without_a_header_row_lose_none(pottery):
    (pottery / "qrels.tsv").write_text("q1\td1\t1.0\r\n\nq2\td2\t1\r\n")
    data = read_set(pottery)
    assert data.judgments == {"q1": {"d1": 1}, "q2": {"d2": 1}}
    assert "has no header row" in data.warnings[0]


def test_a_line_separator_within_text_ends_no_line(tmp_path):
    folder = make_set(tmp_path / "s")
    text = json.dumps({"_id": "d1", "text": "kiln\u2028hot"}, ensure_ascii=False)
    (folder / "corpus.jsonl").write_text("\ufeff" + text + "\n", encoding="utf-8")
    assert read_set(folder).corpus[0].document.text == "kiln\nhot"


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("corpus.jsonl", b"{nonsense", "corpus.jsonl, line 13: Expecting property name"),
        ("corpus.jsonl", b"[" * 100_000, "corpus.jsonl, line 13: "),
        ("queries.jsonl", b'{"_id": ' + b"9" * 5000, "queries.jsonl, line 6: "),
        ("corpus.jsonl", b'{"text": "x"}', "line 13: Object missing required field `_id`"),
        ("corpus.jsonl", b'{"_id": "x", "text": 7}', "line 13: Expected `str | null`, got `int`"),
        ("queries.jsonl", b'["q"]', "queries.jsonl, line 6: Expected `object`, got `array`"),
        ("queries.jsonl", b'{"_id": "\xff"}', "queries.jsonl, line 6: not UTF-8"),
        ("qrels.tsv", b"q1\td1", "qrels.tsv, line 7: 'q1\\td1\\n' is not a query, a document"),
        ("qrels.tsv", b"q1\td1\thigh", "qrels.tsv, line 7: 'q1\\td1\\thigh\\n' is not"),
        ("qrels.tsv", b"q1\td1\t0.5", "qrels.tsv, line 7: "),
        ("qrels.tsv", b"q1\td1\t1e30", "qrels.tsv, line 7: 'q1\\td1\\t1e30\\n' is not"),
        ("qrels.tsv", b"q1\td1\tinf", "qrels.tsv, line 7: 'q1\\td1\\tinf\\n' is not"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(pottery, file, line, says):
    with (pottery / file).open("ab") as stream:
        stream.write(line + b"\n")
    assert_fails(run(pottery), says)


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_part_that_is_missing_is_named(pottery, file):
    (pottery / file).unlink()
    with pytest.raises(NotFound, match=file):
        read_set(pottery)


def test_a_directory_that_is_missing_is_named(tmp_path):
    with pytest.raises(NotFound, match="nowhere' is not a folder"):
        read_set(tmp_path / "nowhere")


def test_a_set_with_nothing_to_evaluate_is_refused(tmp_path):
    with pytest.raises(InvalidFile, match="judgments name documents that are not there"):
        read_set(make_set(tmp_path / "a", qrels=[("q1", "d99", 1)]))
    with pytest.raises(InvalidFile, match="holds no document with text"):
        read_set(make_set(tmp_path / "b", corpus={"d1": ""}))


# Running


def test_figures_follow_from_the_rankings_of_the_library(pottery, tmp_path):
    data = read_set(pottery)
    found = evaluate_with_hashing(data, tmp_path)
    for outcome in found.outcomes:
        assert list(outcome.rankings) == ["q1", "q2", "q3", "q4"]
        reciprocal = [
            max((1 / rank for rank, name in enumerate(outcome.rankings[query], start=1)
                 if rank <= 10 and data.judgments[query].get(name, 0) > 0), default=0)
            for query in outcome.rankings
        ]  # fmt: skip
        assert outcome.figures["MRR@10"] == pytest.approx(reciprocal)
        assert outcome.mean("MRR@10") == pytest.approx(sum(reciprocal) / 4)


def test_a_document_scores_by_its_best_chunk_and_comes_once(tmp_path):
    corpus = {"long": "Clay. " * 3000 + "The kiln is hot. " + "Clay. " * 3000, **CORPUS}
    data = read_set(make_set(tmp_path / "s", corpus=corpus, qrels=[("q1", "long", 1)]))
    ranking = evaluate_with_hashing(data, tmp_path).outcome("bm25").rankings["q1"]
    assert ranking.count("long") == 1


def test_each_query_begins_with_another_stage(pottery, tmp_path, monkeypatch):
    order = []
    real = FileSearch.rank_files

    def spy(self, query, *, stage, **options):
        order.append(stage)
        return real(self, query, stage=stage, **options)

    monkeypatch.setattr(FileSearch, "rank_files", spy)
    evaluate_with_hashing(read_set(pottery), tmp_path, stages=("bm25", "rrf", "hybrid"))
    assert order[3:] == [
        *("bm25", "rrf", "hybrid"),
        *("rrf", "hybrid", "bm25"),
        *("hybrid", "bm25", "rrf"),
        *("bm25", "rrf", "hybrid"),
    ]


def test_a_stage_pays_for_the_query_embedding_itself(pottery, tmp_path):
    """An engine may remember embeddings; each stage has one of its own."""
    data, settings = read_set(pottery), Settings()
    embedder = HashingEmbedder()
    index = cached_index(data, tmp_path / "cache", settings=settings, embedder=embedder)
    asked = []
    embedder.embed_query = lambda text: (asked.append(text), HashingEmbedder().embed_query(text))[1]
    evaluate(data, index.path, settings=settings, embedder=embedder, stages=("dense", "rrf"))
    assert asked.count(QUERIES["q1"]) == 2


@pytest.mark.parametrize("change", ["corpus", "embedder", "chunks", "late"])
def test_the_index_is_another_one_when_what_it_follows_from_changes(pottery, tmp_path, change):
    def path(**options):
        given = {"settings": Settings(), "embedder": HashingEmbedder(), **options}
        return cached_index(read_set(pottery), tmp_path / "cache", **given).path

    before = path()
    assert path() == before
    options = {}
    if change == "corpus":
        with (pottery / "corpus.jsonl").open("a") as stream:
            stream.write('{"_id": "d13", "text": "One more."}\n')
    elif change == "embedder":
        options["embedder"] = HashingEmbedder(dimension=32)
    elif change == "chunks":
        options["settings"] = Settings(chunk_size=400)
    else:
        assert path(settings=Settings(late_interaction=True)) == before
        options["settings"] = Settings(late_interaction=False)
    assert path(**options) != before


def test_the_index_of_files_is_another_one_when_they_are_read_otherwise(
    pottery, tmp_path, monkeypatch
):
    (pottery / "corpus.jsonl").unlink()
    (pottery / "files").mkdir()
    (pottery / "files" / "d1.txt").write_text(CORPUS["d1"])
    data = read_set(pottery)
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho tesseract 9\n")
    program.chmod(0o755)

    def path(**settings):
        given = {"settings": Settings(**settings), "embedder": HashingEmbedder()}
        return cached_index(data, tmp_path / "cache", **given).path

    asked = [{}, {"ocr": "off"}, {"ocr": "all"}, {"parse_timeout_s": 50}]
    asked += [{"parse_memory_mb": 900}, {"page_timeout_s": 4}]
    paths = {path(**settings) for settings in asked}
    assert len(paths) == len(asked)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert path() not in paths  # another engine reads pictures
    assert path(ocr="off") in paths


@pytest.mark.parametrize("lost", ["catalog.db", "segments", "evaluation.json"])
def test_the_way_out_of_a_damaged_index_is_to_make_it_again(made, lost, tmp_path):
    folder, _done = made
    shutil.copytree(folder / "cache", tmp_path / "cache")
    [index] = (tmp_path / "cache").iterdir()
    if lost == "segments":
        shutil.rmtree(index / lost)
    else:
        (index / lost).write_bytes(b"")
    done = run(folder / "pottery", "--stages", "bm25", "--index-cache", tmp_path / "cache")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.endswith("; make the index again with --rebuild\n")
    assert ": fsearch" not in done.stderr


def test_an_index_that_was_left_unfinished_is_finished(pottery, tmp_path):
    data, options = read_set(pottery), {"settings": Settings(), "embedder": HashingEmbedder()}
    path = cached_index(data, tmp_path / "cache", **options).path
    (path / "evaluation.json").unlink()
    with FileSearch(path, embedder=HashingEmbedder()) as fs:
        fs.remove(["d1"])
    assert cached_index(data, tmp_path / "cache", **options).path == path
    with FileSearch(path, embedder=HashingEmbedder()) as fs:
        assert len(fs.files()) == 12


def test_stages_are_parsed_in_order_and_unknown_ones_refused():
    assert parse_stages("rerank, bm25") == ("bm25", "rerank")
    with pytest.raises(InvalidSetting, match="stage 'x' is unknown"):
        parse_stages("x")
