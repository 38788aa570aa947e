"""Wording: which parts of a question are names, quotes, content words.

question -> Word[], Name[], salient terms. What the planner's steps (rewrite, conversation,
decompose) agree on. Pure rules for English and Chinese: closed classes of words and the shape of
the others, no dictionary of content words and no model. Every pattern is bounded: linear time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

from filesearch.patterns import lazy_pattern
from filesearch.stop_words import is_stop_word

_CACHED_TEXTS = 256

# Closed classes of English: articles, pronouns, auxiliaries, prepositions, conjunctions, question
# words, degree words. They carry grammar, not topic.
FUNCTION_WORDS = frozenset(
    """a about above across after again against ago all almost along already also although always
    am among amongst an and another any anybody anyone anything are aren't around as at away be
    because been before behind being below beneath beside besides between beyond both but by
    can can't cannot could couldn't despite did didn't do does doesn't doing don't down during
    each either else enough even ever every everybody everyone everything except few for former
    from further had hadn't has hasn't have haven't having he he's hence her here hers herself
    him himself his how however i i'd i'll i'm i've if in inside instead into is isn't it it's
    its itself just last latter least less like likewise many may maybe me might mine more
    moreover most much must my myself near neither never next no nobody none nor not nothing
    now of off often on once one ones only onto or other others otherwise ought our ours
    ourselves out outside over own per perhaps quite rather same shall she she's should
    shouldn't since so some somebody someone something sometimes somewhere soon still such than
    that that's the their theirs them themselves then there there's therefore these they
    they're this those though through throughout thus till to together too toward towards under
    unless unlike until up upon us usually versus very via vs was wasn't we we're were weren't
    what what's whatever when whenever where where's whereas wherever whether which whichever
    while who who's whoever whole whom whose why will with within without won't would wouldn't
    yes yet you you're your yours yourself""".split()
)
# What people say to a machine rather than about their topic; never carried from turn to turn.
LIGHT_WORDS = frozenset(
    """able according ah amazing answer answers anyway apologies apology ask asked asking believe
    best better bit care chance clarify clear come compare compared consider couple curious
    define definition describe detail details difference differences different discuss don't
    exactly example examples explain fact find fine get getting give given gives go goes going
    good got great guess happen happened happens hear heard hello help hey hi hope idea info
    inform information interested kind kindly kinds know known let list look looking lot lots
    make makes making mean meaning means meant mention mentioned name need needed needs new
    nice oh ok okay opinion please pls plz possible possibly provide question questions real
    really regarding remember right said saying see seem seems sentence share show sorry sort
    speaking specific start summarise summarize suppose sure take taken talk talking tell thank
    thanks thing things think thought topic true try trying type types u understand use used
    using want wanted wants way ways welcome well wish wonder wondering worry wow""".split()
)
EMPTY_WORDS = FUNCTION_WORDS | LIGHT_WORDS
# A capital says nothing of a verb that opens a request.
REQUEST_VERBS = frozenset(
    """according assume assuming based calculate compare compute contrast define describe discuss
    explain find give identify list name outline provide show summarise summarize suppose tell
    using""".split()
)
_PERIOD_WORDS = frozenset(
    """apr april aug august cy dec december feb february friday fy h1 h2 jan january jul july jun
    june mar march may monday nov november oct october q1 q2 q3 q4 saturday sep sept september
    sunday thursday tuesday wednesday""".split()
)
# Lower-case words that may stand inside a name: University of Oslo, Escape from the Dark.
_INNER_WORDS = frozenset(
    "of from the de da do dos del della der den di du la le van von bin al".split()
)
_MAX_INNER_WORDS = 2
# Capital or not, these stand in no name but begin what is asked: "and What Is a Lease?"
_NEVER_IN_NAMES = frozenset(
    """i i'm i'd i'll i've is are was were am do does did has have had can could will would should
    what who whom whose which when where why how""".split()
)
_SMALL_IN_TITLES = frozenset(
    "a an and as at but by for from in into nor of on or per the to via vs with".split()
)
# "Small Claims Court" as a whole turn names something.
_MAX_HEADING_WORDS = 8
_TITLES = frozenset("dr mr mrs ms st prof gen lt col capt sen rep rev gov".split())

HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
QUOTED = (
    r"\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|「[^」\n]{1,200}」|『[^』\n]{1,200}』"
    r"|《[^》\n]{1,200}》|`[^`\n]{1,200}`|(?<!\w)['‘][^'’\n]{1,200}['’](?!\w)"
)
_WORD = lazy_pattern(
    rf"(?P<quoted>{QUOTED})|(?P<han>[{HAN}]+)"
    rf"|(?P<word>(?:(?![{HAN}])[\p{{L}}\p{{M}}\p{{N}}_])+"
    rf"(?:(?:\.|['’&@/+#-]{{1,2}})(?:(?![{HAN}])[\p{{L}}\p{{M}}\p{{N}}_])+)*[+#]{{0,2}})"
    r"|(?P<mark>\S)"
)

# Pieces of patterns: question words and auxiliaries.
ASKING = r"(?:who|whom|whose|what|when|where|which|why|how)"
AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
)
_IS_QUESTION = lazy_pattern(rf"[?？]\W*$|^\W*(?:{ASKING}|{AUXILIARY})\b", regex.IGNORECASE)
_HAN = lazy_pattern(rf"[{HAN}]")
_INITIALS = lazy_pattern(r"(?:\p{Lu}\.)*\p{Lu}")
_PERIOD = lazy_pattern(r"(?:FY|CY|Q|H)?['’]?\d[\d\-–/Qq]*s?|\d+(?:st|nd|rd|th)?")
_SHAPE = lazy_pattern(r"[^_]*_|\p{L}\S*\d|\S*\p{Ll}\p{Lu}")
_POSSESSIVE = lazy_pattern(r"['’][sS]?$")
# What Chinese asks and joins with; what is left between carries the topic.
CHINESE_FUNCTION = lazy_pattern(
    r"什[么麼]|甚[么麼]|多少|多久|多[重长長大高远遠]|哪[些个個里裡裏儿年一]?|怎[么麼样樣]*|[为為]何|如何|是否|能否|有[没沒]有"
    r"|[谁誰]|[吗嗎呢吧啊]|[请請][问問]|[这這那][个個些里裡样樣种種位家]?|[它他她][们們]?|我[们們]?|你[们們]?|您"
    r"|[几幾](?=[个個年月天次位种種名岁歲])|(?<!目)的(?![士确確])|了(?!解)|是"
    r"|(?<![存现現所正实實])在(?![职職线線校籍])|(?<![共总總饱飽温溫])和(?![平谐諧睦解气氣])"
    r"|(?<![参參给給赋賦])[与與]|或者?|以及|[还還]有|以前|以[后後]|可以|需要|[关關]于|[对對]于"
    r"|因[为為]|所以|如果|但是|然[后後]|[应應][该該]"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word, quoted phrase, run of Han or single mark of a text.

    Attributes:
        text: `source[start:end]`; of a quoted phrase the quotation marks too.
        lower: Case folded, typographic apostrophes made plain.
        is_content: Whether it says what the text is about.
        has_shape: Whether it is a name or identifier by its letters alone: iPhone, foo_bar, A320.
    """

    text: str
    start: int
    end: int
    kind: Literal["word", "quoted", "han", "mark"]
    lower: str
    is_content: bool
    has_shape: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A proper name, identifier or quoted phrase, `source[start:end]`."""

    text: str
    start: int
    end: int

    @property
    def is_entity(self) -> bool:
        """False for years, quarters, months and bare numbers, which are no thing to look up."""
        return any(
            len(part) > 1
            and part.casefold() not in _PERIOD_WORDS
            and not _PERIOD.fullmatch(part)
            and part.casefold() not in _INNER_WORDS
            for part in self.text.split()
        )


@lru_cache(maxsize=_CACHED_TEXTS)
def words_of(text: str) -> tuple[Word, ...]:
    """Return the words and marks of `text` in reading order; none for blank text."""
    return tuple(_word(found) for found in _WORD.finditer(text))


def _word(found: regex.Match[str]) -> Word:
    text = found.group()
    lower = text.casefold().replace("’", "'")
    kind = found.lastgroup
    is_content = kind == "quoted"
    if kind == "word":
        is_acronym = len(text) > 1 and text.isupper()
        is_content = is_acronym or (lower not in EMPTY_WORDS and (len(text) > 1 or text.isdigit()))
    has_shape = kind == "word" and _SHAPE.match(text) is not None
    return Word(text, found.start(), found.end(), kind, lower, is_content, has_shape)  # type: ignore[arg-type]


@lru_cache(maxsize=_CACHED_TEXTS)
def names_of(text: str) -> tuple[Name, ...]:
    """Return the proper names, identifiers and quoted phrases of `text` in reading order.

    A name is a run of capitalised words, "of" and the like between them allowed. A first word
    counts only where a further one or its own shape (iPhone, COVID-19) shows that it is a name.
    Where only words that titles write small are small (titles, shouting), capitals tell nothing:
    then only quoted phrases and identifiers count, or the whole when it is but a few words.
    """
    words = words_of(text)
    tells = _capitals_tell(words)
    names: list[Name] = []
    i = 0
    while i < len(words):
        word = words[i]
        opens_sentence = i == 0 or words[i - 1].text in (".", "?", "!")
        last = i
        if word.kind == "quoted":
            names.append(Name(word.text, word.start, word.end))
        elif word.has_shape or (tells and _is_capital(word, opens_sentence=opens_sentence)):
            last = _end_of_name(words, i, tells)
            if last > i or not opens_sentence or word.has_shape:
                end = words[last].end
                names.append(Name(_POSSESSIVE.sub("", text[word.start : end]), word.start, end))
        i = last + 1
    return tuple(names)


def entities_of(text: str) -> list[Name]:
    """Return the names of `text` that are things to look up, not periods."""
    return [name for name in names_of(text) if name.is_entity]


def _capitals_tell(words: Sequence[Word]) -> bool:
    plain = [word for word in words if word.kind == "word"]
    if any(w.text[0].islower() and w.lower not in _SMALL_IN_TITLES for w in plain):
        return True
    return len(plain) <= _MAX_HEADING_WORDS and not any(
        w.lower in FUNCTION_WORDS and w.lower not in _SMALL_IN_TITLES for w in plain
    )


def _is_capital(word: Word, *, opens_sentence: bool) -> bool:
    """Whether a capital says that the word is a name, or part of a title such as Pick Me Up."""
    if word.kind != "word" or not word.text[0].isupper() or word.lower in _NEVER_IN_NAMES:
        return False
    if word.lower in FUNCTION_WORDS or word.lower in REQUEST_VERBS:
        return not opens_sentence or (len(word.text) > 1 and word.text.isupper())
    return True


def _end_of_name(words: Sequence[Word], start: int, tells: bool) -> int:
    """Return the position of the last word of the name that starts at `start`."""
    last = i = start
    while i + 1 < len(words):
        following = words[i + 1]
        if following.text == "." and i == last and _is_abbreviation(words[i]):
            i += 1
            continue
        if (
            (tells and _is_capital(following, opens_sentence=False))
            or following.has_shape
            or (following.kind == "word" and following.text.isdigit() and i == last)
        ):
            last = i = i + 1
        elif following.lower in _INNER_WORDS and i - last < _MAX_INNER_WORDS:
            i += 1
        else:
            break
    return last


def _is_abbreviation(word: Word) -> bool:
    return bool(_INITIALS.fullmatch(word.text)) or word.lower in _TITLES


def has_han(text: str) -> bool:
    """Whether a Chinese character is in `text`."""
    return _HAN.search(text) is not None


def is_question(text: str) -> bool:
    """Whether `text` ends with a question mark or opens as an English question does."""
    return _IS_QUESTION.search(text) is not None


def is_function_word(lower: str, language: str) -> bool:
    """Return whether a word of a text in `language` carries grammar, not topic."""
    if language in ("en", "zh", ""):
        return lower in FUNCTION_WORDS
    return is_stop_word(lower, language)


def content_words(text: str) -> list[str]:
    """Return the words, quoted phrases and stretches of Han that say what `text` is about."""
    found: list[str] = []
    for word in words_of(text):
        if word.kind == "han":
            found += [part for part in CHINESE_FUNCTION.split(word.text) if len(part) > 1]
        elif word.is_content:
            found.append(word.text)
    return found


def salient_terms(text: str) -> list[str]:
    """Return what `text` is about, most telling first: its names, then its other content words."""
    names = names_of(text)
    inside = [range(name.start, name.end) for name in names]
    rest = [
        word.text
        for word in words_of(text)
        if word.kind == "word" and word.is_content and not any(word.start in r for r in inside)
    ]
    han = [part for part in content_words(text) if _HAN.match(part)]
    return list(dict.fromkeys([*(name.text for name in names), *rest, *han]))


def must_survive(text: str) -> list[str]:
    """Return the parts of `text` that no rewriting may lose: quotes, identifiers, numbers."""
    return [
        word.text
        for word in words_of(text)
        if word.kind == "quoted" or any(c.isdigit() for c in word.text) or word.has_shape
    ]
