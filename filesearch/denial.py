"""Denial: does one of two sentences deny what the other states?

sentence, quote -> bool. Used by `support`. Pure rules for English, Chinese, German, French, Spanish
and Italian, cautious: where the other side has any word that might deny as well, the two are taken
to agree.
"""

from __future__ import annotations

import regex

from filesearch.patterns import lazy_pattern
from filesearch.terms import extract_terms
from filesearch.wording import has_han, is_function_word, words_of

# "Ne ... que" is "only", and what follows "ne ... pas seulement" is true as well.
_FRENCH_LIMIT = r"(?:[^.;!?](?!\bpas\b)){0,80}?\bqu(?:e\b|['’])|[^.;!?]{0,40}?\bpas seulement\b"
_NEGATION = {
    "en": lazy_pattern(
        r"\b(?:not|never|cannot|no|without|neither|nor|none|nobody|nothing|\p{L}+n['’]t)\b",
        regex.IGNORECASE,
    ),
    # "Noch" is "nor" behind "weder" only, and "still" elsewhere.
    "de": lazy_pattern(
        r"\b(?:nicht|nie|niemals|kein(?:e[mnrs]?)?|ohne|weder|(?<=\bweder\b[^.;!?]{1,60})noch"
        r"|niemand|nichts)\b",
        regex.IGNORECASE,
    ),
    "fr": lazy_pattern(
        rf"\b(?:(?:ne|n(?=['’]))(?!{_FRENCH_LIMIT})|sans|ni|aucune?|jamais|rien)\b",
        regex.IGNORECASE,
    ),
    "es": lazy_pattern(
        r"\b(?:no|nunca|jamás|sin|ni|ning(?:ún|uno|una)|tampoco|nada)\b", regex.IGNORECASE
    ),
    "it": lazy_pattern(r"\b(?:non|mai|senza|né|nessun[oa]?|niente)\b", regex.IGNORECASE),
}
# These deny without such a word, so that "cannot be returned" and "are final" may agree.
_DENIES = {
    "en": lazy_pattern(
        r"\b(?:un(?!der|til|it|iv|less|ion|ique)|non-?)\p{Ll}{3,}|\b(?:im(?:possible|proper|permissible)|in(?:valid|eligible|active|complete|sufficient|correct|capable)"
        r"|fail\w*|refus\w*|lack\w*|den(?:y|ied|ies)|prohibit\w*|forbid\w*|forbade|prevent\w*|except\w*|exclu\w*|only|unless|requires?|rather|instead|absen\w*"
        r"|avoid\w*|reject\w*|ban(?:ned|s)?|stop\w*|few|little|rarely|hardly|cease\w*|void|final|less|free)\b",
        regex.IGNORECASE,
    ),
    "de": lazy_pattern(
        r"\b(?:un(?!d\b|ter|s|gefähr)\p{Ll}{4,}|nur|außer|ausgenommen|ausgeschlossen|verb[oi]\w+|untersag\w+|verweiger\w+|abge?lehn\w+|lehn\w+|fehl\w+|kaum|selten"
        r"|statt\w*|sonst|erst|sofern|\w+los|\w+frei|geschlossen|schließ\w+|gesperrt)\b",
        regex.IGNORECASE,
    ),
    "fr": lazy_pattern(
        r"\b(?:i[mn]\p{Ll}{4,}|sauf|seul\w*|uniquement|interdi\w+|refus\w+|rejet\w+|exclu\w*|hors|manqu\w+|gratuit\w*|ferm\w+|rarement)\b",
        regex.IGNORECASE,
    ),
    "es": lazy_pattern(
        r"\b(?:i[mn]\p{Ll}{4,}|salvo|excepto|s[oó]lo|únicamente|prohib\w+|rechaz\w+|deneg\w+|exclu\w+|falta\w*|gratuit\w*|gratis|cerrad\w+|cierr\w+)\b",
        regex.IGNORECASE,
    ),
    "it": lazy_pattern(
        r"\b(?:i[mn]\p{Ll}{4,}|salvo|eccetto|solo|soltanto|vietat\w+|proibit\w+|rifiut\w+|respint\w+|esclus\w+|manca\w*|gratuit\w*|gratis|chius\w+)\b",
        regex.IGNORECASE,
    ),
}
_HAN_NEGATION = lazy_pattern(
    r"(?:不(?:得|能|可以?|会|會|应|應|再|予|需|必)|不(?!仅|僅|但|同|断|斷|久|过|過|少|管|论|論|足|锈|鏽|动产|動產|只|光|料|由|禁|等|良|单|單)|没有?|沒有?"
    r"|未(?!来|來)|无法|無法|禁止)"
)
_HAN_DENIES = lazy_pattern(
    r"需|须|須|方可|才能|才可|除非|只有|只能|禁|拒|免|缺|非|否|停止|失败|失敗|无|無|不|未|没|沒"
)
WITHOUT = lazy_pattern(r"\b(?:without|ohne|sans|sin|senza)\b", regex.IGNORECASE)
"""It denies what follows, not the sentence."""
_REACH = 3
# Characters before or after, of the same line, that hold the next word and "weder ... noch".
_BESIDE = 80


