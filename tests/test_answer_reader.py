"""Answer reader: what the packaged model reads in real passages."""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import numpy as np
import pytest

from filesearch.answer_reader import (
    MAX_ANSWER,
    MAX_CONTEXT,
    MAX_PASSAGE,
    MAX_QUESTION,
    AnswerReader,
    Excerpt,
    _best_span,
    packaged_reader,
)
from filesearch.errors import InvalidSetting

PASSAGE = (
    "The studio was founded by Noor Haddad in 1987. Its first kiln, built by Tomas Reyes, "
    "reached 1280 degrees in nine hours. The second kiln was bought in 2004 and is fired with gas."
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was the studio founded?", "1987"),
        ("Who built the first kiln?", "Tomas Reyes"),
        ("What is the second kiln fired with?", "gas"),
    ],
)
def test_the_words_that_answer_are_found(question, answer):
    [reading] = packaged_reader().read(question, [Excerpt(PASSAGE)])
    assert answer in PASSAGE[reading.start : reading.end]
    assert reading.judged > 0
    assert reading.span > 0


@pytest.mark.parametrize(
    ("question", "twisted"),
    [
        ("Who built the first kiln?", "Who sold the first kiln?"),
        ("When was the second kiln bought?", "When was the third kiln bought?"),
        ("When was the studio founded?", "When was the studio closed?"),
    ],
)
def test_a_question_that_only_seems_to_be_answered_is_told(question, twisted):
    (own,), (other,) = (packaged_reader().read(q, [Excerpt(PASSAGE)]) for q in (question, twisted))
    assert own.judged > 0 > other.judged
    assert own.span > other.span


def test_each_excerpt_is_read_alone():
    texts = [PASSAGE, "Tea is served at nine.", PASSAGE.upper(), "陶艺"]
    excerpts = [Excerpt(text, "Studio") for text in texts]
    question = "When was the studio founded?"
    together = packaged_reader().read(question, excerpts)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda e: packaged_reader().read(question, [e])[0], excerpts))
    assert together == alone


def test_what_is_too_long_is_cut():
    [reading] = packaged_reader().read(
        "when? " * 2 * MAX_QUESTION, [Excerpt("kiln " * 4 * MAX_PASSAGE, "a " * 2 * MAX_CONTEXT)]
    )
    assert 0 <= reading.start < reading.end <= 5 * MAX_PASSAGE


@pytest.mark.parametrize("text", ["", "\n\n", "\u200b"])
def test_an_excerpt_without_words_has_no_span(text):
    [reading] = packaged_reader().read("When was the studio founded?", [Excerpt(text)])
    assert text[reading.start : reading.end] == ""
    assert np.isfinite(reading.judged)


def test_nothing_is_read_of_nothing():
    assert packaged_reader().read("When?", []) == []


def test_the_best_span_is_within_the_passage_and_no_longer_than_allowed():
    rng = np.random.default_rng(0)
    for _ in range(50):
        logits = rng.normal(size=(60, 2)).astype(np.float32)
        first, past = 7, 58
        span, start, end = _best_span(logits, first, past)
        passage = logits[first:past].astype(np.float64)
        expected = max(
            passage[i, 0] + passage[j, 1]
            for i in range(len(passage))
            for j in range(i, min(i + MAX_ANSWER, len(passage)))
        )
        assert 0 <= start <= end < min(start + MAX_ANSWER, past - first)
        assert passage[start, 0] + passage[end, 1] == pytest.approx(expected, abs=1e-5)
        assert span == pytest.approx(expected - float(logits[0].sum()), abs=1e-4)


def test_the_card_says_what_the_files_are():
    folder = resources.files("filesearch") / "data" / "all-MiniLM-L6-v2"
    card = json.loads((folder / "reader.json").read_text("utf-8"))
    for name, digest in card["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert card["max_pieces"] >= MAX_QUESTION + MAX_CONTEXT + MAX_PASSAGE + 4


@pytest.mark.parametrize("mark", ["[SEP]", "[CLS]", "[PAD]", "[MASK]"])
def test_marks_of_the_model_in_a_text_are_text(mark):
    reader = packaged_reader()
    assert len(reader.piece_starts(f"a {mark} b")) == len(
        reader.piece_starts(f"a {mark.lower()} b")
    )
    upper, lower = (
        reader.read(f"What does {m} do?", [Excerpt(f"{m} fills a row of a batch.", m)])[0]
        for m in (mark, mark.lower())
    )
    assert upper == lower


def test_pieces_begin_where_they_stand():
    assert packaged_reader().piece_starts("An old  kiln").tolist() == [0, 3, 8, 10]
    assert packaged_reader().piece_starts("").tolist() == []


@pytest.mark.parametrize("file", ["reader.onnx", "reader.data", "reader.json"])
def test_a_file_that_is_missing_or_altered_is_told(tmp_path, file):
    folder = tmp_path / "model"
    shutil.copytree(str(resources.files("filesearch") / "data" / "all-MiniLM-L6-v2"), folder)
    AnswerReader(folder).verify()
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 255
    (folder / file).write_bytes(data)
    with pytest.raises(InvalidSetting, match="reinstall filesearch"):
        AnswerReader(folder).verify()
    (folder / file).unlink()
    with pytest.raises(InvalidSetting, match="reinstall filesearch"):
        AnswerReader(folder).verify()
    damaged = AnswerReader(folder)
    with pytest.raises(InvalidSetting, match="reinstall filesearch"):
        (damaged.languages, damaged.read("?", [Excerpt("a")]))
