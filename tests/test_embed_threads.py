"""Embedding threads: shared work is done once, and the best arrangement is found and remembered."""

import json
import threading

import numpy as np
import pytest

from filesearch.embed.onnx import OnnxEmbedder
from filesearch.embed.recent import RecentQuestions
from filesearch.embed.threads import (
    CONFIRMATIONS,
    TURNS,
    Arrangement,
    Trial,
    choice_file,
    choices,
    recall,
    remember,
    usual,
)
from filesearch.types import QuestionEmbedding
from filesearch.work_sharing import share_out

WIDE = Arrangement(1, threads=2)


def tried(paces, cores=2):
    """A trial of two cores in which each choice did so many word pieces a second."""
    trial = Trial(cores)
    for choice, pace in zip(trial.choices, paces, strict=True):
        for _ in range(TURNS):
            trial.note(choice, pieces=pace, seconds=1)
    return trial


def test_every_item_is_done_once():
    done = []
    share_out(done.append, range(100), threads=3)
    assert sorted(done) == list(range(100))


def test_nothing_to_do_is_done_at_once():
    share_out(pytest.fail, [], threads=3)


def test_items_are_done_side_by_side_and_the_caller_helps():
    meeting, names = threading.Barrier(2, timeout=30), []

    def work(_item):
        meeting.wait()
        names.append(threading.current_thread())

    share_out(work, range(2), threads=2)
    assert threading.current_thread() in names
    assert len(set(names)) == 2


def test_an_error_ends_the_rest_and_is_raised():
    done = []

    def work(item):
        if item == 3:
            raise ValueError("item 3")
        done.append(item)

    with pytest.raises(ValueError, match="item 3"):
        share_out(work, range(1000), threads=1)
    assert done == [0, 1, 2]


def test_the_fastest_wins_only_if_it_is_clearly_faster():
    assert tried([100, 103]).best == usual(2)
    assert tried([100, 120]).best == WIDE


def test_the_best_turn_counts():
    trial = tried([100, 100])
    trial.note(WIDE, pieces=200, seconds=1)
    assert trial.best == WIDE


def test_a_trial_is_over_after_the_turns_of_all():
    trial = Trial(4)
    for turn in range(TURNS):
        for choice in choices(4):
            assert not trial.is_over, turn
            trial.note(choice, pieces=1, seconds=1)
    assert trial.is_over


def test_one_core_leaves_no_choice():
    assert choices(1) == [Arrangement(1)]


def test_a_choice_is_remembered_for_its_machine_alone(tmp_path):
    path = tmp_path / "cache" / "embedding.json"
    for _ in range(CONFIRMATIONS):
        remember(path, "here", tried([100, 200]))
    assert remember(path, "there", tried([200, 100])) == usual(2)
    assert recall(path, "here", 2) == WIDE
    assert recall(path, "there", 2) == usual(2)
    assert recall(path, "elsewhere", 2) is None
    assert sorted(p.name for p in path.parent.iterdir()) == ["embedding.json"]


def test_what_is_not_usual_must_win_several_times_in_a_row(tmp_path):
    path = tmp_path / "embedding.json"
    for paces in ([100, 200], [100, 200], [200, 100]):
        assert remember(path, "busy", tried(paces)) == usual(2)
    assert recall(path, "busy", 2) == usual(2)
    for wins in range(1, CONFIRMATIONS + 1):
        is_sure = wins == CONFIRMATIONS
        assert remember(path, "new", tried([100, 200])) == (WIDE if is_sure else usual(2))
        assert recall(path, "new", 2) == (WIDE if is_sure else None)


def test_what_an_earlier_version_chose_is_measured_again(tmp_path):
    path = tmp_path / "embedding.json"
    path.write_text('{"here": {"runs": 1, "threads": 2, "pieces_per_s": {}}}')
    assert recall(path, "here", 2) is None


def test_the_machines_measured_first_are_forgotten_first(tmp_path):
    path = tmp_path / "embedding.json"
    for number in range(20):
        remember(path, f"machine {number}", tried([1, 1]))
    assert list(json.loads(path.read_text())) == [f"machine {n}" for n in range(4, 20)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "no json", '{"here": 1}', '{"here": {"runs": 9, "threads": 1}}', '{"here": {}}'],
)
def test_a_file_that_says_nothing_sensible_is_passed_over(tmp_path, text):
    path = tmp_path / "embedding.json"
    path.write_text(text)
    assert recall(path, "here", 2) is None
    remember(path, "here", tried([2, 1]))
    assert recall(path, "here", 2) == usual(2)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "embedding.json"
    assert remember(path, "here", tried([1, 2])) == usual(2)
    assert recall(path, "here", 2) is None


