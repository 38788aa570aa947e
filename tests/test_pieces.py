"""Pieces: word pieces read once are those that a window's own text would be cut into."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filesearch.embed.onnx import OnnxEmbedder
from filesearch.embed.word_table import WordTable
from filesearch.pieces import Pieces, WindowText
from filesearch.prepare import embed_windows, prepare_document
from filesearch.protocols import PieceEmbedder
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings, Document

BUNDLED = OnnxEmbedder()
PROSE = "Unquestionably, the kiln's thermocouples misread 1,280 °C. Käse, 陶器 and 한국어 stay. "


def ids_of(text):
    return BUNDLED.read_pieces(text).ids.tolist()


def assert_as_the_tokenizer(offsets, ids, text):
    expected = BUNDLED._offset_tokenizer.encode(text, add_special_tokens=False)
    assert ids.tolist() == expected.ids
    assert offsets.tolist() == [list(pair) for pair in expected.offsets]


def windows_of(text, title=""):
    document = Document(text, title=title)
    return prepare_document(document, "kilns.md", ChunkSettings(), BUNDLED).window_texts


def test_only_the_embedder_that_hands_pieces_out_gets_them():
    assert isinstance(BUNDLED, PieceEmbedder)
    assert not isinstance(HashingEmbedder(), PieceEmbedder)


def test_every_window_of_ordinary_text_has_the_pieces_of_its_text():
    windows = windows_of(PROSE * 100, title="Of unreliable thermocouples")
    assert len(windows) > 10
    for window in windows:
        assert window.text.startswith("kilns")
        assert window.ids.tolist() == ids_of(window.text)


def test_plain_text_has_the_pieces_that_any_text_has():
    text = "The KILN's [CLS] thermo-couples\tmisread 1,280;\r\n_x_ (Unquestionably) "
    for whole in (text, text.replace("[CLS]", "[cls]"), text.replace("[CLS]", "a\x00b\x1c")):
        pieces = BUNDLED.read_pieces(whole * 900)
        marked = BUNDLED.read_pieces(f"{whole * 900}\u00e9")  # not ASCII: the usual way
        assert np.array_equal(pieces.ids, marked.ids[:-1])
        assert np.array_equal(pieces.offsets, marked.offsets[:-1])


ascii_word = st.text(st.characters(codec="ascii"), max_size=12) | st.sampled_from(["[SEP]"])


@settings(max_examples=200)
@given(st.lists(ascii_word, max_size=20).map(" ".join))
def test_ascii_has_the_pieces_that_any_text_has(text):
    found = BUNDLED.read_pieces(text)
    assert_as_the_tokenizer(found.offsets, found.ids, text)


@settings(max_examples=200)
@given(st.lists(st.text(max_size=8) | ascii_word | st.just("\n"), max_size=30).map("".join))
@example("e\u0301\n\u0301a\n")
@example("caf\u00e9s\u2028x\r\x0by\n\nplain\n\u00a0\u6f22\u5b57z")
def test_lines_of_ascii_and_others_have_the_pieces_of_their_text(text):
    found = BUNDLED.read_pieces(text)
    assert_as_the_tokenizer(found.offsets, found.ids, text)


def test_a_full_table_begins_anew_and_cuts_as_before(monkeypatch):
    monkeypatch.setattr("filesearch.embed.word_table._WORDS", 8)
    monkeypatch.setattr("filesearch.embed.word_table._PIECES", 20)
    table = WordTable(BUNDLED._offset_tokenizer)
    for text in ("a b c d e f", "g h i", "thermocouples thermocouple kilns", "", "a-b_c", "  x "):
        assert_as_the_tokenizer(*table.cut(text), text)


def test_threads_share_a_table():
    table = WordTable(BUNDLED._offset_tokenizer)
    texts = [" ".join(f"thermo{word}couple" for word in range(i, i + 400)) for i in range(64)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(table.cut, texts))
    for text, (offsets, ids) in zip(texts, found, strict=True):
        assert_as_the_tokenizer(offsets, ids, text)


word = st.text(max_size=12) | st.sampled_from([*PROSE.split(), "[SEP]", "##ing", "x" * 120])
gap = st.sampled_from([" ", "", "\n\n", ". ", "\u0301", "\x1c", "\u200b"])


@settings(max_examples=150)
@given(st.lists(st.tuples(word, gap), min_size=1, max_size=40), st.integers(1, 5))
@example([("i\u0307\u0301", "\x1c"), ("\u1100\u1161\u11a8", "")], 5)
def test_the_pieces_of_a_window_are_those_of_its_text(words, repeats):
    text = "".join(part for pair in words for part in pair) * 10 * repeats
    if not text.strip():
        return
    for window in windows_of(text):
        if window.ids is not None:
            assert window.ids.tolist() == ids_of(window.text)


@settings(max_examples=150)
@given(st.lists(st.tuples(word, gap), min_size=1, max_size=20), st.data())
def test_the_pieces_of_any_stretch_are_those_of_its_text(words, data):
    text = "".join(part for pair in words for part in pair)
    pieces = BUNDLED.read_pieces(text)
    edges = sorted({0, len(text), *pieces.offsets.ravel().tolist()})
    start, end = sorted(data.draw(st.tuples(st.sampled_from(edges), st.sampled_from(edges))))
    found = pieces.ids_of(start, end)
    if found is not None:
        assert found.tolist() == ids_of(text[start:end])


def test_a_stretch_that_begins_within_a_word_or_cuts_a_piece_is_read_anew():
    text = "misread thermocouples"
    pieces = BUNDLED.read_pieces(text)
    starts = pieces.offsets[:, 0].tolist()
    inner = next(start for start in starts if start > text.index("thermo"))
    assert pieces.ids_of(0, inner).tolist() == ids_of(text[:inner])
    assert pieces.ids_of(inner, len(text)) is None
    assert pieces.ids_of(1, len(text)) is None
    assert pieces.ids_of(0, len(text) - 1) is None
    assert pieces.ids_of(7, 7).tolist() == []
    assert Pieces(pieces.offsets).ids_of(0, len(text)) is None


def test_text_that_had_to_be_sliced_within_a_word_is_read_anew():
    text = "kiln" * 10_000
    assert BUNDLED.read_pieces(text).ids is None
    assert np.array_equal(BUNDLED.read_pieces(text).offsets, BUNDLED.token_offsets(text))
    spaced = "kiln " * 10_000
    assert BUNDLED.read_pieces(spaced).ids.tolist() == ids_of("kiln") * 10_000


@pytest.mark.parametrize("late_interaction", [True, False])
def test_pieces_give_the_vectors_and_signs_of_their_text(late_interaction):
    windows = [*windows_of(PROSE * 30), WindowText("cat", None), WindowText("", None)]
    long = "word " * 400
    windows.append(WindowText(long, BUNDLED.read_pieces(long).ids))
    found = embed_windows(BUNDLED, windows, late_interaction=late_interaction)
    texts = [window.text for window in windows]
    assert np.array_equal(found.vectors, BUNDLED.embed_texts(texts))
    if late_interaction:
        expected = BUNDLED.embed_windows(texts).signs
        assert np.array_equal(found.signs.bits, expected.bits)
        assert np.array_equal(found.signs.counts, expected.counts)
    else:
        assert found.signs is None


def test_a_tokenizer_of_another_kind_hands_out_no_ids():
    tokenizers = pytest.importorskip("tokenizers")
    from filesearch.embed.pieces import know_bert

    words = tokenizers.models.WordLevel({"[UNK]": 0, "kiln": 1}, unk_token="[UNK]")
    assert know_bert(tokenizers.Tokenizer(words)) is None
    cased = BUNDLED._load_tokenizer()
    cased.normalizer = tokenizers.normalizers.NFKC()
    assert know_bert(cased) is None
