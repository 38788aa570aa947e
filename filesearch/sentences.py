"""Sentences: where the sentences of a text stand.

text -> (start, end) of every sentence, or of a line where lines are the unit: headings, table
rows, records, code. Used by `chunk` to end windows and by `answer` to quote. Pure rules for
English, for what German, French, Spanish and Italian abbreviate and count with a stop, Chinese and
Japanese; a text in another language is cut at its stops, blank lines and line-based parts. An
index keeps its windows as they were cut, so new rules are those of files that are embedded anew.

Two passes, each linear: lines are sorted into blank, line-based and prose; then one compiled
pattern finds the stops of each stretch of prose. Also here: the boundaries of what a reader sees
as one character (`grapheme_start`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

MAX_SENTENCE_CHARS = 1_000
"""Longer ones are split at a weaker point: about 200 tokens, what a window holds."""

_STRUCTURE = re.compile(
    r"[ \t]*+(?:"
    r"(?P<fence>```[^`\n]*$)"
    r"|(?P<heading>\#{1,6}(?:[ \t]|$))"
    r"|(?P<rule>(?:[-=*_~^]{3,}|(?:[-*_][ \t]+){2,}[-*_])[ \t]*$|\.\.[ ])"
    r"|(?P<item>(?:[-*+•‣◦▪●○][ \t]+|\d{1,3}[.)][ \t]+|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})\)[ \t]+"
    r"|[(（]?[一二三四五六七八九十]{1,3}[、）)]|\d{1,3}、)(?=\S))"
    r"|(?P<line>\||</?[a-zA-Z]|[^\s:;|][^:;|\n]{0,60}:[ ][^;\n]*;[ ][^:;|\n]{1,60}:[ ]"
    r"|(?:def|class)[ ]\w[^\n]*:[ \t]*$|from[ ][\w.]+[ ]import[ ]|(?:import|return)[ ]\S+$"
    r"|\#(?:include|define|if|endif|!)|//|/\*|\*/|@\w|[\w.\[\]\"']+[ ](?:[-+*/]|:)?=[ ])"
    r")",
    re.MULTILINE,
)
"""What a line opens with: a code fence, an ATX heading, a rule or heading underline, a list item,
or something that makes the line a unit: a table row, a record ("Key: value; Key: value"), code."""
_UNDERLINE = re.compile(r"[ \t]*([-=~^*])\1{2,}[ \t]*$", re.MULTILINE)
_SAME_KEY = re.compile(r"([^\s:;|][^:;|\n]{0,60}:)[ ][^\n]*\n\1[ ]")
# The last two columns of a line of figures: "Net sales  $ 94,036  $ 85,777".
_FIGURES = re.compile(r"[-(]?\$?\d(?:[\d,.]*\d)?[)%]{0,2}[ \t]+(?:\$[ \t]*)?"
                      r"[-(]?\$?(?:\d(?:[\d,.]*\d)?|—)[)%]{0,2}[ \t]*$", re.MULTILINE)  # fmt: skip

_CLOSERS = r"[\"'”’»)\]}」』）》】〉*_]"
_CJK = (
    r"\u2e80-\u2fff\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
)
_STOP = re.compile(
    # Stops of Chinese and Japanese need no space after them.
    rf"(?P<wide>[。！？；｡][。！？；｡…!?]*+{_CLOSERS}*+)"
    rf"|(?<![.!?…])[.!?…]++{_CLOSERS}*+(?:\[\d{{1,3}}\])*+(?=\s|[{_CJK}])"
)
_LAST_WORD = re.compile(r"[^\s\"'“‘(\[{*_/—–-]*$")
_OPENERS = "\"'“‘«([{¿¡*_「『（《【"

# Words before a full stop that does not end a sentence, inner stops kept: in lower case however
# they are written, others as they stand here ("Hr. Meier", but "24 hr. of rest").
_NEVER_LAST = frozenset(
    "mr mrs ms dr prof st gen col maj capt cmdr lt sgt rep sen gov pres hon rev fr messrs mme "
    "mlle mt ft e.g i.e eg ie vs viz cf approx ca resp incl excl esp "
    "bzw inkl exkl einschl zzgl abzgl vgl evtl ggf sog insb mtl dipl Hr Hrn Ing "
    "mm mlles mgr Av Sra Srta Dra Dña Ud Uds aprox ee sig sigg sig.ra dott dott.ssa avv".split()
)
# The same when a number follows, or a word with a digit in it ("Fig. 3", "No. A771").
_BEFORE_NUMBER = frozenset(
    "no nos nr fig figs eq eqs sec secs sect ch chap vol vols p pp pg par para art arts tab ref "
    "refs app ex exh item op ver v jan feb mar apr jun jul aug sep sept oct nov dec § cl "
    "abs abb kap ziff anm rn rz tel pág págs pag pagg núm".split()
)
# May stand last: the sentence goes on unless a word that often opens one follows.
_MAY_BE_LAST = frozenset(
    "inc corp ltd co llc plc lp bros assn dept univ est govt intl mfg jr sr esq al etc phd "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri sat sun "
    "ave blvd rd hwy min max avg ed eds trans".split()
)
# The same in German: "2 Std. Fahrt", "5 Mio. Euro", "Dr. med. Klein".
_MAY_BE_LAST_IN_GERMAN = frozenset("usw mio mrd tsd std stk jh jhdt chr med jur phil nat".split())
_OPENING_WORDS = frozenset(
    "a after all also although an and another any as at because before both but by during each "
    "for from he her here his how however i if in it its many most my no on one our she since so "
    "some such that the their then there therefore these they this those though to under unlike "
    "until we what when where whether which while who why with you your".split()
)
_OPENING_WORDS_IN_GERMAN = frozenset(
    "ab aber alle am an auch auf aus bei bis bitte da dabei daher danach dann das dazu deren der "
    "des die dies diese dieser dieses doch dort durch ein eine einer er es falls für hier ich ihr "
    "im in ist ja jede jeder jedes jetzt kein keine man mit nach nur ob oder ohne sein seine seit "
    "sie so und uns unser vom von vor was weil wenn wer wie wir wird wo zu zum zur zwischen".split()
)
# "der 2. Weltkrieg", "die 5. und 6. Klasse": a number behind a word that stands before ordinals.
_GERMAN_ORDINAL = re.compile(
    r"(?:^|[\s(])(?:d(?:er|ie|as|es|em|en)|(?<!I )am|im|vom|zu[mr]|beim|jede\w?"
    r"|(?:k?ein|mein|dein|sein|ihr|unser)(?:e\w?)?|\w+tag,?|mittwoch,?"
    r"|\d{1,3}\.\s(?:bis|und|oder))\s+\d{1,3}$",
    re.IGNORECASE,
)
# Months that English writes otherwise; the others only with their year or behind a German word.
_GERMAN_MONTH = re.compile(
    r"(?:Januar|Jänner|Februar|März|Mai|Juni|Juli|Oktober|Dezember|Mär|Okt|Dez)\b"
    r"|(?P<english>April|August|September|November)\b(?P<year>\s\d{4}\b)?"
)
_BEFORE_GERMAN_DATE = re.compile(r"\b(?:ab|bis|seit|und|oder)\s+\d{1,2}$", re.IGNORECASE)
# The stops within "12. 5. 2024".
_DATE_STOP = re.compile(r"(?:^|\D)(?:[0-3]?\d|[0-3]?\d\.[ \xa0]?(?P<month>[01]?\d))$")
_DATE_REST = re.compile(r"[01]?\d\.[ \xa0]?[12]\d{3}\b|(?P<year>[12]\d{3})\b")
_NUMBERED = re.compile(
    r"(?:item|section|article|chapter|part|note|appendix|exhibit|schedule|step|question|table|figure)"
    r"\s+[\dA-Z]{1,4}$|\d{1,3}$", re.IGNORECASE)  # fmt: skip
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER_WORD = re.compile(r"[\w/-]*\d")

_WEAK_POINTS = (
    re.compile(r".*[;:；：](?=\s|[^\x00-\x7f])", re.DOTALL),
    re.compile(r".*(?:,(?=\s)|[，、])", re.DOTALL),
    re.compile(r".*\s", re.DOTALL),
)


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return where the sentences within `text[start:end]` stand.

    A blank line ends a sentence, a single line end within prose does not, unless the line is
    short and a capital follows. Headings, table rows, records and lines of code or figures are
    one unit a line, whatever stops they hold. A list item starts a unit; its own sentences and
    its continuation lines are treated as prose. A unit over `MAX_SENTENCE_CHARS` is split.

    Args:
        text: Any text. Only a line feed ends a line.
        start, end: Character positions, 0 <= start <= end <= len(text); default the whole text.

    Returns:
        (start, end) character positions in `text`, ascending, not overlapping, each 1 to
        `MAX_SENTENCE_CHARS` characters without outer white space. Together they hold every
        character that is not white space. Empty for blank text.
    """
    stop = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    for unit_start, unit_end, is_line in _units(text, start, stop):
        if is_line:
            _append_trimmed(spans, text, unit_start, unit_end)
        else:
            _append_prose(spans, text, unit_start, unit_end)
    return spans


