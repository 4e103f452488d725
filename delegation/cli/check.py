"""``delegation check``: what is wrong before anything is written, and whether it could be."""

import json

import click

from delegation import names
from delegation.cli import findings, opening, options, terminal
from delegation.mesh import audit_watch, preflight
from delegation.mesh.preflight import CheckView


@click.command()
@options.common()
@options.text_or_json
@findings.operators
@click.pass_context
def check(ctx: click.Context, form: str, operators: tuple[str, ...]) -> int:
    """Look for everything wrong with the inventory and its accounts.

    Every problem of the file comes in one run, as file:line:column. Then the directory: what a
    plan would refuse, what is dangerous, and whether the account that is logged on can write.
    Nothing is written anywhere. Where the inventory names no domain controller and DNS knows
    none, that is a warning, and the file alone is judged.

    \b
    Examples:
      delegation check
      delegation check --as vmadmin    can vmadmin run migrations?
      delegation -i lab.yaml --directory ldif:export.ldf check

    Exit codes: 0 fine, 1 high findings, 2 the inventory is invalid.
    """
    given = options.given(ctx)
    inventory = opening.load(given)
    hosts = f"{len(inventory.hosts):,} hosts ({names.fold(inventory.hosts)})"
    terminal.say(f"{given.inventory} is valid: {hosts}", fg="green")
    world = opening.world_of(given, inventory)
    view = preflight.check(world, operators)
    if form == "json":
        click.echo(json.dumps(view.to_json(), indent=1))
    elif view.was_read:
        _show(view, verbose=given.verbose)
    audit_watch.tell_late(world.records, world.now(), world.teller, world.audited_as)
    return 1 if view.has_high else 0


def _show(view: CheckView, *, verbose: bool) -> None:
    found = view.found
    findings.show(findings.lines(found.findings, found.accepted, verbose=verbose))
    terminal.out(f"  can this account write? {view.write.answer}")
    for sentence in view.write.evidence:
        terminal.out(f"            {sentence}")
