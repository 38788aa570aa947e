"""Languages: does an embedder know the script that a text is written in?

Only scripts are told apart, not languages that share one: that needs no model and cannot be
wrong about Chinese against English, the case that matters for an English embedder.
"""

from __future__ import annotations

import regex

# ISO 639-1 languages by Unicode script; Latin and the rest are whatever these do not name.
_SCRIPT_LANGUAGES: dict[str, frozenset[str]] = {
    "Han": frozenset({"zh", "ja"}),
    "Hiragana": frozenset({"ja"}),
    "Katakana": frozenset({"ja"}),
    "Hangul": frozenset({"ko"}),
    "Cyrillic": frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk"}),
    "Arabic": frozenset({"ar", "fa", "ur"}),
    "Hebrew": frozenset({"he", "yi"}),
    "Greek": frozenset({"el"}),
    "Devanagari": frozenset({"hi", "mr", "ne"}),
    "Thai": frozenset({"th"}),
}
_PATTERNS = {script: regex.compile(rf"\p{{Script={script}}}") for script in _SCRIPT_LANGUAGES}
_LETTER = regex.compile(r"\p{L}")
# One Han character carries about as much as half an English word (four letters).
_LETTERS_PER_HAN = 3


def known_share(text: str, languages: frozenset[str]) -> float:
    """Return which share of the letters of `text` is in a script of `languages`.

    Args:
        text: Any text; without a letter the share is 1.
        languages: ISO 639-1 codes; empty means every language is known.

    Returns:
        In [0, 1]. Han characters count threefold against letters.
    """
    if text.isascii() or not languages:
        return 1.0
    letters = len(_LETTER.findall(text))
    if letters == 0:
        return 1.0
    weighted = float(letters)
    unknown = 0.0
    for script, spoken in _SCRIPT_LANGUAGES.items():
        count = len(_PATTERNS[script].findall(text))
        weight = _LETTERS_PER_HAN if script == "Han" else 1
        weighted += count * (weight - 1)
        if not spoken & languages:
            unknown += count * weight
    return 1.0 - unknown / weighted
