"""Export all-MiniLM-L6-v2 unquantised as a model folder: WEIGHTS OUT. Runs with ours and onnx."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import export_model

weights, out = Path(sys.argv[1]), Path(sys.argv[2])
tensors = export_model.read_safetensors(weights / "model.safetensors")
graph = export_model.build_graph(tensors, int8=False)
(out / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
export_model.write_tokenizer(weights / "tokenizer.json", out / "tokenizer.json")
card = {
    "name": "all-MiniLM-L6-v2-fp32",
    "sha256": {n: export_model.sha256(out / n) for n in ("model.onnx", "tokenizer.json")},
    "dimension": export_model.DIMENSION,
    "max_tokens": export_model.MAX_LENGTH - 2,
    "languages": ["en"],
}
(out / "card.json").write_text(json.dumps(card))
print(json.dumps({"model_bytes": (out / "model.onnx").stat().st_size}))
