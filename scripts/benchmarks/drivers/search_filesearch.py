"""Search with ours: INDEX QUERIES.json TOP_K; prints the files that each query finds."""

import json
import sys
from pathlib import Path

from filesearch import FileSearch

index, queries, top_k = sys.argv[1:]
engine = FileSearch(index)
texts = json.loads(Path(queries).read_text())
print(json.dumps([[r.filename for r in engine.search(q, top_k=int(top_k))] for q in texts]))
