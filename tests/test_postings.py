"""Postings: built in any order, merged on disk, opened again; always the same arrays."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filesearch.errors import IndexDamaged
from filesearch.index import postings as postings_module
from filesearch.index import postings_builder, postings_merge
from filesearch.index.impacts import K1, B, share_bounds
from filesearch.index.postings import BoolArray, Postings
from filesearch.index.postings_builder import PostingsBuilder
from filesearch.index.postings_merge import merge_postings
from filesearch.terms import term_spans

from .support_postings import ROWS, SEGMENTS, Row, Segments, assert_equal, build, dense_from


def merge(parts: list[tuple[Postings, BoolArray | None]]) -> Postings:
    with TemporaryDirectory() as directory:
        merge_postings(parts, Path(directory))
        return Postings.open(Path(directory))


def parts_of(segments: Segments) -> list[tuple[Postings, BoolArray | None]]:
    return [
        (build([row for row, _ in s]), np.array([keep for _, keep in s], np.bool_))
        for s in segments
    ]


def kept_of(segments: Segments) -> list[Row]:
    return [row for segment in segments for row, keep in segment if keep]


@settings(max_examples=40)  # each writes some fourteen files
@given(SEGMENTS, st.integers(1, 40))
def test_merging_equals_building_from_the_kept_rows(
    segments: Segments, block_postings: int
) -> None:
    """Whatever fits into memory at a time, a single term included."""
    with dense_from(2), pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings_merge, "BLOCK_POSTINGS", block_postings)
        assert_equal(merge(parts_of(segments)), build(kept_of(segments)))


@settings(max_examples=20)
@given(ROWS, ROWS)
def test_merging_without_dead_rows_joins_the_rows(first: list[Row], second: list[Row]) -> None:
    assert_equal(merge([(build(first), None), (build(second), None)]), build(first + second))


@settings(max_examples=40)  # each writes some fourteen files
@given(SEGMENTS, st.integers(1, 40))
def test_merging_tells_terms_of_one_hash_apart(segments: Segments, block_postings: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings_merge, "BLOCK_POSTINGS", block_postings)
        for module in (postings_module, postings_builder, postings_merge):
            patch.setattr(module, "term_hash", lambda term: len(term) % 2)
        assert_equal(merge(parts_of(segments)), build(kept_of(segments)))


def test_merging_keeps_large_counts() -> None:
    rows = [["a"] * 254, ["a"] * 255, ["b"], ["a"] * 70_000 + ["b"] * 256]
    parts: list[tuple[Postings, BoolArray | None]] = [(build([row]), None) for row in rows]
    assert_equal(merge(parts), build(rows))


@given(ROWS)
def test_row_order_alone_decides_the_arrays(rows: list[Row]) -> None:
    """Whatever terms the builder saw first, and in rows that never came to be."""
    builder = PostingsBuilder()
    builder.add_chunks(term_spans("zebra c b a"), [])
    for row in rows:
        builder.add(row)
    assert_equal(builder.build(), build(rows))


def test_chunks_count_the_terms_fully_inside_them() -> None:
    text = "alpha beta gamma alpha"
    builder = PostingsBuilder()
    assert builder.add_chunks(term_spans(text), [(0, 10), (3, 22), (11, 11)]) == range(3)
    assert_equal(builder.build(), build([["alpha", "beta"], ["beta", "gamma", "alpha"], []]))


def test_find_gives_rows_and_counts_of_a_term() -> None:
    part = build([["a", "b", "a"], ["b"], ["a"]])
    span = part.find("a")
    assert (part.rows[span].tolist(), part.counts[span].tolist()) == ([0, 2], [2, 1])
    assert part.rows[part.find("nowhere")].size == 0
    assert part.lengths.tolist() == [3, 1, 1]


def test_terms_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postings_module, postings_builder):
        monkeypatch.setattr(module, "term_hash", lambda _: 7)
    part = build([["b", "a"], ["c"], ["a", "a"]])
    assert list(part.terms()) == [b"a", b"b", b"c"]
    assert [part.rows[part.find(t)].tolist() for t in "abcd"] == [[0, 2], [0], [1], []]


def test_counts_that_do_not_fit_a_byte_are_kept() -> None:
    part = build([["a"] * 70_000, ["a"], ["a"] * 255, ["b", "a"], ["b"] * 300])
    assert part.exact_counts(part.find("a")).tolist() == [70_000, 1, 255, 1]
    assert part.counts_at(["a", "b", "c"], np.array([4, 0, 2])).tolist() == [
        [0, 70_000, 255],
        [300, 0, 0],
        [0, 0, 0],
    ]


@given(ROWS, st.data())
def test_counts_are_those_of_the_rows_asked_for(rows: list[Row], data: st.DataObject) -> None:
    """From the postings of a rare term as from the column of a common one."""
    asked = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9)) if rows else []
    with dense_from(1):
        part = build([[*row, *["a"] * 300] for row in rows])
    expected = [
        [rows[i].count(term) + 300 * (term == "a") for i in asked] for term in ("a", "b", "?")
    ]
    assert part.counts_at(["a", "b", "?"], np.array(asked, np.int64)).tolist() == expected


@given(ROWS, st.floats(0.01, 100))
def test_impacts_bound_what_a_posting_can_add(rows: list[Row], mean: float) -> None:
    """Also where the mean length is that of other segments."""
    part = build(rows)
    counts, lengths = part.exact_counts(slice(0, None)), part.lengths[part.rows]
    own_mean = sum(map(len, rows)) / len(rows) if any(rows) else 1.0
    for at in (own_mean, mean):
        shares = counts / (counts + K1 * (1 - B + B * lengths / at))
        bounds = share_bounds(own_mean, at)
        assert (shares <= bounds[part.impacts] * (1 + 1e-12)).all()
        assert bounds[-1] == 1
        assert (np.diff(bounds, 2) < 1e-12).all()  # concave: `Ceilings` counts on it
    peaks = [part.impacts[part.span(number)].max() for number in range(part.n_terms)]
    assert part.peaks.tolist() == peaks


@given(ROWS)
def test_frequencies_count_the_terms_by_how_many_rows_hold_them(rows: list[Row]) -> None:
    held = [sum(term in row for row in rows) for term in {term for row in rows for term in row}]
    assert build(rows).frequencies.T.tolist() == [[n, held.count(n)] for n in sorted(set(held))]


@pytest.mark.parametrize("rows", [[], [[]], [["a", "b"], ["资本", "a", "a"]]])
def test_opening_gives_what_was_written(tmp_path: Path, rows: list[Row]) -> None:
    part = build(rows)
    paths = part.write(tmp_path)
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert_equal(Postings.open(tmp_path), part)


def test_opened_postings_are_mapped_not_read(tmp_path: Path) -> None:
    build([["a"]]).write(tmp_path)
    assert not Postings.open(tmp_path).rows.flags.owndata
    assert not Postings.open(tmp_path).rows.flags.writeable


@pytest.mark.parametrize("name", list(build([]).arrays()))
def test_a_missing_or_cut_file_is_damage(tmp_path: Path, name: str) -> None:
    build([["a", "b"], ["b"]]).write(tmp_path)
    path = tmp_path / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexDamaged, match="fsearch verify --repair"):
        Postings.open(tmp_path)
    path.unlink()
    if name == "dense_impacts":
        return  # see test_postings_without_impacts_by_row_open_and_get_them_from_a_merge
    with pytest.raises(IndexDamaged, match=name):
        Postings.open(tmp_path)


@pytest.mark.parametrize("name", ["term_offsets", "indptr", "rows", "counts", "term_bytes"])
def test_arrays_of_different_segments_are_damage(tmp_path: Path, name: str) -> None:
    build([["a", "b"], ["b"]]).write(tmp_path)
    other = build([["a", "bc", "c"], ["b", "a"]]).arrays()[name]
    np.save(tmp_path / f"{name}.npy", other)
    with pytest.raises(IndexDamaged, match="do not fit together"):
        Postings.open(tmp_path)


def test_postings_without_impacts_by_row_open_and_get_them_from_a_merge(tmp_path: Path) -> None:
    with dense_from(1):
        part = build([["a", "b"], ["b"], ["b", "c"]] * 4)
        part.write(tmp_path)
        (tmp_path / "dense_impacts.npy").unlink()
        older = Postings.open(tmp_path)
        assert older.dense_impacts.shape == (0, 12)
        assert_equal(merge([(older, None)]), part)


def test_columns_hold_the_counts_and_impacts_of_common_terms_by_row() -> None:
    with dense_from(1):
        part = build([["a", "b", "b"], ["b"], ["c"], ["c"] * 300, []])
    assert [part.term(number) for number in part.dense_terms] == list(part.terms())
    for number in range(part.n_terms):
        span, (counts, impacts) = part.span(number), part.dense_columns(number)
        assert counts is not None
        assert impacts is not None
        for column, values in ((counts, part.counts), (impacts, part.impacts)):
            expected = np.zeros(5)
            expected[part.rows[span]] = values[span]
            assert column.tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_postings_of_the_first_format_open_as_if_written_today(
    tmp_path: Path, dtype: type[np.unsignedinteger]
) -> None:
    part = build([["a", "b", "a"], ["b"], [], ["a"] * 300])
    for name in ("hashes", "term_offsets", "term_bytes", "indptr", "rows", "lengths"):
        np.save(tmp_path / f"{name}.npy", part.arrays()[name])
    np.save(tmp_path / "counts.npy", part.exact_counts(slice(0, None)).astype(dtype))
    assert_equal(Postings.open(tmp_path), part)
