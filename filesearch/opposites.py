"""Opposites: does one of two sentences say the contrary of the other by a word of its own?

sentence, quote -> bool. Used by `support`: a rise for a fall, allowed for forbidden, open for
closed, before for after. Short lists of common pairs for each language, no dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from filesearch.denial import WITHOUT, content_terms, has_negation
from filesearch.figure_match import is_held
from filesearch.figures import Figure, figures_of
from filesearch.patterns import lazy_pattern
from filesearch.wording import has_han, is_function_word

# A pair a line, or two where a backslash ends the first; a star stands for any ending.
_OPPOSITES = {
    "en": """
    increas* rise rises risen rising rose grow* grew gain* climb* / decreas* fall falls fallen \
        falling fell declin* drop* reduc* lose loses losing lost loss* shrink* shrank shrunk
    allow* permit* permissible / forbid* forbade prohibit* ban bans banned disallow*
    open opens opened opening / closed closes closing shut shuts
    includ* / exclud*
    accept* approv* grants granted / reject* refus* deny denies denied declin*
    agree agrees agreed / disagree*
    pass passes passed / fail fails failed failing
    begin begins began begun start* / end ends ended ending finish*
    win wins won winning / lose loses lost losing
    enabl* / disabl*
    connect connects connected / disconnect*
    mandatory compulsory obligatory / optional voluntary
    temporary temporarily / permanent*
    import imports imported / export exports exported
    arrive arrives arrived arrival / depart departs departed departure
    before / after
    above / below
    inside / outside
    upper / lower
    internal* / external*
    maximum most / minimum least
    highest largest biggest / lowest smallest
    more / less fewer
    first / last
    north northern / south southern
    east eastern / west western
    oldest / youngest
    true / false""",
    "de": """
    steig* stieg* gestiegen* erhöh* zugenommen wächst wuchs* gewachsen* / \
        fällt fiel* gefallen* sinkt sinken sank* gesunken* verringer* abgenommen zurückgegangen
    erlaubt* gestattet* zulässig* zugelassen* / verboten* verbietet untersagt* unzulässig*
    geöffnet* offen* öffnet öffnen / geschlossen* schließt schließen
    enthalten inbegriffen inklusive eingeschlossen enthält umfasst / \
        ausgeschlossen ausgenommen exklusive
    angenommen genehmigt* bewilligt* gebilligt* zugestimmt akzeptiert* / \
        abgelehnt* lehnt lehnte* verworfen verweiger* zurückgewiesen
    beginnt begann* begonnen startet* / endet* beendet*
    gewinnt gewann* gewonnen / verliert verlor verloren
    kostenlos* kostenfrei* gratis unentgeltlich / kostenpflichtig* gebührenpflichtig*
    verpflichtend* obligatorisch* vorgeschrieben / freiwillig* optional*
    aktiviert* / deaktiviert*
    höchste* größte* maximal* höchstens / niedrigste* kleinste* geringste* minimal* mindestens
    mehr / weniger
    erste ersten erster erstes / letzte*
    nördlich* / südlich*
    östlich* / westlich*
    richtig* / falsch*""",
    "fr": """
    augment* progress* hausse / baiss* diminu* recul* chut*
    autoris* permis* permet* admis* / interdi* prohib*
    ouvert* ouvre* / fermé* ferme ferment fermeture
    inclu* compris* / exclu*
    accept* approuv* adopt* accord* / rejet* refus* repouss*
    commenc* / termin* achèv*
    gagn* / perd*
    gratuit* / payant*
    obligatoire* / facultati*
    maxim* / minim*
    premier première / dernier dernière
    nord / sud
    vrai* / faux fausse*""",
    "es": """
    aument* subió subieron subido crec* increment* / \
        bajó bajaron bajado disminu* cayó cayeron caído descend* redujo
    permit* autoriz* admit* / prohib*
    abre abren abierto* abierta* / cierra* cerrado* cerrada*
    inclu* / exclu*
    acept* aprob* aprueb* concedi* / rechaz* deneg* denieg*
    empiez* empez* comienz* comenz* / termin* acab*
    ganó ganaron ganado gana / perdió perdieron perdido pierde
    obligatori* / opcional* voluntari*
    máxim* / mínim*
    primer* / últim*
    norte / sur
    verdader* / fals*""",
    "it": """
    aument* cresc* cresciut* salit* / diminu* calat* sces* ridott*
    permess* consentit* autorizzat* ammess* / vietat* proibit*
    apert* apre aprono / chius* chiude chiudono
    inclus* compres* / esclus*
    accettat* approvat* accolt* / respint* rifiutat*
    gratuit* / pagamento
    obbligatori* / facoltativ*
    massim* / minim*
    prim* / ultim*
    nord / sud
    ver* / fals*""",
}
# These stand beside any word, so both sides must have the same one after them.
_PREPOSITIONS = {
    "en": "before/after with/without",
    "de": "vor/nach mit/ohne über/unter",
    "fr": "avant/après avec/sans",
    "es": "antes/después con/sin",
    "it": "prima/dopo con/senza",
}
_HAN_OPPOSITES = [
    tuple(pair.split("/"))
    for pair in (
        "增加/减少 增加/減少 上升/下降 增长/下降 增長/下降 上涨/下跌 上漲/下跌 提高/降低 最高/最低 "
        "最大/最小 最早/最晚 之前/之后 之前/之後 允许/禁止 允許/禁止 免费/收费 免費/收費 开放/关闭 "
        "開放/關閉 开启/关闭 開啟/關閉 盈利/亏损 盈利/虧損 接受/拒绝 接受/拒絕 成功/失败 成功/失敗 "
        "通过/否决 通過/否決"
    ).split()
]
_PREFIXES = ("un", "in", "im", "il", "ir", "non")
_LEAST_AFTER_PREFIX = 4
# "Allowed only outside" and "forbidden inside" agree, and so do "open until 6" or "open 9 to 6" and
# "closes at 6", "pass with 60" and "fail with less than 60", "allows" and "lifts the ban".
_LIMIT = lazy_pattern(
    r"\b(?:only|except\w*|unless|until|till|other than|lift(?:s|ed|ing)|nur|außer"
    r"|sofern|erst|bis|sauf|seul\w*|uniquement|jusqu['’]à|salvo|excepto"
    r"|s[oó]lo|únicamente|hasta las|solo|soltanto|eccetto"
    r"|fino a(?:ll\w*)?|(?:less|fewer|more) than|(?:weniger|mehr) als|(?:moins|plus) de"
    r"|(?:menos|más) de|\d+ ?(?:-|–|to|à|a) ?\d+)\b"
    r"|只|仅|僅|除非|除了|[到至] ?\d",
    regex.IGNORECASE,
)
_JOINT = (
    r"\b(?:and|but|while|whereas|although|und|aber|während|et|mais|tandis que|y|pero|mientras|e|ma"
    r"|mentre)\b"
)
_CLAUSE_END = lazy_pattern(rf"[,;:.!?，；。！？]\s|{_JOINT}", regex.IGNORECASE)
# Behind these it may be about something else; a colon or what follows such a comma goes on.
_PART_END = lazy_pattern(
    r"[;.!?]\s|,\s(?!(?:which|who|especially|particularly|including|die|der|das|qui|que|che)\b)"
    rf"|{_JOINT}",
    regex.IGNORECASE,
)
_NEXT_WORD = lazy_pattern(r"\p{L}[\p{L}\p{N}]*")
_REACH = 4
# Of what a sentence is about, what a clause with an opposite holds to be about the same.
_MIN_TOPIC = 0.5


def is_opposite(sentence: str, quote: str, language: str = "en") -> bool:
    """Return whether one speaks of a rise where the other speaks of a fall, and the like.

    Never where only one of them has a negation or limit: "not open" and "closed" agree.

    Args:
        language: Of both, as `language_of` names it.
    """
    if has_han(sentence):
        return _differ(sentence, quote, "zh")
    if _is_beside_opposite(sentence, quote, language):
        return True
    clause = _clause_about(sentence, quote, language)
    return _differ(sentence, quote, language) or (
        bool(clause) and _differ(sentence, clause, language, beside=quote.replace(clause, ";"))
    )


def _differ(ours: str, theirs: str, language: str, *, beside: str = "") -> bool:
    """Whether one has a word and the other its opposite, about the same.

    Args:
        beside: What else the quote says.
    """
    if _is_limited_otherwise(ours, theirs, language):
        return False
    if language == "zh":
        return any(
            (a in ours and b in theirs and a not in theirs and b not in ours)
            or (b in ours and a in theirs and b not in theirs and a not in ours)
            for a, b in _HAN_OPPOSITES
        )
    figures = figures_of(ours, language=language)
    for pair in _pairs_of(language):
        for a, b in (pair, pair[::-1]):
            if not a.search(ours) or b.search(ours) or a.search(theirs):
                continue
            topic = set(content_terms(a.sub(" ", ours), language))
            if _share(a, beside, topic, language) > 0:
                continue  # another clause says what we say
            if _share(b, theirs, topic, language, figures) >= _MIN_TOPIC:
                return True
    if has_negation(ours, language) != has_negation(theirs, language):
        return False  # "without a valid ticket" and "with an invalid ticket" agree
    mine, other = (set(content_terms(text, language)) for text in (ours, theirs))
    return _has_prefixed(mine - other, other - mine) or _has_prefixed(other - mine, mine - other)


def _share(
    word: regex.Pattern[str],
    text: str,
    topic: set[str],
    language: str,
    figures: Sequence[Figure] = (),
) -> float:
    """Return how much of `topic` a clause of `text` with such a word holds; -1 without a clause.

    Nothing to be about is held wholly.

    Args:
        figures: A clause with another number instead of one of these is not looked at: prices that
            "rose to 9 EUR" may have fallen to 5.
    """
    shares = [
        len(topic.intersection(content_terms(part, language))) / len(topic) if topic else 1.0
        for part in _PART_END.split(text)
        if word.search(part) and not _has_others(part, figures, language)
    ]
    return max(shares, default=-1.0)


def _has_others(text: str, figures: Sequence[Figure], language: str) -> bool:
    """Whether `text` lacks one of some numbers and has one that is not among them."""
    theirs = figures_of(text, language=language)
    return not all(is_held(figure, theirs) for figure in figures) and not all(
        is_held(figure, figures) for figure in theirs
    )


def _is_limited_otherwise(ours: str, theirs: str, language: str) -> bool:
    """Whether one of two texts has a negation or limit that the other lacks: they may agree."""
    is_denied = [has_negation(WITHOUT.sub(" ", text), language) for text in (ours, theirs)]
    is_limited = (_LIMIT.search(text) is not None for text in (ours, theirs))
    return is_denied[0] != is_denied[1] or len(set(is_limited)) == 2


@lru_cache
def _pairs_of(language: str) -> list[tuple[regex.Pattern[str], ...]]:
    lines = _OPPOSITES.get(language, "").replace("\\\n", "").strip().splitlines()
    return [tuple(_any_of(side) for side in line.split("/")) for line in lines]


def _any_of(words: str) -> regex.Pattern[str]:
    forms = "|".join(word.replace("*", r"\p{L}*") for word in words.split())
    return regex.compile(rf"\b(?:{forms})\b", regex.IGNORECASE)


def _has_prefixed(plain: set[str], others: set[str]) -> bool:
    """Whether "locked" is among the one and "unlocked" among the others."""
    return any(
        prefix + word in others
        for word in plain
        if len(word) >= _LEAST_AFTER_PREFIX
        for prefix in (_PREFIXES if len(word) > _LEAST_AFTER_PREFIX else _PREFIXES[:1])
    )


def _clause_about(sentence: str, quote: str, language: str) -> str:
    """Return the clause of `quote` that shares most words with `sentence`; empty if none does."""
    wanted = set(content_terms(sentence, language))
    shares = [
        (len(wanted & set(content_terms(clause, language))), clause)
        for clause in _CLAUSE_END.split(quote)
    ]
    shares.sort(key=lambda share: -share[0])
    most, clause = shares[0]
    is_alone = len(shares) == 1 or shares[1][0] < most
    return clause if is_alone and 2 * most >= len(wanted) else ""


def _is_beside_opposite(sentence: str, quote: str, language: str) -> bool:
    """Whether one has "before" and the other "after" before the same word."""
    for pair in _PREPOSITIONS.get(language, "").split():
        for a, b in (pair.split("/"), pair.split("/")[::-1]):
            ours, theirs = set(_beside(a, sentence, language)), set(_beside(b, quote, language))
            if not ours & theirs - set(_beside(a, quote, language)):
                continue
            if not _is_limited_otherwise(sentence, quote, language):
                return True
    return False


def _beside(preposition: str, text: str, language: str) -> Iterator[str]:
    """Yield the first content word after each place where a preposition stands."""
    for found in regex.finditer(rf"\b{preposition}\b", text, regex.IGNORECASE):
        following = _NEXT_WORD.findall(text[found.end() : found.end() + 60])[:_REACH]
        content = [word for word in following if not is_function_word(word.lower(), language)]
        yield from content_terms(content[0], language)[:1] if content else ()
