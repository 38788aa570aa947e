#!/usr/bin/env python3
"""Measure how well the OCR engines that are installed read pages, and print a Markdown table.

    python scripts/ocr_quality.py [--dpi 200 300]

Pages of prose from sample_docs, in English and in Chinese, are set in 11 points on A4; each is read
as it is, and "aged": turned by one degree, with noise, and blurred. Similarity is 1 minus the
Levenshtein distance over the longer length, without white space.
Needs the fonts DejaVu and Noto CJK (Debian: fonts-dejavu-core, fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from filesearch.load.ocr.engine import Engine
from filesearch.load.ocr.rapid import RapidOcr, is_installed
from filesearch.load.ocr.tesseract import Tesseract, find_program

SAMPLES = Path(__file__).parent.parent / "sample_docs"
FONTS = Path("/usr/share/fonts")
# Language -> the document, its font, and which of a collection (2: the simplified Chinese one).
PAGES = {
    "English": ("handbook.md", "truetype/dejavu/DejaVuSerif.ttf", 0),
    "Chinese": ("huiyuan-xuzhi.md", "opentype/noto/NotoSerifCJK-Regular.ttc", 2),
}
POINTS = 11
TIMEOUT_S = 600.0
_CJK = "\u3000-\u9fff\uff00-\uffef"


def font_path(language: str) -> Path:
    """Return where the font of a language is, if it is installed."""
    return FONTS / PAGES[language][1]


def render_page(language: str, dpi: int = 200) -> tuple[Image.Image, str]:
    """Return a page of prose in gray, and the lines that stand on it."""
    document, _, index = PAGES[language]
    width, height, margin = int(8.27 * dpi), int(11.69 * dpi), int(0.9 * dpi)
    size = round(POINTS * dpi / 72)
    font = ImageFont.truetype(str(font_path(language)), size, index=index)
    page = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(page)
    top, shown = margin, []
    for line in _wrap(_prose(SAMPLES / document), font, width - 2 * margin):
        if top > height - margin:
            break
        pen.text((margin, top), line, font=font, fill=0)
        top += round((1.45 if line else 0.7) * size)
        shown.append(line)
    return page, "\n".join(shown)


def _prose(path: Path) -> str:
    """Return the paragraphs of a Markdown file, one a line with a blank one between."""
    lines = [line for line in path.read_text("utf-8").split("\n") if not line.startswith("|")]
    text = re.sub(r"^#+ |[*`]", "", "\n".join(lines), flags=re.MULTILINE)
    text = re.sub(rf"(?<=[{_CJK}])\n(?=[{_CJK}])", "", text)
    return re.sub(r"\n{2,}", "\n\n", re.sub(r"(?<!\n)\n(?!\n)", " ", text)).strip()


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in re.findall(rf"[{_CJK}]|[^\s{_CJK}]+|\s+", paragraph):
            # No line begins with a mark that closes something.
            if line and font.getlength(line + word) > width and word not in "，。；：、）！？”":
                lines.append(line.rstrip())
                line = ""
            line += word if line else word.lstrip()
        lines.append(line)
    return lines


def age(page: Image.Image) -> Image.Image:
    """Return a page as a poor scanner gives it, the same one each time."""
    turned = page.rotate(1.0, resample=Image.Resampling.BICUBIC, fillcolor=255)
    grain = np.random.default_rng(seed=7).normal(128, 40, page.size[::-1]).clip(0, 255)
    noisy = Image.blend(turned, Image.fromarray(grain.astype(np.uint8)), 0.15)
    return noisy.filter(ImageFilter.GaussianBlur(0.7))


def similarity(wanted: str, got: str) -> float:
    """Return 1 minus the Levenshtein distance over the longer length, without white space."""
    a, b = "".join(wanted.split()), "".join(got.split())
    before = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other)))
        before = row
    return 1.0 - before[-1] / max(len(a), len(b), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dpi", type=int, nargs="+", default=[200, 300])
    given = parser.parse_args()
    program = find_program()
    makers = [lambda: Tesseract(program, TIMEOUT_S)] if program else []
    makers += [lambda: RapidOcr(TIMEOUT_S)] if is_installed() else []
    print("| engine | page | dpi | similarity | confidence | aged | confidence | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for make in makers:
        for language in PAGES:
            for dpi in given.dpi:
                print(_row(make(), language, dpi), flush=True)


def _row(engine: Engine, language: str, dpi: int) -> str:
    page, text = render_page(language, dpi)
    cells = [engine.name, language, str(dpi)]
    started = time.monotonic()
    for shown in (page, age(page)):
        reading = engine.read(shown)
        cells += [f"{similarity(text, reading.text):.3f}", f"{reading.confidence:.0f}"]
    cells.append(f"{time.monotonic() - started:.0f}")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
