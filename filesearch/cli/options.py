"""Options and output that several commands share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from filesearch.errors import InvalidFilter
from filesearch.terminal import escaped, escaped_text

if TYPE_CHECKING:
    from filesearch.events import RunEvent

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SHOWN = 200  # characters of what cannot be read


def answer_once() -> None:
    """Prepare a process that answers one question; call it before numpy is loaded.

    The threads of numpy's OpenBLAS spin for 0.1 s when they have been made, on a core that others
    could use, and one question multiplies no matrix that is worth sharing out. On 2 busy cores a
    search from a cold process takes a tenth less time for it.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def index_option(command: _Command) -> _Command:
    """Give a command `--index`."""
    return click.option(
        "--index",
        metavar="DIR",
        help="Directory of the index [default: FSEARCH_INDEX or indexes/default].",
    )(command)


def json_option(command: _Command) -> _Command:
    """Give a command `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON and nothing else on standard output."
    )(command)


def filter_option(command: _Command) -> _Command:
    """Give a command `--filter`; its text goes through `parse_filter`."""
    return click.option(
        "--filter",
        "filter_text",
        metavar="FILTER",
        help="Only files whose attributes match: key=value, or OpenAI's JSON such as "
        '\'{"type": "gte", "key": "year", "value": 2024}\'.',
    )(command)


def top_k_option(command: _Command) -> _Command:
    """Give a command `--top-k`."""
    return click.option(
        "--top-k",
        type=click.IntRange(1, 1000),
        help="How many passages [default: FSEARCH_TOP_K or 8].",
    )(command)


def ranking_options_options(command: _Command) -> _Command:
    """Give a command `--ranker`, `--score-threshold`, `--vector-weight`."""
    for add in (
        click.option(
            "--vector-weight",
            type=click.FloatRange(0, 1),
            help="Share of the vector score in fusion, 0 to 1 [default: it follows the question].",
        ),
        click.option(
            "--score-threshold",
            type=click.FloatRange(0, 1),
            help="Leave out passages with a lower score, 0 to 1.",
        ),
        click.option(
            "--ranker",
            type=click.Choice(["auto", "none"]),
            default="auto",
            help="auto: the reranker of the settings; none: passages as they are fused.",
        ),
    ):
        command = add(command)
    return command


def ranking_options_given(
    ranker: str, score_threshold: float | None, vector_weight: float | None
) -> dict[str, Any]:
    """Return what `ranking_options_options` took as OpenAI's ranking options."""
    weights = None
    if vector_weight is not None:
        weights = {"embedding_weight": vector_weight, "text_weight": 1 - vector_weight}
    return {"ranker": ranker, "score_threshold": score_threshold, "hybrid_search": weights}


def parse_filter(text: str | None) -> dict[str, Any] | None:
    """Return the filter in `text`: OpenAI's JSON, or key=value for equality; None for None.

    Raises:
        InvalidFilter: Neither of the two.
    """
    from filesearch.attributes import parse_attribute

    if text is None:
        return None
    if not text.lstrip().startswith("{"):
        key, value = parse_attribute(text)
        return {"type": "eq", "key": key, "value": value}
    try:
        found: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFilter(f"filter is not JSON: {error}; the text is {_cut(text)!r}") from error
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def print_json(value: object) -> None:
    """Print `value` as JSON on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_as_written(events: Iterator[RunEvent]) -> Iterator[RunEvent]:
    """Print an answer's text, with a number at each citation, while its events pass through."""
    from filesearch.events import CitationAdded, MessageCompleted, SearchStarted, TextDelta

    for event in events:
        if isinstance(event, SearchStarted) and sys.stderr.isatty():
            queries = escaped("; ".join(event.queries))
            say(click.style(f"searching for {queries}", dim=True))
        elif isinstance(event, TextDelta):
            click.echo(escaped_text(event.text), nl=False)
        elif isinstance(event, CitationAdded):
            click.echo(f" [{event.citation.number}]", nl=False)
        elif isinstance(event, MessageCompleted):
            click.echo("\n")
        sys.stdout.flush()
        yield event


def say(sentence: str) -> None:
    """Print a sentence on standard error."""
    click.echo(sentence, err=True)


def count_to_stderr(verb: str, noun: str = "files") -> Callable[[int, int], None]:
    """Return a progress function that counts on a terminal and is silent elsewhere."""

    def report(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{verb} {done}/{total} {noun}", err=True, nl=done == total)

    return report
