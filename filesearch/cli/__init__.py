"""Command line: `fsearch`, a shell over the library.

Results go to standard output, everything else to standard error. The exit codes stand in the help
of `fsearch`.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from filesearch import __version__
from filesearch.cli import chat, evaluate, files, keys, questions, serve, summaries, upkeep
from filesearch.disk_space import no_space_reason
from filesearch.errors import DiskFull, FilesearchError
from filesearch.open_files import as_too_many_open_files
from filesearch.terminal import escaped

DEBUG_VARIABLE = "FILESEARCH_DEBUG"
# New objects before the garbage collector looks at them, instead of 700. What a command imports
# is 100,000 objects that stay: walking them again and again takes 7% of a search from a cold
# process. With this many it looks once in a command that answers, and goes on looking in `serve`.
_GARBAGE_THRESHOLD = 50_000
_INTERRUPTED = "interrupted; what was finished is kept"
# Set by Ctrl-C: an interrupt within the import of a C extension comes out as an ImportError.
_interrupt = threading.Event()


class _Group(click.Group):
    """Turns the package's errors, and unforeseen ones, into a line and an exit code."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:  # noqa: ANN401
        try:  # --help and --version print here
            return super().make_context(*args, **more)
        except BrokenPipeError:
            _end_unread()

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _end_unread()
        except FilesearchError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            _fail(_INTERRUPTED, 130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        # The edge: a person gets a sentence, whoever debugs sets the variable.
        except Exception as error:
            if _is_of_output(error):
                raise  # `main` says so
            if _interrupt.is_set():
                _fail(_INTERRUPTED, 130)
            if reason := no_space_reason(error):  # what is written besides the index
                _fail(f"no space left ({reason}); free some and try again", DiskFull.exit_code)
            if too_many := as_too_many_open_files(error):
                _fail(str(too_many), too_many.exit_code)
            if os.environ.get(DEBUG_VARIABLE):
                raise
            _fail(
                f"unexpected {type(error).__name__}: {error}; please report it, with the "
                f"traceback that {DEBUG_VARIABLE}=1 shows",
                1,
            )


def _end_unread() -> NoReturn:
    """End without an error: the reader of our output left. Left to itself, click calls it one."""
    raise click.exceptions.Exit(0)


def _fail(message: str, exit_code: int) -> NoReturn:
    with suppress(OSError):  # where nobody can read it, the code still tells
        click.echo(f"Error: {escaped(message)}", err=True)
    raise click.exceptions.Exit(exit_code)


def _is_of_output(error: Exception) -> bool:
    """Return whether it is the output that could not be written.

    Nothing else tells: such an error names no file, and a disk that is full gives the same one.
    """
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    return isinstance(error, OSError) and frames[-1].f_code is click.echo.__code__


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fsearch")
def cli() -> None:
    """Search and ask your own documents, with citations.

    Settings come from flags, then FSEARCH_* variables, then fsearch.toml in the working
    directory.

    Exit codes: 0 done, 1 some files failed, the output could not be written, or an error nobody
    foresaw, 2 usage or input, 3 a problem with the index, 4 a chat model or a reranker gave no
    answer, 130 interrupted.
    """


for _command in (
    files.ingest,
    questions.ask,
    questions.search,
    chat.chat,
    summaries.summarize,
    files.files,
    files.remove,
    upkeep.stats,
    upkeep.verify,
    upkeep.compact,
    upkeep.doctor,
    upkeep.models,
    evaluate.evaluate_set,
    serve.serve,
    keys.keys,
    serve.mcp,
):
    cli.add_command(_command)


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    _interrupt.set()
    signal.default_int_handler(number, frame)


def _open_closed_streams() -> None:
    """Let a stream that was closed before we began lead nowhere; Python leaves None in its place.

    The next file that is opened would take its number, and with it what is written there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - stays open
            setattr(sys, name, nowhere)


def main() -> NoReturn:
    """Run the command line; the entry point of `fsearch`. Ends the process."""
    _open_closed_streams()
    signal.signal(signal.SIGINT, _on_interrupt)
    gc.set_threshold(_GARBAGE_THRESHOLD)
    exit_code, failure = 0, None
    try:
        cli(prog_name="fsearch")
    except SystemExit as stop:
        exit_code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except OSError as error:
        if not _is_of_output(error):
            raise
        exit_code, failure = 1, error
    _leave(exit_code, failure)


def _leave(exit_code: int, failure: OSError | None) -> NoReturn:
    """End the process as it stands: taking the loaded libraries apart first takes 0.2 s.

    Commands close what they opened, so nothing is left to do but to hand on the output.

    Args:
        exit_code: What it ends with, if the output can be written.
        failure: Why it could not.
    """
    try:
        if failure is not None:
            raise failure
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BrokenPipeError:
        pass  # its reader left
    except OSError as error:
        with suppress(OSError):
            os.write(2, f"Error: the output could not be written: {error}\n".encode())
        exit_code = exit_code or 1
    os._exit(exit_code)
