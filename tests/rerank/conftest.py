"""Tiny cross-encoders made on the spot, and a loopback server that speaks every rerank style."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from filesearch.types import RerankRequest

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = (
    "a clay degrees does get hot how in kiln mugs nine reaches the what 窑 炉 温 度 是 多 少 ? ."
)
VOCABULARY = [*SPECIAL, *WORDS.split()]
MAX_LENGTH = 32


@pytest.fixture(scope="session")
def ask():
    """Makes a request; what a model that weighs would be given is rows of zeros."""

    def ask(question, texts, features=1):
        return RerankRequest(question, texts, np.zeros((len(texts), features), np.float32))

    return ask


@pytest.fixture(scope="session")
def make_onnx_folder(tmp_path_factory):
    """Makes the folder of an exported model whose logit is 2 * (words shared) - 2.

    Takes `inputs` (3 with token types; with 2 the separator tells the texts apart), `output` (the
    shape of the logits) and `graph` (where the graph goes).
    """

    def make(inputs=3, output="(n, 1)", graph="model.onnx"):
        folder = tmp_path_factory.mktemp("onnx") / "overlap"
        (folder / graph).parent.mkdir(parents=True)
        (folder / graph).write_bytes(overlap_graph(inputs, output))
        config = {"max_position_embeddings": MAX_LENGTH, "pad_token_id": 0}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
        save_tokenizer(folder / "tokenizer.json")
        return folder

    return make


def save_tokenizer(path):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    # As many exports have them: the adapter's to undo.
    tokenizer.enable_padding(length=128)
    tokenizer.enable_truncation(8)
    tokenizer.save(str(path))


def overlap_graph(inputs, output):
    """Embeds tokens as one-hot rows (special ones as zeros) and counts what both texts have."""
    from onnx import TensorProto, helper, numpy_helper

    table = np.eye(len(VOCABULARY), dtype=np.float32)
    table[: len(SPECIAL)] = 0
    constants = {
        "table": table,
        "separator": np.array(VOCABULARY.index("[SEP]"), np.int64),
        "axis": np.array(1, np.int64),
        "axis_list": np.array([1], np.int64),
        "last_axis": np.array([2], np.int64),
        "one": np.array(1, np.float32),
        "two": np.array(2, np.float32),
    }
    node = helper.make_node
    if inputs == 3:
        second = [node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT)]
    else:
        second = [
            node("Equal", ["input_ids", "separator"], ["is_end"]),
            node("Cast", ["is_end"], ["end"], to=TensorProto.FLOAT),
            node("CumSum", ["end", "axis"], ["ends_before"], exclusive=1),
            node("Min", ["ends_before", "one"], ["second"]),
        ]
    nodes = [
        *second,
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Gather", ["table", "input_ids"], ["tokens"]),
        node("Sub", ["one", "second"], ["first"]),
    ]
    for text in ("first", "second"):
        nodes += [
            node("Mul", [text, "mask"], [f"{text}_mask"]),
            node("Unsqueeze", [f"{text}_mask", "axis_list"], [f"{text}_row"]),
            node("MatMul", [f"{text}_row", "tokens"], [f"{text}_count"]),
            node("Min", [f"{text}_count", "one"], [f"{text}_words"]),
        ]
    nodes += [
        node("Mul", ["first_words", "second_words"], ["both"]),
        node("ReduceSum", ["both", "last_axis"], ["shared"], keepdims=0),
        node("Mul", ["shared", "two"], ["twice"]),
        node("Sub", ["twice", "two"], ["logit"]),
        node("Sub", ["logit", "logit"], ["nought"]),
        {
            "(n, 1)": node("Identity", ["logit"], ["logits"]),
            "(n,)": node("Squeeze", ["logit", "axis_list"], ["logits"]),
            "(n, 2)": node("Concat", ["nought", "logit"], ["logits"], axis=1),
            "(n, 3)": node("Concat", ["nought", "logit", "logit"], ["logits"], axis=1),
            "nan": node("Div", ["nought", "nought"], ["logits"]),
        }[output],
    ]
    names = ["input_ids", "attention_mask", "token_type_ids", "position_ids"][:inputs]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "overlap",
            [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in names],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    return model.SerializeToString()


@pytest.fixture(scope="session")
def tiny_cross_encoder(tmp_path_factory):
    """Folder of a BERT of two small layers with random weights, saved as CrossEncoder reads it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny") / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*VOCABULARY, "[MASK]"]), encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(VOCABULARY) + 1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=1,
        initializer_range=0.5,  # at BERT's 0.02 every pair scores the same
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@dataclass
class Reply:
    """What the server says once, instead of scores."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    wait_s: float = 0.0
    drip_s: float = 0.0  # between bytes
    announced: int | None = None  # bytes, if not those of the body


class RerankServer(ThreadingHTTPServer):
    """Scores by the share of words under /tei, /jina and /cohere, as strict as those servers.

    Replies in `plan` come first, one for each request; `seen` holds (headers, fields).
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan = deque()
        self.seen = []
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((dict(self.headers), fields))
        planned = self.server.plan.popleft() if self.server.plan else self._scores(fields)
        self.server.closing.wait(planned.wait_s)
        self.send_response(planned.status)
        length = len(planned.body) if planned.announced is None else planned.announced
        for name, value in {"Content-Length": str(length), **planned.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if planned.drip_s:
            for byte in planned.body:
                self.server.closing.wait(planned.drip_s)
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(planned.body)
        self.close_connection = planned.announced is not None

    def _scores(self, fields):
        style = self.path.strip("/")
        is_tei = style in ("tei", "rerank")
        texts = fields["texts" if is_tei else "documents"]
        if is_tei and len(texts) > 32:
            return Reply(422, body=b'{"error": "batch size > maximum allowed batch size 32"}')
        if not all(texts) or not fields["query"]:
            return Reply(413, body=b'{"error": "`inputs` cannot be empty"}')
        due = {
            "jina": {"model", "query", "documents", "top_n", "return_documents"},
            "cohere": {"model", "query", "documents", "top_n"},
        }.get(style, {"query", "texts", "truncate", "raw_scores", "return_text"})
        if fields.keys() != due:
            return Reply(400, body=json.dumps({"message": f"send {sorted(due)}"}).encode())
        asked = words_in(fields["query"])
        scores = [len(asked & words_in(text)) / max(1, len(asked)) for text in texts]
        ranked = sorted(enumerate(scores), key=lambda pair: -pair[1])
        key = "score" if is_tei else "relevance_score"
        entries = [{"index": index, key: score} for index, score in ranked]
        return Reply(body=json.dumps(entries if is_tei else {"results": entries}).encode())

    def log_message(self, *_about):
        """Silence."""


def words_in(text):
    return set(re.findall(r"[a-z]+|[一-鿿]", text.lower()))


@pytest.fixture
def make_server():
    """Starts servers on the loopback interface, and stops them at the end."""
    started = []

    def make():
        server = RerankServer()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        started.append((server, thread))
        return server

    yield make
    for server, thread in started:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture(scope="session")
def reply():
    """The class of planned replies; test modules cannot import this one."""
    return Reply