def has_negation(text: str, language: str) -> bool:
    """Return whether a word of `text` denies something."""
    pattern = _HAN_NEGATION if language == "zh" else _NEGATION.get(language)
    return pattern is not None and pattern.search(text) is not None


def stands_negated(text: str, start: int, end: int, language: str) -> bool:
    """Return whether a negation stands right before or right after text[start:end].

    "Dogs are allowed" is word for word in "no dogs are allowed", and says the contrary.
    """
    before = text[max(0, start - _BESIDE) : start].rpartition("\n")[2]
    after = text[end : end + _BESIDE].partition("\n")[0]
    if language == "zh":
        return regex.search("[不未没沒无無非]$", before) is not None
    pattern = _NEGATION.get(language, _NEGATION["en"])
    return any(found.end() == len(before.rstrip()) for found in pattern.finditer(before)) or any(
        not after[: found.start()].strip() for found in pattern.finditer(after)
    )


def is_negated_otherwise(sentence: str, quote: str, language: str = "en") -> bool:
    """Return whether one of the two denies what the other states in the same words.

    Only where both share the words that are denied, the other does not deny them as well, and has
    no word that denies in another way.

    Args:
        language: Of both, as `language_of` names it.
    """
    if has_han(sentence):
        return _is_han_negated(sentence, quote) or _is_han_negated(quote, sentence)
    if language not in _NEGATION:
        return False
    if language != "en" and has_negation(sentence, language) and has_negation(quote, language):
        # What is denied may stand on either side of the word.
        return False
    return _denies(sentence, quote, language) or _denies(quote, sentence, language)


def _denies(denying: str, stating: str, language: str) -> bool:
    if _DENIES[language].search(stating) or _is_denied_twice(denying, stating, language):
        return False
    stated = set(content_terms(stating, language)).difference(*_denied(stating, language))
    return any(
        words[0] in stated and sum(word in stated for word in words) > len(words) / 2
        for words in _denied(denying, language)
    )


def _is_denied_twice(denying: str, stating: str, language: str) -> bool:
    """Whether one needs what the other has: "not possible without a ticket", "with a ticket"."""
    is_without = [WITHOUT.search(text) is not None for text in (denying, stating)]
    return is_without == [True, False] and has_negation(WITHOUT.sub(" ", denying), language)


def _denied(text: str, language: str) -> list[list[str]]:
    """Return the next few content words after each negation, up to the end of its clause."""
    found = []
    for negation in _NEGATION[language].finditer(text):
        clause = _CLAUSE.match(text, negation.end())
        words = content_terms(clause.group(), language)[:_REACH] if clause else []
        if words:
            found.append(words)
    return found


_CLAUSE = lazy_pattern(
    r"(?!\s*(?:an?|the|nur|only|just|later than|more than|less than|until"
    r"|merely)\b)(?:(?!\bbut\b)[^,;:.!?]){0,200}"
)


def content_terms(text: str, language: str) -> list[str]:
    """Return the words of `text` that carry its topic, stemmed, in reading order."""
    words = [
        word.lower
        for word in words_of(text)
        if word.kind == "word" and not is_function_word(word.lower, language)
    ]
    return [term for word in words for term in extract_terms(word)[:1]]


def _is_han_negated(denying: str, stating: str) -> bool:
    if _HAN_DENIES.search(stating):
        return False
    return any(
        len(denied := denying[found.end() : found.end() + 2]) == 2 and denied in stating
        for found in _HAN_NEGATION.finditer(denying)
    )
