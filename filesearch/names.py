"""Names: does a passage hold the names of a sentence?

sentence -> names; passage -> PassageNames, which knows a name again in another form: an acronym,
the adjective of a country, a last name alone. Used by `support`. Pure rules for English and
Chinese, linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from filesearch.number_words import vocabulary_of
from filesearch.patterns import lazy_pattern
from filesearch.terms import extract_terms
from filesearch.wording import (
    FUNCTION_WORDS,
    HAN,
    Name,
    Word,
    entities_of,
    has_han,
    is_function_word,
    words_of,
)

# Words of a name that may be left out or added: "Dr. Smith", "the Nixon government".
_LIGHT_IN_NAMES = frozenset(
    """of the de la von van di da du and mr mrs ms dr prof st sir inc ltd corp co llc plc company
    corporation government administration monday tuesday wednesday thursday friday saturday sunday
    bc ad bce ce herr herrn frau monsieur madame mme señor señora signor signora""".split()
)
# A demonym is its country's name, its last letter maybe left out, with one of these.
_DEMONYM_ENDINGS = frozenset("n an ian ean ese ish i ic s is ns ans ians eans er ers al".split())
_SAME_NAME = [
    frozenset(group.split())
    for group in (
        "france french/netherlands dutch holland/spain spanish spaniard/greece greek greeks/"
        "britain british uk/england english/denmark danish/poland polish/sweden swedish/"
        "finland finnish/wales welsh/ireland irish/switzerland swiss/turkey turkish/"
        "us usa america american americans/portugal portuguese/norway norwegian/germany german/"
        "europe european eu/scotland scottish/philippines filipino/thailand thai"
    ).split("/")
]
# Longer quoted phrases are speech.
_MAX_NAME_WORDS = 6
_TRANSLITERATION = lazy_pattern(rf"[{HAN}]{{1,8}}(?:[·・•‧．][{HAN}]{{1,8}})+")
LATIN_WORD = lazy_pattern(r"(?<![\p{Latin}\d])\p{Latin}[\p{Latin}\d'’.&+-]*[\p{Latin}\d]")
_QUOTES = "\"'“”‘’「」『』《》`"


def names_in(sentence: str, language: str = "en") -> list[Name]:
    """Return the names of `sentence` in reading order.

    They are those of `wording` that are no periods; also Latin words in a Chinese sentence, and
    Chinese transliterations with a middle dot. Of German, which writes every noun with a capital,
    only those of two words or more and those whose letters show it: "Petra Vogt", "SQLite".

    Args:
        language: As `language_of` names it.
    """
    found = entities_of(sentence)
    if language not in ("en", "zh"):
        found = [part for name in found for part in _without_grammar(name, language)]
    names = [
        name
        for name in found
        if not _is_common(name.text) and len(name.text.split()) <= _MAX_NAME_WORDS
    ]
    if has_han(sentence):
        taken = [range(name.start, name.end) for name in names]
        for pattern in (LATIN_WORD, _TRANSLITERATION):
            for match in pattern.finditer(sentence):
                if not any(match.start() in span for span in taken):
                    names.append(Name(match.group(), *match.span()))
    return sorted(names, key=lambda name: name.start)


def _without_grammar(name: Name, language: str) -> Iterator[Name]:
    """Yield what is left of a name when capitals say little of its words.

    `wording` takes "Die Miete" and "Hay 28" for names: it knows English articles and verbs only.
    """
    if name.text[0] in _QUOTES:
        yield name
        return
    run: list[Word] = []
    vocabulary = vocabulary_of(language)
    periods = vocabulary.weekdays.keys() | vocabulary.months.keys()
    for word in [*words_of(name.text), None]:
        is_light = word is None or is_function_word(word.lower, language) or word.text.isdigit()
        is_light = is_light or (word is not None and word.lower in periods)
        if word is not None and not is_light and (language != "de" or word.text[0].isupper()):
            run.append(word)
        elif is_light or language == "de":
            if run and (language != "de" or len(run) > 1 or run[0].has_shape):
                start, end = run[0].start, run[-1].end
                yield Name(name.text[start:end], name.start + start, name.start + end)
            run = []


def _is_common(name: str) -> bool:
    words = [word.lower for word in words_of(name) if word.kind == "word"]
    return bool(words) and all(word in _LIGHT_IN_NAMES or word in FUNCTION_WORDS for word in words)


# Common surnames that are seldom a word of their own, and what stands around a name.
_SURNAMES = (
    "王李张張刘劉陈陳杨楊赵趙吴吳徐孙孫胡朱郭罗羅梁宋郑鄭谢謝韩韓唐冯馮董萧蕭程曹袁邓鄧许許傅沈彭吕呂苏蘇卢盧"
    "蒋蔣蔡贾賈魏薛叶葉阎閻潘杜戴夏钟鐘汪田范姚谭譚廖邹鄒熊陆陸郝孔崔邱秦顾顧侯邵孟龙龍钱錢汤湯尹黎贺賀龚龔周黄黃林"
)
_PERSON = lazy_pattern(
    rf"(?<=[是由叫为為，、。；：和与與及给給向]|经理|經理|厂长|廠長|[长長任员員师師授记記席裁监監人]|^)"
    rf"([{_SURNAMES}][{HAN}]{{1,2}}?)"
    r"(?=$|[\s，。、；：！（）()]|[于於在的和与與及也是将將说說曾已任]|先生|女士|[担擔出接就]任|[创創]|主[持管编編导導]|[负負][责責]|[领領签簽设設发發提宣接]|\d)"
)


def has_other_person(sentence: str, quote: str, passage: str) -> bool:
    """Return whether a Chinese sentence has a person whom the passage lacks, its quote another."""
    if not has_han(sentence):
        return False
    strange = [name for name in _PERSON.findall(sentence) if name not in passage]
    return bool(strange) and any(name not in sentence for name in _PERSON.findall(quote))


class PassageNames:
    """The names of a passage, or rather all that it takes to look names up in it."""

    def __init__(self, passage: str) -> None:
        self._text = passage
        self._squashed = "".join(passage.split()).casefold()
        self._terms = frozenset(extract_terms(passage))
        self._words = [word for word in words_of(passage) if word.kind == "word"]
        self._lower = frozenset(bare_word(word.lower) for word in self._words)
        self._capitals = frozenset(
            bare_word(word.lower) for word in self._words if word.text[0].isupper()
        )
        self._initials = "".join(w.lower[0] for w in self._words if w.lower not in FUNCTION_WORDS)

    def hold(self, name: str) -> bool:
        """Return whether `name` is held, maybe in another form.

        An acronym, an adjective of a country and the last name of a person will do.
        """
        bare = "".join(name.split()).strip(_QUOTES).casefold()
        if bare in self._squashed:
            return True
        if has_han(name):
            return self._has_han(name)
        words = [w for w in words_of(name.strip(_QUOTES)) if w.kind == "word"]
        if any(len(w.text) > 2 and w.text.isupper() and w.lower in self._initials for w in words):
            # CFO of "chief financial officer".
            return True
        parts = [
            bare_word(w.lower)
            for w in words
            if w.lower not in _LIGHT_IN_NAMES
            and w.lower not in FUNCTION_WORDS
            and not w.lower[0].isdigit()
        ]
        absent = [part for part in parts if not self._has_word(part)]
        if not absent:
            return True
        acronym = "".join(part[0] for part in parts)
        if len(parts) > 1 and (acronym in self._lower or acronym in self._terms):
            return True
        if len(parts) > 1 and len(absent) < len(parts):
            return all(self._may_be_dropped(part, parts) for part in absent)
        return False

    def _has_word(self, word: str) -> bool:
        if word in self._lower or any(term in self._terms for term in extract_terms(word)[:1]):
            return True
        return any(is_same_name(word, other) for other in self._capitals)

    def _may_be_dropped(self, absent: str, parts: Sequence[str]) -> bool:
        """Whether a neighbour of an absent word stands in the passage without another in its place.

        "Richard Nixon" is held where Nixon alone stands, not where only Pat Nixon does.
        """
        position = parts.index(absent)
        for step, other in ((1, position + 1), (-1, position - 1)):
            if not 0 <= other < len(parts) or not self._has_word(parts[other]):
                continue
            for i, word in enumerate(self._words):
                if bare_word(word.lower) != parts[other]:
                    continue
                slot = i - step
                beside = self._words[slot] if 0 <= slot < len(self._words) else None
                while beside is not None and beside.lower in ("of", "the"):
                    slot -= step
                    beside = self._words[slot] if 0 <= slot < len(self._words) else None
                if beside is None or not beside.text[0].isupper() or beside.lower in FUNCTION_WORDS:
                    return True
                if self._text[min(beside.end, word.end) : max(beside.start, word.start)].strip():
                    return True
        return False

    def _has_han(self, name: str) -> bool:
        """A transliteration is cut loosely from its sentence, so its inner parts must do."""
        if _TRANSLITERATION.fullmatch(name):
            parts = regex.split("[·・•‧．]", name)
            cut = [parts[0][-2:], *parts[1:-1], parts[-1][:2]]
            return all(part in self._squashed for part in cut)
        bare = "".join(name.split()).strip(_QUOTES)
        pairs = [bare[i : i + 2] for i in range(len(bare) - 1)] or [bare]
        return sum(pair.casefold() in self._squashed for pair in pairs) >= 0.7 * len(pairs)


def bare_word(word: str) -> str:
    """Return a case-folded word without possessive and full stops."""
    return word.removesuffix("'s").replace("’", "'").replace(".", "")


def is_same_name(a: str, b: str) -> bool:
    """Return whether two words, case folded, are one name or a country and its adjective."""
    if a == b or any(a in group and b in group for group in _SAME_NAME):
        return True
    short, long = sorted((a, b), key=len)
    if len(short) < 4:
        return False
    return any(
        long.startswith(base) and long[len(base) :] in _DEMONYM_ENDINGS
        for base in (short, short[:-1])
        if len(base) >= 4
    )
