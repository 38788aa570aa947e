"""Merge policy: sizes of a store's segments -> which of them become one next. Pure: counts only.

    2k 2k 2k ... (8) -> 16k ... (8) -> 128k   exact, until they hold EXACT_WINDOWS together
    all exact ones -> 200k                    quantised
    200k ... (4) -> 800k (2) -> 1.6M          quantised, until no two fit under MAX_SEGMENT_WINDOWS
    500 500 500 500 300 (rest) -> 2.3k        exact, once writing has come to rest

Exact search reads every vector, so what is searched exactly is bounded; the tiers make it likely
that a window is rewritten a few times only (about 3 times on its way into a segment of 800k, see
the simulation in tests/test_merge_policy.py), while ten million windows lie in some twenty
segments, six of which hold nearly all of them. These are the size tiers of Bigtable, Cassandra and
Lucene, on the way of log-structured merge trees (O'Neil et al. 1996).

Each segment costs a search some 0.2 ms, whatever it holds. While writing goes on, those below a
tier wait for the rest of it; at rest the small ones are merged as they are, so that a folder of a
few hundred files is searched as one segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import floor, log

# Segments of one size class (a factor of 8) are merged when there are this many: each window is
# then rewritten once per class, and a search opens few segments.
MERGE_FACTOR = 8
# Borders of the classes: this, and eight times as many again and again. A commit of an ingest holds
# 300 to 700 windows, one of a server 2,000: a border among those would leave up to seven segments
# on either side of it.
SMALL_WINDOWS = 3
# Classes of quantised segments are narrower: a search pays more for one of them than for an exact
# one of a few thousand windows, and there are two classes only.
QUANTISED_FACTOR = 4
# A merge holds one segment's training sample and its tables, and rewrites at most so much at once:
# about 1.5 GB of vectors of 384 dimensions, and 6 GB of token signs where they are kept.
MAX_SEGMENT_WINDOWS = 2_000_000
# A part is a dozen mapped files, each with a handle; a process has 1,024 handles on most systems.
MAX_PARTS = 32
# What a merge at rest puts into one segment at most, about a second's work: 0.03 s of a processor
# for a thousand windows. The seven segments of some 4,000 windows, and of some 500, that a long
# ingest leaves below its tiers fit in.
REST_WINDOWS = 1 << 15
# A segment with more dead windows than this share is rewritten.
MAX_DEAD_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """What the policy knows of a segment.

    Attributes:
        id: Its place in the catalog; later ones have higher ids.
        windows: Windows in its files.
        live_windows: Those of files that are still in the store.
    """

    id: int
    windows: int
    live_windows: int

    @property
    def is_worn(self) -> bool:
        """Whether more than MAX_DEAD_SHARE of it is dead."""
        return self.live_windows < (1 - MAX_DEAD_SHARE) * self.windows


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """Chooses what is merged next.

    Args:
        exact_windows: What a store holds in exact segments at most, and one segment: a larger one
            is quantised.
        max_windows: Live windows that a merge may put into one segment.
    """

    exact_windows: int
    max_windows: int = MAX_SEGMENT_WINDOWS

    def choose(self, segments: Sequence[SegmentSize]) -> list[int]:
        """Return the ids of the segments to merge next, oldest first; none when nothing needs it.

        One segment alone is chosen to be rewritten without its dead windows. Doing what is chosen
        until nothing is comes to an end: each step leaves fewer segments or no dead windows.
        """
        exact = [one for one in segments if self._is_exact(one)]
        quantised = [one for one in segments if not self._is_exact(one)]
        group = self._choose_overflow(exact) or _choose_worn(exact, self._bounded)
        group = group or self._choose_tier(exact) or _choose_worn(quantised, _one)
        return sorted(one.id for one in group or self._choose_quantised(quantised))

    def choose_at_rest(self, segments: Sequence[SegmentSize]) -> list[int]:
        """Return the ids to merge next in a store to which nothing more is written for now.

        What `choose` says comes first, then small exact ones; none when neither needs it. Of those
        that together stay within REST_WINDOWS, each one left then holds at least MERGE_FACTOR times
        as much as all smaller ones, so that they are few (five at most), and a window is rewritten
        some twenty times on its way to REST_WINDOWS even where each file comes alone and rest
        follows it (see the simulation). Comes to an end as `choose` does.
        """
        exact = [one for one in segments if self._is_exact(one)]
        return self.choose(segments) or sorted(one.id for one in self._choose_small(exact))

    def choose_compaction(self, segments: Sequence[SegmentSize]) -> list[int]:
        """Return the ids to merge next until there are as few segments as the bound allows.

        None when there are, and no segment holds a dead window. First fit, largest first: no two
        of the segments that result fit into one.
        """
        bins: list[list[SegmentSize]] = []
        for one in sorted(segments, key=lambda one: -one.live_windows):
            fits = (b for b in bins if _live(b) + one.live_windows <= self.max_windows)
            place = next(fits, None)
            if place is None:
                bins.append([one])
            else:
                place.append(one)
        for group in bins:
            if len(group) > 1 or group[0].live_windows < group[0].windows:
                return sorted(one.id for one in self._bounded(group))
        return []

    def _is_exact(self, segment: SegmentSize) -> bool:
        return segment.windows <= self.exact_windows

    def _choose_overflow(self, exact: Sequence[SegmentSize]) -> list[SegmentSize]:
        """Return all exact ones when they hold too much: they become a quantised one."""
        return self._bounded(exact) if _live(exact) > self.exact_windows else []

    def _choose_tier(self, exact: Sequence[SegmentSize]) -> list[SegmentSize]:
        classes = _by_class(exact, MERGE_FACTOR, SMALL_WINDOWS)
        for number in sorted(classes):
            if len(classes[number]) >= MERGE_FACTOR:
                return self._bounded(classes[number])
        return []

    def _choose_small(self, exact: Sequence[SegmentSize]) -> list[SegmentSize]:
        group = self._bounded(exact, min(REST_WINDOWS, self.exact_windows))
        # A much larger one waits until more has come: all of it would be rewritten for a few.
        while group and group[-1].live_windows >= MERGE_FACTOR * _live(group[:-1]):
            group.pop()
        return group

    def _choose_quantised(self, quantised: Sequence[SegmentSize]) -> list[SegmentSize]:
        # Those above half of the bound stay as they are: two of them are too large for one.
        small = [one for one in quantised if 2 * one.live_windows <= self.max_windows]
        classes = _by_class(small, QUANTISED_FACTOR, self.exact_windows)
        for number in sorted(classes):
            least = self.exact_windows * QUANTISED_FACTOR**number
            needed = max(2, min(QUANTISED_FACTOR, self.max_windows // least))
            if len(classes[number]) >= needed:
                return self._bounded(classes[number])
        return []

    def _bounded(
        self, segments: Sequence[SegmentSize], most: int | None = None
    ) -> list[SegmentSize]:
        """Return the smallest ones, as many as may be merged at once; at least one.

        They hold `most` live windows together, or `max_windows`.
        """
        most = self.max_windows if most is None else min(most, self.max_windows)
        group: list[SegmentSize] = []
        for one in sorted(segments, key=lambda one: (one.live_windows, one.id))[:MAX_PARTS]:
            if group and _live(group) + one.live_windows > most:
                break
            group.append(one)
        return group


def _choose_worn(
    segments: Sequence[SegmentSize], bounded: Callable[[Sequence[SegmentSize]], list[SegmentSize]]
) -> list[SegmentSize]:
    return bounded([one for one in segments if one.is_worn])


def _one(segments: Sequence[SegmentSize]) -> list[SegmentSize]:
    return list(segments[:1])


def _live(segments: Iterable[SegmentSize]) -> int:
    return sum(one.live_windows for one in segments)


def _by_class(
    segments: Sequence[SegmentSize], factor: int, least: int
) -> dict[int, list[SegmentSize]]:
    """Group by size: class c holds `least * factor**c` windows up to `factor` times as many.

    The smallest class holds smaller ones as well.
    """
    classes: dict[int, list[SegmentSize]] = {}
    for one in segments:
        number = max(0, floor(log(max(one.windows, 1) / least, factor) + 1e-9))
        classes.setdefault(number, []).append(one)
    return classes
