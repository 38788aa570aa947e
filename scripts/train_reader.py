#!/usr/bin/env python3
"""Train the answer reader: does a passage answer a question, and with which words?

    python scripts/train_reader.py retrieve DATA FOUND.json [--index DIR]
    python scripts/train_reader.py fit DATA FOUND.json --weights FILE --out DIR [--wordnet DIR]

`retrieve` writes which paragraphs of squad20_dev are found for each of its questions; it needs
filesearch alone. `fit` needs torch, transformers and onnx, and a GPU to end within the hour; of
filesearch it imports what splits sentences. It learns in two steps:

1. From made-up questions (reader_training/questions.py) about the texts of the sets in DATA that
   reader_training/texts.py names, with WordNet for synonyms and opposites (Debian: `apt-get install
   wordnet-base`). No paragraph of squad20_dev is among them.
2. From squad20_dev's questions: of every fold of articles a model learns what the others hold, and
   is asked about its own; printed is which share of the unanswerable questions is declined where 8%
   and 15% of the answerable ones are, and the area under the ROC curve, over all folds. Then
   FINALS models learn everything, and the mean of their weights is the reader.

DIR then holds reader-1.npz and reader-2.npz for scripts/export_reader.py, and readings.npz for
scripts/train_answerable.py (those of the packaged reader are in reader_training/): what the models
say that did not see the article, by a digest of the question's id. FILE is the
embedder's model.safetensors (see scripts/export_model.py), or an .npz of the same tensors.

The packaged reader is of one run on an H200: `--seconds 190`, 6 minutes in all. Declined at 15% by
the judged logit: 0.575. From squad20_dev alone, without the made-up questions, it was 0.43 (AUROC
0.72 where it is 0.80); with simpler ones, which replace words by their neighbours in the word table
alone, 0.525 on three of the five folds, where this has 0.55.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[1]))

from reader_training.examples import (
    FOLDS,
    Asked,
    Example,
    folds_of,
    key_of,
    make_examples,
    read_set,
    training_examples,
)
from reader_training.questions import make_words
from reader_training.texts import read_lines, read_passages
from reader_training.wordnet import read_wordnet

BUNDLED = Path(__file__).parents[1] / "filesearch" / "data" / "all-MiniLM-L6-v2"
SQUAD = "squad20_dev"
# Paragraphs kept of what is found for a question.
FOUND = 5
# Examples of a batch, highest learning rate, epochs; the first step ends by --seconds if earlier.
MADE_UP = {"size": 256, "rate": 4e-4, "epochs": 3}
REAL = {"size": 32, "rate": 1e-4, "epochs": 3}
DROPOUT = 0.1
# Questions also asked of a passage that does not answer; those with a word exchanged did not help.
SHARE_ELSEWHERE, SHARE_CHANGED = 0.3, 0.0
# Models of a fold, and of everything, whose weights are averaged.
SEEDS, FINALS = 2, 3
# A passage that was not found: no logit is below this.
ABSENT = -50.0

Readings = npt.NDArray[np.float32]


def main() -> int:
    """Run a step; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    steps = parser.add_subparsers(required=True, metavar="STEP")
    first = steps.add_parser("retrieve", help="write what is found for each question")
    second = steps.add_parser("fit", help="learn, and write the weights")
    for step in (first, second):
        step.add_argument("data", type=Path, help="folder of the sets")
        step.add_argument("found", type=Path, help="JSON: question id -> ids of paragraphs")
    first.add_argument("--index", type=Path, help="index to make or use again [a temporary one]")
    first.set_defaults(run=retrieve)
    second.add_argument("--weights", type=Path, required=True, help="of the embedder")
    second.add_argument("--out", type=Path, required=True, help="folder for what is made")
    second.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    second.add_argument("--rounds", type=int, default=12, help="questions of a fact [12]")
    second.add_argument("--seconds", type=float, default=1e9, help="most for the made-up ones")
    second.add_argument("--workers", type=int, default=FOLDS, help="models at once [5]")
    second.add_argument("--limit", type=int, help="questions and passages, to try it")
    second.set_defaults(run=fit_reader)
    options = parser.parse_args()
    if not (options.data / SQUAD / "answers.jsonl").is_file():
        parser.error(f"no {SQUAD}/answers.jsonl in '{options.data}'")
    return int(options.run(options))


