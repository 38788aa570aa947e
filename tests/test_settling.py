"""Settling: when a change of a folder is ready to be ingested; with a clock of our own."""

from pathlib import Path

import pytest

from filesearch.file_stamp import GRAIN_NS
from filesearch.settling import Settling
from filesearch.sources import FileSource
from filesearch.walk import Found, Root, Unreadable

SECOND = 1_000_000_000
LATER = 1000 * SECOND  # all stamps below are old by then


def source(name, stamp=1, size=1):
    return FileSource(Path("/docs") / name, name, size, stamp)


def found(*files, roots=(), unreadable=()):
    return Found(tuple(roots), files, tuple(unreadable))


def names(changes):
    return [file.filename for file in changes.ready]


@pytest.fixture
def settling():
    made = Settling(settle_s=1, patience_s=10)
    made.take([source("a.md")], (), LATER)
    return made


def test_what_is_as_it_was_taken_is_no_change(settling):
    changes = settling.look(found(source("a.md")), 0, LATER)
    assert (changes.ready, changes.gone, changes.is_pending) == ((), (), False)


def test_a_changed_file_is_ready_when_it_has_stayed_as_it_is(settling):
    assert names(settling.look(found(source("a.md", 2)), 0, LATER)) == []
    assert settling.look(found(source("a.md", 3)), 0.9, LATER).is_pending
    assert names(settling.look(found(source("a.md", 3)), 1.8, LATER)) == []
    assert names(settling.look(found(source("a.md", 3)), 2, LATER)) == ["a.md"]


def test_a_file_that_never_stays_as_it_is_is_taken_up_all_the_same(settling):
    ready = [names(settling.look(found(source("a.md", 2 + t)), t, LATER)) for t in range(11)]
    assert ready == [[]] * 10 + [["a.md"]]


def test_a_file_is_gone_when_it_stays_away(settling):
    assert settling.look(found(), 0, LATER).gone == ()
    assert settling.look(found(), 1, LATER).gone == ("/docs/a.md",)


def test_a_file_that_comes_back_at_once_was_not_gone(settling):
    settling.look(found(), 0, LATER)
    settling.look(found(source("a.md")), 0.5, LATER)
    assert settling.look(found(), 1.2, LATER).gone == ()


def test_a_moved_file_leaves_and_comes_in_one(settling):
    settling.look(found(source("b.md")), 0, LATER)
    changes = settling.look(found(source("b.md")), 1, LATER)
    assert (names(changes), changes.gone) == (["b.md"], ("/docs/a.md",))


def test_what_cannot_be_seen_is_not_gone(settling, tmp_path):
    shut = Unreadable(Path("/docs"), "docs/", "Permission denied")
    for now in (0, 5):
        assert settling.look(found(unreadable=[shut]), now, LATER).gone == ()
    missing = Root(Path("/docs"))
    for now in (10, 15):
        assert settling.look(found(roots=[missing]), now, LATER).gone == ()


def test_a_file_taken_while_it_was_young_comes_up_once_more(settling):
    young = source("b.md", stamp=5 * SECOND)
    settling.take([young], (), 5 * SECOND + 1)
    both = found(source("a.md"), young)
    assert settling.look(both, 0, 6 * SECOND).is_pending
    late = 5 * SECOND + GRAIN_NS + 1
    assert names(settling.look(both, 1, late)) == ["b.md"]
    settling.take([young], (), late)
    changes = settling.look(both, 2, late)
    assert (changes.ready, changes.is_pending) == ((), False)


def test_a_file_from_the_future_calls_for_no_further_look_before_its_time_has_come(settling):
    future = source("b.md", stamp=2 * LATER)
    settling.take([future], (), LATER)
    both = found(source("a.md"), future)
    changes = settling.look(both, 1, LATER)
    assert (changes.ready, changes.is_pending) == ((), False)
    assert settling.look(both, 2, 2 * LATER).is_pending
    assert names(settling.look(both, 3, 2 * LATER + GRAIN_NS + 1)) == ["b.md"]
