"""Tokens: positions agree with tiktoken on the whole text, whatever the text."""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch import tokens
from filesearch.errors import InvalidSetting
from filesearch.tokens import count_tokens, decode_tokens, token_boundaries

ENCODINGS = ("cl100k_base", "o200k_base")
SAMPLE = (
    "Don't panic!\nIt's 3.14159 (approx.), see https://example.org/a?b=c.\r\n\r\n\tdef f(x):\n"
    "        return x**2  # squared\n\n\n- Größe: 12 345 €;   naïve café\n"
    "苹果公司在2025年的收入是3,910亿美元。他说：“你好！”然后走了……\n日本語のテキスト、です。\n"
    "👩‍👩‍👧‍👦 🇩🇪🇫🇷 e\u0301 नमस्ते हिन्दी \u00a0 \u3000 x\u2028y <|endoftext|> ??\n/path/to ~ $$$\n"
) * 3
PIECES = st.sampled_from(
    [
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\u3000",
        "\x1c",
        "\x85",
        "a",
        "Z",
        "don't",
        "'s",
        "9",
        "1234",
        "!",
        "?\n",
        "/",
        ".",
        "，",
        "。",
        "语",
        "é",
        "\u0301",
        "👩‍👧",
        "🇩🇪",
        "ſ",
        "ⅷ",
        "_",
        "\x00",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=60).map("".join))


def boundaries_one_by_one(text: str, encoding: str) -> list[int]:
    """The slow twin: decode each token's bytes, find the character each byte belongs to."""
    encoder = tokens._load(encoding).encoding
    owner = [i for i, character in enumerate(text) for _ in character.encode()]
    found, byte = [], 0
    for token in encoder.encode_ordinary(text):
        found.append(owner[byte])
        byte += len(encoder.decode_single_token_bytes(token))
    return [*found, len(text)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS)
def test_boundaries_agree_with_decoding_tokens_one_by_one(encoding: str, text: str):
    text = text.encode("utf-8", "replace").decode()
    assert token_boundaries(text, encoding).tolist() == boundaries_one_by_one(text, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS)
def test_cutting_at_any_safe_place_leaves_the_tokens_as_they_are(encoding: str, text: str):
    text = text.encode("utf-8", "replace").decode()
    encode = tokens._load(encoding).encoding.encode_ordinary
    for cut in tokens._SAFE_CUT.finditer(text):
        assert encode(text[: cut.end()]) + encode(text[cut.end() :]) == encode(text)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("slice_size", [200, 256, 1000])
def test_slices_of_real_text_give_the_tokens_of_the_whole(encoding: str, slice_size: int):
    whole = boundaries_one_by_one(SAMPLE, encoding)
    assert tokens._boundaries(SAMPLE, encoding, slice_size).tolist() == whole


@given(text=st.lists(PIECES, max_size=200).map("".join), size=st.integers(2, 30))
def test_slices_join_to_the_text_and_keep_their_bound(text: str, size: int):
    parts = list(tokens._slices(text, size))
    assert "".join(parts) == text
    assert all(1 <= len(part) <= size for part in parts)


@given(st.text(st.characters(), max_size=80))
def test_boundaries_rise_from_0_to_the_length_of_any_text(text: str):
    found = token_boundaries(text)
    assert found[0] == 0
    assert found[-1] == len(text)
    assert (np.diff(found) >= 0).all()


def test_tokens_of_one_character_share_its_start():
    found = token_boundaries("a🦩b").tolist()
    assert found[0] == 0
    assert found[-2:] == [2, 3]
    assert set(found[1:-2]) == {1}
    assert len(found) > 4


def test_a_lone_surrogate_counts_as_one_character():
    assert token_boundaries("\ud800x\udc00")[-1] == 3
    assert count_tokens("\ud800") == count_tokens("\ufffd")


def test_the_empty_text_has_no_tokens():
    assert token_boundaries("").tolist() == [0]
    assert count_tokens("") == 0


def test_counts_are_those_openai_publishes():
    """The example of OpenAI's cookbook on counting tokens with tiktoken."""
    text = "antidisestablishmentarianism"
    assert (count_tokens(text), count_tokens("2 + 2 = 4"), count_tokens("お誕生日おめでとう")) == (
        6,
        7,
        9,
    )
    assert count_tokens("お誕生日おめでとう", "o200k_base") == 8


def test_special_tokens_are_plain_text():
    assert count_tokens("<|endoftext|>") > 1


@pytest.mark.parametrize("unit", ["a", " ", "\n", "语", "\u0301", " \n", "."])
@pytest.mark.timeout(10)
def test_a_long_run_is_encoded_in_linear_time(unit: str):
    text = unit * (300_000 // len(unit))
    found = token_boundaries(text)
    assert found[-1] == len(text)
    assert len(found) - 1 == count_tokens(text)


def test_an_unknown_encoding_is_refused_with_the_known_ones():
    with pytest.raises(InvalidSetting, match=r"'gpt2'.*cl100k_base, o200k_base"):
        count_tokens("x", "gpt2")  # type: ignore[arg-type]


def test_an_altered_rank_file_is_refused():
    recipe = replace(tokens.RECIPES["cl100k_base"], packed_sha256="0" * 64)
    with pytest.raises(InvalidSetting, match="missing or altered"):
        tokens.read_ranks("cl100k_base", recipe)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_packaged_ranks_are_those_that_tiktoken_downloads(encoding):
    recipe = tokens.RECIPES[encoding]
    digest = sha256()
    for token, rank in tokens.read_ranks(encoding, recipe).items():
        digest.update(b"%s %d\n" % (b2a_base64(token, newline=False), rank))
    assert digest.hexdigest() == recipe.sha256


def test_safe_cuts_are_close_together_in_real_text():
    cuts = [cut.end() for cut in tokens._SAFE_CUT.finditer(SAMPLE)]
    assert max(b - a for a, b in pairwise(cuts)) < 100


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_tokens_are_decoded_to_their_text(encoding):
    encoded = tokens._load(encoding).encoding.encode_ordinary(SAMPLE)
    assert decode_tokens(encoded, encoding) == SAMPLE


@pytest.mark.parametrize("number", [-1, 100_256, 10**12])
def test_a_number_that_is_no_token_is_refused(number):
    with pytest.raises(ValueError, match=f"{number} is no token of cl100k_base"):
        decode_tokens([38, number])
