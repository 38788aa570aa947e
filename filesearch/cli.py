"""Command line: `fsearch`, a shell over the library.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 some files
failed, 2 usage or input, 3 a problem with the index, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click

from filesearch import __version__
from filesearch.errors import FilesearchError, InvalidFilter

_Command = TypeVar("_Command", bound=Callable[..., Any])
DEBUG_VARIABLE = "FILESEARCH_DEBUG"
_INTERRUPTED = "interrupted; what was finished is kept"
# Set by Ctrl-C: an interrupt within the import of a C extension comes out as an ImportError.
_interrupt = threading.Event()


class _Group(click.Group):
    """Turns the package's errors, and unforeseen ones, into a line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except FilesearchError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            _fail(_INTERRUPTED, 130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        # The edge: a person gets a sentence, whoever debugs sets the variable.
        except Exception as error:
            if _interrupt.is_set():
                _fail(_INTERRUPTED, 130)
            if os.environ.get(DEBUG_VARIABLE):
                raise
            _fail(
                f"unexpected {type(error).__name__}: {error}; please report it, with the "
                f"traceback that {DEBUG_VARIABLE}=1 shows",
                1,
            )


def _fail(message: str, exit_code: int) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    raise click.exceptions.Exit(exit_code)


def _index_option(command: _Command) -> _Command:
    return click.option(
        "--index",
        metavar="DIR",
        help="Directory of the index [default: FSEARCH_INDEX or indexes/default].",
    )(command)


def _json_option(command: _Command) -> _Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON and nothing else on standard output."
    )(command)


def _filter_option(command: _Command) -> _Command:
    return click.option(
        "--filter",
        "filter_text",
        metavar="FILTER",
        help="Only files whose attributes match: key=value, or OpenAI's JSON such as "
        '\'{"type": "gte", "key": "year", "value": 2024}\'.',
    )(command)


def _top_k_option(command: _Command) -> _Command:
    return click.option(
        "--top-k",
        type=click.IntRange(1, 1000),
        default=8,
        show_default=True,
        help="How many passages.",
    )(command)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fsearch")
def cli() -> None:
    """Search and ask your own documents, with citations.

    Settings come from flags, then FSEARCH_* variables, then fsearch.toml in the working
    directory.
    """


@cli.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@_index_option
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
@_json_option
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
    as_json: bool,
) -> None:
    """Bring the index in step with files and folders.

    Unchanged files cost only their hash. Hidden files, symbolic links and what an .fsearchignore
    file names are skipped. Exit code 1 says that some files could not be read.
    """
    from filesearch.attributes import parse_attribute
    from filesearch.engine import FileSearch
    from filesearch.render import ProgressBar, render_report

    if not paths and not rebuild:
        raise click.UsageError("give the files or folders to ingest, such as: fsearch ingest docs/")
    given = dict(parse_attribute(text) for text in attributes)
    with FileSearch(index, chunk_size=chunk_size, chunk_overlap=chunk_overlap) as fs:
        if rebuild:
            started = time.monotonic()
            count = fs.rebuild(on_progress=_count_to_stderr("rebuilt"))
            seconds = time.monotonic() - started
            if not paths:
                if as_json:
                    _print_json({"rebuilt": count, "seconds": seconds})
                else:
                    click.echo(f"rebuilt {count} files in {seconds:.1f} s")
                return
        with ProgressBar() as bar:
            report = fs.ingest(
                paths,
                attributes=given,
                prune=prune,
                on_progress=bar.update,
                on_wait=_say,
            )
    if as_json:
        _print_json(asdict(report))
    else:
        click.echo(render_report(report))
    if report.failed:
        ctx.exit(1)


@cli.command()
@click.argument("question")
@_index_option
@click.option("--model", metavar="NAME", help="What answers [default: extractive, which quotes].")
@_top_k_option
@_filter_option
@_json_option
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
        _print_json(content_part(answer))
    else:
        click.echo(render_answer(answer))


