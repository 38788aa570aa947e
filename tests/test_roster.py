"""Roster: what is read in steps, from one commit to the next, equals what is read at once."""

from __future__ import annotations

import numpy as np
import pytest

from filesearch.catalog import Catalog
from filesearch.database import sqlite_url
from filesearch.filters import compile_filter
from filesearch.records import NewFile, SegmentRecord
from filesearch.roster import Roster
from filesearch.types import Chunk, ChunkSettings, Document

SETTINGS = ChunkSettings(100, 0)


class Changes:
    """Random commits to one store."""

    def __init__(self, catalog, seed):
        self.catalog = catalog
        self.rng = np.random.default_rng(seed)
        self.store = catalog.create_store(
            "s", embedder="e", dimension=8, chunk_settings=SETTINGS, late_interaction=False
        )
        self.count = 0

    def segment(self, slots):
        self.count += 1
        return SegmentRecord(f"segment-{self.count}", "hash", slots, slots, slots, 100)

    def entries(self):
        return self.catalog.picture(self.store.id).entries

    def add(self, replace=0.3):
        slots = int(self.rng.integers(1, 5))
        old = [entry.file_id for entry in self.entries()]
        new = []
        for slot in range(slots):
            text = f"text {self.rng.integers(6)}"
            replaced = old.pop() if old and self.rng.random() < replace else None
            new.append(
                NewFile(
                    filename=f"{self.count}-{slot}.md",
                    path=None,
                    content_hash=text,
                    size_bytes=9,
                    attributes={"n": int(self.rng.integers(4))},
                    chunk_settings=SETTINGS,
                    load_key=text,
                    document=Document(text),
                    chunks=[Chunk(0, 0, len(text), 2)],
                    window_count=1,
                    row_attributes=bool(self.rng.random() < 0.2),
                    replaces=replaced,
                )
            )
        self.catalog.commit(self.store.id, new, segment=self.segment(slots))

    def remove(self):
        names = [entry.file_id for entry in self.entries() if self.rng.random() < 0.3]
        self.catalog.commit(self.store.id, [], removed=names)

    def change_attributes(self):
        for entry in self.entries()[:2]:
            self.catalog.set_attributes(self.store.id, entry.file_id, {"n": 9, "new": True})

    def merge(self):
        picture = self.catalog.picture(self.store.id)
        gone = picture.segments[:2]
        ids = [record.id for record in gone]
        owners = [one.store_file_id for one in picture.entries if one.segment_id in ids]
        if owners:
            new = [(self.segment(len(owners)), owners)]
            self.catalog.replace_segments(self.store.id, ids, new)

    def random(self):
        steps = [self.add, self.add, self.remove, self.change_attributes, self.merge]
        steps[int(self.rng.integers(len(steps)))]()


@pytest.fixture
def catalog(tmp_path):
    catalog = Catalog(sqlite_url(tmp_path / "catalog.db"))
    yield catalog
    catalog.close()


def passing(roster, spec):
    keep = compile_filter(spec)
    return [
        (roster.attributes.of(record, files).passing(keep) & (files.store_files >= 0)).tolist()
        for record, files in zip(roster.segments, roster.files, strict=True)
    ]


def assert_same(found, expected):
    assert found.generation == expected.generation
    assert found.segments == expected.segments
    for mine, other in zip(found.files, expected.files, strict=True):
        assert mine.store_files.tolist() == other.store_files.tolist()
        assert mine.documents.tolist() == other.documents.tolist()
        assert mine.rows_apart.tolist() == other.rows_apart.tolist()
    for n in (0, 2, 9):
        spec = {"type": "eq", "key": "n", "value": n}
        assert passing(found, spec) == passing(expected, spec)


@pytest.mark.parametrize("seed", range(6))
def test_a_roster_read_in_steps_is_that_of_the_whole_picture(catalog, seed):
    changes, roster = Changes(catalog, seed), None
    for _ in range(15):
        changes.random()
        if changes.rng.random() < 0.6:
            roster = catalog.roster(changes.store.id, roster)
            assert_same(roster, Roster.of(catalog.picture(changes.store.id)))


def test_segments_that_lost_nothing_are_not_read_again(catalog):
    changes = Changes(catalog, 0)
    changes.add(replace=0)
    before = catalog.roster(changes.store.id)
    changes.add(replace=0)
    after = catalog.roster(changes.store.id, before)
    assert after.files[0] is before.files[0]
    assert len(after.files) == 2
    assert after.attributes is before.attributes


def test_attributes_are_read_again_once_they_have_changed(catalog):
    changes = Changes(catalog, 1)
    changes.add()
    before = catalog.roster(changes.store.id)
    passing(before, {"type": "eq", "key": "n", "value": 9})
    changes.change_attributes()
    after = catalog.roster(changes.store.id, before)
    assert after.attributes is not before.attributes
    assert any(map(any, passing(after, {"type": "eq", "key": "new", "value": True})))


def test_a_merge_takes_no_file_from_a_roster_that_is_in_use(catalog):
    changes = Changes(catalog, 2)
    changes.add()
    changes.add()
    roster = catalog.roster(changes.store.id)
    changes.merge()
    everything = passing(roster, None)
    assert everything == [(files.store_files >= 0).tolist() for files in roster.files]


def test_entries_are_those_of_the_picture_and_removed_files_have_none(catalog):
    changes = Changes(catalog, 3)
    changes.add()
    roster = catalog.roster(changes.store.id)
    (first, *_others) = entries = changes.entries()
    found = roster.read_entries([entry.store_file_id for entry in entries])
    assert [found[one.store_file_id].filename for one in entries] == [
        one.filename for one in entries
    ]
    assert all(entry.load_key.startswith("text ") for entry in found.values())
    catalog.commit(changes.store.id, [], removed=[first.file_id])
    assert first.store_file_id not in roster.read_entries([first.store_file_id])


def test_a_store_that_does_not_exist_has_no_files(catalog):
    roster = catalog.roster("vs_unknown")
    assert (roster.generation, roster.segments, roster.files) == (0, (), ())
