"""Embed: one contract for every Embedder, and what is particular to the bundled model."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filesearch.adapters import make_embedder
from filesearch.embed.card import CARD_FILE, MODEL_FILE
from filesearch.embed.onnx import OnnxEmbedder
from filesearch.embed.sentence_transformers import SentenceTransformerEmbedder
from filesearch.errors import InvalidSetting
from filesearch.memory import SMAPS, Meter
from filesearch.protocols import TokenEmbedder
from filesearch.testing import HashingEmbedder

DATA_FILE = "model.data"  # of the bundled model
BUNDLED = OnnxEmbedder()
HAS_EXTRA = find_spec("sentence_transformers") is not None
needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="sentence-transformers is not installed")

TEXTS = [
    "The kiln reaches 1280 degrees.",
    "Unused mugs can be sent back within 30 days and the price is refunded.",
    "cat",
    "",
    "Café Zürich 陶器 🙂 naïve",
    "word " * 600,
]


def save_tiny_model(folder):
    """A BERT of two small layers with random weights and a word-level vocabulary."""
    import torch
    from sentence_transformers import SentenceTransformer, models
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    words = sorted({word for text in TEXTS for word in text.lower().split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *words]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    words_model = models.Transformer(str(folder), max_seq_length=64)
    pooling = models.Pooling(32)
    SentenceTransformer(modules=[words_model, pooling]).save(str(folder / "saved"))
    return folder / "saved"


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(
    params=["onnx", "hashing", pytest.param("sentence-transformers", marks=needs_extra)]
)
def embedder(request):
    if request.param == "onnx":
        return BUNDLED
    if request.param == "hashing":
        return HashingEmbedder()
    return SentenceTransformerEmbedder(str(request.getfixturevalue("tiny_model")))


def test_vectors_are_unit_rows_of_the_stated_shape(embedder):
    vectors = embedder.embed_texts(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)


def test_no_texts_give_no_rows(embedder):
    assert embedder.embed_texts([]).shape == (0, embedder.dimension)


def test_the_order_of_the_texts_is_kept(embedder):
    vectors = embedder.embed_texts(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert embedder.embed_query(text) @ vector > 0.95, text


def test_a_query_is_a_text(embedder):
    assert embedder.embed_query("kiln") == pytest.approx(
        embedder.embed_texts(["kiln"])[0], abs=1e-6
    )


def test_a_question_asked_again_gives_the_same(embedder):
    first = embedder.embed_query("How hot is the kiln?")
    assert np.array_equal(embedder.embed_query("How hot is the kiln?"), first)
    assert embedder.embed_query("the kiln is cold, and so are the bowls") @ first < 1 - 1e-6


def test_offsets_name_the_words_of_the_text(embedder):
    text = "  The kiln\nreaches 1280 degrees."
    offsets = embedder.token_offsets(text)
    assert offsets.dtype == np.int64
    assert "".join(text[start:end] for start, end in offsets) == "".join(text.split())
    assert embedder.token_offsets("").shape == (0, 2)


@pytest.mark.parametrize("text", ["", "Is İstanbul's KİLN hot?", "ΟΔΟΣ ﬁre 窑 ǅ"])
def test_each_piece_of_a_question_has_an_offset(embedder, text):
    if isinstance(embedder, TokenEmbedder):
        found = embedder.embed_question(text)
        assert len(found.offsets) == len(found.tokens)


def test_offsets_are_never_cut_off(embedder):
    assert len(embedder.token_offsets("word " * 600)) == 600


def test_the_fingerprint_stays_the_same(embedder):
    assert embedder.fingerprint == embedder.fingerprint
    assert embedder.name in embedder.fingerprint


def test_meaning_orders_the_bundled_model():
    passages = [
        "Unused goods can be sent back within 30 days and we refund the price.",
        "The kiln reaches 1280 degrees in nine hours.",
        "Noor teaches the evening class on Mondays.",
    ]
    scores = BUNDLED.embed_texts(passages) @ BUNDLED.embed_query("How do I get my money back?")
    assert int(np.argmax(scores)) == 0
    assert scores[0] > scores[1:].max() + 0.1


def test_a_long_text_is_cut_at_what_the_model_reads():
    text = "clay " * BUNDLED.max_tokens
    same = BUNDLED.embed_query(text + "refund " * 50)
    assert BUNDLED.embed_query(text) == pytest.approx(same, abs=1e-6)


def test_a_vector_does_not_depend_on_what_it_is_embedded_with():
    alone = [BUNDLED.embed_query(text) for text in TEXTS]
    together = BUNDLED.embed_windows(TEXTS * 3)
    assert np.array_equal(together.vectors, alone * 3)
    assert np.array_equal(BUNDLED.embed_texts(TEXTS), alone)


def test_a_model_that_takes_a_mask_is_told_that_nothing_is_padding(copy_of_model):
    """Folders exported by earlier versions have one."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    model = onnx.load(copy_of_model / MODEL_FILE)
    shape = ["batch", "tokens"]
    mask = onnx.helper.make_tensor_value_info("attention_mask", onnx.TensorProto.INT64, shape)
    model.graph.input.append(mask)
    onnx.save(model, copy_of_model / MODEL_FILE)
    found = OnnxEmbedder(copy_of_model).embed_query("kiln")
    assert np.array_equal(found, BUNDLED.embed_query("kiln"))


