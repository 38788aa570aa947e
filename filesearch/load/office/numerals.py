"""Numerals: the number of an item of a list or of a note -> the characters that show it."""

from __future__ import annotations

_CHINESE = "〇一二三四五六七八九"
_CHINESE_FORMATS = frozenset(
    "chineseCounting chineseCountingThousand ideographDigital japaneseCounting "
    "taiwaneseCounting taiwaneseCountingThousand japaneseDigitalTenThousand".split()
)
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def format_number(value: int, form: str) -> str:
    """Return a number as a list shows it.

    Args:
        value: From 0.
        form: A value of ST_NumberFormat (ECMA-376 part 1, 17.18.59); those that are not known
            here are shown as decimal digits.
    """
    if form == "none":
        return ""
    if form == "decimalZero":
        return f"{value:02d}"
    if value < 1:
        return str(value)
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (value - 1) % 26) * min((value - 1) // 26 + 1, 20)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman") and value < 4000:
        digits = ""
        for worth, sign in _ROMAN:
            digits += sign * (value // worth)
            value %= worth
        return digits.upper() if form == "upperRoman" else digits
    if form in _CHINESE_FORMATS and value < 100:
        tens, ones = divmod(value, 10)
        ten = ("" if tens == 1 else _CHINESE[tens]) + "十" if tens else ""
        return ten + (_CHINESE[ones] if ones or not tens else "")
    return str(value)
