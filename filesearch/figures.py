"""Figures: which numbers a text holds, whatever their spelling.

text -> Figure[]. Used by `support` to see whether a passage holds the numbers of a sentence:

    1,250  1250  one thousand two hundred and fifty    one value
    $3.2 million  US$3,200,000                         one amount of money
    30%  thirty per cent  百分之三十  三成               one share
    14 days  two weeks  两周                            one duration
    10 December 1968  1968-12-10  1968年12月10日         year, month and day, three figures

Pure rules for Chinese and the languages of `number_words`, linear time. A sign is not read: "fell
by 5%" is -5%.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

import regex

from filesearch.figure_patterns import HAN_DAYS, figure_pattern
from filesearch.number_words import Vocabulary, vocabulary_of
from filesearch.patterns import lazy_pattern
from filesearch.stop_words import language_of

_SCALES = {"k": 1e3, "mn": 1e6, "m": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
_HAN_DIGITS = {c: float(i) for i, c in enumerate("零一二三四五六七八九")}
_HAN_DIGITS |= {"〇": 0.0, "两": 2.0, "兩": 2.0}
_HAN_SCALES = {"十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8}
_SIGNS = {"$": "usd", "usd": "usd", "€": "eur", "eur": "eur", "£": "gbp", "¥": "cny", "￥": "cny",
          "rmb": "cny", "cny": "cny"}  # fmt: skip
_MONEY = frozenset(_SIGNS.values())
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
# What is longer nobody reads as a number, and a float may not hold it.
_MAX_CHARS = 120


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
        is_ordinal: "first", "3rd".
        otherwise: The same read in the other convention: 1.850 may be 1850 or 1.85.
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
    otherwise: Figure | None = None
    is_ordinal: bool = False

    @property
    def kind(self) -> str:
        """Figures of one kind can be taken for each other; all moneys are one kind."""
        return "money" if self.unit in _MONEY else self.unit

    def is_same(self, other: Figure) -> bool:
        """Whether `other`, of a passage, says this number, or one that this rounds."""
        if self.otherwise and self.otherwise.is_same(other):
            return True
        if other.otherwise and self.is_same(other.otherwise):
            return True
        if _unlike(self, other):
            return False
        if self.unit == "weekday":
            return int(self.value) | int(other.value) == int(other.value)
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
    # A bare number may be a year or an amount; the name of a month or day is no bare number.
    if "date" in (a.unit, b.unit):
        return bool(a.unit and b.unit)
    bare = ("", "calendar")
    if "month name" in (a.unit, b.unit) or "weekday" in (a.unit, b.unit):
        return True
    return a.unit not in bare and b.unit not in bare


def figures_of(text: str, *, language: str = "") -> list[Figure]:
    """Return the numbers of `text` in reading order; none for text without.

    Args:
        language: As `language_of` names it; empty to tell it from the text.
    """
    language = language or language_of(text)
    words = vocabulary_of(language)
    return [
        replace(figure, past=max(figure.end, found.end("unit")))
        for found in figure_pattern(language).finditer(_with_plain_digits(text))
        if found.end() - found.start() <= _MAX_CHARS
        for figure in _read(text, found, words)
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


def _read(text: str, found: regex.Match[str], words: Vocabulary) -> Iterator[Figure]:
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
        value = float(words.months[groups["month"].lower()])
        yield Figure(written, start, end, value, "month name")
    elif "day" in groups or "han_day" in groups:
        # "Sat" and "So" are other words as well; "Sat-Sun" is not.
        is_weak = groups.get("day", "").lower() in words.short_weekdays and "day_to" not in groups
        yield Figure(written, start, end, _days(groups, words), "weekday", is_weak=is_weak)
    elif "number" in groups:
        yield _number(text, found, groups, words)
    elif "ordinal_word" in groups:
        value = float(words.ordinals[groups["ordinal_word"].lower()])
        yield Figure(written, start, end, value, is_weak=value < 3, is_ordinal=True)
    elif "words" in groups:
        value = words.value_of(groups["words"])
        unit, factor = _unit(groups, words)
        # Elsewhere "one" is an article too.
        weak = (value < 2 and (not unit or words.has_decimal_comma)) or (
            value <= 3 and _SUMS_UP.search(text, 0, start) is not None
        )
        yield Figure(written, start, end, value, unit, factor, is_weak=weak, mantissa=value)
    else:
        yield from _han(text, found, groups, words)


def _part_of_fraction(word: str) -> float:
    named = {**vocabulary_of("en").numbers, "a": 1, "third": 3, "quarter": 4, "fifth": 5}
    return float(named[word.lower()]) if word.isascii() else _han_value(word)


def _days(groups: dict[str, str], words: Vocabulary) -> float:
    """Return the days of a week from the first to the last one named, a bit for each."""
    if "han_day" in groups:
        names = [groups["han_day"], groups.get("han_day_to", groups["han_day"])]
        first, last = (HAN_DAYS.index(name.replace("天", "日")) for name in names)
    else:
        names = [groups["day"], groups.get("day_to", groups["day"])]
        known = words.weekdays | words.short_weekdays
        first, last = (
            next(n - 1 for day, n in known.items() if name.lower().startswith(day))
            for name in names
        )
    return float(sum(1 << (first + i) % 7 for i in range((last - first) % 7 + 1)))


def _number(
    text: str, found: regex.Match[str], groups: dict[str, str], words: Vocabulary
) -> Figure:
    """Return a number in digits, with its other reading where it has one."""
    figure, *others = (
        _decimal(text, found, groups, words, digits)
        for digits in _plain_numbers(groups["number"], words)
    )
    otherwise = others[0] if others else None
    return replace(figure, otherwise=otherwise, is_ordinal="ordinal" in groups)


def _plain_numbers(written: str, words: Vocabulary) -> list[str]:
    """Return a number as Python writes it; twice where its point or comma may group or not."""
    bare = regex.sub(r"[\s'’]", "", written)
    marks = regex.findall(r"[.,]", bare)
    grouped, decimal = regex.sub("[.,]", "", bare), bare.replace(",", ".")
    if len(set(marks)) == 2:
        return [bare.replace(marks[0], "").replace(",", ".")]
    if len(marks) > 1:
        return [grouped]
    is_grouped = regex.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", bare) is not None
    if not words.has_decimal_comma:
        return [grouped if "," in marks and is_grouped else decimal]
    if not is_grouped:
        return [decimal]
    return [grouped, decimal] if "." in marks else [decimal, grouped]


def _decimal(
    text: str, found: regex.Match[str], groups: dict[str, str], words: Vocabulary, digits: str
) -> Figure:
    start, end = found.span()
    if "sign" not in groups:
        start = found.start("number")
    mantissa, scale = float(digits), 1.0
    unit, factor = _unit(groups, words)
    word = groups.get("scale", "").lower()
    if word in ("m", "b") and "sign" not in groups:
        # "3 m" is three metres.
        unit, factor = ("metre", 1.0) if word == "m" else ("", 1.0)
    elif word:
        scale = words.large.get(word) or _SCALES[word]
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


def _unit(groups: dict[str, str], words: Vocabulary) -> tuple[str, float]:
    if "percent" in groups:
        return "%", 1.0
    return words.units[groups["unit"].lower()] if "unit" in groups else ("", 1.0)


def _han(
    text: str, found: regex.Match[str], groups: dict[str, str], words: Vocabulary
) -> Iterator[Figure]:
    """A numeral of one character is a word or part of one, unless it counts something."""
    han, after = groups["han"], groups.get("han_after", "")
    is_ordinal = text[max(0, found.start() - 1) : found.start()] == "第"
    counts = bool(after) or "unit" in groups or is_ordinal
    if not counts and (len(han) < 2 or not any(c in _HAN_DIGITS for c in han)):
        return
    value = _han_value(han)
    unit, factor = _unit(groups, words)
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
