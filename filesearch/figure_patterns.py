"""Figure patterns: the shapes of numbers, dates, weekdays and shares in a text.

language -> pattern. Used by `figures`, which reads what its groups hold.
"""

from __future__ import annotations

from functools import lru_cache

import regex

from filesearch.number_words import alternatives, vocabulary_of

_HAN_NUMBER = "〇零一二三四五六七八九十百千万萬亿億两兩"
# Words and abbreviations that are months only where a capital or their neighbours say so.
_MAY = (
    r"(?-i:May(?= \d)"
    r"|(?<=\d |\d(?:st|nd|rd|th) |[Ii]n |[Oo]f |[Ss]ince |[Uu]ntil |[Bb]y |[Ll]ate |[Ee]arly )May"
    r"|March|Mar|Sep)"
)
_DOUBTFUL_MONTHS = frozenset(("may", "march", "mar", "sep"))
_PERCENT = (
    r"(?P<percent>\s?[%％]|[\s-]p(?:er|our|or)\s?c(?:ent|iento|ento)\b"
    r"|[\s-]percent(?:age points?)?\b|\s?pct\b|[\s-]?Prozent(?:punkte?n?)?\b)"
)
_GROUPED = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"
# Beyond doubt, whatever the language: 1.275.000 and 1.850,50 and 14,50 €.
_GROUPED_BY_POINTS = (
    r"\d{1,3}(?:\.\d{3}){2,}(?![\d.])(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)"
    r"|\d+,\d{2}(?=\s?(?:€|EUR\b))"
)
_DECIMAL_COMMA = (
    r"\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?|\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:,\d+)?"
    r"|\d{1,3}(?:['’]\d{3})+(?!\d)(?:[.,]\d+)?|\d+[.,]\d+"
)
HAN_DAYS = "一二三四五六日"


@lru_cache
def figure_pattern(language: str) -> regex.Pattern[str]:
    """Return the pattern of the figures of a text in `language`, with a group for each kind."""
    words = vocabulary_of(language)
    months = alternatives(name for name in words.months if name not in _DOUBTFUL_MONTHS)
    unit = alternatives(words.units)
    before_unit = (
        r"(?=[\s-]?(?:calendar |working |business |US |square |de |d['’])?"
        rf"(?P<unit>{unit})(?:e?s)?(?![\p{{Latin}}\d]))"
    )
    ordinal = rf"\b(?P<ordinal_word>{alternatives(words.ordinals)})(?!s)\b"
    if language == "de":
        ordinal = (
            rf"\b(?P<ordinal_word>{alternatives(words.ordinals)})e[rnsm]?"
            r"(?-i:(?=\s(?!Sie\b)\p{Lu}))"
        )
    through = r"\.?\s?(?:[-–—]|to|till?|until|through|thru|bis|au|à|a|al)\s?"
    full_day = rf"{alternatives(words.weekdays)}(?:e?s|abends?|morgens?)?"
    short_day = alternatives(words.short_weekdays)
    last_day = rf"(?:{full_day}|{short_day})"
    # "Sun" is a day and so is "sun-mon"; "sun" alone is none.
    capital_day = rf"(?-i:{alternatives(name.title() for name in words.short_weekdays)})"
    first_day = rf"(?:{full_day}|{capital_day}|{short_day}(?={through}{last_day}\b))"
    return regex.compile(
        "|".join(
            (
                r"(?<!\d)(?P<y>\d{4})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d.])",
                r"(?<![\d.])(?P<d>\d{1,2})\.(?P<mo>\d{1,2})\.(?P<y>\d{4})(?![\d.])",
                rf"(?P<version>(?<![\d.])(?!{_GROUPED_BY_POINTS})\d+(?:\.\d+){{2,}})",
                r"(?<!\d)(?P<h>[01]?\d|2[0-4]):(?P<mi>[0-5]\d)(?![\d:])(?:\s?(?P<half>[ap])\.?m\b)?",
                r"(?<!\d)(?P<h>1?\d)\s?(?P<half>[ap])\.?m\b",
                r"(?<![\d.,])(?P<h>[01]?\d|2[0-4])(?:\.(?P<mi>[0-5]\d))?"
                r"(?=(?:\s?(?:bis|und|-|–)\s?[\d.:]{1,5})?\sUhr\b)",
                r"(?<!\d)(?P<h>[01]?\d|2[0-4])\s?h\s?(?P<mi>[0-5]\d)(?!\d)",
                r"(?P<lower>[二三四五六七八九十])分之(?P<upper>[一二三四五六七八九])",
                r"\b(?P<upper>a|one|two|three)[\s-](?P<lower>third|quarter|fifth)s?\b(?=\s(?:of|the)\b)",
                rf"百分之(?P<hundredths>[\d.]+|[{_HAN_NUMBER}]+)",
                r"(?P<tenths>[一二三四五六七八九])成(?![为為立功员員分本])",
                rf"(?<![一二三四五六七八九十两兩几幾\d])(?:星期|周|週|礼拜|禮拜)(?P<han_day>[{HAN_DAYS}天])"
                rf"(?:[至到—–-]+(?:星期|周|週|礼拜|禮拜)?(?P<han_day_to>[{HAN_DAYS}天]))?(?![次个個])",
                rf"\b(?P<day>{first_day})\b(?:{through}(?P<day_to>{last_day})\b)?",
                r"(?<![\p{Latin}\d.])(?P<sign>(?:US|NT|HK|A|C)?[$€£¥￥]\s?|(?:USD|EUR|RMB|CNY)\s?)?"
                rf"(?P<number>{_GROUPED_BY_POINTS}|"
                rf"{_DECIMAL_COMMA if words.has_decimal_comma else _GROUPED}|\d+(?:\.\d+)?)"
                r"(?:(?P<ordinal>st|nd|rd|th)\b|(?P<decade>['’]?s)\b"
                r"|\s?(?P<han_scale>[十百千万萬亿億]+(?:\d+[十百千万萬]+)*)"
                rf"|[\s-]?(?P<scale>{alternatives(words.large)})\b|\s?(?P<scale>bn|mn|tn|k|m|b)\b)?"
                rf"(?:{_PERCENT}|{before_unit})?",
                rf"\b(?P<words>{words.number_pattern})\b(?:{_PERCENT}|{before_unit})?",
                ordinal,
                rf"\b(?P<month>{months}{'|' + _MAY if 'may' in words.months else ''})\b",
                rf"(?P<han>[{_HAN_NUMBER}]+)(?P<han_after>[月日号號个個名位人次岁歲度世级級层層]?)"
                rf"(?:(?<=[{_HAN_NUMBER}个個])(?=(?P<unit>{unit})))?",
            )
        ),
        regex.IGNORECASE,
    )