def heading_spans(text: str) -> list[tuple[int, int]]:
    """Return where heading lines stand: "# Heading", or a line with "====" or "----" below it.

    Returns:
        (start, end) character positions, ascending, an underline included; lines within code
        fences are left out. Empty when there is none.
    """
    headings: list[tuple[int, int]] = []
    previous: tuple[int, int] | None = None
    for start, end, kind in _lines(text, 0, len(text)):
        if kind == "heading":
            headings.append((start, end))
        elif kind == "rule" and previous and _UNDERLINE.match(text, start, end):
            headings.append((previous[0], end))
        previous = (start, end) if kind == "prose" and end - start < 120 else None
    return headings


def _units(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, whether it is a unit by its line) of lines and stretches of prose."""
    prose_start = -1
    last_line = (start, start)
    for line_start, line_end, kind in _lines(text, start, end):
        if prose_start >= 0 and (
            kind != "prose" or _is_break(text, last_line, line_start, line_end)
        ):
            yield prose_start, last_line[1], False
            prose_start = -1
        if kind in ("prose", "item"):
            prose_start = line_start if prose_start < 0 else prose_start
        elif kind != "blank":
            yield line_start, line_end, True
        last_line = (line_start, line_end)
    if prose_start >= 0:
        yield prose_start, last_line[1], False


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, kind) of each line: blank, prose, item, heading, rule or line."""
    in_fence = False
    while start < end:
        line_end = text.find("\n", start, end)
        line_end = end if line_end < 0 else line_end
        found = _STRUCTURE.match(text, start, line_end)
        kind = (found.lastgroup or "prose") if found else "prose"
        if start == line_end or text[start:line_end].isspace():
            kind = "blank"
        elif kind == "fence":
            in_fence = not in_fence
            kind = "line"
        elif in_fence or (kind == "prose" and _is_line(text, start, line_end, end)):
            kind = "line"
        yield start, line_end, kind
        start = line_end + 1