@cli.command()
@click.argument("query")
@_index_option
@_top_k_option
@_filter_option
@click.option("--explain", is_flag=True, help="Show what keyword and vector search gave.")
@_json_option
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
        _print_json([asdict(result) for result in results])
    else:
        click.echo(render_results(results, explain=explain))


@cli.command()
@_index_option
@click.option("--problems", is_flag=True, help="Only files with an error or a warning.")
@_json_option
def files(index: str | None, problems: bool, as_json: bool) -> None:
    """List the files of the index."""
    from filesearch.engine import FileSearch
    from filesearch.render import render_files

    with FileSearch(index) as fs:
        records = fs.files()
    if problems:
        records = [record for record in records if record.error or record.warnings]
    if as_json:
        _print_json([asdict(record) for record in records])
    else:
        click.echo(render_files(records))


@cli.command()
@_index_option
@_json_option
def stats(index: str | None, as_json: bool) -> None:
    """Show what the index holds and what it costs."""
    from filesearch.engine import FileSearch
    from filesearch.render import render_stats

    with FileSearch(index) as fs:
        found = fs.stats()
    if as_json:
        _print_json(asdict(found))
    else:
        click.echo(render_stats(found))


@cli.command()
@click.argument("targets", nargs=-1, required=True, metavar="FILE...")
@_index_option
@_json_option
def remove(targets: tuple[str, ...], index: str | None, as_json: bool) -> None:
    """Remove files from the index: by id, name, path, or a quoted pattern such as '*.csv'.

    The files on the disk stay as they are.
    """
    from filesearch.engine import FileSearch

    with FileSearch(index) as fs:
        removed = fs.remove(targets)
    if as_json:
        _print_json([{"id": record.id, "filename": record.filename} for record in removed])
    else:
        for record in removed:
            click.echo(f"removed {record.filename}")


@cli.command()
@_index_option
@click.option("--repair", is_flag=True, help="Rebuild what is damaged from the catalog's text.")
@_json_option
@click.pass_context
def verify(ctx: click.Context, index: str | None, repair: bool, as_json: bool) -> None:
    """Check every segment and offset against the catalog.

    Exit code 3 says that something is damaged.
    """
    from filesearch.engine import FileSearch
    from filesearch.render import render_verification

    with FileSearch(index) as fs:
        found = fs.verify(should_repair=repair, on_progress=_count_to_stderr("rebuilt"))
    if as_json:
        _print_json(asdict(found))
    else:
        click.echo(render_verification(found))
    if found.damages:
        ctx.exit(3)


@cli.command()
@_index_option
@_json_option
def compact(index: str | None, as_json: bool) -> None:
    """Merge all segments into one and drop what was removed."""
    from filesearch.engine import FileSearch

    with FileSearch(index) as fs:
        merged = fs.compact()
    if as_json:
        _print_json({"merged": merged})
    else:
        click.echo(f"merged {merged} segments" if merged else "nothing to merge")


@cli.command()
@_index_option
@_json_option
@click.pass_context
def doctor(ctx: click.Context, index: str | None, as_json: bool) -> None:
    """Check that everything filesearch needs is there and works."""
    from filesearch.doctor import examine
    from filesearch.render import render_checks

    checks = examine(index)
    if as_json:
        _print_json([asdict(check) for check in checks])
    else:
        click.echo(render_checks(checks))
    if not all(check.is_ok for check in checks):
        ctx.exit(3)


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
    except json.JSONDecodeError as error:
        raise InvalidFilter(f"filter is not JSON: {error}; the text is {text!r}") from error
    return found


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)


def _count_to_stderr(verb: str) -> Callable[[int, int], None]:
    """Return a progress function that counts on a terminal and is silent elsewhere."""

    def report(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{verb} {done}/{total} files", err=True, nl=done == total)

    return report


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    _interrupt.set()
    signal.default_int_handler(number, frame)


def main() -> None:
    """Run the command line; the entry point of `fsearch`."""
    signal.signal(signal.SIGINT, _on_interrupt)
    try:
        cli(prog_name="fsearch")
    except BrokenPipeError:
        # The reader of our output left: not an error, but Python would say so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
