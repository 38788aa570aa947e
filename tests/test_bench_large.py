"""The subcommands bm25, search and scale of the benchmark command: tiny runs of ours alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.bm25 import Asked, _agreement, _ratio, _score_difference
from benchmarks.drawn_sets import parse_counts
from benchmarks.errors import BenchError
from benchmarks.scale import make_report

ROOT = Path(__file__).parent.parent
BENCH = ROOT / "scripts" / "bench.py"
STEP = {
    "files": 1,
    "windows": 30,
    "cpu_s": 1.0,
    "rss_mb": 120.0,
    "base_mb": 100.0,
    "peak_mb": 150.0,
    "own_peak_mb": 90.0,
    "base_own_mb": 60.0,
    "segments": 1,
    "segment_bytes": 10,
    "catalog_bytes": 10,
}


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(6):
        lines = [f"# Kiln {number}\n"]
        for step in range(12):
            lines.append(f"## How kiln {number} takes step {step}\n")
            lines += [
                f"In step {step} kiln {number} holds {900 + 7 * part} degrees for part {part}."
                for part in range(8)
            ]
        (folder / f"kiln{number}.md").write_text("\n\n".join(lines))
    return folder


def run_bench(tmp_path, *arguments):
    flags = ["--peers", "none", "--environments", tmp_path / "none", "--json"]
    done = subprocess.run(
        [sys.executable, BENCH, *arguments, *flags], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(300)  # several processes, each with our imports
def test_bm25_of_ours_alone_times_every_query(documents, tmp_path):
    sizes = ["--rows", "60", "--row-tokens", "100", "--queries", "12", "--turns", "2"]
    found = run_bench(tmp_path, "bm25", documents, *sizes)

    [ten, many] = found["tables"]["keyword search"]
    assert (ten["contestant"], ten["top_k"], many["top_k"]) == ("filesearch", "10", "200")
    assert sum(len(turn["filesearch"]["ms"]["10"]) for turn in found["raw"]) == 12
    assert len(found["raw"][0]["filesearch"]["ms"]["again"]) == 6
    assert ten["size_mb"] > 0
    assert ten["again_p50_ms"] > 0


@pytest.mark.timeout(300)
def test_search_of_a_drawn_store_is_exact_and_the_store_is_kept(documents, tmp_path):
    sizes = ["--windows", "150", "--queries", "9", "--pool", "40", "--turns", "1"]
    found = run_bench(tmp_path, "search", documents, "--sets", tmp_path / "sets", *sizes)

    plain, rerank, filtered = found["tables"]["search"]
    assert plain["asked"] == rerank["asked"] == filtered["asked"] == 3
    assert plain["recall"] > 0.9
    assert filtered["recall"] == 1.0
    assert (tmp_path / "sets" / "store-150-seed0-signs" / "catalog.db").exists()


@pytest.mark.timeout(300)
def test_scale_measures_and_draws_every_step(documents, tmp_path):
    picture = tmp_path / "growth.png"
    flags = ["--sets", tmp_path / "sets", "--pool", "40", "--queries", "3", "--plot", picture]
    found = run_bench(tmp_path, "scale", documents, "--chunks", "20,60", *flags)

    first, last = found["tables"]["growth"]
    assert 20 <= first["chunks"] < 60 <= last["chunks"]
    assert last["minutes"] > first["minutes"]
    assert first["whole_ms"] > first["ms"]
    assert 0 < last["own_peak_mb"] < last["peak_mb"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 60_000


OWN_PEAK = """
import mmap, sys, time
sys.path.insert(0, "scripts")
from benchmarks.memory import OwnPeak

peak = OwnPeak()
before = peak.mb
with (
    open(sys.argv[1], "rb") as stream,
    mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as pages,
    peak.watching(),
):
    assert sum(pages[:: 1 << 12]) == 0  # each page is read
    own = b"k" * (32 << 20)
    give_up = time.monotonic() + 60
    while peak.mb < before + 30 and time.monotonic() < give_up:
        time.sleep(0.01)
    del own
print(peak.mb - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells own memory from mapped files")
def test_the_peak_of_own_memory_keeps_what_was_given_back_and_counts_no_mapped_file(tmp_path):
    file = tmp_path / "mapped"
    file.write_bytes(bytes(64 << 20))

    # Its own process: what this one gives back to the system meanwhile would hide the growth.
    command = [sys.executable, "-c", OWN_PEAK, file]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert 30 < float(done.stdout) < 60


@pytest.mark.timeout(300)
def test_candidates_for_the_vector_index_are_searched_until_they_find_enough(documents, tmp_path):
    script = ROOT / "scripts" / "choose_vector_index.py"
    flags = ["--sets", tmp_path / "sets", "--count", "2k", "--only", "PQ", "--json"]
    done = subprocess.run(
        [sys.executable, script, documents, *flags], capture_output=True, text=True, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["rows"]
    assert row["recall_at_10"] >= 0.98
    assert row["recall_at_200"] >= 0.97
    assert 0.2 < row["bytes"] < 1


def test_counts_have_units_and_come_in_order():
    assert parse_counts("1M,10k,500,10k", "--windows") == [500, 10_000, 1_000_000]
    with pytest.raises(BenchError, match="--windows: 'many' is no count"):
        parse_counts("10k,many", "--windows")


def asked(ms, rows=(), scores=()):
    return Asked(load_s=1, first_ms=1, peak_mb=1, ms={"10": ms}, rows=rows, scores=scores)


def test_a_peer_that_was_asked_less_is_compared_over_the_queries_that_both_answered():
    turns = [{"filesearch": asked([1.0, 1.0, 9.0, 9.0]), "rank_bm25": asked([5.0, 5.0])}]

    assert _ratio(turns, "rank_bm25", 0.5) == 5.0


def test_scores_and_rows_are_compared_with_those_of_rank_bm25():
    turns = [
        {
            "filesearch": asked([1.0], [[3, 4]], [[2.0, 1.0]]),
            "rank_bm25": asked([1.0], [[3, 5]], [[2.0, 1.5]]),
        }
    ]

    assert _agreement(turns, "filesearch") == 0.5
    assert _score_difference(turns) == 0.5


@pytest.mark.parametrize(("ours", "theirs"), [([2.0], [2.0, 1.5]), ([2.0, 1.5], [2.0])])
def test_a_row_that_only_one_of_them_has_is_a_difference_of_its_score(ours, theirs):
    turns = [
        {
            "filesearch": asked([1.0], [[3]], [ours]),
            "rank_bm25": asked([1.0], [[3]], [theirs]),
        }
    ]

    assert _score_difference(turns) == 1.5


def test_growth_compares_a_chunk_of_the_last_step_with_one_of_the_first():
    steps = [
        STEP | {"chunks": 100, "indexing_s": 1.0, "cpu_s": 1.0},
        STEP | {"chunks": 300, "indexing_s": 4.0, "cpu_s": 3.0},
    ]

    report = make_report(steps, {}, whole_ms=25.0)

    first, last = report.tables[0].rows
    assert (first["ms"], last["ms"], last["cpu_ms"]) == (10.0, 15.0, 10.0)
    assert (first["whole_ms"], last["whole_ms"]) == (25.0, 30.0)
    [whole] = report.claims
    assert (whole.figure, whole.holds) == (1.2, True)
    [steep] = make_report(steps, {}, whole_ms=10.0).claims
    assert (steep.figure, steep.holds) == (1.5, False)
