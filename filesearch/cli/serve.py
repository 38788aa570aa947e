"""Commands that serve the index to other programs: serve, mcp."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from filesearch.cli.options import index_option, say
from filesearch.errors import InvalidSetting

if TYPE_CHECKING:
    from filesearch.server.process import Job

_MEBIBYTE = 2**20
_BACKLOG = 2048


@click.command()
@index_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 is all of this machine. Any that other machines can "
    "reach needs a key.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes any that is free.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that serve the index together.",
)
@click.option(
    "--db",
    metavar="URL",
    help="Catalog on PostgreSQL, such as postgresql://user@host/name "
    "[default: FSEARCH_DB or SQLite in the index].",
)
@click.option("--strict", is_flag=True, help="Refuse parameters that the API does not know.")
@click.option("--isolate-keys", is_flag=True, help="Show each key only what was made with it.")
@click.option(
    "--rate",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Requests a minute for each key that has no limit of its own [default: no limit].",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="One more name by which the server may be called, such as that of a proxy in front; "
    "may be repeated, * is any.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Pages that may call from a browser, such as http://localhost:3000; may be repeated, "
    "* is all [default: none].",
)
@click.option(
    "--max-upload-mb",
    type=click.IntRange(1, 1 << 20),
    default=512,
    show_default=True,
    help="Largest file that may be uploaded, in MiB.",
)
@click.option(
    "--max-body-mb",
    type=click.IntRange(1, 1 << 20),
    default=32,
    show_default=True,
    help="Largest request of any other kind, in MiB.",
)
@click.option(
    "--grace",
    "grace_s",
    type=click.FloatRange(1, 3600),
    default=10.0,
    show_default=True,
    help="Seconds to finish or put back what is under way, when the server is told to end.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="One line per request on standard error [default: text on a terminal, else json].",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least that is logged; warning leaves requests out.",
)
def serve(
    index: str | None,
    host: str,
    port: int,
    workers: int,
    db: str | None,
    strict: bool,
    isolate_keys: bool,
    rate: int | None,
    allow_hosts: tuple[str, ...],
    cors_origins: tuple[str, ...],
    max_upload_mb: int,
    max_body_mb: int,
    grace_s: float,
    log_format: str | None,
    log_level: str,
) -> None:
    """Serve the OpenAI API over the index: files, vector stores, assistants, responses, chat.

    A program written for the hosted API runs against it with another base_url:

        OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")

    The index is made where there is none. Without keys everybody on this machine may call, with
    any api_key; see `fsearch keys`. Documentation is at /docs, what is counted at /metrics,
    whether it lives and can work at /healthz and /readyz. SIGTERM or Ctrl-C ends it in order:
    what is under way is finished or put back, to be taken up at the next start.
    """
    from filesearch.config import load_settings
    from filesearch.server.context import ServeOptions
    from filesearch.server.guard.guard import Access
    from filesearch.server.process import Job

    job = Job(
        settings=load_settings({"index": index, "db": db}),
        options=ServeOptions(
            is_strict=strict,
            isolates_keys=isolate_keys,
            max_file_bytes=max_upload_mb * _MEBIBYTE,
            max_body_bytes=max_body_mb * _MEBIBYTE,
        ),
        access=Access(
            host=host,
            allow_hosts=allow_hosts,
            cors_origins=cors_origins,
            requests_per_minute=rate,
        ),
        log_format="text" if (log_format or _usual_format()) == "text" else "json",
        log_level=log_level,
        grace_s=grace_s,
    )
    listener = _listen(host, port)
    on_ready = _announcer(host, listener.getsockname()[1])
    with listener:
        if workers == 1:
            from filesearch.server.process import serve as serve_here

            serve_here(job, listener, on_ready=on_ready)
        else:
            _serve_with_workers(job, listener, workers, on_ready)


def _usual_format() -> str:
    return "text" if sys.stderr.isatty() else "json"


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        InvalidSetting: The port is taken, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    is_dual = host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=is_dual
        )
    except OSError as error:
        raise InvalidSetting(
            f"port {port} of {host} cannot be served ({error.strerror or error}); choose another "
            "with --port, or an address of this machine with --host"
        ) from error
    listener.setblocking(False)
    return listener


def _announcer(host: str, port: int) -> Callable[[bool], None]:
    """Return what tells the user, once the server is ready, how to use it."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{shown}:{port}"

    def announce(is_key_required: bool) -> None:
        key = "YOUR_KEY" if is_key_required else "none"
        click.echo(f"serving the OpenAI API at {url}/v1")
        click.echo(f'use it with: OpenAI(base_url="{url}/v1", api_key="{key}")')
        click.echo(f"documentation: {url}/docs")
        sys.stdout.flush()

    return announce


def _serve_with_workers(
    job: Job, listener: socket.socket, workers: int, on_ready: Callable[[bool], None]
) -> None:
    import msgspec

    from filesearch.server.guard.logs import set_up_logging
    from filesearch.server.supervisor import Supervisor

    set_up_logging(job.log_format, job.log_level)
    with TemporaryDirectory(prefix="fsearch-serve-") as directory:
        shared = msgspec.structs.replace(job, directory=directory)
        supervisor = Supervisor(
            workers,
            msgspec.json.encode(shared),
            listener,
            directory=Path(directory),
            grace_s=2 * job.grace_s,
            on_ready=on_ready,
        )
        exit_code = supervisor.run()
    if exit_code:
        raise click.exceptions.Exit(exit_code)


@click.command()
@index_option
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="With --http: an address of this machine alone.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="With --http: the port; 0 takes any that is free.",
)
def mcp(index: str | None, http: bool, host: str, port: int) -> None:
    """Give the index to assistants that speak the Model Context Protocol.

    They get the tools search, ask, read_passage and list_files, and see nothing but what is in
    the index. Without --http the protocol runs over standard input and output, as assistants
    expect of a program that they start:

        {"command": "fsearch", "args": ["mcp", "--index", "/path/to/index"]}

    Needs the extra `mcp`.
    """
    from filesearch.engine import FileSearch
    from filesearch.mcp_server import make_server, serve_http, serve_stdio

    with FileSearch(index) as fs:
        fs.files()  # an index that is not there is said here, not at the first call
        server = make_server(fs)
        if http:
            serve_http(
                server, host=host, port=port, on_ready=lambda url: say(f"serving MCP at {url}")
            )
        else:
            serve_stdio(server)
