"""Conversation: what a question leaves unsaid because earlier turns said it.

question, history -> the terms to add to the question. Signs of language decide, not the topic:

    reference     it, they, he, this, that one, 它: something outside the question is meant
    ellipsis      "And in 2023?", "What about mugs?", "Why?", 那运费呢: a clause was left out

Without these the question stands alone and nothing is added, so that a switch of topic is not
polluted; one that names nothing may be read both ways. A pronoun whose antecedent stands in the
question itself is no sign. What a new name or number of an elliptical question replaces is not
carried over. Pure, English and Chinese, linear time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import regex

from filesearch.errors import InvalidSetting
from filesearch.patterns import lazy_pattern
from filesearch.rewrite import drop_chatter
from filesearch.terms import extract_terms
from filesearch.types import Turn
from filesearch.wording import (
    CHINESE_FUNCTION,
    HAN,
    Word,
    content_words,
    entities_of,
    has_han,
    names_of,
    salient_terms,
    words_of,
)

MAX_TURNS = 12
MAX_TURN_CHARACTERS = 1_000
# Terms added to a question, and how many of them may be names: a topic names its thing first.
MAX_CARRIED = 6
MAX_NAMES = 3
# A question with more content words says itself what it is about. nDCG@10 of the conversations of
# scripts/measure_plan.py with 0, 3, 5, 8 words: 0.915, 0.929, 0.933, 0.933.
MAX_OPEN_CONTENT = 5
_HAN_PER_WORD = 0.5
# Words of an answer that is nothing but what was asked for.
MAX_SHORT_ANSWER = 5
# Terms that the topic of a conversation holds: those of its last turns, newest first.
MAX_TOPIC = 12

_PERSONAL = frozenset("he she him her his hers".split())
_POSSESSIVE = frozenset("his her hers its their theirs".split())
_PRONOUNS = _PERSONAL | frozenset("it it's its they they're them their theirs".split())
_DEMONSTRATIVES = frozenset("this these those".split())
_TIMES = frozenset(
    "year month week day morning afternoon evening quarter time season century".split()
)
_AUXILIARIES = frozenset(
    """am are aren't be been can can't could couldn't did didn't do does doesn't don't had has
    hasn't have haven't is isn't may might must shall should was wasn't were weren't will won't
    would wouldn't""".split()
)
# "Is that true?", but "what do birds have that ..." goes on with a clause.
_OPENING_AUXILIARIES = _AUXILIARIES - frozenset("do have has had be been".split())
_ASKING = frozenset("who whom whose what what's when where where's which why how who's".split())
_PREPOSITIONS = frozenset(
    "about after against at before between by during for from in into like of on over since than "
    "through to under until upon with within without".split()
)
_SUBORDINATORS = frozenset("if when while because although though unless since".split())
_CLAUSE_STARTS = _SUBORDINATORS | frozenset(
    "and but or so that which who whom whose where after before as than".split()
)
_DETERMINERS = frozenset("a an the my your our his her its their this that these those".split())
_BEFORE_NOUN = (_DETERMINERS | _PREPOSITIONS | _SUBORDINATORS | {"what", "which"}) - {"to"}
_ADDITIVE = frozenset("else others ones".split())
_PRO_FORMS = frozenset("one there then former latter".split())
# "Is it possible to ...", "How long does it take to ...": this `it` stands for what follows.
_EXPLETIVE = lazy_pattern(
    r"\b(?:(?:is|was|isn't|wasn't|be) it|it(?:'s| is| was| isn't| would be| will be| might be))"
    r"(?: (?:not|also|still|really|even|ever|always|more|very|a|the))*"
    r" (?:possible|impossible|necessary|important|true|legal|illegal|safe|ok|okay|allowed|mandatory"
    r"|required|better|best|worth|worthwhile|good|bad|hard|harder|difficult|easy|easier|likely"
    r"|unlikely|correct|right|wrong|normal|common|advisable|recommended|permitted|fair|reasonable"
    r"|cheaper|clear|known|time|feasible|wise|smart|idea|dangerous|risky|useful|helpful)\b"
    r"|\b(?:is|was) it \w+ (?:that|when|if) (?=\w)|\bit (?:is|was|has been) (?:\w+ly )?\w+ that\b"
    r"|\b(?:does|do|did|will|would|can|could) it (?:(?:usually|typically|normally|really|even) )?"
    r"(?:(?:take|cost)(?: \w+){0,4} to|make sense|mean (?:that|for|to|when|if)|matter)\b"
    r"|\bit (?:(?:takes|costs)(?: \w+){0,4} to|makes sense|seems|appears)\b",
    regex.IGNORECASE,
)
_ELLIPTICAL = lazy_pattern(
    r"\s*(?:(?:and|but|or|plus|also|then|so|otherwise|instead)\b|(?:what|how) (?:about|of|if)\b"
    r"|(?:no|yes|yeah|oops|actually)\b[,. ]|(?:oops,? )?i (?:mean|meant|am referring)\b"
    r"|why(?: not)?\W*$|how (?:so|come|much|many|long|often|far)?\W*$|(?:when|where|who|what)\W*$"
    r"|which ones?\b(?! of)|such as\b|like what\b)",
    regex.IGNORECASE,
)
# Of these, the ones that put something new in the place of what was named before.
_SUBSTITUTION = lazy_pattern(
    r"\s*(?:(?:and|but|or|also|then|so)\b|(?:what|how) (?:about|of)\b"
    r"|.{0,40}呢\W*$)",
    regex.IGNORECASE,
)
_DEFINITION = lazy_pattern(
    r"\s*(?:what (?:is|are|was|were|does)|what's|define|who (?:is|are|was|were))"
    r" (?!(?:the|this|that|these|those|my|your|his|her|its|their|our)\b)",
    regex.IGNORECASE,
)
_STATEMENT = lazy_pattern(r"\W*(?:i|we|my|our)\b[^?]*$", regex.IGNORECASE)
_ASKS_FOR_THING = lazy_pattern(
    r"^\W*(?:\w+\W+){0,3}(?:who|whom|whose|which|what)\b|[谁誰哪]|什[么麼]", regex.IGNORECASE
)
_CHINESE_REFERENCE = lazy_pattern(
    r"[它他她牠][们們]?|[这這]|那[个個些里裡儿样樣种種家位本部款次]|其(?![他它实實中余餘])"
    r"|上述|前者|[后後]者|[该該](?=[公产產项項品书書人国國])"
)
_CHINESE_ELLIPTICAL = lazy_pattern(
    r"\s*(?:那(?:[么麼])?|[还還]有|另外|以及|而且?|[为為]什[么麼]|[为為]何|[怎咋][么麼]?[会會]?[这這][样樣])"
    r"|.{0,40}呢[？?。!！\s]*$"
)
_HAN = lazy_pattern(rf"[{HAN}]")
_NUMBER = lazy_pattern(r"\d")


