#!/usr/bin/env python3
"""Print which share of true and of false sentences the check of citations flags, kind by kind.

    scripts/check_support.py SET [SET ...] [--count 60] [--half tune|report] [--json]

SET holds corpus.jsonl ({_id, title, text}), queries.jsonl ({_id, text}) and answers.jsonl
({query_id, corpus_id, answers}); paragraphs of one title are an article. From it pairs of a
sentence and a passage are made, the same every time:

- true: a sentence of the paragraph as it stands, without one of its clauses, reordered, in other
  words, with its numbers spelled otherwise; a question and its gold answer made into a statement;
- false: such a sentence with a number or name changed for another of its kind, from another
  article or from the same paragraph; such a statement with another answer of the article; such a
  sentence with another paragraph of its article.

Half of the articles is for tuning, the other half for reporting. The table says for each kind and
language how many were flagged; the check is as good as it flags few true and most false ones.
With --misses the pairs that were judged wrongly follow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import regex

from filesearch.adapters import make_embedder
from filesearch.config import Settings
from filesearch.sentences import sentence_spans
from filesearch.support import check_supports

HAN = regex.compile(r"\p{Script=Han}")
NUMBER = regex.compile(
    r"(?<![\p{L}\d.,:-])(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\d\p{Latin}:]|[.,:-]\d)"
)
NAME = regex.compile(
    r"(?<=[\p{Ll},;)] )(?!(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December|The|This|In|I)\b)\p{Lu}\p{Ll}{2,}(?:(?: of)? \p{Lu}\p{Ll}{2,})*"
)
HAN_NAME = regex.compile(r"《[^》]{2,12}》|(?<!\p{L})\p{Lu}\p{Latin}{2,}(?: \p{Lu}\p{Latin}+)*")
SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
HAN_DIGITS = "零一二三四五六七八九"
WORDS = dict(
    line.split("/")
    for line in (
        "approximately/about|However/Still|in order to/to|a number of/several|such as/like|"
        "located/situated|began/started|many/numerous|large/big|because of/due to|although/though|"
        "often/frequently|was the first/became the first|during/in|known as/called|"
        "primarily/mainly|as well as/and|created/made|established/founded|main/chief|"
        "以及/和|並且/而且|因此/所以|位於/在|位于/在|但是/不過|由於/因為|由于/因为|成為/變成|成为/变成|"
        "大約/約|大约/约|主要/主要是|之後/後|建立/設立|目前/現在|並/而|開始/起|认为/觉得|使用/用"
    ).split("|")
)


@dataclass(frozen=True)
class Pair:
    """A sentence, the passage that is cited for it, and whether it truly supports it."""

    kind: str
    language: str
    is_true: bool
    sentence: str
    passage: str


@dataclass
class Article:
    """The paragraphs of a title, and their questions with an answer."""

    title: str
    paragraphs: list[str]
    asked: list[tuple[int, str, str]]


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def read_articles(folder: Path) -> list[Article]:
    articles: dict[str, Article] = {}
    place: dict[str, tuple[Article, int]] = {}
    for document in read_lines(folder / "corpus.jsonl"):
        article = articles.setdefault(document["title"], Article(document["title"], [], []))
        place[document["_id"]] = article, len(article.paragraphs)
        article.paragraphs.append(document["text"])
    texts = {query["_id"]: query["text"] for query in read_lines(folder / "queries.jsonl")}
    for answer in read_lines(folder / "answers.jsonl"):
        if answer.get("is_impossible") or answer["corpus_id"] not in place:
            continue
        article, number = place[answer["corpus_id"]]
        article.asked.append((number, texts[answer["query_id"]], answer["answers"][0]))
    return list(articles.values())


def half_of(title: str) -> str:
    return ("tune", "report")[hashlib.sha256(title.encode()).digest()[0] % 2]


def sentences_of(text: str) -> list[str]:
    """Return the sentences that say enough to be cited."""
    found = [" ".join(text[start:end].split()) for start, end in sentence_spans(text)]
    least = 15 if HAN.search(text) else 60
    return [sentence for sentence in found if least <= len(sentence) <= 300]


def drop_clause(sentence: str, rng: random.Random) -> str:
    """Leave out what stands in brackets, between two commas, or after the last comma."""
    bare = regex.sub(r"\s?[(（][^()（）]*[)）]", "", sentence)
    if bare != sentence:
        return bare
    comma = "，" if HAN.search(sentence) else ", "
    parts = sentence.rstrip(".。").split(comma)
    if len(parts) < 2 or (comma == ", " and max(map(len, parts)) < 40):
        return sentence
    del parts[rng.randrange(1, len(parts))]
    return comma.join(parts) + sentence[-1]


def reorder(sentence: str, rng: random.Random) -> str:
    """Move what stands before the first comma to the end, or the last phrase to the front."""
    if HAN.search(sentence):
        head, comma, rest = sentence.rstrip("。").partition("，")
        return f"{rest}，{head}。" if comma else sentence
    found = regex.fullmatch(
        r"((?:In|On|By|At|After|During|For|From|With|Since) [^,]{3,40}), (.+)\.", sentence
    )
    if found:
        return f"{found[2][0].upper()}{found[2][1:]} {found[1][0].lower()}{found[1][1:]}."
    found = regex.fullmatch(r"(.{20,}) ((?:in|on|by|at|after|during) [^,]{3,40})\.", sentence)
    if found:
        return f"{found[2][0].upper()}{found[2][1:]}, {found[1]}."
    return sentence


def reword(sentence: str, rng: random.Random) -> str:
    for old, new in WORDS.items():
        edge = "" if HAN.search(old) else r"\b"
        sentence = regex.sub(edge + regex.escape(old.strip()) + edge, new.strip(), sentence)
    return sentence


def respell(sentence: str, rng: random.Random) -> str:
    """Spell numbers otherwise."""
    is_chinese = HAN.search(sentence) is not None
    small = "|".join(SMALL[2:])

    def one(found: regex.Match[str]) -> str:
        digits = found.group().replace(",", "")
        value = int(digits) if digits.isdigit() else -1
        if is_chinese and len(digits) == 4 and value > 0 and sentence[found.end() :][:1] == "年":
            return "".join(("〇" + HAN_DIGITS[1:])[int(d)] for d in digits)
        if is_chinese and 2 <= value < 10:
            return HAN_DIGITS[value]
        if is_chinese and 11 <= value < 20:
            return f"十{HAN_DIGITS[value - 10]}"
        if not is_chinese and 2 <= value <= 12:
            return SMALL[value]
        return digits if "," in found.group() or value < 10_000 else f"{value:,}"

    changed = NUMBER.sub(one, sentence)
    changed = regex.sub(r"(\d)%", r"\1 percent", changed) if not is_chinese else changed
    if changed == sentence and not is_chinese:
        changed = regex.sub(rf"\b({small})\b", lambda m: str(SMALL.index(m[1])), changed)
        changed = regex.sub(
            r"(\d+) (January|March|April|June|July|August|October|November|December) (\d{4})",
            r"\2 \1, \3", changed)  # fmt: skip
    return changed


def state(question: str, answer: str) -> str:
    """Make a question and its answer into a statement; empty where no rule fits."""
    question, answer = question.strip(" ?？。"), answer.strip(" .。")
    if HAN.search(question):
        asking = (
            r"(?:是)?(?:什[麼么]時候|什么时候"
            r"|哪一?[年個个位座種种家間间國国]|何[時时]|多少|幾|几|[誰谁]|什[麼么]|何)"
        )
        if len(regex.findall(asking, question)) != 1:
            return ""
        return (
            regex.sub(asking, lambda m: ("是" if m[0].startswith("是") else "") + answer, question)
            + "。"
        )
    rules = [
        (r"(?:Who|What|Which [\w ]{3,20}) ((?:is|was|were|are|has|had|did not|wrote|led"
         r"|founded|made|became|won|used|caused|invented|discovered|\w+ed|\w+s) .+)", "{a} {0}."),
        (r"How many (.+?) (are|were|was|is|did|do|does|have|has"
         r"|had) (.+)", "There {1} {a} {0} {2}."),
        (r"(?:When|In (?:what|which) year) (?:did|does) (.+?)", "{0} in {a}."),
        (r"(?:When|In (?:what|which) year) (was|were|is) ((?:the "
         r"|an? )?[\w'’-]+(?: [\w'’-]+)?) (.+)", "{1} {0} {2} in {a}."),
        (r"Where (?:did|does|do) (.+?)", "{0} in {a}."),
        (r"Where (is|was|are|were) (.+?)", "{1} {0} in {a}."),
        (r"What (?:did|does|do) (.+?)", "{0} {a}."),
    ]  # fmt: skip
    for pattern, form in rules:
        found = regex.fullmatch(pattern, question)
        if found:
            text = form.format(*found.groups(), a=answer)
            return text[0].upper() + text[1:]
    return ""


TRUE_KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda sentence, rng: sentence,
    "clause dropped": drop_clause,
    "reordered": reorder,
    "reworded": reword,
    "number respelled": respell,
}


def vary(sentence: str, rng: random.Random) -> str:
    """Return a true sentence of any kind."""
    return rng.choice(list(TRUE_KINDS.values()))(sentence, rng)


def shape_of(number: str, after: str) -> str:
    """What a number counts, as far as its neighbours tell: only like is changed for like."""
    is_year = number.isdigit() and len(number) == 4
    unit = after[:1] if HAN.match(after[:1]) or after[:1] == "%" else ""
    return "year" if is_year else unit or ("decimal" if "." in number else "whole")


def numbers_in(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, shape) of each number."""
    return [
        (*found.span(), shape_of(found.group(), text[found.end() :].lstrip()))
        for found in NUMBER.finditer(text)
    ]


