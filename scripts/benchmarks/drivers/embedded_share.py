"""Count what of some text was embedded: DOCUMENTS CHUNKS.jsonl|ours LIMIT.

Runs with ours. A model reads the first LIMIT word pieces of what it is given. Printed: `pieces`, of
all chunks or windows; `embedded`, those of them that the model reads; `text_pieces`, of all
documents; `text_embedded`, those that at least one chunk or window brings before the model.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from filesearch.embed.onnx import OnnxEmbedder
from filesearch.load import load
from filesearch.prepare import prepare_document
from filesearch.types import ChunkSettings

folder, listing, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
embedder = OnnxEmbedder()
counts = dict.fromkeys(("pieces", "embedded", "text_pieces", "text_embedded"), 0)


def count(text: str, chunks: list[tuple[int, int, str]]) -> None:
    """Add one document: its text, and start, end and prefix of what is embedded of it."""
    offsets = embedder.token_offsets(text)
    is_embedded = np.zeros(len(offsets), bool)
    for start, end, prefix in chunks:
        first, past = np.searchsorted(offsets[:, 0], (start, end))
        before = len(embedder.token_offsets(prefix))
        room = max(0, limit - before)
        is_embedded[first : min(past, first + room)] = True
        counts["pieces"] += before + int(past - first)
        counts["embedded"] += min(limit, before + int(past - first))
    counts["text_pieces"] += len(offsets)
    counts["text_embedded"] += int(is_embedded.sum())


if listing == "ours":
    for path in sorted(folder.rglob("*.md")):
        document = load(path.read_bytes(), path.name)
        if document.text.strip():
            made = prepare_document(document, path.name, ChunkSettings(), embedder)
            windows = zip(made.windows, made.window_texts, strict=True)
            count(
                document.text,
                [(w.start, w.end, given.text[: w.start - w.end]) for w, given in windows],
            )
else:
    chunks = defaultdict(list)
    for line in Path(listing).read_text().splitlines():
        chunk = json.loads(line)
        chunks[chunk["path"]].append((chunk["start"], chunk["end"], chunk["prefix"]))
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text("utf-8", errors="replace")
        count(text, chunks[str(path.relative_to(folder))])
print(json.dumps(counts))
