"""Snapshot: what it reads of segments and of the roster, and when; see test_index for searches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filesearch.errors import IndexDamaged
from filesearch.index.segment import Segment
from filesearch.index.snapshot import Snapshot
from filesearch.records import Picture
from filesearch.roster import Roster

from .support_index import EMBEDDER, make_twin


@pytest.fixture(scope="module", params=range(4))
def twin(request, tmp_path_factory):
    return make_twin(request.param, tmp_path_factory.mktemp("segments"))


def test_rows_count_every_window_of_one_commit(twin):
    assert twin.snapshot.window_count == len(twin.windows)
    assert twin.snapshot.generation == 7


def test_a_removed_file_has_no_place(twin):
    for row in {*range(len(twin.chunks))} - {*twin.live}:
        with pytest.raises(LookupError, match="removed file"):
            twin.snapshot.place(row)


def test_a_newer_snapshot_opens_only_what_is_new(twin):
    older = Snapshot(twin.root, Roster.of(Picture(6, twin.picture.segments[:1], ())))
    newer = Snapshot(twin.root, Roster.of(twin.picture), older.opened)
    assert newer.segments[0] is older.segments[0]
    assert all(isinstance(segment, Segment) for segment in newer.segments)


def test_a_segment_that_is_gone_is_damage(twin):
    lost = replace(twin.picture.segments[0], name="0123456789abcdef")
    with pytest.raises(IndexDamaged, match=lost.name):
        Snapshot(twin.root, Roster.of(Picture(7, (lost,), ())))


def test_an_empty_store_has_nothing_to_find(tmp_path):
    snapshot = Snapshot(tmp_path, Roster.of(Picture(0, (), ())))
    rows, _scores = snapshot.nearest_windows(
        EMBEDDER.embed_query("kiln"), top_k=3, selection=snapshot.everything
    )
    by_keyword, _scores = snapshot.top_keyword(["kiln"], 3, snapshot.everything)
    assert (snapshot.chunk_count, len(rows), len(by_keyword)) == (0, 0, 0)


def test_memory_counts_what_searches_have_made_so_far(twin):
    snapshot = Snapshot(twin.root, Roster.of(twin.picture), twin.snapshot.opened)
    before = snapshot.memory()
    assert (before.entries, before.masks) == (0, 0)
    assert before.slots > 0
    assert before.mapped == sum(record.size_bytes for record in twin.picture.segments)
    row = twin.live[0]
    _ = snapshot.place(row), snapshot.everything
    after = snapshot.memory()
    assert after.entries > 0
    assert (after.masks > 0) == (len(twin.live) < len(twin.chunks))


def test_a_file_that_was_removed_since_the_commit_is_left_out(twin):
    gone = twin.chunks[twin.live[0]].entry
    roster = Roster.of(twin.picture)
    read = roster.read_entries
    left = replace(
        roster, read_entries=lambda ids: read([one for one in ids if one != gone.store_file_id])
    )
    snapshot = Snapshot(twin.root, left, twin.snapshot.opened)
    places = snapshot.places(twin.live)
    expected = [None if twin.chunks[row].entry == gone else row for row in twin.live]
    assert [place and row for place, row in zip(places, twin.live, strict=True)] == expected


def test_an_id_that_went_to_another_file_since_the_commit_is_no_place(twin):
    roster = Roster.of(twin.picture)
    read = roster.read_entries
    other = replace(
        roster,
        read_entries=lambda ids: {
            number: replace(entry, document_id=10_000) for number, entry in read(ids).items()
        },
    )
    snapshot = Snapshot(twin.root, other, twin.snapshot.opened)
    assert snapshot.places(twin.live) == [None] * len(twin.live)
