"""Model: the embedder's layers, with what finds an answer and says whether there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from reader_training.examples import Example

CLS, SEP = 101, 102
DIMENSION, LAYERS, HEADS = 384, 6, 12
# Word pieces of an answer at most, as the package reads it.
MAX_ANSWER = 20
_NEVER = -1e4


class Reader(nn.Module):
    """BERT that reads [CLS] question [SEP] context [SEP] passage [SEP].

    The word table stays as the package's embedder has it, so that both can share it.
    """

    def __init__(self, weights: dict[str, npt.NDArray[Any]], dropout: float) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=30522,
            hidden_size=DIMENSION,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=4 * DIMENSION,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            attn_implementation="sdpa",
        )
        self.bert = BertModel(config, add_pooling_layer=False)
        known = self.bert.state_dict()
        given = {n: torch.tensor(w.astype(np.float32)) for n, w in weights.items() if n in known}
        missing = [n for n in known if n not in given and not n.endswith("_ids")]
        if missing:
            raise ValueError(f"the weights lack {missing[:3]}")
        self.bert.load_state_dict(given, strict=False)
        self.bert.embeddings.word_embeddings.weight.requires_grad = False
        self.span = nn.Linear(DIMENSION, 2)
        self.judge = nn.Sequential(
            nn.Linear(DIMENSION, DIMENSION), nn.Tanh(), nn.Linear(DIMENSION, 1)
        )

    def forward(
        self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits of starts and ends, (n, pieces, 2), and of being answered, (n,)."""
        hidden = self.bert(
            input_ids=ids, token_type_ids=types, attention_mask=mask
        ).last_hidden_state
        return self.span(hidden), self.judge(hidden[:, 0])[:, 0]


def read_weights(path: Path, table: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    """Return the embedder's weights, with this word table.

    Args:
        path: model.safetensors, or an .npz of the same tensors.
        table: float32 (words, DIMENSION).
    """
    if path.suffix == ".npz":
        found: dict[str, npt.NDArray[Any]] = dict(np.load(path))
    else:
        from safetensors.numpy import load_file

        found = load_file(path)
    return found | {"embeddings.word_embeddings.weight": table}


def first_piece(example: Example) -> int:
    """Return the position of the first piece of the passage."""
    context = len(example.context) + 1 if len(example.context) else 0
    return len(example.question) + 2 + context


def collate(examples: Sequence[Example], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids, types, mask and places of the passage, int64 (4, n, pieces), and spans (2, n).

    Position 0, [CLS], stands for no answer.
    """
    lengths = [first_piece(e) + len(e.passage) + 1 for e in examples]
    width = (max(lengths) + 15) // 16 * 16
    inputs = np.zeros((4, len(examples), width), np.int64)
    spans = np.zeros((2, len(examples)), np.int64)
    for i, (e, length) in enumerate(zip(examples, lengths, strict=True)):
        ids, first, asked = inputs[0, i], first_piece(e), len(e.question) + 1
        ids[0], ids[1:asked], ids[asked] = CLS, e.question, SEP
        if first > asked + 1:
            ids[asked + 1 : first - 1], ids[first - 1] = e.context, SEP
        ids[first : length - 1], ids[length - 1] = e.passage, SEP
        inputs[1, i, asked + 1 : length] = 1
        inputs[2, i, :length] = 1
        inputs[3, i, first : length - 1] = inputs[3, i, 0] = 1
        if e.start >= 0:
            spans[:, i] = first + e.start, first + e.end
    tensors = torch.from_numpy(inputs), torch.from_numpy(spans)
    if device == "cuda":
        return tuple(t.pin_memory().to(device, non_blocking=True) for t in tensors)  # type: ignore[return-value]
    return tensors


def loss_of(model: Reader, examples: Sequence[Example], device: str) -> torch.Tensor:
    """Return cross entropy of starts and ends, and of whether there is an answer."""
    inputs, spans = collate(examples, device)
    logits, judged = model(*inputs[:3])
    logits = logits.float().masked_fill(inputs[3, :, :, None] == 0, _NEVER)
    places = functional.cross_entropy(logits[..., 0], spans[0])
    places = places + functional.cross_entropy(logits[..., 1], spans[1])
    answered = (spans[0] > 0).float()
    return places / 2 + functional.binary_cross_entropy_with_logits(judged.float(), answered)


@torch.no_grad()
def predict(
    model: Reader, examples: Sequence[Example], device: str, size: int = 256
) -> npt.NDArray[np.float32]:
    """Return for each example: the best span's logit above none's, the judged one, the span.

    Returns:
        float32 (n, 4); the span is given by its first and last piece in the passage.
    """
    model.eval()
    order = sorted(
        range(len(examples)), key=lambda i: first_piece(examples[i]) + len(examples[i].passage)
    )
    out = np.zeros((len(examples), 4), np.float32)
    for at in range(0, len(order), size):
        chosen = order[at : at + size]
        inputs, _ = collate([examples[i] for i in chosen], device)
        logits, judged = model(*inputs[:3])
        logits = logits.float().masked_fill(inputs[3, :, :, None] == 0, _NEVER)
        starts, ends = logits[:, 1:, 0], logits[:, 1:, 1]
        best = torch.full((len(chosen),), -1e9, device=device)
        first = torch.zeros(len(chosen), dtype=torch.long, device=device)
        last = first.clone()
        for more in range(min(MAX_ANSWER, starts.shape[1])):
            value, where = (starts[:, : starts.shape[1] - more] + ends[:, more:]).max(1)
            better = value > best
            best = torch.where(better, value, best)
            first = torch.where(better, where, first)
            last = torch.where(better, where + more, last)
        shift = torch.tensor([first_piece(examples[i]) - 1 for i in chosen], device=device)
        none = logits[:, 0].sum(1)
        rows = torch.stack([best - none, judged.float(), first - shift, last - shift], 1)
        out[chosen] = rows.float().cpu().numpy()
    return out
