"""Denial: does one of two sentences deny what the other states, or turn its direction round?

sentence, quote -> bool. Used by `support`. Pure rules for English and Chinese, cautious: where the
other side has any word that might deny as well, the two are taken to agree.
"""

from __future__ import annotations

import regex

from filesearch.patterns import lazy_pattern
from filesearch.terms import extract_terms
from filesearch.wording import FUNCTION_WORDS, has_han, words_of

_NEGATION = lazy_pattern(
    r"\b(?:not|never|cannot|no|without|neither|nor|none|nobody|nothing"
    r"|\p{L}+n['’]t)\b", regex.IGNORECASE
)  # fmt: skip
# These deny without such a word, so that "cannot be returned" and "are final" may agree.
_DENIES = lazy_pattern(
    r"\b(?:un(?!der|til|it|iv|less|ion|ique)|non-?)\p{Ll}{3,}|\b(?:im(?:possible|proper|permissible)|in(?:valid|eligible|active|complete|sufficient|correct|capable)"
    r"|fail\w*|refus\w*|lack\w*|den(?:y|ied|ies)|prohibit\w*|forbid\w*|forbade|prevent\w*|except\w*|exclu\w*|only|unless|requires?|rather|instead|absen\w*"
    r"|avoid\w*|reject\w*|ban(?:ned|s)?|stop\w*|few|little|rarely|hardly|cease\w*|void|final|less|free)\b",
    regex.IGNORECASE,
)
_HAN_NEGATION = lazy_pattern(
    r"(?:不(?:得|能|可以?|会|會|应|應|再|予|需|必)|不(?!仅|僅|但|同|断|斷|久|过|過|少|管|论|論|足|锈|鏽|动产|動產|只|光|料|由|禁|等|良|单|單)|没有?|沒有?"
    r"|未(?!来|來)|无法|無法|禁止)"
)
_HAN_DENIES = lazy_pattern(
    r"需|须|須|方可|才能|才可|除非|只有|只能|禁|拒|免|缺|非|否|停止|失败|失敗|无|無|不|未|没|沒"
)
_REACH = 3


def is_negated_otherwise(sentence: str, quote: str) -> bool:
    """Return whether one of the two denies what the other states in the same words.

    Only where both share the words that are denied, the other does not deny them as well, and has
    no word that denies in another way.
    """
    if has_han(sentence):
        return _is_han_negated(sentence, quote) or _is_han_negated(quote, sentence)
    return _denies(sentence, quote) or _denies(quote, sentence)


def _denies(denying: str, stating: str) -> bool:
    if _DENIES.search(stating):
        return False
    stated = set(_content(stating)).difference(*_denied(stating))
    return any(
        words[0] in stated and sum(word in stated for word in words) > len(words) / 2
        for words in _denied(denying)
    )


def _denied(text: str) -> list[list[str]]:
    """Return the next few content words after each negation, up to the end of its clause."""
    found = []
    for negation in _NEGATION.finditer(text):
        clause = _CLAUSE.match(text, negation.end())
        words = _content(clause.group())[:_REACH] if clause else []
        if words:
            found.append(words)
    return found


_CLAUSE = lazy_pattern(
    r"(?!\s*(?:an?|the|only|just|later than|more than|less than|until"
    r"|merely)\b)(?:(?!\bbut\b)[^,;:.!?]){0,200}"
)


def _content(text: str) -> list[str]:
    words = [w.lower for w in words_of(text) if w.kind == "word" and w.lower not in FUNCTION_WORDS]
    return [term for word in words for term in extract_terms(word)[:1]]


def _is_han_negated(denying: str, stating: str) -> bool:
    if _HAN_DENIES.search(stating):
        return False
    return any(
        len(denied := denying[found.end() : found.end() + 2]) == 2 and denied in stating
        for found in _HAN_NEGATION.finditer(denying)
    )


_DIRECTIONS = [
    tuple(frozenset(side.split()) for side in line.split("/"))
    for line in (
        "increas rise rose grew grow gain/decreas fell fall declin drop reduc lost loss",
        "befor/after",
        "maximum most/minimum least",
        "highest largest biggest/lowest smallest",
        "more/less fewer",
        "first/last",
        "above/below",
        "north northern/south southern",
        "east eastern/west western",
        "oldest/youngest",
        "allow permit/forbid prohibit",
        "begin began start/end finish",
        "win won/lose lost",
        "true/fals",
    )
]
_HAN_DIRECTIONS = [
    tuple(pair.split("/"))
    for pair in (
        "增加/减少 增加/減少 上升/下降 增长/下降 增長/下降 之前/之后 之前/之後 "
        "最高/最低 最大/最小 最早/最晚 允许/禁止 允許/禁止"
    ).split()
]


def is_opposite(sentence: str, quote: str) -> bool:
    """Return whether one speaks of a rise where the other speaks of a fall, and the like."""
    if has_han(sentence):
        return any(
            (a in sentence and b in quote and a not in quote and b not in sentence)
            or (b in sentence and a in quote and b not in quote and a not in sentence)
            for a, b in _HAN_DIRECTIONS
        )
    ours, theirs = set(extract_terms(sentence)), set(extract_terms(quote))
    return any(
        ours & a and theirs & b and not (ours & b or theirs & a)
        for pair in _DIRECTIONS
        for a, b in (pair, pair[::-1])
    )
