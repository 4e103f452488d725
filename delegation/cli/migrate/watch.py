"""``delegation migrate watch``: what migrations do on a target, as SMB sees it."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from delegation.cli import opening, options, terminal
from delegation.cli.migrate import traffic
from delegation.errors import UsageError
from delegation.migrations.smb.target_view import TargetView, news_of_looks
from delegation.migrations.wanted_moves import host_labels

if TYPE_CHECKING:
    from delegation.migrations.smb.smb_watch import SmbWatch


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("host")
@click.option("--once", is_flag=True, help="One look, and no more.")
@options.forms("text", "json", purpose="json is one look.")
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
    inventory = opening.load(given)
    label, *others = host_labels([host], inventory)
    if others:
        raise UsageError(f"{host} is more than one host", "watch one; open a window for each")
    world = opening.world_of(given, inventory)
    place_of = world.host_places()
    place, account = place_of(label), world.hosts_account()

    from delegation.migrations.smb.looks import looks, one_look
    from delegation.migrations.smb.smb_watch import SmbWatch

    def connect() -> "SmbWatch":
        return SmbWatch(place, account)

    if once or form == "json":
        view = TargetView(label, one_look(connect))
        if form == "json":
            click.echo(json.dumps(view.to_json(), indent=1))
        else:
            traffic.show(view, given)
        return 0
    seen = looks(connect)
    try:
        if sys.stdout.isatty():
            traffic.live(label, seen, colours=not given.no_color)
        else:
            for line in news_of_looks(seen):
                now = datetime.now().astimezone()  # by the admin's own clock
                terminal.out(f"{now:%H:%M:%S}  {line}")
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    return 0
