"""Command that measures search on judged queries: eval."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from filesearch.cli.options import count_to_stderr, json_option, print_json, say
from filesearch.terminal import escaped

_NAMED = 5


@click.command("eval")
@click.argument("directory", metavar="DIR")
@click.option(
    "--stages",
    "stage_names",
    metavar="A,B",
    default="bm25,dense,rrf,hybrid,rerank",
    show_default=True,
    help="Which stages of search to run.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run N of the judged queries, the same ones each time.",
)
@click.option(
    "--qrels",
    metavar="FILE",
    help="File in DIR with the judgments [default: qrels.tsv, or else the only qrels*.tsv].",
)
@click.option(
    "--corpus",
    metavar="NAME",
    help="File or folder in DIR with the documents [default: corpus.jsonl, or else the only "
    "folder].",
)
@click.option("--plot", metavar="FILE.png", help="Draw the figures as a picture.")
@click.option(
    "--index-cache",
    metavar="FOLDER",
    default="indexes/eval",
    show_default=True,
    help="Where the index is kept for the next time.",
)
@click.option("--rebuild", is_flag=True, help="Make the index again, even if it is kept.")
@json_option
def evaluate_set(
    directory: str,
    stage_names: str,
    sample: int | None,
    qrels: str | None,
    corpus: str | None,
    plot: str | None,
    index_cache: str,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Measure how well each stage of search finds what was judged relevant, and how fast.

    DIR holds corpus.jsonl (_id, title and text a line) or a folder of files, queries.jsonl (_id
    and text a line) and qrels.tsv (query, document and grade, tab-separated, below a header row).
    Needs the extra `eval`.

    Neighbouring stages are compared by a paired bootstrap over the queries. What is left out of
    the set is said on standard error.
    """
    from filesearch.adapters import make_embedder
    from filesearch.config import load_settings
    from filesearch.evaluation.index_cache import cached_index
    from filesearch.evaluation.measures import load_ir_measures
    from filesearch.evaluation.plotting import check_plot, draw_plot
    from filesearch.evaluation.reading import read_set, sample_queries
    from filesearch.evaluation.running import evaluate, parse_stages
    from filesearch.progress import show_progress
    from filesearch.render import render_evaluation

    load_ir_measures()
    stages = parse_stages(stage_names)
    if plot is not None:
        check_plot(Path(plot))
    settings = load_settings()
    data = read_set(Path(directory), corpus=corpus, qrels=qrels)
    for warning in data.warnings:
        say(f"warning: {escaped(warning)}")
    if sample is not None:
        data = sample_queries(data, sample)
    embedder = make_embedder(settings.embedder, threads=settings.embed_threads)
    with _pointing_at_rebuild():
        with show_progress(names_problems=False) as shown:
            index = cached_index(
                data,
                Path(index_cache),
                settings=settings,
                embedder=embedder,
                rebuild=rebuild,
                on_progress=shown.update,
                on_wait=say,
            )
        for filename, error in list(index.failures.items())[:_NAMED]:
            say(f"warning: {escaped(f'{filename} cannot be found: {error}')}")
        if len(index.failures) > _NAMED:
            say(f"warning: {len(index.failures) - _NAMED} more files cannot be found")
        evaluation = evaluate(
            data,
            index.path,
            settings=settings,
            embedder=embedder,
            stages=stages,
            on_query=count_to_stderr("ran", "queries"),
        )
    if plot is not None:
        draw_plot(evaluation, Path(plot))
    if as_json:
        print_json(evaluation.as_json())
    else:
        click.echo(render_evaluation(evaluation))


@contextmanager
def _pointing_at_rebuild() -> Iterator[None]:
    """Name --rebuild as the way out when the kept index cannot be used.

    A message ends with its way out, after a semicolon: here one that is for other indexes.
    """
    from filesearch.errors import IndexProblem, NotFound

    try:
        yield
    except (IndexProblem, NotFound) as error:
        what = str(error).rpartition("; ")[0] or str(error)
        raise IndexProblem(f"{what}; make the index again with --rebuild") from error