def test_choices_lie_in_the_cache_folder(tmp_path):
    expected = tmp_path / "filesearch" / "embedding.json"
    assert choice_file({"XDG_CACHE_HOME": str(tmp_path)}) == expected
    assert choice_file({"XDG_CACHE_HOME": "relative"}) == choice_file({})


@pytest.fixture
def homeless(monkeypatch):
    """A user whom the system knows by number alone, as of a container."""

    def fail(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", fail)


def test_without_a_home_directory_nothing_is_remembered(homeless):
    assert choice_file() is None
    assert recall(None, "here", 2) is None
    assert remember(None, "here", tried([1, 2])) == usual(2)


def test_a_user_without_a_home_directory_can_embed(homeless, two_cores):
    embedder = OnnxEmbedder()
    expected = OnnxEmbedder(threads=1).embed_windows(TEXTS)
    for _turn in range(TURNS + 1):
        assert np.array_equal(embedder.embed_windows(TEXTS).vectors, expected.vectors)


@pytest.fixture
def two_cores(monkeypatch):
    """Two cores, and trials that few texts are enough for."""
    monkeypatch.setattr("filesearch.embed.onnx.usable_cores", lambda: 2)
    monkeypatch.setattr("filesearch.embed.onnx.SHARED_PIECES", 1)
    monkeypatch.setattr("filesearch.embed.threads.MIN_PIECES_PER_CORE", 1)


TEXTS = [f"The kiln reaches {n} degrees. " * (n % 3 + 1) for n in range(12)]


def test_many_windows_decide_how_this_machine_embeds_and_do_not_depend_on_it(two_cores):
    embedder = OnnxEmbedder()
    expected = OnnxEmbedder(threads=1).embed_windows(TEXTS)
    for turn in range(TURNS + 1):
        assert choice_file().is_file() == (turn >= TURNS)
        found = embedder.embed_windows(TEXTS)
        assert np.array_equal(found.vectors, expected.vectors)
        assert np.array_equal(found.signs.bits, expected.signs.bits)


def test_what_was_measured_before_is_not_measured_again(two_cores, monkeypatch):
    for _ in range(CONFIRMATIONS):
        embedder = OnnxEmbedder()
        for _ in range(TURNS):
            embedder.embed_windows(TEXTS)
    monkeypatch.setattr(Trial, "note", pytest.fail)
    OnnxEmbedder().embed_windows(TEXTS)


def test_neither_a_search_nor_a_set_number_of_threads_measures(two_cores, monkeypatch):
    monkeypatch.setattr("filesearch.embed.onnx.recall", pytest.fail)
    OnnxEmbedder().embed_texts(TEXTS)
    OnnxEmbedder().embed_question(TEXTS[0])
    OnnxEmbedder(threads=2).embed_windows(TEXTS)


def question(size=1):
    return QuestionEmbedding(
        np.zeros(size, np.float32), np.zeros((0, size), np.float32), np.zeros((0, 2), np.int64)
    )


def test_a_question_that_was_asked_is_not_embedded_again():
    recent, made = RecentQuestions(), question()
    assert recent.get("kiln", lambda: made) is made
    assert recent.get("kiln", pytest.fail) is made
    assert not made.vector.flags.writeable


def test_the_question_not_asked_for_longest_goes_first():
    recent = RecentQuestions(max_questions=2)
    for text in ("a", "b", "a", "c"):
        recent.get(text, question)
    recent.get("a", pytest.fail)
    asked = []
    recent.get("b", lambda: asked.append("b") or question())
    assert asked == ["b"]


def test_long_questions_are_kept_within_the_bytes_allowed():
    recent = RecentQuestions(max_bytes=1000)
    for text in ("a", "b", "c"):
        recent.get(text, lambda: question(100))
    recent.get("c", pytest.fail)
    recent.get("b", pytest.fail)
    large = recent.get("large", lambda: question(1000))
    assert recent.get("large", question) is not large
    recent.get("c", pytest.fail)


def test_the_bundled_model_embeds_a_question_once(monkeypatch):
    embedder = OnnxEmbedder()
    first = embedder.embed_question("How hot is the kiln?")
    monkeypatch.setattr(embedder, "_run", pytest.fail)
    assert embedder.embed_question("How hot is the kiln?") is first
    assert embedder.embed_query("How hot is the kiln?") is first.vector
