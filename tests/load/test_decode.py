from __future__ import annotations

import random

import pytest

from filesearch.errors import UnsupportedFile
from filesearch.load.text.decode import decode

CHINESE = "第一章 总则。本店出售的杯子可以在三十天内退货，请保留收据，我们会在七天之内退款。" * 3
RUSSIAN = "Однажды, в студеную зимнюю пору, я из лесу вышел; был сильный мороз."
KOREAN = (
    "대한민국의 수도는 서울이며, 한강이 도시를 가로질러 흐른다. 서울은 많은 사람이 사는 도시이다."
)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk"],
)
@pytest.mark.parametrize("text", [CHINESE, "Mugs can go back.\nKeep the receipt.\n" + CHINESE])
def test_chinese_is_read_in_every_encoding_that_is_promised(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), "a.txt").text == text


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r"])
def test_russian_code_pages_are_not_taken_for_chinese(encoding: str) -> None:
    assert decode(RUSSIAN.encode(encoding), "a.txt").text == RUSSIAN


def test_korean_is_not_taken_for_chinese() -> None:
    assert decode(KOREAN.encode("euc-kr"), "a.txt").text == KOREAN


def test_english_utf16_without_a_mark_is_recognised() -> None:
    assert decode("Plain words.\n".encode("utf-16-le"), "a.txt").encoding == "utf-16-le"
    assert decode("Plain words.\n".encode("utf-16-be"), "a.txt").encoding == "utf-16-be"


def test_western_text_is_not_taken_for_central_european() -> None:
    text = "Não há devolução depois de trinta dias, senhor; o recibo é necessário.\n" * 3
    assert decode(text.encode("cp1252"), "a.txt").text == text


def test_ebcdic_is_guessed_with_a_warning() -> None:
    text = "The workstation has been announced as a hardware withdrawal from marketing. " * 5
    decoded = decode(text.encode("cp500"), "a.txt")
    assert decoded.text == text
    assert "guessed" in decoded.warning


def test_a_few_damaged_bytes_do_not_change_the_encoding() -> None:
    data = CHINESE.encode("utf-8")
    decoded = decode(data[:30] + b"\xff" + data[30:], "a.txt")
    assert decoded.encoding == "utf-8"
    assert "damaged" in decoded.warning


def test_a_declared_encoding_decides_what_is_not_utf8() -> None:
    assert decode("søt".encode("latin-1"), "a.html", declared="iso-8859-1").text == "søt"
    assert decode("søt".encode(), "a.html", declared="iso-8859-1").text == "søt"


def test_an_unknown_or_wrong_declared_encoding_is_passed_over() -> None:
    assert decode(CHINESE.encode("gbk"), "a.html", declared="martian").text == CHINESE
    assert decode(CHINESE.encode("gbk"), "a.html", declared="hex").text == CHINESE


def test_random_bytes_are_refused() -> None:
    data = random.Random(5).randbytes(4000)
    with pytest.raises(UnsupportedFile, match=r"'noise\.txt' holds binary data"):
        decode(data, "noise.txt")
