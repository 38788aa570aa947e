"""Segment: what is written can be opened, merged and checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from filesearch.errors import IndexDamaged
from filesearch.index.builder import SegmentBuilder
from filesearch.index.merge import merge_segments
from filesearch.index.segment import Segment, segment_draft, write_segment
from filesearch.index.sweep import sweep_segments
from filesearch.prepare import embed_windows, prepare_document
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings, Document

EMBEDDER = HashingEmbedder(dimension=16, max_tokens=20)
SETTINGS = ChunkSettings(100, 50)
WORDS = "kiln glaze mug bowl clay 陶器 窯 fire ash salt wheel studio 1280 max_chunk_size".split()


def random_text(rng):
    """A sentence, or some pages: up to three chunks."""
    words = rng.choice(WORDS, size=int(rng.choice([1, 5, 60, 150])))
    return " ".join(words) + "."


def build(texts):
    builder = SegmentBuilder(EMBEDDER.fingerprint, EMBEDDER.dimension)
    for text in texts:
        prepared = prepare_document(Document(text), "note", SETTINGS, EMBEDDER)
        prepared.add_to(
            builder, embed_windows(EMBEDDER, prepared.window_texts, late_interaction=True)
        )
    return builder.build()


def write(root, texts):
    return Segment(root, write_segment(root, build(texts)))


def merge(root, parts):
    with segment_draft(root) as draft:
        return Segment(root, merge_segments(draft, parts))


def assert_same(left, right):
    """Two segments hold the same, and neither holds more."""
    assert left.manifest.files.keys() == right.manifest.files.keys()
    assert replace(left.record, name="", manifest_hash="") == replace(
        right.record, name="", manifest_hash=""
    )
    assert left.manifest.vectors == right.manifest.vectors
    np.testing.assert_array_equal(left.chunk_table, right.chunk_table)
    np.testing.assert_array_equal(left.window_table, right.window_table)
    everything = np.arange(len(left.window_table))
    np.testing.assert_array_equal(
        left.vectors.vectors(everything), right.vectors.vectors(everything)
    )
    assert left.has_signs == right.has_signs
    np.testing.assert_array_equal(left.signs(everything).bits, right.signs(everything).bits)
    np.testing.assert_array_equal(left.signs(everything).counts, right.signs(everything).counts)
    for name, array in left.postings.arrays().items():
        np.testing.assert_array_equal(array, right.postings.arrays()[name], err_msg=name)


def test_what_was_written_is_read_back(tmp_path):
    content = build(["kiln and mug.", "clay " * 300])
    opened = Segment(tmp_path, write_segment(tmp_path, content))
    np.testing.assert_array_equal(opened.chunk_table, content.chunk_table)
    np.testing.assert_array_equal(opened.window_table, content.window_table)
    rows = np.arange(len(content.window_table))
    np.testing.assert_allclose(opened.vectors.vectors(rows), content.vectors, atol=1e-3)  # float16
    np.testing.assert_array_equal(opened.signs(rows).bits, content.signs.bits)
    assert opened.damages() == []


def test_the_record_says_what_the_segment_holds(tmp_path):
    content = build(["kiln and mug.", "clay " * 300])
    record = write_segment(tmp_path, content)
    assert (record.slot_count, record.chunk_count) == (2, len(content.chunk_table))
    assert record.window_count == len(content.window_table) == len(content.vectors)
    files = list((tmp_path / record.name).iterdir())
    assert record.size_bytes == sum(path.stat().st_size for path in files)


def test_every_chunk_has_windows_of_its_own_document(tmp_path):
    table = build(["kiln", "clay " * 300, "窯。" * 200]).chunk_table
    windows = build(["kiln", "clay " * 300, "窯。" * 200]).window_table
    assert (table[:, 3] < table[:, 4]).all()
    for slot, _start, _end, first, last in table.tolist():
        assert set(windows[first:last, 0].tolist()) == {slot}


@pytest.mark.parametrize("seed", range(12))
def test_merging_equals_building_from_the_live_documents(tmp_path, seed):
    rng = np.random.default_rng(seed)
    parts, alive = [], []
    for _ in range(rng.integers(1, 5)):
        texts = [random_text(rng) for _ in range(rng.integers(1, 5))]
        live = rng.random(len(texts)) < 0.6
        live[0] |= not alive  # at least one document stays
        parts.append((write(tmp_path, texts), live))
        alive += [text for text, is_live in zip(texts, live, strict=True) if is_live]
    assert_same(merge(tmp_path, parts), write(tmp_path, alive))


def test_blocks_do_not_show_in_what_is_merged(tmp_path, monkeypatch):
    monkeypatch.setattr("filesearch.index.merge.BLOCK_WINDOWS", 2)
    texts = ["clay " * 300, "kiln", "mug " * 200]
    parts = [
        (write(tmp_path, texts), np.array([True, False, True])),
        (write(tmp_path, texts), None),
    ]
    parts[1] = (parts[1][0], np.ones(3, bool))
    assert_same(merge(tmp_path, parts), write(tmp_path, [texts[0], texts[2], *texts]))


def test_what_becomes_too_large_to_search_exactly_is_quantised(tmp_path, monkeypatch):
    embedder = HashingEmbedder(dimension=64, max_tokens=20)
    monkeypatch.setattr("filesearch.index.vectors.EXACT_WINDOWS", 1000)
    parts = []
    for number in range(2):
        builder = SegmentBuilder(embedder.fingerprint, embedder.dimension)
        text = " ".join(f"word{n}" for n in range(number * 10_000, number * 10_000 + 9000))
        prepared = prepare_document(Document(text), "note", SETTINGS, embedder)
        prepared.add_to(
            builder, embed_windows(embedder, prepared.window_texts, late_interaction=True)
        )
        parts.append(Segment(tmp_path, write_segment(tmp_path, builder.build())))
    merged = merge(tmp_path, [(part, np.ones(1, bool)) for part in parts])
    counts = [len(part.vectors) for part in (*parts, merged)]
    assert (max(counts[:2]) <= 1000 < counts[2], sum(counts[:2])) == (True, counts[2])
    assert [part.vector_description.kind for part in parts] == ["exact", "exact"]
    assert merged.vector_description.kind != "exact"
    assert merged.damages() == []
    vectors = [part.vectors.vectors(np.arange(len(part.vectors))) for part in parts]
    rows = np.arange(counts[2])
    np.testing.assert_array_equal(merged.vectors.vectors(rows), np.concatenate(vectors))


def test_a_merged_segment_can_be_merged_again(tmp_path):
    first = write(tmp_path, ["kiln", "mug", "bowl"])
    again = merge(tmp_path, [(first, np.array([True, False, True]))])
    both = [(again, np.array([False, True])), (first, np.array([False, True, False]))]
    assert_same(merge(tmp_path, both), write(tmp_path, ["bowl", "mug"]))


def test_token_signs_are_kept_only_if_every_part_has_them(tmp_path):
    without = replace(build(["mug"]), signs=None)
    parts = [write(tmp_path, ["kiln"]), Segment(tmp_path, write_segment(tmp_path, without))]
    merged = merge(tmp_path, [(part, np.ones(1, bool)) for part in parts])
    assert not merged.has_signs
    assert len(merged.vectors) == 2
    assert merged.damages() == []


def test_a_merge_that_is_ended_leaves_nothing_behind(tmp_path):
    part = write(tmp_path, ["kiln"])

    def end():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), segment_draft(tmp_path) as draft:
        merge_segments(draft, [(part, np.ones(1, bool))], on_block=end)
    assert [path.name for path in tmp_path.iterdir()] == [part.record.name]


def test_a_sweep_leaves_what_is_being_written_and_what_was_named_meanwhile(tmp_path):
    part, named = write(tmp_path, ["kiln"]), []
    with segment_draft(tmp_path) as draft:
        assert sweep_segments(tmp_path, lambda: [part.record.name]) == 0
        record = merge_segments(draft, [(part, np.ones(1, bool))])
        assert sweep_segments(tmp_path, lambda: [part.record.name]) == 0
    answers = [[part.record.name], [part.record.name, record.name]]
    assert sweep_segments(tmp_path, lambda: named.append(1) or answers[len(named) - 1]) == 0
    assert Segment(tmp_path, record).damages() == []
    assert sweep_segments(tmp_path, lambda: [part.record.name]) == 1


def test_a_segment_of_the_first_format_is_read_as_exact(tmp_path):
    segment = write(tmp_path, ["kiln", "mug"])
    manifest = json.loads((tmp_path / segment.record.name / "manifest.json").read_text())
    del manifest["vectors"]
    opened = rewritten(tmp_path, segment.record, manifest | {"format": 1})
    assert opened.vector_description.kind == "exact"
    assert opened.damages() == []
    with pytest.raises(IndexDamaged, match="format 3 is not known"):
        rewritten(tmp_path, segment.record, manifest | {"format": 3})


def rewritten(root, record, manifest):
    """The segment with another manifest."""
    raw = json.dumps(manifest).encode()
    (root / record.name / "manifest.json").write_bytes(raw)
    return Segment(root, replace(record, manifest_hash=hashlib.sha256(raw).hexdigest()))


def test_sweeping_deletes_all_but_what_is_named(tmp_path):
    kept, lost = write(tmp_path, ["kiln"]).record, write(tmp_path, ["mug"]).record
    (tmp_path / "incoming-0123").mkdir()
    (tmp_path / "incoming-0123" / "chunks.npy").write_bytes(b"half")
    assert sweep_segments(tmp_path, lambda: {kept.name}) == 2
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert lost.name != kept.name


def test_sweeping_where_nothing_was_ever_written_is_fine(tmp_path):
    assert sweep_segments(tmp_path / "segments", set) == 0


def test_a_segment_that_is_mapped_can_be_read_after_it_was_swept(tmp_path):
    segment = write(tmp_path, ["kiln and mug", "clay"])
    query = EMBEDDER.embed_query("clay")
    parts = (segment.chunk_table, segment.window_table, segment.postings, segment.vectors)
    sweep_segments(tmp_path, set)
    assert len(parts) == 4
    assert segment.vectors.top(query, top_k=1)[0].tolist() == [1]
    assert segment.postings.find("clay") != slice(0, 0)


def test_an_open_segment_holds_no_file_handle(tmp_path):
    segment = write(tmp_path, ["kiln and mug", "clay"])
    before = len(list(Path("/dev/fd").iterdir()))
    segment.map_all()
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize(
    "name",
    ["chunks.npy", "windows.npy", "vectors.faiss", "rows.npy", "lengths.npy", "manifest.json"],
)
def test_a_file_that_is_cut_short_or_gone_is_damage(tmp_path, name):
    record = write(tmp_path, ["kiln and mug", "clay"]).record
    path = tmp_path / record.name / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexDamaged, match=f"segment {record.name} is damaged.*--repair"):
        Segment(tmp_path, record)
    path.unlink()
    with pytest.raises(IndexDamaged, match=name):
        Segment(tmp_path, record)


@pytest.mark.parametrize("name", ["chunks.npy", "windows.npy", "vectors.faiss", "counts.npy"])
def test_one_altered_bit_is_named_with_its_file(tmp_path, name):
    segment = write(tmp_path, ["kiln and mug", "clay"])
    path = tmp_path / segment.record.name / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert Segment(tmp_path, segment.record).damages() == [f"{name} does not match its SHA-256"]


@pytest.mark.parametrize(
    ("name", "part"),
    [("chunks.npy", "chunk_table"), ("windows.npy", "window_table"), ("vectors.faiss", "vectors")],
)
def test_a_file_of_the_right_size_that_cannot_be_read_is_damage(tmp_path, name, part):
    record = write(tmp_path, ["kiln and mug", "clay"]).record
    path = tmp_path / record.name / name
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(IndexDamaged, match=record.name):
        getattr(Segment(tmp_path, record), part)


def test_a_manifest_of_another_segment_is_damage(tmp_path):
    one, two = write(tmp_path, ["kiln"]).record, write(tmp_path, ["mug"]).record
    manifest = (tmp_path / two.name / "manifest.json").read_bytes()
    (tmp_path / one.name / "manifest.json").write_bytes(manifest)
    with pytest.raises(IndexDamaged, match="not the one that the catalog names"):
        Segment(tmp_path, one)
