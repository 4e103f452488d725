"""``delegation explain``: why one pair works or not, by an edge that has no write."""

import json

import click

from delegation.cli import explained, opening, options
from delegation.cli.migrate.liberties import given_liberties, with_checkpoints
from delegation.errors import UsageError
from delegation.explain.pair_explained import PairRequest, explain_pair


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("source")
@click.argument("target")
@click.option(
    "--as", "user", metavar="USER", help="Who runs the migration: whether USER can be delegated."
)
@click.option(
    "--hosts", is_flag=True, help="Look at both hosts too; done where remoting is in the inventory."
)
@click.option("--vm", metavar="NAME", help="And have the source check this virtual machine.")
@with_checkpoints("Check")
@options.text_or_json
@click.pass_context
def explain(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    source: str,
    target: str,
    user: str | None,
    hosts: bool,  # noqa: FBT001 - click passes it by name
    vm: str | None,
    form: str,
) -> int:
    """Explain why one pair works or not, link by link.

    SOURCE and TARGET are hosts of the inventory, or any computer of the domain by account name or
    FQDN. The first broken link is named with its fix, and with the error that a migration usually
    ends with. With --hosts the hosts themselves are asked, each by itself as remoting.user: remote
    management, rights, migration service, live-migration settings, where the target listens, and
    with --vm the source's own check of that machine, which proves no storage. One with checkpoints
    or differencing disks is checked --with-checkpoints, as it is moved. Nothing is written
    anywhere, and nothing is moved.

    \b
    Examples:
      delegation explain hv01 hv02
      delegation explain hv01 hv02 --as vmadmin    the operator's account too
      delegation explain hv01 hv02 --vm web01      with the check of moving web01
      delegation explain hv01.corp.example sofs01 --format json

    Exit codes: 0 no broken link, 1 a link is broken, 2 no such name can be meant.
    """
    given = options.given(ctx)
    world = opening.world(given)
    if user is not None and not user.strip():
        raise UsageError("--as is empty", "name a user, as in vmadmin or vmadmin@corp.example")
    is_with_checkpoints = given_liberties(ctx).with_checkpoints
    if is_with_checkpoints and vm is None:
        raise UsageError("--with-checkpoints is about a virtual machine", "name it: --vm NAME")
    request = PairRequest(
        source,
        target,
        user,
        hosts,
        vm,
        logon_needed=given.hosts_password_file is not None,
        with_checkpoints=is_with_checkpoints,
    )
    view = explain_pair(world, request)
    if form == "json":
        click.echo(json.dumps(view.to_json(), indent=1))
    else:
        explained.show(view, given)
    return 1 if view.explanation.broken else 0
