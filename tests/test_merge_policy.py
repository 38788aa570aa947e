"""Merge policy: by counts alone, up to ten million windows."""

from __future__ import annotations

import random

import pytest

from filesearch.merge_policy import (
    MAX_PARTS,
    MAX_SEGMENT_WINDOWS,
    MERGE_FACTOR,
    REST_WINDOWS,
    MergePolicy,
    SegmentSize,
)

EXACT = 200_000
POLICY = MergePolicy(exact_windows=EXACT)


class Store:
    """Segments by id, and what was written to make them."""

    def __init__(self, policy=POLICY):
        self.policy = policy
        self.segments = {}
        self.last_id = 0
        self.added = self.rewritten = self.most_exact = self.most_segments = 0

    def write(self, windows):
        self.last_id += 1
        self.segments[self.last_id] = SegmentSize(self.last_id, windows, windows)

    def add(self, windows):
        self.added += windows
        self.write(windows)
        self.run(self.policy.choose)

    def rest(self):
        self.run(self.policy.choose_at_rest)

    def run(self, choose):
        while group := choose(list(self.segments.values())):
            assert len(group) <= MAX_PARTS
            windows = sum(self.segments.pop(number).live_windows for number in group)
            assert windows <= self.policy.max_windows
            self.rewritten += windows
            self.write(windows)
        self.most_exact = max(self.most_exact, sum(w for w in self.sizes if w <= EXACT))
        self.most_segments = max(self.most_segments, len(self.segments))

    def kill(self, number, live):
        one = self.segments[number]
        self.segments[number] = SegmentSize(number, one.windows, live)

    @property
    def sizes(self):
        return sorted(one.windows for one in self.segments.values())


