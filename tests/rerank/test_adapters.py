"""Rerank: how a setting chooses the adapter, and what choosing costs."""

import subprocess
import sys

import pytest

from filesearch.adapters import make_reranker
from filesearch.errors import InvalidSetting


def test_none_is_no_reranker():
    assert make_reranker("none") is None


def test_an_unknown_reranker_is_refused_with_what_there_is():
    with pytest.raises(InvalidSetting, match="'word2vec' is unknown; use learned, none, onnx:"):
        make_reranker("word2vec")


@pytest.mark.parametrize("prefix", ["onnx", "sentence-transformers"])
def test_a_model_is_called_by_the_last_part_of_its_name(prefix):
    name = f"{prefix}:cross-encoder/ms-marco-MiniLM-L6-v2"
    assert make_reranker(name).name == "ms-marco-MiniLM-L6-v2"


def test_choosing_loads_no_model_and_asks_nobody():
    code = """if True:
        import sys
        from filesearch.adapters import make_reranker
        for name in ("onnx:a/b", "sentence-transformers:a/b", "tei:http://127.0.0.1:1"):
            make_reranker(name)
        heavy = ("torch", "onnxruntime", "tokenizers", "huggingface_hub")
        print([name for name in heavy if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
