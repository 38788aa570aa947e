"""Memory: what the system says of a process, by step and by kind of file."""

from pathlib import Path

import numpy as np
import pytest

from filesearch.memory import SMAPS, MappedFiles, Meter, Step, kind_of_file

MAPPING = """\
{start:08x}-{end:08x} r--p 00000000 fe:00 260131      {path}
Size:              {size:>8} kB
KernelPageSize:           4 kB
Rss:               {resident:>8} kB
Anonymous:         {own:>8} kB
VmFlags: rd mr mw me
"""


def smaps(*mappings):
    """What /proc/self/smaps says of (path, size, resident, own) in KiB."""
    return "".join(
        MAPPING.format(start=n << 20, end=(n + 1) << 20, path=path, size=s, resident=r, own=o)
        for n, (path, s, r, o) in enumerate(mappings)
    )


def kind_of(path):
    return path.name


def test_each_step_is_charged_what_the_process_grew_meanwhile(tmp_path):
    told = tmp_path / "smaps"
    told.write_text(smaps(("", 900, 100, 100), ("[heap]", 900, 50, 50)))
    meter = Meter(kind_of, smaps=told)
    with meter.step("store"):
        told.write_text(smaps(("", 900, 400, 400)))
    with meter.step("search"):
        told.write_text(smaps(("", 900, 300, 300)))
    report = meter.report()
    expected = [("program", 150), ("store", 250), ("search", -100)]
    assert report.steps == tuple(Step(name, kib * 1024) for name, kib in expected)
    assert report.own_bytes == sum(step.own_bytes for step in report.steps)


def test_files_of_one_kind_are_added_and_what_is_resident_comes_first(tmp_path):
    told = tmp_path / "smaps"
    # A private mapping that was written to is in part the process's own.
    told.write_text(
        smaps(("/a/x y", 10, 8, 3), ("/b/x y (deleted)", 10, 1, 0), ("/b/z", 90, 20, 0))
    )
    report = Meter(kind_of, smaps=told).report()
    assert report.files == (
        MappedFiles("z", 90 * 1024, 20 * 1024),
        MappedFiles("x y", 20 * 1024, 6 * 1024),
    )
    assert (report.own_bytes, report.resident_bytes) == (3 * 1024, 29 * 1024)


def test_a_system_that_does_not_tell_gives_the_peak_alone(tmp_path):
    report = Meter(kind_of, smaps=tmp_path / "none").report()
    assert (report.steps, report.files, report.own_bytes, report.resident_bytes) == ((), (), 0, 0)
    assert report.peak_bytes > 1 << 20


@pytest.mark.skipif(not SMAPS.exists(), reason="this system does not tell what is mapped")
def test_memory_that_is_filled_and_a_file_that_is_mapped_are_seen(tmp_path):
    path = tmp_path / "mapped"
    np.ones(1 << 20, np.uint8).tofile(path)
    meter = Meter(str)
    with meter.step("fill"):
        filled = np.ones(64 << 20, np.uint8)
    mapped = np.memmap(path, mode="r")
    assert filled.sum() + mapped.sum() > 0
    report = meter.report()
    assert report.steps[1].own_bytes > 60 << 20
    [part] = [part for part in report.files if part.kind == str(path)]
    assert part.size_bytes == part.resident_bytes == 1 << 20


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("segments/1f/vectors.faiss", "vectors"),
        ("segments/1f/quantised.faiss", "vectors"),
        ("segments/1f/sign_offsets.npy", "late interaction"),
        ("segments/1f/chunks.npy", "chunk and window tables"),
        ("segments/1f/rows.npy", "postings"),
        ("catalog.db-shm", "catalog"),
    ],
)
def test_a_file_of_the_index_is_known_by_its_place_and_name(tmp_path, path, kind):
    assert kind_of_file(tmp_path / path, index=tmp_path) == kind


def test_other_files_are_libraries_the_model_or_neither(tmp_path):
    assert kind_of_file(Path("/lib/libstdc++.so.6"), index=tmp_path) == "libraries"
    assert kind_of_file(Path("/usr/lib/locale/C.utf8/LC_CTYPE"), index=tmp_path) == "other files"
