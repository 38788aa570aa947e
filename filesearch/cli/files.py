"""Commands that change or list what is in the index: ingest, files, remove."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import click

from filesearch.cli.options import count_to_stderr, index_option, json_option, print_json, say
from filesearch.terminal import escaped

if TYPE_CHECKING:
    from filesearch.engine import FileSearch
    from filesearch.progress import JsonLines
    from filesearch.reports import IngestReport


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@index_option
@click.option("--prune", is_flag=True, help="Remove files below PATH that are gone from the disk.")
@click.option(
    "--watch",
    "should_watch",
    is_flag=True,
    help="Go on and take in what changes, removals too, until Ctrl-C.",
)
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@click.option("--checksum", is_flag=True, help="Compare contents, whatever sizes and times say.")
@click.option("--allow-url", is_flag=True, help="Fetch the http(s) URLs among PATH.")
@click.option(
    "--name", "stream_name", metavar="NAME", help="What to call standard input, given as PATH -."
)
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
    "documents (all), or none (off) [default: auto]. Files in which that finds more than when they "
    "were read are read anew.",
)
@json_option
@click.option(
    "--json-lines",
    "as_json_lines",
    is_flag=True,
    help="Print what happens as it does, one JSON object a line, for programs.",
)
@click.pass_context
def ingest(
    ctx: click.Context,
    paths: tuple[str, ...],
    index: str | None,
    prune: bool,
    should_watch: bool,
    dry_run: bool,
    checksum: bool,
    allow_url: bool,
    stream_name: str | None,
    rebuild: bool,
    chunk_size: int | None,
    chunk_overlap: int | None,
    attributes: tuple[str, ...],
    ocr: str | None,
    path_patterns: tuple[str, ...],
    from_columns: bool | None,
    as_json: bool,
    as_json_lines: bool,
) -> None:
    """Bring the index in step with files, folders, patterns such as 'docs/**/*.md', and URLs.

    Of a folder, hidden files, symbolic links and what a .gitignore or .fsearchignore names are
    skipped; '!*.pdf' in an .fsearchignore takes back what git leaves out. A file whose size and
    times are those of the last ingest is not read; one that was moved keeps its id. A JSON
    object in NAME.EXT.meta.json beside a file gives it attributes, over those of its path and its
    front matter. Exit code 1 says that some files could not be read.

    - is standard input: fsearch ingest - --name notes.md < file. A URL is fetched only from a
    public address, and named by its URL.

    An ingest that was interrupted, even by kill -9, goes on where it stopped when it is run again:
    what was committed stays, at most some seconds of work are done anew.

    The objects of --json-lines have an "event": "start" with files and bytes; "file" with what
    became of one (filename, status, error, warnings, pages, tables, characters, chunks, windows,
    seconds); "progress", at most twice a second, with files_done, files_total, bytes_done,
    bytes_total, windows_done, windows_per_s, seconds, seconds_left and filename; "end" with the
    counts and totals, which is missing when the ingest did not finish.
    """
    from filesearch.attributes import parse_attribute
    from filesearch.engine import FileSearch
    from filesearch.heap import give_arrays_back
    from filesearch.progress import JsonLines, show_progress
    from filesearch.render import render_dry_run, render_report

    if not paths and not rebuild:
        raise click.UsageError("give the files or folders to ingest, such as: fsearch ingest docs/")
    if as_json and as_json_lines:
        raise click.UsageError("choose one of --json and --json-lines")
    if ("-" in paths) != (stream_name is not None):
        raise click.UsageError("standard input needs a name: fsearch ingest - --name notes.md")
    if should_watch and (dry_run or as_json or rebuild or "-" in paths):
        raise click.UsageError("--watch goes with neither --dry-run, --json, --rebuild nor -")
    if dry_run and rebuild:
        raise click.UsageError("--dry-run does not go with --rebuild")
    given = dict(parse_attribute(text) for text in attributes)
    give_arrays_back()
    with FileSearch(index, chunk_size=chunk_size, chunk_overlap=chunk_overlap, ocr=ocr) as fs:
        if rebuild:
            started = time.monotonic()
            count = fs.rebuild(on_progress=count_to_stderr("rebuilt"))
            seconds = time.monotonic() - started
            if not paths:
                if as_json_lines:
                    click.echo(json.dumps({"event": "end", "rebuilt": count, "seconds": seconds}))
                elif as_json:
                    print_json({"rebuilt": count, "seconds": seconds})
                else:
                    click.echo(f"rebuilt {count} files in {seconds:.1f} s")
                return
        lines = JsonLines() if as_json_lines else None
        if should_watch:
            rules = {
                "attributes": given,
                "attributes_from_path": path_patterns,
                "attributes_from_columns": from_columns,
            }
            _watch(fs, paths, rules, lines)
            return
        # Where both are read together, the report names what is wrong, and once is enough.
        names_problems = as_json or not _go_together(sys.stdout, sys.stderr)
        with lines or show_progress(names_problems=names_problems) as shown:
            report = fs.ingest(
                [path for path in paths if path != "-"],
                attributes=given,
                attributes_from_path=path_patterns,
                attributes_from_columns=from_columns,
                prune=prune,
                checksum=checksum,
                allow_url=allow_url,
                streams=None if stream_name is None else {stream_name: sys.stdin.buffer},
                dry_run=dry_run,
                on_progress=shown.update,
                on_wait=say,
            )
    if lines is not None:
        (lines.tell if dry_run else lines.end)(report)
    elif as_json:
        print_json(asdict(report))
    else:
        click.echo((render_dry_run if dry_run else render_report)(report))
    if report.failed:
        ctx.exit(1)


def _go_together(one: TextIO, other: TextIO) -> bool:
    try:
        return os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError, AttributeError):  # closed, or no file at all
        return False


def _watch(
    fs: FileSearch, paths: tuple[str, ...], rules: dict[str, Any], lines: JsonLines | None
) -> None:
    """Watch until Ctrl-C; say what was done, first of all that is there."""
    from filesearch.render import render_changes, render_report

    has_begun = False

    def tell(report: IngestReport) -> None:
        nonlocal has_begun
        if lines is not None:
            lines.tell(report)
        elif has_begun:
            click.echo(render_changes(report))
        else:
            click.echo(render_report(report))
            say("watching; end with Ctrl-C")
        has_begun = True
        sys.stdout.flush()

    try:
        fs.watch(paths, **rules, on_report=tell, on_note=lambda note: say(escaped(note)))
    except KeyboardInterrupt:
        say("stopped watching")


@click.command()
@index_option
@click.option("--problems", is_flag=True, help="Only files with an error or a warning.")
@json_option
def files(index: str | None, problems: bool, as_json: bool) -> None:
    """List the files of the index."""
    from filesearch.engine import FileSearch
    from filesearch.render import render_files, render_problems

    with FileSearch(index) as fs:
        records = fs.files()
    total = len(records)
    if problems:
        records = [record for record in records if record.error or record.warnings]
    if as_json:
        print_json([asdict(record) for record in records])
    elif problems:
        click.echo(render_problems(records, total=total))
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
            click.echo(f"removed {escaped(record.filename)}")