def retrieve(options: argparse.Namespace) -> int:
    """Write which paragraphs are found for each question."""
    from filesearch import FileSearch
    from filesearch.evaluation.reading import read_set as read_corpus

    folder, found = options.data / SQUAD, {}
    with tempfile.TemporaryDirectory() as scratch, FileSearch(options.index or Path(scratch)) as fs:
        if not (fs.directory / "catalog.db").exists():
            corpus = read_corpus(folder).corpus
            assert not isinstance(corpus, Path), "the set has no corpus.jsonl"
            fs.ingest_documents(corpus)
        for line in read_lines(folder / "queries.jsonl"):
            found[line["_id"]] = [r.filename for r in fs.search(line["text"])][:FOUND]
    options.found.write_text(json.dumps(found), "utf-8")
    return 0


def fit_reader(options: argparse.Namespace) -> int:
    """Learn from made-up questions, cross-validate on real ones, learn those; write the weights."""
    tokenizer = Tokenizer.from_file(str(BUNDLED / "tokenizer.json"))
    table = word_table()
    words = make_words(read_wordnet(options.wordnet), tokenizer.get_vocab(), table)
    retrieved = json.loads(options.found.read_text("utf-8"))
    asked = read_set(options.data / SQUAD, retrieved, tokenizer, words)
    passages = read_passages(options.data)
    if options.limit:
        asked = random.Random(0).sample(asked, options.limit)
        passages = passages[: options.limit]
    folds = folds_of(asked)
    made = make_examples(tokenizer, passages, words, options.rounds, os.cpu_count() or 1)
    say(f"{len(asked)} questions; {len(made)} made up of {len(passages)} passages")

    import torch
    from reader_training.fitting import fit
    from reader_training.model import Reader, read_weights

    options.out.mkdir(parents=True, exist_ok=True)
    weights = read_weights(options.weights, table)
    with tempfile.TemporaryDirectory() as scratch:
        start = Path(scratch) / "start.pt"
        # They fork before this process uses the GPU: none can after that.
        with _Workers(options.workers, asked, folds, weights, start) as workers:
            device = find_device()
            torch.manual_seed(1)
            model = Reader(weights, 0.0).to(device)
            fit(
                model,
                lambda _rng: made,
                **MADE_UP,
                seed=1,
                device=device,
                name="made up",
                seconds=options.seconds,
            )
            torch.save(model.state_dict(), start)
            del model
            rows = _in_order(folds, workers.run([("fold", fold) for fold in range(FOLDS)]))
            for number in range(SEEDS):
                report(f"model {number + 1}", rows[number], asked)
            report("mean of their weights", rows[SEEDS], asked)
            np.savez_compressed(
                options.out / "readings.npz",
                keys=np.array([key_of(a.question_id) for a in asked]),
                folds=folds.astype(np.uint8),
                readings=rows[SEEDS][:, 1:, :2].astype(np.float16),
            )
            states = workers.run([("everything", number) for number in range(FINALS)])
    mean = {n: sum(s[n] for s in states.values()) / FINALS for n in states[0]}
    # In two files, for a place that takes only so much.
    first = [n for n in mean if any(f"layer.{i}." in n for i in range(3))]
    for name, part in (("reader-1", first), ("reader-2", [n for n in mean if n not in first])):
        np.savez(options.out / f"{name}.npz", **{n: mean[n].astype(np.float16) for n in part})
    say(f"wrote {options.out}")
    return 0


def word_table() -> npt.NDArray[np.float32]:
    """Return the bundled embedder's word table as it computes with it: float32 (words, 384)."""
    import onnx
    from onnx import numpy_helper

    tensors = {t.name: t for t in onnx.load(BUNDLED / "model.onnx").graph.initializer}
    whole, scale = (numpy_helper.to_array(tensors[n]) for n in ("words", "words.scale"))
    table: npt.NDArray[np.float32] = whole.astype(np.float32) * scale
    return table


