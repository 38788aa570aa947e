"""Decompose: a question that asks about several things -> one query for each.

    Who is older, Sid Haig or Vic Darchinyan?     one for each person, the predicate kept
    What is a VPC? And how much does it cost?     one for each question, the first one's topic kept
    Kate Ramsay is a character from a soap        the soap apart from her: its description would
      opera created by whom?                      drown beside her name

Only structure splits: names joined in a comparison, clauses that are questions themselves, a
described thing with a clause of its own. Two nouns with "and" between them (research and
development) are one thing. Pure, English and Chinese, linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import regex

from filesearch.compare import compared_parts
from filesearch.conversation import find_dependence
from filesearch.patterns import lazy_pattern
from filesearch.sentences import sentence_spans
from filesearch.wording import (
    ASKING,
    AUXILIARY,
    Word,
    content_words,
    entities_of,
    has_han,
    is_question,
    salient_terms,
    words_of,
)

MAX_PARTS = 3
# Places in a sentence where a further question may begin that are looked at.
MAX_CUTS = 12
# Terms that a question gets of the one before it.
MAX_CARRIED = 3
# Content words that a part needs to be worth a search of its own.
MIN_CONTENT = 2

_IS_AUXILIARY = lazy_pattern(AUXILIARY, regex.IGNORECASE)
_BEFORE_MARK = lazy_pattern(r"\s+([,.?!;:])")
_STOP = lazy_pattern(r"[.?!。？！]")
_OPENS_ASKING = lazy_pattern(rf"\W*{ASKING}\b", regex.IGNORECASE)
_PRONOUN = r"(?:it|they|he|she|this|that|these|those|there|you|i|we)"
# "... and how much does it cost", "... and who made it", "... and how it works", "... and is it"
_NEXT_QUESTION = lazy_pattern(
    rf"[,;]?\s+(?:and|but)\s+(?:if so,?\s+)?"
    rf"(?={ASKING}(?:\s+\w+){{0,3}}?\s+{AUXILIARY}\b|who\s|{ASKING}\s+{_PRONOUN}\b"
    rf"|{AUXILIARY}\s+(?:{_PRONOUN}|the|its|their|his|her)\b)",
    regex.IGNORECASE,
)

_NEXT_CHINESE = lazy_pattern(r"[，,；;]")
_CHINESE_WORDS = (
    r"什[么麼]|甚[么麼]|多[少久长長大高远遠]|哪|怎|[为為如]何|何[时時处處人地年]|[谁誰]|[吗嗎]|是否|是不是"
    r"|有[没沒]有|[几幾](?=[个個年月天次位种種名岁歲])|呢\W*$"
)
_CHINESE_ASKING = lazy_pattern(_CHINESE_WORDS)
_ENDS_ASKING = lazy_pattern(rf"(?:{_CHINESE_WORDS}).{{0,2}}$")

_ARTICLES = frozenset("a an the".split())
_RELATIVES = frozenset("who whom whose which that where".split())
_IN_SITU = frozenset("who whom what which where when whose".split())
_TIMES = frozenset("century date day decade month season time week year".split())
_POINTING = frozenset("this these those it its they their".split())
_PREPOSITIONS = frozenset("after as at by for from in of on to with".split())
# Irregular ones; the regular end in -ed.
_PARTICIPLES = frozenset(
    "born built drawn given held known led made run set shot sung taken won written".split()
)


def split_question(question: str) -> tuple[str, ...]:
    """Return up to `MAX_PARTS` queries for parts of `question`; empty when it asks one thing.

    Args:
        question: Without chatter, understandable alone.

    Returns:
        Queries that can be searched alone, to be searched beside the whole and never instead of
        it. One only where the whole finds the rest of the question by itself.
    """
    for split in (_clauses, compared_parts, _described):
        parts = _searchable(split(question), question)
        if len(parts) > 1 or (parts and split is _described):
            return tuple(parts[:MAX_PARTS])
    return ()


def split_clauses(question: str) -> tuple[str, ...]:
    """Return the questions that stand side by side in `question`; empty when it asks one thing.

    Args:
        question: As for `split_question`.

    Returns:
        Questions that can be answered one by one, in their order, however many. Statements beside
        them are left out. Only one that leans on those before it gets their topic: what is not
        asked for would count against an answer.
    """
    clauses = [
        _with_topic(piece, topic if find_dependence(piece).is_certain else ())
        for piece, topic in _side_by_side(question)
        if _asks(piece)
    ]
    parts = _searchable(clauses, question)
    return tuple(parts) if len(parts) > 1 else ()


def _searchable(parts: Sequence[str], question: str) -> list[str]:
    tidy = dict.fromkeys(_tidy(part) for part in parts)
    return [part for part in tidy if _is_searchable(part) and part != question]


def _tidy(text: str) -> str:
    return _BEFORE_MARK.sub(r"\1", " ".join(text.split())).strip(" ,;:–—")


def _is_searchable(text: str) -> bool:
    return bool(content_words(text) or entities_of(text))


# Clauses that ask


def _clauses(question: str) -> list[str]:
    """Return the questions that stand side by side; each gets the names of those before it."""
    return [_with_topic(piece, topic) for piece, topic in _side_by_side(question)]


def _with_topic(piece: str, topic: Sequence[str]) -> str:
    return " ".join([piece, *topic])


def _side_by_side(question: str) -> list[tuple[str, list[str]]]:
    """Return each clause and what it may lack of those before it; none without two questions."""
    if any(w.kind == "quoted" and _STOP.search(w.text) for w in words_of(question)):
        return []  # the stops of a quotation are not the question's
    pieces = list(_pieces(question))
    if sum(_asks(piece) for piece in pieces) < 2:
        return []
    parts: list[tuple[str, list[str]]] = []
    topic: list[str] = []
    for piece in pieces:
        names = [name.text for name in entities_of(piece)]
        own = names or salient_terms(piece)[:MAX_CARRIED]
        if not own:
            return []
        said = piece.casefold()
        carried = [] if names else [term for term in topic if term.casefold() not in said]
        parts.append((piece, carried))
        topic = topic or own
    return parts


def _pieces(question: str) -> Iterator[str]:
    """Yield the sentences, cut where a further question begins in one."""
    for start, end in sentence_spans(question):
        sentence = question[start:end]
        cut = 0
        next_question = _NEXT_CHINESE if has_han(sentence) else _NEXT_QUESTION
        for found in islice(next_question.finditer(sentence), MAX_CUTS):
            head, tail = sentence[cut : found.start()], sentence[found.end() :]
            if not content_words(head) or not content_words(tail):
                continue
            is_next = next_question is _NEXT_QUESTION or _ENDS_ASKING.search(head)
            if is_next and _asks(head) and _asks(tail):
                yield head
                cut = found.end()
        yield sentence[cut:]


def _asks(text: str) -> bool:
    """Whether the text is a question; one that opens as such may lack its mark, but no stop."""
    if has_han(text):
        return _CHINESE_ASKING.search(text) is not None
    return is_question(text) and not text.endswith(".")


# A thing that is described


def _described(question: str) -> list[str]:
    """Return the description of an unnamed thing, and what is asked beside it.

    "Who was the DJ of the album that was produced by | an English cricketer born in Christchurch?"
    Where the question word stands in the description, that alone is asked: "Kate Ramsay is a
    fictional character from | an Australian soap opera created by whom?"
    """
    words = words_of(question)
    if not is_question(question) or not entities_of(question):
        return []
    cut = _start_of_description(words)
    if cut is None:
        return []
    described = question[words[cut].start :]
    rest = question[: words[cut].start]
    if not content_words(rest) or len(content_words(described)) < MIN_CONTENT:
        return []
    if any(word.lower in _POINTING for word in words[cut:]):
        return []
    # "the" thing is known from what stands before it, unless its clause names or asks something.
    if words[cut].lower == "the" and not (
        entities_of(described) or any(word.lower in _IN_SITU for word in words[cut + 3 :])
    ):
        return []
    is_asked = _OPENS_ASKING.match(question) and len(content_words(rest)) >= MIN_CONTENT
    return [described, rest] if is_asked else [described]


def _start_of_description(words: Sequence[Word]) -> int | None:
    """Return the position of the last article whose noun has a clause of its own; None if none.

    The noun is common: "the Clinton Foundation located ..." names its thing, it needs no finding.
    """
    last = last_asked = None
    for i, word in enumerate(words):
        # "When was the school renamed ...": after an auxiliary the participle is the main verb.
        if i < 2 or word.lower not in _ARTICLES or _IS_AUXILIARY.fullmatch(words[i - 1].lower):
            continue
        after = i + 1
        while after < len(words) and words[after].is_content and not _is_participle(words, after):
            after += 1
        if after == i + 1 or (word.lower == "the" and words[after - 1].text[0].isupper()):
            continue
        if _is_relative(words, after) or _is_participle(words, after):
            last = i
        elif word.lower != "the" and _asks_about(words, after):
            last_asked = i
    return last_asked if last is None else last


def _is_relative(words: Sequence[Word], i: int) -> bool:
    """Whether a clause about the noun before starts here: who, that, where."""
    return i < len(words) and words[i].lower in _RELATIVES


def _asks_about(words: Sequence[Word], i: int) -> bool:
    """Whether the noun before is asked about right here: a singer from what state."""
    return (
        i + 1 < len(words)
        and words[i].lower in _PREPOSITIONS - {"of"}
        and words[i + 1].lower in ("which", "what", "whom", "whose")
        and (i + 2 >= len(words) or words[i + 2].lower not in _TIMES)
    )


def _is_participle(words: Sequence[Word], i: int) -> bool:
    """Whether the word begins what was done with the noun before: born in, created by."""
    if i + 1 >= len(words) or words[i + 1].lower not in _PREPOSITIONS:
        return False
    word = words[i]
    return word.lower in _PARTICIPLES or (len(word.text) > 4 and word.lower.endswith("ed"))