@pytest.mark.parametrize(
    ("windows", "quantised", "most_rewrites"),
    [(100_000, 0, 1.0), (1_000_000, 4, 3.5), (2_000_000, 5, 4.2), (10_000_000, 10, 4.6)],
)
def test_segments_stay_few_and_rewrites_rare(windows, quantised, most_rewrites):
    store = Store()
    for _ in range(windows // 2000):
        store.add(2000)
    assert sum(store.sizes) == windows
    assert len([w for w in store.sizes if w > EXACT]) <= quantised
    assert store.most_exact <= EXACT
    assert store.most_segments <= 28
    assert store.rewritten / store.added <= most_rewrites


def test_ten_million_windows_lie_in_six_large_segments_and_little_beside():
    store = Store()
    for _ in range(5000):
        store.add(2000)
    assert sum(store.sizes[-6:]) > 0.95 * 10_000_000
    assert store.sizes[-1] <= MAX_SEGMENT_WINDOWS


def test_files_added_one_by_one_are_merged_by_eights():
    store = Store()
    for _ in range(4096):
        store.add(1)
    assert store.sizes == [1] * 7 + [29] * 5 + [232, 1856, 1856]
    assert store.most_segments <= 7 * 4 + 1
    assert store.rewritten == 18_090  # each window 4.4 times


def test_commits_of_an_ingest_are_of_one_class_whatever_their_size():
    draw, store = random.Random(0), Store()
    for _ in range(8 * 8 * 2):
        store.add(draw.randrange(300, 700))
    assert [size > 12_288 for size in store.sizes] == [True, True]


def test_what_would_be_searched_exactly_and_is_too_much_is_quantised():
    store = Store()
    store.add(150_000)
    assert store.sizes == [150_000]
    store.add(60_000)
    assert store.sizes == [210_000]


def test_a_worn_segment_is_rewritten_without_its_dead():
    store = Store()
    for windows in (1_900_000, 100_000, 5000):
        store.add(windows)
    store.kill(1, 1_400_000)
    store.kill(3, 3400)
    store.run(POLICY.choose)
    assert store.sizes == [3400, 100_000, 1_900_000]  # 32% of one was dead, 26% of the other
    store.kill(1, 1_300_000)
    store.run(POLICY.choose)
    assert store.sizes == [3400, 100_000, 1_300_000]


@pytest.mark.parametrize("seed", range(20))
def test_compaction_leaves_no_dead_and_no_two_that_fit_into_one(seed):
    rng = random.Random(seed)
    store = Store()
    for number in range(1, rng.randrange(2, 120)):
        store.write(rng.choice([2000, 16_000, 130_000, 800_000, 1_700_000]))
        store.kill(number, rng.randrange(1, store.segments[number].windows + 1))
    live = sum(one.live_windows for one in store.segments.values())
    store.run(POLICY.choose_compaction)
    assert sum(store.sizes) == live
    assert len(store.sizes) == 1 or sum(store.sizes[:2]) > MAX_SEGMENT_WINDOWS


@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_merging_comes_to_an_end_whatever_came_and_went(seed, rests):
    rng = random.Random(seed)
    store = Store(MergePolicy(exact_windows=100, max_windows=1000))
    for _ in range(300):
        store.add(rng.choice([1, 5, 40, 90, 300]))
        number = rng.choice(list(store.segments))
        store.kill(number, rng.randrange(1, store.segments[number].live_windows + 1))
        if rests and rng.random() < 0.3:
            store.rest()
    store.run(store.policy.choose)
    exact = [one for one in store.segments.values() if one.windows <= 100]
    assert sum(one.live_windows for one in exact) <= 100
    assert not any(one.is_worn for one in store.segments.values())


def test_a_store_of_very_many_segments_is_merged_a_few_at_a_time():
    """As after a rebuild of ten million windows."""
    store = Store()
    for _ in range(5000):
        store.write(2000)
    store.run(POLICY.choose)
    assert store.rewritten / 10_000_000 < 4
    assert len(store.sizes) <= 28


# At rest


def test_a_folder_of_a_few_hundred_files_lies_in_one_segment_at_rest():
    store = Store()
    for windows in (498, 520, 520, 519, 261, 6):
        store.add(windows)
    assert len(store.sizes) == 6
    store.rest()
    assert store.sizes == [2324]
    assert store.rewritten == 2324


def test_a_much_larger_segment_is_not_rewritten_for_a_few_windows():
    store = Store()
    for windows, expected in [
        (10_000, [10_000]),
        (8, [8, 10_000]),
        (1000, [8, 1000, 10_000]),
        (243, [10_000 + 1000 + 8 + 243]),  # all but the largest hold an eighth of it
        (REST_WINDOWS // 2, [11_251 + REST_WINDOWS // 2]),
        (REST_WINDOWS // 2, [REST_WINDOWS // 2, 11_251 + REST_WINDOWS // 2]),  # too much for one
    ]:
        store.add(windows)
        store.rest()
        assert store.sizes == expected


@pytest.mark.parametrize("seed", range(20))
def test_segments_at_rest_hold_much_more_than_all_smaller_ones_together(seed):
    rng = random.Random(seed)
    store = Store()
    for _ in range(rng.randrange(1, 300)):
        store.write(rng.choice([1, 3, 40, 600, 2000, 20_000]))
    store.rest()
    sizes = [size for size in store.sizes if size <= EXACT]
    within = [n for n, size in enumerate(sizes) if sum(sizes[:n]) + size <= REST_WINDOWS]
    assert all(sizes[n] >= MERGE_FACTOR * sum(sizes[:n]) for n in within)
    assert len(within) <= 5
    assert all(size > 0.4 * REST_WINDOWS for size in sizes[len(within) :])
    store.rewritten = 0
    store.rest()
    assert store.rewritten == 0


@pytest.mark.parametrize(
    ("windows", "total", "most_rewrites", "most_segments"),
    [
        (1, 20_000, 25, 5),  # files that come one by one, as to a watched folder
        (8, 180_000, 20, 10),
        (500, 180_000, 9, 7),  # commits of a server
        (2000, 1_000_000, 9, 12),  # folders
    ],
)
def test_rest_after_every_commit_leaves_few_segments_and_bounded_rewrites(
    windows, total, most_rewrites, most_segments
):
    store = Store()
    at_rest = []
    for _ in range(total // windows):
        store.add(windows)
        store.rest()
        at_rest.append(len(store.segments))
    assert sum(store.sizes) == total
    assert max(at_rest) <= most_segments
    assert store.rewritten / store.added <= most_rewrites
