"""Mutated files of all formats end as they should; scripts/fuzz_load.py runs thousands."""

from __future__ import annotations

import random
import time
from pathlib import Path

import fuzzing
import mutations
import pytest

COUNT, SEED = 100, 6


@pytest.mark.timeout(300)
def test_mutated_files_end_as_documents_or_with_a_reason(tmp_path: Path) -> None:
    findings = fuzzing.run(COUNT, SEED, tmp_path, timeout_s=30)
    assert [(f"{SEED}-{m.number}-{m.name}", reason) for m, reason in findings.found] == []
    assert findings.written == []
    assert findings.ends.total() == COUNT
    assert {"document", "invalid"} <= findings.ends.keys()


def test_a_seed_and_a_number_give_the_same_file_again() -> None:
    first = [mutant.data for mutant in fuzzing.mutants(60, SEED, mutations.corpus())]
    time.sleep(1.1)  # formats hold the second in which they were made
    files = mutations.corpus()
    assert first == [mutant.data for mutant in fuzzing.mutants(60, SEED, files)]
    assert first != [mutant.data for mutant in fuzzing.mutants(60, SEED + 1, files)]


def test_most_mutations_change_the_file() -> None:
    files = mutations.corpus()
    changed = [
        mutations.mutate(name, data, random.Random(seed))[1] != data
        for seed in range(3)
        for name, data in files
    ]
    assert sum(changed) > 0.9 * len(changed)


def test_what_is_written_outside_is_found(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("as it was")
    before = fuzzing.tree(tmp_path)
    (tmp_path / "kept.txt").write_text("changed")
    (tmp_path / "new.txt").write_text("new")
    after = fuzzing.tree(tmp_path)
    assert {path for path in after if before.get(path) != after[path]} == {"kept.txt", "new.txt"}
