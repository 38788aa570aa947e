"""Commands that change or list what is in the index: ingest, files, remove."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from filesearch.cli.options import count_to_stderr, index_option, json_option, print_json, say


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@index_option
@click.option("--prune", is_flag=True, help="Remove files below PATH that are gone from the disk.")
@click.option(
    "--rebuild",
    is_flag=True,
    help="Chunk and embed again what the index holds, with the settings of now.",
)
@click.option("--chunk-size", type=int, help="Tokens per chunk, 100 to 4096 [default: 800].")
@click.option(
    "--chunk-overlap",
    type=int,
    help="Tokens that neighbours share, at most half of a chunk [default: 400].",
)
@click.option(
    "--attr",
    "attributes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Attribute for every file of this call, for filters; may be repeated.",
)
@click.option(
    "--attr-from-path",
    "path_patterns",
    multiple=True,
    metavar="PATTERN",
    help="Attributes from the path below PATH, such as '{year}/{team}/*.pdf': {name}, {name:str}, "
    "{name:int}, *, ?, ** for any folders; may be repeated.",
)
@click.option(
    "--attr-from-columns/--no-attr-from-columns",
    "from_columns",
    default=None,
    help="Let filters choose among the rows of tables (csv, tsv, xlsx, json, jsonl) by their "
    "columns; each row is then embedded by itself [default: as the file has it, at first no].",
)
@click.option(
    "--ocr",
    type=click.Choice(["auto", "off", "all"]),
    help="Read text out of pictures: images and pages without text (auto), also the pictures in "
    "documents (all), or none (off) [default: auto]. What is unchanged stays as it was read: "
    "remove it from the index to have it read anew.",
)
@json_option
@click.pass_context
def ingest(
    ctx: click.Context,
    paths: tuple[str, ...],
    index: str | None,
    prune: bool,
    rebuild: bool,
    chunk_size: int | None,
    chunk_overlap: int | None,
    attributes: tuple[str, ...],
    ocr: str | None,
    path_patterns: tuple[str, ...],
    from_columns: bool | None,
    as_json: bool,
) -> None:
    """Bring the index in step with files and folders.

    Unchanged files cost only their hash. Hidden files, symbolic links and what an .fsearchignore
    file names are skipped. A JSON object in NAME.EXT.meta.json beside a file gives it attributes,
    over those of its path and its front matter. Exit code 1 says that some files could not be read.
    """
    from filesearch.attributes import parse_attribute
    from filesearch.engine import FileSearch
    from filesearch.render import ProgressBar, render_report

    if not paths and not rebuild:
        raise click.UsageError("give the files or folders to ingest, such as: fsearch ingest docs/")
    given = dict(parse_attribute(text) for text in attributes)
    with FileSearch(index, chunk_size=chunk_size, chunk_overlap=chunk_overlap, ocr=ocr) as fs:
        if rebuild:
            started = time.monotonic()
            count = fs.rebuild(on_progress=count_to_stderr("rebuilt"))
            seconds = time.monotonic() - started
            if not paths:
                if as_json:
                    print_json({"rebuilt": count, "seconds": seconds})
                else:
                    click.echo(f"rebuilt {count} files in {seconds:.1f} s")
                return
        with ProgressBar() as bar:
            report = fs.ingest(
                paths,
                attributes=given,
                attributes_from_path=path_patterns,
                attributes_from_columns=from_columns,
                prune=prune,
                on_progress=bar.update,
                on_wait=say,
            )
    if as_json:
        print_json(asdict(report))
    else:
        click.echo(render_report(report))
    if report.failed:
        ctx.exit(1)


@click.command()
@index_option
@click.option("--problems", is_flag=True, help="Only files with an error or a warning.")
@json_option
def files(index: str | None, problems: bool, as_json: bool) -> None:
    """List the files of the index."""
    from filesearch.engine import FileSearch
    from filesearch.render import render_files

    with FileSearch(index) as fs:
        records = fs.files()
    if problems:
        records = [record for record in records if record.error or record.warnings]
    if as_json:
        print_json([asdict(record) for record in records])
    else:
        click.echo(render_files(records))


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="FILE...")
@index_option
@json_option
def remove(targets: tuple[str, ...], index: str | None, as_json: bool) -> None:
    """Remove files from the index: by id, name, path, or a quoted pattern such as '*.csv'.

    The files on the disk stay as they are.
    """
    from filesearch.engine import FileSearch

    with FileSearch(index) as fs:
        removed = fs.remove(targets)
    if as_json:
        print_json([{"id": record.id, "filename": record.filename} for record in removed])
    else:
        for record in removed:
            click.echo(f"removed {record.filename}")
