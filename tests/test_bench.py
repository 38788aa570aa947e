"""The benchmark command: ratios, tables and flags, and a tiny run of ours without any peer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.environments import check_no_cuda, choose_peers
from benchmarks.errors import BenchError
from benchmarks.measuring import alternate, median_ratio, percentile, run_program
from benchmarks.report import Claim, Column, Report, Table, save_json
from hypothesis import given
from hypothesis import strategies as st

# Each runs the command as a process, which starts some more; a busy machine takes its time.
several_processes = pytest.mark.timeout(400)
ROOT = Path(__file__).parent.parent


def run_bench(*arguments, environments):
    command = [sys.executable, ROOT / "scripts" / "bench.py", *arguments]
    flags = ["--peers", "none", "--environments", environments, "--json"]
    return subprocess.run([*command, *flags], capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    (folder / "deep").mkdir(parents=True)
    for number in range(3):
        text = f"# Kiln {number}\n\nThe kiln number {number} reaches {1000 + number} degrees.\n"
        (folder / "deep" / f"kiln{number}.md").write_text(text * 30)
    return folder


def test_every_other_turn_runs_backwards():
    ran, errors = [], {}
    contestants = {name: lambda name=name: ran.append(name) for name in "ab"}

    assert len(list(alternate(contestants, 3, errors))) == 3
    assert "".join(ran) == "abbaab"


def test_a_contestant_that_fails_has_no_more_turns_and_the_others_go_on():
    def fail():
        raise BenchError("it broke")

    errors = {}
    turns = list(alternate({"ours": lambda: 1.0, "peer": fail}, 2, errors))

    assert turns == [{"ours": 1.0}, {"ours": 1.0}]
    assert errors == {"peer": "it broke"}


def test_a_ratio_is_the_median_of_the_ratios_within_turns_that_have_both():
    turns = [{"ours": 4.0, "peer": 2.0}, {"ours": 9.0, "peer": 3.0}, {"ours": 100.0}]

    assert median_ratio(turns, "ours", "peer", float) == 2.5
    assert median_ratio(turns, "ours", "absent", float) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_a_figure_that_that_share_does_not_exceed(figures, share):
    found = percentile(figures, share)

    assert found in figures
    assert sum(figure <= found for figure in figures) >= share * len(figures) - 1e-9


def test_percentiles_are_nearest_ranks():
    figures = [float(n) for n in range(1, 101)]

    assert [percentile(figures, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([], 0.5) is None


def test_a_table_shows_numbers_by_their_form_and_leaves_what_is_missing_empty():
    columns = (Column("name", "who"), Column("rate", "texts/s", ",.1f"), Column("ok", "works"))
    table = Table("speed", columns, [{"name": "ours", "rate": 1234.56, "ok": True}, {"name": "x"}])

    assert table.render().splitlines() == [
        "**speed**",
        "",
        "| who | texts/s | works |",
        "|---|---:|---|",
        "| ours | 1,234.6 | yes |",
        "| x |  |  |",
    ]


def test_a_target_holds_from_its_bound_on_and_never_without_a_figure():
    claims = [
        Claim("fast", 2.0, 2.0),
        Claim("slow", 1.9, 2.0),
        Claim("small", 2.0, 2.0, is_least=False),
        Claim("unmeasured", None, 2.0),
    ]

    assert [claim.holds for claim in claims] == [True, False, True, False]
    assert "| slow | 1.900 | >= 2 | no |" in Report("What.", [], claims).render()


def test_a_report_is_saved_whole(tmp_path):
    report = Report("What.", [Table("t", (Column("a", "A"),), [{"a": 1}])], errors={"x": "broke"})
    save_json(report.as_json(), tmp_path / "found.json")

    found = json.loads((tmp_path / "found.json").read_text())
    assert found["tables"] == {"t": [{"a": 1}]}
    assert found["errors"] == {"x": "broke"}
    assert "FAILED x: broke" in report.render()
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


def test_peers_are_chosen_in_their_own_order_and_unknown_ones_refused():
    assert choose_peers("all", ("a", "b")) == ("a", "b")
    assert choose_peers("none", ("a", "b")) == ()
    assert choose_peers("b, a", ("a", "b")) == ("a", "b")
    with pytest.raises(BenchError, match="no peer 'c' here; give all, none, or some of a, b"):
        choose_peers("c", ("a", "b"))


def test_a_torch_that_brings_cuda_is_refused_with_the_way_out():
    check_no_cuda("txtai", ["torch", "txtai"])
    with pytest.raises(BenchError, match="--torch-index"):
        check_no_cuda("txtai", ["torch", "nvidia-cudnn-cu13"])


def test_a_program_that_fails_says_what_it_said():
    with pytest.raises(BenchError, match=r"ended with 3: no such model"):
        run_program([sys.executable, "-c", "import sys; print('no such model'); sys.exit(3)"])
    with pytest.raises(BenchError, match="after 0 s"):
        run_program([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.2)


@several_processes
def test_ours_alone_embeds_a_few_windows(tmp_path, documents):
    done = run_bench("embed", documents, "--windows", "4", "--turns", "1", environments=tmp_path)

    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["is_complete"]
    assert found["machine"]["cores"] >= 1
    assert [row["contestant"] for row in found["tables"]["embed"]] == [
        "embed_texts",
        "embed_windows",
    ]
    assert all(row["texts_per_s"] > 0 for row in found["tables"]["embed"])


def test_a_folder_without_markdown_ends_the_run_with_a_message(tmp_path):
    done = run_bench("embed", tmp_path, environments=tmp_path / "environments")

    assert done.returncode == 1
    assert done.stderr == f"error: '{tmp_path}' holds no Markdown file; give a folder that does\n"


@several_processes
def test_ours_alone_ingests_a_folder_whole_and_finds_its_titles(tmp_path, documents):
    done = run_bench("ingest", documents, environments=tmp_path)

    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["tables"]["ingest"]
    assert row["contestant"] == "filesearch"
    assert row["text_share"] == 100.0
    assert row["titles_found"] == "3 of 3"


@several_processes
def test_ours_alone_starts_cold(tmp_path, documents):
    done = run_bench("cold", documents, "--turns", "1", environments=tmp_path)

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["tables"]["cold"]
    assert [row["command"] for row in rows][:2] == ["fsearch search", "fsearch --help"]
    assert all(row["median_s"] > 0 for row in rows)


@several_processes
def test_ours_alone_is_searched_by_many_clients_while_files_come_in(tmp_path, documents):
    sizes = ("--files", "2", "--clients", "3", "--seconds", "30", "--queries", "12")
    done = run_bench("load", documents, *sizes, "--turns", "1", environments=tmp_path)

    assert done.returncode == 0, done.stderr
    rows = {row["contestant"]: row for row in json.loads(done.stdout)["tables"]["load"]}
    assert list(rows) == [
        "ours",
        "ours, 2 workers",
        "ours, not reranked",
        "ours, both",
        "ours, during ingest",
    ]
    assert {row["queries"] for row in rows.values()} == {12}
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in rows.values())
