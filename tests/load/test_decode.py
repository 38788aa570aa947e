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


WORDS = [
    (
        "cp1252",
        "Ugnen öppnas under åttio grader, också på måndag. Kunder får lämna tillbaka varor.",
    ),
    ("cp1252", "Pengene bliver betalt tilbage inden for syv dage, efter at vi har fået varen."),
    ("cp1252", "Ovnen åpnes først når temperaturen er under åtti grader."),
    ("cp1252", "Savi tulee Hämeestä ja se poltetaan kaksi kertaa ennen myyntiä."),
    ("cp1252", "Leirinn kemur að austan og er brenndur tvisvar áður en hann er seldur."),
    ("cp1252", "Kunden können Waren innerhalb von dreißig Tagen zurückgeben."),
    ("cp1252", "Zij vragen één geëmailleerde kom uit België terug, zónder kosten."),
    ("cp1252", "L'argile est cuite deux fois avant d'être vendue, à Noël même; ça dépend."),
    ("cp1252", "Los artículos se devuelven en treinta días. ¿Se rompió algo? Escríbanos mañana."),
    ("cp1252", "A devolução do dinheiro é feita sete dias após a receção do produto, à mão."),
    ("cp1252", "La temperatura è scesa e i clienti, perché così è la legge, pagheranno di più."),
    ("cp1252", "Els diners es tornen set dies després de la recepció; l'argila és de l'Empordà."),
    ("cp1252", "Customers may return goods within thirty days – even on Sundays."),
    (
        "iso8859_2",
        "Są one robione ręcznie w naszym własnym warsztacie, także w sobotę, i wypalane.",
    ),
    ("cp1250", "Są one robione ręcznie w naszym własnym warsztacie, także w sobotę, i wypalane."),
    (
        "iso8859_2",
        "Napište nám, jestliže se něco rozbilo; zákazníci mohou vrátit zboží včas, též zeď.",
    ),
    (
        "cp1250",
        "Napište nám, jestliže se něco rozbilo; zákazníci mohou vrátit zboží včas, též zeď.",
    ),
    ("iso8859_2", "Zákazníci môžu vrátiť tovar do tridsiatich dní, aj v nedeľu."),
    ("cp1250", "Novac vraćamo u roku od sedam dana nakon što primimo pošiljku, također i subotom."),
    ("cp1250", "A kemencét csak akkor nyitjuk ki, amikor a hőmérséklet nyolcvan fok alá csökkent."),
    ("cp1250", "Clienţii pot înapoia produsele în termen de treizeci de zile, şi sâmbăta."),
    ("cp1254", "Müşteriler ürünleri otuz gün içinde geri verebilir; İzmir'de fırın sıcaktır."),
    ("cp1257", "Pirkėjai gali grąžinti prekes per trisdešimt dienų, taip pat ir šeštadieniais."),
    ("cp850", "Der Ofen wird geöffnet; die Größe der Schüsseln fällt später auf."),
    ("cp852", "Klienci mogą zwrócić towary w ciągu trzydziestu dni, także w sobotę."),
    ("mac_roman", "“Le four est fermé”, dit-elle; la température est tombée à Noël."),
    ("cp1251", "Печь открывают, когда температура опустится ниже восьмидесяти градусов."),
    ("koi8-r", "Печь открывают, когда температура опустится ниже восьмидесяти градусов."),
    ("cp1253", "Οι πελάτες μπορούν να επιστρέψουν τα προϊόντα μέσα σε τριάντα ημέρες."),
    ("cp932", "お客様は三十日以内に商品を返品することができます。私たちの工房で販売しています。"),
    ("big5", "顧客可以在三十天內退回商品。我們在自己的工坊出售手工製作的碗和盤子。"),
]


@pytest.mark.parametrize(("encoding", "sentence"), WORDS)
def test_sentences_are_read_in_the_code_pages_of_their_languages(
    encoding: str, sentence: str
) -> None:
    for text in (sentence, f"{sentence}\n" * 20, f"n,words\n1,{sentence}\n2,none\n"):
        assert decode(text.encode(encoding), "a.txt").text == text


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
