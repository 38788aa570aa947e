"""Number words: how a language writes numbers, months, weekdays and units in words.

language -> Vocabulary. Used by `figures`. English and four languages that write 1.850,50 for
1,850.50; Chinese has its own rules there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import TypeAlias

import regex

Units: TypeAlias = dict[str, tuple[str, float]]


@dataclass(frozen=True)
class Vocabulary:
    """The words of a language that say numbers, in lower case.

    Attributes:
        numbers: Words that add up: "seven", "forty", "vierzig", "quatre-vingt".
        scales: Words that multiply what stands before them: "hundred", "mille".
        large: Those of them that stand after digits too: "million", "Mio".
        joint: Between number words, says nothing: "and", "und", "et".
        ordinals: "third" -> 3; without what German bends them with.
        months, weekdays: Of each word its number; January and Monday are 1.
        short_weekdays: The same of abbreviations, which alone are days with a capital only.
        units: Unit as written -> its family and how many of the family's base it is.
        is_compound: Whether a number is one word: "zweihundertvierzig".
        has_decimal_comma: Whether 3,5 is three and a half.
    """

    numbers: Mapping[str, float]
    scales: Mapping[str, float]
    large: Mapping[str, float]
    joint: str
    ordinals: Mapping[str, float]
    months: Mapping[str, int]
    weekdays: dict[str, int]
    short_weekdays: dict[str, int]
    units: Units
    is_compound: bool = False
    has_decimal_comma: bool = True

    @cached_property
    def number_pattern(self) -> str:
        """Matches a number in words from its first letter to its last."""
        word = alternatives([*self.numbers, *self.scales])
        large = rf"(?:[\s-]{alternatives(self.large)})?"
        if self.is_compound:
            return rf"{word}(?:(?:{self.joint})?{word})*{large}"
        return rf"{word}(?:(?:[\s-]|[\s-]{self.joint}[\s-]){word})*{large}"

    def value_of(self, written: str) -> float:
        """Return what number words say: "two hundred and five" is 205."""
        total, part = 0.0, 0.0
        for word in self._pieces.findall(written.lower()):
            scale = self.scales.get(word) or self.large.get(word)
            part = (part or 1) * scale if scale else part + self.numbers[word]
            if scale and scale >= 1e3:
                total, part = total + part, 0.0
        return total + part

    @cached_property
    def _pieces(self) -> regex.Pattern[str]:
        return regex.compile(alternatives([*self.numbers, *self.scales, *self.large]))


def alternatives(words: Iterable[str]) -> str:
    """Return a pattern of any of some words, the longest first."""
    return "(?:" + "|".join(sorted(map(regex.escape, words), key=len, reverse=True)) + ")"


def _counted(text: str, start: int = 1, step: int = 1) -> dict[str, int]:
    """Return words with numbers that go up by `step`; a bar parts words of one number."""
    numbers = zip(text.split(), count(start, step), strict=False)
    return {word: number for words, number in numbers for word in words.split("|")}


def _scaled(text: str) -> dict[str, float]:
    pairs = (entry.split("=") for entry in text.split())
    return {word: float(value) for words, value in pairs for word in words.split("|")}


def _measures(families: Mapping[str, Mapping[str, float]]) -> Units:
    return {
        spelling: (family, float(factor))
        for family, names in families.items()
        for spellings, factor in names.items()
        for spelling in spellings.split()
    }


SYMBOLS = _measures({
    "second": {"min": 60, "h 小时 小時": 3600, "秒": 1, "分钟 分鐘": 60, "天": 86_400,
               "周 週 星期": 604_800},
    "month": {"个月 個月": 1, "年": 12},
    "metre": {"mm 毫米": 1e-3, "cm 厘米 公分": 1e-2, "m 米 公尺": 1, "km 公里 千米": 1e3},
    "gram": {"mg 毫克": 1e-3, "g 克": 1, "kg 公斤 千克": 1e3, "吨 噸": 1e6},
    "byte": {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
    "mile": {"英里": 1}, "foot": {"ft 英尺": 1}, "inch": {"英寸": 1},
    "litre": {"ml 毫升": 1e-3, "l 升": 1},
    "usd": {"usd 美元 美金 $": 1}, "eur": {"eur 欧元 歐元 €": 1}, "gbp": {"gbp 英镑 英鎊 £": 1},
    "cny": {"rmb cny 元 人民币": 1},
})  # fmt: skip
"""Units that are the same in every language, and the Chinese ones."""


def _english() -> Vocabulary:
    ones = _counted(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen", 0,
    )  # fmt: skip
    tens = _counted("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
    large = _scaled("thousand=1e3 million=1e6 billion=1e9 trillion=1e12")
    return Vocabulary(
        numbers=ones | tens,
        scales=_scaled("hundred=1e2 thousand=1e3 million=1e6 billion=1e9 dozen=12"),
        large=large,
        joint="and",
        ordinals=_counted(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        months=_counted(
            "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug "
            "september|sep|sept october|oct november|nov december|dec"
        ),
        weekdays=_counted("monday tuesday wednesday thursday friday saturday sunday"),
        short_weekdays=_counted("mon tue|tues wed thu|thur|thurs fri sat sun"),
        units=SYMBOLS
        | _measures({
            "second": {"second sec": 1, "minute min": 60, "hour hr": 3600, "day": 86_400,
                       "week": 604_800, "fortnight": 1_209_600},
            "month": {"month": 1, "year yr": 12, "decade": 120, "century": 1200},
            "metre": {"millimetre millimeter": 1e-3, "centimetre centimeter": 1e-2,
                      "metre meter": 1, "kilometre kilometer": 1e3},
            "gram": {"milligram": 1e-3, "gram": 1, "kilogram": 1e3, "tonne": 1e6},
            "mile": {"mile": 1}, "foot": {"foot feet": 1}, "inch": {"inch inches": 1},
            "litre": {"millilitre milliliter": 1e-3, "litre liter": 1},
            "usd": {"dollar": 1}, "eur": {"euro": 1}, "gbp": {"pound": 1}, "cny": {"yuan": 1},
        }),
        has_decimal_comma=False,
    )  # fmt: skip


def _german() -> Vocabulary:
    ones = _counted(
        "null ein|eins|eine|einen|einem|einer zwei drei vier fünf|fuenf sechs sieben acht neun "
        "zehn elf zwölf|zwoelf dreizehn vierzehn fünfzehn|fuenfzehn sechzehn siebzehn achtzehn "
        "neunzehn", 0,
    )  # fmt: skip
    tens = _counted(
        "zwanzig dreißig|dreissig vierzig fünfzig|fuenfzig sechzig siebzig achtzig neunzig", 20, 10
    )
    return Vocabulary(
        numbers=ones | tens,
        scales=_scaled("hundert=1e2 tausend=1e3"),
        large=_scaled("tausend=1e3 million|millionen|mio=1e6 milliarde|milliarden|mrd=1e9"),
        joint="und",
        ordinals=_counted(
            "erst zweit dritt viert fünft sechst siebt|siebent acht neunt zehnt elft zwölft"
        ),
        months=_counted(
            "januar|jänner februar märz april mai juni juli august september oktober november "
            "dezember"
        ),
        weekdays=_counted(
            "montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag"
        ),
        short_weekdays=_counted("mo di mi do fr sa so"),
        units=SYMBOLS
        | _measures({
            "second": {"sekunde sekunden": 1, "minute minuten": 60, "stunde stunden std": 3600,
                       "tag tage tagen": 86_400, "woche wochen": 604_800},
            "month": {"monat monate monaten": 1, "jahr jahre jahren": 12},
            "metre": {"millimeter": 1e-3, "zentimeter": 1e-2, "meter metern": 1,
                      "kilometer kilometern": 1e3},
            "gram": {"milligramm": 1e-3, "gramm": 1, "kilogramm kilo": 1e3, "tonne tonnen": 1e6},
            "litre": {"milliliter": 1e-3, "liter": 1},
            "usd": {"dollar": 1}, "eur": {"euro": 1}, "gbp": {"pfund": 1},
        }),
        is_compound=True,
    )  # fmt: skip


def _french() -> Vocabulary:
    ones = _counted(
        "zéro un|une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze "
        "quinze seize", 0,
    )  # fmt: skip
    tens = _counted("vingt trente quarante cinquante soixante|septante", 20, 10)
    tens |= {"septante": 70, "quatre-vingt": 80, "quatre-vingts": 80, "nonante": 90}
    return Vocabulary(
        numbers=ones | tens,
        scales=_scaled("cent|cents=1e2 mille=1e3"),
        large=_scaled("million|millions=1e6 milliard|milliards=1e9"),
        joint="et",
        ordinals=_counted(
            "premier|première deuxième|second|seconde troisième quatrième cinquième sixième "
            "septième huitième neuvième dixième onzième douzième"
        ),
        months=_counted(
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
        ),
        weekdays=_counted("lundi mardi mercredi jeudi vendredi samedi dimanche"),
        short_weekdays=_counted("lun mar mer jeu ven sam dim"),
        units=SYMBOLS
        | _measures({
            "second": {"seconde": 1, "minute": 60, "heure": 3600, "jour": 86_400,
                       "semaine": 604_800},
            "month": {"mois": 1, "an année": 12},
            "metre": {"millimètre": 1e-3, "centimètre": 1e-2, "mètre": 1, "kilomètre": 1e3},
            "gram": {"milligramme": 1e-3, "gramme": 1, "kilogramme kilo": 1e3, "tonne": 1e6},
            "litre": {"millilitre": 1e-3, "litre": 1},
            "usd": {"dollar": 1}, "eur": {"euro": 1}, "gbp": {"livre": 1},
        }),
    )  # fmt: skip


def _spanish() -> Vocabulary:
    ones = _counted(
        "cero un|uno|una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce "
        "quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno|veintiún|veintiuna "
        "veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho "
        "veintinueve", 0,
    )  # fmt: skip
    tens = _counted("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10)
    hundreds = _counted(
        "cien|ciento doscientos|doscientas trescientos|trescientas cuatrocientos|cuatrocientas "
        "quinientos|quinientas seiscientos|seiscientas setecientos|setecientas "
        "ochocientos|ochocientas novecientos|novecientas", 100, 100,
    )  # fmt: skip
    return Vocabulary(
        numbers=ones | tens | hundreds,
        scales=_scaled("mil=1e3"),
        large=_scaled("mil=1e3 millón|millon|millones=1e6"),
        joint="y",
        ordinals=_counted(
            "primer|primero|primera segundo|segunda tercer|tercero|tercera cuarta quinto|quinta "
            "sexto|sexta séptimo|séptima octavo|octava noveno|novena décimo|décima"
        ),
        months=_counted(
            "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre "
            "noviembre diciembre"
        ),
        weekdays=_counted("lunes martes miércoles jueves viernes sábado domingo"),
        short_weekdays=_counted("lun mar mié jue vie sáb dom"),
        units=SYMBOLS
        | _measures({
            "second": {"segundo": 1, "minuto": 60, "hora": 3600, "día": 86_400, "semana": 604_800},
            "month": {"mes": 1, "año": 12},
            "metre": {"milímetro": 1e-3, "centímetro": 1e-2, "metro": 1, "kilómetro": 1e3},
            "gram": {"miligramo": 1e-3, "gramo": 1, "kilogramo kilo": 1e3, "tonelada": 1e6},
            "litre": {"mililitro": 1e-3, "litro": 1},
            "usd": {"dólar": 1}, "eur": {"euro": 1}, "gbp": {"libra": 1},
        }),
    )  # fmt: skip


def _italian() -> Vocabulary:
    ones = _counted(
        "zero un|uno|una due tre|tré quattro cinque sei sette otto nove dieci undici dodici "
        "tredici quattordici quindici sedici diciassette diciotto diciannove", 0,
    )  # fmt: skip
    tens = _counted(
        "venti|vent trenta|trent quaranta|quarant cinquanta|cinquant sessanta|sessant "
        "settanta|settant ottanta|ottant novanta|novant", 20, 10,
    )  # fmt: skip
    return Vocabulary(
        numbers=ones | tens,
        scales=_scaled("cento=1e2 mille|mila=1e3"),
        large=_scaled("mila=1e3 milione|milioni=1e6 miliardo|miliardi=1e9"),
        joint="e",
        ordinals=_counted(
            "primo|prima secondo|seconda terzo|terza quarto|quarta quinto|quinta sesto|sesta "
            "settimo|settima ottavo|ottava nono|nona decimo|decima"
        ),
        months=_counted(
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
            "dicembre"
        ),
        weekdays=_counted("lunedì martedì mercoledì giovedì venerdì sabato domenica"),
        short_weekdays=_counted("lun mar mer gio ven sab dom"),
        units=SYMBOLS
        | _measures({
            "second": {"secondo secondi": 1, "minuto minuti": 60, "ora ore": 3600,
                       "giorno giorni": 86_400, "settimana settimane": 604_800},
            "month": {"mese mesi": 1, "anno anni": 12},
            "metre": {"centimetro centimetri": 1e-2, "metro metri": 1,
                      "chilometro chilometri": 1e3},
            "gram": {"milligrammo milligrammi": 1e-3, "grammo grammi": 1,
                     "chilogrammo chilogrammi chilo chili": 1e3},
            "litre": {"millilitro millilitri": 1e-3, "litro litri": 1},
            "usd": {"dollaro dollari": 1}, "eur": {"euro": 1}, "gbp": {"sterlina sterline": 1},
        }),
        is_compound=True,
    )  # fmt: skip


_MAKERS = {"de": _german, "fr": _french, "es": _spanish, "it": _italian}


@lru_cache
def vocabulary_of(language: str) -> Vocabulary:
    """Return the words of a language as `language_of` names it; English for those not known."""
    return _MAKERS.get(language, _english)()