def _is_line(text: str, start: int, line_end: int, end: int) -> bool:
    """Whether a line without a telling start is a unit: code, a record or a row of figures."""
    tail = text[max(start, line_end - 60) : line_end].rstrip()
    if not tail:
        return False
    last = tail[-1]
    if last in "{};":
        return True
    if last in "([,:)]\\" and text[start : start + 4].isspace():
        return True
    if (last.isdigit() or last in ")%—") and _FIGURES.search(tail):
        return True
    return _SAME_KEY.match(text, start, min(end, line_end + 70)) is not None


def _is_break(text: str, last_line: tuple[int, int], start: int, end: int) -> bool:
    """Whether the line end before a line of prose ends a sentence without a stop.

    Wrapped lines are about equally long; one of less than 60% of the next line's length, at most
    60 characters, before a line that does not open in lower case, is a title or an entry.
    """
    length = last_line[1] - last_line[0]
    if length > 60 or length > 0.6 * (end - start):
        return False
    opening = text[start : start + 20].lstrip()[:1]
    return not opening.islower()


def _append_prose(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Append the sentences of one stretch of prose."""
    marker = _STRUCTURE.match(text, start, end)
    position = marker.end() if marker and marker.lastgroup == "item" else start
    for found in _STOP.finditer(text, position, end):
        if found.lastgroup == "wide" or _ends_sentence(
            text, start, found.start(), found.end(), end
        ):
            _append_trimmed(spans, text, start, found.end())
            start = found.end()
    _append_trimmed(spans, text, start, end)


def _ends_sentence(text: str, start: int, stop: int, after: int, end: int) -> bool:
    """Whether the stop at `stop`, its closing quotes ending at `after`, ends a sentence."""
    following = text[after : min(end, after + 40)].lstrip().lstrip(_OPENERS)
    if not following:
        # A blank run of 40 characters or the end of the stretch.
        return True
    if following[0].islower() or following[0] in ",;:":
        return False
    if text[stop] != "." or text[stop : stop + 2] == "..":
        return True
    word = _LAST_WORD.search(text[max(start, stop - 24) : stop])
    last = word.group() if word else ""
    lower = last.lower()
    if lower in _NEVER_LAST or last in _NEVER_LAST:
        return False
    is_before_number = lower in _BEFORE_NUMBER or lower.endswith("str")  # "Hauptstr. 5"
    if is_before_number and _NUMBER_WORD.match(following):
        return False
    if last.isdigit() and _is_ordinal(text[max(start, stop - 24) : stop], following):
        return False
    is_initial = len(last) == 1 and last.isalpha() and ord(last) < 0x250
    has_inner_stops = "." in last and all(len(part) <= 2 for part in last.split(".")) and (
        not last[0].isdigit()
    )  # fmt: skip
    if is_initial or has_inner_stops or lower in _MAY_BE_LAST:
        opening = _FIRST_WORD.match(following)
        return opening is not None and opening.group().lower() in _OPENING_WORDS
    if lower in _MAY_BE_LAST_IN_GERMAN:
        return _opens_in_german(following)
    # "Item 1. Business" is a heading, not two sentences.
    return not (stop - start <= 20 and _NUMBERED.match(text[start:stop].strip()))


def _is_ordinal(before: str, following: str) -> bool:
    """Whether a stop behind digits makes them an ordinal, as in German, or part of a date.

    Args:
        before: Ends with the digits.
        following: What comes behind the stop, not empty.
    """
    if following[0].isdigit():
        stop, rest = _DATE_STOP.search(before), _DATE_REST.match(following)
        return stop is not None and rest is not None and bool(stop["month"]) == bool(rest["year"])
    month = _GERMAN_MONTH.match(following)
    if month and (not month["english"] or month["year"] or _BEFORE_GERMAN_DATE.search(before)):
        return len(before) < 3 or not before[-3].isdigit()
    return _GERMAN_ORDINAL.search(before) is not None and not _opens_in_german(following)


def _opens_in_german(following: str) -> bool:
    opening = _FIRST_WORD.match(following)
    word = opening.group().lower() if opening else ""
    return word in _OPENING_WORDS_IN_GERMAN or word in _OPENING_WORDS


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Append a unit without its outer white space, in parts when it is too long."""
    unit = text[start:end].rstrip()
    end = start + len(unit)
    start = end - len(unit.lstrip())
    while end - start > MAX_SENTENCE_CHARS:
        cut = _weak_point(text, start)
        part = text[start:cut].rstrip()
        spans.append((start, start + len(part)))
        while text[cut].isspace():
            cut += 1
        start = cut
    if start < end:
        spans.append((start, end))


def _weak_point(text: str, start: int) -> int:
    """Return where to split an overlong unit: after ; or :, else a comma, else white space."""
    limit = start + MAX_SENTENCE_CHARS
    for pattern in _WEAK_POINTS:
        found = pattern.match(text, start + MAX_SENTENCE_CHARS // 2, limit)
        if found:
            return found.end()
    return grapheme_start(text, limit)


MAX_GRAPHEME_SHIFT = 11
"""Characters `grapheme_start` moves back at most. The longest emoji sequences recommended for
interchange (Unicode emoji-zwj-sequences) have 10 code points; 11 is what `chunk` can allow."""
_GRAPHEME = regex.compile(r"\X")
_GRAPHEME_CONTEXT = 64
_INDICATORS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_MAX_INDICATORS = 4_096


def grapheme_start(text: str, position: int) -> int:
    """Return the nearest boundary of extended grapheme clusters (UAX #29) at or before `position`.

    A cluster that begins more than `MAX_GRAPHEME_SHIFT` characters earlier, such as a letter with
    a thousand combining marks, is cut: `position` itself comes back. So it does when the cluster
    has more than 64 characters. Flags in a row are counted from the start of their row, up to
    4,096 characters back.

    Args:
        text: Any text.
        position: 0 <= position <= len(text).

    Returns:
        A position in [position - MAX_GRAPHEME_SHIFT, position].
    """
    if position <= 0 or position >= len(text):
        return position
    before, after = text[position - 1], text[position]
    if before < "\x7f" and after < "\x7f":
        return position - 1 if before == "\r" and after == "\n" else position
    context = max(0, position - _GRAPHEME_CONTEXT)
    if text[context] in _INDICATORS:
        # Two indicators make a flag, so it matters how many of them stand before.
        row = text[max(0, context - _MAX_INDICATORS) : context]
        context -= (len(row) - len(row.rstrip(_INDICATORS))) % 2
    # Whether a boundary lies at `position` depends on the characters before it and on the one
    # after it, never on later ones. A copy, because regex looks back beyond where it may match.
    for found in _GRAPHEME.finditer(text[context : position + 1]):
        if context + found.end() > position:
            start = context + found.start()
            return start if position - start <= MAX_GRAPHEME_SHIFT else position
    return position