@dataclass(frozen=True, slots=True)
class Dependence:
    """How a question leans on what was said before; all False: it stands alone.

    Attributes:
        refers: A pronoun or the like points out of the question.
        to_person: One of them is he or she.
        is_elliptical: Part of the clause was left out.
    """

    refers: bool = False
    to_person: bool = False
    is_elliptical: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether the question cannot be understood alone."""
        return self.refers or self.is_elliptical


@dataclass(frozen=True, slots=True)
class Context:
    """What earlier turns add to a question.

    Attributes:
        terms: At most `MAX_CARRIED`, none of them said by the question, names first.
        is_needed: True: the question is not complete without them. False: it can be read either
            way, as going on with the topic or as turning to another.
    """

    terms: tuple[str, ...] = ()
    is_needed: bool = False


def check_history(history: Iterable[object]) -> None:
    """Refuse what is no turn, such as the messages of another library, before it is read as one.

    Raises:
        InvalidSetting: One of `history` is no Turn.
    """
    for given in history:
        if not isinstance(given, Turn):
            raise InvalidSetting(
                f"history: {given!r:.80} is no Turn; give filesearch.Turn('user', TEXT) for what "
                "was asked and Turn('assistant', TEXT) for what was answered, oldest first"
            )


def find_context(question: str, history: Sequence[Turn]) -> Context:
    """Return what of `history` belongs to `question`; no terms when it stands alone.

    Args:
        question: As asked, chatter included.
        history: Earlier turns, oldest first; the last `MAX_TURNS` are read, of each the first
            `MAX_TURN_CHARACTERS` characters.
    """
    if not history:
        return Context()
    topic: list[str] = []
    asked, answered = "", ""
    for turn in history[-MAX_TURNS:]:
        text = unicodedata.normalize("NFC", turn.text[:MAX_TURN_CHARACTERS])
        if turn.role == "user":
            asked, answered = text, ""
            topic = _next_topic(text, topic)
        else:
            answered = text
    need = find_dependence(question)
    if not need.is_certain and not _may_go_on(question):
        return Context()
    terms = _pick(question, [*_answer_focus(asked, answered, need), *topic], need)
    names = [term for term in terms if _is_name(term)][:MAX_NAMES]
    rest = [term for term in terms if not _is_name(term)]
    return Context(tuple(_without_repeats([*names, *rest])[:MAX_CARRIED]), need.is_certain)


def _without_repeats(terms: Sequence[str]) -> list[str]:
    """Drop a term whose every word was said by those before it."""
    kept: list[str] = []
    said: set[str] = set()
    for term in terms:
        stems = set(extract_terms(term))
        if not stems <= said:
            kept.append(term)
            said |= stems
    return kept


def _next_topic(text: str, topic: Sequence[str]) -> list[str]:
    """Return the topic after a user's turn: its own terms, and the old ones if it leans on them."""
    own = salient_terms(drop_chatter(text))
    if not own:
        return list(topic)
    need = find_dependence(text)
    older = _pick(text, topic, need) if need.is_certain else []
    return list(dict.fromkeys([*own, *older]))[:MAX_TOPIC]


