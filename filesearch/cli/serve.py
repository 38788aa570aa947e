"""Commands that serve the index to other programs: mcp."""

from __future__ import annotations

import click

from filesearch.cli.options import index_option, say


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
