"""The quality script: one table over all sets of a folder, and what is special to some."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "scripts" / "quality.py"
TEXTS = ("The kiln reaches 1280 degrees.", "A mug may be returned.", "Noor runs the studio.")


def write_set(folder, queries, qrels, *, qrels_file="qrels.tsv"):
    folder.mkdir(parents=True)
    documents = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(TEXTS)]
    for name, lines in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = ["query-id\tcorpus-id\tscore", *("\t".join(row) for row in qrels)]
    (folder / qrels_file).write_text("\n".join(rows) + "\n")


def test_one_table_over_all_sets_with_the_lines_that_some_need(tmp_path):
    data = tmp_path / "data"
    write_set(
        data / "hotpotqa_2",
        [{"_id": "q", "text": "Who runs the studio with the kiln?"}],
        [("q", "d0", "1"), ("q", "d2", "1")],
    )
    talk = {"history": [{"role": "user", "text": "I have a mug."}]}
    write_set(
        data / "talks",
        [{"_id": "q", "text": "May it be returned?", "metadata": talk}],
        [("q", "d1", "1")],
        qrels_file="qrels_with_source.tsv",
    )
    write_set(data / "talks" / "not_a_set", [], [])
    outputs = {"--json": tmp_path / "figures.json", "--markdown": tmp_path / "table.md"}
    flags = [text for pair in outputs.items() for text in map(str, pair)]
    done = subprocess.run(
        [sys.executable, SCRIPT, data, "--index-cache", tmp_path / "cache", *flags],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")] == [
        "| set",
        "| hotpotqa_2",
        "| talks",
        "| mean",
    ]
    assert len({line.count("|") for line in lines[:5]}) == 1
    assert "hotpotqa_2, both paragraphs among the first 10, rerank: 1.00 with rewriting" in (
        done.stdout
    )
    assert "talks, all user turns as one query: 1.0000; the conversation is +0.0000" in done.stdout
    assert outputs["--markdown"].read_text() == done.stdout
    figures = json.loads(outputs["--json"].read_text())
    assert set(figures["sets"]) == {"hotpotqa_2", "talks"}
    assert figures["sets"]["talks"]["stages"]["bm25"]["MRR@10"] == 1.0
