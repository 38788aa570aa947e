#!/usr/bin/env python3
"""Six assistants discuss a question over your documents, on one thread.

    scripts/examples/six_hats.py "Should we open the studio on Sundays?" [--index DIR]
        [--model NAME] [--rounds 1]

De Bono's six thinking hats: the blue hat moderates, the white one gives facts, the red one
feelings, the black one risks, the yellow one benefits, the green one ideas. Each turn is a run of
its own with its own instructions; all of them read and write the same thread, so that the next
speaker sees what was said. The default model quotes documents; with a language model (such as
--model ollama:qwen2.5) they discuss.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from filesearch import Answer, FileSearch, FilesearchError, RunOptions

RULES = (
    "You are one of six people who discuss a question. Speak in at most five sentences, only in "
    "your own role, and answer to what was said before. Your role: "
)


@dataclass(frozen=True)
class Hat:
    """A role in the discussion."""

    name: str
    role: str


MODERATOR = Hat("blue", "you moderate: open, keep to the question, and sum up in the end.")
ROLES = (
    Hat("white", "you give facts and figures from the documents, with their sources."),
    Hat("red", "you say what people will feel about it, without reasons."),
    Hat("black", "you name risks and what speaks against it."),
    Hat("yellow", "you name benefits and what speaks for it."),
    Hat("green", "you bring in new ideas and alternatives."),
)


def discuss(fs: FileSearch, question: str, *, rounds: int = 1) -> Iterator[tuple[Hat, Answer]]:
    """Yield each turn of a discussion: the moderator opens and closes, the roles speak between."""
    thread = fs.threads.create({"topic": question[:500]})
    turns = [(MODERATOR, f"Open the discussion: {question}")]
    for number in range(rounds):
        turns += [(hat, f"{hat.name} hat, round {number + 1}: {question}") for hat in ROLES]
    turns.append((MODERATOR, f"Sum up the discussion: {question}"))
    for hat, prompt in turns:
        options = RunOptions(instructions=RULES + hat.role)
        yield hat, fs.ask(prompt, thread_id=thread.id, options=options)


def main() -> int:
    """Print the discussion; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("question")
    parser.add_argument("--index", help="directory of the index")
    parser.add_argument("--model", help="what answers, such as ollama:NAME")
    parser.add_argument("--rounds", type=int, default=1, help="how often each role speaks [1]")
    options = parser.parse_args()
    try:
        with FileSearch(options.index, chat_model=options.model) as fs:
            for hat, answer in discuss(fs, options.question, rounds=options.rounds):
                print(f"{hat.name.upper()}: {answer.text}\n", flush=True)
    except FilesearchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