def names_in(text: str) -> list[tuple[int, int]]:
    pattern = HAN_NAME if HAN.search(text) else NAME
    return [found.span() for found in pattern.finditer(text)]


def change_number(sentence: str, others: str, rng: random.Random) -> str:
    """Put a number of `others` in the place of one like it; empty where there is none."""
    own = numbers_in(sentence)
    rng.shuffle(own)
    for start, end, shape in own:
        ours = {sentence[a:b].replace(",", "") for a, b, _ in own}
        found = sorted({others[a:b] for a, b, s in numbers_in(others) if s == shape})
        found = [number for number in found if number.replace(",", "") not in ours]
        if found:
            return sentence[:start] + rng.choice(found) + sentence[end:]
    return ""


def change_name(sentence: str, others: list[str], rng: random.Random) -> str:
    """Put one of `others` in the place of a name; empty where there is none."""
    own = names_in(sentence)
    rng.shuffle(own)
    for start, end in own:
        words = set(sentence.split())
        found = [name for name in others if not words & set(name.split()) and name not in sentence]
        if found:
            return sentence[:start] + rng.choice(found) + sentence[end:]
    return ""


def answer_shape(answer: str) -> str:
    if NUMBER.search(answer):
        return shape_of(NUMBER.search(answer).group(), "") if len(answer) <= 24 else ""  # type: ignore[union-attr]
    if HAN.search(answer):
        return "han" if 2 <= len(answer) <= 6 else ""
    return "name" if answer[:1].isupper() and len(answer.split()) <= 3 else ""


