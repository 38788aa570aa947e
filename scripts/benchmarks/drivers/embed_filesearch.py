"""Embed texts with ours or another model folder: METHOD FOLDER|bundled TEXTS.json [VECTORS].

METHOD is embed_texts (vectors) or embed_windows (vectors and token signs, as ingest does). The
first texts warm the session up, then all are timed. VECTORS gets them as raw float32.
"""

import json
import sys
import time
from pathlib import Path

from filesearch.embed.onnx import OnnxEmbedder

WARM_UP = 64

method, folder, source = sys.argv[1:4]
texts = json.loads(Path(source).read_text())
embedder = OnnxEmbedder(None if folder == "bundled" else Path(folder))
embed = getattr(embedder, method)
embed(texts[:WARM_UP])
started = time.perf_counter()
found = embed(texts)
seconds = time.perf_counter() - started
if len(sys.argv) > 4:
    vectors = found if method == "embed_texts" else found.vectors
    Path(sys.argv[4]).write_bytes(vectors.tobytes())
print(json.dumps({"texts": len(texts), "seconds": seconds}))
