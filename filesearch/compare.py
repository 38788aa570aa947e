"""Compare: a question that holds things against each other -> a query for each of them.

    Who is older, Sid Haig or Vic Darchinyan?   Who is older, Sid Haig? Who is older, Vic ...?
    difference between lease and licence        lease; licence
    苹果和三星哪个更贵？                          苹果哪个更贵？ 三星哪个更贵？

A step of `decompose`. Names joined by "and" are taken one by one only where the question says so
(both, either, differ, a plural verb): Johnson and Johnson, Bosnia and Herzegovina are one thing.
Pure, English and Chinese, linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from filesearch.patterns import lazy_pattern
from filesearch.wording import (
    ASKING,
    AUXILIARY,
    FUNCTION_WORDS,
    HAN,
    Name,
    entities_of,
    has_han,
    is_question,
)

# Characters of a Chinese question that is looked at; longer ones tell a story.
MAX_CHINESE = 200

_OPENS_ASKING = lazy_pattern(rf"\W*{ASKING}\b", regex.IGNORECASE)
_OPENS_YES_NO = lazy_pattern(rf"\W*(?:{AUXILIARY}|between|(?:which )?of)\b", regex.IGNORECASE)
_ENDS = lazy_pattern(r"(?:\s+[\p{Ll}’'-]{1,30}){0,2}\W*(?:$|[.?!]\s)")
# Between two joined names: "A and B", "A, B", "A or the birth of B".
_JOIN = r"(?P<join>(?i:and|or|nor|versus|vs\.?))\s+"
_LINK = lazy_pattern(
    rf"(?P<trail>(?:\s+[\p{{Ll}}’'-]{{1,30}}){{0,2}}?)(?:\s*(?P<comma>,)\s*(?:{_JOIN})?|\s+{_JOIN})"
    r"(?:(?i:both|either|the|an|a) )?(?P<lead>(?:[\p{Ll}’'-]{1,30}\s+){0,3})"
)
# With one of these, names joined by "and" are taken one by one.
_DISTRIBUTIVE = lazy_pattern(
    r"\b(?:both|either|neither|each|respective(?:ly)?|same|different|differ|differences?|differs"
    r"|compar\w+|contrast|similar\w*|in common|versus|vs|share)\b|^\W*between\b",
    regex.IGNORECASE,
)
# As the subject of a yes-or-no question two names take a plural verb, when they are not one name.
_PLURAL_SUBJECT = lazy_pattern(r"\W*(?:are|were|do|have)\s+(?:the )?", regex.IGNORECASE)
_SUBJECT = lazy_pattern(rf"\W*{AUXILIARY}\s+(?:the )?", regex.IGNORECASE)
# Right before the second of two names, this holds them against each other.
_AGAINST = lazy_pattern(
    r"\b(?:than|compar\w+ (?:to|with)|differ\w* (?:from|to|than)|versus|vs\.?|similar to"
    r"|(?:same|as (?!well)\w+) as)\s+(?:the |an? )?$",
    regex.IGNORECASE,
)
_HOW_RELATED = lazy_pattern(
    r"^\W*how\b.*\b(?:related|connected|differ|compare|alike|similar|linked)\W*$", regex.IGNORECASE
)
_DROPPED = lazy_pattern(r"\b(?:both|either|neither|respectively|respective)\s+", regex.IGNORECASE)
# The same of things without capitals.
_PAIR = lazy_pattern(
    r"\b(?:differences?|distinctions?|comparison|similarities)\s+between\s+"
    r"(?P<a>[^,.;:?!\n]{2,80}?)\s+(?:and|versus|vs\.?)\s+(?P<b>[^,.;:?!\n]{2,80})"
    r"|^\W*(?:compare|contrast)\s+(?P<a>[^,.;:?!\n]{2,80}?)\s+(?:and|with|to|against|versus|vs\.?)\s+"
    r"(?P<b>[^,.;:?!\n]{2,80})"
    r"|^\W*(?P<a>(?:[^\s,.;:?!]{1,40}\s+){1,4}?)(?:versus|vs\.?)\s+(?P<b>[^,.;:?!\n]{2,80})",
    regex.IGNORECASE,
)
# What follows belongs to both of a pair.
_ASPECT = lazy_pattern(
    r"\s+(?=(?:on|in|for|under|within|by|when|while|if|with (?:respect|regard) to|regarding"
    r"|concerning)\s)",
    regex.IGNORECASE,
)

# A and B are whole only where a clause begins before and the comparison follows at once.
_CHINESE_ITEM = rf"[{HAN}\w《》「」“”·.\- --哪誰谁什甚何怎]{{1,30}}?"
_CHINESE_JOIN = (
    r"(?:(?<![共总總饱飽温溫])和(?![平谐諧睦解气氣])|(?<![参參给給赋賦])[与與]|跟|以及|[还還]是"
    r"|vs\.?|VS)"
)
_CHINESE_PAIR = lazy_pattern(
    rf"(?V1)(?:^|[，,。：:；;\s])(?P<a>{_CHINESE_ITEM})\s*{_CHINESE_JOIN}\s*(?P<b>{_CHINESE_ITEM})"
    r"(?P<rest>[，,]?(?:(?:哪一?[个個家种種款位座部本所国國]|[谁誰]|何者|孰)[^，,。？?]{0,12}?"
    r"(?:更|[较較]|最|先|早|晚|大|小|高|低|多|少|好|快|慢|[长長]|[远遠]|[强強])"
    r"|(?:之[间間])?(?:的|有|有什[么麼]|有何|有哪些)(?:主要)?(?:[区區][别別]|差[异異别別]|不同|[异異]同|共同[点點])"
    r"|更|比[较較]|相比(?![鄰邻])|分[别別]|都|各自)[^\n]{0,80})"
)
_CHINESE_COMPARE = lazy_pattern(
    rf"(?V1)^\W*(?:[请請])?(?:比[较較]|[对對]比)(?:一下)?(?P<a>{_CHINESE_ITEM}){_CHINESE_JOIN}"
    rf"(?P<b>{_CHINESE_ITEM})(?P<rest>的[^\n]{{0,60}})?[？?。！!]*\s*$"
)


def compared_parts(question: str) -> list[str]:
    """Return a query for each of the things that `question` compares; empty when it does not."""
    if has_han(question):
        return _chinese_pair(question) if len(question) <= MAX_CHINESE else []
    names = entities_of(question)
    rows = [row for row in _rows(question, names) if _is_split(question, row)]
    if rows:
        # With several rows of one length their items belong together: A and B of X and Y.
        count = len(rows[0].items)
        rows = [row for row in rows if len(row.items) == count]
        return [_DROPPED.sub("", _with_item(question, rows, i)) for i in range(count)]
    return _pair_of_nouns(question) or _pair_of_names(question, names)


@dataclass(frozen=True, slots=True)
class _Row:
    """Names joined to each other: `start` of the first to `end` of the last."""

    items: tuple[str, ...]
    start: int
    end: int
    joins: frozenset[str]


def _rows(question: str, names: Sequence[Name]) -> Iterator[_Row]:
    """Yield rows of two names or more, the last of them joined by a word."""
    i = 0
    while i < len(names):
        row, j = None, i
        items, joins = [names[i].text], set[str]()
        while j + 1 < len(names):
            gap = _LINK.fullmatch(question, names[j].end, names[j + 1].start)
            if not gap or (gap["trail"] and not gap["join"]):
                break
            if any(word in FUNCTION_WORDS for word in gap["trail"].split()):
                break  # a verb: "A is small or made in B"
            j += 1
            items[-1] += gap["trail"]
            joins.add(((gap["comma"] or "") + (gap["join"] or "")).lower())
            items.append(gap["lead"] + names[j].text)
            if gap["join"]:
                row = _Row(tuple(items), names[i].start, names[j].end, frozenset(joins))
        if (
            row
            and len(row.items) == 3
            and row.joins == {",", "or"}
            and _OPENS_ASKING.match(question)
        ):
            # Which singer is American, Mark King or Nick Hexum?
            row = _Row(row.items[1:], names[i + 1].start, row.end, row.joins)
        if row:
            yield _with_head(question, row)
        i = j + 1


def _with_head(question: str, row: _Row) -> _Row:
    """Give the last item the noun that the one before it has too: Leeds shop or York | shop."""
    end = row.end
    for word in row.items[-2].split()[::-1]:
        if question.startswith(f" {word}", end):
            end += len(word) + 1
    items = (*row.items[:-1], row.items[-1] + question[row.end : end])
    return _Row(items, row.start, end, row.joins)


def _is_split(question: str, row: _Row) -> bool:
    """Whether the names of the row are taken one by one rather than as one name or one place."""
    before, after = question[: row.start], question[row.end :]
    joins = {join.strip(",") for join in row.joins}
    if joins & {"nor", "versus", "vs", "vs."}:
        return True
    if "or" in joins and (_ENDS.match(after) or _OPENS_YES_NO.match(before)):
        return True
    return bool(
        _DISTRIBUTIVE.search(before)
        or _DISTRIBUTIVE.search(after)
        or _PLURAL_SUBJECT.fullmatch(before)
        or (len(row.items) > 2 and _SUBJECT.fullmatch(before))
    )


def _with_item(question: str, rows: Sequence[_Row], i: int) -> str:
    text, end = "", 0
    for row in rows:
        text += question[end : row.start] + row.items[i]
        end = row.end
    return text + question[end:]


def _pair_of_nouns(question: str) -> list[str]:
    """Return both sides of "difference between A and B", "compare A with B on C", "A vs B"."""
    found = _PAIR.search(question)
    if not found:
        return []
    a, b = found["a"], found["b"]
    aspect = _ASPECT.search(b)
    shared = b[aspect.end() :] if aspect else ""
    b = b[: aspect.start()] if aspect else b
    tail = b.split()
    if len(a.split()) == 1 and len(tail) == 2:
        a = f"{a} {tail[1]}"  # public and private clouds
    return [f"{a} {shared}", f"{b} {shared}"]


def _pair_of_names(question: str, names: Sequence[Name]) -> list[str]:
    """Return the question with one of its two names each, where they are held against each other.

    "Is the Pro plan cheaper than Team?", "How are Ann Lee and the Tampa draft connected?"
    """
    distinct = list({name.text.casefold(): name for name in names}.values())
    if len(distinct) != 2 or not is_question(question):
        return []
    first, second = distinct
    cue = _AGAINST.search(question, first.end, second.start)
    if cue:
        return [
            question[: cue.start()] + question[second.end :],
            question[: first.start] + question[first.end :],
        ]
    if _HOW_RELATED.search(question):
        return [question[: n.start] + question[n.end :] for n in (second, first)]
    return []


def _chinese_pair(question: str) -> list[str]:
    asks_to_compare = _CHINESE_COMPARE.search(question)
    found = asks_to_compare or _CHINESE_PAIR.search(question)
    if not found:
        return []
    rest = found["rest"] or ""
    before = "" if asks_to_compare else question[: found.start("a")]
    a, b = found["a"].strip(), found["b"].strip()
    if "的" in b and "的" not in a:
        a += b[b.index("的") :]  # 约翰一书和约翰三书的作者
    return [before + item + rest for item in (a, b)]