def _may_go_on(question: str) -> bool:
    """Whether a question that stands alone may yet be about the topic.

    It is short and names no thing, as in "how long is a voucher valid?", or is something the user
    says of himself. "What is a voucher?" brings up a new thing.
    """
    text = drop_chatter(question)
    if _STATEMENT.match(text):
        return True
    if entities_of(question) or _DEFINITION.match(text):
        return False
    size = sum(_HAN_PER_WORD * len(w) if _HAN.match(w) else 1 for w in content_words(text))
    return size <= MAX_OPEN_CONTENT


def _pick(question: str, topic: Sequence[str], need: Dependence) -> list[str]:
    """Return the terms of the topic that the question does not say or replace."""
    said = set(extract_terms(question))
    picked = [term for term in topic if not set(extract_terms(term)) <= said]
    if _SUBSTITUTION.match(question) and not need.refers:
        picked = _without_replaced(question, picked, topic)
    return picked


def _without_replaced(question: str, picked: Sequence[str], topic: Sequence[str]) -> list[str]:
    """Drop what the new name or number of "and in 2023?", "what about Bowls Ltd?" stands for."""
    kept = list(picked)
    known = {stem for term in topic for stem in extract_terms(term)}
    names = [name.text for name in entities_of(question)]
    if any(not known & set(extract_terms(name)) for name in names):
        kept = [term for term in kept if not _is_name(term)]
    if _NUMBER.search(question):
        return [term for term in kept if not _NUMBER.search(term)]
    han = [term for term in kept if _HAN.match(term)]
    if len(han) > 1 and content_words(question):
        # Chinese puts its topic first: in 张三的电话是多少? 那李四呢? it is 张三 that changes.
        kept.remove(han[0])
    return kept


def _is_name(term: str) -> bool:
    return term[:1].isupper() or term[:1] in "\"“「『《'‘`"


def _answer_focus(asked: str, answered: str, need: Dependence) -> list[str]:
    """Return what the last answer brought up, where the question plainly points there.

    "Who wrote it?" - "Stephen King." - "Where was he born?": a question for a thing or person makes
    its answer the next topic. He and she may also point at the first one that was named.
    """
    if not answered or not need.refers or not (need.to_person or _ASKS_FOR_THING.search(asked)):
        return []
    if _DEFINITION.match(drop_chatter(asked)):
        return []  # "What is Terraform?" - "A tool.": it goes on to be Terraform
    known = set(extract_terms(asked))
    if len(words_of(answered)) <= MAX_SHORT_ANSWER:
        new, count = salient_terms(answered), MAX_SHORT_ANSWER
    else:
        new, count = [name.text for name in entities_of(answered)], 1
    return [term for term in new if not set(extract_terms(term)) & known][:count]


def find_dependence(question: str) -> Dependence:
    """Return which signs show that `question` leans on earlier turns."""
    text = drop_chatter(question)
    words = words_of(text)
    pronouns = _outward_pronouns(text, words)
    chinese = _CHINESE_REFERENCE.search(text)
    refers_in_chinese = chinese is not None and not _has_chinese_content(text[: chinese.start()])
    return Dependence(
        refers=bool(pronouns) or refers_in_chinese,
        to_person=any(w.lower in _PERSONAL for w in pronouns)
        or (refers_in_chinese and chinese is not None and chinese.group()[0] in "他她"),
        is_elliptical=_is_elliptical(question, text, words),
    )


