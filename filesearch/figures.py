"""Figures: which numbers a text holds, whatever their spelling.

text -> Figure[]. Used by `support` to see whether a passage holds the numbers of a sentence:

    1,250  1250  one thousand two hundred and fifty    one value
    $3.2 million  US$3,200,000                         one amount of money
    30%  thirty per cent  百分之三十  三成               one share
    14 days  two weeks  两周                            one duration
    10 December 1968  1968-12-10  1968年12月10日         year, month and day, three figures

Pure rules for English and Chinese, linear time. A sign is not read: "fell by 5%" is -5%.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

import regex

from filesearch.patterns import lazy_pattern

_ONES = dict(zip("zero one two three four five six seven eight nine ten eleven twelve thirteen "
                 "fourteen fifteen sixteen seventeen eighteen nineteen".split(), range(20),
                 strict=True))  # fmt: skip
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(),
                 range(20, 100, 10), strict=True))  # fmt: skip
_ORDINALS = dict(zip("third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
                     "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth "
                     "twentieth".split(), range(3, 21), strict=True))  # fmt: skip
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "dozen": 12.0,
}  # fmt: skip
_HAN_DIGITS = {c: float(i) for i, c in enumerate("零一二三四五六七八九")}
_HAN_DIGITS |= {"〇": 0.0, "两": 2.0, "兩": 2.0}
_HAN_SCALES = {"十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8}
_MONTHS = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|"
        "september sep sept|october oct|november nov|december dec".split("|"), start=1
    )
    for name in names.split()
}  # fmt: skip

# Unit as written -> its family and how many of the family's base it is.
_UNITS: dict[str, tuple[str, float]] = {}
_FAMILIES: dict[str, dict[str, float]] = {
    "second": {
        "second sec 秒": 1, "minute min 分钟 分鐘": 60, "hour hr 小时 小時": 3600,
        "day 天": 86_400, "week 周 週 星期": 604_800, "fortnight": 1_209_600,
    },
    "month": {"month 个月 個月": 1, "year yr 年": 12, "decade": 120, "century": 1200},
    "metre": {
        "mm millimetre millimeter 毫米": 1e-3, "cm centimetre centimeter 厘米 公分": 1e-2,
        "m metre meter 米 公尺": 1, "km kilometre kilometer 公里 千米": 1e3,
    },
    "gram": {"mg milligram 毫克": 1e-3, "g gram 克": 1, "kg kilogram 公斤 千克": 1e3,
             "tonne 吨 噸": 1e6},
    "byte": {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
    "mile": {"mile 英里": 1}, "foot": {"foot feet ft 英尺": 1}, "inch": {"inch inches 英寸": 1},
    "litre": {"ml millilitre milliliter 毫升": 1e-3, "l litre liter 升": 1},
    "usd": {"dollar usd 美元 美金": 1}, "eur": {"euro eur 欧元 歐元": 1},
    "gbp": {"pound gbp 英镑 英鎊": 1}, "cny": {"yuan rmb cny 元 人民币": 1},
}  # fmt: skip
for _family, _names in _FAMILIES.items():
    for _spellings, _factor in _names.items():
        _UNITS |= dict.fromkeys(_spellings.split(), (_family, float(_factor)))
_SIGNS = {"$": "usd", "usd": "usd", "€": "eur", "eur": "eur", "£": "gbp", "¥": "cny", "￥": "cny",
          "rmb": "cny", "cny": "cny"}  # fmt: skip
_MONEY = frozenset(_SIGNS.values())

_NUMBER_WORD = "|".join([*_ONES, *_TENS, "hundred", "thousand", "million", "billion", "dozen"])
_HAN_NUMBER = "〇零一二三四五六七八九十百千万萬亿億两兩"
_UNIT = "|".join(sorted(map(regex.escape, _UNITS), key=len, reverse=True))
_MONTH_NAME = "|".join(name for name in _MONTHS if name not in ("may", "march", "mar", "sep"))
_MAY = (
    r"(?-i:May(?= \d)"
    r"|(?<=\d |\d(?:st|nd|rd|th) |[Ii]n |[Oo]f |[Ss]ince |[Uu]ntil |[Bb]y |[Ll]ate |[Ee]arly )May)"
)
_PERCENT = r"(?P<percent>\s?[%％]|[\s-]per\s?cent\b|[\s-]percent(?:age points?)?\b|\s?pct\b)"
_BEFORE_UNIT = (
    r"(?=[\s-]?(?:calendar |working |business |US |square )?"
    rf"(?P<unit>{_UNIT})(?:e?s)?(?![\p{{Latin}}\d]))"
)
_FIGURE = lazy_pattern(
    "|".join((
        r"(?<!\d)(?P<y>\d{4})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d.])",
        r"(?P<version>(?<![\d.])\d+(?:\.\d+){2,})",
        r"(?<!\d)(?P<h>[01]?\d|2[0-4]):(?P<mi>[0-5]\d)(?![\d:])(?:\s?(?P<half>[ap])\.?m\b)?",
        r"(?<!\d)(?P<h>1?\d)\s?(?P<half>[ap])\.?m\b",
        r"(?P<lower>[二三四五六七八九十])分之(?P<upper>[一二三四五六七八九])",
        r"\b(?P<upper>a|one|two|three)[\s-](?P<lower>third|quarter|fifth)s?\b(?=\s(?:of|the)\b)",
        rf"百分之(?P<hundredths>[\d.]+|[{_HAN_NUMBER}]+)",
        r"(?P<tenths>[一二三四五六七八九])成(?![为為立功员員分本])",
        r"(?<![\p{Latin}\d.])(?P<sign>(?:US|NT|HK|A|C)?[$€£¥￥]\s?|(?:USD|EUR|RMB|CNY)\s?)?"
        r"(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
        r"(?:(?P<ordinal>st|nd|rd|th)\b|(?P<decade>['’]?s)\b"
        r"|\s?(?P<han_scale>[十百千万萬亿億]+(?:\d+[十百千万萬]+)*)"
        r"|[\s-]?(?P<scale>thousand|million|billion|trillion)\b|\s?(?P<scale>bn|mn|tn|k|m|b)\b)?"
        rf"(?:{_PERCENT}|{_BEFORE_UNIT})?",
        rf"\b(?P<words>(?:{_NUMBER_WORD})(?:(?:[\s-]| and )(?:{_NUMBER_WORD}))*)\b"
        rf"(?:{_PERCENT}|{_BEFORE_UNIT})?",
        rf"\b(?P<ordinal_word>first|second(?!s)|{'|'.join(_ORDINALS)})\b",
        rf"\b(?P<month>{_MONTH_NAME}|{_MAY}|(?-i:March|Mar|Sep))\b",
        rf"(?P<han>[{_HAN_NUMBER}]+)(?P<han_after>[月日号號个個名位人次岁歲度世级級層层]?)"
        rf"(?:(?<=[{_HAN_NUMBER}个個])(?=(?P<unit>{_UNIT})))?",
    )),
    regex.IGNORECASE,
)  # fmt: skip
_OTHER_DIGIT = lazy_pattern(r"[^\P{Nd}0-9]")
_WIDE = str.maketrans("０１２３４５６７８９．，％－", "0123456789.,%-")
_ROUNDING = lazy_pattern(
    r"(?:about|approximately|approx\.?|around|roughly|nearly|almost|over|some|more than|less than|"
    r"under|up to|at least|circa|~|≈|[约約近超逾])[过過]?\s*(?:[$€£¥]|US\$)?$",
    regex.IGNORECASE,
)
# "The two bodies" counts what the passage may merely name.
_SUMS_UP = lazy_pattern(
    r"\b(?:the|these|those|its|their|all|both|of|are|were|into)\s(?:other\s|main\s)?$",
    regex.IGNORECASE,
)
# What a rounded number may be off by: half a unit of its last digit, or this share after "about".
_ABOUT = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a text, `source[start:end]`.

    Attributes:
        text: As written, with its sign of money, scale and percent, without its unit.
        value: Of the number with its scale; a month's number; minutes after midnight.
        unit: "%", a money ("usd"), "calendar", "month name", "date" (of a month), "clock",
            "version", the family of a measure ("second", "month", "metre"), or empty.
        factor: How many of the family's base its unit is; 1 where there is no such family.
        mantissa: The number without its scale, as tables in millions write it.
        step: Of its last digit that is written; 0 for one that stands for itself alone.
        is_weak: Too common a word to be evidence: "one", "first", 一.
        is_rounded: "about 300".
        past: Where its unit ends, which `text` leaves out.
    """

    text: str
    start: int
    end: int
    value: float
    unit: str = ""
    factor: float = 1.0
    mantissa: float = math.nan
    step: float = 0.0
    is_weak: bool = False
    is_rounded: bool = False
    past: int = 0

    @property
    def kind(self) -> str:
        """Figures of one kind can be taken for each other; all moneys are one kind."""
        return "money" if self.unit in _MONEY else self.unit

    def is_same(self, other: Figure) -> bool:
        """Whether `other`, of a passage, says this number, or one that this rounds."""
        if _unlike(self, other):
            return False
        ours, theirs = self.value, other.value
        if self.factor != other.factor and other.unit == self.unit:
            ours, theirs = ours * self.factor, theirs * other.factor
        if math.isclose(ours, theirs) or self._is_scaled(other):
            return True
        if self.unit == other.unit == "%" and math.isnan(self.mantissa + other.mantissa):
            # A fraction in words.
            return abs(ours - theirs) < 0.5
        if self.unit == "calendar" or not self.step:
            return False
        if math.isclose(round(theirs / self.step) * self.step, ours):
            is_scaled = self.step >= 10 and not math.isclose(self.mantissa, ours)
            if self.step < 1 or is_scaled:
                return True
        return self.is_rounded and abs(ours - theirs) <= _ABOUT * ours

    def _is_scaled(self, other: Figure) -> bool:
        """Whether a table gives in millions (or the like) what this gives in full."""
        if other.mantissa != other.value or self.mantissa == self.value or other.value >= 1e6:
            return False
        return any(
            math.isclose(self.value, other.value * scale)
            or (self.step > 0 and math.isclose(
                round(other.value * scale / self.step) * self.step, self.value))
            for scale in (1e3, 1e4, 1e6)
        )  # fmt: skip


