"""Check that the words of real PDFs are not lost on the way to a Document.

    scripts/check_coverage.py DIR... [--json] [--files 20] [--pages 25] [--most 2.0]

Takes `--files` PDFs by a fixed rule: all under DIR that open without a password and hold 200 words
or more, sorted by name, evenly spread; and of each at most `--pages` pages, evenly spread. What is
compared is the union of what pdfium and pypdf by themselves find on a page: of each word as often
as the one that finds it more often. Words that a line end divides count as joined; an ideograph
counts as a word. Two figures:

- strict: not there as a word of its own.
- lost: nor there in other words, as where pypdf tears a word ("th e") or joins two ("netsales"):
  with the letters before or after it, it does not stand in our text either, spaces aside. One or
  two letters, as formulas have them, are lost when our page has fewer of these letters.

Pages on which the two libraries agree on less than half of their words are left out and counted:
there one of them takes the font for another. Exit status 1 when a file loses more than `--most`
percent of the union's words.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pypdf
import pypdfium2 as pdfium

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.process.isolation import Loader

_DIVIDED = re.compile(r"(?<=\w)[-\u00ad\x02\ufffe]\s*\n\s*(?=\w)|[\x02\ufffe\u00ad]\s*")
_WORD = re.compile("[\u2e80-\u9fff\uf900-\ufaff]|[^\\W\u2e80-\u9fff\uf900-\ufaff]+")
_LONG_ENOUGH = 4
"""Letters that are found in a text without spaces are no accident from here on."""
FEWEST_WORDS = 200


def words_of(text: str) -> list[str]:
    """Return the words in order, without case, ligatures and other forms of letters."""
    plain = unicodedata.normalize("NFKC", _DIVIDED.sub("", text.replace("\r\n", "\n")))
    return _WORD.findall(plain.casefold())


def losses(texts: list[list[str]], ours: list[str]) -> tuple[Counter[str], Counter[str]]:
    """Return (strict, lost): of each word of any of the texts how many are not in ours."""
    strict, lost = Counter[str](), Counter[str]()
    together = "".join(ours)
    for words in texts:
        left = Counter(ours)
        fewer = Counter("".join(words)) - Counter(together)
        apart, gone = Counter[str](), Counter[str]()
        for i, word in enumerate(words):
            if left[word]:
                left[word] -= 1
                continue
            apart[word] += 1
            around = ("".join(words[max(i - 1, 0) : i + 1]), "".join(words[i : i + 2]))
            is_there = any(len(a) >= _LONG_ENOUGH and a in together for a in around)
            is_there |= len(word) <= 2 and not any(fewer[letter] for letter in word)
            gone[word] += not is_there
        strict |= apart
        lost |= gone
    return strict, lost


def choose(directories: list[Path], count: int) -> list[Path]:
    """Return the PDFs to check, by the rule at the top of this file."""
    paths = sorted(
        (path for directory in directories for path in directory.rglob("*.pdf")),
        key=lambda path: path.name,
    )
    fit = [path for path in paths if _has_words(path)]
    step = max(len(fit) / count, 1.0)
    return [fit[int(i * step)] for i in range(min(count, len(fit)))]


def _has_words(path: Path) -> bool:
    try:
        with pdfium.PdfDocument(path) as pdf:
            found = 0
            for page in pdf:
                found += len(page.get_textpage().get_text_range().split())
                if found >= FEWEST_WORDS:
                    return True
    except pdfium.PdfiumError:
        pass
    return False


def check(path: Path, loader: Loader, most_pages: int) -> dict[str, object]:
    """Return the figures of one file."""
    row: dict[str, object] = {"file": path.name, "words": 0, "lost": 100.0, "strict": 100.0}
    data = path.read_bytes()
    try:
        document = loader.load(data, path.name)
    except (InvalidFile, UnsupportedFile) as error:
        return {**row, "reason": str(error)}
    ours = {s.number: document.text[s.start : s.end] for s in document.spans if s.kind == "page"}
    first = pdfium.PdfDocument(data)
    second = pypdf.PdfReader(path)
    count = len(first)
    step = max(count / most_pages, 1.0)
    total = lost = strict = 0
    row["odd_pages"] = 0
    missing: Counter[str] = Counter()
    for index in sorted({int(i * step) for i in range(min(count, most_pages))}):
        texts = [words_of(first[index].get_textpage().get_text_range())]
        try:
            texts.append(words_of(second.pages[index].extract_text()))
        except Exception as error:  # noqa: BLE001 - pypdf raises anything; then pdfium's words count
            row["pypdf"] = f"page {index + 1}: {type(error).__name__}"
        counts = [Counter(words) for words in texts]
        if 2 * (counts[0] & counts[-1]).total() < max(count.total() for count in counts):
            row["odd_pages"] = int(str(row["odd_pages"])) + 1
            continue
        apart, gone = losses(texts, words_of(ours.get(index + 1, "")))
        total += (counts[0] | counts[-1]).total()
        strict += apart.total()
        lost += gone.total()
        missing += gone
    row["words"] = total
    row["lost"] = round(100 * lost / max(total, 1), 3)
    row["strict"] = round(100 * strict / max(total, 1), 3)
    row["missing"] = [word for word, _ in missing.most_common(12)]
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", type=Path, nargs="+")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--pages", type=int, default=25, help="at most so many of a file")
    parser.add_argument("--most", type=float, default=2.0, help="percent of words a file may lose")
    arguments = parser.parse_args()
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    rows = []
    with Loader(timeout_s=120) as loader:
        for path in choose(arguments.directories, arguments.files):
            rows.append(check(path, loader, arguments.pages))
            if arguments.json:
                print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
            else:
                print(
                    "{file:<44} {words:>7} words  lost {lost:>6}%  strict {strict:>6}%".format(
                        **rows[-1]
                    ),
                    *[rows[-1].get(key, "") for key in ("odd_pages", "reason", "pypdf", "missing")],
                    flush=True,
                )
    bad = [row for row in rows if float(str(row["lost"])) > arguments.most]
    worst = max((float(str(row["lost"])) for row in rows), default=0.0)
    if not arguments.json:
        print(
            f"{len(rows) - len(bad)} of {len(rows)} files within {arguments.most}%; worst {worst}%"
        )
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
