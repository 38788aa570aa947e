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
    top_k_option,
)


@click.command()
@click.argument("question")
@index_option
@click.option("--model", metavar="NAME", help="What answers [default: extractive, which quotes].")
@top_k_option
@filter_option
@json_option
def ask(
    question: str,
    index: str | None,
    model: str | None,
    top_k: int,
    filter_text: str | None,
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
        answer = fs.ask(question, top_k=top_k, filters=parse_filter(filter_text))
    if as_json:
        print_json(content_part(answer))
    else:
        click.echo(render_answer(answer))


@click.command()
@click.argument("query")
@index_option
@top_k_option
@filter_option
@click.option("--explain", is_flag=True, help="Show what keyword and vector search gave.")
@json_option
def search(
    query: str,
    index: str | None,
    top_k: int,
    filter_text: str | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Print the passages that match QUERY, best first."""
    from filesearch.engine import FileSearch
    from filesearch.render import render_results

    with FileSearch(index) as fs:
        results = fs.search(query, top_k=top_k, filters=parse_filter(filter_text))
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        click.echo(render_results(results, explain=explain))