def draw_pairs(articles: list[Article], rng: random.Random) -> Iterator[Pair]:
    """Yield pairs without end."""
    while True:
        article, foreign = rng.choice(articles), rng.choice(articles)
        number = rng.randrange(len(article.paragraphs))
        passage = article.paragraphs[number]
        language = "zh" if HAN.search(passage) else "en"
        other = " ".join(foreign.paragraphs[:20]) if foreign is not article else ""
        sentences = sentences_of(passage)
        if not sentences:
            continue
        sentence = rng.choice(sentences)
        for kind, change in TRUE_KINDS.items():
            changed = change(sentence, rng)
            if kind == "verbatim" or changed != sentence:
                yield Pair(kind, language, True, changed, passage)
        varied = vary(sentence, rng)
        changes = {
            "number of another article": change_number(varied, other, rng),
            "number of the passage": change_number(varied, passage, rng),
            "name of another article": change_name(
                varied, sorted({other[a:b] for a, b in names_in(other)}), rng
            ),
            "name of the passage": change_name(
                varied, sorted({passage[a:b] for a, b in names_in(passage)}), rng
            ),
        }
        rest = [text for i, text in enumerate(article.paragraphs) if i != number]
        if rest:
            yield Pair("passage of the article", language, False, varied, rng.choice(rest))
        for kind, changed in changes.items():
            if changed:
                yield Pair(kind, language, False, changed, passage)
        yield from statement_pairs(article, language, rng)


