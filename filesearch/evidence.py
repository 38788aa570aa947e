"""Evidence: what speaks for and against a passage saying what a sentence says, besides its topic.

sentence, quote -> words that stand in another's place, names that have nothing to do with the
quote. Used by `support`. Pure rules for English and Chinese.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, takewhile
from typing import TypeAlias

import regex

from filesearch.figures import Figure, figures_of
from filesearch.names import LATIN_WORD, PassageNames, bare_word, is_same_name, names_in
from filesearch.patterns import lazy_pattern
from filesearch.terms import extract_terms
from filesearch.wording import HAN, has_han, is_function_word, words_of


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    key: str
    is_name: bool
    is_content: bool
    figure: Figure | None = None


# Words that must agree around a place where another name or number stands.
_MIN_CONTEXT = 3
_MAX_REPLACED = 6


def replaced_words(sentence: str, quote: str, passage: str, language: str = "en") -> list[str]:
    """Return the names and numbers of `sentence` where `quote` has others in the same place.

    "Tesla moved to Graz in 1880" against "In 1880 Tesla moved to Prague" gives Graz. The words
    around the place must agree; the two sentences need not.
    """
    if has_han(sentence):
        return _replaced_han(sentence, quote, passage)
    ours, theirs = _tokens(sentence, language), _tokens(quote, language)
    keys, their_keys = [t.key for t in ours], [t.key for t in theirs]
    counts, their_counts = Counter(keys), Counter(their_keys)
    found = []
    codes = SequenceMatcher(None, keys, their_keys, autojunk=False).get_opcodes()
    for position, (code, i1, i2, j1, j2) in enumerate(codes):
        if code == "insert" and _is_joined(theirs, i1, j1, j2, ours):
            found.append(ours[i1].text)
        if code != "replace" or i2 - i1 > _MAX_REPLACED:
            continue
        if _agreement(codes, position, ours) < _MIN_CONTEXT:
            continue
        new = [_run_of_names(ours[i1:i2], step) for step in (1, -1)]
        gone = [_run_of_names(theirs[j1:j2], step) for step in (1, -1)]
        for side in (0, 1):
            beside = position + (-1, 1)[side]
            if not 0 <= beside < len(codes) or codes[beside][0] != "equal":
                continue
            ours_only = [t for t in new[side] if counts[t.key] > their_counts[t.key]]
            theirs_only = [t for t in gone[side] if their_counts[t.key] > counts[t.key]]
            ours_only = [
                t for t in ours_only if not any(_is_same_token(t, other) for other in theirs)
            ]
            if theirs_only:
                found += [t.text for t in ours_only]
    return found


def _is_same_token(ours: _Token, theirs: _Token) -> bool:
    if ours.figure and theirs.figure:
        return ours.figure.is_same(theirs.figure)
    return is_same_name(ours.key, theirs.key)


def _is_joined(theirs: Sequence[_Token], i: int, j1: int, j2: int, ours: Sequence[_Token]) -> bool:
    """Whether leaving out theirs[j1:j2] gives one thing what the quote says of another.

    "Stoneware is fired on Fridays, porcelain on Tuesdays" without "Fridays, porcelain on".
    """
    if not 0 < j1 < j2 < len(theirs) or i >= len(ours) or not ours[i].is_name:
        return False
    left_out = theirs[j1:j2]
    return (
        left_out[0].is_name
        and left_out[-1].key == theirs[j1 - 1].key
        and any(token.is_content and not token.is_name for token in left_out)
        and not {token.key for token in left_out[:-1]} & {token.key for token in ours}
    )


def _run_of_names(tokens: Sequence[_Token], step: int) -> list[_Token]:
    """Return the names and numbers that `tokens` begin with, or end with where `step` is -1."""
    return list(takewhile(lambda token: token.is_name, tokens[::step]))


def _agreement(codes: Sequence[_Code], position: int, ours: Sequence[_Token]) -> int:
    """Return how many words before and after a replacement agree; an end of both counts as one."""
    total = 0
    for step in (-1, 1):
        beside = position + step
        if not 0 <= beside < len(codes):
            total += 1
        elif codes[beside][0] == "equal":
            _, i1, i2, _, _ = codes[beside]
            total += i2 - i1 + any(t.is_content for t in ours[i1:i2])
    return total


def _tokens(text: str, language: str) -> list[_Token]:
    opening, tokens, past = True, [], 0
    figures = {figure.start: figure for figure in figures_of(text, language=language)}
    for word in words_of(text.translate(dict.fromkeys(map(ord, '"“”'), " "))):
        if word.start < past or (word.kind == "mark" and word.start not in figures):
            opening = opening or word.text in ".!?"
            continue
        figure = figures.get(word.start)
        if figure:
            past = figure.end
            is_name = not figure.is_weak or figure.text[0].isupper()
            key = f"{figure.value:g}" + figure.unit * (figure.unit == "weekday")
            tokens.append(_Token(figure.text, key, is_name, True, figure))
        else:
            is_name = word.text[0].isupper() or any(c.isdigit() for c in word.text)
            if language == "de":
                # Every noun has a capital; a name mostly has no article.
                is_name = is_name and _may_be_german_name(tokens[-1:])
            if is_function_word(word.lower, language):
                is_name = not opening and len(word.text) > 1 and word.text.isupper()
            bare = bare_word(word.lower)
            key = (extract_terms(bare) or [bare])[0]
            tokens.append(_Token(word.text, key, is_name, word.is_content))
        opening = False
    return tokens


_BEFORE_GERMAN_NAMES = frozenset("in nach aus von bei durch und oder".split())


def _may_be_german_name(before: Sequence[_Token]) -> bool:
    return any(
        (token.is_name and not token.figure) or token.text.lower() in _BEFORE_GERMAN_NAMES
        for token in before
    )


def has_other_rank(sentence: str, quote: str, language: str = "en") -> bool:
    """Return whether `quote` has another ordinal before a word: "the first floor", the second.

    Never where it has the number elsewhere: "its first edition in 1989, its second in 1999".
    """
    ours, theirs = _ranks(sentence, language), _ranks(quote, language)
    held = {figure.value for figure in figures_of(quote, language=language)}
    return any(word in theirs and not ranks & held for word, ranks in ours.items())


def _ranks(text: str, language: str) -> dict[str, set[float]]:
    """Return for each word right after an ordinal which ordinals these are."""
    found: dict[str, set[float]] = {}
    for figure in figures_of(text, language=language):
        following = _NEXT_WORD.match(text, figure.end) if figure.is_ordinal else None
        if following and not is_function_word(following[1].lower(), language):
            found.setdefault(extract_terms(following[1])[0], set()).add(figure.value)
    return found


_NEXT_WORD = lazy_pattern(r"\s(\p{Latin}{2,})")


_MIN_HAN_CONTEXT = 2
_MAX_HAN_REPLACED = 12
_MIN_HAN_NAME = 3
# A word of two characters may be a synonym; one that ends so, or is one of these, is a name.
_HAN_NAME_END = lazy_pattern(
    r"[国國州市省县縣區镇鎮村岛島湖江河山人族语語寺港宗帝王]$|^(?:日本|印度|香港|台湾|臺灣|北京|上海|南京|台北|臺北|东京|東京|伦敦|倫敦|巴黎|纽约|紐約)$"
)
# Characters that foreign names are mostly written with.
_TRANSLITERATED = lazy_pattern(
    "[亚亞尼利巴斯克拉马馬德罗羅特尔爾布兰蘭维維奥奧阿卡萨薩伊埃卢盧索洛莱萊哈诺諾西米贝貝瓦费費塔达達莫乌烏比加肯里塞欧歐曼伦倫朗普科森"
    "莎娜迪佛弗顿頓日智英法意美韩韓]{2,}"
)
_PLAIN = lazy_pattern(r"\d+(?:\.\d+)?(?:e\+\d+)?")
# Larger numbers are no years and may be rounded by this share.
_LAST_YEAR = 2100
_ABOUT = 0.05
_TITLE = lazy_pattern(r"《[^》]{1,40}》")
_BRACKETED = lazy_pattern(r"[(（][^()（）]{0,60}[)）]")
_HAN_LIGHT = lazy_pattern(
    r"的?(?:时候|時候)|需要|才能|可以|能[够夠]|可能|必[须須]|因[为為此]|由[于於]|所以|不[过過]|但是?|然而|目前|[现現]在|而且|[并並]且?|以及|[虽雖]然|同[时時]|其中|[为為]了|当时|當時|[后後]来|後來"
    r"|[大]?[约約]|认为|認為|觉得|覺得|正式|主要|成[为為]|[变變]成|[举舉]行|[该該此其于於在和及与與之的了是有也又而即就都]"
)
_HAN_TOKEN = lazy_pattern(rf"《[^》]{{1,40}}》|[{HAN}]|\p{{Latin}}[\p{{Latin}}\p{{N}}'’.&-]*|\S")


def _replaced_han(sentence: str, quote: str, passage: str) -> list[str]:
    """The same by characters, titles and Latin words; numbers are `figures`' business.

    A synonym mostly shares a character with what it stands for, or is short; a name is neither.
    """
    found = []
    for pattern in (_TITLE, LATIN_WORD):
        new, gone = (Counter(pattern.findall(text)) for text in (sentence, quote))
        if gone - new:
            found += list(new - gone)
    if not _BRACKETED.search(sentence):
        quote = _BRACKETED.sub("", quote)
    ours, theirs = _han_tokens(sentence.rstrip("。！ ")), _han_tokens(quote.rstrip("。！ "))
    flat, their_flat = "".join(ours), "".join(theirs)
    codes = _without_lone_matches(SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes())
    for position, (code, i1, i2, j1, j2) in enumerate(codes):
        if code == "insert" and i1 < len(ours) and ours[i1 - 1] == theirs[j2 - 1]:
            if ours[i1][0] == theirs[j1][0] == "《":
                found.append(ours[i1])
            continue
        if code != "replace" or max(i2 - i1, j2 - j1) > _MAX_HAN_REPLACED:
            continue
        put, lost = "".join(ours[i1:i2]), "".join(theirs[j1:j2])
        if _shares_pair(put, their_flat) or _shares_pair(lost, flat):
            continue
        sides = [codes[k] if 0 <= k < len(codes) else None for k in (position - 1, position + 1)]
        agrees = all(
            side is None or (side[0] == "equal" and side[2] - side[1] >= _MIN_HAN_CONTEXT)
            for side in sides
        )
        is_name = _is_other_name(put, lost, passage) or _is_other_number(put, lost)
        if any(sides) and agrees and is_name:
            found.append(put)
    return found


def _is_other_number(put: str, lost: str) -> bool:
    """Whether both are numbers, and the first does not merely round the second."""
    if not (_PLAIN.fullmatch(put) and _PLAIN.fullmatch(lost)):
        return False
    ours, theirs = float(put), float(lost)
    return ours <= _LAST_YEAR or abs(ours - theirs) > _ABOUT * theirs


def _shares_pair(part: str, text: str) -> bool:
    """Whether two characters in a row stand in `text` as well: the part was moved, not replaced."""
    runs = regex.findall(rf"[{HAN}]{{2,}}", _HAN_LIGHT.sub(" ", part))
    return any(run[i : i + 2] in text for run in runs for i in range(len(run) - 1))


_Code: TypeAlias = tuple[str, int, int, int, int]


def _without_lone_matches(codes: Sequence[_Code]) -> list[_Code]:
    """Return the operations with single characters that agree by chance taken as replaced."""
    merged: list[_Code] = []
    for position, code in enumerate(codes):
        is_lone = code[0] == "equal" and code[2] - code[1] == 1 and 0 < position < len(codes) - 1
        kind = "replace" if is_lone or code[0] != "equal" else "equal"
        if kind == "replace" and merged and merged[-1][0] != "equal":
            _, i1, _, j1, _ = merged.pop()
            merged.append(("replace", i1, code[2], j1, code[4]))
        else:
            merged.append((code[0] if kind == "replace" and not is_lone else kind, *code[1:]))
    return merged


def _han_tokens(text: str) -> list[str]:
    figures = {figure.start: figure for figure in figures_of(text)}
    tokens, past = [], 0
    for found in _HAN_TOKEN.finditer(text):
        if found.start() < past:
            continue
        figure = figures.get(found.start())
        past = figure.end if figure else found.end()
        is_number = figure is not None and figure.unit != "weekday"
        tokens.append(f"{figure.value:g}" if figure and is_number else text[found.start() : past])
    return tokens


def _is_other_name(new: str, gone: str, passage: str) -> bool:
    if any(all(pattern.search(t) for t in (new, gone)) for pattern in (_TITLE, LATIN_WORD)):
        return True
    new, gone = ("".join(c for c in _HAN_LIGHT.sub("", t) if has_han(c)) for t in (new, gone))
    if min(len(new), len(gone)) < 2:
        return False
    if all(_TRANSLITERATED.fullmatch(text) for text in (new, gone)):
        return True
    if set(new) & set(gone):
        return False
    both_long = min(len(new), len(gone)) >= _MIN_HAN_NAME
    return both_long or new in passage or any(_HAN_NAME_END.search(t) for t in (new, gone))


def strange_names(
    sentence: str, quote: str, passage: PassageNames, language: str = "en"
) -> list[str]:
    """Return what may be a name that has nothing to do with the quote: a doubt, no proof.

    Names that stand elsewhere in the passage while the quote has others; a first word that the
    passage does not know; in Chinese, runs of characters that the quote does not have.
    """
    if has_han(sentence):
        return _strange_han(sentence, quote)
    held, ours = PassageNames(quote), PassageNames(sentence)
    names = names_in(sentence, language)
    found = []
    if any(not ours.hold(name.text) for name in names_in(quote, language)):
        found += [name.text for name in names if not held.hold(name.text)]
    first = next((word for word in words_of(sentence) if word.kind == "word"), None)
    if language == "de" or first is None or is_function_word(first.lower, language):
        return found
    if not any(name.start <= first.start < name.end for name in names):
        is_word = first.is_content and first.text[0].isupper() and first.text.isalpha()
        if is_word and not passage.hold(first.text) and not _ENDS_AS_NOUN.search(first.lower):
            found.append(first.text)
    return found


_ENDS_AS_NOUN = lazy_pattern(r"(?:[^su]s|ion|ment|ness|ity|ing|ance|ence|ly|ed)$")


def _strange_han(sentence: str, quote: str) -> list[str]:
    for figure in figures_of(sentence):
        gap = " " * (figure.past - figure.start)
        sentence = sentence[: figure.start] + gap + sentence[figure.past :]
    bare = _HAN_LIGHT.sub(lambda found: " " * len(found.group()), sentence)
    found = []
    for run in regex.findall(rf"[{HAN}]{{{_MIN_HAN_NAME},}}", bare):
        known = [run[i : i + 2] in quote for i in range(len(run) - 1)]
        for is_known, group in groupby(known):
            if not is_known and sum(1 for _ in group) >= _MIN_HAN_NAME:
                found.append(run)
    return found
