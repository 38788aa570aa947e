"""Write the windows of a folder's documents as JSON: FOLDER COUNT OUT.json. Runs with ours."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.documents import read_windows
from filesearch.embed.onnx import OnnxEmbedder

texts = read_windows(Path(sys.argv[1]), OnnxEmbedder(), int(sys.argv[2]))
Path(sys.argv[3]).write_text(json.dumps(texts))
print(json.dumps({"texts": len(texts)}))