def find_device() -> str:
    """Return "cuda" where there is a GPU, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


class _Workers:
    """Processes that each fit one model at a time, from where the made-up questions led."""

    def __init__(
        self,
        count: int,
        asked: list[Asked],
        folds: npt.NDArray[np.int64],
        weights: dict[str, npt.NDArray[Any]],
        start: Path,
    ) -> None:
        context = multiprocessing.get_context("fork")
        self._todo, self._done = context.Queue(), context.Queue()
        arguments = (self._todo, self._done, asked, folds, weights, start)
        self._processes = [context.Process(target=work, args=arguments) for _ in range(count)]

    def __enter__(self) -> _Workers:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            process.terminate()

    def run(self, jobs: list[tuple[str, int]]) -> dict[int, Any]:
        """Return what came of each job, by its number."""
        for job in jobs:
            self._todo.put(job)
        found = {}
        for _ in jobs:
            number, result = self._done.get()
            if isinstance(result, str):
                sys.exit(f"train_reader: a model could not be fitted: {result}")
            found[number] = result
        return found


def work(
    todo: Any,
    done: Any,
    asked: list[Asked],
    folds: npt.NDArray[np.int64],
    weights: dict[str, npt.NDArray[Any]],
    start: Path,
) -> None:
    """Do jobs: "fold" gives readings, "everything" the weights of a model of all questions."""
    import torch
    from reader_training.fitting import fit
    from reader_training.model import Reader, predict

    torch.set_num_threads(2)
    device = find_device()

    def fitted(some: list[Asked], seed: int, name: str) -> Reader:
        torch.manual_seed(seed)
        model = Reader(weights, DROPOUT).to(device)
        model.load_state_dict(torch.load(start, map_location=device))
        fit(
            model,
            lambda rng: training_examples(some, rng, SHARE_ELSEWHERE, SHARE_CHANGED),
            **REAL,
            seed=seed,
            device=device,
            name=name,
        )
        return model

    def state_of(model: Reader) -> dict[str, npt.NDArray[np.float32]]:
        return {
            n: v.float().cpu().numpy()
            for n, v in model.state_dict().items()
            if v.is_floating_point() and "word_embeddings" not in n
        }

    def read(model: Reader, held_out: list[Asked]) -> Readings:
        if device == "cuda":
            model.to(torch.bfloat16)
        items = [item for a in held_out for item in _items(a)]
        rows = predict(model, items, device).reshape(len(held_out), 1 + FOUND, 4)
        for row, a in zip(rows, held_out, strict=True):
            row[1 + len(a.retrieved) :, :2] = ABSENT
        model.float()
        return rows

    def fold(number: int) -> Readings:
        some = [a for a, f in zip(asked, folds, strict=True) if f != number]
        held_out = [a for a, f in zip(asked, folds, strict=True) if f == number]
        models = [fitted(some, seed, f"fold {number}, {seed}") for seed in range(SEEDS)]
        states = [state_of(model) for model in models]
        rows = [read(model, held_out) for model in models]
        mean = {n: torch.tensor(sum(s[n] for s in states) / SEEDS) for n in states[0]}
        models[0].load_state_dict(mean, strict=False)
        return np.stack([*rows, read(models[0], held_out)])

    while True:
        kind, number = todo.get()
        try:
            if kind == "fold":
                done.put((number, fold(number)))
            else:
                done.put((number, state_of(fitted(asked, 10 + number, f"everything, {number}"))))
        except Exception as error:  # noqa: BLE001
            done.put((number, f"{type(error).__name__}: {error}"))


def _items(a: Asked) -> list[Example]:
    """Return the question with its own paragraph, and with those that were found."""
    found = [r[:2] for r in a.retrieved[:FOUND]]
    found += [(a.example.context, a.example.passage[:1])] * (FOUND - len(found))
    return [a.example, *(Example(a.example.question, c, p, -1, -1) for c, p in found)]


def _in_order(folds: npt.NDArray[np.int64], rows: dict[int, Readings]) -> Readings:
    """Return float32 (SEEDS + 1, questions, 1 + FOUND, 4): the folds put together."""
    some = next(iter(rows.values()))
    whole = np.zeros((len(some), len(folds), *some.shape[2:]), np.float32)
    for fold, found in rows.items():
        whole[:, folds == fold] = found
    return whole


def report(title: str, rows: Readings, asked: list[Asked]) -> None:
    """Print what is declined of the unanswerable questions.

    Args:
        title: Of the models.
        rows: float32 (questions, 1 + FOUND, 4), of the own paragraph and of those found.
        asked: The questions.
    """
    is_answer = np.array([a.example.start >= 0 for a in asked])
    both = rows[..., 0] / 2 + rows[..., 1]
    print(f"| {title} | declined at 8% | at 15% | AUROC |\n|---|---|---|---|")
    for name, scores in (
        ("own paragraph, span", rows[:, 0, 0]),
        ("own paragraph, judged", rows[:, 0, 1]),
        ("own paragraph, both", both[:, 0]),
        *((f"best of {k} found, both", both[:, 1 : 1 + k].max(axis=1)) for k in (1, 3, 5)),
    ):
        good, bad = scores[is_answer], scores[~is_answer]
        limits = [np.quantile(good, share, method="lower") for share in (0.08, 0.15)]
        ordered = np.sort(bad)
        above = np.searchsorted(ordered, good, "left") + np.searchsorted(ordered, good, "right")
        shares = " | ".join(f"{np.mean(bad < limit):.3f}" for limit in limits)
        print(f"| {name} | {shares} | {above.mean() / (2 * len(bad)):.3f} |")
    spans = np.array([(a.example.start, a.example.end) for a in asked])
    exact = (rows[:, 0, 2:] == spans).all(axis=1)[is_answer].mean()
    print(f"\nexactly the answer's words in its own paragraph: {exact:.3f}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
