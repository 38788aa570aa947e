"""Embed texts with sentence-transformers in batches of 32: WEIGHTS TEXTS.json [VECTORS].

The first texts warm the model up, then all are timed. VECTORS gets them as raw float32.
"""

import json
import sys
import time
from pathlib import Path

from sentence_transformers import SentenceTransformer

WARM_UP = 64
BATCH = 32

weights, source = sys.argv[1:3]
texts = json.loads(Path(source).read_text())
model = SentenceTransformer(weights, device="cpu")
settings = {"batch_size": BATCH, "normalize_embeddings": True, "show_progress_bar": False}
model.encode(texts[:WARM_UP], **settings)
started = time.perf_counter()
vectors = model.encode(texts, **settings)
seconds = time.perf_counter() - started
if len(sys.argv) > 3:
    Path(sys.argv[3]).write_bytes(vectors.astype("float32").tobytes())
print(json.dumps({"texts": len(texts), "seconds": seconds}))
