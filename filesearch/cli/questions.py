"""Commands that ask the index: ask, search."""

from __future__ import annotations

from dataclasses import asdict

import click

from filesearch.cli.options import (
    filter_option,
    index_option,
    json_option,
    parse_filter,
    print_json,
    ranking_options_given,
    ranking_options_options,
    top_k_option,
)


@click.command()
@click.argument("question")
@index_option
@click.option("--model", metavar="NAME", help="What answers [default: extractive, which quotes].")
@top_k_option
@filter_option
@ranking_options_options
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
    as_json: bool,
) -> None:
    """Answer QUESTION from the documents, with numbered sources.

    With --json the answer is an OpenAI message content part whose file_citation annotations
    also name file, page and span.
    """
    from filesearch.cite import content_part
    from filesearch.engine import FileSearch
    from filesearch.render import render_answer

    with FileSearch(index, chat_model=model) as fs:
        answer = fs.ask(
            question,
            top_k=top_k,
            filters=parse_filter(filter_text),
            ranking_options=ranking_options_given(ranker, score_threshold, vector_weight),
        )
    if as_json:
        print_json(content_part(answer))
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
