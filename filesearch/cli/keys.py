"""Commands for the keys of the server: keys create, list, revoke."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from filesearch.cli.options import index_option, json_option, print_json, say

if TYPE_CHECKING:
    from filesearch.keys import Key


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of the server.

    As soon as an index has a key, or FSEARCH_API_KEY is set, `fsearch serve` asks every caller
    for one; it always does where other machines can reach it. A running server takes notice
    within a second.
    """


@keys.command()
@click.argument("name", default="")
@index_option
@click.option(
    "--rate",
    "requests_per_minute",
    type=click.IntRange(1, 1_000_000),
    help="Requests a minute that it may send [default: what --rate of `fsearch serve` says].",
)
@json_option
def create(name: str, index: str | None, requests_per_minute: int | None, as_json: bool) -> None:
    """Make a key and show it, once: only its hash is kept.

    NAME is for you, to tell keys apart. The index is made where there is none.
    """
    from filesearch.engine import FileSearch
    from filesearch.keys import Keys

    with FileSearch(index) as fs:
        fs.open(create=True)
        key, secret = Keys(fs.objects).create(name, requests_per_minute=requests_per_minute)
    if as_json:
        print_json({**asdict(key), "key": secret})
        return
    click.echo(secret)
    say(f"this is {key.id}; keep the key, it is not shown again")


@keys.command(name="list")
@index_option
@json_option
def list_keys(index: str | None, as_json: bool) -> None:
    """List the keys, the revoked ones too."""
    from filesearch.engine import FileSearch
    from filesearch.keys import Keys

    with FileSearch(index) as fs:
        fs.open()
        found = Keys(fs.objects).list()
    if as_json:
        print_json([asdict(key) for key in found])
        return
    for key in found:
        click.echo(_line(key))
    if not found:
        say("there are no keys; make one with: fsearch keys create")


@keys.command()
@click.argument("key_id", metavar="KEY_ID")
@index_option
@json_option
def revoke(key_id: str, index: str | None, as_json: bool) -> None:
    """Make a key invalid, for good. KEY_ID is what `fsearch keys list` shows.

    What was made with it stays.
    """
    from filesearch.engine import FileSearch
    from filesearch.keys import Keys

    with FileSearch(index) as fs:
        fs.open()
        key = Keys(fs.objects).revoke(key_id)
    if as_json:
        print_json(asdict(key))
    else:
        click.echo(f"{key.id} is revoked")


def _line(key: Key) -> str:
    said = [key.id, f"...{key.hint}", f"made {_day(key.created_at)}"]
    said.append(f"used {_day(key.last_used_at)}" if key.last_used_at else "never used")
    if key.requests_per_minute:
        said.append(f"{key.requests_per_minute} requests a minute")
    if key.revoked_at:
        said.append(f"REVOKED {_day(key.revoked_at)}")
    return "  ".join([*said, key.name]).rstrip()


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
