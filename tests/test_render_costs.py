"""Stats as text: how the vectors of segments are indexed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filesearch.records import SegmentStats
from filesearch.render_costs import render_stats


@pytest.fixture
def stats(fs, docs):
    fs.ingest(docs)
    return fs.stats()


def test_exact_segments_are_one_line_and_every_other_one_has_its_own(stats):
    trained = {"kind": "ivf", "parameters": {"lists": 4096}, "training": 100_000, "recall": 0.987}
    more = [
        SegmentStats("a1", 800_000, 1, trained),
        SegmentStats("b2", 7000, 1, {"kind": "exact"}),
        SegmentStats("c3", 5, 1, {}),
    ]
    found = render_stats(replace(stats, segment_stats=(*stats.segment_stats, *more)))
    assert found.splitlines()[-3:] == [
        f"vectors     exact: {stats.windows + 7000:,} windows in 2 segments",
        "vectors     a1: 800,000 windows, kind ivf, parameters lists=4,096, training 100,000, "
        "recall 0.987",
        "vectors     c3: 5 windows, cannot be read",
    ]


def test_a_segment_that_is_damaged_does_not_hide_the_other_figures(fs, stats):
    [segment] = (fs.directory / "segments").iterdir()
    (segment / "manifest.json").write_text("{}")
    assert fs.stats() == replace(
        stats,
        segment_stats=tuple(replace(one, vector_index={}) for one in stats.segment_stats),
    )


def test_what_is_free_of_the_catalog_is_shown_where_it_can_be_had_back(stats):
    def catalog_line(free_bytes):
        found = replace(stats, catalog_bytes=4 << 20, catalog_free_bytes=free_bytes)
        return next(line for line in render_stats(found).splitlines() if "catalog" in line)

    assert catalog_line(900_000) == "catalog     4.0 MiB"
    assert catalog_line(3 << 20) == "catalog     4.0 MiB, 3.0 MiB of it free; run: fsearch compact"


def test_a_lone_store_has_no_line_and_of_many_the_largest_have(stats):
    assert "\nstore" not in render_stats(stats)
    [default] = stats.stores
    more = [replace(default, id=f"vs_{n}", name=f"s{n}", windows=n) for n in range(300)]
    shown = render_stats(replace(stats, stores=(default, *more))).splitlines()
    lines = [line for line in shown if line.startswith("store")]
    assert lines[0].startswith("store       vs_299 s299: 3 files, 3 chunks, 299 windows, 1 segm")
    assert lines[20] == "store       and 281 more; see: fsearch stats --json"
    assert len(lines) == 21
