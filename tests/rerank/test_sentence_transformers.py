"""Rerank with sentence-transformers: the same model gives the same scores by either adapter."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from filesearch.adapters import make_reranker
from filesearch.errors import InvalidSetting

HAS_EXTRA = find_spec("sentence_transformers") is not None
needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="sentence-transformers is not installed")
QUESTION = "how hot does the kiln get?"
TEXTS = ["the kiln reaches nine degrees.", "mugs", "", "窑炉的温度是多少", "clay kiln " * 90]


def export(source, folder):
    """Copies a model and adds its graph as torch exports it."""
    import torch
    from transformers import BertForSequenceClassification

    shutil.copytree(source, folder)
    model = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    names = ["input_ids", "attention_mask", "token_type_ids"]
    ones = torch.ones(2, 8, dtype=torch.int64)
    torch.onnx.export(
        model.eval(),
        (ones, ones, torch.zeros_like(ones)),
        folder / "model.onnx",
        input_names=names,
        output_names=["logits"],
        dynamic_axes={name: {0: "n", 1: "t"} for name in names},
        dynamo=False,  # the newer exporter takes ten seconds and two more packages
    )
    return folder


@needs_extra
@pytest.mark.filterwarnings("ignore")  # torch's exporter on tracing in general
def test_an_exported_model_scores_as_the_original(tiny_cross_encoder, tmp_path, ask):
    original = make_reranker(f"sentence-transformers:{tiny_cross_encoder}")
    exported = make_reranker(f"onnx:{export(tiny_cross_encoder, tmp_path / 'exported')}")
    scores = exported.rerank(ask(QUESTION, TEXTS))
    assert scores == pytest.approx(original.rerank(ask(QUESTION, TEXTS)), abs=1e-4)
    assert scores.max() - scores.min() > 0.05


@needs_extra
def test_the_activation_of_the_model_does_not_matter(tiny_cross_encoder, ask):
    from sentence_transformers import CrossEncoder

    reranker = make_reranker(f"sentence-transformers:{tiny_cross_encoder}")
    by_sigmoid = CrossEncoder(str(tiny_cross_encoder)).predict([(QUESTION, t) for t in TEXTS])
    assert reranker.rerank(ask(QUESTION, TEXTS)) == pytest.approx(by_sigmoid, abs=1e-6)


@needs_extra
def test_a_model_that_is_not_there_is_refused(tmp_path, ask):
    with pytest.raises(InvalidSetting, match="cannot load"):
        make_reranker(f"sentence-transformers:{tmp_path / 'none'}").rerank(ask("x", ["y"]))


@pytest.mark.skipif(HAS_EXTRA, reason="sentence-transformers is installed")
def test_a_missing_extra_is_named(ask):
    with pytest.raises(InvalidSetting, match="pip install 'filesearch"):
        make_reranker("sentence-transformers:any").rerank(ask("x", ["y"]))


@needs_extra
def test_a_forked_child_waits_for_no_thread_of_torch(tiny_cross_encoder):
    code = """
import os, signal, sys
import numpy, torch
from filesearch.adapters import make_reranker
from filesearch.types import RerankRequest

def work():
    torch.ones(1000, 1000).exp()  # so much that several threads share it
    return reranker.rerank(RerankRequest("kiln", ["mugs"], numpy.zeros((1, 1), numpy.float32)))

torch.set_num_threads(2)  # also where there is one core
reranker = make_reranker(f"sentence-transformers:{sys.argv[1]}")
before = work()
process = os.fork()
if process == 0:
    signal.alarm(60)  # ends a child that waits for what never comes
    os._exit(0 if numpy.allclose(work(), before, atol=1e-5) else 1)
assert os.waitpid(process, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, tiny_cross_encoder], check=True)
