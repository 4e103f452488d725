"""``delegation migrate watch``: what migrations do on a target, as SMB sees it."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import click

from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import planning, traffic
from delegation.errors import HostUnreachable, UsageError
from delegation.migrations.smb.traffic import Traffic

if TYPE_CHECKING:
    from delegation.migrations.smb import SmbWatch

SECONDS = 2.0
"""Between two looks."""


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("host")
@click.option("--once", is_flag=True, help="One look, and no more.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json is one look.",
)
@click.pass_context
def watch(ctx: click.Context, host: str, once: bool, form: str) -> int:  # noqa: FBT001
    """Show what migrations do on a target, as SMB sees it.

    The temporary hidden shares through which sources write disks, the sessions of their clients,
    and the files that are open, with their sizes as they grow: what Get-SmbShare, Get-SmbSession
    and Get-SmbOpenFile show there. It only looks; remoting.user has to be an administrator of the
    host. Ctrl-C ends it. Where its output is no terminal, it tells what changes, a line each.

    \b
    Examples:
      delegation migrate watch hv02
      delegation migrate watch hv02 --once
      delegation migrate watch hv02 --format json
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    label, *others = planning.labels([host], inventory)
    if others:
        raise UsageError(f"{host} is more than one host", "watch one; open a window for each")
    place = wiring.host_places(given, inventory)(label)
    account = wiring.hosts_account(given, inventory)

    from delegation.migrations.smb import SmbWatch

    def connect() -> "SmbWatch":
        return SmbWatch(place, account)

    if once or form == "json":
        with closing(connect()) as watched:
            seen = watched.look()
        if form == "json":
            click.echo(json.dumps(traffic.data(label, seen), indent=1))
        else:
            traffic.show(label, seen)
        return 0
    looks = _looks(connect)
    try:
        if sys.stdout.isatty():
            traffic.live(label, looks, colours=not given.no_color)
        else:
            for line in traffic.changes(looks):
                terminal.out(f"{datetime.now():%H:%M:%S}  {line}")  # noqa: DTZ005 - the admin's own clock
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    return 0


def _looks(connect: Callable[[], "SmbWatch"]) -> Iterator[tuple[float, Traffic | str]]:
    """Looks for as long as somebody wants them, each with its time; or why there is none now.

    A host that can't be reached any more is tried again, but not one that was never reached.
    """
    watched: SmbWatch | None = connect()
    while True:
        try:
            if watched is None:
                watched = connect()
            yield time.monotonic(), watched.look()
        except HostUnreachable as exc:
            if watched is not None:
                watched.close()
            watched = None
            yield time.monotonic(), exc.what
        time.sleep(SECONDS)