def _has_chinese_content(text: str) -> bool:
    return any(len(part.strip()) > 1 for part in CHINESE_FUNCTION.split(text))


def _is_elliptical(question: str, text: str, words: Sequence[Word]) -> bool:
    if _ELLIPTICAL.match(question) or _CHINESE_ELLIPTICAL.match(text):
        return True
    content = content_words(text)
    if has_han(text):
        return sum(map(len, content)) <= 2
    lower = [word.lower for word in words]
    is_clause = any(word in _ASKING or word in _AUXILIARIES for word in lower)
    if lower and not is_clause and (lower[0] in _PREPOSITIONS or lower[0] in _SUBORDINATORS):
        return True
    if entities_of(question):
        return False
    return is_clause and len(content) < 2 and not _DEFINITION.match(text)


def _outward_pronouns(text: str, words: Sequence[Word]) -> list[Word]:
    """Return the pronouns whose antecedent is not in the text.

    A possessive may stand for what comes before it in its own clause (the firm and its staff);
    another pronoun only for what an earlier clause or a phrase inside a phrase names (binding
    theory, principle B). In a fronted phrase it may stand for a name that follows.
    """
    expletives = [range(*found.span()) for found in _EXPLETIVE.finditer(text)]
    named = {name.start for name in names_of(text)}
    fronted = _end_of_fronted_phrase(words, named)
    found: list[Word] = []
    in_clause = in_phrase = before_clause = False
    for i, word in enumerate(words):
        previous = words[i - 1] if i else None
        following = words[i + 1] if i + 1 < len(words) else None
        is_pronoun = _is_pronoun(word, previous, following)
        if _starts_clause(word, previous):
            before_clause, in_clause, in_phrase = before_clause or in_clause, False, False
        if is_pronoun and not any(word.start in span for span in expletives):
            has_antecedent = before_clause or (
                in_clause if word.lower in _POSSESSIVE else in_phrase
            )
            if not has_antecedent and i >= fronted:
                found.append(word)
        elif word.start in named or _is_noun(word, previous, following):
            in_clause = True
            in_phrase = in_phrase or (i > 1 and words[i - 2].lower in _PREPOSITIONS)
    return found


def _end_of_fronted_phrase(words: Sequence[Word], named: Collection[int]) -> int:
    """Return where "After its reopening, what did Acme show" goes on; 0 without such a phrase."""
    if not words or words[0].lower not in _PREPOSITIONS | _SUBORDINATORS:
        return 0
    commas = [i for i, word in enumerate(words) if word.text == ","][:1]
    return sum(i for i in commas if any(word.start in named for word in words[i:]))


def _starts_clause(word: Word, previous: Word | None) -> bool:
    if word.kind == "mark":
        return word.text in ",;:.?!"
    # Right after a noun or verb a subject opens a clause of its own: laws they think are unfair.
    is_subject = word.lower in ("he", "she", "they", "it")
    return word.lower in _CLAUSE_STARTS or (
        is_subject and previous is not None and previous.is_content
    )


def _is_noun(word: Word, previous: Word | None, following: Word | None) -> bool:
    """Whether the word may be what a pronoun stands for; "who" is, before a verb."""
    if word.lower == "who":
        return previous is None and following is not None and following.is_content
    if not word.is_content or previous is None:
        return False
    return previous.is_content or previous.lower in _BEFORE_NOUN


def _is_pronoun(word: Word, previous: Word | None, following: Word | None) -> bool:
    """Whether the word stands for something else, by itself and its neighbours."""
    is_last = following is None or following.kind == "mark"
    lower = word.lower
    if lower in _PRONOUNS or lower in _ADDITIVE:
        return not (word.text.isupper() and len(word.text) > 1)  # IT
    if lower in _DEMONSTRATIVES:
        return following is None or following.lower not in (_TIMES | {"who", "that"})
    if lower == "that":
        is_first = previous is None or previous.kind == "mark"
        leads = previous is not None and (
            previous.lower in _OPENING_AUXILIARIES or previous.lower in _PREPOSITIONS
        )
        return is_first or is_last or leads
    if lower in _PRO_FORMS:
        return is_last and previous is not None and previous.lower not in _AUXILIARIES
    return False
