"""Card: what a folder with an ONNX embedder says of itself, and whether its files are there.

folder -> `card.json` as a dict: name, dimension, what it reads, languages, digests of the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filesearch.errors import InvalidSetting

MODEL_FILE, TOKENIZER_FILE, CARD_FILE = "model.onnx", "tokenizer.json", "card.json"
_CARD_FIELDS = {
    "name": str,
    "sha256": dict,
    "dimension": int,
    "max_tokens": int,
    "languages": list,
}


def read_card(directory: Path) -> dict[str, Any]:
    """Return the card of a model folder whose files are all there.

    Raises:
        InvalidSetting: A file is missing, or the card is not one.
    """
    _require(directory, [CARD_FILE, MODEL_FILE, TOKENIZER_FILE])
    try:
        card = json.loads((directory / CARD_FILE).read_text("utf-8"))
        wrong = [f for f, kind in _CARD_FIELDS.items() if not isinstance(card.get(f), kind)]
    except (ValueError, AttributeError) as error:
        raise InvalidSetting(
            f"'{directory / CARD_FILE}' is not a JSON object ({error}); "
            f"make it again with: scripts/export_model.py --out '{directory}'"
        ) from error
    wrong += [f"sha256[{f}]" for f in (MODEL_FILE, TOKENIZER_FILE) if f not in card["sha256"]]
    if wrong:
        raise InvalidSetting(
            f"'{directory / CARD_FILE}' lacks {', '.join(wrong)}; "
            f"make it again with: scripts/export_model.py --out '{directory}'"
        )
    _require(directory, card["sha256"])
    return dict(card)


def _require(directory: Path, files: Iterable[str]) -> None:
    missing = [file for file in files if not (directory / file).is_file()]
    if missing:
        raise InvalidSetting(
            f"embedder folder '{directory}' has no {', '.join(missing)}; "
            f"make one with: scripts/export_model.py --out '{directory}'"
        )