def test_vectors_of_an_earlier_export_stay_good(copy_of_model):
    """The card names the first model that made such vectors; its indexes are used on."""
    card = json.loads((copy_of_model / CARD_FILE).read_text())
    card["sha256"][MODEL_FILE] = card.pop("vectors_of")
    del card["sha256"][DATA_FILE]
    (copy_of_model / CARD_FILE).write_text(json.dumps(card))
    assert OnnxEmbedder(copy_of_model).fingerprint == BUNDLED.fingerprint


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_offsets_lie_in_the_text_and_ascend(text):
    offsets = BUNDLED.token_offsets(text)
    assert ((offsets[:, 0] < offsets[:, 1]) & (offsets[:, 1] <= len(text))).all()
    assert (np.diff(offsets[:, 0]) >= 0).all()


def test_offsets_of_long_text_do_not_depend_on_how_it_is_sliced():
    text = "The kiln reaches 1280 degrees. 陶器 " * 3000
    offsets = BUNDLED.token_offsets(text)
    per_line = len(BUNDLED.token_offsets("The kiln reaches 1280 degrees. 陶器 "))
    assert len(offsets) == 3000 * per_line
    assert (offsets[:, 1] - offsets[:, 0]).max() <= len("reaches")


def test_the_bundled_files_match_their_card():
    BUNDLED.verify()


@pytest.fixture
def copy_of_model(tmp_path):
    source = Path(sys.modules["filesearch"].__file__).parent / "data" / "all-MiniLM-L6-v2"
    return Path(shutil.copytree(source, tmp_path / "model"))


@pytest.mark.parametrize("name", [MODEL_FILE, DATA_FILE])
def test_an_altered_byte_is_found(copy_of_model, name):
    data = bytearray((copy_of_model / name).read_bytes())
    data[-100] ^= 1
    (copy_of_model / name).write_bytes(data)
    with pytest.raises(InvalidSetting, match="its card says"):
        OnnxEmbedder(copy_of_model).verify()


@pytest.mark.parametrize("name", [MODEL_FILE, DATA_FILE])
def test_other_weights_have_another_fingerprint(copy_of_model, name):
    card = json.loads((copy_of_model / CARD_FILE).read_text())
    del card["vectors_of"]
    (copy_of_model / CARD_FILE).write_text(json.dumps(card))
    before = OnnxEmbedder(copy_of_model).fingerprint
    card["sha256"][name] = "0" * 64
    (copy_of_model / CARD_FILE).write_text(json.dumps(card))
    assert OnnxEmbedder(copy_of_model).fingerprint != before