def _unlike(a: Figure, b: Figure) -> bool:
    if a.unit == b.unit:
        return False
    # A bare number may be a year or an amount; a month's name is no bare number.
    if "date" in (a.unit, b.unit):
        return bool(a.unit and b.unit)
    bare = ("", "calendar")
    return "month name" in (a.unit, b.unit) or (a.unit not in bare and b.unit not in bare)


def figures_of(text: str) -> list[Figure]:
    """Return the numbers of `text` in reading order; none for text without."""
    return [
        replace(figure, past=max(figure.end, found.end("unit")))
        for found in _FIGURE.finditer(_with_plain_digits(text))
        for figure in _read(text, found)
    ]


def _with_plain_digits(text: str) -> str:
    """Return `text` with digits of every script as 0 to 9, at their places.

    A digit that Python does not know yet becomes a blank.
    """
    wide = text.translate(_WIDE)
    return wide if wide.isascii() else _OTHER_DIGIT.sub(_plain_digit, wide)


def _plain_digit(found: regex.Match[str]) -> str:
    value = unicodedata.decimal(found.group(), None)
    return " " if value is None else str(value)


def _read(text: str, found: regex.Match[str]) -> Iterator[Figure]:
    groups = {name: value for name, value in found.groupdict().items() if value is not None}
    start, end = found.span()
    written = text[start:end]
    if "y" in groups:
        units = ("calendar", "month name", "date")
        for name, unit in zip(("y", "mo", "d"), units, strict=True):
            yield Figure(found[name], *found.span(name), float(found[name]), unit)
    elif "version" in groups:
        parts = groups["version"].split(".")
        value = float(sum(int(part) * 1e-3**i for i, part in enumerate(parts)))
        yield Figure(written, start, end, value, "version")
    elif "h" in groups:
        hour = int(groups["h"]) % (12 if "half" in groups else 24)
        hour += 12 if groups.get("half", "").lower() == "p" else 0
        yield Figure(written, start, end, 60.0 * hour + int(groups.get("mi", 0)), "clock")
    elif "lower" in groups:
        upper, lower = (_part_of_fraction(groups[name]) for name in ("upper", "lower"))
        yield Figure(written, start, end, 100 * upper / lower, "%", step=1, is_rounded=True)
    elif "hundredths" in groups or "tenths" in groups:
        tenths = 10 * _HAN_DIGITS.get(groups.get("tenths", ""), 0.0)
        value = _decimal_or_han(groups["hundredths"]) if "hundredths" in groups else tenths
        yield Figure(written, start, end, value, "%")
    elif "month" in groups:
        yield Figure(written, start, end, float(_MONTHS[groups["month"].lower()]), "month name")
    elif "number" in groups:
        yield _decimal(text, found, groups)
    elif "ordinal_word" in groups:
        word = groups["ordinal_word"].lower()
        value = float(_ORDINALS.get(word, 1 + (word == "second")))
        yield Figure(written, start, end, value, is_weak=value < 3)
    elif "words" in groups:
        value = _words_value(groups["words"].lower())
        unit, factor = _unit(groups)
        weak = (value < 2 and not unit) or (
            value <= 3 and _SUMS_UP.search(text, 0, start) is not None
        )
        yield Figure(written, start, end, value, unit, factor, is_weak=weak, mantissa=value)
    else:
        yield from _han(text, found, groups)


