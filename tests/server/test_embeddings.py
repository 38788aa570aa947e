"""Embeddings: unit vectors of the index's embedder, whatever shape the input has."""

import base64
import threading
import time

import numpy as np
import openai
import pytest

from filesearch.testing import HashingEmbedder
from filesearch.tokens import count_tokens, decode_tokens

MODEL = "text-embedding-3-small"


@pytest.fixture
def embed(live):
    """Input and options -> float32 (n, dimension), as the official client reads them."""

    def embed(given, **options):
        found = live.client.embeddings.create(model=MODEL, input=given, **options)
        assert [one.index for one in found.data] == list(range(len(found.data)))
        return np.array([one.embedding for one in found.data], np.float32)

    return embed


def near(left, right):
    return np.allclose(left, right, atol=1e-6)


def test_a_text_gets_the_vector_of_the_embedder(embed):
    assert near(
        embed("The kiln reaches 1280 degrees."),
        HashingEmbedder().embed_texts(["The kiln reaches 1280 degrees."]),
    )


def test_texts_get_their_vectors_in_order(embed):
    texts = [f"Mug number {i}" for i in range(100)]
    assert near(embed(texts), HashingEmbedder().embed_texts(texts))


def test_floats_and_base64_are_the_same_numbers(live):
    def ask(how):
        body = {"model": MODEL, "input": "kiln", "encoding_format": how}
        return live.client.post("/embeddings", body=body, cast_to=object)["data"][0]["embedding"]

    packed = np.frombuffer(base64.b64decode(ask("base64")), "<f4")
    assert np.array_equal(packed, np.array(ask("float"), np.float32))


@pytest.mark.parametrize("many", [False, True])
def test_tokens_are_read_as_the_text_they_stand_for(embed, many):
    tokens = [38, 80, 8415, 25333]
    text = decode_tokens(tokens)
    assert len(text) > 4
    assert near(embed([[1, 2], tokens] if many else tokens)[-1], embed(text)[0])


def test_the_usage_counts_tokens_and_the_name_is_echoed(live):
    found = live.client.embeddings.create(model=MODEL, input=["one mug", "two mugs"])
    wanted = count_tokens("one mug") + count_tokens("two mugs")
    assert found.usage.prompt_tokens == found.usage.total_tokens == wanted
    assert found.model == MODEL


def test_fewer_dimensions_are_the_first_ones_of_length_one(embed):
    full = HashingEmbedder().embed_texts(["kiln"])[0, :10]
    assert near(embed("kiln", dimensions=10)[0], full / np.linalg.norm(full))


def test_a_long_text_is_embedded_to_its_end(embed):
    start = " ".join(["clay"] * 300)
    ends = embed([f"{start} glaze", f"{start} kiln"])
    assert not near(ends[0], ends[1])
    assert near(np.linalg.norm(ends, axis=1), 1)


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"input": ""}, "input", "'$.input' is invalid"),
        ({"input": ["a", ""]}, "input[1]", "empty string"),
        ({"input": []}, "input", "empty array"),
        ({"input": ["a"] * 2049}, "input", "maximum length 2048"),
        ({"input": [[1], [999_999_999]]}, "input[1]", "999999999 is no token"),
        ({"input": [-1]}, "input", "-1 is no token"),
        ({"input": [[]]}, "input[0]", "empty array"),
        ({"input": {"a": 1}}, "input", "Invalid type for 'input'"),
        ({"input": "a", "dimensions": 65}, "dimensions", "less than or equal to 64"),
        ({"input": "a", "dimensions": 0}, "dimensions", "below minimum"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format", "'hex'"),
        ({"input": "mug " * 300_001}, "input", "at most 300000"),
        ({}, "input", "Missing required parameter: 'input'"),
    ],
)
def test_what_cannot_be_embedded_is_refused(live, body, param, says):
    with pytest.raises(openai.BadRequestError) as raised:
        live.client.post("/embeddings", body={"model": MODEL, **body}, cast_to=object)
    assert says in raised.value.message
    assert raised.value.param == param


class SlowEmbedder(HashingEmbedder):
    """Takes its time for each turn."""

    def embed_texts(self, texts):
        time.sleep(0.05)
        return super().embed_texts(texts)


def test_a_large_batch_keeps_no_one_waiting(serve, tmp_path):
    from filesearch import FileSearch

    live = serve(fs=FileSearch(tmp_path / "slow", embedder=SlowEmbedder()))
    ended = []

    def ask(given):
        live.client.embeddings.create(model=MODEL, input=given)
        ended.append(len(given))

    large = threading.Thread(target=ask, args=([f"mug {i}" for i in range(1000)],))
    large.start()
    time.sleep(0.3)
    ask(["kiln"])
    large.join()
    assert ended == [1, 1000]
