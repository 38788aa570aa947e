#!/usr/bin/env python3
"""Make the bundled reader from what scripts/train_reader.py wrote: weights -> int8 ONNX graph.

    python scripts/export_reader.py WEIGHTS.npz [WEIGHTS.npz ...]

Needs, besides filesearch's own dependencies, `pip install "onnx>=1.19"`. The graph is written as
scripts/export_model.py writes the embedder's, in the same operators and with the same care for
channels that reach far, and lies beside it, for both share one word table: the embedder's
model.data, of which only the rows of a text are read. Its own weights are in reader.data.

Inputs: input_ids, [CLS] question [SEP] context [SEP] passage [SEP], and token_type_ids, 0 up to the
question's end and 1 from there, both int64, shape (batch, pieces), pieces <= MAX_PIECES. Outputs:
span, float32, shape (batch, pieces, 2), logits of the first and the last piece of the answer, where
[CLS] stands for none; judged, float32, shape (batch, 1, 1), logit of the passage answering.

Printed is how far int8 is from float32, over texts of random words: correlation of the outputs. On
150 questions of squad20_dev it was 0.9992 for the span and 0.9993 for the judgement.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from export_model import (
    CONTRIB,
    IR_VERSION,
    LAYERS,
    OPSET,
    OUT,
    Weights,
    _add_layer,
    _bytes,
    _Graph,
    _session,
    measure_ranges,
    sha256,
    write_model,
)
from onnx import TensorProto, helper
from train_reader import word_table

MAX_PIECES = 336
CARD = "reader.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("weights", type=Path, nargs="+", help=".npz files of train_reader.py")
    options = parser.parse_args()
    tensors = {n: a.astype(np.float32) for f in options.weights for n, a in np.load(f).items()}
    weights = {n.removeprefix("bert."): a for n, a in tensors.items()}
    words = _words()
    weights["embeddings.word_embeddings.weight"] = word_table()
    ranges = measure_ranges(weights, OUT / "tokenizer.json")
    model = build_reader(weights, ranges, words)
    exact = build_reader(weights, None, words)
    _compare(model, exact)
    write_model(model, OUT / "reader.onnx")
    digests = {n: sha256(OUT / n) for n in ("reader.onnx", "reader.data", "model.data")}
    card = {
        "name": "reader of all-MiniLM-L6-v2",
        "made_by": ["scripts/train_reader.py", "scripts/export_reader.py"],
        "license": "Apache-2.0",
        "trained_on": ["squad20_dev", "made-up questions about texts of other sets: README.md"],
        "languages": ["en"],
        "max_pieces": MAX_PIECES,
        "sha256": digests,
    }
    (OUT / CARD).write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    for name in ("reader.onnx", "reader.data"):
        print(f"{name}  {(OUT / name).stat().st_size:,} bytes  {digests[name]}")
    return 0


def _words() -> list[onnx.TensorProto]:
    """Return the constants that point at the embedder's word table in model.data."""
    graph = onnx.load(OUT / "model.onnx", load_external_data=False).graph
    return [t for t in graph.initializer if t.name in ("words", "words.scale")]


def build_reader(
    weights: Weights, ranges: dict[str, Any] | None, words: list[onnx.TensorProto]
) -> onnx.ModelProto:
    """Return the graph; where `ranges` is None in float32, which wants an attention_mask too."""
    is_int8 = ranges is not None
    graph = _Graph(is_int8, ranges or {})
    x = _embed(graph, weights)
    for layer in range(LAYERS):
        x = _add_layer(graph, weights, x, layer, f"l{layer}.out")
    graph.linear_in_floats(x, weights["span.weight"], weights["span.bias"], "span", "span")
    first = graph.constant("first", np.array(0, np.int64))
    graph.add("Gather", [x, first], "cls", axis=1)
    y = graph.linear("cls", weights["judge.0.weight"], weights["judge.0.bias"], "judge.0")
    y = graph.add("Tanh", [y], "judge.1")
    graph.linear_in_floats(y, weights["judge.2.weight"], weights["judge.2.bias"], "judge", "judged")
    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    inputs = ["input_ids", "token_type_ids"] + ([] if is_int8 else ["attention_mask"])
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "reader",
            [helper.make_tensor_value_info(n, integers, ["batch", "pieces"]) for n in inputs],
            [
                helper.make_tensor_value_info("span", floats, ["batch", "pieces", 2]),
                helper.make_tensor_value_info("judged", floats, ["batch", 1, 1]),
            ],
            [*graph.constants, *words],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
        ir_version=IR_VERSION,
        producer_name="filesearch scripts/export_reader.py",
    )


def _embed(graph: _Graph, weights: Weights) -> str:
    graph.add("Gather", ["words", "input_ids"], "word.int8")
    graph.add("Cast", ["word.int8"], "word.float", to=TensorProto.FLOAT)
    graph.add("Gather", ["words.scale", "input_ids"], "word.scale")
    graph.add("Mul", ["word.float", "word.scale"], "word")
    types = graph.constant("types", weights["embeddings.token_type_embeddings.weight"])
    graph.add("Gather", [types, "token_type_ids"], "type")
    graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.constant("zero", np.array([0], np.int64))
    # Half the precision is plenty for what is added to word vectors in int8.
    positions = weights["embeddings.position_embeddings.weight"][:MAX_PIECES].astype(np.float16)
    graph.add(
        "Slice", [graph.constant("positions", positions), zero, "length", zero], "position.16"
    )
    graph.add("Cast", ["position.16"], "position", to=TensorProto.FLOAT)
    graph.add("Add", ["word", "position"], "placed")
    graph.add("Add", ["placed", "type"], "typed")
    if not graph.int8:
        graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    return graph.normalise("typed", weights, "embeddings", "embedded")


def _compare(model: onnx.ModelProto, exact: onnx.ModelProto) -> None:
    """Print how the outputs of int8 and of float32 go together."""
    sessions = []
    for one, name in ((model, ".int8.onnx"), (exact, ".exact.onnx")):
        path = OUT / name
        path.write_bytes(_bytes(one))
        try:
            sessions.append(_session(str(path), threads=0))
        finally:
            path.unlink()
    rng = np.random.default_rng(0)
    judged, spans = [], []
    for _ in range(40):
        ids = np.concatenate(
            [[101], rng.integers(1996, 12000, 12), [102], rng.integers(1996, 12000, 140), [102]]
        )[None]
        types = (np.arange(ids.shape[1]) > 13).astype(np.int64)[None]
        feed = {"input_ids": ids, "token_type_ids": types}
        a = sessions[0].run(["span", "judged"], feed)
        b = sessions[1].run(["span", "judged"], feed | {"attention_mask": np.ones_like(ids)})
        judged.append((a[1].item(), b[1].item()))
        spans.append(np.stack([a[0].ravel(), b[0].ravel()]))
    print(
        f"correlation of int8 with float32: judged {np.corrcoef(np.array(judged).T)[0, 1]:.4f}, "
        f"span {np.corrcoef(np.concatenate(spans, axis=1))[0, 1]:.4f}"
    )


if __name__ == "__main__":
    sys.exit(main())