def _part_of_fraction(word: str) -> float:
    named = _ONES | {"a": 1, "third": 3, "quarter": 4, "fifth": 5}
    return float(named[word.lower()]) if word.isascii() else _han_value(word)


def _decimal(text: str, found: regex.Match[str], groups: dict[str, str]) -> Figure:
    start, end = found.span()
    if "sign" not in groups:
        start = found.start("number")
    digits = groups["number"].replace(",", "")
    mantissa, scale = float(digits), 1.0
    unit, factor = _unit(groups)
    word = groups.get("scale", "").lower()
    if word in ("m", "b") and "sign" not in groups:
        # "3 m" is three metres.
        unit, factor = ("metre", 1.0) if word == "m" else ("", 1.0)
    elif word:
        scale = _SCALES[word]
    if "han_scale" in groups:
        scale = _han_value("一" + groups["han_scale"][:1]) if len(groups["han_scale"]) == 1 else 0.0
    value = mantissa * scale if scale else _mixed_han(digits + groups["han_scale"])
    sign = groups.get("sign", "").strip().lower()
    if sign:
        unit = next(money for mark, money in _SIGNS.items() if mark in sign)
    following = text[found.end() :].lstrip()[:1]
    is_plain = digits == groups["number"] and "." not in digits and scale == 1
    if is_plain and not sign and (not unit or (following == "年" and unit == "month")):
        if "decade" in groups or 1000 <= mantissa <= 2100:
            unit, factor = "calendar", 1.0
        elif following == "月":
            unit = "month name"
        elif following and following in "日号號":
            unit = "date"
        elif following == "年":
            unit, factor = "month", 12.0
    decimals = len(digits.partition(".")[2])
    step = 10.0**-decimals * (scale or 1.0)
    if not decimals and scale == 1 and mantissa:
        step = 10.0 ** (len(digits) - len(digits.rstrip("0")))
    before = _ROUNDING.search(text, max(0, start - 24), start)
    return Figure(
        text[start:end], start, end, value, unit, factor, mantissa, step, is_rounded=bool(before)
    )