@pytest.mark.skipif(not SMAPS.exists(), reason="this system does not tell what is mapped")
def test_the_table_of_words_is_mapped_not_read(copy_of_model):
    """What products take is packed for the processor, and let go."""
    embedder = OnnxEmbedder(copy_of_model)
    embedder.embed_query("kiln")
    mapped = {Path(part.kind).name: part for part in Meter(str).report().files}
    assert mapped[DATA_FILE].size_bytes > 10 << 20
    assert mapped[DATA_FILE].resident_bytes < 5 << 20


def test_a_folder_with_a_model_is_an_embedder(copy_of_model):
    found = make_embedder(str(copy_of_model))
    assert found.fingerprint == BUNDLED.fingerprint
    assert found.embed_query("kiln") == pytest.approx(BUNDLED.embed_query("kiln"), abs=1e-6)


@pytest.mark.parametrize("name", [CARD_FILE, MODEL_FILE, DATA_FILE])
def test_a_missing_file_is_named(copy_of_model, name):
    (copy_of_model / name).unlink()
    with pytest.raises(InvalidSetting, match=name):
        OnnxEmbedder(copy_of_model)


def test_a_card_that_lacks_a_field_is_refused(copy_of_model):
    card = json.loads((copy_of_model / CARD_FILE).read_text())
    del card["dimension"]
    (copy_of_model / CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(InvalidSetting, match="lacks dimension"):
        OnnxEmbedder(copy_of_model)


def test_an_unknown_embedder_is_refused_with_what_there_is():
    with pytest.raises(InvalidSetting, match="'word2vec' is unknown; use all-MiniLM-L6-v2"):
        make_embedder("word2vec")


@pytest.mark.skipif(HAS_EXTRA, reason="sentence-transformers is installed")
def test_a_missing_extra_is_named():
    with pytest.raises(InvalidSetting, match="pip install 'filesearch"):
        make_embedder("sentence-transformers:any").embed_query("x")


@needs_extra
def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidSetting, match="cannot load"):
        make_embedder(f"sentence-transformers:{tmp_path / 'none'}").embed_query("x")


@needs_extra
def test_an_index_is_made_and_searched_with_sentence_transformers(make_fs, docs, tiny_model):
    fs = make_fs(embedder=make_embedder(f"sentence-transformers:{tiny_model}"))
    fs.ingest(docs)
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"
    assert fs.stats().dimension == 32


@needs_extra
def test_a_forked_child_waits_for_no_thread_of_torch(tiny_model):
    code = """
import os, signal, sys
import numpy, torch
from filesearch.adapters import make_embedder

def work(text):
    torch.ones(1000, 1000).exp()  # so much that several threads share it
    return embedder.embed_texts([text])

torch.set_num_threads(2)  # also where there is one core
embedder = make_embedder(f"sentence-transformers:{sys.argv[1]}")
before = work("cat")
process = os.fork()
if process == 0:
    signal.alarm(60)  # ends a child that waits for what never comes
    os._exit(0 if numpy.allclose(work("cat"), before, atol=1e-5) else 1)
assert os.waitpid(process, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, tiny_model], check=True)


def test_importing_loads_neither_runtime_nor_torch():
    code = (
        "import sys, filesearch.embed.onnx, filesearch.embed.sentence_transformers;"
        "print([m for m in ('onnxruntime', 'torch', 'tokenizers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_bundled_model_stays_close_to_the_original():
    """tests/minilm_float32.json says how its vectors were made."""
    original = json.loads((Path(__file__).parent / "minilm_float32.json").read_text("utf-8"))
    vectors = OnnxEmbedder().embed_texts(original["texts"])
    cosines = (vectors * np.array(original["vectors"])).sum(axis=1)
    assert cosines.mean() > 0.997
    assert cosines.min() > 0.995
