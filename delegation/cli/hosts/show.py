"""``delegation hosts show``: the hosts' settings as they are."""

import json

import click

from delegation.cli import opening, options, terminal, views
from delegation.cli.hosts import tables
from delegation.hosts.settings_verbs import show_settings


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("hosts", required=False, metavar="[HOSTS]")
@options.text_or_json
@click.pass_context
def show(ctx: click.Context, hosts: str | None, form: str) -> int:
    """Show the hosts' live-migration settings as they are.

    All hosts of the inventory, or HOSTS, as in hv[01-08],hv12. Nothing is changed.

    \b
    Examples:
      delegation hosts show
      delegation hosts show hv[01-08]
      delegation hosts show --format json

    Exit codes: 0 all were read, 1 some could not be.
    """
    given = options.given(ctx)
    world = opening.world(given)
    view = show_settings(world, limit=hosts)
    if form == "json":
        click.echo(json.dumps(view.to_json(), indent=1))
        tables.unreachable(view.unreachable)
    else:
        views.show(view, given)
    if any(row.differ for row in view.hosts):
        terminal.say(f"next    {given.command('hosts', 'plan', *options.again(hosts))}")
    return 1 if view.unreachable else 0
