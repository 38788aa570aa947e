"""Commands that look after the index, and what it works with: stats, verify, doctor, models."""

from __future__ import annotations

from dataclasses import asdict

import click

from filesearch.cli.options import count_to_stderr, index_option, json_option, print_json

# Common words, which touch more of the postings than most questions do.
_ANY_QUESTION = "How does it work, and what is needed before it can be used?"


@click.command()
@index_option
@click.option(
    "--memory",
    "with_memory",
    is_flag=True,
    help="Search once, and show what that takes in memory, part by part (on Linux).",
)
@click.option("--store", "store_id", metavar="ID", help="Count this vector store alone.")
@json_option
def stats(index: str | None, with_memory: bool, store_id: str | None, as_json: bool) -> None:
    """Show what the index holds and what it costs.

    The figures are those of all vector stores; of more than one, each has a line or, with --json,
    an object of the list "stores". Catalog and blobs belong to all of them. --memory searches
    --store; without, what `fsearch ingest` fills or, where that is empty, the largest.

    With --memory the object of --json has a "memory": {"steps", "files", "own_bytes",
    "resident_bytes", "peak_bytes"}.
    """
    from filesearch.engine import FileSearch
    from filesearch.render_costs import render_memory, render_stats

    with FileSearch(index) as fs:
        memory = fs.memory(_ANY_QUESTION, store_id) if with_memory else None
        found = fs.stats(store_id)
    if as_json:
        print_json(asdict(found) | ({"memory": asdict(memory)} if memory else {}))
        return
    click.echo(render_stats(found))
    if memory:
        click.echo(render_memory(memory))


@click.command()
@index_option
@click.option("--repair", is_flag=True, help="Rebuild what is damaged from the catalog's text.")
@json_option
@click.pass_context
def verify(ctx: click.Context, index: str | None, repair: bool, as_json: bool) -> None:
    """Check every segment and offset, and that the bytes of files are there.

    Exit code 3 says that something is damaged, 1 that only the bytes of some files are missing.
    """
    from filesearch.engine import FileSearch
    from filesearch.render import render_verification

    with FileSearch(index) as fs:
        found = fs.verify(should_repair=repair, on_progress=count_to_stderr("rebuilt"))
    if as_json:
        print_json(asdict(found))
    else:
        click.echo(render_verification(found))
    if found.damages or found.without_bytes:
        ctx.exit(3 if found.damages else 1)


@click.command()
@index_option
@json_option
def compact(index: str | None, as_json: bool) -> None:
    """Merge all segments into one and drop what was removed.

    With --json: {"merged", "catalog_freed_bytes"}.
    """
    from filesearch.engine import FileSearch
    from filesearch.render_costs import render_compaction

    freed: list[int] = []
    with FileSearch(index) as fs:
        merged = fs.compact(on_freed=freed.append)
    if as_json:
        print_json({"merged": merged, "catalog_freed_bytes": sum(freed)})
    else:
        click.echo(render_compaction(merged, sum(freed)))


@click.command()
@index_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, index: str | None, as_json: bool) -> None:
    """Check that everything filesearch needs is there and works."""
    from filesearch.doctor import examine
    from filesearch.render import render_checks

    checks = examine(index)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        click.echo(render_checks(checks))
    if not all(check.is_ok for check in checks):
        ctx.exit(3)


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List the models that settings can name, and what each still needs.

    Chat models, embedders and rerankers; an asterisk marks those that the settings name. No model
    is loaded and no server asked.

    With --json they are a list of {"setting", "name", "what", "needs", "is_chosen"}; "needs" is
    empty where a model can be used as things are.
    """
    from filesearch.config import load_settings
    from filesearch.model_choices import model_choices
    from filesearch.render import render_models

    choices = model_choices(load_settings())
    if as_json:
        print_json([asdict(choice) for choice in choices])
    else:
        click.echo(render_models(choices))
