"""Fitting: examples -> weights, with AdamW; in bfloat16 on a GPU, with float32 copies to add to."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import nn

from reader_training.examples import Example
from reader_training.model import Reader, first_piece, loss_of

WARM_UP = 0.06
_GATHERED = 16  # batches that are sorted by length together


def batches_of(examples: Sequence[Example], size: int, rng: random.Random) -> list[list[Example]]:
    """Return the examples in batches of like lengths, in random order."""
    order = list(range(len(examples)))
    rng.shuffle(order)
    found = []
    for at in range(0, len(order), size * _GATHERED):
        some = sorted(
            order[at : at + size * _GATHERED],
            key=lambda i: first_piece(examples[i]) + len(examples[i].passage),
        )
        found += [some[i : i + size] for i in range(0, len(some), size)]
    rng.shuffle(found)
    return [[examples[i] for i in batch] for batch in found]


def fit(
    model: Reader,
    epoch: Callable[[random.Random], Sequence[Example]],
    *,
    epochs: int,
    size: int,
    rate: float,
    seed: int,
    device: str,
    name: str,
    seconds: float = 1e9,
) -> None:
    """Fit a model in place.

    Args:
        model: float32.
        epoch: Gives the examples of an epoch.
        epochs: How many.
        size: Examples of a batch.
        rate: Highest learning rate; it rises over WARM_UP of the steps and falls to 0.
        seed: Of what is drawn.
        device: "cuda" or "cpu".
        name: For the lines of progress on stderr.
        seconds: After which the rate is 0 whatever the steps.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    learnt = [p for p in model.parameters() if p.requires_grad]
    copies = [nn.Parameter(p.detach().clone()) for p in learnt]
    slopes = [torch.zeros_like(c) for c in copies]
    if device == "cuda":
        model.to(torch.bfloat16)
    groups = [
        {"params": [c for c in copies if c.ndim > 1], "weight_decay": 0.01},
        {"params": [c for c in copies if c.ndim == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=device == "cuda")
    model.train()
    began, step, steps = time.monotonic(), 0, 0
    for _ in range(epochs):
        batches = batches_of(epoch(rng), size, rng)
        steps = steps or len(batches) * epochs
        for batch in batches:
            done = max(step / steps, (time.monotonic() - began) / seconds)
            if done >= 1:
                break
            now = rate * min(done / WARM_UP + 1e-3, (1 - done) / (1 - WARM_UP))
            for group in optimiser.param_groups:
                group["lr"] = now
            loss = loss_of(model, batch, device)
            loss.backward()
            torch._foreach_copy_(slopes, [p.grad for p in learnt])
            for copy, slope, parameter in zip(copies, slopes, learnt, strict=True):
                copy.grad, parameter.grad = slope, None
            nn.utils.clip_grad_norm_(copies, 1.0)
            optimiser.step()
            with torch.no_grad():
                torch._foreach_copy_(learnt, copies)
            step += 1
            if step % 500 == 0:
                spent = time.monotonic() - began
                print(
                    f"{name}: {step} of {steps}, loss {loss.item():.3f}, {spent:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    spent = time.monotonic() - began
    print(f"{name}: {step} steps of {size}, {spent:.0f} s", file=sys.stderr, flush=True)
    model.float()
    with torch.no_grad():
        torch._foreach_copy_(learnt, copies)
