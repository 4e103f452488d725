"""``delegation hosts show``: the hosts' settings as they are."""

import json

import click

from delegation.cli import options, terminal, wiring
from delegation.cli.hosts import survey, tables
from delegation.report import host_settings


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("hosts", required=False, metavar="[HOSTS]")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
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
    inventory = wiring.load(given)
    labels = survey.in_scope(inventory, hosts)
    found = survey.read(inventory, wiring.open_host(given, inventory), labels)
    data = host_settings.show_data(inventory, found.proposal, found.readings, found.unreachable)
    if form == "json":
        click.echo(json.dumps(data, indent=1))
        tables.unreachable(data["unreachable"])
    else:
        tables.hosts(data)
    if any(host["differ"] for host in data["hosts"]):
        terminal.say(f"next    {given.command('hosts', 'plan')}")
    return 1 if found.unreachable else 0
