"""WordNet: which words may stand for a word, and which are of its kind but mean something else.

Reads the database files of WordNet 3.0 (wndb(5WN); Debian: `apt-get install wordnet-base`).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

_KINDS = ("noun", "verb", "adj", "adv")
_NAMES = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
_WORD = re.compile(r"[a-z]{3,}")
# Pointers of wndb(5WN): what they lead to is related to the word, so it is no contrast to it.
_RELATED = {"@", "@i", "~", "~i", "+", "&", "^", "\\", "<", "*", ">", "$", "="}
_ANTONYM, _HYPERNYMS = "!", ("@",)
MAX_SISTERS = 40


@dataclass
class _Synset:
    words: list[str]
    pointers: list[tuple[str, tuple[str, int]]]


@dataclass
class Relations:
    """Words of one sense each, lower case.

    Attributes:
        same: Word -> words of its most frequent sense.
        contrary: Word -> antonyms.
        sisters: Word -> other words below the same, more general, word.
        related: Word -> words that any of its senses has to do with.
        base: Inflected form -> (word, ending): "s", "ed" or "ing".
    """

    same: dict[str, list[str]] = field(default_factory=dict)
    contrary: dict[str, list[str]] = field(default_factory=dict)
    sisters: dict[str, list[str]] = field(default_factory=dict)
    related: dict[str, set[str]] = field(default_factory=dict)
    base: dict[str, tuple[str, str]] = field(default_factory=dict)
    past: dict[str, str] = field(default_factory=dict)

    def stem(self, word: str) -> tuple[str, str]:
        """Return the word without its inflection, and the ending that brings it back."""
        low = word.lower()
        if low in self.base:
            return self.base[low]
        if low in self.same:
            return low, ""
        for suffix, ending in (("ies", "s"), ("es", "s"), ("s", "s"), ("ed", "ed"), ("ing", "ing")):
            if low.endswith(suffix) and len(low) > len(suffix) + 2:
                cut = low[: -len(suffix)]
                tries = [cut + "y"] if suffix == "ies" else [cut, cut + "e"]
                if len(cut) > 3 and cut[-1] == cut[-2]:
                    tries.append(cut[:-1])
                for found in tries:
                    if found in self.same:
                        return found, ending
        return low, ""

    def inflect(self, word: str, ending: str) -> str:
        """Return a word with an ending of `stem`."""
        if not ending:
            return word
        if ending == "ed" and word in self.past:
            return self.past[word]
        if ending == "s":
            if word.endswith(("s", "x", "ch", "sh")):
                return word + "es"
            return word[:-1] + "ies" if re.search(r"[^aeiou]y$", word) else word + "s"
        if word.endswith("e"):
            return word[:-1] + ending
        return (
            word[:-1] + "ied"
            if ending == "ed" and re.search(r"[^aeiou]y$", word)
            else word + ending
        )

    def synonym(self, word: str, rng: random.Random) -> str | None:
        """Return a word that may stand for `word`, in its form; None if there is none."""
        base, ending = self.stem(word)
        found = self.same.get(base)
        return self.inflect(rng.choice(found), ending) if found else None

    def contrast(self, word: str, rng: random.Random) -> str | None:
        """Return a word of the same kind that means something else; None if there is none."""
        base, ending = self.stem(word)
        found = self.contrary.get(base) or []
        if not found or rng.random() < 0.4:
            found = self.sisters.get(base) or found
        return self.inflect(rng.choice(found), ending) if found else None

    def is_near(self, word: str, other: str) -> bool:
        """Return whether two words have to do with each other."""
        one, two = self.stem(word)[0], self.stem(other)[0]
        return one == two or two in self.related.get(one, ()) or one in self.related.get(two, ())


def read_wordnet(folder: Path) -> Relations:
    """Return the relations of the words in the database files in `folder`."""
    synsets: dict[tuple[str, int], _Synset] = {}
    for kind in _KINDS:
        for line in (folder / f"data.{kind}").read_text("utf-8").splitlines():
            if not line.startswith(" "):
                offset, synset = _parse(line)
                synsets[kind, offset] = synset
    relations = Relations()
    senses: dict[str, list[tuple[str, int]]] = defaultdict(list)
    firsts: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for kind in _KINDS:
        for line in (folder / f"index.{kind}").read_text("utf-8").splitlines():
            parts = line.split()
            if line.startswith(" ") or not _WORD.fullmatch(parts[0]):
                continue
            count = int(parts[2])
            offsets = [(kind, int(offset)) for offset in parts[-count:]]
            senses[parts[0]] += offsets
            # A sense that no text was tagged with is hardly what a text means.
            if int(parts[-count - 1]) > 0:
                firsts[parts[0]].append(offsets[0])
        for line in (folder / f"{kind}.exc").read_text("utf-8").splitlines():
            form, word = line.split()[:2]
            if kind == "verb" and _WORD.fullmatch(form):
                ending = "ing" if form.endswith("ing") else "s" if form.endswith("s") else "ed"
                relations.base.setdefault(form, (word, ending))
                if ending == "ed":
                    relations.past.setdefault(word, form)
            elif kind == "noun" and _WORD.fullmatch(form):
                relations.base.setdefault(form, (word, "s"))
    for word, found in senses.items():
        related = {w for at in found for w in synsets[at].words}
        for at in found:
            for symbol, other in synsets[at].pointers:
                if symbol in _RELATED:
                    related.update(synsets[other].words)
        relations.related[word] = related - {word}
    for word, found in firsts.items():
        same = {w for at in found for w in synsets[at].words if _WORD.fullmatch(w)} - {word}
        relations.same[word] = sorted(same)
        contrary = {
            w
            for at in found
            for symbol, other in synsets[at].pointers
            if symbol == _ANTONYM
            for w in synsets[other].words
        }
        relations.contrary[word] = sorted(w for w in contrary if _WORD.fullmatch(w))
        sisters = {
            w
            for at in found
            for symbol, up in synsets[at].pointers
            if symbol in _HYPERNYMS
            for down, sister in synsets[up].pointers
            if down == "~"
            for w in synsets[sister].words
        }
        known = sorted(
            w for w in sisters if w in firsts and w != word and w not in relations.related[word]
        )
        random.Random(word).shuffle(known)
        relations.sisters[word] = known[:MAX_SISTERS]
    return relations


def _parse(line: str) -> tuple[int, _Synset]:
    parts = line.split("|", 1)[0].split()
    count = int(parts[3], 16)
    words = [w.split("(")[0].lower() for w in parts[4 : 4 + 2 * count : 2]]
    at = 4 + 2 * count
    pointers = []
    for number in range(int(parts[at])):
        symbol, offset, kind, _ = parts[at + 1 + 4 * number : at + 5 + 4 * number]
        pointers.append((symbol, (_NAMES[kind], int(offset))))
    return int(parts[0]), _Synset(words, pointers)