def statement_pairs(article: Article, language: str, rng: random.Random) -> Iterator[Pair]:
    if not article.asked:
        return
    number, question, answer = rng.choice(article.asked)
    passage = article.paragraphs[number]
    statement = state(question, answer)
    if not statement:
        return
    yield Pair("statement", language, True, statement, passage)
    shape = answer_shape(answer)
    wrong = sorted(
        {a for _, _, a in article.asked if shape and answer_shape(a) == shape
         and a not in answer and answer not in a and a not in question}
    )  # fmt: skip
    if wrong:
        yield Pair("another answer", language, False, state(question, rng.choice(wrong)), passage)


def make_pairs(articles: list[Article], count: int, seed: int) -> list[Pair]:
    """Return up to `count` pairs of each kind; kinds that do not occur are left out."""
    made: dict[str, list[Pair]] = defaultdict(list)
    draws = draw_pairs(articles, random.Random(seed))
    for _, pair in zip(range(60 * count), draws, strict=False):
        if len(made[pair.kind]) < count and pair not in made[pair.kind]:
            made[pair.kind].append(pair)
    return [pair for pairs in made.values() for pair in pairs]


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sets", type=Path, nargs="+", help="folders of judged sets")
    parser.add_argument("--count", type=int, default=60, help="pairs of a kind from a set [60]")
    parser.add_argument("--seed", type=int, default=1, help="of the draw [1]")
    parser.add_argument("--half", choices=["tune", "report"], default="report")
    parser.add_argument("--no-embedder", action="store_true", help="go by words alone")
    parser.add_argument("--misses", action="store_true", help="print pairs judged wrongly")
    parser.add_argument("--json", action="store_true", help="print an object")
    options = parser.parse_args()
    pairs = []
    for folder in options.sets:
        if not (folder / "answers.jsonl").is_file():
            parser.error(f"no answers.jsonl in '{folder}'")
        articles = [a for a in read_articles(folder) if half_of(a.title) == options.half]
        pairs += make_pairs(articles, options.count, options.seed)
    embedder = None if options.no_embedder else make_embedder(Settings().embedder)
    supports = check_supports([(p.sentence, p.passage) for p in pairs], embedder=embedder)
    flagged: dict[tuple[bool, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for pair, support in zip(pairs, supports, strict=True):
        for kind in (pair.kind, "all"):
            for language in (pair.language, "all"):
                flagged[pair.is_true, kind][language].append(not support.is_supported)
    rows = [
        {"is_true": is_true, "kind": kind, "language": language, "pairs": len(found),
         "flagged": sum(found)}
        for (is_true, kind), by_language in flagged.items()
        for language, found in sorted(by_language.items())
    ]  # fmt: skip
    if options.json:
        print(json.dumps({"half": options.half, "rows": rows}, ensure_ascii=False, indent=1))
        return 0
    print_table(flagged)
    if options.misses:
        for pair, support in zip(pairs, supports, strict=True):
            if support.is_supported != pair.is_true:
                print(json.dumps({**asdict(pair), **asdict(support)}, ensure_ascii=False))
    return 0


def print_table(flagged: dict[tuple[bool, str], dict[str, list[bool]]]) -> None:
    languages = [k for k in ("en", "zh", "all") if any(k in row for row in flagged.values())]
    print("| flagged | " + " | ".join(languages) + " |")
    print("|---|" + "---|" * len(languages))
    order = sorted(flagged, key=lambda key: (not key[0], key[1] == "all"))
    for is_true, kind in order:
        cells = []
        for language in languages:
            found = flagged[is_true, kind].get(language, [])
            share = f"{sum(found) / len(found):.3f}" if found else "-"
            cells.append(f"{share} ({sum(found)} of {len(found)})" if found else share)
        print(f"| {'true' if is_true else 'false'}: {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    sys.exit(main())
