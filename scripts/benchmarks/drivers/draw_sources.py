"""Make what stores are drawn from: draw_sources.py SPEC (JSON): real windows and questions.

Real windows come from an index where one is named, else the first windows of the documents are
embedded; they are kept. An index that holds more by now does not change what was kept.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.drawn_text import draw_questions, read_corpus
from benchmarks.real_windows import embed_folder, read_index, save_real

spec = json.loads(sys.argv[1])
real = Path(spec["real"])
if not real.exists():
    if spec["index"]:
        windows = read_index(Path(spec["index"]), spec["windows"])
    else:
        from filesearch.embed.onnx import OnnxEmbedder

        windows = embed_folder(Path(spec["corpus"]), OnnxEmbedder(), spec["windows"])
    save_real(windows, real)
drawn = draw_questions(
    read_corpus(Path(spec["corpus"])), spec["count"] + spec["warm_up"], seed=spec["seed"]
)
is_enough = len(drawn) == spec["count"] + spec["warm_up"]
cut = spec["warm_up"] if is_enough else len(drawn) // 4 + 1
content = {"warm_up": drawn[:cut], "questions": drawn[cut:]}
Path(spec["questions"]).write_text(json.dumps(content))
print(json.dumps({"questions": len(content["questions"])}))
