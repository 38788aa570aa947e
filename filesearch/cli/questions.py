"""Commands that ask the index: ask, search."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from filesearch.cli.options import (
    answer_once,
    filter_option,
    index_option,
    json_option,
    parse_filter,
    print_json,
    ranking_options_given,
    ranking_options_options,
    show_as_written,
    top_k_option,
)


@click.command()
@click.argument("question")
@index_option
@click.option(
    "--model",
    metavar="NAME",
    help="What answers: extractive, which quotes; or a language model such as ollama:NAME, "
    "openai:NAME [default: FSEARCH_CHAT_MODEL or extractive].",
)
@top_k_option
@filter_option
@ranking_options_options
@click.option(
    "--stream/--no-stream",
    "is_streamed",
    default=None,
    help="Show the answer as it is written [default: on a terminal].",
)
@json_option
def ask(
    question: str,
    index: str | None,
    model: str | None,
    top_k: int | None,
    filter_text: str | None,
    ranker: str,
    score_threshold: float | None,
    vector_weight: float | None,
    is_streamed: bool | None,
    as_json: bool,
) -> None:
    """Answer QUESTION from the documents, with numbered sources.

    With --json the answer is an OpenAI message content part whose file_citation annotations
    also name file, page, span and support; beside it stand is_answered, uncited (sentences that
    state a fact without a source), dropped_markers, model and incomplete_reason (why the answer
    was cut, null for a whole one). Without any answer the exit code is 4.
    """
    answer_once()
    from filesearch.assistant import answer_of
    from filesearch.cite import content_part
    from filesearch.engine import FileSearch
    from filesearch.errors import ChatFailed
    from filesearch.render import render_answer, render_grounds
    from filesearch.shortfall import shortfall

    if is_streamed is None:
        is_streamed = sys.stdout.isatty()
    with FileSearch(index, chat_model=model) as fs:
        events = fs.stream(
            question,
            top_k=top_k,
            filters=parse_filter(filter_text),
            ranking_options=ranking_options_given(ranker, score_threshold, vector_weight),
        )
        answer = answer_of(show_as_written(events) if is_streamed and not as_json else events)
    if as_json:
        print_json(
            {
                **content_part(answer),
                "is_answered": answer.is_answered,
                "uncited": list(answer.uncited),
                "dropped_markers": answer.dropped_markers,
                "model": answer.model,
                "incomplete_reason": answer.incomplete_reason,
            }
        )
    if not answer.plain_text.strip():
        raise ChatFailed(shortfall(answer))
    if as_json:
        return
    if is_streamed:
        click.echo(render_grounds(answer))
    else:
        click.echo(render_answer(answer))


@click.command()
@click.argument("query")
@index_option
@top_k_option
@filter_option
@ranking_options_options
@click.option("--no-rewrite", is_flag=True, help="Search for QUERY as it is, in one piece.")
@click.option(
    "--explain",
    is_flag=True,
    help="Show what was searched for, and what keyword and vector search gave.",
)
@json_option
def search(
    query: str,
    index: str | None,
    top_k: int | None,
    filter_text: str | None,
    ranker: str,
    score_threshold: float | None,
    vector_weight: float | None,
    no_rewrite: bool,
    explain: bool,
    as_json: bool,
) -> None:
    """Print the passages that match QUERY, best first.

    With --json they are a list; with --explain as well, an object of the queries, what was done to
    the question, and the list: {"search_query", "notes", "data"}.
    """
    answer_once()
    from filesearch.engine import FileSearch
    from filesearch.plan import unplanned
    from filesearch.render import render_plan, render_results

    with FileSearch(index) as fs:
        plan = unplanned(query) if no_rewrite else fs.plan(query)
        results = fs.search(
            plan,
            top_k=top_k,
            filters=parse_filter(filter_text),
            ranking_options=ranking_options_given(ranker, score_threshold, vector_weight),
        )
    found = [asdict(result) for result in results]
    if as_json and explain:
        print_json({"search_query": plan.queries, "notes": plan.notes, "data": found})
    elif as_json:
        print_json(found)
    else:
        if explain:
            click.echo(render_plan(plan))
        click.echo(render_results(results, explain=explain))