def _unit(groups: dict[str, str]) -> tuple[str, float]:
    if "percent" in groups:
        return "%", 1.0
    return _UNITS[groups["unit"].lower()] if "unit" in groups else ("", 1.0)


def _words_value(words: str) -> float:
    """Return what number words say: two hundred and five -> 205."""
    total, part = 0.0, 0.0
    for word in words.replace("-", " ").split():
        if word in _SCALES:
            scale = _SCALES[word]
            part = (part or 1) * scale
            if scale >= 1e3:
                total, part = total + part, 0.0
        else:
            part += _ONES.get(word, _TENS.get(word, 0))
    return total + part


def _han(text: str, found: regex.Match[str], groups: dict[str, str]) -> Iterator[Figure]:
    """A numeral of one character is a word or part of one, unless it counts something."""
    han, after = groups["han"], groups.get("han_after", "")
    is_ordinal = text[max(0, found.start() - 1) : found.start()] == "第"
    counts = bool(after) or "unit" in groups or is_ordinal
    if not counts and (len(han) < 2 or not any(c in _HAN_DIGITS for c in han)):
        return
    value = _han_value(han)
    unit, factor = _unit(groups)
    if after == "月":
        unit, factor = "month name", 1.0
    elif after in ("日", "号", "號"):
        unit, factor = "date", 1.0
    elif unit == "month" and after not in ("个", "個") and value >= 1000:
        unit, factor = "calendar", 1.0
    start, end = found.span("han")
    weak = (value < 2 and not unit) or (not counts and han[0] in "一万萬千")
    yield Figure(han, start, end, value, unit, factor, mantissa=value, is_weak=weak)


def _decimal_or_han(text: str) -> float:
    return float(text) if regex.fullmatch(r"\d+(?:\.\d+)?", text) else _han_value(text)


def _han_value(text: str) -> float:
    """Return what a Chinese numeral says; 二〇一九 is read digit by digit."""
    if len(text) > 1 and all(c in _HAN_DIGITS for c in text):
        return float("".join(str(int(_HAN_DIGITS[c])) for c in text))
    return _mixed_han(text)


def _mixed_han(text: str) -> float:
    """Return what digits and Chinese scales say together: 2亿5000万, 三千二百."""
    total, section, number = 0.0, 0.0, 0.0
    for piece in regex.findall(r"\d+(?:\.\d+)?|\D", text):
        if piece in _HAN_DIGITS:
            number = _HAN_DIGITS[piece]
        elif piece in _HAN_SCALES:
            scale = _HAN_SCALES[piece]
            if scale >= 1e4:
                total, section = total + (section + number or 1) * scale, 0.0
            else:
                section += (number or 1) * scale
            number = 0.0
        elif piece[0].isdigit():
            number = float(piece)
    return total + section + number
